"""Advice: which units should go, why, what is missing, and what else could be done.

Pure: the caller hands in a snapshot of candidates with road minutes; what a dispatcher then does
is decided in `tocsin.core.sending`. The same snapshot always gives the same advice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from tocsin.core.terms import Capability, IncidentType, Level
from tocsin.core.units import FREE, UnitState

POSITION_STALE_AFTER_S: Final = 300.0


class AdviceCode(StrEnum):
    """Why a unit stands where it stands in the ranking."""

    CLOSEST = "closest"  # the quickest that has the capability
    CAPABILITY = "capability"  # has what is still needed
    NEXT_BEST = "next_best"  # has it too, but a quicker one is recommended
    NOT_NEEDED = "not_needed"  # has nothing that is still needed
    DIVERTING = "diverting"  # would leave another incident
    POSITION_STALE = "position_stale"
    NO_ROAD_TIME = "no_road_time"
    STRAIGHT_LINE = "straight_line"


@dataclass(frozen=True, slots=True)
class AdviceReason:
    """`params` fill the placeholders of the reason's text in `tocsin.core.texts.advice`."""

    code: AdviceCode
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that could go.

    `minutes` is the travel time by road, None where none is known; `degraded` says that `minutes`
    is a straight-line estimate. `km` is for show. `position_age_s` is None in station.
    """

    unit: UUID
    call_sign: str
    kind: str
    capabilities: tuple[Capability, ...]
    state: UnitState
    minutes: float | None
    km: float | None = None
    position_age_s: float | None = None
    degraded: bool = False
    incident: UUID | None = None  # what it is on now
    incident_level: Level | None = None


@dataclass(frozen=True, slots=True)
class AdviceSnapshot:
    """What advice is given on. `attached` has the capabilities of each unit already attached."""

    incident_type: IncidentType
    level: Level
    attached: tuple[tuple[Capability, ...], ...]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """So many units with the capability are needed; `attached` of them are there or coming."""

    capability: Capability
    count: int
    attached: int = 0


@dataclass(frozen=True, slots=True)
class Ranked:
    """A unit in the order of advice, with the reasons for its place."""

    unit: UUID
    call_sign: str
    kind: str
    minutes: float | None
    km: float | None
    recommended: bool
    reasons: tuple[AdviceReason, ...]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """No free unit is left that could give this."""

    capability: Capability
    missing: int


@dataclass(frozen=True, slots=True)
class Advice:
    """`ranked` are free units, best first; `alternatives` are busy ones that could be diverted."""

    requirements: tuple[Requirement, ...]
    ranked: tuple[Ranked, ...]
    shortfalls: tuple[Shortfall, ...]
    alternatives: tuple[Ranked, ...]
    degraded: bool
    basis: str  # `road`, `straight_line`


_PUMP = Capability.PUMP
_LADDER = Capability.LADDER
_RESCUE = Capability.RESCUE
_HAZMAT = Capability.HAZMAT
_AMBULANCE = Capability.AMBULANCE
_ADVANCED = Capability.ADVANCED_LIFE_SUPPORT
_PATROL = Capability.PATROL
_TRAFFIC = Capability.TRAFFIC
_COMMAND = Capability.COMMAND

# What is needed at each level, P1 to P4: a first plan by type and level alone. A local response
# plan (run card) replaces it once a service has written one.
Needs = dict[Capability, int]
REQUIREMENTS: Final[dict[IncidentType, tuple[Needs, Needs, Needs, Needs]]] = {
    IncidentType.FIRE: (
        {_PUMP: 2, _LADDER: 1, _COMMAND: 1, _AMBULANCE: 1},
        {_PUMP: 2, _LADDER: 1},
        {_PUMP: 1},
        {_PUMP: 1},
    ),
    IncidentType.MEDICAL: (
        {_AMBULANCE: 1, _ADVANCED: 1},
        {_AMBULANCE: 1},
        {_AMBULANCE: 1},
        {_AMBULANCE: 1},
    ),
    IncidentType.RESCUE: (
        {_RESCUE: 1, _PUMP: 1, _AMBULANCE: 1, _COMMAND: 1},
        {_RESCUE: 1, _AMBULANCE: 1},
        {_RESCUE: 1},
        {_RESCUE: 1},
    ),
    IncidentType.TRAFFIC: (
        {_TRAFFIC: 1, _AMBULANCE: 1, _RESCUE: 1, _PUMP: 1},
        {_TRAFFIC: 1, _AMBULANCE: 1},
        {_TRAFFIC: 1},
        {_TRAFFIC: 1},
    ),
    IncidentType.HOLDUP: ({_PATROL: 3}, {_PATROL: 2}, {_PATROL: 1}, {_PATROL: 1}),
    IncidentType.PANIC: ({_PATROL: 2}, {_PATROL: 1}, {_PATROL: 1}, {_PATROL: 1}),
    IncidentType.BURGLARY: ({_PATROL: 2}, {_PATROL: 1}, {_PATROL: 1}, {_PATROL: 1}),
    IncidentType.PUBLIC_ORDER: ({_PATROL: 2}, {_PATROL: 1}, {_PATROL: 1}, {_PATROL: 1}),
    IncidentType.GAS: (
        {_PUMP: 1, _HAZMAT: 1, _COMMAND: 1, _AMBULANCE: 1},
        {_PUMP: 1, _HAZMAT: 1},
        {_PUMP: 1},
        {_PUMP: 1},
    ),
    IncidentType.HAZMAT: (
        {_HAZMAT: 1, _PUMP: 2, _COMMAND: 1, _AMBULANCE: 1},
        {_HAZMAT: 1, _PUMP: 1},
        {_HAZMAT: 1},
        {_HAZMAT: 1},
    ),
    # Equipment calls for a technician of the site, not for a unit.
    IncidentType.TECHNICAL: ({}, {}, {}, {}),
    # Nobody knows yet: somebody goes to look where it may matter.
    IncidentType.UNKNOWN: ({_PATROL: 1}, {_PATROL: 1}, {}, {}),
}


# A busy unit is offered only where it would be there this much sooner, or nobody free is left.
DIVERT_SAVES_MINUTES_MIN: Final = 3.0
ALTERNATIVES_MAX: Final = 5

_DIVERTIBLE: Final = frozenset({UnitState.ORDERED, UnitState.UNDER_WAY, UnitState.AT_SCENE})


def advise(snapshot: AdviceSnapshot) -> Advice:
    """The advice for one incident.

    For each capability still needed, in the order of the requirements, the quickest free unit that
    has it; a unit counts for everything it can do, so an engine with a ladder covers both. A unit
    without a known time comes after all that have one: a missing time is never zero minutes.
    """
    requirements = requirements_of(snapshot)
    wanted = {
        need.capability: need.count - need.attached
        for need in requirements
        if need.count > need.attached
    }
    free = sorted((one for one in snapshot.candidates if one.state in FREE), key=_by_time)
    chosen, missing = _choose(free, wanted)
    ranked = [_ranked(one, chosen.get(one.unit), wanted) for one in free]
    # Recommended first, then those that could help, then the rest; each by time (sort is stable).
    ranked.sort(key=lambda one: (not one.recommended, _is_not_needed(one)))
    considered = [one for one in free if one.unit in chosen] or free
    return Advice(
        requirements=requirements,
        ranked=tuple(ranked),
        shortfalls=tuple(Shortfall(what, count) for what, count in missing.items()),
        alternatives=_alternatives(snapshot, free, wanted, missing),
        degraded=any(one.degraded or one.minutes is None or is_stale(one) for one in considered),
        basis="straight_line" if any(one.degraded for one in considered) else "road",
    )


def requirements_of(snapshot: AdviceSnapshot) -> tuple[Requirement, ...]:
    """What the incident needs, and how much of it is attached already.

    An attached unit counts for each capability it has, as a chosen one does.
    """
    needs = REQUIREMENTS[snapshot.incident_type][snapshot.level - 1]
    return tuple(
        Requirement(
            capability,
            count,
            attached=sum(capability in capabilities for capabilities in snapshot.attached),
        )
        for capability, count in needs.items()
    )


def is_stale(candidate: Candidate) -> bool:
    """Whether the unit's last position is too old to trust its time."""
    age_s = candidate.position_age_s
    return age_s is not None and age_s > POSITION_STALE_AFTER_S


def _by_time(candidate: Candidate) -> tuple[bool, float, bool, float, str, str]:
    minutes = candidate.minutes
    return (
        minutes is None,
        # Half minutes: within one, a fresh position says more than the estimate does.
        0.0 if minutes is None else round(minutes * 2) / 2,
        is_stale(candidate),
        0.0 if minutes is None else minutes,
        candidate.call_sign,
        str(candidate.unit),
    )


def _choose(free: list[Candidate], wanted: Needs) -> tuple[dict[UUID, list[AdviceReason]], Needs]:
    """The recommended units with what each is for, and what nobody free can give."""
    chosen: dict[UUID, list[AdviceReason]] = {}
    missing = dict(wanted)
    for capability in wanted:
        able = [one for one in free if capability in one.capabilities]
        for position, candidate in enumerate(able):
            if missing[capability] <= 0:
                break
            if candidate.unit in chosen:
                continue
            closest = position == 0 and candidate.minutes is not None
            code = AdviceCode.CLOSEST if closest else AdviceCode.CAPABILITY
            reasons = [AdviceReason(code, {"capability": capability})]
            for what in candidate.capabilities:
                if what != capability and missing.get(what, 0) > 0:
                    reasons.append(AdviceReason(AdviceCode.CAPABILITY, {"capability": what}))
                    missing[what] -= 1
            missing[capability] -= 1
            chosen[candidate.unit] = reasons
    return chosen, {what: count for what, count in missing.items() if count > 0}


def _ranked(
    candidate: Candidate, chosen_for: list[AdviceReason] | None, wanted: Iterable[Capability]
) -> Ranked:
    reasons = chosen_for
    if reasons is None:
        could = [what for what in wanted if what in candidate.capabilities]
        reasons = [AdviceReason(AdviceCode.NEXT_BEST, {"capability": what}) for what in could]
        if not reasons:
            reasons = [AdviceReason(AdviceCode.NOT_NEEDED)]
    return Ranked(
        unit=candidate.unit,
        call_sign=candidate.call_sign,
        kind=candidate.kind,
        minutes=candidate.minutes,
        km=candidate.km,
        recommended=chosen_for is not None,
        reasons=(*reasons, *_caveats(candidate)),
    )


def _caveats(candidate: Candidate) -> list[AdviceReason]:
    caveats = []
    if candidate.minutes is None:
        caveats.append(AdviceReason(AdviceCode.NO_ROAD_TIME))
    elif candidate.degraded:
        caveats.append(AdviceReason(AdviceCode.STRAIGHT_LINE))
    if candidate.position_age_s is not None and is_stale(candidate):
        age_min = int(candidate.position_age_s // 60)
        caveats.append(AdviceReason(AdviceCode.POSITION_STALE, {"age_min": age_min}))
    return caveats


def _is_not_needed(ranked: Ranked) -> bool:
    return ranked.reasons[0].code is AdviceCode.NOT_NEEDED


def _alternatives(
    snapshot: AdviceSnapshot, free: list[Candidate], wanted: Needs, missing: Needs
) -> tuple[Ranked, ...]:
    """Busy units on less urgent incidents that nobody free can replace in time."""
    offered = []
    quickest = {
        what: next((one.minutes for one in free if what in one.capabilities), None)
        for what in wanted
    }
    for candidate in sorted(snapshot.candidates, key=_by_time):
        level = candidate.incident_level
        if candidate.state not in _DIVERTIBLE or level is None or level <= snapshot.level:
            continue
        reasons = [
            AdviceReason(AdviceCode.DIVERTING, {"capability": what, "level": int(level)})
            for what in wanted
            if what in candidate.capabilities
            and (what in missing or _saves(candidate.minutes, quickest[what]))
        ]
        if reasons:
            offered.append(
                Ranked(
                    unit=candidate.unit,
                    call_sign=candidate.call_sign,
                    kind=candidate.kind,
                    minutes=candidate.minutes,
                    km=candidate.km,
                    recommended=False,
                    reasons=(*reasons, *_caveats(candidate)),
                )
            )
    return tuple(offered[:ALTERNATIVES_MAX])


def _saves(minutes: float | None, quickest: float | None) -> bool:
    """Whether a diverted unit would be there clearly sooner; never true by a missing time."""
    if minutes is None or quickest is None:
        return False
    return quickest - minutes >= DIVERT_SAVES_MINUTES_MIN
