"""A unit: a vehicle with its crew, the state it reports, and the one order it may have.

States, facts and `evolve`; the rules are in `tocsin.core.dispatch` and `tocsin.core.reporting`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from tocsin.core.orders import Ending
from tocsin.core.terms import Capability, Place


class UnitState(StrEnum):
    IN_STATION = "in_station"
    AVAILABLE = "available"  # on the road and free
    ORDERED = "ordered"
    UNDER_WAY = "under_way"
    AT_SCENE = "at_scene"
    TRANSPORTING = "transporting"
    RETURNING = "returning"  # free again, on the way back
    OUT_OF_SERVICE = "out_of_service"


class UnitStep(StrEnum):
    """What a unit is waited for, and is named when it did not happen in time."""

    HANDOVER = "handover"  # transporting has lasted too long
    RETURN = "return"


class OutOfServiceReason(StrEnum):
    """Why a unit cannot be sent. A closed list: the fact stays for ever and says nothing else."""

    BREAKDOWN = "breakdown"
    MAINTENANCE = "maintenance"
    CREW_REST = "crew_rest"
    CREW_SHORT = "crew_short"
    REFUELLING_OR_RESTOCKING = "refuelling_or_restocking"
    DECONTAMINATION = "decontamination"
    TRAINING = "training"
    OTHER = "other"


FREE: Final = frozenset({UnitState.IN_STATION, UnitState.AVAILABLE, UnitState.RETURNING})

# Which states a unit may report from which. ORDERED and OUT_OF_SERVICE are never reported: they
# follow from an order and from `take_out_of_service`. Steps may be skipped forwards, since a tap
# can be lost; a unit that has not started leaves an order only by refusal or recall.
REPORTABLE: Final[dict[UnitState, frozenset[UnitState]]] = {
    UnitState.IN_STATION: frozenset({UnitState.AVAILABLE}),
    UnitState.AVAILABLE: frozenset({UnitState.IN_STATION, UnitState.RETURNING}),
    UnitState.ORDERED: frozenset(
        {UnitState.UNDER_WAY, UnitState.AT_SCENE, UnitState.TRANSPORTING},
    ),
    UnitState.UNDER_WAY: frozenset(
        {
            UnitState.AT_SCENE,
            UnitState.TRANSPORTING,
            UnitState.RETURNING,
            UnitState.AVAILABLE,
            UnitState.IN_STATION,
        }
    ),
    UnitState.AT_SCENE: frozenset(
        {
            UnitState.TRANSPORTING,
            UnitState.RETURNING,
            UnitState.AVAILABLE,
            UnitState.IN_STATION,
        }
    ),
    UnitState.TRANSPORTING: frozenset(
        {UnitState.RETURNING, UnitState.AVAILABLE, UnitState.IN_STATION},
    ),
    UnitState.RETURNING: frozenset({UnitState.AVAILABLE, UnitState.IN_STATION}),
    UnitState.OUT_OF_SERVICE: frozenset(),
}

# The step each state waits for; a state that may last waits for none.
STEP: Final[dict[UnitState, UnitStep | None]] = {
    UnitState.IN_STATION: None,
    UnitState.AVAILABLE: None,
    UnitState.ORDERED: None,  # the order has the deadline
    UnitState.UNDER_WAY: None,  # the order has the deadline
    UnitState.AT_SCENE: None,
    UnitState.TRANSPORTING: UnitStep.HANDOVER,
    UnitState.RETURNING: UnitStep.RETURN,
    UnitState.OUT_OF_SERVICE: None,
}


@dataclass(frozen=True, slots=True)
class UnitRegistered:
    call_sign: str
    kind: str  # `engine`, `ladder`, `rescue`, `ambulance`, `patrol`, `command`
    capabilities: tuple[Capability, ...]
    station: UUID
    station_place: Place
    district: str
    agency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UnitOrdered:
    """`by` and `by_name` are who sent it: the next desk that wants the unit is told."""

    order: UUID
    incident: UUID
    by: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UnitStateReported:
    """The unit's own word, or the dispatcher's on its behalf (`by_desk`)."""

    state: UnitState
    at: datetime
    by_desk: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UnitFreed:
    """The order has ended; `state` holds from now."""

    order: UUID
    state: UnitState
    reason: Ending
    at: datetime
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UnitTakenOutOfService:
    reason: OutOfServiceReason
    at: datetime


@dataclass(frozen=True, slots=True)
class UnitReturnedToService:
    state: UnitState
    at: datetime


@dataclass(frozen=True, slots=True)
class UnitOverdue:
    """`step` did not happen in time."""

    step: UnitStep
    due_at: datetime


UnitFact = (
    UnitRegistered
    | UnitOrdered
    | UnitStateReported
    | UnitFreed
    | UnitTakenOutOfService
    | UnitReturnedToService
    | UnitOverdue
)


@dataclass(frozen=True, slots=True)
class Unit:
    """Everything the log says about one unit."""

    call_sign: str
    kind: str
    capabilities: tuple[Capability, ...]
    station: UUID
    station_place: Place
    district: str
    agency: str
    state: UnitState
    state_since: datetime
    order: UUID | None = None
    incident: UUID | None = None
    ordered_by: str = ""
    ordered_by_name: str = ""
    ordered_at: datetime | None = None
    before_order: UnitState | None = None  # where it goes back to if it never starts
    out_of_service_reason: OutOfServiceReason | None = None
    due_at: datetime | None = None
    overdue: UnitStep | None = None


def evolve(unit: Unit | None, fact: UnitFact) -> Unit:
    """The unit after `fact`. Never refuses."""
    if isinstance(fact, UnitRegistered):
        return _registered(unit, fact)
    if unit is None:
        raise ValueError(f"{type(fact).__name__} without a unit before it")
    match fact:
        case UnitOrdered():
            return replace(
                unit,
                state=UnitState.ORDERED,
                state_since=fact.at,
                order=fact.order,
                incident=fact.incident,
                ordered_by=fact.by,
                ordered_by_name=fact.by_name,
                ordered_at=fact.at,
                before_order=unit.state,
                due_at=None,
                overdue=None,
            )
        case UnitStateReported():
            return replace(
                unit, state=fact.state, state_since=fact.at, due_at=fact.due_at, overdue=None
            )
        case UnitFreed():
            return replace(
                unit,
                state=fact.state,
                state_since=fact.at,
                order=None,
                incident=None,
                ordered_by="",
                ordered_by_name="",
                ordered_at=None,
                before_order=None,
                due_at=fact.due_at,
                overdue=None,
            )
        case UnitTakenOutOfService():
            return replace(
                unit,
                state=UnitState.OUT_OF_SERVICE,
                state_since=fact.at,
                out_of_service_reason=fact.reason,
                due_at=None,
                overdue=None,
            )
        case UnitReturnedToService():
            return replace(unit, state=fact.state, state_since=fact.at, out_of_service_reason=None)
        case UnitOverdue():
            return replace(unit, due_at=None, overdue=fact.step)
        case _:
            assert_never(fact)


def due(unit: Unit) -> datetime | None:
    """When the unit's present state must have ended."""
    return unit.due_at


def _registered(unit: Unit | None, fact: UnitRegistered) -> Unit:
    if unit is None:
        return Unit(
            call_sign=fact.call_sign,
            kind=fact.kind,
            capabilities=fact.capabilities,
            station=fact.station,
            station_place=fact.station_place,
            district=fact.district,
            agency=fact.agency,
            state=UnitState.IN_STATION,
            state_since=fact.at,
        )
    # Registered anew: what the unit is changes, what it is doing does not.
    return replace(
        unit,
        call_sign=fact.call_sign,
        kind=fact.kind,
        capabilities=fact.capabilities,
        station=fact.station,
        station_place=fact.station_place,
        district=fact.district,
        agency=fact.agency,
    )
