"""Nothing that is done to an incident hides an alarm: a merge, a move, a crowd, a wait, or units
that have gone."""

from datetime import timedelta

import pytest

from core.alarmed_site import AlarmedSite
from core.test_crowds import crowd_of, flood
from core.world import NOON, World
from tocsin.core import avs
from tocsin.core.codes.meaning import Meaning
from tocsin.core.commands import (
    ClassifyIncident,
    MergeIncidents,
    MoveSignal,
    ReportStatus,
    TakeIncident,
    ValidateIncident,
)
from tocsin.core.confirmation import Avs, CancelOutcome, Confirming, ConfirmRule
from tocsin.core.crowds import OWN_MAX
from tocsin.core.incidents.alarms import EVIDENCE_MAX
from tocsin.core.incidents.crowd import ExceptionKind
from tocsin.core.incidents.state import OPEN, Band, Incident, band
from tocsin.core.signals import Effect, Verdict, VerdictReason
from tocsin.core.states import due
from tocsin.core.terms import IncidentType, Level
from tocsin.core.units import UnitState

TWO_ZONES = Confirming(ConfirmRule.TWO_ZONES)
ABORTING = Confirming(abort_s=120)
CANCEL = "1406"


def test_a_fire_that_was_merged_into_a_waiting_burglary_waits_for_nothing() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    burglary = site.id
    fire = site.world.incident(site.world.signal(site.hear("FA", "8")).incident)
    site.world.do(MergeIncidents(site.id, into=burglary))
    after = site.world.incident(burglary)
    assert band(after) is Band.UNASSIGNED
    assert (after.level, due(after)) == (fire.level, fire.due_at)


def test_a_fire_that_comes_after_the_merge_waits_for_nothing() -> None:
    """The fire merged first was itself of long ago, in the watch band."""
    site = AlarmedSite(Confirming(ConfirmRule.VERIFIED))
    site.hear("BA", "1")
    burglary = site.id
    site.hear("FA", "8", age_s=7_200)
    site.world.do(MergeIncidents(site.id, into=burglary))
    assert band(site.world.incident(burglary)) is Band.WATCH
    site.hear("FA", "8")
    after = site.world.incident(burglary)
    assert (band(after), after.level) == (Band.UNASSIGNED, Level.P1)


def test_what_is_merged_is_as_urgent_as_before() -> None:
    world = World()
    call = world.call(IncidentType.TECHNICAL, level=Level.P4)
    fire = world.signal(world.hear("FA", "1", site=world.id())).incident
    assert fire is not None
    by = world.incident(fire).due_at
    world.do(MergeIncidents(fire, into=call))
    assert (world.incident(call).level, world.incident(call).due_at) == (Level.P1, by)
    assert world.rebuilt() == world.states


def test_one_that_somebody_has_keeps_its_deadline_when_another_is_merged_into_it() -> None:
    world = World()
    one = world.signal(world.hear("FA", "1", site=world.id())).incident
    other = world.signal(world.hear("FA", "1", site=world.id())).incident
    assert one is not None
    assert other is not None
    world.do(TakeIncident(other))
    by = world.incident(other).due_at
    world.do(MergeIncidents(one, into=other))
    assert world.incident(other).due_at == by


def test_an_alarm_does_not_follow_what_was_merged_into_a_crowd() -> None:
    world = World()
    flood(world, OWN_MAX + 1, ExceptionKind.TROUBLE)
    crowd, _ = crowd_of(world, ExceptionKind.TROUBLE)
    site = world.id()
    first = world.signal(world.hear("FA", "1", site=site)).incident
    assert first is not None
    world.do(MergeIncidents(first, into=crowd))
    again = world.signal(world.hear("FA", "2", site=site))
    assert (again.verdict, again.reason) == (Verdict.OPENED, VerdictReason.ALARM)
    restore = world.signal(world.hear("FH", "2", site=site))
    assert restore.incident == again.incident
    brought = world.signal(world.hear("FH", "1", site=site))  # its zone is open there
    assert brought.incident == crowd


def test_an_alarm_that_nobody_need_act_on_is_not_told_on_a_crowds_card() -> None:
    """Its card is of exceptions: nobody looks for an alarm there."""
    world = World()
    flood(world, OWN_MAX, ExceptionKind.TROUBLE)
    site = world.id()
    assert world.signal(world.hear("AT", site=site)).reason is VerdictReason.CROWD
    means = Meaning(
        *(Effect.ALARM, IncidentType.BURGLARY, Level.P3), "试验", "Trial", needs_answer=False
    )
    heard = world.signal(world.hear("BA", "1", site=site, means=means, codes_version=1))
    assert (heard.verdict, heard.reason) == (Verdict.RECORDED, VerdictReason.NO_ANSWER_NEEDED)


def test_a_cancel_sees_a_hold_up_that_lives_on_at_another_site() -> None:
    site = AlarmedSite(ABORTING)
    elsewhere = site.world.signal(site.world.hear("HA", "1", site=site.world.id())).incident
    assert elsewhere is not None
    site.hear("HA", "9")
    site.world.do(MergeIncidents(site.id, into=elsewhere))
    site.hear("BA", "1")
    burglary = site.id
    site.hear(CANCEL)
    after = site.world.incident(burglary)
    assert after.state in OPEN
    assert after.alarms.cancelled is not None
    assert after.alarms.cancelled.outcome is CancelOutcome.OTHER_ALARM


@pytest.mark.parametrize("moved", ["in", "out"])
def test_a_cancel_closes_nothing_that_a_person_put_together(moved: str) -> None:
    site = AlarmedSite(ABORTING)
    world = site.world
    site.hear("BA", "1")
    burglary = site.id
    unknown = world.hear("BA", "4", account="B001", source="203.0.113.9")
    card = world.signal(unknown).incident
    assert card is not None
    if moved == "in":
        world.do(MoveSignal(unknown, card, burglary))
    else:
        second = site.hear("BA", "2")
        world.do(MoveSignal(second, burglary, card))
    site.hear(CANCEL)
    assert world.incident(burglary).state in OPEN
    assert world.rebuilt() == world.states


def test_where_the_units_have_gone_an_alarm_is_a_new_incident() -> None:
    """Somebody has yet to close the first one; nobody looks at it for half an hour."""
    site = AlarmedSite()
    world = site.world
    site.hear("FA", "1")
    first = site.id
    unit = world.unit("E11")
    world.send(first, unit)
    world.do(ReportStatus(unit, UnitState.AT_SCENE))
    site.hear("FA", "2")
    assert site.ids == [first]  # who is there sees it
    world.do(ReportStatus(unit, UnitState.RETURNING))
    site.hear("FA", "3", age_s=7_200)
    assert site.ids == [first]
    restore = world.signal(site.hear("FH", "2"))
    assert restore.incident == first
    site.hear("FA", "1")
    assert len(site.ids) == 2
    assert (band(site.incident), due(site.incident)) == (
        Band.UNASSIGNED,
        NOON + timedelta(seconds=60),
    )
    site.hear("FA", "4")
    assert len(site.ids) == 2


def test_the_first_timely_alarm_in_an_old_card_waits_no_longer_than_in_its_own() -> None:
    site = AlarmedSite(Confirming(ConfirmRule.TWO_ZONES, window_s=600))
    site.hear("BA", "1", age_s=7_200)
    assert due(site.incident) == NOON + timedelta(hours=1)
    site.hear("BA", "1")
    assert (band(site.incident), due(site.incident)) == (
        Band.WATCH,
        NOON + timedelta(seconds=600),
    )


def test_nor_is_it_without_a_deadline_where_that_cards_time_is_over() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1", age_s=7_200)
    site.after(3_601)
    assert (site.incident.overdue, due(site.incident)) == ("take", None)
    site.hear("BA", "1")
    assert due(site.incident) == site.world.now + timedelta(seconds=1_800)


def test_what_is_classified_leaves_the_watch_band_with_the_deadline_of_its_level() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    before: Incident = site.incident
    assert due(before) == NOON + timedelta(seconds=1_800)
    site.world.do(ClassifyIncident(site.id, IncidentType.FIRE))
    within = {Level.P1: 60, Level.P2: 120, Level.P3: 300, Level.P4: 900}[before.level]
    assert due(site.incident) == NOON + timedelta(seconds=within)


@pytest.mark.parametrize("last", ["known", "full"])
def test_no_alarm_takes_away_that_another_was_checked(last: str) -> None:
    site = AlarmedSite()
    site.hear("BA")
    for zone in range(10, 10 + EVIDENCE_MAX - 2) if last == "full" else ():
        site.hear("BA", str(zone))
    signal = site.hear("BV")
    for zone in ("", "90", "91") if last == "full" else ("", ""):
        site.hear("BA", zone)
    assert avs.assessed(site.incident) == avs.Assessment(
        Avs.PRESENCE, avs.AvsWhy.VERIFIED, (signal,)
    )
    assert len(site.incident.alarms.evidence) <= EVIDENCE_MAX


def test_nor_that_two_zones_told_of_it() -> None:
    site = AlarmedSite(Confirming(window_s=600))
    for zone, seconds in (("1", 1_000), ("1", 500), ("2", 1_500), ("1", 1_500), ("1", 0)):
        site.hear("BA", zone)
        site.after(seconds)
    assert avs.level_of(site.incident) is Avs.PRESENCE


def test_what_is_overdue_and_leaves_the_watch_band_by_a_merge_has_a_deadline_again() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    burglary = site.id
    site.after(3_601)
    site.hear("FA", "8")
    site.after(61)
    site.world.do(MergeIncidents(site.id, into=burglary))
    after = site.world.incident(burglary)
    assert (band(after), due(after)) == (
        Band.UNASSIGNED,
        site.world.now + timedelta(seconds=60),
    )


def test_what_was_classified_and_let_pass_has_a_deadline_again_when_it_is_confirmed() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.world.do(ClassifyIncident(site.id, IncidentType.HOLDUP))
    site.after(3_601)
    assert site.incident.overdue == "take"
    site.world.do(ValidateIncident(site.id, Avs.LIFE, "seen on the camera"))
    assert due(site.incident) is not None
