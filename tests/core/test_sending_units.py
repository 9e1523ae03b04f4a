"""Units sent, diverted and recalled: incident, order and unit always change together."""

from datetime import timedelta

import pytest

from core.world import ANN, LI, NOON, World
from tocsin.core.commands import (
    HoldIncident,
    MarkOrderSent,
    RecallUnits,
    ReportStatus,
    SendUnits,
    TakeIncident,
    TakeOutOfService,
)
from tocsin.core.incidents.facts import (
    IncidentReleased,
    IncidentTaken,
    UnitAttached,
    UnitDetached,
)
from tocsin.core.incidents.state import Attached, Band, IncidentState, band
from tocsin.core.orders import Ending, OrderGiven, OrderRecalled, OrderSent, OrderState
from tocsin.core.states import due
from tocsin.core.terms import RACES, Channel, Level, Reason
from tocsin.core.units import OutOfServiceReason, UnitFreed, UnitOrdered, UnitState


def test_sending_takes_the_incident_and_orders_each_unit() -> None:
    world = World()
    engine, ladder, incident = world.unit("E11"), world.unit("L12"), world.call()
    facts = world.do(SendUnits(incident, (engine, ladder), note="gate 2", advised=(engine,)))
    assert [type(fact) for fact in facts] == [
        IncidentTaken,
        *(OrderGiven, UnitOrdered, UnitAttached) * 2,
    ]
    now = world.incident(incident)
    assert (now.state, now.taken_by) == (IncidentState.TAKEN, "li")
    assert [unit.call_sign for unit in now.units] == ["E11", "L12"]
    assert band(now) is Band.WORKING
    assert due(now) is None
    given = [fact for fact in facts if isinstance(fact, OrderGiven)]
    assert [(fact.note, fact.advised) for fact in given] == [("gate 2", True), ("gate 2", False)]
    unit = world.unit_state(engine)
    assert (unit.state, unit.incident) == (UnitState.ORDERED, incident)
    assert unit.order is not None
    assert due(world.order(unit.order)) == NOON + timedelta(seconds=30)


def test_an_order_reaches_the_crews_device_by_reaction() -> None:
    world = World()
    order = world.send(world.call(), world.unit("E11"))[0]
    assert world.react() == [OrderSent(Channel.APP, NOON)]
    assert world.order(order).state is OrderState.SENT
    assert world.react() == []
    assert world.refused(MarkOrderSent(order, Channel.APP)).reason is Reason.ALREADY_SO


def test_a_taken_incident_stays_with_who_took_it() -> None:
    world = World()
    unit, incident = world.unit("E11"), world.call()
    world.do(TakeIncident(incident), ANN)
    world.do(SendUnits(incident, (unit,)), LI)
    assert world.incident(incident).taken_by == "ann"


def test_sending_ends_a_hold() -> None:
    world = World()
    unit, incident = world.unit("E11"), world.call()
    world.do(HoldIncident(incident, NOON + timedelta(minutes=9), "wait"))
    facts = world.do(SendUnits(incident, (unit,)))
    assert isinstance(facts[0], IncidentReleased)
    assert world.incident(incident).state is IncidentState.TAKEN
    assert due(world.incident(incident)) is None


def test_two_desks_want_one_unit_and_the_second_is_told_who_and_when() -> None:
    world = World()
    unit, one, other = world.unit("E11"), world.call(), world.call()
    world.do(SendUnits(one, (unit,)), LI)
    for incident in (one, other):
        refused = world.refused(SendUnits(incident, (unit,)), ANN)
        assert refused.reason is Reason.UNIT_BUSY
        assert refused.reason in RACES
        assert refused.details == {
            "by": "Li Wei",
            "at": NOON,
            "call_sign": "E11",
            "incident": one,
        }


def test_all_units_are_sent_or_none() -> None:
    world = World()
    busy, free, one, other = world.unit("E11"), world.unit("E12"), world.call(), world.call()
    world.send(one, busy)
    world.refused(SendUnits(other, (free, busy)))
    assert world.unit_state(free).order is None
    assert world.incident(other).state is IncidentState.NEW


def test_what_cannot_be_sent() -> None:
    world = World()
    unit, incident = world.unit("E11"), world.call()
    assert world.refused(SendUnits(incident, ())).reason is Reason.NO_UNITS_NAMED
    assert world.refused(SendUnits(incident, (unit, unit))).reason is Reason.UNIT_NAMED_TWICE
    assert world.refused(SendUnits(incident, (world.id(),))).reason is Reason.NOT_FOUND
    assert world.refused(SendUnits(world.id(), (unit,))).reason is Reason.NOT_FOUND
    assert world.refused(SendUnits(incident, (unit,), note=" ")).reason is Reason.TEXT_EMPTY
    world.do(TakeOutOfService(unit, OutOfServiceReason.BREAKDOWN))
    refused = world.refused(SendUnits(incident, (unit,)))
    assert refused.reason is Reason.UNIT_OUT_OF_SERVICE
    assert refused.details == {"call_sign": "E11", "why": OutOfServiceReason.BREAKDOWN}


@pytest.mark.parametrize("state", [UnitState.ORDERED, UnitState.UNDER_WAY, UnitState.AT_SCENE])
def test_a_confirmed_divert_frees_the_unit_from_one_and_sends_it_to_the_other(
    state: UnitState,
) -> None:
    world = World()
    unit, one, other = world.unit("E11"), world.call(level=Level.P3), world.call()
    (first,) = world.send(one, unit)
    if state is not UnitState.ORDERED:
        world.do(ReportStatus(unit, state))
    facts = world.do(SendUnits(other, (unit,), confirm_divert=True))
    assert [type(fact) for fact in facts] == [
        IncidentTaken,
        OrderRecalled,
        UnitFreed,
        UnitDetached,
        OrderGiven,
        UnitOrdered,
        UnitAttached,
    ]
    assert world.order(first).state is OrderState.RECALLED
    assert world.incident(one).units == ()
    # Whoever loses the unit must send another.
    assert due(world.incident(one)) == NOON + timedelta(seconds=600)
    second = world.unit_state(unit).order
    assert second is not None
    assert world.incident(other).units == (Attached(unit, second, "E11"),)


def test_of_two_diverted_units_only_the_last_starts_the_deadline() -> None:
    world = World()
    a, b, one, other = world.unit("E11"), world.unit("E12"), world.call(), world.call()
    world.send(one, a, b)
    facts = world.do(SendUnits(other, (a, b), confirm_divert=True))
    detached = [fact for fact in facts if isinstance(fact, UnitDetached)]
    assert [fact.due_at for fact in detached] == [None, NOON + timedelta(seconds=90)]
    assert [fact.reason for fact in detached] == [Ending.DIVERTED] * 2


def test_a_patient_on_board_is_never_diverted() -> None:
    world = World()
    unit, one, other = world.unit("A31"), world.call(), world.call()
    world.send(one, unit)
    world.do(ReportStatus(unit, UnitState.TRANSPORTING))
    refused = world.refused(SendUnits(other, (unit,), confirm_divert=True))
    assert refused.reason is Reason.UNIT_BUSY


def test_a_unit_is_not_diverted_to_where_it_is() -> None:
    world = World()
    unit, incident = world.unit("E11"), world.call()
    world.send(incident, unit)
    refused = world.refused(SendUnits(incident, (unit,), confirm_divert=True))
    assert refused.reason is Reason.UNIT_BUSY


@pytest.mark.parametrize(
    ("reports", "goes"),
    [
        ((), UnitState.IN_STATION),
        ((UnitState.UNDER_WAY,), UnitState.RETURNING),
        ((UnitState.AT_SCENE,), UnitState.RETURNING),
    ],
)
def test_a_recalled_unit_goes_back(reports: tuple[UnitState, ...], goes: UnitState) -> None:
    world = World()
    unit, incident = world.unit("E11"), world.call()
    (order,) = world.send(incident, unit)
    for state in reports:
        world.do(ReportStatus(unit, state))
    world.do(RecallUnits(incident, (unit,)))
    now = world.unit_state(unit)
    assert (now.state, now.order, now.incident) == (goes, None, None)
    assert world.order(order).state is OrderState.RECALLED
    assert due(world.order(order)) is None
    assert world.incident(incident).units == ()
    assert due(world.incident(incident)) == NOON + timedelta(seconds=90)
    assert (due(now) is not None) == (goes is UnitState.RETURNING)


def test_what_cannot_be_recalled() -> None:
    world = World()
    unit, one, other = world.unit("E11"), world.call(), world.call()
    assert world.refused(RecallUnits(one, (unit,))).reason is Reason.UNIT_HAS_NO_ORDER
    assert world.refused(RecallUnits(one, ())).reason is Reason.NO_UNITS_NAMED
    world.send(one, unit)
    assert world.refused(RecallUnits(other, (unit,))).reason is Reason.UNIT_HAS_NO_ORDER
    assert world.refused(RecallUnits(one, (unit, unit))).reason is Reason.UNIT_NAMED_TWICE


def test_a_recalled_unit_can_be_sent_again() -> None:
    world = World()
    unit, incident = world.unit("E11"), world.call()
    world.send(incident, unit)
    world.do(ReportStatus(unit, UnitState.UNDER_WAY))
    facts = world.do(RecallUnits(incident, (unit,), reason=" false alarm "))
    assert facts[0] == OrderRecalled(Ending.RECALLED, NOON, note="false alarm")
    (order,) = world.send(incident, unit)
    assert world.order(order).state is OrderState.GIVEN
    assert due(world.unit_state(unit)) is None
