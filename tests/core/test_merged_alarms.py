"""What a merged incident brings along and takes with it: its open zones, and what ends a hold."""

from datetime import timedelta
from uuid import UUID

import pytest

from core.alarmed_site import AlarmedSite
from tocsin.core.commands import (
    HoldIncident,
    MergeIncidents,
    ReportStatus,
    SplitIncident,
    TakeIncident,
)
from tocsin.core.confirmation import Confirming, ConfirmRule
from tocsin.core.incidents import evolving
from tocsin.core.incidents.alarms import OPEN_ZONES_MAX
from tocsin.core.incidents.facts import IncidentAbsorbed, IncidentSplit
from tocsin.core.incidents.state import (
    IncidentState,
    IncidentStep,
    due,
    open_zones,
    open_zones_more,
)
from tocsin.core.obligations import deadline
from tocsin.core.terms import IncidentType, Level
from tocsin.core.units import UnitState


def zones(site: AlarmedSite, one: UUID) -> list[str]:
    return [zone.sensor.zone for zone in open_zones(site.world.incident(one))]


def merged(*codes: tuple[str, str]) -> tuple[AlarmedSite, UUID, UUID]:
    """A site, its incident, and another site's that it was merged into."""
    site = AlarmedSite()
    other = site.world.signal(site.world.hear("BA", "9", site=site.world.id())).incident
    assert other is not None
    for code, zone in codes:
        site.hear(code, zone)
    one = site.id
    site.world.do(MergeIncidents(one, other))
    return site, one, other


# -- open zones ------------------------------------------------------------------------------------


def test_open_zones_are_seen_where_the_incident_lives_on_and_leave_with_it() -> None:
    site, one, other = merged(("BA", "1"), ("BA", "2"))
    assert zones(site, other) == ["9", "1", "2"]
    site.world.do(SplitIncident(one))
    assert (zones(site, other), zones(site, one)) == (["9"], ["1", "2"])
    assert site.world.rebuilt() == site.world.states


def test_a_restore_after_the_merge_closes_the_zone_also_after_the_split() -> None:
    site, one, other = merged(("BA", "1"), ("BA", "2"))
    restore = site.hear("BR", "1")
    assert site.signal(restore).incident == other
    assert zones(site, other) == ["9", "2"]
    site.world.do(SplitIncident(one))
    assert (zones(site, other), zones(site, one)) == (["9"], ["2"])
    assert site.world.rebuilt() == site.world.states


def test_a_restore_finds_the_zone_where_it_was_brought_to() -> None:
    """A newer incident of the site is open, where it would be said otherwise."""
    site, _, other = merged(("BA", "1"))
    site.hear("FA", "8")
    restore = site.hear("BR", "1")
    assert site.signal(restore).incident == other
    assert zones(site, other) == ["9"]


def test_a_restore_of_before_the_alarm_closes_no_zone_that_was_brought() -> None:
    site, _, other = merged(("BA", "1"))
    site.hear("BR", "1", age_s=60)
    assert zones(site, other) == ["9", "1"]


def test_a_zone_that_alarms_again_after_the_merge_is_named_once() -> None:
    site, one, other = merged(("BA", "1"))
    site.after(30)
    site.hear("BA", "1")
    found = open_zones(site.world.incident(other))
    assert [(zone.sensor.zone, zone.since == site.world.now) for zone in found] == [
        ("9", False),
        ("1", True),
    ]
    site.hear("BR", "1")
    assert zones(site, other) == ["9"]
    site.world.do(SplitIncident(one))
    assert zones(site, one) == []


def test_zones_follow_a_chain_of_merges_and_come_back_from_its_end() -> None:
    site, one, other = merged(("BA", "1"), ("BA", "2"))
    last = site.world.call(IncidentType.BURGLARY)
    site.world.do(MergeIncidents(other, last))
    assert zones(site, last) == ["9", "1", "2"]
    site.hear("BR", "2")
    assert zones(site, last) == ["9", "1"]
    site.world.do(SplitIncident(other))
    assert (zones(site, last), zones(site, other)) == ([], ["9", "1"])
    site.world.do(SplitIncident(one))
    assert (zones(site, other), zones(site, one)) == (["9"], ["1"])
    assert site.world.rebuilt() == site.world.states


def test_so_many_zones_are_named_and_no_more() -> None:
    site, _, other = merged(*(("BA", str(zone)) for zone in range(1, OPEN_ZONES_MAX)))
    incident = site.world.incident(other)
    assert (len(open_zones(incident)), open_zones_more(incident)) == (OPEN_ZONES_MAX, False)
    site, one, other = merged(*(("BA", str(zone)) for zone in range(1, OPEN_ZONES_MAX + 1)))
    incident = site.world.incident(other)
    assert (len(open_zones(incident)), open_zones_more(incident)) == (OPEN_ZONES_MAX, True)
    site.world.do(SplitIncident(one))
    assert len(zones(site, one)) == OPEN_ZONES_MAX


def test_a_merge_in_the_log_of_before_zones_were_told_is_split_with_all_of_them() -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    burglary, call = site.id, site.world.call(IncidentType.BURGLARY)
    into = evolving.evolve(
        site.world.incident(call), IncidentAbsorbed(burglary, (), signal_count=1, alarm_count=1)
    )
    assert open_zones(into) == ()
    site.world.do(MergeIncidents(burglary, call))
    site.world.states[call] = into
    site.world.do(SplitIncident(burglary))
    assert site.world.log[-2][2] == IncidentSplit(call)
    assert zones(site, burglary) == ["1"]


# -- holds -----------------------------------------------------------------------------------------


def held(site: AlarmedSite, level: Level = Level.P3) -> UUID:
    call = site.world.call(IncidentType.BURGLARY, level=level)
    site.world.do(HoldIncident(call, site.world.now + timedelta(hours=4), "keyholder on the way"))
    return call


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(("code", "level"), [("FA", Level.P1), ("BA", Level.P2)])
def test_an_alarm_that_is_merged_into_what_is_held_ends_the_hold(
    code: str, level: Level, taken: bool
) -> None:
    site = AlarmedSite()
    into = held(site)
    site.hear(code, "1")
    one = site.id
    if taken:
        site.world.do(TakeIncident(one))
    site.world.do(MergeIncidents(one, into))
    after = site.world.incident(into)
    assert (after.state, after.level) == (IncidentState.TAKEN, level)
    by = due(after)
    assert by == deadline(site.world.now, site.world.obligations.assign_s[level - 1])
    assert site.world.rebuilt() == site.world.states


def test_an_alarm_that_waits_for_a_second_one_ends_it_too() -> None:
    site = AlarmedSite(Confirming(ConfirmRule.TWO_ZONES))
    into = held(site)
    site.hear("BA", "1")
    assert site.incident.watch
    site.world.do(MergeIncidents(site.id, into))
    assert site.world.incident(into).state is IncidentState.TAKEN


@pytest.mark.parametrize("what", ["trouble", "long ago", "held", "served"])
def test_what_may_wait_ends_no_hold(what: str) -> None:
    site = AlarmedSite()
    into = held(site)
    site.hear("AT" if what == "trouble" else "BA", "1", age_s=7_200 if what == "long ago" else 0)
    one = site.id
    if what == "held":
        site.world.do(HoldIncident(one, site.world.now + timedelta(hours=1), "keyholder"))
    if what == "served":
        unit = site.world.unit("E11")
        site.world.send(one, unit)
        for state in (UnitState.AT_SCENE, UnitState.RETURNING):
            site.world.do(ReportStatus(unit, state))
    site.world.do(MergeIncidents(one, into))
    after = site.world.incident(into)
    assert after.state is IncidentState.HELD
    assert due(after) == site.world.incident(into).held_until


def test_a_fire_that_is_merged_into_what_somebody_let_pass_has_a_deadline_again() -> None:
    site = AlarmedSite()
    into = site.world.call(IncidentType.BURGLARY, level=Level.P2)
    site.world.do(TakeIncident(into))
    site.after(7_200)
    before = site.world.incident(into)
    assert (due(before), before.overdue is None) == (None, False)
    site.hear("FA", "1")
    site.world.do(MergeIncidents(site.id, into))
    after = site.world.incident(into)
    assert (after.level, after.overdue) == (Level.P1, before.overdue)
    assert due(after) == deadline(site.world.now, site.world.obligations.assign_s[0])
    assert site.world.rebuilt() == site.world.states


def test_a_fire_that_is_merged_into_what_may_wait_longer_shortens_its_time() -> None:
    site = AlarmedSite()
    into = site.world.call(IncidentType.BURGLARY, level=Level.P4)
    site.world.do(TakeIncident(into))
    site.hear("FA", "1")
    site.world.do(MergeIncidents(site.id, into))
    assert due(site.world.incident(into)) == deadline(
        site.world.now, site.world.obligations.assign_s[0]
    )


@pytest.mark.parametrize("level", [Level.P1, Level.P4])
def test_a_fire_that_nobody_came_to_is_overdue_where_it_is_merged_into_too(level: Level) -> None:
    site = AlarmedSite()
    site.hear("FA", "1")
    site.after(7_200)
    fire = site.id
    assert site.world.incident(fire).overdue is IncidentStep.TAKE
    into = site.world.call(IncidentType.FIRE, level=level)
    site.world.do(MergeIncidents(fire, into))
    after = site.world.incident(into)
    assert (after.level, after.overdue) == (Level.P1, IncidentStep.TAKE)
    assert due(after) == deadline(site.world.now, site.world.obligations.take_s[0])
    site.world.do(TakeIncident(into))
    assert site.world.incident(into).overdue is None
    assert site.world.rebuilt() == site.world.states


def test_what_is_less_grave_and_overdue_makes_nothing_overdue_that_it_is_merged_into() -> None:
    site = AlarmedSite()
    one = site.world.call(IncidentType.BURGLARY, level=Level.P4)
    site.after(7_200)
    site.hear("FA", "1")
    before = site.incident
    site.world.do(MergeIncidents(one, site.id))
    assert (site.incident.overdue, due(site.incident)) == (None, due(before))
