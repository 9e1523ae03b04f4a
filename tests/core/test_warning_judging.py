"""A warning of another service (CAP) opens a card with the priority that its source states, and a
graver one raises it: it must not hide behind yesterday's frost."""

from datetime import timedelta
from uuid import UUID

from core.world import NOON, World
from tocsin.core.commands import HoldIncident, JudgeSignal
from tocsin.core.incidents.state import Band, Incident, IncidentState, band
from tocsin.core.signals import SignalRead, Verdict, VerdictReason
from tocsin.core.terms import IncidentType, Level

CALM, GRAVE = Level.P3, Level.P1


def warn(
    world: World,
    level: Level | None,
    qualifier: str = "1",
    *,
    code: str = "Met",
    codes: str = "cap",
) -> UUID:
    signal = world.id()
    read = SignalRead(
        protocol="cap",
        token="Alert",
        account="weather@example.org",
        code=code,
        codes=codes,
        qualifier=qualifier,
        level=level,
    )
    cards = [one for one in world.incidents() if world.incident(one).site is None]
    command = JudgeSignal(
        signal=signal,
        read=read,
        received_at=world.now,
        district="north",
        agency="city",
        source="weather",
        candidates=tuple(reversed(cards)),
    )
    world.do(command)
    return signal


def card(world: World) -> Incident:
    (one,) = world.incidents()
    return world.incident(one)


def test_a_warning_has_the_priority_and_kind_that_its_source_states() -> None:
    world = World()
    signal = warn(world, GRAVE)
    found = card(world)
    assert (found.level, found.type, band(found)) == (GRAVE, IncidentType.RESCUE, Band.WATCH)
    assert world.signal(signal).reason is VerdictReason.UNKNOWN_SOURCE
    # It is to be taken as soon as an incident of that priority, and not within the hour.
    assert found.due_at == NOON + timedelta(seconds=world.obligations.take_s[GRAVE - 1])


def test_a_graver_warning_raises_the_card_and_ends_a_hold() -> None:
    world = World()
    warn(world, CALM)
    (one,) = world.incidents()
    world.do(HoldIncident(one, NOON + timedelta(hours=1), "only frost"))
    assert world.incident(one).state is IncidentState.HELD
    warn(world, GRAVE)
    assert card(world).level is GRAVE
    assert card(world).state is not IncidentState.HELD
    assert card(world).due_at == NOON + timedelta(seconds=world.obligations.assign_s[GRAVE - 1])
    warn(world, CALM)
    assert card(world).level is GRAVE  # a calmer one lowers nothing
    assert card(world).alarm_count == 3


def test_its_end_joins_and_alarms_nobody() -> None:
    world = World()
    warn(world, CALM)
    ended = warn(world, GRAVE, "3")
    assert world.signal(ended).verdict is Verdict.JOINED
    assert (card(world).level, card(world).alarm_count) == (CALM, 1)


def test_a_warning_without_a_priority_and_trouble_with_a_feed_are_for_the_watch_only() -> None:
    world = World()
    warn(world, None)
    assert (card(world).level, card(world).type) == (Level.P4, IncidentType.UNKNOWN)
    world = World()
    warn(world, None, code="YC", codes="sia")
    assert (card(world).level, card(world).type) == (Level.P4, IncidentType.UNKNOWN)


def test_an_exercise_opens_nothing() -> None:
    for status in ("Exercise", "Test", "System", "Draft", "Ack", "Error"):
        world = World()
        signal = warn(world, GRAVE, code=status)
        assert world.signal(signal).verdict is Verdict.RECORDED
        assert world.incidents() == []


def test_a_lost_feed_is_no_unknown_source_and_its_card_says_which_feed() -> None:
    world = World()
    says = {"account": "weather", "protocol": "cap", "codes": "sia", "source": "weather"}
    lost = world.hear("YC", token="FeedLost", **says)
    found = card(world)
    assert world.signal(lost).reason is VerdictReason.TROUBLE
    assert (found.title_en, found.title_zh) == (
        "Warning feed lost · weather",
        "预警源中断 · weather",
    )
    assert found.type is IncidentType.TECHNICAL
    back = world.hear("YK", token="FeedBack", **says)
    assert world.signal(back).incident in world.incidents()
    # The same code of anybody else is what it was.
    other = world.hear("YC", account="weather", protocol="mqtt", codes="sia")
    assert world.signal(other).reason is VerdictReason.UNKNOWN_SOURCE
