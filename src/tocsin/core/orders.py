"""An order: what is asked of a unit, and how far it has come on each channel.

States, facts and `evolve`; the rules are in `tocsin.core.dispatch` and `tocsin.core.reporting`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from tocsin.core.terms import Channel, Level, sealed


class OrderState(StrEnum):
    GIVEN = "given"
    SENT = "sent"  # handed to at least one channel
    RECEIVED = "received"  # a channel reports that the crew's device has it
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNDER_WAY = "under_way"
    AT_SCENE = "at_scene"
    DONE = "done"
    RECALLED = "recalled"


class OrderStep(StrEnum):
    """What must happen next, and is named when it did not happen in time."""

    RECEIPT = "receipt"
    ANSWER = "answer"
    START = "start"
    ARRIVAL = "arrival"


class Ending(StrEnum):
    """How an order came to its end, as the unit and the incident are told."""

    DONE = "done"
    RECALLED = "recalled"
    REFUSED = "refused"
    DIVERTED = "diverted"


class Refusal(StrEnum):
    """Why a crew cannot go. A closed list, because it is shown to everyone: what a crew says about
    its people belongs into the sealed note."""

    CREW_INCOMPLETE = "crew_incomplete"
    VEHICLE_DEFECT = "vehicle_defect"
    EQUIPMENT_MISSING = "equipment_missing"
    TOO_FAR = "too_far"
    ROAD_BLOCKED = "road_blocked"
    OTHER = "other"


ENDED: Final = frozenset(
    {OrderState.REFUSED, OrderState.DONE, OrderState.RECALLED},
)

# How far along the road an order is; a later report fills in the earlier steps.
PROGRESS: Final = {
    OrderState.GIVEN: 0,
    OrderState.SENT: 1,
    OrderState.RECEIVED: 2,
    OrderState.ACCEPTED: 3,
    OrderState.UNDER_WAY: 4,
    OrderState.AT_SCENE: 5,
    OrderState.DONE: 6,
    OrderState.REFUSED: 6,
    OrderState.RECALLED: 6,
}

# The step each state waits for; a state that may last waits for none.
STEP: Final[dict[OrderState, OrderStep | None]] = {
    OrderState.GIVEN: OrderStep.RECEIPT,
    OrderState.SENT: OrderStep.RECEIPT,
    OrderState.RECEIVED: OrderStep.ANSWER,
    OrderState.ACCEPTED: OrderStep.START,
    OrderState.UNDER_WAY: OrderStep.ARRIVAL,
    OrderState.AT_SCENE: None,
    OrderState.DONE: None,
    OrderState.REFUSED: None,
    OrderState.RECALLED: None,
}


@dataclass(frozen=True, slots=True)
class OrderGiven:
    incident: UUID
    unit: UUID
    call_sign: str
    district: str
    agency: str
    given_at: datetime
    due_at: datetime | None = None  # receipt
    level: Level = Level.P3
    by: str = ""
    by_name: str = ""
    advised: bool = False  # the unit was among the recommended ones
    note: str | None = sealed()


@dataclass(frozen=True, slots=True)
class OrderSent:
    channel: Channel
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderReceived:
    """`channel` is None where the crew's later word shows that it has the order."""

    channel: Channel | None
    at: datetime
    due_at: datetime | None = None  # answer


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    at: datetime
    due_at: datetime | None = None  # start


@dataclass(frozen=True, slots=True)
class OrderRefused:
    reason: Refusal
    at: datetime
    note: str | None = sealed()


@dataclass(frozen=True, slots=True)
class OrderStarted:
    """The unit is under way."""

    at: datetime
    due_at: datetime | None = None  # arrival


@dataclass(frozen=True, slots=True)
class OrderArrived:
    """The unit is at the scene."""

    at: datetime


@dataclass(frozen=True, slots=True)
class OrderDone:
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderRecalled:
    reason: Ending  # RECALLED or DIVERTED
    at: datetime
    note: str | None = sealed()  # why, in the dispatcher's words


@dataclass(frozen=True, slots=True)
class OrderOverdue:
    """`step` did not happen in time."""

    step: OrderStep
    due_at: datetime


OrderFact = (
    OrderGiven
    | OrderSent
    | OrderReceived
    | OrderAccepted
    | OrderRefused
    | OrderStarted
    | OrderArrived
    | OrderDone
    | OrderRecalled
    | OrderOverdue
)


@dataclass(frozen=True, slots=True)
class OnChannel:
    """How far the order has come on one channel."""

    channel: Channel
    sent_at: datetime | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Everything the log says about one order, apart from sealed fields."""

    incident: UUID
    unit: UUID
    call_sign: str
    district: str
    agency: str
    state: OrderState
    level: Level
    given_at: datetime
    by: str = ""
    by_name: str = ""
    advised: bool = False
    channels: tuple[OnChannel, ...] = ()
    received_at: datetime | None = None
    accepted_at: datetime | None = None
    refused_at: datetime | None = None
    refusal: Refusal | None = None
    under_way_at: datetime | None = None
    at_scene_at: datetime | None = None
    done_at: datetime | None = None
    recalled_at: datetime | None = None
    due_at: datetime | None = None
    overdue: OrderStep | None = None


def evolve(order: Order | None, fact: OrderFact) -> Order:
    """The order after `fact`. Never refuses."""
    if isinstance(fact, OrderGiven):
        return Order(
            incident=fact.incident,
            unit=fact.unit,
            call_sign=fact.call_sign,
            district=fact.district,
            agency=fact.agency,
            state=OrderState.GIVEN,
            level=fact.level,
            given_at=fact.given_at,
            by=fact.by,
            by_name=fact.by_name,
            advised=fact.advised,
            due_at=fact.due_at,
        )
    if order is None:
        raise ValueError(f"{type(fact).__name__} without an order before it")
    match fact:
        case OrderSent():
            state = OrderState.SENT if order.state is OrderState.GIVEN else order.state
            return replace(order, state=state, channels=_sent(order.channels, fact))
        case OrderReceived():
            return _received(order, fact)
        case OrderAccepted():
            return replace(
                order,
                state=OrderState.ACCEPTED,
                accepted_at=fact.at,
                due_at=fact.due_at,
                overdue=None,
            )
        case OrderStarted():
            return replace(
                order,
                state=OrderState.UNDER_WAY,
                under_way_at=fact.at,
                due_at=fact.due_at,
                overdue=None,
            )
        case OrderArrived():
            return replace(
                order, state=OrderState.AT_SCENE, at_scene_at=fact.at, due_at=None, overdue=None
            )
        case OrderRefused():
            return replace(
                _ended(order, OrderState.REFUSED), refused_at=fact.at, refusal=fact.reason
            )
        case OrderDone():
            return replace(_ended(order, OrderState.DONE), done_at=fact.at)
        case OrderRecalled():
            return replace(_ended(order, OrderState.RECALLED), recalled_at=fact.at)
        case OrderOverdue():
            return replace(order, due_at=None, overdue=fact.step)
        case _:
            assert_never(fact)


def due(order: Order) -> datetime | None:
    """When the order's next step must have happened."""
    return order.due_at


def _ended(order: Order, state: OrderState) -> Order:
    return replace(order, state=state, due_at=None, overdue=None)


def _sent(channels: tuple[OnChannel, ...], fact: OrderSent) -> tuple[OnChannel, ...]:
    for at, known in enumerate(channels):
        if known.channel is fact.channel:
            return (*channels[:at], replace(known, sent_at=fact.at), *channels[at + 1 :])
    return (*channels, OnChannel(fact.channel, sent_at=fact.at))


def _received(order: Order, fact: OrderReceived) -> Order:
    channels = order.channels
    if fact.channel is not None:
        for at, known in enumerate(channels):
            if known.channel is fact.channel:
                told = replace(known, received_at=fact.at)
                channels = (*channels[:at], told, *channels[at + 1 :])
                break
        else:
            channels = (*channels, OnChannel(fact.channel, received_at=fact.at))
    if PROGRESS[order.state] >= PROGRESS[OrderState.RECEIVED]:
        # A further channel confirms what is known already: the road goes on where it is.
        return replace(order, channels=channels)
    return replace(
        order,
        state=OrderState.RECEIVED,
        channels=channels,
        received_at=fact.at,
        due_at=fact.due_at,
        overdue=None,
    )
