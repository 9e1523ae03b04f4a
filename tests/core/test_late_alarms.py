"""What occurred long ago: seen, with its level, and it presses nobody and confirms nothing."""

from datetime import timedelta

import pytest

from core.alarmed_site import AlarmedSite, refused_to_machine
from core.world import NOON
from tocsin.core.assurance import Assurance
from tocsin.core.commands import HoldIncident, MoveSignal
from tocsin.core.confirmation import Confirming, ConfirmRule, RaisedBecause
from tocsin.core.incidents.facts import IncidentRaised
from tocsin.core.incidents.state import SIGNALS_NAMED_MAX, Band, IncidentState, band, due
from tocsin.core.signals import VerdictReason
from tocsin.core.terms import IncidentType, Level, Reason

TWO_ZONES = Confirming(ConfirmRule.TWO_ZONES, window_s=600)


@pytest.mark.parametrize(
    ("age_s", "late", "where", "reason"),
    [
        (600, False, Band.UNASSIGNED, VerdictReason.ALARM),
        (601, True, Band.UNASSIGNED, VerdictReason.ALARM),
        (3_600, True, Band.UNASSIGNED, VerdictReason.ALARM),
        (3_601, True, Band.WATCH, VerdictReason.LATE),
        (86_400, True, Band.WATCH, VerdictReason.LATE),
    ],
)
def test_by_its_age(age_s: float, late: bool, where: Band, reason: VerdictReason) -> None:
    site = AlarmedSite()
    signal = site.hear("BA", "1", age_s=age_s)
    assert (site.signal(signal).late, site.incident.late) == (late, late)
    assert (band(site.incident), site.signal(signal).reason) == (where, reason)
    assert site.incident.level is Level.P2  # as grave as it is
    assert refused_to_machine(site.incident) is (Reason.ALARM_LATE if late else None)


@pytest.mark.parametrize(
    ("code", "within_s"), [("BA", 3_600), ("WA", 3_600), ("FA", 60), ("HA", 60), ("GA", 60)]
)
def test_nobodys_life_waits_in_the_watch_band(code: str, within_s: int) -> None:
    site = AlarmedSite()
    site.hear(code, "1", age_s=7_200)
    assert band(site.incident) is Band.WATCH
    assert due(site.incident) == NOON + timedelta(seconds=within_s)


@pytest.mark.parametrize("age_s", [3_601, 86_400])
def test_where_the_clock_is_wrong_it_alarms_and_no_machine_sends_anybody(age_s: float) -> None:
    site = AlarmedSite()
    signal = site.hear("BA", "1", age_s=age_s, is_clock_off=True)
    assert site.signal(signal).reason is VerdictReason.ALARM
    assert band(site.incident) is Band.UNASSIGNED
    assert refused_to_machine(site.incident) is Reason.ALARM_LATE


@pytest.mark.parametrize("age_s", [None, 0.0, -7_200.0])
def test_what_says_no_time_or_one_to_come_is_of_now(age_s: float | None) -> None:
    site = AlarmedSite()
    site.hear("BA", "1", age_s=age_s)
    assert (band(site.incident), site.incident.late) == (Band.UNASSIGNED, False)
    (told,) = site.incident.alarms.evidence
    assert told.evidence.at == NOON


def test_it_ends_no_hold_and_keeps_the_deadline() -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    site.world.do(HoldIncident(site.id, NOON + timedelta(hours=1), "keyholder on the way"))
    site.hear("BV", "2", age_s=3_601)
    assert (site.incident.state, site.incident.level) == (IncidentState.HELD, Level.P1)
    assert due(site.incident) == NOON + timedelta(hours=1)
    site.hear("BA", "2", age_s=3_600)
    assert site.incident.state is IncidentState.TAKEN


def test_it_confirms_nothing() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.hear("BA", "2", age_s=3_601)
    site.hear("BV", "2", age_s=3_601)
    assert band(site.incident) is Band.WATCH
    assert due(site.incident) == NOON + timedelta(seconds=600)
    site.hear("BA", "3")
    assert band(site.incident) is Band.UNASSIGNED


def test_events_that_happened_apart_confirm_nothing_though_they_are_heard_together() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1", age_s=700)
    site.hear("BA", "2", age_s=60)
    assert band(site.incident) is Band.WATCH
    site.hear("BA", "3", age_s=120)
    assert band(site.incident) is Band.UNASSIGNED


def test_a_timely_alarm_makes_it_an_alarm() -> None:
    site = AlarmedSite()
    site.hear("BA", "1", age_s=7_200)
    site.after(60)
    site.hear("BA", "1")
    assert [f.reason for _, _, f in site.world.log if isinstance(f, IncidentRaised)] == [
        RaisedBecause.TIMELY
    ]
    assert (band(site.incident), site.incident.late) == (Band.UNASSIGNED, False)
    assert due(site.incident) == NOON + timedelta(seconds=180)
    assert refused_to_machine(site.incident) is None


def test_where_a_second_alarm_is_asked_for_one_timely_alarm_is_not_enough() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1", age_s=7_200)
    site.hear("BA", "1")
    assert band(site.incident) is Band.WATCH
    site.hear("BA", "2")
    assert band(site.incident) is Band.UNASSIGNED


def test_a_panel_that_flushes_its_memory_has_one_card() -> None:
    site = AlarmedSite()
    codes = ("BA", "TA", "WA", "UA", "BR", "OP", "CL", "AT")
    for index in range(1_000):
        site.hear(codes[index % len(codes)], str(index % 30), age_s=7_200 + 10 * (1_000 - index))
    assert len(site.ids) == 1
    incident = site.incident
    assert (incident.signal_count, incident.alarm_count) == (1_000, 500)
    assert (incident.late, band(incident), incident.level) == (True, Band.WATCH, Level.P2)
    assert len(incident.signals) == SIGNALS_NAMED_MAX
    assert (incident.alarms.evidence, incident.alarms.open_zones) == ((), ())


def test_but_a_fire_of_long_ago_does_not_hide_in_it() -> None:
    site = AlarmedSite()
    site.hear("BA", "1", age_s=7_200)
    site.hear("FA", "2", age_s=7_200)
    site.hear("BA", "3", age_s=7_200)
    assert [site.world.incident(one).type for one in site.ids] == [
        IncidentType.BURGLARY,
        IncidentType.FIRE,
    ]


def test_a_live_burglary_takes_in_no_flood_of_another_type() -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    site.hear("WA", "2", age_s=7_200)
    assert len(site.ids) == 2


def test_that_it_is_late_moves_with_the_signal() -> None:
    site = AlarmedSite()
    late = site.hear("BA", "1", age_s=700)
    site.hear("BA", "2")
    other = site.world.call(IncidentType.BURGLARY)
    assert not site.world.incident(site.ids[0]).late
    site.world.do(MoveSignal(late, site.ids[0], other))
    assert site.world.incident(other).late
    assert site.world.incident(other).assurance is Assurance.AUTHENTICATED
    assert not site.world.incident(site.ids[0]).late
