"""Rules that span two incidents: merge, split, link, and a signal moved from one to the other."""

from __future__ import annotations

from typing import assert_never
from uuid import UUID

from tocsin.core import avs
from tocsin.core.commands import (
    LinkIncidents,
    MergeIncidents,
    MoveSignal,
    SplitIncident,
    UnlinkIncidents,
)
from tocsin.core.incidents.alarms import evidence_of
from tocsin.core.incidents.decide import call_signs, require_open
from tocsin.core.incidents.facts import (
    IncidentAbsorbed,
    IncidentLinked,
    IncidentMerged,
    IncidentReleasedOther,
    IncidentSplit,
    IncidentUnlinked,
    SignalJoined,
    SignalLeft,
)
from tocsin.core.incidents.state import (
    Incident,
    IncidentState,
    alarm_count,
    all_signals,
    signal_count,
)
from tocsin.core.signals import Effect, SignalMoved, VerdictReason
from tocsin.core.states import Decided, States, the_incident, the_signal
from tocsin.core.terms import Reason, Refused, SubjectKind

JoiningCommand = LinkIncidents | UnlinkIncidents | MergeIncidents | SplitIncident | MoveSignal


def decide(states: States, command: JoiningCommand) -> list[Decided]:
    """The facts on both incidents, or `Refused`."""
    match command:
        case LinkIncidents():
            return _link(states, command)
        case UnlinkIncidents():
            return _unlink(states, command)
        case MergeIncidents():
            return _merge(states, command)
        case SplitIncident():
            return _split(states, command)
        case MoveSignal():
            return _move_signal(states, command)
        case _:
            assert_never(command)


def _link(states: States, command: LinkIncidents) -> list[Decided]:
    incident, other = _two(states, command.incident, command.other)
    if command.other in incident.linked:
        raise Refused(Reason.ALREADY_SO)
    for one in (incident, other):
        if one.state is IncidentState.MERGED:
            raise Refused(Reason.INCIDENT_MERGED)
    return [
        (SubjectKind.INCIDENT, command.incident, IncidentLinked(command.other)),
        (SubjectKind.INCIDENT, command.other, IncidentLinked(command.incident)),
    ]


def _unlink(states: States, command: UnlinkIncidents) -> list[Decided]:
    incident, _ = _two(states, command.incident, command.other)
    if command.other not in incident.linked:
        raise Refused(Reason.ALREADY_SO)
    return [
        (SubjectKind.INCIDENT, command.incident, IncidentUnlinked(command.other)),
        (SubjectKind.INCIDENT, command.other, IncidentUnlinked(command.incident)),
    ]


def _merge(states: States, command: MergeIncidents) -> list[Decided]:
    incident, into = _two(states, command.incident, command.into)
    require_open(incident)
    require_open(into)
    if incident.district != into.district:
        raise Refused(Reason.OTHER_DISTRICT)
    if incident.units:
        # Its units answer to its orders; recall them, or merge the other one into this one.
        raise Refused(Reason.UNIT_ATTACHED, units=call_signs(incident))
    absorbed = IncidentAbsorbed(
        *(command.incident, all_signals(incident), signal_count(incident), alarm_count(incident)),
        avs=avs.level_of(incident),
    )
    return [
        (SubjectKind.INCIDENT, command.incident, IncidentMerged(command.into)),
        (SubjectKind.INCIDENT, command.into, absorbed),
    ]


def _split(states: States, command: SplitIncident) -> list[Decided]:
    incident = the_incident(states, command.incident)
    if incident.lives_on is None:
        raise Refused(Reason.INCIDENT_NOT_MERGED)
    into = incident.lives_on.into
    if the_incident(states, into).state is IncidentState.MERGED:
        # It counts there as a part of this one; that merge must be undone first.
        raise Refused(Reason.INCIDENT_MERGED)
    return [
        (SubjectKind.INCIDENT, command.incident, IncidentSplit(into)),
        (SubjectKind.INCIDENT, into, IncidentReleasedOther(command.incident)),
    ]


def _move_signal(states: States, command: MoveSignal) -> list[Decided]:
    incident, to = _two(states, command.incident, command.to)
    signal = the_signal(states, command.signal)
    if signal.incident != command.incident:
        raise Refused(Reason.NOT_FOUND, subject_kind="signal")
    # Out of a closed incident it may go: that is how a wrong join is found. Not into one.
    if incident.state is IncidentState.MERGED:
        raise Refused(Reason.INCIDENT_MERGED)
    require_open(to)
    if incident.district != to.district:
        raise Refused(Reason.OTHER_DISTRICT)
    alarms = signal.effect is Effect.ALARM
    late = alarms and signal.late
    left = SignalLeft(command.signal, command.to, alarms, signal.assurance, late)
    joined = SignalJoined(
        *(command.signal, VerdictReason.BY_HAND, alarms, signal.assurance, late),
        evidence=evidence_of(incident.alarms, command.signal),
    )
    moved = SignalMoved(command.to, moved_from=command.incident)
    return [
        (SubjectKind.INCIDENT, command.incident, left),
        (SubjectKind.INCIDENT, command.to, joined),
        (SubjectKind.SIGNAL, command.signal, moved),
    ]


def _two(states: States, one: UUID, other: UUID) -> tuple[Incident, Incident]:
    if one == other:
        raise Refused(Reason.SAME_INCIDENT)
    return the_incident(states, one), the_incident(states, other)
