"""On test: what is covered is recorded only, with what it would have done; all else alarms as
always; it ends by itself and says what was tested."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.world import ANN, MILL_ROAD, NOON, SYSTEM, World
from tocsin.core.commands import JudgeSignal
from tocsin.core.on_test import (
    ON_TEST_MAX,
    TESTED_MAX,
    OnTest,
    OnTestBegun,
    OnTestEnded,
    OnTestEnding,
    OnTestSignalled,
    evolve,
)
from tocsin.core.putting_on_test import EndOnTest, ExtendOnTest, PutOnTest
from tocsin.core.signals import Signal, SignalRead, Verdict, VerdictReason
from tocsin.core.supervision import FAILED, SILENCE
from tocsin.core.supervision import PROTOCOL as SUPERVISION
from tocsin.core.terms import IncidentType, Reason, SubjectKind, Watched, WatchedZone

SITE, PANEL, OTHER = UUID(int=900), UUID(int=901), UUID(int=902)
HOUR = timedelta(hours=1)

# Fire, hold-up, panic and medical, in both code lists.
LIFE = [
    ("FA", "SIA-DCS", ""),
    ("HA", "SIA-DCS", ""),
    ("PA", "SIA-DCS", ""),
    ("MA", "SIA-DCS", ""),
    ("110", "ADM-CID", "1"),
    ("122", "ADM-CID", "1"),
    ("120", "ADM-CID", "1"),
    ("100", "ADM-CID", "1"),
]


def world() -> World:
    watched = Watched(
        "north",
        "city",
        devices=((PANEL, "1234"), (OTHER, "5678")),
        zones=(
            WatchedZone(PANEL, "7"),
            WatchedZone(PANEL, "8"),
            WatchedZone(OTHER, "7"),
        ),
    )
    return World(watched=watched)


def put(one: World, device: UUID | None = None, zone: str = "", **more: object) -> UUID:
    until = one.now + HOUR
    one.do(PutOnTest(SITE, "Walk test", until, device, zone, **more))  # type: ignore[arg-type]
    return one.all_of(SubjectKind.ON_TEST)[-1]


def state_of(one: World, subject: UUID) -> OnTest:
    state = one.states[subject]
    assert isinstance(state, OnTest)
    return state


def heard(one: World, code: str, zone: str = "", device: UUID = PANEL, **more: object) -> Signal:
    return one.signal(one.hear(code, zone, site=SITE, device=device, **more))  # type: ignore[arg-type]


def test_what_is_on_test_is_recorded_with_what_it_would_have_done() -> None:
    one = world()
    test = put(one)
    signal = heard(one, "FA", "007")
    assert (signal.verdict, signal.reason) == (Verdict.RECORDED, VerdictReason.ON_TEST)
    assert (signal.on_test, signal.would_have, signal.incident) == (test, Verdict.OPENED, None)
    assert signal.type is IncidentType.FIRE
    assert one.incidents() == []
    assert isinstance(one.log[-1][2], OnTestSignalled)
    assert (state_of(one, test).signals, state_of(one, test).would_have_opened) == (1, 1)
    assert heard(one, "FH", "7").would_have is Verdict.RECORDED
    assert heard(one, "RP").reason is VerdictReason.ON_TEST
    assert (state_of(one, test).signals, state_of(one, test).would_have_opened) == (3, 1)


@pytest.mark.parametrize(("code", "token", "qualifier"), LIFE)
@pytest.mark.parametrize(
    ("device", "zone"),
    [(PANEL, "8"), (PANEL, ""), (OTHER, "7"), (OTHER, "8")],
)
def test_another_zone_or_device_alarms_as_always(
    code: str, token: str, qualifier: str, device: UUID, zone: str
) -> None:
    one = world()
    put(one, PANEL, "7")
    signal = heard(one, code, zone, device, token=token, qualifier=qualifier)
    assert (signal.verdict, signal.reason) == (Verdict.OPENED, VerdictReason.ALARM)
    assert signal.on_test is None


@pytest.mark.parametrize(("code", "token", "qualifier"), LIFE)
def test_the_zone_itself_however_it_is_written(code: str, token: str, qualifier: str) -> None:
    for zone in ("7", "07", "007"):
        one = world()
        put(one, PANEL, "07")
        signal = heard(one, code, zone, token=token, qualifier=qualifier)
        assert signal.reason is VerdictReason.ON_TEST


def test_a_number_that_is_no_zone_is_never_the_zone_on_test() -> None:
    one = world()
    put(one, PANEL, "7")
    # Opening by user 7 counts users: it is a status as always.
    assert heard(one, "OP", "7").reason is VerdictReason.NOTHING_OPEN


def test_a_device_covers_all_its_zones_and_no_other_device() -> None:
    one = world()
    put(one, PANEL)
    assert heard(one, "FA", "1").reason is VerdictReason.ON_TEST
    assert heard(one, "FA", "1", OTHER).verdict is Verdict.OPENED
    elsewhere = one.signal(one.hear("FA", "1", site=UUID(int=77), device=UUID(int=78)))
    assert elsewhere.verdict is Verdict.OPENED


def test_what_was_received_before_or_after_alarms() -> None:
    one = world()
    test = put(one)
    early = one.signal(one.hear("FA", "7", site=SITE, device=PANEL))
    assert early.reason is VerdictReason.ON_TEST
    # Received a second before it began, judged now.
    one.now += timedelta(seconds=1)
    state = state_of(one, test)
    one.states[test] = OnTest(
        **{
            name: getattr(state, name) for name in OnTest.__dataclass_fields__ if name != "begun_at"
        },
        begun_at=one.now + timedelta(seconds=1),
    )
    assert heard(one, "FA", "7").verdict is Verdict.OPENED
    # Its time is up, and no clock has said so yet.
    two = world()
    put(two)
    two.now += HOUR
    assert heard(two, "FA", "7").verdict is Verdict.OPENED


def test_that_a_device_has_fallen_silent_is_never_covered() -> None:
    one = world()
    put(one)
    silent = SignalRead(SUPERVISION, SILENCE, "1234", code=FAILED)
    signal = one.id()
    command = JudgeSignal(
        signal, silent, one.now, "north", "city", site=SITE, on_test=one.on_tests(SITE)
    )
    one.do(replace(command, device=PANEL, place=MILL_ROAD), SYSTEM)
    assert one.signal(signal).verdict is Verdict.OPENED
    assert heard(one, "YC").reason is VerdictReason.ON_TEST


def test_a_repeat_stays_one_and_tests_nothing() -> None:
    one = world()
    test = put(one)
    again = one.hear("FA", "7", site=SITE, device=PANEL, repeat_of=UUID(int=5))
    assert one.signal(again).reason is VerdictReason.REPEAT
    assert state_of(one, test).signals == 0


def test_a_repeat_of_what_was_tested_alarms_when_the_test_is_over() -> None:
    """And what repeats that is a repeat."""
    one = world()
    test = put(one, PANEL)
    first = one.hear("FA", "7", site=SITE, device=PANEL)
    within = one.hear("FA", "7", site=SITE, device=PANEL, repeat_of=first)
    assert one.signal(within).reason is VerdictReason.REPEAT
    assert state_of(one, test).signals == 1
    one.do(EndOnTest(test))
    one.pass_time(seconds=40)
    again = one.hear("FA", "7", site=SITE, device=PANEL, repeat_of=first)
    assert one.signal(again).verdict is Verdict.OPENED
    assert one.signal(again).repeat_of == first
    assert one.signal(one.hear("FA", "7", site=SITE, repeat_of=again)).reason is (
        VerdictReason.REPEAT
    )


def test_an_open_incident_of_the_site_does_not_take_what_is_on_test() -> None:
    one = world()
    before = heard(one, "FA", "8")
    put(one, PANEL, "7")
    signal = heard(one, "FA", "7")
    assert (signal.reason, signal.would_have) == (VerdictReason.ON_TEST, Verdict.JOINED)
    assert heard(one, "FA", "8").incident == before.incident
    assert one.incident(before.incident).alarm_count == 2  # type: ignore[arg-type]


def test_it_ends_by_itself_and_says_what_was_tested() -> None:
    one = world()
    test = put(one)
    heard(one, "FA", "7")
    heard(one, "FA", "7")
    heard(one, "BA", "7", OTHER)
    heard(one, "BA", "99")
    [ended] = one.wait_until(NOON + 2 * HOUR)
    assert ended == OnTestEnded(
        ending=OnTestEnding.TIME_UP,
        by_name="",
        ended_at=NOON + HOUR,
        signals=4,
        would_have_opened=4,
        tested=("1234/7", "5678/7", "1234/99"),
        not_tested=("1234/8",),
    )
    state = state_of(one, test)
    assert (state.ended_at, state.not_tested) == (NOON + HOUR, ("1234/8",))
    assert heard(one, "FA", "7").verdict is Verdict.OPENED
    assert one.rebuilt() == one.states


def test_the_summary_is_of_what_was_on_test() -> None:
    one = world()
    put(one, PANEL)
    [ended] = one.wait_until(NOON + HOUR)
    assert isinstance(ended, OnTestEnded)
    assert (ended.tested, ended.not_tested) == ((), ("1234/7", "1234/8"))
    two = world()
    put(two, PANEL, "8")
    heard(two, "BA", "8")
    [ended] = two.wait_until(NOON + HOUR)
    assert isinstance(ended, OnTestEnded)
    assert (ended.tested, ended.not_tested) == (("1234/8",), ())


def test_somebody_may_end_it_or_make_it_longer() -> None:
    one = world()
    test = put(one)
    one.do(ExtendOnTest(test, NOON + ON_TEST_MAX), ANN)
    one.wait_until(NOON + 2 * HOUR)
    assert heard(one, "FA", "7").reason is VerdictReason.ON_TEST
    [ended] = one.do(EndOnTest(test), ANN)
    assert isinstance(ended, OnTestEnded)
    assert (ended.ending, ended.by_name) == (OnTestEnding.BY_HAND, "Ann Reed")
    assert heard(one, "FA", "7").verdict is Verdict.OPENED
    assert one.refused(EndOnTest(test)).reason is Reason.TEST_ENDED
    assert one.refused(ExtendOnTest(test, one.now + HOUR)).reason is Reason.TEST_ENDED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"why": "  "}, Reason.TEXT_EMPTY),
        ({"why": "x" * 201}, Reason.TEXT_TOO_LONG),
        ({"until": NOON}, Reason.TIME_IN_PAST),
        ({"until": NOON + ON_TEST_MAX + timedelta(minutes=2)}, Reason.TEST_TOO_LONG),
        ({"device": UUID(int=5)}, Reason.NOT_FOUND),
        ({"zone": "7"}, Reason.NOT_FOUND),
        ({"device": PANEL, "zone": "a/b"}, Reason.NOT_FOUND),
    ],
)
def test_what_cannot_be_put_on_test(change: dict[str, object], reason: Reason) -> None:
    one = world()
    asked = {"site": SITE, "why": "Walk test", "until": NOON + HOUR} | change
    assert one.refused(PutOnTest(**asked)).reason is reason  # type: ignore[arg-type]
    one.watched = None
    good = PutOnTest(SITE, "Walk test", NOON + HOUR)
    assert one.refused(good).reason is Reason.NOT_FOUND


def test_the_longest_test_and_the_longest_extension() -> None:
    one = world()
    one.do(PutOnTest(SITE, "x" * 200, NOON + ON_TEST_MAX))
    test = one.all_of(SubjectKind.ON_TEST)[-1]
    too_long = ExtendOnTest(test, NOON + ON_TEST_MAX + timedelta(minutes=2))
    assert one.refused(too_long).reason is Reason.TEST_TOO_LONG
    one.wait_until(NOON + 23 * HOUR)
    one.do(ExtendOnTest(test, NOON + 47 * HOUR))
    assert one.refused(ExtendOnTest(test, NOON + 47 * HOUR)).reason is Reason.ALREADY_SO
    assert one.refused(ExtendOnTest(test, NOON)).reason is Reason.TIME_IN_PAST


@pytest.mark.parametrize(
    ("code", "token", "qualifier"),
    [
        ("TS", "SIA-DCS", ""),
        ("TX", "SIA-DCS", ""),
        ("RP", "SIA-DCS", ""),
        ("601", "ADM-CID", "1"),
        ("604", "ADM-CID", "1"),
        ("607", "ADM-CID", "1"),
        ("", "NULL", ""),
    ],
)
def test_nothing_that_a_device_sends_puts_anything_on_test(
    code: str, token: str, qualifier: str
) -> None:
    one = world()
    one.hear(code, "7", site=SITE, device=PANEL, token=token, qualifier=qualifier)
    assert one.all_of(SubjectKind.ON_TEST) == []
    assert heard(one, "FA", "7").verdict is Verdict.OPENED


def test_what_is_remembered_is_bounded() -> None:
    one = world()
    test = put(one)
    state = state_of(one, test)
    for number in range(TESTED_MAX + 1):
        fact = OnTestSignalled(UUID(int=1), PANEL, str(number), Verdict.OPENED, IncidentType.FIRE)
        state = evolve(state, fact)
    assert (state.signals, len(state.heard_from)) == (TESTED_MAX + 1, TESTED_MAX)


def test_who_and_why_are_in_the_log() -> None:
    one = world()
    put(one)
    begun = one.log[-1][2]
    assert isinstance(begun, OnTestBegun)
    assert (begun.by, begun.by_name, begun.why) == ("li", "Li Wei", "Walk test")
    assert (begun.district, begun.agency) == ("north", "city")
    with pytest.raises(ValueError, match="not on test"):
        evolve(None, OnTestSignalled(UUID(int=1), None, "", Verdict.OPENED, IncidentType.FIRE))
