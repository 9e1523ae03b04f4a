"""What comes back from crews: receipt, answers and status, in any order a bad network gives."""

from datetime import timedelta

import pytest

from core.world import LI, MILL_ROAD, NOON, SYSTEM, World
from tocsin.core.commands import (
    AcceptOrder,
    MarkOrderSent,
    RecallUnits,
    ReceiveOrder,
    RefuseOrder,
    RegisterUnit,
    ReportStatus,
    ReturnToService,
    TakeOutOfService,
)
from tocsin.core.incidents.facts import UnitDetached
from tocsin.core.orders import (
    Ending,
    OnChannel,
    OrderAccepted,
    OrderArrived,
    OrderDone,
    OrderOverdue,
    OrderReceived,
    OrderRefused,
    OrderStarted,
    OrderState,
    OrderStep,
    Refusal,
)
from tocsin.core.states import due
from tocsin.core.terms import Actor, Capability, Channel, Reason, Role
from tocsin.core.units import (
    FREE,
    REPORTABLE,
    OutOfServiceReason,
    UnitFreed,
    UnitOverdue,
    UnitState,
    UnitStateReported,
    UnitStep,
)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def sent(world: World) -> tuple:
    unit, incident = world.unit("E11"), world.call()
    (order,) = world.send(incident, unit)
    return unit, incident, order, Actor("crew", "E11", Role.CREW, "city", unit=unit)


def test_the_whole_road_of_an_order() -> None:
    world = World()
    unit, _, order, crew = sent(world)
    world.do(MarkOrderSent(order, Channel.APP), SYSTEM)
    world.do(MarkOrderSent(order, Channel.STATION), SYSTEM)
    assert world.order(order).state is OrderState.SENT
    assert world.do(ReceiveOrder(order, Channel.APP), crew) == [
        OrderReceived(Channel.APP, NOON, NOON + s(60))
    ]
    assert world.do(AcceptOrder(order), crew) == [OrderAccepted(NOON, NOON + s(90))]
    assert world.do(ReportStatus(unit, UnitState.UNDER_WAY), crew) == [
        OrderStarted(NOON, NOON + s(600)),
        UnitStateReported(UnitState.UNDER_WAY, NOON, by_desk=False),
    ]
    world.do(ReportStatus(unit, UnitState.AT_SCENE), crew)
    assert world.order(order).state is OrderState.AT_SCENE
    assert due(world.order(order)) is None
    assert world.do(ReportStatus(unit, UnitState.RETURNING), crew) == [
        OrderDone(NOON),
        UnitFreed(order, UnitState.RETURNING, Ending.DONE, NOON, NOON + s(3_600)),
        UnitDetached(unit, order, "E11", Ending.DONE, NOON + s(1_800)),
    ]
    world.do(ReportStatus(unit, UnitState.IN_STATION), crew)
    assert due(world.unit_state(unit)) is None
    done = world.order(order)
    assert (done.state, done.done_at, done.overdue) == (OrderState.DONE, NOON, None)


def test_receipt_is_known_for_each_channel_by_itself() -> None:
    world = World()
    _, _, order, crew = sent(world)
    world.do(MarkOrderSent(order, Channel.APP), SYSTEM)
    world.do(MarkOrderSent(order, Channel.STATION), SYSTEM)
    world.do(ReceiveOrder(order, Channel.STATION), crew)
    world.do(AcceptOrder(order), crew)
    world.now += s(5)
    world.do(ReceiveOrder(order, Channel.APP), crew)
    now = world.order(order)
    assert now.state is OrderState.ACCEPTED
    assert due(now) == NOON + s(90)
    assert now.received_at == NOON
    assert now.channels == (
        OnChannel(Channel.APP, NOON, NOON + s(5)),
        OnChannel(Channel.STATION, NOON, NOON),
    )
    again = world.refused(ReceiveOrder(order, Channel.APP), crew)
    assert again.reason is Reason.ALREADY_SO


def test_an_order_received_before_we_knew_it_was_sent() -> None:
    world = World()
    _, _, order, crew = sent(world)
    world.do(ReceiveOrder(order, Channel.APP), crew)
    world.do(MarkOrderSent(order, Channel.APP), SYSTEM)
    now = world.order(order)
    assert now.state is OrderState.RECEIVED
    assert now.channels == (OnChannel(Channel.APP, NOON, NOON),)


def test_a_later_word_fills_in_the_steps_whose_word_was_lost() -> None:
    world = World()
    unit, _, _, crew = sent(world)
    facts = world.do(ReportStatus(unit, UnitState.AT_SCENE), crew)
    assert [type(fact) for fact in facts] == [
        OrderReceived,
        OrderAccepted,
        OrderStarted,
        OrderArrived,
        UnitStateReported,
    ]
    assert isinstance(facts[0], OrderReceived)
    assert facts[0].channel is None


def test_accepting_shows_that_the_order_was_received() -> None:
    world = World()
    _, _, order, crew = sent(world)
    facts = world.do(AcceptOrder(order), crew)
    assert [type(fact) for fact in facts] == [OrderReceived, OrderAccepted]
    assert world.refused(AcceptOrder(order), crew).reason is Reason.ALREADY_SO


@pytest.mark.parametrize("accepted", [False, True])
def test_a_refused_order_frees_the_unit_and_wakes_the_desk(accepted: bool) -> None:
    world = World()
    unit, incident, order, crew = sent(world)
    if accepted:
        world.do(AcceptOrder(order), crew)
    facts = world.do(RefuseOrder(order, Refusal.VEHICLE_DEFECT, " gearbox "), crew)
    assert facts == [
        OrderRefused(Refusal.VEHICLE_DEFECT, NOON, note="gearbox"),
        UnitFreed(order, UnitState.IN_STATION, Ending.REFUSED, NOON),
        UnitDetached(unit, order, "E11", Ending.REFUSED, NOON + s(90)),
    ]
    now = world.order(order)
    assert (now.state, now.refusal, due(now)) == (OrderState.REFUSED, Refusal.VEHICLE_DEFECT, None)
    assert world.unit_state(unit).order is None
    assert not world.incident(incident).served


def test_after_work_done_a_refusal_calls_for_a_unit_again_and_a_recall_for_a_close() -> None:
    world = World()
    one, two, incident = world.unit("E11"), world.unit("E12"), world.call()
    world.send(incident, one, two)
    world.do(ReportStatus(one, UnitState.AT_SCENE))
    world.do(ReportStatus(one, UnitState.RETURNING))
    world.do(RecallUnits(incident, (two,)))
    assert due(world.incident(incident)) == NOON + s(1_800)
    (order,) = world.send(incident, two)
    world.do(RefuseOrder(order, Refusal.ROAD_BLOCKED))
    assert due(world.incident(incident)) == NOON + s(90)


def test_a_unit_under_way_cannot_refuse() -> None:
    world = World()
    unit, _, order, crew = sent(world)
    world.do(ReportStatus(unit, UnitState.UNDER_WAY), crew)
    refused = world.refused(RefuseOrder(order, Refusal.TOO_FAR), crew)
    assert refused.reason is Reason.ORDER_STEP_IMPOSSIBLE
    assert world.refused(AcceptOrder(order), crew).reason is Reason.ALREADY_SO


def test_nothing_happens_to_an_order_that_has_ended() -> None:
    world = World()
    _, _, order, crew = sent(world)
    world.do(RefuseOrder(order, Refusal.OTHER), crew)
    for command in (
        AcceptOrder(order),
        RefuseOrder(order, Refusal.OTHER),
        ReceiveOrder(order, Channel.APP),
        MarkOrderSent(order, Channel.APP),
    ):
        assert world.refused(command, crew).reason is Reason.ORDER_ENDED


def test_each_step_of_an_order_is_overdue_once() -> None:
    world = World()
    unit, _, order, crew = sent(world)
    world.do(MarkOrderSent(order, Channel.APP), SYSTEM)
    assert world.pass_time(seconds=120) == [OrderOverdue(OrderStep.RECEIPT, NOON + s(30))]
    world.do(ReceiveOrder(order, Channel.APP), crew)
    assert world.order(order).overdue is None
    assert world.pass_time(seconds=120) == [OrderOverdue(OrderStep.ANSWER, NOON + s(180))]
    world.do(AcceptOrder(order), crew)
    assert world.pass_time(seconds=120) == [OrderOverdue(OrderStep.START, NOON + s(330))]
    world.do(ReportStatus(unit, UnitState.UNDER_WAY), crew)
    assert world.pass_time(hours=1) == [OrderOverdue(OrderStep.ARRIVAL, NOON + s(960))]
    world.do(ReportStatus(unit, UnitState.AT_SCENE), crew)
    assert world.pass_time(days=1) == []


@pytest.mark.parametrize(
    ("state", "step"),
    [(UnitState.TRANSPORTING, UnitStep.HANDOVER), (UnitState.RETURNING, UnitStep.RETURN)],
)
def test_a_state_that_must_not_last_is_overdue_once(state: UnitState, step: UnitStep) -> None:
    world = World()
    unit, _, _, crew = sent(world)
    world.do(ReportStatus(unit, UnitState.AT_SCENE), crew)
    world.do(ReportStatus(unit, state), crew)
    told = [fact for fact in world.pass_time(days=1) if isinstance(fact, UnitOverdue)]
    assert told == [UnitOverdue(step, NOON + s(3_600))]
    assert world.unit_state(unit).overdue is step
    world.do(ReportStatus(unit, UnitState.IN_STATION), crew)
    assert world.unit_state(unit).overdue is None


def test_a_transport_belongs_to_the_order() -> None:
    world = World()
    unit, incident, order, crew = sent(world)
    world.do(ReportStatus(unit, UnitState.TRANSPORTING), crew)
    assert world.order(order).state is OrderState.AT_SCENE
    assert world.incident(incident).units
    world.do(ReportStatus(unit, UnitState.AVAILABLE), crew)
    assert world.order(order).state is OrderState.DONE


def test_a_radio_report_is_marked_as_the_desks() -> None:
    world = World()
    unit, *_ = sent(world)
    facts = world.do(ReportStatus(unit, UnitState.UNDER_WAY), LI)
    assert isinstance(facts[-1], UnitStateReported)
    assert facts[-1].by_desk


def test_a_free_unit_reports_where_it_is() -> None:
    world = World()
    unit = world.unit("E11")
    world.do(ReportStatus(unit, UnitState.AVAILABLE))
    world.do(ReportStatus(unit, UnitState.RETURNING))
    assert due(world.unit_state(unit)) == NOON + s(3_600)
    world.do(ReportStatus(unit, UnitState.IN_STATION))
    assert world.refused(ReportStatus(unit, UnitState.IN_STATION)).reason is Reason.ALREADY_SO


def brought_to(world: World, state: UnitState) -> tuple:
    """A unit in the given state."""
    unit, incident = world.unit("E11"), world.call()
    if state is UnitState.IN_STATION:
        return unit, incident
    if state is UnitState.OUT_OF_SERVICE:
        world.do(TakeOutOfService(unit, OutOfServiceReason.MAINTENANCE))
    elif state in FREE:
        world.do(ReportStatus(unit, UnitState.AVAILABLE))
        if state is UnitState.RETURNING:
            world.do(ReportStatus(unit, UnitState.RETURNING))
    else:
        world.send(incident, unit)
        if state is not UnitState.ORDERED:
            world.do(ReportStatus(unit, state))
    assert world.unit_state(unit).state is state
    return unit, incident


@pytest.mark.parametrize("before", UnitState)
@pytest.mark.parametrize("after", UnitState)
def test_exactly_the_reports_of_the_table_are_taken(before: UnitState, after: UnitState) -> None:
    world = World()
    unit, _ = brought_to(world, before)
    if after in REPORTABLE[before]:
        world.do(ReportStatus(unit, after))
        assert world.unit_state(unit).state is after
        assert (world.unit_state(unit).order is None) == (after in FREE)
        return
    reason = world.refused(ReportStatus(unit, after)).reason
    if before is after:
        assert reason is Reason.ALREADY_SO
    elif before is UnitState.OUT_OF_SERVICE:
        assert reason is Reason.UNIT_NOT_IN_SERVICE
    elif before in FREE and after not in FREE:
        assert reason is Reason.UNIT_HAS_NO_ORDER
    else:
        assert reason is Reason.ORDER_STEP_IMPOSSIBLE


def test_the_table_of_reports_is_as_the_field_has_it() -> None:
    # A unit that has not started leaves an order only by refusal or recall.
    assert not REPORTABLE[UnitState.ORDERED] & FREE
    # Ordered and out of service follow from commands of their own, never from a report.
    reportable = set().union(*REPORTABLE.values())
    assert reportable == set(UnitState) - {UnitState.ORDERED, UnitState.OUT_OF_SERVICE}
    assert UnitState.AT_SCENE not in REPORTABLE[UnitState.TRANSPORTING]


def test_out_of_service_and_back() -> None:
    world = World()
    unit = world.unit("E11")
    assert world.refused(ReturnToService(unit)).reason is Reason.ALREADY_SO
    world.do(TakeOutOfService(unit, OutOfServiceReason.BREAKDOWN))
    assert world.unit_state(unit).out_of_service_reason is OutOfServiceReason.BREAKDOWN
    assert (
        world.refused(TakeOutOfService(unit, OutOfServiceReason.OTHER)).reason is Reason.ALREADY_SO
    )
    world.do(ReturnToService(unit))
    now = world.unit_state(unit)
    assert (now.state, now.out_of_service_reason) == (UnitState.IN_STATION, None)


def test_a_unit_on_an_order_stays_in_service() -> None:
    world = World()
    unit, *_ = sent(world)
    assert (
        world.refused(TakeOutOfService(unit, OutOfServiceReason.BREAKDOWN)).reason
        is Reason.UNIT_ON_ORDER
    )


def test_registering_again_changes_what_a_unit_is_and_not_what_it_does() -> None:
    world = World()
    unit, incident, order, _ = sent(world)
    before = world.unit_state(unit)

    def again(call_sign: str, *capabilities: Capability) -> RegisterUnit:
        return RegisterUnit(
            unit=unit,
            call_sign=call_sign,
            kind="engine",
            capabilities=capabilities,
            station=before.station,
            station_place=MILL_ROAD,
            district="north",
            agency="city",
        )

    assert world.do(again("E11", Capability.PUMP), SYSTEM) == []
    world.do(again("E91", Capability.PUMP, Capability.RESCUE), SYSTEM)
    now = world.unit_state(unit)
    assert (now.call_sign, now.order, now.incident) == ("E91", order, incident)
    assert now.state is UnitState.ORDERED
