"""An incident: its state and how each fact changes it. The facts are in
`tocsin.core.incidents.facts`; the rules that may refuse in `tocsin.core.incidents.decide`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from tocsin.core.assurance import Assurance
from tocsin.core.confirmation import Avs
from tocsin.core.incidents import alarms as alarm_rules
from tocsin.core.incidents.alarms import NO_ALARMS, Alarms
from tocsin.core.incidents.duplicates import Likeness
from tocsin.core.incidents.facts import (
    IncidentAbsorbed,
    IncidentCancelled,
    IncidentClassified,
    IncidentClosed,
    IncidentFact,
    IncidentHeld,
    IncidentLinked,
    IncidentLocated,
    IncidentMerged,
    IncidentNoted,
    IncidentOpened,
    IncidentOverdue,
    IncidentPrioritised,
    IncidentRaised,
    IncidentReleased,
    IncidentReleasedOther,
    IncidentReopened,
    IncidentSplit,
    IncidentStep,
    IncidentTaken,
    IncidentUnlinked,
    IncidentValidated,
    ReportAdded,
    ReportJoined,
    ReportWithdrawn,
    SignalJoined,
    SignalLeft,
    Source,
    UnitAttached,
    UnitDetached,
)
from tocsin.core.incidents.steps import NO_PLANS, PlanKept, Plans, StepTicked, StepUnticked
from tocsin.core.incidents.steps import evolve as evolve_plans
from tocsin.core.orders import Ending
from tocsin.core.terms import Disposition, IncidentType, Level, Place


class IncidentState(StrEnum):
    """Where an incident stands. Whether units are attached is kept apart from this."""

    NEW = "new"  # nobody has taken it yet
    TAKEN = "taken"
    HELD = "held"  # deliberately waiting, until a time and with a reason
    CLOSED = "closed"
    MERGED = "merged"  # lives on in another incident; can be split off again


class Band(StrEnum):
    """Which part of the queue shows the incident."""

    UNASSIGNED = "unassigned"
    WORKING = "working"
    WATCH = "watch"
    CLOSED = "closed"


OPEN: Final = frozenset({IncidentState.NEW, IncidentState.TAKEN, IncidentState.HELD})

# A storm of signals must not make the state grow without end: the newest are named, all counted.
SIGNALS_NAMED_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Attached:
    unit: UUID
    order: UUID
    call_sign: str


@dataclass(frozen=True, slots=True)
class Absorbed:
    """Another incident that lives on here, with what it brought."""

    other: UUID
    signals: tuple[UUID, ...]
    signal_count: int
    alarm_count: int
    avs: Avs | None = None


@dataclass(frozen=True, slots=True)
class LivesOn:
    """Where a merged incident lives on, and how it stood before, to be restored by a split."""

    into: UUID
    state: IncidentState
    due_at: datetime | None
    overdue: IncidentStep | None


@dataclass(frozen=True, slots=True)
class Incident:
    """Everything the log says about one incident, apart from sealed fields.

    `signals` are the newest of its own signals, oldest first; `signal_count` and `alarm_count`
    count all of its own. What absorbed incidents brought is in `absorbed`.
    """

    number: int
    type: IncidentType
    level: Level
    place: Place | None
    district: str
    agency: str
    source: Source
    opened_at: datetime
    state: IncidentState = IncidentState.NEW
    site: UUID | None = None
    source_key: str = ""
    source_address: str = ""
    watch: bool = False
    title_zh: str = ""
    title_en: str = ""
    signals: tuple[UUID, ...] = ()
    signal_count: int = 0
    alarm_count: int = 0
    alarms: Alarms = NO_ALARMS  # what they say
    report_count: int = 0
    report_additions: int = 0  # further words of reports' senders
    reports_withdrawn: int = 0  # reports whose sender no longer needs help
    units: tuple[Attached, ...] = ()
    served: bool = False  # a unit has done its work here, and none was lost since
    taken_by: str | None = None
    taken_by_name: str | None = None
    taken_at: datetime | None = None
    held_until: datetime | None = None
    linked: tuple[UUID, ...] = ()
    absorbed: tuple[Absorbed, ...] = ()
    lives_on: LivesOn | None = None
    duplicates: tuple[UUID, ...] = ()
    likenesses: tuple[Likeness, ...] = ()  # why each of them may be the same event
    due_at: datetime | None = None
    overdue: IncidentStep | None = None
    disposition: Disposition | None = None
    closed_at: datetime | None = None
    plans: Plans = NO_PLANS

    @property
    def assurance(self) -> Assurance:
        """The best among its own alarms; what it absorbed keeps its own."""
        if self.alarms.authenticated > 0:
            return Assurance.AUTHENTICATED
        return Assurance.INTEGRITY if self.alarms.integrity > 0 else Assurance.NONE

    @property
    def late(self) -> bool:
        """Whether all its own alarms occurred long before we heard them: nothing goes out for it
        unless a person says so."""
        return 0 < self.alarm_count <= self.alarms.late


def band(incident: Incident) -> Band:
    """Which part of the queue shows the incident."""
    if incident.state not in OPEN:
        return Band.CLOSED
    if incident.units:
        return Band.WORKING
    if incident.watch:
        return Band.WATCH
    return Band.WORKING if incident.served else Band.UNASSIGNED


def all_signals(incident: Incident) -> tuple[UUID, ...]:
    """The newest signals of the incident and of those it absorbed, at most SIGNALS_NAMED_MAX."""
    brought = tuple(signal for other in incident.absorbed for signal in other.signals)
    return tuple(dict.fromkeys(brought + incident.signals))[-SIGNALS_NAMED_MAX:]


def signal_count(incident: Incident) -> int:
    """All signals of the incident and of those it absorbed."""
    return incident.signal_count + sum(other.signal_count for other in incident.absorbed)


def alarm_count(incident: Incident) -> int:
    """All alarms among the signals of the incident and of those it absorbed."""
    return incident.alarm_count + sum(other.alarm_count for other in incident.absorbed)


def due(incident: Incident) -> datetime | None:
    """When the next step must have happened, or when the hold ends."""
    return incident.held_until if incident.state is IncidentState.HELD else incident.due_at


def step(incident: Incident) -> IncidentStep:
    """What an open incident that is not held waits for."""
    if incident.state is IncidentState.NEW:
        return IncidentStep.TAKE
    return IncidentStep.CLOSE if incident.served else IncidentStep.ASSIGN


def evolve(  # noqa: C901 - one case each
    incident: Incident | None, fact: IncidentFact
) -> Incident:
    """The incident after `fact`. Never refuses."""
    if isinstance(fact, IncidentOpened):
        return _opened(fact)
    if incident is None:
        raise ValueError(f"{type(fact).__name__} without an incident before it")
    match fact:
        case SignalJoined() | SignalLeft():
            return _signals(incident, fact)
        case ReportJoined():
            return replace(incident, report_count=incident.report_count + 1)
        case ReportAdded():
            return replace(incident, report_additions=incident.report_additions + 1)
        case ReportWithdrawn():
            return replace(incident, reports_withdrawn=incident.reports_withdrawn + 1)
        case IncidentClassified():
            return replace(incident, type=fact.type, watch=False, due_at=fact.due_at)
        case IncidentPrioritised():
            return replace(incident, level=fact.level, due_at=fact.due_at)
        case IncidentLocated():
            return replace(incident, place=fact.place)
        case IncidentNoted():
            return incident
        case (
            IncidentTaken()
            | IncidentHeld()
            | IncidentReleased()
            | IncidentClosed()
            | IncidentReopened()
        ):
            return _standing(incident, fact)
        case IncidentLinked():
            return replace(incident, linked=(*incident.linked, fact.other))
        case IncidentUnlinked():
            return replace(
                incident, linked=tuple(one for one in incident.linked if one != fact.other)
            )
        case IncidentMerged() | IncidentSplit() | IncidentAbsorbed() | IncidentReleasedOther():
            return _merging(incident, fact)
        case UnitAttached() | UnitDetached():
            return _units(incident, fact)
        case IncidentOverdue():
            return replace(incident, due_at=None, overdue=fact.step)
        case IncidentRaised():
            return replace(
                incident,
                watch=False,
                alarms=alarm_rules.evolve(incident.alarms, fact),
                due_at=fact.due_at,
                overdue=None if incident.state is IncidentState.NEW else incident.overdue,
            )
        case IncidentCancelled() | IncidentValidated():
            return replace(incident, alarms=alarm_rules.evolve(incident.alarms, fact))
        case PlanKept() | StepTicked() | StepUnticked():
            return replace(incident, plans=evolve_plans(incident.plans, fact))
        case _:
            assert_never(fact)


def _signals(incident: Incident, fact: SignalJoined | SignalLeft) -> Incident:
    match fact:
        case SignalJoined():
            return replace(
                incident,
                signals=(*incident.signals, fact.signal)[-SIGNALS_NAMED_MAX:],
                signal_count=incident.signal_count + 1,
                alarm_count=incident.alarm_count + fact.alarms,
                alarms=alarm_rules.evolve(incident.alarms, fact),
            )
        case SignalLeft():
            return replace(
                incident,
                signals=tuple(one for one in incident.signals if one != fact.signal),
                signal_count=incident.signal_count - 1,
                alarm_count=incident.alarm_count - fact.alarms,
                alarms=alarm_rules.evolve(incident.alarms, fact),
            )
        case _:
            assert_never(fact)


def _standing(
    incident: Incident,
    fact: IncidentTaken | IncidentHeld | IncidentReleased | IncidentClosed | IncidentReopened,
) -> Incident:
    match fact:
        case IncidentTaken():
            return replace(
                incident,
                state=IncidentState.TAKEN,
                watch=False,
                taken_by=fact.by,
                taken_by_name=fact.by_name,
                taken_at=fact.at,
                due_at=fact.due_at,
                overdue=None,
            )
        case IncidentHeld():
            return replace(
                incident,
                state=IncidentState.HELD,
                held_until=fact.until,
                due_at=None,
                overdue=None,
            )
        case IncidentReleased():
            return replace(incident, state=IncidentState.TAKEN, held_until=None, due_at=fact.due_at)
        case IncidentClosed():
            return replace(
                incident,
                state=IncidentState.CLOSED,
                held_until=None,
                due_at=None,
                overdue=None,
                disposition=fact.disposition,
                closed_at=fact.closed_at,
            )
        case IncidentReopened():
            return replace(
                incident,
                state=IncidentState.NEW if incident.taken_at is None else IncidentState.TAKEN,
                served=False,
                alarms=alarm_rules.evolve(incident.alarms, fact),
                due_at=fact.due_at,
                disposition=None,
                closed_at=None,
            )
        case _:
            assert_never(fact)


def _units(incident: Incident, fact: UnitAttached | UnitDetached) -> Incident:
    match fact:
        case UnitAttached():
            return replace(
                incident,
                watch=False,
                units=(*incident.units, Attached(fact.unit, fact.order, fact.call_sign)),
                due_at=None,
                overdue=None,
            )
        case UnitDetached():
            return replace(
                incident,
                units=tuple(one for one in incident.units if one.order != fact.order),
                served=_served(incident, fact),
                due_at=fact.due_at,
            )
        case _:
            assert_never(fact)


def _served(incident: Incident, fact: UnitDetached) -> bool:
    """Whether the work is done as far as we know: a refusal or a divert takes that back."""
    match fact.reason:
        case Ending.DONE:
            return True
        case Ending.REFUSED | Ending.DIVERTED:
            return False
        case Ending.RECALLED:
            return incident.served
        case _:
            assert_never(fact.reason)


def _opened(fact: IncidentOpened) -> Incident:
    return Incident(
        number=fact.number,
        type=fact.type,
        level=fact.level,
        place=fact.place,
        district=fact.district,
        agency=fact.agency,
        source=fact.source,
        opened_at=fact.opened_at,
        site=fact.site,
        source_key=fact.source_key,
        source_address=fact.source_address,
        watch=fact.watch,
        title_zh=fact.title_zh,
        title_en=fact.title_en,
        duplicates=fact.duplicates,
        alarms=alarm_rules.opened(fact),
        likenesses=fact.likenesses,
        due_at=fact.due_at,
    )


def _merging(
    incident: Incident,
    fact: IncidentMerged | IncidentSplit | IncidentAbsorbed | IncidentReleasedOther,
) -> Incident:
    match fact:
        case IncidentMerged():
            before = LivesOn(fact.into, incident.state, incident.due_at, incident.overdue)
            return replace(
                incident,
                state=IncidentState.MERGED,
                lives_on=before,
                due_at=None,
                overdue=None,
            )
        case IncidentSplit():
            before_or_none = incident.lives_on
            if before_or_none is None:
                raise ValueError("IncidentSplit without a merge before it")
            return replace(
                incident,
                state=before_or_none.state,
                lives_on=None,
                due_at=before_or_none.due_at,
                overdue=before_or_none.overdue,
            )
        case IncidentAbsorbed():
            brought = Absorbed(
                fact.other, fact.signals, fact.signal_count, fact.alarm_count, fact.avs
            )
            return replace(incident, absorbed=(*incident.absorbed, brought))
        case IncidentReleasedOther():
            return replace(
                incident,
                absorbed=tuple(one for one in incident.absorbed if one.other != fact.other),
            )
        case _:
            assert_never(fact)
