"""A world in memory that runs the real core: a log, the states it adds up to, and a clock.

Decisions get only the states that `subjects` and `further` ask for, as the record gives them, so
a rule that reads more than it asks for fails here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tocsin.core.block_match import matches
from tocsin.core.blocks import Block
from tocsin.core.commands import (
    Command,
    JudgeSignal,
    OpenIncident,
    RegisterUnit,
    SendUnits,
    SplitSender,
    TimeIsUp,
    fresh_ids_needed,
    subjects,
)
from tocsin.core.crowds import WITHIN, sender_of
from tocsin.core.incidents.crowd import Exceptions
from tocsin.core.incidents.state import OPEN, Incident, IncidentState
from tocsin.core.obligations import DEFAULT_OBLIGATIONS, Obligations
from tocsin.core.on_test import OnTest
from tocsin.core.orders import Order
from tocsin.core.reactions import reactions
from tocsin.core.rules import decide, further
from tocsin.core.signals import Signal, SignalRead
from tocsin.core.states import Decided, Fact, State, due, evolve
from tocsin.core.terms import (
    Actor,
    Capability,
    Context,
    Datum,
    DryRun,
    IncidentType,
    Leaving,
    Level,
    Nearby,
    Place,
    PlanStep,
    Reason,
    Refused,
    Role,
    SubjectKind,
    Watched,
)
from tocsin.core.units import Unit

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
LI = Actor("li", "Li Wei", Role.DISPATCHER, "city")
ANN = Actor("ann", "Ann Reed", Role.DISPATCHER, "city")
SYSTEM = Actor("tocsin", "Tocsin", Role.SERVICE, "city")
MILL_ROAD = Place(36.84, 174.76, Datum.WGS_84, "磨坊路 4 号", "Mill Road 4")


def place(north_m: float = 0.0, address: str = "") -> Place:
    """A place so many metres north of Mill Road 4."""
    return Place(MILL_ROAD.lat + north_m / 111_195, MILL_ROAD.lon, Datum.WGS_84, address, address)


@dataclass
class World:
    now: datetime = NOON
    obligations: Obligations = DEFAULT_OBLIGATIONS
    states: dict[UUID, State] = field(default_factory=dict)
    log: list[Decided] = field(default_factory=list)
    kinds: dict[UUID, SubjectKind] = field(default_factory=dict)
    watched: Watched | None = None
    tried: DryRun | None = None
    step: PlanStep | None = None
    _ids: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))
    _number: int = 0

    def id(self) -> UUID:
        """The next id; in order, so that a run can be repeated."""
        return UUID(int=next(self._ids))

    def pass_time(self, **duration: float) -> list[Fact]:
        """Time goes by, and everything that falls due in it speaks at its time."""
        until = self.now + timedelta(**duration)
        return self.wait_until(until)

    def wait_until(self, until: datetime) -> list[Fact]:
        told: list[Fact] = []
        while True:
            waiting = [
                (at, str(subject), subject)
                for subject, state in self.states.items()
                if (at := due(state)) is not None and at <= until
            ]
            if not waiting:
                self.now = until
                return told
            at, _, subject = min(waiting)
            self.now = max(self.now, at)
            facts = self.do(TimeIsUp(subject, self.kinds[subject]), SYSTEM)
            assert facts, "a due that does not speak would wake the clock for ever"
            assert due(self.states[subject]) != at, "it would speak for ever"
            told += facts

    def do(self, command: Command, actor: Actor = LI) -> list[Fact]:
        """Decide, append and evolve; a refusal changes nothing. Answers with the facts."""
        loaded = self._load(command)
        leaving = self._leaving(command)
        if leaving is not None:
            loaded |= {one: self.states[one] for one in leaving.signals}
        context = Context(
            now=self.now,
            actor=actor,
            fresh_ids=tuple(self.id() for _ in range(fresh_ids_needed(command))),
            incident_number=self._number + 1,
            nearby=self._nearby(),
            obligations=self.obligations,
            watched=self.watched,
            tried=self.tried,
            step=self.step,
            leaving=leaving,
        )
        before = dict(loaded)
        decided = decide(loaded, command, context)
        assert loaded == before
        self._number += isinstance(command, OpenIncident) or any(
            subject not in self.states and kind is SubjectKind.INCIDENT
            for kind, subject, _ in decided
        )
        touched = {subject for _, subject, _ in decided if subject in self.states}
        assert touched <= set(loaded), "a fact about a subject that was not locked"
        for kind, subject, fact in decided:
            self.states[subject] = evolve(kind, self.states.get(subject), fact)
            self.kinds[subject] = kind
        self.log += decided
        return [fact for _, _, fact in decided]

    def react(self) -> list[Fact]:
        """What our own processes do about the whole log: only what is still open to be done."""
        told: list[Fact] = []
        for _, subject, fact in list(self.log):
            for command in reactions(subject, fact):
                try:
                    told += self.do(command, SYSTEM)
                except Refused as refused:
                    assert refused.reason in (Reason.ALREADY_SO, Reason.ORDER_ENDED)  # noqa: PT017
        return told

    def refused(self, command: Command, actor: Actor = LI) -> Refused:
        """The refusal of a command that must be refused."""
        before = dict(self.states), len(self.log)
        try:
            facts = self.do(command, actor)
        except Refused as refused:
            assert (self.states, len(self.log)) == before
            return refused
        raise AssertionError(f"{command} was not refused: {facts}")

    def rebuilt(self) -> dict[UUID, State]:
        """The states from the log alone."""
        states: dict[UUID, State] = {}
        for kind, subject, fact in self.log:
            states[subject] = evolve(kind, states.get(subject), fact)
        return states

    # What the stories and tests talk about.

    def unit(
        self, call_sign: str, *capabilities: Capability, kind: str = "engine", **more: str
    ) -> UUID:
        unit = self.id()
        self.do(
            RegisterUnit(
                unit=unit,
                call_sign=call_sign,
                kind=kind,
                capabilities=capabilities or (Capability.PUMP,),
                station=UUID(int=7_000_000),
                station_place=MILL_ROAD,
                district=more.get("district", "north"),
                agency="city",
            ),
            SYSTEM,
        )
        return unit

    def call(
        self,
        incident_type: IncidentType = IncidentType.FIRE,
        level: Level = Level.P1,
        at: Place | None = MILL_ROAD,
        district: str = "north",
    ) -> UUID:
        self.do(OpenIncident(incident_type, level, district, "city", at))
        return self.log[-1][1]

    def send(self, incident: UUID, *units: UUID, **more: object) -> list[UUID]:
        """Sends the units; answers with the orders."""
        start = len(self.log)
        self.do(SendUnits(incident, units, **more))  # type: ignore[arg-type]
        new = self.log[start:]
        seen = {subject for _, subject, _ in self.log[:start]}
        return list(
            dict.fromkeys(
                subject
                for kind, subject, _ in new
                if kind is SubjectKind.ORDER and subject not in seen
            )
        )

    def hear(
        self,
        code: str,
        zone: str = "",
        *,
        account: str = "1234",
        site: UUID | None = None,
        qualifier: str = "",
        token: str = "SIA-DCS",
        occurred_at: datetime | None = None,
        source: str = "192.0.2.1",
        protocol: str = "dc09",
        codes: str = "",
        level: Level | None = None,
        district: str = "north",
        **more: object,
    ) -> UUID:
        """A signal is heard and judged; answers with the signal."""
        signal = self.id()
        read = SignalRead(
            protocol=protocol,
            token=token,
            account=account,
            code=code,
            qualifier=qualifier,
            zone=zone,
            occurred_at=occurred_at,
            codes=codes,
            level=level,
        )
        command = JudgeSignal(
            signal=signal,
            read=read,
            received_at=self.now,
            district=district,
            agency="city",
            source=source,
            network=source,
            site=site,
            site_name_zh="磨坊" if site else "",
            site_name_en="Mill" if site else "",
            place=MILL_ROAD if site else None,
            candidates=(
                *self.candidates(site, f"{protocol}/{account}", source),
                *self.crowds_with(sender_of(site, read)),
            ),
            exceptions=self.exceptions(district),
            on_test=self.on_tests(site),
            blocks=self.blocks(read, source),
            **more,  # type: ignore[arg-type]
        )
        self.do(command, SYSTEM)
        return signal

    def incident(self, subject: UUID) -> Incident:
        state = self.states[subject]
        assert isinstance(state, Incident)
        return state

    def order(self, subject: UUID) -> Order:
        state = self.states[subject]
        assert isinstance(state, Order)
        return state

    def unit_state(self, subject: UUID) -> Unit:
        state = self.states[subject]
        assert isinstance(state, Unit)
        return state

    def signal(self, subject: UUID) -> Signal:
        state = self.states[subject]
        assert isinstance(state, Signal)
        return state

    def all_of(self, kind: SubjectKind) -> list[UUID]:
        return [subject for subject, known in self.kinds.items() if known is kind]

    def incidents(self) -> list[UUID]:
        return self.all_of(SubjectKind.INCIDENT)

    def exceptions(self, district: str) -> Exceptions:
        """As the record finds them."""
        here = {
            one: state
            for one, state in self.states.items()
            if isinstance(state, Incident) and state.district == district and state.state in OPEN
        }
        own = Counter(
            state.exception
            for state in here.values()
            if state.exception is not None
            and state.crowd is None
            and state.watch
            and self.now - state.opened_at < WITHIN
        )
        crowds = tuple(one for one, state in here.items() if state.crowd is not None)
        return Exceptions(tuple(own.items()), crowds)

    def crowds_with(self, sender: str) -> tuple[UUID, ...]:
        """Crowds that the sender went into and that live on."""
        found = {
            state.incident
            for state in self.states.values()
            if isinstance(state, Signal) and state.sender == sender and state.incident is not None
        }
        return tuple(one for one in found if self.incident(one).state is not IncidentState.CLOSED)

    def on_tests(self, site: UUID | None) -> tuple[UUID, ...]:
        """As the record finds them: those of the site that run."""
        return tuple(
            one
            for one, state in self.states.items()
            if isinstance(state, OnTest) and state.site == site and state.ended_at is None
        )

    def blocks(self, read: SignalRead, source: str) -> tuple[UUID, ...]:
        """As the record finds them: the rules in force whose criteria name the signal."""
        return tuple(
            one
            for one, state in self.states.items()
            if isinstance(state, Block)
            and state.in_force_at is not None
            and matches(state.match, read, source)
        )

    def _load(self, command: Command) -> dict[UUID, State]:
        loaded = {s: self.states[s] for _, s in subjects(command) if s in self.states}
        asked = {s for _, s in subjects(command)}
        while more := [s for _, s in further(loaded, command) if s not in asked]:
            asked.update(more)
            loaded.update({s: self.states[s] for s in more if s in self.states})
        return loaded

    def _leaving(self, command: Command) -> Leaving | None:
        """As the record finds it."""
        signal = self.states.get(command.signal) if isinstance(command, SplitSender) else None
        if not isinstance(signal, Signal) or not signal.sender:
            return None
        assert isinstance(command, SplitSender)
        found = tuple(
            one
            for one, state in self.states.items()
            if isinstance(state, Signal)
            and (state.sender, state.incident) == (signal.sender, command.incident)
        )
        if not found:
            return None
        known = signal.site is not None
        key = "" if known else signal.sender
        return Leaving(
            *(found, "异常", "Exception", "磨坊", "Mill"),
            place=MILL_ROAD if known else None,
            source_key=key,
        )

    def _nearby(self) -> tuple[Nearby, ...]:
        return tuple(
            Nearby(subject, state.type, state.place, state.opened_at)
            for subject, state in self.states.items()
            if isinstance(state, Incident) and state.state in OPEN and state.place is not None
        )

    def candidates(self, site: UUID | None, source_key: str, source: str) -> tuple[UUID, ...]:
        """As the record finds them, newest first."""
        wanted: Callable[[Incident], bool]
        if site is not None:

            def wanted(one: Incident) -> bool:
                return one.site == site and one.state is not IncidentState.CLOSED
        else:

            def wanted(one: Incident) -> bool:
                return (
                    one.site is None
                    and one.state in OPEN
                    and (one.source_key == source_key or one.source_address == source)
                )

        found = [s for s in self.incidents() if wanted(self.incident(s))]
        return tuple(reversed(found))
