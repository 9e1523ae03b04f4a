"""Action plans: an incident keeps what its zones wanted done when their alarms came; each step is
ticked once, by somebody, and can be taken back."""

from uuid import UUID

from core.world import ANN, LI, World
from tocsin.core.commands import CloseIncident, MergeIncidents
from tocsin.core.incidents.steps import (
    PLANS_MAX,
    STEP_CHARS_MAX,
    STEPS_MAX,
    ActionPlan,
    PlanKept,
    StepTicked,
    StepUnticked,
    TickStep,
    UntickStep,
)
from tocsin.core.terms import Disposition, PlanStep, Reason

SITE, PANEL = UUID(int=900), UUID(int=901)


def plan(*texts: str, zone: str = "") -> ActionPlan:
    steps = tuple(PlanStep(text, f"{text} (en)") for text in texts)
    return ActionPlan(steps, PANEL if zone else None, zone)


KITCHEN = plan("切断燃气", "致电值班室", "开启排烟", zone="7")


def burning(world: World, **more: object) -> UUID:
    """The incident of an alarm of zone 7 with the plan KITCHEN, or `plan` instead."""
    signal = world.hear("FA", "7", site=SITE, **{"plan": KITCHEN, **more})  # type: ignore[arg-type]
    incident = world.signal(signal).incident
    assert incident is not None
    return incident


def kept(world: World, incident: UUID) -> list[tuple[str, str, int]]:
    return [(one.plan, one.zone, one.count) for one in world.incident(incident).plans.kept]


def test_an_alarm_brings_the_plan_of_its_zone() -> None:
    world = World()
    incident = burning(world)
    assert kept(world, incident) == [(KITCHEN.digest, "7", 3)]
    fact = world.log[-1][2]
    assert isinstance(fact, PlanKept)
    assert fact.steps == KITCHEN.steps
    bare = World()
    assert bare.incident(burning(bare, plan=None)).plans.kept == ()
    assert world.rebuilt() == world.states


def test_a_further_zone_brings_its_own_and_the_same_words_come_once() -> None:
    world = World()
    incident = burning(world)
    hall = plan("疏散大厅", zone="8")
    for code, zone, brought in (
        ("FA", "7", KITCHEN),
        ("FA", "8", hall),
        ("FA", "9", plan("切断燃气", "致电值班室", "开启排烟", zone="9")),
        ("FR", "10", plan("复位后检查", zone="10")),  # a restore asks for nothing
    ):
        world.hear(code, zone, site=SITE, plan=brought)
    assert kept(world, incident) == [(KITCHEN.digest, "7", 3), (hall.digest, "8", 1)]


def test_the_plan_stays_as_it_was_and_new_words_come_with_a_further_alarm() -> None:
    world = World()
    incident = burning(world)
    world.do(TickStep(incident, KITCHEN.digest, 1))
    changed = plan("切断燃气总阀", zone="7")
    world.hear("FA", "7", site=SITE, plan=changed)
    assert kept(world, incident) == [(KITCHEN.digest, "7", 3), (changed.digest, "7", 1)]
    assert [one.step for one in world.incident(incident).plans.ticked] == [1]


def test_bounds() -> None:
    world = World()
    long = ActionPlan((PlanStep("长" * (STEP_CHARS_MAX + 1), "x"),) * (STEPS_MAX + 1))
    incident = burning(world, plan=long)
    fact = world.log[-1][2]
    assert isinstance(fact, PlanKept)
    assert (fact.count, len(fact.steps)) == (STEPS_MAX, STEPS_MAX)
    assert len(fact.steps[0].text_zh) == STEP_CHARS_MAX
    for zone in range(PLANS_MAX + 3):
        world.hear("FA", str(zone), site=SITE, plan=plan(f"step {zone}", zone=str(zone)))
    assert len(world.incident(incident).plans.kept) == PLANS_MAX
    assert world.incident(incident).signal_count == PLANS_MAX + 4
    bare = World()
    assert bare.incident(burning(bare, plan=plan())).plans.kept == ()


def test_a_step_is_ticked_once_and_taken_back() -> None:
    world = World()
    incident = burning(world)
    world.step = KITCHEN.steps[1]
    tick = TickStep(incident, KITCHEN.digest, 2)
    assert world.do(tick, ANN) == [
        StepTicked(KITCHEN.digest, 2, ANN.id, ANN.name, world.now, "致电值班室", "致电值班室 (en)")
    ]
    assert world.refused(tick, LI).reason is Reason.ALREADY_SO
    (ticked,) = world.incident(incident).plans.ticked
    assert (ticked.step, ticked.by_name, ticked.at) == (2, ANN.name, world.now)
    untick = UntickStep(incident, KITCHEN.digest, 2)
    assert world.do(untick) == [StepUnticked(KITCHEN.digest, 2, "致电值班室", "致电值班室 (en)")]
    assert world.refused(untick).reason is Reason.ALREADY_SO
    assert world.incident(incident).plans.ticked == ()
    world.do(tick)
    assert world.rebuilt() == world.states


def test_only_steps_of_its_own_plans() -> None:
    world = World()
    incident = burning(world)
    for digest, step in ((KITCHEN.digest, 0), (KITCHEN.digest, 4), ("0" * 32, 1)):
        assert world.refused(TickStep(incident, digest, step)).reason is Reason.NO_SUCH_STEP
    world.do(TickStep(incident, KITCHEN.digest, 3))


def test_a_merged_plan_is_still_worked_on_a_closed_one_is_not() -> None:
    world = World()
    incident, into = burning(world), world.call()
    world.do(MergeIncidents(incident, into))
    world.do(TickStep(incident, KITCHEN.digest, 1))
    # A further alarm of the site joins where the incident lives on, and its plan comes with it.
    world.hear("FA", "7", site=SITE, plan=KITCHEN)
    assert kept(world, into) == [(KITCHEN.digest, "7", 3)]
    world.do(CloseIncident(into, Disposition.HANDLED))
    refused = world.refused(TickStep(into, KITCHEN.digest, 1))
    assert refused.reason is Reason.INCIDENT_CLOSED
