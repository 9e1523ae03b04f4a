"""What comes back from a crew: receipt, answer and status. One word from the crew moves its
order, its unit and the incident together, and fills in the steps whose word was lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never
from uuid import UUID

from tocsin.core.commands import (
    AcceptOrder,
    MarkOrderSent,
    ReceiveOrder,
    RefuseOrder,
    RegisterUnit,
    ReportStatus,
    ReturnToService,
    TakeOutOfService,
)
from tocsin.core.incidents.decide import checked_text
from tocsin.core.obligations import deadline
from tocsin.core.orders import (
    ENDED,
    PROGRESS,
    Ending,
    Order,
    OrderAccepted,
    OrderArrived,
    OrderDone,
    OrderFact,
    OrderOverdue,
    OrderReceived,
    OrderRefused,
    OrderSent,
    OrderStarted,
    OrderState,
)
from tocsin.core.orders import STEP as ORDER_STEP
from tocsin.core.sending import detach, free_state
from tocsin.core.states import Decided, States, the_order, the_unit
from tocsin.core.terms import Context, Reason, Refused, Role, SubjectKind
from tocsin.core.units import (
    FREE,
    REPORTABLE,
    Unit,
    UnitFact,
    UnitFreed,
    UnitOverdue,
    UnitRegistered,
    UnitReturnedToService,
    UnitState,
    UnitStateReported,
    UnitTakenOutOfService,
)
from tocsin.core.units import STEP as UNIT_STEP

OrderCommand = MarkOrderSent | ReceiveOrder | AcceptOrder | RefuseOrder
UnitCommand = ReportStatus | TakeOutOfService | ReturnToService

# How far the order must have come when the unit reports this.
_ORDER_REACHES: Final[dict[UnitState, OrderState]] = {
    UnitState.UNDER_WAY: OrderState.UNDER_WAY,
    UnitState.AT_SCENE: OrderState.AT_SCENE,
    UnitState.TRANSPORTING: OrderState.AT_SCENE,
}


def decide_order(states: States, command: OrderCommand, context: Context) -> list[Decided]:
    """A word about one order; a refusal also frees the unit and tells the incident."""
    order = the_order(states, command.order)
    if order.state in ENDED:
        raise Refused(Reason.ORDER_ENDED, call_sign=order.call_sign)
    match command:
        case MarkOrderSent():
            if any(on.channel is command.channel and on.sent_at for on in order.channels):
                raise Refused(Reason.ALREADY_SO)
            facts: list[OrderFact] = [OrderSent(command.channel, at=context.now)]
        case ReceiveOrder():
            if any(on.channel is command.channel and on.received_at for on in order.channels):
                raise Refused(Reason.ALREADY_SO)
            answer_by = deadline(context.now, context.obligations.answer_s)
            facts = [OrderReceived(command.channel, at=context.now, due_at=answer_by)]
        case AcceptOrder():
            if PROGRESS[order.state] >= PROGRESS[OrderState.ACCEPTED]:
                raise Refused(Reason.ALREADY_SO)
            facts = advance(order, OrderState.ACCEPTED, context)
        case RefuseOrder():
            return _refuse(states, order, command, context)
        case _:
            assert_never(command)
    return [(SubjectKind.ORDER, command.order, fact) for fact in facts]


def decide_unit(states: States, command: UnitCommand, context: Context) -> list[Decided]:
    """A word from or about one unit, and what it means for its order and incident."""
    unit = the_unit(states, command.unit)
    match command:
        case ReportStatus():
            return _report(states, unit, command, context)
        case TakeOutOfService():
            if unit.state is UnitState.OUT_OF_SERVICE:
                raise Refused(Reason.ALREADY_SO)
            if unit.order is not None:
                raise Refused(Reason.UNIT_ON_ORDER, call_sign=unit.call_sign)
            fact: UnitFact = UnitTakenOutOfService(command.reason, at=context.now)
            return [(SubjectKind.UNIT, command.unit, fact)]
        case ReturnToService():
            if unit.state is not UnitState.OUT_OF_SERVICE:
                raise Refused(Reason.ALREADY_SO)
            fact = UnitReturnedToService(UnitState.IN_STATION, at=context.now)
            return [(SubjectKind.UNIT, command.unit, fact)]
        case _:
            assert_never(command)


def register(states: States, command: RegisterUnit, context: Context) -> list[Decided]:
    """A unit becomes known, or what it is changes; registered again as it is, nothing happens."""
    fact = UnitRegistered(
        call_sign=command.call_sign,
        kind=command.kind,
        capabilities=command.capabilities,
        station=command.station,
        station_place=command.station_place,
        district=command.district,
        agency=command.agency,
        at=context.now,
    )
    known = states.get(command.unit)
    if isinstance(known, Unit) and _is_so(known, command):
        return []
    return [(SubjectKind.UNIT, command.unit, fact)]


def advance(order: Order, to: OrderState, context: Context) -> list[OrderFact]:
    """The facts that bring an order up to `to`, with the steps in between that nobody reported."""
    now, obligations = context.now, context.obligations
    come, go = PROGRESS[order.state], PROGRESS[to]
    facts: list[OrderFact] = []
    if come < PROGRESS[OrderState.RECEIVED] <= go:
        facts.append(OrderReceived(None, now, deadline(now, obligations.answer_s)))
    if come < PROGRESS[OrderState.ACCEPTED] <= go:
        facts.append(OrderAccepted(now, deadline(now, obligations.turnout_s)))
    if come < PROGRESS[OrderState.UNDER_WAY] <= go:
        arrive_by = deadline(now, obligations.arrival_s[order.level - 1])
        facts.append(OrderStarted(now, arrive_by))
    if come < PROGRESS[OrderState.AT_SCENE] <= go:
        facts.append(OrderArrived(now))
    return facts


def order_time_is_up(order: Order, now: datetime) -> list[OrderFact]:
    """A step of the order that did not happen is said once."""
    step = ORDER_STEP[order.state]
    if order.due_at is None or now < order.due_at or step is None:
        return []
    return [OrderOverdue(step, order.due_at)]


def unit_time_is_up(unit: Unit, now: datetime) -> list[UnitFact]:
    """A unit's state that has lasted too long is said once."""
    step = UNIT_STEP[unit.state]
    if unit.due_at is None or now < unit.due_at or step is None:
        return []
    return [UnitOverdue(step, unit.due_at)]


def _refuse(states: States, order: Order, command: RefuseOrder, context: Context) -> list[Decided]:
    if PROGRESS[order.state] >= PROGRESS[OrderState.UNDER_WAY]:
        raise Refused(Reason.ORDER_STEP_IMPOSSIBLE, state=order.state)
    unit = the_unit(states, order.unit)
    note = None if command.note is None else checked_text(command.note)
    refused = OrderRefused(command.reason, at=context.now, note=note)
    freed = _freed(unit, command.order, free_state(unit), Ending.REFUSED, context)
    detached = detach(states, order.unit, unit, Ending.REFUSED, {}, context)
    return [
        (SubjectKind.ORDER, command.order, refused),
        (SubjectKind.UNIT, order.unit, freed),
        (SubjectKind.INCIDENT, order.incident, detached),
    ]


def _report(states: States, unit: Unit, command: ReportStatus, context: Context) -> list[Decided]:
    if unit.state is command.state:
        raise Refused(Reason.ALREADY_SO)
    if unit.state is UnitState.OUT_OF_SERVICE:
        raise Refused(Reason.UNIT_NOT_IN_SERVICE, call_sign=unit.call_sign)
    if command.state not in REPORTABLE[unit.state]:
        if unit.order is None and command.state not in FREE:
            raise Refused(Reason.UNIT_HAS_NO_ORDER, call_sign=unit.call_sign)
        raise Refused(Reason.ORDER_STEP_IMPOSSIBLE, state=unit.state, call_sign=unit.call_sign)
    if unit.order is None or unit.incident is None:
        return [(SubjectKind.UNIT, command.unit, _reported(command.state, context))]
    order = the_order(states, unit.order)
    if command.state in FREE:
        detached = detach(states, command.unit, unit, Ending.DONE, {}, context)
        freed = _freed(unit, unit.order, command.state, Ending.DONE, context)
        return [
            (SubjectKind.ORDER, unit.order, OrderDone(context.now)),
            (SubjectKind.UNIT, command.unit, freed),
            (SubjectKind.INCIDENT, unit.incident, detached),
        ]
    steps = advance(order, _ORDER_REACHES[command.state], context)
    return [
        *((SubjectKind.ORDER, unit.order, step) for step in steps),
        (SubjectKind.UNIT, command.unit, _reported(command.state, context)),
    ]


def _reported(state: UnitState, context: Context) -> UnitStateReported:
    return UnitStateReported(
        state,
        at=context.now,
        by_desk=context.actor.role is not Role.CREW,
        due_at=_unit_deadline(state, context),
    )


def _freed(
    unit: Unit, order: UUID, state: UnitState, reason: Ending, context: Context
) -> UnitFreed:
    due_at = _unit_deadline(state, context) if state is not unit.before_order else None
    return UnitFreed(order, state, reason, at=context.now, due_at=due_at)


def _unit_deadline(state: UnitState, context: Context) -> datetime | None:
    if state is UnitState.TRANSPORTING:
        return deadline(context.now, context.obligations.transport_s)
    if state is UnitState.RETURNING:
        return deadline(context.now, context.obligations.return_s)
    return None


def _is_so(unit: Unit, command: RegisterUnit) -> bool:
    return (
        unit.call_sign == command.call_sign
        and unit.kind == command.kind
        and unit.capabilities == command.capabilities
        and unit.station == command.station
        and unit.station_place == command.station_place
        and unit.district == command.district
        and unit.agency == command.agency
    )
