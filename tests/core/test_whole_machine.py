"""Anything in any order: signals, incidents, orders, units and the clock as one state machine.

Every rule draws a command that may be right or wrong; a refusal must change nothing, and whatever
happens, the invariants below must hold.
"""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from core.world import ANN, LI, SYSTEM, World
from tocsin.core.commands import (
    AcceptOrder,
    AddNote,
    ClassifyIncident,
    CloseIncident,
    Command,
    HoldIncident,
    LinkIncidents,
    MarkOrderSent,
    MergeIncidents,
    MoveSignal,
    PrioritiseIncident,
    RecallUnits,
    ReceiveOrder,
    RefuseOrder,
    ReleaseIncident,
    ReopenIncident,
    ReportStatus,
    ReturnToService,
    SendUnits,
    SplitIncident,
    TakeIncident,
    TakeOutOfService,
    UnlinkIncidents,
)
from tocsin.core.incidents.state import OPEN, SIGNALS_NAMED_MAX, Incident, IncidentState
from tocsin.core.orders import ENDED, Order, Refusal
from tocsin.core.signals import Effect, Signal
from tocsin.core.states import due
from tocsin.core.terms import (
    Capability,
    Channel,
    Disposition,
    IncidentType,
    Level,
    Refused,
    SubjectKind,
)
from tocsin.core.units import FREE, OutOfServiceReason, Unit, UnitState

CODES = st.sampled_from(["FA", "FA", "FG", "BA", "BV", "FH", "OP", "RP", "AT", "QQ"])


class WholeRoad(RuleBasedStateMachine):
    incidents: Bundle[Any] = Bundle("incidents")
    units: Bundle[Any] = Bundle("units")
    merged: Bundle[Any] = Bundle("merged")

    @initialize(target=units)
    def start(self) -> Any:
        self.world = World()
        self.sites = [self.world.id() for _ in range(2)]
        return multiple(
            *(self.world.unit(f"E{number}", Capability.PUMP) for number in range(4)),
        )

    def attempt(self, command: Command, actor: Any = LI) -> bool:
        """Sends it; whether it was done. A refusal has changed nothing."""
        before = dict(self.world.states), len(self.world.log)
        try:
            self.world.do(command, actor)
        except Refused:
            assert (self.world.states, len(self.world.log)) == before
            return False
        return True

    def orders(self) -> list[Any]:
        return self.world.all_of(SubjectKind.ORDER)

    @rule(target=incidents, kind=st.sampled_from(IncidentType), level=st.sampled_from(Level))
    def call(self, kind: IncidentType, level: Level) -> Any:
        return self.world.call(kind, level)

    @rule(target=incidents, code=CODES, site=st.sampled_from([0, 1, None]))
    def hear(self, code: str, site: int | None) -> Any:
        known = set(self.world.incidents())
        overdue = {
            one: incident.overdue
            for one in known
            if (incident := self.world.incident(one)).overdue is not None
        }
        self.world.hear(code, site=None if site is None else self.sites[site])
        # Nobody has come: nothing that a sender says makes that look otherwise.
        assert overdue == {one: self.world.incident(one).overdue for one in overdue}
        return multiple(*(one for one in self.world.incidents() if one not in known))

    @rule(incident=incidents, actor=st.sampled_from([LI, ANN]))
    def take(self, incident: Any, actor: Any) -> None:
        self.attempt(TakeIncident(incident), actor)

    @rule(incident=incidents, kind=st.sampled_from(IncidentType), level=st.sampled_from(Level))
    def describe(self, incident: Any, kind: IncidentType, level: Level) -> None:
        self.attempt(ClassifyIncident(incident, kind))
        self.attempt(PrioritiseIncident(incident, level))
        assert self.attempt(AddNote(incident, "seen"))

    @rule(incident=incidents, minutes=st.integers(-1, 30))
    def hold(self, incident: Any, minutes: int) -> None:
        until = self.world.now + timedelta(minutes=minutes)
        self.attempt(HoldIncident(incident, until, "wait"))

    @rule(incident=incidents)
    def release(self, incident: Any) -> None:
        self.attempt(ReleaseIncident(incident))

    @rule(incident=incidents, other=incidents)
    def link(self, incident: Any, other: Any) -> None:
        if not self.attempt(LinkIncidents(incident, other)):
            self.attempt(UnlinkIncidents(incident, other))

    @rule(target=merged, incident=incidents, into=incidents)
    def merge(self, incident: Any, into: Any) -> Any:
        before = self.world.incident(incident)
        if not self.attempt(MergeIncidents(incident, into)):
            return multiple()
        return (incident, before)

    @rule(gone=consumes(merged))
    def split(self, gone: Any) -> None:
        incident, before = gone
        if self.attempt(SplitIncident(incident)):
            now = self.world.incident(incident)
            # Exactly as before; links and notes may have been added meanwhile.
            assert (now.state, now.due_at, now.overdue) == (
                before.state,
                before.due_at,
                before.overdue,
            )
            assert now.signals == before.signals
            assert now.absorbed == before.absorbed

    @rule(incident=incidents, disposition=st.sampled_from(Disposition))
    def close(self, incident: Any, disposition: Disposition) -> None:
        attached = self.world.incident(incident).units
        assert not (self.attempt(CloseIncident(incident, disposition)) and attached)

    @rule(incident=incidents)
    def reopen(self, incident: Any) -> None:
        self.attempt(ReopenIncident(incident, "again"))

    @rule(data=st.data(), to=incidents)
    def move_signal(self, data: st.DataObject, to: Any) -> None:
        signals = self.world.all_of(SubjectKind.SIGNAL)
        if signals:
            signal = data.draw(st.sampled_from(signals))
            incident = self.world.signal(signal).incident
            if incident is not None and self.attempt(MoveSignal(signal, incident, to)):
                told, into = self.world.signal(signal), self.world.incident(to)
                # It is no quieter there, but where nobody vouches for anything.
                shared = bool(into.source_key) or into.crowd is not None
                if told.effect is Effect.ALARM and (told.site or not shared):
                    assert into.level <= told.level
                    assert into.state is not IncidentState.HELD

    @rule(
        incident=incidents,
        sent=st.lists(units, min_size=1, max_size=2),
        confirm=st.booleans(),
        actor=st.sampled_from([LI, ANN]),
    )
    def send(self, incident: Any, sent: list[Any], confirm: bool, actor: Any) -> None:
        self.attempt(SendUnits(incident, tuple(sent), confirm_divert=confirm), actor)

    @rule(incident=incidents, unit=units)
    def recall(self, incident: Any, unit: Any) -> None:
        self.attempt(RecallUnits(incident, (unit,)))

    @rule(unit=units)
    def recall_from_where_it_is(self, unit: Any) -> None:
        incident = self.world.unit_state(unit).incident
        if incident is not None:
            assert self.attempt(RecallUnits(incident, (unit,)))

    @rule(data=st.data(), channel=st.sampled_from(Channel), says=st.integers(0, 3))
    def answer(self, data: st.DataObject, channel: Channel, says: int) -> None:
        if not self.orders():
            return
        order = data.draw(st.sampled_from(self.orders()))
        command: Command = (
            MarkOrderSent(order, channel),
            ReceiveOrder(order, channel),
            AcceptOrder(order),
            RefuseOrder(order, Refusal.OTHER),
        )[says]
        ended = self.world.order(order).state in ENDED
        assert not (self.attempt(command, SYSTEM) and ended)

    @rule(unit=units, state=st.sampled_from(UnitState))
    def report(self, unit: Any, state: UnitState) -> None:
        self.attempt(ReportStatus(unit, state))

    @rule(unit=units, out=st.booleans())
    def service(self, unit: Any, out: bool) -> None:
        self.attempt(
            TakeOutOfService(unit, OutOfServiceReason.BREAKDOWN) if out else ReturnToService(unit)
        )

    @rule(seconds=st.integers(0, 4_000))
    def time_passes(self, seconds: int) -> None:
        # Each due must speak, or the world fails; afterwards nothing is left that is past.
        self.world.pass_time(seconds=seconds)
        for state in self.world.states.values():
            at = due(state)
            assert at is None or at > self.world.now

    @invariant()
    def the_log_alone_rebuilds_the_state(self) -> None:
        assert self.world.rebuilt() == self.world.states

    @invariant()
    def what_has_ended_has_no_deadline(self) -> None:
        for state in self.world.states.values():
            if isinstance(state, Incident) and state.state not in OPEN:
                assert due(state) is None
            if isinstance(state, Order) and state.state in ENDED:
                assert due(state) is None

    @invariant()
    def what_is_open_has_a_deadline(self) -> None:
        """All obligations run here: it has units, or a time, or somebody was told of it."""
        for state in self.world.states.values():
            if isinstance(state, Incident) and state.state in OPEN and not state.units:
                assert due(state) is not None or state.overdue is not None

    @invariant()
    def attached_units_are_the_active_orders(self) -> None:
        states = self.world.states
        active = {
            order: state
            for order, state in states.items()
            if isinstance(state, Order) and state.state not in ENDED
        }
        attached = {
            unit.order: (incident, unit.unit)
            for incident, state in states.items()
            if isinstance(state, Incident)
            for unit in state.units
        }
        assert attached == {one: (order.incident, order.unit) for one, order in active.items()}
        for subject, state in states.items():
            if isinstance(state, Unit):
                own = [one for one, order in active.items() if order.unit == subject]
                assert own == ([] if state.order is None else [state.order])
                busy = state.state not in FREE and state.state is not UnitState.OUT_OF_SERVICE
                assert busy == (state.order is not None) == (state.incident is not None)

    @invariant()
    def attached_units_keep_an_incident_open(self) -> None:
        for state in self.world.states.values():
            if isinstance(state, Incident) and state.units:
                assert state.state is IncidentState.TAKEN
                assert due(state) is None

    @invariant()
    def every_signal_counts_once(self) -> None:
        states = self.world.states
        for subject, state in states.items():
            if isinstance(state, Incident):
                own = [
                    one
                    for one, signal in states.items()
                    if isinstance(signal, Signal) and signal.incident == subject
                ]
                assert state.signal_count == len(own)
                assert set(state.signals) <= set(own)
                assert len(state.signals) == min(len(own), SIGNALS_NAMED_MAX)
                assert 0 <= state.alarm_count <= state.signal_count

    @invariant()
    def merges_and_links_agree_on_both_sides(self) -> None:
        states = self.world.states
        for subject, state in states.items():
            if not isinstance(state, Incident):
                continue
            assert (state.lives_on is not None) == (state.state is IncidentState.MERGED)
            absorbed = {one.other for one in state.absorbed}
            assert absorbed == {
                other
                for other, merged in states.items()
                if isinstance(merged, Incident)
                and merged.lives_on is not None
                and merged.lives_on.into == subject
            }
            for other in state.linked:
                assert subject in self.world.incident(other).linked


TestWholeRoad = WholeRoad.TestCase
TestWholeRoad.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
