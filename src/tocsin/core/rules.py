"""The rules as one door: `decide` for every command, over whatever subjects it spans.

`subjects` (in `tocsin.core.commands`) and `further` say which states a decision needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from tocsin.core import (
    assurance,
    blocked,
    blocks,
    clock_jumps,
    judging,
    on_test,
    probing,
    reporting,
    sending,
)
from tocsin.core.blocking import BlockOrder, TryBlock
from tocsin.core.blocks import Block
from tocsin.core.clock_jumps import OpenClockIncident
from tocsin.core.commands import (
    AcceptOrder,
    AddNote,
    ClassifyIncident,
    CloseIncident,
    Command,
    HoldIncident,
    JudgeSignal,
    LinkIncidents,
    LocateIncident,
    MarkOrderSent,
    MergeIncidents,
    MoveSignal,
    OpenIncident,
    PrioritiseIncident,
    RecallUnits,
    ReceiveOrder,
    RefuseOrder,
    RegisterUnit,
    ReleaseIncident,
    ReopenIncident,
    ReportStatus,
    ReturnToService,
    SendUnits,
    SplitIncident,
    SplitSender,
    Subject,
    TakeIncident,
    TakeOutOfService,
    TimeIsUp,
    UnlinkIncidents,
    ValidateIncident,
)
from tocsin.core.incidents import decide as incident_rules
from tocsin.core.incidents import joining, leaving, reported, ticking
from tocsin.core.incidents.state import Incident
from tocsin.core.incidents.steps import TickStep, UntickStep
from tocsin.core.on_test import OnTest
from tocsin.core.orders import Order
from tocsin.core.probing import OpenProbeIncident
from tocsin.core.putting_on_test import EndOnTest, ExtendOnTest, PutOnTest
from tocsin.core.reports import AddToReport, ReceiveReport, WithdrawReport
from tocsin.core.signals import Signal
from tocsin.core.states import Decided, Fact, State, States, the_incident, the_test
from tocsin.core.terms import Context, SubjectKind
from tocsin.core.units import Unit


def decide(states: States, command: Command, context: Context) -> list[Decided]:
    """The facts that follow from `command`, in the order they are to be written, or `Refused`.

    `states` holds the present state of every subject of `subjects(command)` and `further`; one
    that does not exist is left out. Nothing is changed.
    """
    assurance.require_allowed(context.actor, command.type)
    match command:
        case OpenIncident() | OpenProbeIncident() | OpenClockIncident():
            return _open(command, context)
        case JudgeSignal():
            return ticking.with_plan(states, command, judging.judge(states, command, context))
        case ReceiveReport() | AddToReport() | WithdrawReport():
            return reported.decide(states, command, context)
        case (
            TakeIncident()
            | ClassifyIncident()
            | PrioritiseIncident()
            | LocateIncident()
            | AddNote()
            | HoldIncident()
            | ReleaseIncident()
            | CloseIncident()
            | ReopenIncident()
            | ValidateIncident()
            | TickStep()
            | UntickStep()
        ):
            return _of_one_incident(states, command, context)
        case (
            LinkIncidents()
            | UnlinkIncidents()
            | MergeIncidents()
            | SplitIncident()
            | MoveSignal()
            | SplitSender()
        ):
            return _of_two(states, command, context)
        case SendUnits() | RecallUnits():
            return _send_or_recall(states, command, context)
        case ReceiveOrder() | AcceptOrder() | RefuseOrder() | MarkOrderSent():
            return reporting.decide_order(states, command, context)
        case ReportStatus() | TakeOutOfService() | ReturnToService():
            return reporting.decide_unit(states, command, context)
        case RegisterUnit():
            return reporting.register(states, command, context)
        case PutOnTest() | ExtendOnTest() | EndOnTest() | TryBlock() | BlockOrder():
            return _keep_quiet(states, command, context)
        case TimeIsUp():
            return _time_is_up(states.get(command.subject), command, context)
        case _:
            assert_never(command)


def _of_one_incident(
    states: States,
    command: incident_rules.IncidentCommand | TickStep | UntickStep,
    context: Context,
) -> list[Decided]:
    incident = the_incident(states, command.incident)
    facts: Sequence[Fact]
    if isinstance(command, TickStep | UntickStep):
        facts = ticking.decide(incident, command, context)
    else:
        facts = incident_rules.decide(incident, command, context)
    return [(SubjectKind.INCIDENT, command.incident, fact) for fact in facts]


def _of_two(
    states: States, command: joining.JoiningCommand | SplitSender, context: Context
) -> list[Decided]:
    if isinstance(command, SplitSender):
        return leaving.decide(states, command, context)
    return joining.decide(states, command, context)


def _open(
    command: OpenIncident | OpenProbeIncident | OpenClockIncident, context: Context
) -> list[Decided]:
    if isinstance(command, OpenProbeIncident):
        return [*probing.decide(command, context)]
    if isinstance(command, OpenClockIncident):
        return [*clock_jumps.decide(command, context)]
    return incident_rules.open_by_call(command, context)


def _send_or_recall(
    states: States, command: SendUnits | RecallUnits, context: Context
) -> list[Decided]:
    if isinstance(command, SendUnits):
        return sending.send_units(states, command, context)
    return sending.recall_units(states, command, context)


def _keep_quiet(
    states: States,
    command: PutOnTest | ExtendOnTest | EndOnTest | TryBlock | BlockOrder,
    context: Context,
) -> list[Decided]:
    if isinstance(command, TryBlock | BlockOrder):
        return blocked.decide(states, command, context)
    if isinstance(command, PutOnTest):
        return [*on_test.begin(command, context)]
    return [*on_test.decide(the_test(states, command.on_test), command, context)]


def further(states: States, command: Command) -> tuple[Subject, ...]:
    """Subjects that a decision needs besides those loaded: what the loaded states point to.

    Asked again after each loading until it answers with nothing; at most three times in practice.
    A subject that was asked for and does not exist must not be asked for again by the caller.
    """
    needed: list[Subject] = []
    match command:
        case RefuseOrder():
            order = states.get(command.order)
            if isinstance(order, Order):
                needed += [
                    (SubjectKind.UNIT, order.unit),
                    (SubjectKind.INCIDENT, order.incident),
                ]
        case ReportStatus():
            needed += _of_unit(states.get(command.unit))
        case RecallUnits():
            for one in command.units:
                needed += _of_unit(states.get(one))
        case SendUnits():
            if command.confirm_divert:
                for one in command.units:
                    needed += _of_unit(states.get(one))
        case SplitIncident():
            needed += _of_merged(states.get(command.incident))
        case JudgeSignal():
            for state in states.values():
                needed += _of_merged(state)
        case _:
            return ()
    return tuple(dict.fromkeys(one for one in needed if one[1] not in states))


def _of_unit(unit: State | None) -> list[Subject]:
    if not isinstance(unit, Unit) or unit.order is None or unit.incident is None:
        return []
    return [(SubjectKind.ORDER, unit.order), (SubjectKind.INCIDENT, unit.incident)]


def _of_merged(incident: State | None) -> list[Subject]:
    if not isinstance(incident, Incident) or incident.lives_on is None:
        return []
    return [(SubjectKind.INCIDENT, incident.lives_on.into)]


def _time_is_up(state: State | None, command: TimeIsUp, context: Context) -> list[Decided]:
    subject, kind = command.subject, command.subject_kind
    match state:
        case Incident():
            return [
                (kind, subject, fact)
                for fact in incident_rules.time_is_up(state, context.now, context.obligations)
            ]
        case Order():
            return [
                (kind, subject, fact) for fact in reporting.order_time_is_up(state, context.now)
            ]
        case Unit():
            return [(kind, subject, fact) for fact in reporting.unit_time_is_up(state, context.now)]
        case OnTest():
            return [(kind, subject, fact) for fact in on_test.time_is_up(state, context)]
        case Block():
            return [(kind, subject, fact) for fact in blocks.time_is_up(state, context)]
        case Signal() | None:
            return []
        case _:
            assert_never(state)
