"""Exceptions in numbers share a card; what is different stays in sight, and no alarm of a known
site is ever among them."""

from datetime import timedelta
from uuid import UUID

import pytest

from core.test_warning_judging import warn
from core.world import NOON, World
from tocsin.core.commands import (
    CloseIncident,
    HoldIncident,
    MergeIncidents,
    MoveSignal,
    TakeIncident,
)
from tocsin.core.crowds import OWN_MAX, WITHIN
from tocsin.core.incidents.crowd import (
    RECENT_MAX,
    SAID_MAX,
    Crowd,
    CrowdEntry,
    ExceptionKind,
    with_one_more,
)
from tocsin.core.incidents.state import OPEN, Band, Incident, IncidentState, band
from tocsin.core.signals import Verdict, VerdictReason
from tocsin.core.states import due
from tocsin.core.terms import Disposition, IncidentType, Level, SubjectKind

CARDS_MAX = 19
KINDS = {
    ExceptionKind.TROUBLE: ("AT", True),
    ExceptionKind.UNKNOWN_CODE: ("QQ", True),
    ExceptionKind.UNKNOWN_ALARM: ("FA", False),
    ExceptionKind.UNKNOWN_SOURCE: ("AT", False),
}


def flood(world: World, count: int, kind: ExceptionKind, district: str = "north") -> list[UUID]:
    """So many exceptions, each of another sender at another address; answers with the signals."""
    code, is_known = KINDS[kind]
    signals = []
    for _ in range(count):
        one = world.id()
        signals.append(
            world.hear(
                code,
                account=f"{one.int:X}",
                site=one if is_known else None,
                source=f"10.{one.int >> 16 & 255}.{one.int >> 8 & 255}.{one.int & 255}",
                district=district,
            )
        )
    return signals


def cards(world: World) -> list[Incident]:
    return [one for one in map(world.incident, world.incidents()) if one.state in OPEN]


def crowd_of(world: World, kind: ExceptionKind) -> tuple[UUID, Incident]:
    (found,) = (
        (one, incident)
        for one in world.incidents()
        if (incident := world.incident(one)).crowd is not None
        and incident.exception is kind
        and incident.state in OPEN
    )
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_as_fit_have_cards_of_their_own_and_further_ones_share_one(
    kind: ExceptionKind,
) -> None:
    world = World()
    flood(world, OWN_MAX, kind)
    assert len(cards(world)) == OWN_MAX
    assert all(one.crowd is None and one.exception is kind for one in cards(world))
    further = flood(world, 40, kind)
    assert len(cards(world)) == OWN_MAX + 1
    crowd, incident = crowd_of(world, kind)
    opened, *joined = map(world.signal, further)
    assert (opened.verdict, opened.reason) == (Verdict.OPENED, VerdictReason.CROWD)
    assert {(one.verdict, one.reason) for one in joined} == {(Verdict.JOINED, VerdictReason.CROWD)}
    assert {one.incident for one in (opened, *joined)} == {crowd}
    assert incident.crowd is not None
    assert (incident.crowd.senders, incident.signal_count) == (40, 40)
    # It is a card of the watch band like any other.
    assert (band(incident), incident.level, incident.state) == (
        Band.WATCH,
        Level.P4,
        IncidentState.NEW,
    )
    assert due(incident) == NOON + timedelta(hours=1)
    assert incident.title_zh
    assert incident.title_en


def test_ten_thousand_exceptions_of_every_kind_are_few_cards() -> None:
    world = World()
    for turn in range(500):
        for kind in (*KINDS, *reversed(KINDS)) if turn % 2 else KINDS:
            flood(world, 1, kind)
    for kind in KINDS:
        flood(world, 2_000, kind)
    assert len(cards(world)) <= CARDS_MAX - 2  # no late ones here
    counted = sum(one.signal_count for one in cards(world))
    assert counted == len(world.all_of(SubjectKind.SIGNAL)) > 10_000


def test_kinds_that_come_one_after_the_other_are_no_more_cards() -> None:
    world = World()
    for kind in KINDS:
        flood(world, 100, kind)
    # The first kind has all the room; the first of each other one is what is different.
    own = [one.exception for one in cards(world) if one.crowd is None]
    assert own == [ExceptionKind.TROUBLE] * OWN_MAX + list(KINDS)[1:]
    assert len(cards(world)) == OWN_MAX + 3 + 4 <= CARDS_MAX


def test_what_is_different_in_a_flood_has_a_card_of_its_own() -> None:
    world = World()
    flood(world, 500, ExceptionKind.UNKNOWN_ALARM)
    hospital = world.id()
    trouble = world.hear("YP", site=hospital)
    assert world.signal(trouble).reason is VerdictReason.TROUBLE
    card = world.signal(trouble).incident
    assert card is not None
    assert world.incident(card).site == hospital


def test_a_new_installation_that_is_wrongly_configured_is_seen_by_itself() -> None:
    world = World()
    flood(world, OWN_MAX - 1, ExceptionKind.TROUBLE)
    signal = world.hear("FA", "7", account="4711", source="203.0.113.9")
    assert world.signal(signal).reason is VerdictReason.UNKNOWN_SOURCE
    card = world.signal(signal).incident
    assert card is not None
    assert world.incident(card).title_en == "Fire alarm, zone 7 · #4711"


def test_an_alarm_of_a_known_site_never_goes_into_a_crowd() -> None:
    world = World()
    for kind in KINDS:
        flood(world, 50, kind)
    fire = world.hear("FA", "7", site=world.id())
    assert world.signal(fire).verdict is Verdict.OPENED
    card = world.signal(fire).incident
    assert card is not None
    assert (band(world.incident(card)), world.incident(card).level) == (Band.UNASSIGNED, Level.P1)


@pytest.mark.parametrize("code", ["FA", "BA", "PA", "MA", "GA", "TA"])
def test_a_later_alarm_of_a_site_in_the_crowd_opens_its_own(code: str) -> None:
    world = World()
    flood(world, OWN_MAX, ExceptionKind.TROUBLE)
    site = world.id()
    trouble = world.hear("AT", site=site)
    assert world.signal(trouble).reason is VerdictReason.CROWD
    alarm = world.hear(code, "3", site=site)
    assert world.signal(alarm).verdict is Verdict.OPENED
    assert world.signal(alarm).reason is VerdictReason.ALARM
    # From then on the site has an incident of its own, and what it says is told there.
    restore = world.hear("AR", site=site)
    assert world.signal(restore).incident == world.signal(alarm).incident


def test_a_restore_and_a_status_of_one_in_the_crowd_are_told_on_its_card() -> None:
    world = World()
    flood(world, OWN_MAX, ExceptionKind.TROUBLE)
    site, stranger = world.id(), world.id()
    world.hear("AT", site=site)
    crowd, before = crowd_of(world, ExceptionKind.TROUBLE)
    for code in ("AR", "OP"):
        told = world.signal(world.hear(code, site=site))
        assert (told.reason, told.incident) == (VerdictReason.SAME_SITE, crowd)
    elsewhere = world.signal(world.hear("AR", site=stranger))
    assert (elsewhere.verdict, elsewhere.reason) == (
        Verdict.RECORDED,
        VerdictReason.NOTHING_OPEN,
    )
    after = world.incident(crowd)
    assert after.signal_count == before.signal_count + 2
    assert after.crowd == before.crowd  # they are no exceptions


def test_a_restore_of_an_unknown_source_in_the_crowd_is_told_on_its_card() -> None:
    world = World()
    flood(world, OWN_MAX, ExceptionKind.UNKNOWN_ALARM)
    world.hear("BA", account="B001", source="203.0.113.9")
    crowd, _ = crowd_of(world, ExceptionKind.UNKNOWN_ALARM)
    restore = world.signal(world.hear("BH", account="B001", source="203.0.113.10"))
    assert (restore.reason, restore.incident) == (VerdictReason.SAME_SOURCE, crowd)
    assert world.signal(world.hear("BH", account="B002")).verdict is Verdict.RECORDED


def test_senders_count_once_and_what_they_say_is_told_apart() -> None:
    world = World()
    flood(world, OWN_MAX, ExceptionKind.TROUBLE)
    sites = [world.id() for _ in range(4)]
    for site in sites:
        for code, zone in (("AT", ""), ("YT", ""), ("YT", ""), ("FT", "3"), ("FT", "4")):
            world.hear(code, zone, site=site)
    _, incident = crowd_of(world, ExceptionKind.TROUBLE)
    assert incident.crowd is not None
    assert incident.crowd.senders == 4
    assert [(one.text_en, one.count) for one in incident.crowd.said] == [
        ("AC power lost", 4),
        ("System battery trouble", 8),
        ("Fire trouble", 8),  # zones are no contents of their own
    ]


def test_contents_beyond_what_is_named_count_together() -> None:
    crowd: Crowd | None = Crowd()
    for number in range(SAID_MAX + 2):
        crowd = with_one_more(crowd, CrowdEntry(NOON, True, f"第 {number} 种", f"kind {number}"))
    crowd = with_one_more(crowd, CrowdEntry(NOON, False, "第 0 种", "kind 0"))
    assert crowd is not None
    assert (len(crowd.said), crowd.said_else, crowd.said[0].count) == (SAID_MAX, 2, 2)
    assert (crowd.senders, len(crowd.recent)) == (SAID_MAX + 2, RECENT_MAX)


def test_a_crowd_takes_in_others_as_long_as_it_grows() -> None:
    world = World()
    flood(world, OWN_MAX + RECENT_MAX, ExceptionKind.TROUBLE)
    crowd, _ = crowd_of(world, ExceptionKind.TROUBLE)
    # Who had cards of their own are old news, and it still grows.
    world.now += WITHIN
    (last,) = flood(world, 1, ExceptionKind.TROUBLE)
    assert world.signal(last).incident == crowd
    # Then fewer came than have room beside it.
    world.now += timedelta(seconds=1)
    (calm,) = flood(world, 1, ExceptionKind.TROUBLE)
    assert world.signal(calm).reason is VerdictReason.TROUBLE
    # A second flood fills the room again, and the crowd that is there.
    flood(world, 3 * OWN_MAX, ExceptionKind.TROUBLE)
    crowds = [one for one in cards(world) if one.crowd is not None]
    assert len(crowds) == 1
    assert len(cards(world)) == 2 * OWN_MAX + 1


def test_after_the_flood_one_that_was_in_it_has_a_card_of_its_own() -> None:
    world = World()
    flood(world, OWN_MAX, ExceptionKind.UNKNOWN_ALARM)
    world.hear("FA", account="4711", source="203.0.113.9")
    crowd, _ = crowd_of(world, ExceptionKind.UNKNOWN_ALARM)
    world.now += WITHIN
    again = world.signal(world.hear("FA", account="4711", source="203.0.113.9"))
    assert again.reason is VerdictReason.UNKNOWN_SOURCE
    assert again.incident != crowd


@pytest.mark.parametrize("before", [timedelta(0), timedelta(microseconds=1)])
def test_cards_of_ten_minutes_ago_leave_room(before: timedelta) -> None:
    world = World()
    flood(world, OWN_MAX, ExceptionKind.TROUBLE)
    world.now += WITHIN - before
    (signal,) = flood(world, 1, ExceptionKind.TROUBLE)
    expected = VerdictReason.CROWD if before else VerdictReason.TROUBLE
    assert world.signal(signal).reason is expected


def test_who_takes_a_card_makes_room() -> None:
    world = World()
    flood(world, OWN_MAX, ExceptionKind.TROUBLE)
    world.do(TakeIncident(world.incidents()[0]))
    first, second = flood(world, 2, ExceptionKind.TROUBLE)
    assert world.signal(first).reason is VerdictReason.TROUBLE
    assert world.signal(second).reason is VerdictReason.CROWD


def test_each_district_has_its_own_room_and_crowds() -> None:
    world = World()
    flood(world, 50, ExceptionKind.TROUBLE)
    (elsewhere,) = flood(world, 1, ExceptionKind.TROUBLE, district="south")
    assert world.signal(elsewhere).reason is VerdictReason.TROUBLE
    flood(world, 50, ExceptionKind.TROUBLE, district="south")
    crowds = [one for one in cards(world) if one.crowd is not None]
    assert {one.district for one in crowds} == {"north", "south"}
    assert all({one.district} == {crowd_district(world, one)} for one in crowds)


def crowd_district(world: World, crowd: Incident) -> str:
    """The one district of all signals of a crowd."""
    (found,) = {world.signal(signal).district for signal in crowd.signals}
    return found


def test_when_the_crowd_is_closed_the_next_exception_opens_anew() -> None:
    world = World()
    flood(world, 3 * OWN_MAX, ExceptionKind.TROUBLE)
    crowd, _ = crowd_of(world, ExceptionKind.TROUBLE)
    world.do(CloseIncident(crowd, Disposition.HANDLED))
    (signal,) = flood(world, 1, ExceptionKind.TROUBLE)
    again = world.signal(signal)
    assert (again.verdict, again.reason) == (Verdict.OPENED, VerdictReason.CROWD)
    assert again.incident != crowd
    # And where there is room again, a card of its own.
    for one in world.incidents():
        if world.incident(one).state in OPEN:
            world.do(CloseIncident(one, Disposition.HANDLED))
    (signal,) = flood(world, 1, ExceptionKind.TROUBLE)
    assert world.signal(signal).reason is VerdictReason.TROUBLE


def test_a_taken_or_held_crowd_still_takes_in_and_wakes_nobody() -> None:
    world = World()
    flood(world, 3 * OWN_MAX, ExceptionKind.UNKNOWN_ALARM)
    crowd, before = crowd_of(world, ExceptionKind.UNKNOWN_ALARM)
    world.do(HoldIncident(crowd, NOON + timedelta(minutes=9), "provider is called"))
    flood(world, 5, ExceptionKind.UNKNOWN_ALARM)
    after = world.incident(crowd)
    assert after.signal_count == before.signal_count + 5
    assert (after.state, after.level) == (IncidentState.HELD, Level.P4)


def test_a_merged_crowd_takes_in_nobody_and_its_restores_follow_it() -> None:
    world = World()
    flood(world, OWN_MAX, ExceptionKind.TROUBLE)
    site, call = world.id(), world.call(IncidentType.TECHNICAL)
    world.hear("AT", site=site)
    crowd, _ = crowd_of(world, ExceptionKind.TROUBLE)
    world.do(MergeIncidents(crowd, into=call))
    assert world.signal(world.hear("AR", site=site)).incident == call
    (signal,) = flood(world, 1, ExceptionKind.TROUBLE)
    assert world.signal(signal).verdict is Verdict.OPENED


def test_a_signal_moved_out_of_the_crowd_takes_its_sender_with_it() -> None:
    world = World()
    flood(world, OWN_MAX, ExceptionKind.TROUBLE)
    site, call = world.id(), world.call(IncidentType.TECHNICAL)
    trouble = world.hear("AT", site=site)
    crowd, _ = crowd_of(world, ExceptionKind.TROUBLE)
    world.do(MoveSignal(trouble, crowd, call))
    assert world.signal(trouble).sender == ""
    assert world.signal(world.hear("AR", site=site)).verdict is Verdict.RECORDED


def test_a_warning_has_its_own_card_however_many_exceptions_wait() -> None:
    world = World()
    flood(world, 50, ExceptionKind.UNKNOWN_ALARM)
    flood(world, 50, ExceptionKind.UNKNOWN_SOURCE)
    signal = warn(world, Level.P3)
    assert world.signal(signal).reason is VerdictReason.UNKNOWN_SOURCE


def test_the_log_alone_rebuilds_a_crowd() -> None:
    world = World()
    for kind in KINDS:
        flood(world, 30, kind)
    assert world.rebuilt() == world.states
