"""State and fact of every subject as one union each, with `evolve` and `due` over them.

Getters raise the refusal a person reads when a command names something that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, assert_never, cast
from uuid import UUID

from tocsin.core import blocks, on_test, orders, signals, units
from tocsin.core.blocks import Block, BlockFact
from tocsin.core.incidents import evolving
from tocsin.core.incidents import state as incidents
from tocsin.core.incidents.facts import IncidentFact
from tocsin.core.incidents.state import Incident
from tocsin.core.on_test import OnTest, OnTestFact
from tocsin.core.orders import Order, OrderFact
from tocsin.core.signals import Signal, SignalFact
from tocsin.core.terms import Reason, Refused, SubjectKind
from tocsin.core.units import Unit, UnitFact

State = Signal | Incident | Order | Unit | OnTest | Block
Fact = SignalFact | IncidentFact | OrderFact | UnitFact | OnTestFact | BlockFact
Decided = tuple[SubjectKind, UUID, Fact]
States = Mapping[UUID, State]

STATE_CLASS: Final[dict[SubjectKind, type[State]]] = {
    SubjectKind.SIGNAL: Signal,
    SubjectKind.INCIDENT: Incident,
    SubjectKind.ORDER: Order,
    SubjectKind.UNIT: Unit,
    SubjectKind.ON_TEST: OnTest,
    SubjectKind.BLOCK: Block,
}


def evolve(kind: SubjectKind, state: State | None, fact: Fact) -> State:
    """The subject's state after `fact`; `state` is None before its first fact. Never refuses."""
    match kind:
        case SubjectKind.SIGNAL:
            return signals.evolve(cast("Signal | None", state), cast("SignalFact", fact))
        case SubjectKind.INCIDENT:
            return evolving.evolve(cast("Incident | None", state), cast("IncidentFact", fact))
        case SubjectKind.ORDER:
            return orders.evolve(cast("Order | None", state), cast("OrderFact", fact))
        case SubjectKind.UNIT:
            return units.evolve(cast("Unit | None", state), cast("UnitFact", fact))
        case SubjectKind.ON_TEST:
            return on_test.evolve(cast("OnTest | None", state), cast("OnTestFact", fact))
        case SubjectKind.BLOCK:
            return blocks.evolve(cast("Block | None", state), cast("BlockFact", fact))
        case _:
            assert_never(kind)


def due(state: State) -> datetime | None:
    """When the clock must send `TimeIsUp` for this subject; None if nothing runs."""
    match state:
        case Incident():
            return incidents.due(state)
        case Order() | Unit():
            return state.due_at
        case OnTest():
            return state.until if state.ended_at is None else None
        case Block():
            return blocks.due(state)
        case Signal():
            return None
        case _:
            assert_never(state)


def incident_of(subject: UUID, before: State | None, after: State) -> UUID | None:
    """The incident a fact belongs to in a timeline, from the states around it.

    A unit's last fact in an incident (`UnitFreed`) still belongs to it, so `before` counts too.
    """
    match after:
        case Incident():
            return subject
        case Order():
            return after.incident
        case Signal():
            return after.incident
        case Unit():
            if after.incident is not None:
                return after.incident
            return before.incident if isinstance(before, Unit) else None
        case OnTest() | Block():
            return None
        case _:
            assert_never(after)


def lives_on(states: States, incident: UUID) -> UUID:
    """Where a merged incident lives on, through all merges; else the incident itself."""
    while isinstance(found := states.get(incident), Incident) and found.lives_on is not None:
        incident = found.lives_on.into
    return incident


def the_incident(states: States, subject: UUID) -> Incident:
    found = states.get(subject)
    if isinstance(found, Incident):
        return found
    raise Refused(Reason.NOT_FOUND, subject_kind="incident")


def the_order(states: States, subject: UUID) -> Order:
    found = states.get(subject)
    if isinstance(found, Order):
        return found
    raise Refused(Reason.NOT_FOUND, subject_kind="order")


def the_unit(states: States, subject: UUID) -> Unit:
    found = states.get(subject)
    if isinstance(found, Unit):
        return found
    raise Refused(Reason.NOT_FOUND, subject_kind="unit")


def the_signal(states: States, subject: UUID) -> Signal:
    found = states.get(subject)
    if isinstance(found, Signal):
        return found
    raise Refused(Reason.NOT_FOUND, subject_kind="signal")


def the_test(states: States, subject: UUID) -> OnTest:
    found = states.get(subject)
    if isinstance(found, OnTest):
        return found
    raise Refused(Reason.NOT_FOUND, subject_kind="on_test")


def the_block(states: States, subject: UUID) -> Block:
    found = states.get(subject)
    if isinstance(found, Block):
        return found
    raise Refused(Reason.NOT_FOUND, subject_kind="block")
