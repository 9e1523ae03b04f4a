"""An intrusion alarm waits in the watch band for what its site asks for; nothing else ever does."""

from datetime import timedelta

import pytest

from core.alarmed_site import AlarmedSite
from core.world import NOON
from tocsin.core.commands import HoldIncident, TakeIncident
from tocsin.core.confirmation import (
    WAITING_TYPES,
    Confirming,
    ConfirmRule,
    RaisedBecause,
)
from tocsin.core.incidents.alarms import confirmed_until, second_trip_until, waits
from tocsin.core.incidents.facts import IncidentRaised, IncidentStep
from tocsin.core.incidents.state import Band, band, due
from tocsin.core.signals import VerdictReason
from tocsin.core.terms import IncidentType, Level
from tocsin.core.zones import ZoneKind

TWO_ZONES = Confirming(ConfirmRule.TWO_ZONES, window_s=600)
TWO_KINDS = Confirming(ConfirmRule.TWO_TECHNOLOGIES, window_s=600)
VERIFIED = Confirming(ConfirmRule.VERIFIED, window_s=600)
TWO_TRIPS = Confirming(two_trip_s=300)
KINDS = (("1", ZoneKind.INTRUSION), ("2", ZoneKind.GLASS_BREAK), ("3", ZoneKind.INTRUSION))


def raised(site: AlarmedSite) -> list[RaisedBecause]:
    return [fact.reason for _, _, fact in site.world.log if isinstance(fact, IncidentRaised)]


def test_without_a_rule_an_alarm_is_one_at_once() -> None:
    site = AlarmedSite()
    signal = site.hear("BA", "1")
    assert site.signal(signal).reason is VerdictReason.ALARM
    assert band(site.incident) is Band.UNASSIGNED
    assert site.incident.alarms.confirmation is None


def test_an_unconfirmed_alarm_is_seen_with_its_level_and_a_deadline() -> None:
    site = AlarmedSite(TWO_ZONES)
    signal = site.hear("BA", "1")
    assert site.signal(signal).reason is VerdictReason.UNCONFIRMED
    assert (band(site.incident), site.incident.level) == (Band.WATCH, Level.P2)
    assert waits(site.incident.alarms)
    assert confirmed_until(site.incident.alarms) == NOON + timedelta(seconds=600)
    assert second_trip_until(site.incident.alarms) is None
    assert due(site.incident) == NOON + timedelta(seconds=600)
    site.after(600)
    assert site.incident.overdue is not None  # nobody confirmed it, so somebody is told


def test_a_second_zone_confirms_and_makes_it_an_alarm() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.after(100)
    second = site.hear("BA", "2")
    assert site.signal(second).incident == site.id
    assert raised(site) == [RaisedBecause.TWO_ZONES]
    assert band(site.incident) is Band.UNASSIGNED
    assert not waits(site.incident.alarms)
    assert due(site.incident) == NOON + timedelta(seconds=100 + 120)  # a P2 is taken in 120 s
    assert site.world.rebuilt() == site.world.states


def test_an_overdue_one_that_is_confirmed_has_a_deadline_again_and_is_overdue_still() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.after(600)
    site.hear("BA", "2")
    assert raised(site) == [RaisedBecause.TWO_ZONES]
    assert site.incident.overdue is IncidentStep.TAKE
    assert due(site.incident) == NOON + timedelta(seconds=720)


@pytest.mark.parametrize(
    ("again", "after_s"),
    [("1", 60), ("", 60), ("0", 60), ("2", 601)],
    ids=["same zone", "no zone", "whole system", "after the window"],
)
def test_what_is_no_second_zone_confirms_nothing(again: str, after_s: float) -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.after(after_s)
    site.hear("BA", again)
    assert raised(site) == []
    assert band(site.incident) is Band.WATCH


def test_the_window_runs_anew_from_each_alarm() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.after(500)
    site.hear("BA", "1")
    assert confirmed_until(site.incident.alarms) == NOON + timedelta(seconds=1_100)
    site.after(600)
    site.hear("BA", "2")
    assert raised(site) == [RaisedBecause.TWO_ZONES]


def test_the_same_zone_of_another_device_is_another_zone() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.hear("BA", "1", device=site.world.id())
    assert raised(site) == [RaisedBecause.TWO_ZONES]


@pytest.mark.parametrize(
    ("zones", "confirmed"), [(("1", "2"), True), (("1", "3"), False), (("1", "9"), False)]
)
def test_two_technologies_as_the_register_types_the_zones(
    zones: tuple[str, str], confirmed: bool
) -> None:
    """Zone 9 is not registered: an SIA burglary alarm is a movement, as zone 1 is."""
    site = AlarmedSite(TWO_KINDS)
    for zone in zones:
        site.hear("BA", zone, zone_kinds=KINDS)
    assert raised(site) == ([RaisedBecause.TWO_TECHNOLOGIES] if confirmed else [])


def test_two_technologies_by_the_code_where_the_register_says_nothing() -> None:
    site = AlarmedSite(TWO_KINDS)
    site.hear("1131", "5")  # perimeter
    site.hear("1132", "6")  # interior
    assert raised(site) == [RaisedBecause.TWO_TECHNOLOGIES]


def test_a_kind_that_is_not_known_confirms_nothing() -> None:
    site = AlarmedSite(TWO_KINDS)
    kinds = (("1", ZoneKind.OTHER), ("2", ZoneKind.INTRUSION))
    site.hear("BA", "1", zone_kinds=kinds)
    site.hear("BA", "2", zone_kinds=kinds)
    assert raised(site) == []


@pytest.mark.parametrize("rule", [TWO_ZONES, TWO_KINDS, VERIFIED])
@pytest.mark.parametrize("code", ["BV", "BM", "1139"])
def test_what_the_panel_verified_waits_for_nothing(rule: Confirming, code: str) -> None:
    site = AlarmedSite(rule)
    site.hear(code, "1")
    assert band(site.incident) is Band.UNASSIGNED
    site = AlarmedSite(rule)
    site.hear("BA", "1")
    site.hear(code, "1")
    assert raised(site) == [RaisedBecause.VERIFIED]


def test_under_the_rule_verified_a_second_zone_is_not_enough() -> None:
    site = AlarmedSite(VERIFIED)
    site.hear("BA", "1")
    site.hear("BA", "2")
    assert raised(site) == []


@pytest.mark.parametrize(("zone", "after_s", "is_raised"), [("1", 300, True), ("1", 301, False)])
def test_a_second_trip_raises_it(zone: str, after_s: float, is_raised: bool) -> None:
    site = AlarmedSite(TWO_TRIPS)
    site.hear("BA", "1")
    assert second_trip_until(site.incident.alarms) == NOON + timedelta(seconds=300)
    assert confirmed_until(site.incident.alarms) is None
    assert due(site.incident) == NOON + timedelta(seconds=300)
    site.after(after_s)
    site.hear("BA", zone)
    assert raised(site) == ([RaisedBecause.SECOND_TRIP] if is_raised else [])


def test_a_zone_that_is_still_open_has_not_tripped_again() -> None:
    site = AlarmedSite(TWO_TRIPS)
    site.hear("1130", "1")
    site.hear("6130", "1")
    assert raised(site) == []
    site.hear("1130", "1")
    assert raised(site) == [RaisedBecause.SECOND_TRIP]


@pytest.mark.parametrize(
    "code",
    ["FA", "HA", "PA", "MA", "GA", "QA", "UA", "WA", "1121", "1122", "1110", "1100", "1151", "ND"],
)
def test_nothing_but_intrusion_waits(code: str) -> None:
    site = AlarmedSite(Confirming(ConfirmRule.VERIFIED, two_trip_s=600))
    site.hear(code, "1")
    assert band(site.incident) is Band.UNASSIGNED
    assert site.incident.alarms.confirmation is None


def test_only_burglary_is_among_the_types_that_wait() -> None:
    assert {IncidentType.BURGLARY} == WAITING_TYPES


def test_an_unknown_source_is_as_it_was() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.world.hear("BA", "1", confirming=TWO_ZONES)
    assert site.incident.alarms.confirmation is None
    assert site.incident.level is Level.P4


def test_a_person_who_has_it_keeps_their_deadline_when_it_is_confirmed() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.world.do(TakeIncident(site.id))
    before = due(site.incident)
    site.after(10)
    site.hear("BA", "2")
    assert raised(site) == [RaisedBecause.TWO_ZONES]
    assert due(site.incident) == before
    site.hear("BA", "3")
    assert len(raised(site)) == 1  # told once


def test_what_a_person_let_pass_is_due_again_when_it_is_confirmed() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.world.do(TakeIncident(site.id))
    site.after(180)
    assert site.incident.overdue is IncidentStep.ASSIGN
    site.hear("BA", "2")
    again = site.world.now + timedelta(seconds=180)
    assert (site.incident.overdue, due(site.incident)) == (IncidentStep.ASSIGN, again)


def test_a_timely_alarm_leaves_the_watch_band_that_something_else_opened() -> None:
    site = AlarmedSite()
    site.hear("WT", "1")  # a water detector in trouble
    assert band(site.incident) is Band.WATCH
    site.hear("WA", "1")
    assert (len(site.ids), raised(site)) == (1, [RaisedBecause.TIMELY])
    assert (band(site.incident), site.incident.level) == (Band.UNASSIGNED, Level.P3)


def test_what_is_confirmed_while_it_is_held_has_a_deadline() -> None:
    site = AlarmedSite(Confirming(ConfirmRule.TWO_ZONES))
    site.hear("BA", "1")
    site.world.do(HoldIncident(site.id, NOON + timedelta(hours=5), "keyholder on the way"))
    site.hear("BA", "2")
    assert (site.incident.held_until, band(site.incident)) == (None, Band.UNASSIGNED)
    assert due(site.incident) == NOON + timedelta(seconds=180)
