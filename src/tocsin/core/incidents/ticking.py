"""Rules of action plans: which plan an alarm brings to its incident, and which steps are ticked."""

from __future__ import annotations

from uuid import UUID

from tocsin.core.commands import JudgeSignal
from tocsin.core.incidents.facts import IncidentOpened, SignalJoined
from tocsin.core.incidents.state import Incident, IncidentState
from tocsin.core.incidents.steps import (
    PLANS_MAX,
    STEP_CHARS_MAX,
    STEPS_MAX,
    ActionPlan,
    PlanFact,
    PlanKept,
    StepTicked,
    StepUnticked,
    TickStep,
    UntickStep,
)
from tocsin.core.states import Decided, States
from tocsin.core.terms import Context, PlanStep, Reason, Refused, SubjectKind


def with_plan(states: States, command: JudgeSignal, decided: list[Decided]) -> list[Decided]:
    """What was decided about a signal, and the plan that it brings: one that opened the incident,
    or a further alarm whose zone has a plan that the incident has not yet."""
    if command.plan is None:
        return decided
    brought = [
        (subject, fact)
        for _, subject, fact in decided
        if isinstance(fact, IncidentOpened) or (isinstance(fact, SignalJoined) and fact.alarms)
    ]
    if not brought:
        return decided
    subject = brought[0][0]
    kept = _kept(states, subject, command.plan)
    return decided if kept is None else [*decided, (SubjectKind.INCIDENT, subject, kept)]


def _kept(states: States, subject: UUID, plan: ActionPlan) -> PlanKept | None:
    before = states.get(subject)
    known = before.plans.kept if isinstance(before, Incident) else ()
    steps = tuple(
        PlanStep(one.text_zh[:STEP_CHARS_MAX], one.text_en[:STEP_CHARS_MAX])
        for one in plan.steps[:STEPS_MAX]
    )
    digest = plan.digest
    if not steps or len(known) >= PLANS_MAX or any(one.plan == digest for one in known):
        return None
    return PlanKept(digest, len(steps), plan.device, plan.zone, steps)


def decide(incident: Incident, command: TickStep | UntickStep, context: Context) -> list[PlanFact]:
    """The tick or its taking back, or `Refused`. A merged incident's plan is still worked on; what
    a closed one leaves open stays open."""
    if incident.state is IncidentState.CLOSED:
        raise Refused(Reason.INCIDENT_CLOSED)
    plan = next((one for one in incident.plans.kept if one.plan == command.plan), None)
    if plan is None or not 1 <= command.step <= plan.count:
        raise Refused(Reason.NO_SUCH_STEP, step=command.step)
    is_ticked = any(
        (one.plan, one.step) == (command.plan, command.step) for one in incident.plans.ticked
    )
    if is_ticked is isinstance(command, TickStep):
        raise Refused(Reason.ALREADY_SO)
    text = context.step or PlanStep("", "")  # gone with the incident's key
    if isinstance(command, UntickStep):
        return [StepUnticked(command.plan, command.step, text.text_zh, text.text_en)]
    actor = context.actor
    return [
        StepTicked(
            command.plan,
            command.step,
            actor.id,
            actor.name,
            context.now,
            text.text_zh,
            text.text_en,
        )
    ]
