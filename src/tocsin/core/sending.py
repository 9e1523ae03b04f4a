"""Sending and recalling units: the rules that span an incident, its orders and the units.

What should be sent is advice (`tocsin.core.dispatch`); this is what a dispatcher's word does.
"""

from __future__ import annotations

from uuid import UUID

from tocsin.core.assurance import require_dispatch
from tocsin.core.commands import RecallUnits, SendUnits
from tocsin.core.incidents.decide import assign_by, checked_text, require_open, taken
from tocsin.core.incidents.evolving import evolve as evolve_incident
from tocsin.core.incidents.facts import IncidentReleased, UnitAttached, UnitDetached
from tocsin.core.incidents.state import Incident, IncidentState
from tocsin.core.obligations import deadline
from tocsin.core.orders import ENDED, Ending, OrderGiven, OrderRecalled
from tocsin.core.states import Decided, States, the_incident, the_order, the_unit
from tocsin.core.terms import Context, Reason, Refused, SubjectKind
from tocsin.core.units import Unit, UnitFreed, UnitOrdered, UnitState


def send_units(states: States, command: SendUnits, context: Context) -> list[Decided]:
    """Every named unit gets an order, or none does.

    An incident that nobody has taken is taken by sending; a held one is released. A unit with an
    order is sent only where `confirm_divert` says that the dispatcher has seen what it leaves; one
    with a patient on board never.
    """
    if not command.units:
        raise Refused(Reason.NO_UNITS_NAMED)
    if len(set(command.units)) != len(command.units):
        raise Refused(Reason.UNIT_NAMED_TWICE)
    incident = the_incident(states, command.incident)
    require_open(incident)
    require_dispatch(context.actor, incident)
    note = None if command.note is None else checked_text(command.note)
    units = [(unit, the_unit(states, unit)) for unit in command.units]
    for _, unit in units:
        _require_sendable(unit, command)

    decided: list[Decided] = []
    if incident.state is IncidentState.NEW:
        decided.append((SubjectKind.INCIDENT, command.incident, taken(incident, context)))
    elif incident.state is IncidentState.HELD:
        released = IncidentReleased(due_at=incident.due_at)
        decided.append((SubjectKind.INCIDENT, command.incident, released))
    # Incidents that lose units, as they stand after each loss: the last loss starts a deadline.
    losing: dict[UUID, Incident] = {}
    for (unit_id, unit), order_id in zip(units, context.fresh_ids, strict=False):
        if unit.order is not None:
            decided += end_order(states, unit_id, unit, Ending.DIVERTED, losing, context)
        given = OrderGiven(
            incident=command.incident,
            unit=unit_id,
            call_sign=unit.call_sign,
            district=incident.district,
            agency=incident.agency,
            given_at=context.now,
            due_at=deadline(context.now, context.obligations.receipt_s),
            level=incident.level,
            by=context.actor.id,
            by_name=context.actor.name,
            advised=unit_id in command.advised,
            note=note,
        )
        ordered = UnitOrdered(
            order=order_id,
            incident=command.incident,
            by=context.actor.id,
            by_name=context.actor.name,
            at=context.now,
        )
        attached = UnitAttached(unit_id, order_id, unit.call_sign)
        decided += [
            (SubjectKind.ORDER, order_id, given),
            (SubjectKind.UNIT, unit_id, ordered),
            (SubjectKind.INCIDENT, command.incident, attached),
        ]
    return decided


def recall_units(states: States, command: RecallUnits, context: Context) -> list[Decided]:
    """Every named unit is called off, or none is.

    A unit that has not started goes back to what it was doing; one on the road returns.
    """
    if not command.units:
        raise Refused(Reason.NO_UNITS_NAMED)
    if len(set(command.units)) != len(command.units):
        raise Refused(Reason.UNIT_NAMED_TWICE)
    incident = the_incident(states, command.incident)
    note = None if command.reason is None else checked_text(command.reason)
    decided: list[Decided] = []
    losing: dict[UUID, Incident] = {command.incident: incident}
    for unit_id in command.units:
        unit = the_unit(states, unit_id)
        if unit.order is None or unit.incident != command.incident:
            raise Refused(Reason.UNIT_HAS_NO_ORDER, call_sign=unit.call_sign)
        decided += end_order(states, unit_id, unit, Ending.RECALLED, losing, context, note)
    return decided


def end_order(
    states: States,
    unit_id: UUID,
    unit: Unit,
    reason: Ending,
    losing: dict[UUID, Incident],
    context: Context,
    note: str | None = None,
) -> list[Decided]:
    """Takes a unit's order back (recalled or diverted): order ends, unit is free and detached."""
    if unit.order is None or unit.incident is None:
        raise Refused(Reason.UNIT_HAS_NO_ORDER, call_sign=unit.call_sign)
    if the_order(states, unit.order).state in ENDED:
        raise Refused(Reason.ORDER_ENDED, call_sign=unit.call_sign)
    state = free_state(unit)
    due_at = None
    if state is UnitState.RETURNING:
        due_at = deadline(context.now, context.obligations.return_s)
    freed = UnitFreed(order=unit.order, state=state, reason=reason, at=context.now, due_at=due_at)
    detached = detach(states, unit_id, unit, reason, losing, context)
    return [
        (SubjectKind.ORDER, unit.order, OrderRecalled(reason, at=context.now, note=note)),
        (SubjectKind.UNIT, unit_id, freed),
        (SubjectKind.INCIDENT, unit.incident, detached),
    ]


def detach(
    states: States,
    unit_id: UUID,
    unit: Unit,
    reason: Ending,
    losing: dict[UUID, Incident],
    context: Context,
) -> UnitDetached:
    """The unit leaves its incident; if it was the last, the incident waits for somebody again.

    `losing` carries the incidents of this decision as they stand after earlier losses.
    """
    if unit.incident is None or unit.order is None:
        raise Refused(Reason.UNIT_HAS_NO_ORDER, call_sign=unit.call_sign)
    incident = losing.get(unit.incident) or the_incident(states, unit.incident)
    bare = UnitDetached(unit_id, unit.order, unit.call_sign, reason)
    after = evolve_incident(incident, bare)
    losing[unit.incident] = after
    if after.units:
        return bare
    return UnitDetached(
        unit_id, unit.order, unit.call_sign, reason, due_at=assign_by(after, context)
    )


def free_state(unit: Unit) -> UnitState:
    """Where a unit stands when its order is taken back or refused."""
    if unit.state is UnitState.ORDERED:
        return unit.before_order or UnitState.AVAILABLE
    return UnitState.RETURNING


def _require_sendable(unit: Unit, command: SendUnits) -> None:
    if unit.state is UnitState.OUT_OF_SERVICE:
        raise Refused(
            Reason.UNIT_OUT_OF_SERVICE,
            call_sign=unit.call_sign,
            why=unit.out_of_service_reason,
        )
    if unit.order is None:
        return
    never = unit.incident == command.incident or unit.state is UnitState.TRANSPORTING
    if never or not command.confirm_divert:
        raise Refused(
            Reason.UNIT_BUSY,
            by=unit.ordered_by_name,
            at=unit.ordered_at,
            call_sign=unit.call_sign,
            incident=unit.incident,
        )
