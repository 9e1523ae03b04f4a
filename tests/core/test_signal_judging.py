"""A signal opens an incident, joins one, or is recorded only; always with the reason."""

from datetime import timedelta

import pytest

from core.world import MILL_ROAD, NOON, SYSTEM, World
from tocsin.core.codes.meaning import Meaning
from tocsin.core.commands import (
    CloseIncident,
    HoldIncident,
    JudgeSignal,
    MergeIncidents,
    ReportStatus,
    TakeIncident,
)
from tocsin.core.crowds import OWN_MAX
from tocsin.core.incidents.facts import (
    IncidentOpened,
    IncidentOverdue,
    IncidentStep,
    SignalJoined,
    Source,
)
from tocsin.core.incidents.state import Band, IncidentState, band
from tocsin.core.signals import Effect, SignalRead, Verdict, VerdictReason
from tocsin.core.states import due
from tocsin.core.terms import Disposition, IncidentType, Level, Reason
from tocsin.core.units import UnitState


def test_an_alarm_opens_an_incident_at_its_site() -> None:
    world = World()
    site = world.id()
    signal = world.hear("FA", "7", site=site)
    judged, opened, joined = (fact for _, _, fact in world.log)
    assert isinstance(opened, IncidentOpened)
    assert (opened.type, opened.level, opened.source) == (
        IncidentType.FIRE,
        Level.P1,
        Source.SIGNAL,
    )
    assert (opened.site, opened.signal, opened.place) == (site, signal, MILL_ROAD)
    assert (opened.title_zh, opened.title_en) == (
        "火警，防区 7 · 磨坊",
        "Fire alarm, zone 7 · Mill",
    )
    assert isinstance(joined, SignalJoined)
    assert (joined.signal, joined.reason, joined.alarms) == (signal, VerdictReason.ALARM, True)
    state = world.signal(signal)
    assert (state.verdict, state.reason) == (Verdict.OPENED, VerdictReason.ALARM)
    assert state.incident == world.incidents()[0]
    assert band(world.incident(world.incidents()[0])) is Band.UNASSIGNED
    assert judged is not None


def test_a_further_alarm_of_the_site_joins() -> None:
    world = World()
    site = world.id()
    first, second = world.hear("FA", "7", site=site), world.hear("FA", "8", site=site)
    assert world.signal(second).incident == world.signal(first).incident
    assert world.signal(second).reason is VerdictReason.SAME_SITE
    assert world.incident(world.incidents()[0]).alarm_count == 2


def test_an_alarm_of_another_kind_or_site_is_its_own_incident() -> None:
    world = World()
    site = world.id()
    burglary = world.hear("BA", "1", site=site)
    fire = world.hear("FA", "7", site=site)
    elsewhere = world.hear("FA", "7", site=world.id())
    assert len({world.signal(one).incident for one in (burglary, fire, elsewhere)}) == 3


def test_an_alarm_after_the_close_opens_anew() -> None:
    world = World()
    site = world.id()
    world.hear("FA", "7", site=site)
    world.do(CloseIncident(world.incidents()[0], Disposition.FALSE_ALARM))
    again = world.hear("FA", "7", site=site)
    assert world.signal(again).verdict is Verdict.OPENED


@pytest.mark.parametrize(
    ("code", "effect", "reason"),
    [
        ("FH", Effect.RESTORE, VerdictReason.NOTHING_OPEN),
        ("OP", Effect.STATUS, VerdictReason.NOTHING_OPEN),
        ("RP", Effect.TEST, VerdictReason.TEST),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_restores_statuses_and_tests_never_open_an_incident(
    code: str, effect: Effect, reason: VerdictReason, known: bool
) -> None:
    world = World()
    signal = world.hear(code, site=world.id() if known else None)
    state = world.signal(signal)
    assert (state.effect, state.verdict, state.reason) == (effect, Verdict.RECORDED, reason)
    assert world.incidents() == []


def test_a_restore_and_a_status_join_what_is_open_and_alarm_nobody() -> None:
    world = World()
    site = world.id()
    world.hear("FA", "7", site=site)
    incident = world.incidents()[0]
    world.do(HoldIncident(incident, NOON + timedelta(minutes=9), "wait"))
    for code in ("FH", "OP"):
        assert world.signal(world.hear(code, site=site)).incident == incident
    now = world.incident(incident)
    assert (now.signal_count, now.alarm_count, now.state) == (3, 1, IncidentState.HELD)


@pytest.mark.parametrize("code", ["FT", "AT", "QQ", ""])
@pytest.mark.parametrize("standing", ["held", "taken", "left"])
def test_what_needs_an_answer_hides_in_no_card_that_somebody_has_dealt_with(
    code: str, standing: str
) -> None:
    world = World()
    site = world.id()
    world.hear("FA", "7", site=site)
    (first,) = world.incidents()
    if standing == "held":
        world.do(HoldIncident(first, NOON + timedelta(days=3), "technician on Monday"))
    elif standing == "taken":
        world.do(TakeIncident(first))
    else:
        unit = world.unit("E11")
        world.send(first, unit)
        world.do(ReportStatus(unit, UnitState.AT_SCENE))
        assert world.signal(world.hear(code, site=site)).incident == first  # who is there sees it
        world.do(ReportStatus(unit, UnitState.RETURNING))
    before = world.incident(first)
    heard = world.signal(world.hear(code, site=site))
    assert heard.verdict is Verdict.OPENED
    assert heard.incident is not None
    card = world.incident(heard.incident)
    assert (band(card), due(card)) == (Band.WATCH, NOON + timedelta(hours=1))
    assert world.incident(first) == before
    # As long as nobody has seen that card, it has all the rest.
    for _ in range(100):
        assert world.signal(world.hear(code, site=site)).incident == heard.incident


def test_a_status_that_a_code_table_wants_answered_opens_its_own_card_too() -> None:
    world = World()
    site = world.id()
    world.hear("AT", site=site)
    world.do(HoldIncident(world.incidents()[0], NOON + timedelta(days=3), "technician on Monday"))
    texts = ("停机", "Switched off")
    for effect, verdict in ((Effect.STATUS, Verdict.OPENED), (Effect.RESTORE, Verdict.JOINED)):
        means = Meaning(effect, IncidentType.TECHNICAL, Level.P3, *texts, needs_answer=True)
        heard = world.hear("ZZ", site=site, means=means, codes_version=1)
        assert world.signal(heard).verdict is verdict


def test_what_needs_an_answer_does_not_follow_into_a_crowd_uncounted() -> None:
    world = World()
    for _ in range(OWN_MAX + 1):
        world.hear("AT", site=world.id())
    crowd = world.incidents()[-1]
    site = world.id()
    world.hear("FA", "1", site=site)
    world.do(MergeIncidents(world.incidents()[-1], into=crowd))
    assert world.signal(world.hear("YT", site=site)).reason is VerdictReason.CROWD


def test_a_test_is_recorded_even_while_an_incident_is_open() -> None:
    world = World()
    site = world.id()
    world.hear("FA", "7", site=site)
    assert world.signal(world.hear("RP", site=site)).verdict is Verdict.RECORDED


def test_a_further_alarm_ends_a_hold() -> None:
    world = World()
    site = world.id()
    world.hear("FA", "7", site=site)
    incident = world.incidents()[0]
    world.do(HoldIncident(incident, NOON + timedelta(minutes=9), "wait"))
    world.hear("FA", "8", site=site)
    now = world.incident(incident)
    assert now.state is IncidentState.TAKEN
    assert due(now) == NOON + timedelta(seconds=90)


@pytest.mark.parametrize(("first", "second"), [("FG", "FA"), ("BA", "BV")])
def test_a_graver_alarm_that_ends_a_hold_has_a_deadline(first: str, second: str) -> None:
    world = World()
    site = world.id()
    world.hear(first, "7", site=site)
    incident = world.incidents()[0]
    world.do(HoldIncident(incident, NOON + timedelta(hours=5), "wait"))
    world.hear(second, "9", site=site)
    now = world.incident(incident)
    assert (now.state, now.level) == (IncidentState.TAKEN, Level.P1)
    assert due(now) == NOON + timedelta(seconds=world.obligations.assign_s[Level.P1 - 1])
    assert IncidentOverdue(IncidentStep.ASSIGN, due(now)) in world.pass_time(hours=1)


def test_a_more_urgent_alarm_raises_the_level() -> None:
    world = World()
    site = world.id()
    world.hear("BA", "1", site=site)
    incident = world.incidents()[0]
    assert world.incident(incident).level is Level.P2
    world.hear("BV", "1", site=site)
    assert world.incident(incident).level is Level.P1
    world.hear("TA", "1", site=site)
    assert world.incident(incident).level is Level.P1


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        ("AT", VerdictReason.TROUBLE, IncidentType.TECHNICAL),
        ("QQ", VerdictReason.UNKNOWN_CODE, IncidentType.UNKNOWN),
        ("", VerdictReason.UNKNOWN_CODE, IncidentType.UNKNOWN),
    ],
)
def test_trouble_and_unknown_codes_open_a_watch_card(
    code: str, reason: VerdictReason, kind: IncidentType
) -> None:
    world = World()
    site = world.id()
    signal = world.hear(code, site=site)
    assert world.signal(signal).reason is reason
    incident = world.incident(world.incidents()[0])
    assert (incident.type, incident.level, incident.watch) == (kind, Level.P4, True)
    assert band(incident) is Band.WATCH
    assert due(incident) == NOON + timedelta(hours=1)
    # It collapses, and an alarm does not hide in it.
    assert world.signal(world.hear("YT", site=site)).verdict is Verdict.JOINED
    assert world.signal(world.hear("FA", site=site)).verdict is Verdict.OPENED


@pytest.mark.parametrize(("minutes", "late"), [(10, False), (10.1, True), (-5, False)])
def test_late_is_more_than_ten_minutes_and_still_alarms(minutes: float, late: bool) -> None:
    world = World()
    occurred_at = NOON - timedelta(minutes=minutes)
    signal = world.hear("FA", site=world.id(), occurred_at=occurred_at)
    assert world.signal(signal).late is late
    assert world.signal(signal).verdict is Verdict.OPENED


def test_a_repeat_is_recorded_only() -> None:
    world = World()
    first = world.hear("FA", site=world.id())
    repeat = world.hear("FA", site=world.signal(first).site, repeat_of=first)
    state = world.signal(repeat)
    assert (state.verdict, state.reason) == (Verdict.RECORDED, VerdictReason.REPEAT)
    assert state.repeat_of == first


def test_a_signal_is_judged_once() -> None:
    world = World()
    signal = world.hear("FA", site=world.id())
    again = JudgeSignal(signal, SignalRead("dc09", "SIA-DCS", "1"), NOON, "north", "city")
    assert world.refused(again, SYSTEM).reason is Reason.ALREADY_SO


def test_an_alarm_of_a_merged_incidents_type_joins_where_it_lives_on() -> None:
    world = World()
    site = world.id()
    world.hear("FA", "7", site=site)
    fire = world.incidents()[0]
    gas = world.call(IncidentType.GAS)
    world.do(MergeIncidents(fire, into=gas))
    assert world.signal(world.hear("FA", "8", site=site)).incident == gas
    assert world.signal(world.hear("BA", "1", site=site)).verdict is Verdict.OPENED


def test_an_alarm_after_the_survivors_close_opens_anew() -> None:
    world = World()
    site = world.id()
    world.hear("FA", "7", site=site)
    fire, other = world.incidents()[0], world.call()
    world.do(MergeIncidents(fire, into=other))
    world.do(CloseIncident(other, Disposition.HANDLED))
    assert world.signal(world.hear("FA", "8", site=site)).verdict is Verdict.OPENED


def test_a_duplicate_of_a_call_is_named_when_a_signal_opens() -> None:
    world = World()
    call = world.call()
    signal = world.hear("FA", site=world.id())
    incident = world.signal(signal).incident
    assert incident is not None
    assert world.incident(incident).duplicates == (call,)
