"""When a device is silent: time counts only while its way in could hear, and a killed process does
not make a liar of a device whose last poll it took along."""

import random
from datetime import timedelta
from uuid import UUID

import pytest

from core.world import NOON, SYSTEM, World
from tocsin.core.codes.meaning import Meaning
from tocsin.core.commands import CloseIncident, JudgeSignal
from tocsin.core.crowds import OWN_MAX, sender_of
from tocsin.core.incidents.facts import IncidentStep
from tocsin.core.incidents.state import Band, band
from tocsin.core.signals import Effect, SignalRead, Verdict, VerdictReason
from tocsin.core.supervision import (
    FAILED,
    OUTAGE,
    OUTAGE_DEVICES,
    OUTAGE_SITES,
    PROTOCOL,
    RESTORED,
    SILENCE,
    Hearing,
    allowed_s,
    is_outage,
    level_of,
)
from tocsin.core.terms import Disposition, IncidentType, Level


def is_silent(hearing: Hearing, last_seen: float, interval_s: float = 60) -> bool:
    heard = hearing.last_heard(last_seen, interval_s)
    return hearing.total_s - heard > allowed_s(interval_s)


def test_silent_after_the_interval_and_before_a_tenth_more() -> None:
    assert not is_silent(Hearing([(0, 1060)]), 1000)
    assert not is_silent(Hearing([(0, 1062)]), 1000)
    assert is_silent(Hearing([(0, 1063)]), 1000)


def test_time_in_which_nobody_listened_is_nobodys_silence() -> None:
    assert not is_silent(Hearing([(0, 1010), (5000, 5050)]), 1000)
    assert is_silent(Hearing([(0, 1010), (5000, 5053)]), 1000)


def test_a_restart_hides_no_true_silence() -> None:
    """Restarted each 30 s for ever: the device that does not come is found all the same."""
    spans = [(start, start + 28.0) for start in range(0, 300, 30)]
    assert is_silent(Hearing(spans), 5)
    found_after = [n for n in range(1, 11) if is_silent(Hearing(spans[:n]), 5)]
    # 23 s and 28 s: it was due then, and may have been heard; 84 s more are too much.
    assert found_after == [5, 6, 7, 8, 9, 10]


def test_a_poll_lost_with_its_process_raises_no_silence() -> None:
    """Due just when the process was killed: its poll may have been answered and not written."""
    killed = [(0.0, 1059.0), (1064.0, 1070.0)]
    assert not is_silent(Hearing(killed), 1000)
    assert not is_silent(Hearing([(0.0, 1059.0), (1064.0, 1064.0 + 62)]), 1000)
    assert is_silent(Hearing([(0.0, 1059.0), (1064.0, 1064.0 + 63)]), 1000)
    # Not due then, so nothing can have been lost: no more time than ever.
    assert is_silent(Hearing([(0.0, 1030.0), (1035.0, 1035.0 + 33)]), 1000)
    # Overdue before: the kill excuses nothing.
    assert is_silent(Hearing([(0.0, 1063.0), (1070.0, 1074.0)]), 1000)


def test_overlapping_spans_of_two_processes_count_once() -> None:
    one = Hearing([(0, 100)])
    two = Hearing([(0, 60), (40, 100), (50, 55)])
    assert one.total_s == two.total_s == 100
    assert [two.heard_by(at) for at in (-5, 0, 45, 60, 99, 200)] == [0, 0, 45, 60, 99, 100]


def test_seconds_heard_never_fall_and_never_exceed_the_clock() -> None:
    rng = random.Random(7)
    for _ in range(200):
        spans = [(at := rng.uniform(0, 900), at + rng.uniform(0, 90)) for _ in range(8)]
        hearing = Hearing(spans)
        times = sorted(rng.uniform(-10, 1_100) for _ in range(40))
        heard = [hearing.heard_by(at) for at in times]
        for (a, before), (b, after) in zip(
            zip(times, heard, strict=True), zip(times[1:], heard[1:], strict=True), strict=False
        ):
            assert -1e-9 <= after - before <= b - a + 1e-9
        assert heard[-1] <= hearing.total_s + 1e-9


def test_nothing_was_heard_before_there_was_anything() -> None:
    assert Hearing([]).heard_by(1e9) == 0.0
    assert Hearing([]).total_s == 0.0


@pytest.mark.parametrize(
    ("devices", "sites", "expected"),
    [
        (OUTAGE_DEVICES, OUTAGE_SITES, True),
        (OUTAGE_DEVICES - 1, OUTAGE_SITES, False),
        (OUTAGE_DEVICES, OUTAGE_SITES - 1, False),
    ],
)
def test_outage_at_its_limits(devices: int, sites: int, expected: bool) -> None:
    assert is_outage(devices, sites) is expected


def test_what_reports_often_is_graver() -> None:
    assert [level_of(s) for s in (60, 90, 600, 86_400)] == [Level.P2, Level.P2, Level.P3, Level.P4]


def silent(
    world: World, level: Level, site: UUID | None = None, code: str = FAILED, **more: object
) -> UUID:
    """Our own signal about one device of a site is judged."""
    signal = world.id()
    site = site or world.id()
    read = SignalRead(
        protocol=PROTOCOL, token=SILENCE, account="1234", code=code, codes="sia", level=int(level)
    )
    command = JudgeSignal(
        signal=signal,
        read=read,
        received_at=world.now,
        district="north",
        agency="city",
        site=site,
        site_name_zh="磨坊",
        site_name_en="Mill",
        candidates=(*world.candidates(site, "", ""), *world.crowds_with(sender_of(site, read))),
        exceptions=world.exceptions("north"),
        **more,  # type: ignore[arg-type]
    )
    world.do(command, SYSTEM)
    return signal


@pytest.mark.parametrize("level", [Level.P2, Level.P3, Level.P4])
def test_a_silence_is_as_grave_as_its_interval_makes_it(level: Level) -> None:
    world = World()
    signal = silent(world, level)
    (card,) = (world.incident(one) for one in world.incidents())
    assert (band(card), card.level, card.type) == (Band.WATCH, level, IncidentType.TECHNICAL)
    assert card.due_at == NOON + timedelta(seconds=world.obligations.take_s[level - 1])
    assert card.title_en == "Communication failed · Mill"
    assert (world.signal(signal).level, world.signal(signal).effect) == (level, Effect.TROUBLE)


def test_what_a_panel_says_of_its_own_line_is_for_the_watch_only() -> None:
    """Its own word comes over the line that it says has failed: that another one is gone."""
    world = World()
    world.hear(FAILED, site=world.id(), token=SILENCE)
    (card,) = (world.incident(one) for one in world.incidents())
    assert (card.level, card.due_at) == (Level.P4, NOON + timedelta(hours=1))


def test_a_code_table_may_say_how_grave_a_silence_is() -> None:
    world = World()
    means = Meaning(
        *(Effect.TROUBLE, IncidentType.TECHNICAL, Level.P1), "断线", "Line cut", needs_answer=True
    )
    silent(world, Level.P4, means=means, codes_version=1)
    (card,) = (world.incident(one) for one in world.incidents())
    assert (card.level, card.due_at) == (Level.P1, NOON + timedelta(seconds=60))


def test_a_silence_raises_the_card_that_it_joins() -> None:
    world = World()
    site = world.id()
    world.hear("AT", site=site)
    (one,) = world.incidents()
    assert world.incident(one).level is Level.P4
    signal = silent(world, Level.P2, site)
    card = world.incident(one)
    assert (world.signal(signal).incident, card.level) == (one, Level.P2)
    assert (band(card), card.due_at) == (Band.WATCH, NOON + timedelta(seconds=120))
    silent(world, Level.P4, site)
    assert world.incident(one).level is Level.P2  # a calmer one lowers nothing


def test_also_where_the_deadline_of_that_card_has_spoken() -> None:
    world = World()
    site = world.id()
    world.hear("AT", site=site)
    (one,) = world.incidents()
    world.pass_time(hours=2)
    assert world.incident(one).overdue is not None
    silent(world, Level.P2, site)
    card = world.incident(one)
    assert (card.level, card.overdue) == (Level.P2, IncidentStep.TAKE)
    assert card.due_at == world.now + timedelta(seconds=120)


def test_a_restored_line_raises_nothing() -> None:
    world = World()
    site = world.id()
    world.hear("AT", site=site)
    silent(world, Level.P2, site, RESTORED)
    (card,) = (world.incident(one) for one in world.incidents())
    assert (card.level, card.signal_count) == (Level.P4, 2)


def test_a_crowd_is_as_grave_as_the_gravest_silence_in_it() -> None:
    world = World()
    for _ in range(OWN_MAX):
        silent(world, Level.P4)
    silent(world, Level.P3)
    crowd = world.incident(world.incidents()[-1])
    assert crowd.crowd is not None
    assert (crowd.level, crowd.due_at) == (Level.P3, NOON + timedelta(seconds=300))
    world.hear("AT", site=world.id())
    silent(world, Level.P2)
    silent(world, Level.P4)
    crowd = world.incident(world.incidents()[-1])
    assert crowd.crowd is not None
    assert (crowd.level, crowd.due_at) == (Level.P2, NOON + timedelta(seconds=120))
    assert (band(crowd), crowd.crowd.senders) == (Band.WATCH, 4)
    assert len(world.incidents()) == OWN_MAX + 1
    assert world.rebuilt() == world.states


def told(world: World, code: str, district: str = "north") -> UUID:
    """Our own signal about an outage of DC-09 is judged."""
    signal = world.id()
    read = SignalRead(protocol=PROTOCOL, token=OUTAGE, account="dc09", code=code, codes="sia")
    command = JudgeSignal(
        signal=signal,
        read=read,
        received_at=world.now,
        district=district,
        agency="city",
        source="",
        candidates=world.candidates(None, f"{PROTOCOL}/dc09", ""),
    )
    world.do(command, SYSTEM)
    return signal


def test_an_outage_is_one_card_that_nobody_overlooks() -> None:
    world = World()
    assert world.signal(told(world, RESTORED)).verdict is Verdict.RECORDED
    first, more = told(world, FAILED), told(world, FAILED)
    (incident,) = world.incidents()
    state = world.incident(incident)
    assert (state.type, state.level) == (IncidentType.TECHNICAL, Level.P2)
    assert band(state) is Band.UNASSIGNED
    assert state.title_en == "Many devices silent · dc09"
    assert world.signal(first).reason is VerdictReason.OUTAGE
    assert world.signal(more).incident == incident
    ended = world.signal(told(world, RESTORED))
    assert (ended.incident, ended.effect) == (incident, Effect.RESTORE)
    world.do(CloseIncident(incident, Disposition.NO_RESPONSE_NEEDED))
    assert world.signal(told(world, FAILED)).verdict is Verdict.OPENED


def test_an_outage_of_another_district_is_a_card_of_its_own() -> None:
    world = World()
    north, south = told(world, FAILED), told(world, FAILED, "south")
    assert world.signal(north).incident != world.signal(south).incident
    assert {world.incident(one).district for one in world.incidents()} == {"north", "south"}


def test_spans_that_are_over_count_as_ever_when_they_are_kept_apart() -> None:
    rng = random.Random(11)
    for _ in range(300):
        spans = [(at := rng.uniform(0, 900), at + rng.uniform(0, 40)) for _ in range(12)]
        cut = rng.uniform(0, 900)
        past = [one for one in spans if one[1] < cut]
        rest = [one for one in spans if one[1] >= cut]
        if not rest or any(until >= min(rest)[0] for _, until in past):
            continue
        whole = Hearing(spans)
        apart = Hearing(rest, Hearing(past, are_over=True))
        assert apart.total_s == pytest.approx(whole.total_s)
        for at in (rng.uniform(-10, 1_000) for _ in range(40)):
            assert apart.heard_by(at) == pytest.approx(whole.heard_by(at))
            interval_s = rng.choice([10.0, 60.0, 300.0])
            assert apart.last_heard(at, interval_s) == pytest.approx(
                whole.last_heard(at, interval_s)
            )
