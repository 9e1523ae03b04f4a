"""How each fact changes an incident. Never refuses: what may be done is decided before."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from tocsin.core.confirmation import RaisedBecause
from tocsin.core.incidents import alarms as alarm_rules
from tocsin.core.incidents.crowd import Crowd, with_one_more, without_one
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
    IncidentTaken,
    IncidentUnlinked,
    IncidentValidated,
    ReportAdded,
    ReportJoined,
    ReportWithdrawn,
    SignalJoined,
    SignalLeft,
    UnitAttached,
    UnitDetached,
)
from tocsin.core.incidents.state import (
    SIGNALS_NAMED_MAX,
    Absorbed,
    Attached,
    Incident,
    IncidentState,
    LivesOn,
)
from tocsin.core.incidents.steps import PlanKept, StepTicked, StepUnticked
from tocsin.core.incidents.steps import evolve as evolve_plans
from tocsin.core.orders import Ending
from tocsin.core.terms import IncidentType


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
        case IncidentPrioritised() | IncidentRaised():
            return _graver(incident, fact)
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
        case IncidentCancelled() | IncidentValidated():
            return replace(incident, alarms=alarm_rules.evolve(incident.alarms, fact))
        case PlanKept() | StepTicked() | StepUnticked():
            return replace(incident, plans=evolve_plans(incident.plans, fact))
        case _:
            assert_never(fact)


def _graver(incident: Incident, fact: IncidentPrioritised | IncidentRaised) -> Incident:
    """A deadline that runs anew speaks anew. What a machine made graver is overdue as before, until
    a person acts."""
    match fact:
        case IncidentPrioritised():
            return replace(incident, level=fact.level, due_at=fact.due_at)
        case IncidentRaised():
            overdue = incident.overdue
            is_by_hand = fact.reason is RaisedBecause.BY_HAND
            if is_by_hand and (fact.due_at is not None or incident.state is IncidentState.NEW):
                overdue = None
            return replace(
                incident,
                watch=False,
                alarms=alarm_rules.evolve(incident.alarms, fact),
                due_at=fact.due_at,
                overdue=overdue,
            )
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
                alarms=alarm_rules.evolve(incident.alarms, fact, incident.type),
                absorbed=_quieter(incident.absorbed, fact, incident.type),
                crowd=with_one_more(incident.crowd, fact.crowd),
            )
        case SignalLeft():
            return replace(
                incident,
                signals=tuple(one for one in incident.signals if one != fact.signal),
                signal_count=incident.signal_count - 1,
                alarm_count=incident.alarm_count - fact.alarms,
                alarms=alarm_rules.evolve(incident.alarms, fact),
                crowd=without_one(incident.crowd) if fact.sender_left else incident.crowd,
            )
        case _:
            assert_never(fact)


def _quieter(
    absorbed: tuple[Absorbed, ...], fact: SignalJoined, card: IncidentType
) -> tuple[Absorbed, ...]:
    """A restore closes the zone also where another incident brought it."""
    if fact.restores is None:
        return absorbed
    return tuple(
        replace(one, open_zones=alarm_rules.still_open(one.open_zones, fact, card))
        if one.open_zones
        else one
        for one in absorbed
    )


def _without(absorbed: tuple[Absorbed, ...], fact: IncidentSplit) -> tuple[Absorbed, ...]:
    return tuple(
        replace(one, open_zones=alarm_rules.not_restored(one.open_zones, fact))
        if one.open_zones
        else one
        for one in absorbed
    )


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
        exception=fact.exception,
        crowd=Crowd() if fact.is_crowd else None,
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
                alarms=alarm_rules.without(incident.alarms, fact),
                absorbed=_without(incident.absorbed, fact),
                due_at=before_or_none.due_at,
                overdue=before_or_none.overdue,
            )
        case IncidentAbsorbed():
            brought = Absorbed(
                *(fact.other, fact.signals, fact.signal_count, fact.alarm_count, fact.avs),
                *(fact.open_zones, fact.open_zones_more),
            )
            return replace(incident, absorbed=(*incident.absorbed, brought))
        case IncidentReleasedOther():
            return replace(
                incident,
                absorbed=tuple(one for one in incident.absorbed if one.other != fact.other),
            )
        case _:
            assert_never(fact)
