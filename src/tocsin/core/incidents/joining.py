"""Rules that span two incidents: merge, split, link, and a signal moved from one to the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never
from uuid import UUID

from tocsin.core import avs
from tocsin.core.codes.silencing import PROTECTED
from tocsin.core.commands import (
    LinkIncidents,
    MergeIncidents,
    MoveSignal,
    SplitIncident,
    UnlinkIncidents,
)
from tocsin.core.confirmation import OpenZone, RaisedBecause, confirmed_by
from tocsin.core.incidents.alarms import NO_ALARMS, Told, evidence_of, waits
from tocsin.core.incidents.decide import (
    as_grave,
    assign_by,
    call_signs,
    due_anew,
    prioritised,
    raised,
    require_open,
)
from tocsin.core.incidents.facts import (
    IncidentAbsorbed,
    IncidentFact,
    IncidentLinked,
    IncidentMerged,
    IncidentOverdue,
    IncidentPrioritised,
    IncidentReleased,
    IncidentReleasedOther,
    IncidentSplit,
    IncidentStep,
    IncidentUnlinked,
    SignalJoined,
    SignalLeft,
)
from tocsin.core.incidents.state import (
    Incident,
    IncidentState,
    alarm_count,
    all_signals,
    open_zones,
    open_zones_more,
    signal_count,
)
from tocsin.core.obligations import deadline
from tocsin.core.signals import Effect, Signal, SignalMoved, VerdictReason
from tocsin.core.states import Decided, States, the_incident, the_signal
from tocsin.core.terms import Context, Reason, Refused, SubjectKind

_OPENED_BY_STATUS: Final = frozenset(
    {VerdictReason.NEEDS_ANSWER, VerdictReason.UNKNOWN_SOURCE, VerdictReason.CROWD}
)

JoiningCommand = LinkIncidents | UnlinkIncidents | MergeIncidents | SplitIncident | MoveSignal


def decide(states: States, command: JoiningCommand, context: Context) -> list[Decided]:
    """The facts on both incidents, or `Refused`."""
    match command:
        case LinkIncidents():
            return _link(states, command)
        case UnlinkIncidents():
            return _unlink(states, command)
        case MergeIncidents():
            return _merge(states, command, context)
        case SplitIncident():
            return _split(states, command)
        case MoveSignal():
            return _move_signal(states, command, context)
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


def _merge(states: States, command: MergeIncidents, context: Context) -> list[Decided]:
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
        open_zones=open_zones(incident),
        open_zones_more=open_zones_more(incident),
    )
    return [
        (SubjectKind.INCIDENT, command.incident, IncidentMerged(command.into)),
        (SubjectKind.INCIDENT, command.into, absorbed),
        *((SubjectKind.INCIDENT, command.into, fact) for fact in _as_loud(into, incident, context)),
    ]


def _as_loud(
    into: Incident,
    other: Incident,
    context: Context,
    because: RaisedBecause = RaisedBecause.TIMELY,
) -> list[IncidentFact]:
    """What is merged into another incident is no quieter there: no lower level, no later deadline,
    not in the watch band if it was not, and not behind a hold that nobody gave it."""
    facts: list[IncidentFact] = []
    if into.state is IncidentState.HELD and _ends_hold(other):
        into = replace(into, state=IncidentState.TAKEN, held_until=None)
        urgent = replace(into, level=min(into.level, other.level))
        into = replace(into, due_at=assign_by(urgent, context))
        facts.append(IncidentReleased(due_at=into.due_at))
    level = min(into.level, other.level)
    due_at = into.due_at
    if into.state is IncidentState.NEW and not into.units:
        take_by = None
        is_new = into.overdue is None or level < into.level
        if other.overdue is not None and is_new:  # its deadline has spoken, and nobody has come
            take_by = deadline(context.now, context.obligations.take_s[level - 1])
            if into.overdue is None and other.level <= into.level:
                facts.append(IncidentOverdue(IncidentStep.TAKE, due_at=context.now))
                into = replace(into, due_at=None, overdue=IncidentStep.TAKE)
        times = [one for one in (due_at, other.due_at, take_by) if one is not None]
        due_at = min(times, default=None)
    if into.state is IncidentState.TAKEN and not into.units and _ends_hold(other):
        # Whoever took it has let its deadline pass, or has more time than the graver one has.
        if due_at is None:
            due_at = due_anew(replace(into, level=level), None, context)
        elif level < into.level:
            due_at = prioritised(into, level, context).due_at
    if level < into.level or due_at != into.due_at:
        facts.append(IncidentPrioritised(level, due_at=due_at))
    if into.watch and not other.watch:
        after = replace(into, due_at=due_at)
        facts.append(raised(after, because, level, context))
    return facts


def _ends_hold(other: Incident) -> bool:
    """As a further alarm does that joins: whoever held the incident must look again. Not what is
    held itself, whose units have done their work, or an exception, which may wait."""
    if other.state is IncidentState.HELD or other.served:
        return False
    return not other.watch or bool(other.alarms.evidence)


def _split(states: States, command: SplitIncident) -> list[Decided]:
    incident = the_incident(states, command.incident)
    if incident.lives_on is None:
        raise Refused(Reason.INCIDENT_NOT_MERGED)
    into = incident.lives_on.into
    if the_incident(states, into).state is IncidentState.MERGED:
        # It counts there as a part of this one; that merge must be undone first.
        raise Refused(Reason.INCIDENT_MERGED)
    split = IncidentSplit(into, quiet=_quiet(states, command))
    return [
        (SubjectKind.INCIDENT, command.incident, split),
        (SubjectKind.INCIDENT, into, IncidentReleasedOther(command.incident)),
    ]


def _quiet(states: States, command: SplitIncident) -> tuple[OpenZone, ...]:
    """What was open when it was merged, and has restored since."""
    incident = the_incident(states, command.incident)
    assert incident.lives_on is not None
    into = the_incident(states, incident.lives_on.into)
    brought = next((one for one in into.absorbed if one.other == command.incident), None)
    if brought is None or brought.open_zones is None:
        return ()
    still = {(one.sensor, one.code) for one in brought.open_zones}
    return tuple(one for one in open_zones(incident) if (one.sensor, one.code) not in still)


def _move_signal(states: States, command: MoveSignal, context: Context) -> list[Decided]:
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
        *(
            (SubjectKind.INCIDENT, command.to, fact)
            for fact in _louder(to, incident, signal, joined, context)
        ),
    ]


def _louder(
    into: Incident, left: Incident, signal: Signal, joined: SignalJoined, context: Context
) -> list[IncidentFact]:
    """What a signal makes of the incident that a person moves it to: no quieter than in a card of
    its own. What it leaves stays as it is: whoever looks there may find that it is less grave."""
    if signal.effect is not Effect.ALARM:
        return [*as_grave(into, signal.level, context)] if _needs_answer(signal) else []
    if signal.site is None and (into.source_key or into.crowd is not None):
        # Among unknown sources nobody vouches for it, there as here.
        own = replace(left, level=max(left.level, signal.level), units=(), served=False)
        return _as_loud(into, own, context)
    because = RaisedBecause.TIMELY
    waiting = left.watch and waits(left.alarms)
    if waits(into.alarms) and joined.evidence is not None:
        before = (one.evidence for one in into.alarms.evidence)
        asked = into.alarms.confirmation
        assert asked is not None
        found = confirmed_by(asked.asked, before, joined.evidence)
        because, waiting = found or because, waiting and found is None
    return _as_loud(into, _on_its_own(left, signal, joined, waiting, context), context, because)


def _needs_answer(signal: Signal) -> bool:
    """Whether somebody must act on what is no alarm. A status says so by its having opened a card;
    what a restore or a test ended has no level any more."""
    if signal.effect is Effect.STATUS:
        return signal.reason in _OPENED_BY_STATUS
    return signal.effect in (Effect.TROUBLE, Effect.UNKNOWN)


def _on_its_own(
    left: Incident, signal: Signal, joined: SignalJoined, waiting: bool, context: Context
) -> Incident:
    """The incident that it leaves as it would be with this alarm alone, heard now. What was done
    there, by whoever held it or went, was not done for what belongs elsewhere."""
    is_old = signal.late and joined.evidence is None
    obligations = context.obligations
    due_at = deadline(context.now, obligations.take_s[signal.level - 1])
    if is_old and signal.type not in PROTECTED:
        due_at = deadline(context.now, obligations.take_watch_s)
    elif left.state is IncidentState.NEW and left.due_at is not None and left.level >= signal.level:
        due_at = left.due_at if waiting or due_at is None else min(left.due_at, due_at)
    told = () if joined.evidence is None else (Told(joined.signal, joined.evidence),)
    return replace(
        left,
        state=IncidentState.NEW,
        level=signal.level,
        watch=is_old or waiting,
        units=(),
        served=False,
        due_at=due_at,
        alarms=replace(NO_ALARMS, evidence=told),
    )


def _two(states: States, one: UUID, other: UUID) -> tuple[Incident, Incident]:
    if one == other:
        raise Refused(Reason.SAME_INCIDENT)
    return the_incident(states, one), the_incident(states, other)
