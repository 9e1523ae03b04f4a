"""Action plans on an incident: what a site or zone wants done, step by step, as it stood when its
alarm came, and which steps the desk has ticked. The rules are in `tocsin.core.incidents.ticking`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, assert_never
from uuid import UUID

import msgspec

from tocsin.core.terms import PlanStep, sealed

PLANS_MAX: Final = 10
"""An incident keeps the plans of so many zones; the register has the others."""

STEPS_MAX: Final = 99
"""As many steps has a plan in the register."""

STEP_CHARS_MAX: Final = 200
"""And so many characters a step, in each language."""


@dataclass(frozen=True, slots=True)
class ActionPlan:
    """What the register says is to be done, in its order: for the zone `zone` of `device`, or for
    the whole site where `device` is None."""

    steps: tuple[PlanStep, ...]
    device: UUID | None = None
    zone: str = ""

    @property
    def digest(self) -> str:
        """Tells this wording from any other: 32 hexadecimal digits of its SHA-256."""
        words = [[one.text_zh, one.text_en] for one in self.steps]
        return hashlib.sha256(msgspec.json.encode(words)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class PlanKept:
    """The incident has this plan from now on, whatever the register says later.

    `plan` is its digest, `count` of how many steps it is. What is to be done may name people.
    """

    plan: str
    count: int
    device: UUID | None = None
    zone: str = ""
    steps: tuple[PlanStep, ...] = sealed(())


@dataclass(frozen=True, slots=True)
class StepTicked:
    """Step `step`, from 1, of the plan was done, says `by`."""

    plan: str
    step: int
    by: str
    by_name: str
    at: datetime
    text_zh: str = sealed("")
    text_en: str = sealed("")


@dataclass(frozen=True, slots=True)
class StepUnticked:
    """It was not done after all."""

    plan: str
    step: int
    text_zh: str = sealed("")
    text_en: str = sealed("")


PlanFact = PlanKept | StepTicked | StepUnticked


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """Which plan, of which zone; its words are in the log."""

    plan: str
    count: int
    device: UUID | None
    zone: str


@dataclass(frozen=True, slots=True)
class TickedStep:
    plan: str
    step: int
    by: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of an incident in the order in which its alarms brought them, and what is done."""

    kept: tuple[KeptPlan, ...] = ()
    ticked: tuple[TickedStep, ...] = ()


NO_PLANS: Final = Plans()


@dataclass(frozen=True, slots=True)
class TickStep:
    """Step `step`, from 1, of the incident's plan with the digest `plan` is done."""

    incident: UUID
    plan: str
    step: int
    type: Literal["tick_step"] = "tick_step"


@dataclass(frozen=True, slots=True)
class UntickStep:
    """It is not done after all."""

    incident: UUID
    plan: str
    step: int
    type: Literal["untick_step"] = "untick_step"


def evolve(plans: Plans, fact: PlanFact) -> Plans:
    """The plans after `fact`. Never refuses."""
    match fact:
        case PlanKept():
            kept = KeptPlan(fact.plan, fact.count, fact.device, fact.zone)
            return replace(plans, kept=(*plans.kept, kept))
        case StepTicked():
            ticked = TickedStep(fact.plan, fact.step, fact.by, fact.by_name, fact.at)
            return replace(plans, ticked=(*plans.ticked, ticked))
        case StepUnticked():
            left = tuple(
                one for one in plans.ticked if (one.plan, one.step) != (fact.plan, fact.step)
            )
            return replace(plans, ticked=left)
        case _:
            assert_never(fact)
