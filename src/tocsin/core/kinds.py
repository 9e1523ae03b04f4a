"""The stored name and version of every fact: our own words, never a Python path.

A stored name is for ever; a class may be renamed, its name here may not.
"""

from __future__ import annotations

from typing import Final

from tocsin.core import blocks, on_test, orders, signals, units
from tocsin.core.incidents import facts as incidents
from tocsin.core.incidents import steps
from tocsin.core.states import Fact

KINDS: Final[dict[str, tuple[type, int]]] = {
    "signal.judged": (signals.SignalJudged, 1),
    "signal.moved": (signals.SignalMoved, 1),
    "incident.opened": (incidents.IncidentOpened, 1),
    "incident.signal_joined": (incidents.SignalJoined, 1),
    "incident.signal_left": (incidents.SignalLeft, 1),
    "incident.report_joined": (incidents.ReportJoined, 1),
    "incident.report_added": (incidents.ReportAdded, 1),
    "incident.report_withdrawn": (incidents.ReportWithdrawn, 1),
    "incident.taken": (incidents.IncidentTaken, 1),
    "incident.classified": (incidents.IncidentClassified, 1),
    "incident.prioritised": (incidents.IncidentPrioritised, 1),
    "incident.located": (incidents.IncidentLocated, 1),
    "incident.noted": (incidents.IncidentNoted, 1),
    "incident.held": (incidents.IncidentHeld, 1),
    "incident.released": (incidents.IncidentReleased, 1),
    "incident.linked": (incidents.IncidentLinked, 1),
    "incident.unlinked": (incidents.IncidentUnlinked, 1),
    "incident.merged": (incidents.IncidentMerged, 1),
    "incident.absorbed": (incidents.IncidentAbsorbed, 1),
    "incident.split": (incidents.IncidentSplit, 1),
    "incident.released_other": (incidents.IncidentReleasedOther, 1),
    "incident.unit_attached": (incidents.UnitAttached, 1),
    "incident.unit_detached": (incidents.UnitDetached, 1),
    "incident.closed": (incidents.IncidentClosed, 1),
    "incident.reopened": (incidents.IncidentReopened, 1),
    "incident.raised": (incidents.IncidentRaised, 1),
    "incident.cancelled": (incidents.IncidentCancelled, 1),
    "incident.validated": (incidents.IncidentValidated, 1),
    "incident.overdue": (incidents.IncidentOverdue, 1),
    "incident.plan_kept": (steps.PlanKept, 1),
    "incident.step_ticked": (steps.StepTicked, 1),
    "incident.step_unticked": (steps.StepUnticked, 1),
    "order.given": (orders.OrderGiven, 1),
    "order.sent": (orders.OrderSent, 1),
    "order.received": (orders.OrderReceived, 1),
    "order.accepted": (orders.OrderAccepted, 1),
    "order.refused": (orders.OrderRefused, 1),
    "order.started": (orders.OrderStarted, 1),
    "order.arrived": (orders.OrderArrived, 1),
    "order.done": (orders.OrderDone, 1),
    "order.recalled": (orders.OrderRecalled, 1),
    "order.overdue": (orders.OrderOverdue, 1),
    "unit.registered": (units.UnitRegistered, 1),
    "unit.ordered": (units.UnitOrdered, 1),
    "unit.state_reported": (units.UnitStateReported, 1),
    "unit.freed": (units.UnitFreed, 1),
    "unit.taken_out_of_service": (units.UnitTakenOutOfService, 1),
    "unit.returned_to_service": (units.UnitReturnedToService, 1),
    "unit.overdue": (units.UnitOverdue, 1),
    "on_test.begun": (on_test.OnTestBegun, 1),
    "on_test.extended": (on_test.OnTestExtended, 1),
    "on_test.signalled": (on_test.OnTestSignalled, 1),
    "on_test.ended": (on_test.OnTestEnded, 1),
    "block.drafted": (blocks.BlockDrafted, 1),
    "block.put_in_force": (blocks.BlockPutInForce, 1),
    "block.extended": (blocks.BlockExtended, 1),
    "block.swallowed": (blocks.BlockSwallowed, 1),
    "block.ended": (blocks.BlockEnded, 1),
}

KIND_OF: Final[dict[type, str]] = {fact: kind for kind, (fact, _) in KINDS.items()}


def kind_of(fact: Fact) -> str:
    """The stored name of a fact."""
    return KIND_OF[type(fact)]
