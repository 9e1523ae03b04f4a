"""One site, any alarms, restores, cancels and people in any order: what must always hold."""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.alarmed_site import AlarmedSite, refused_to_machine
from core.world import LI
from tocsin.core import avs
from tocsin.core.assurance import Assurance
from tocsin.core.code_tables import meaning
from tocsin.core.commands import (
    ClassifyIncident,
    CloseIncident,
    Command,
    HoldIncident,
    MergeIncidents,
    ReopenIncident,
    SplitIncident,
    TakeIncident,
    ValidateIncident,
)
from tocsin.core.confirmation import WAITING_TYPES, Avs, Confirming, ConfirmRule
from tocsin.core.incidents.alarms import EVIDENCE_MAX, OPEN_ZONES_MAX
from tocsin.core.incidents.facts import (
    IncidentCancelled,
    IncidentClosed,
    IncidentOpened,
    IncidentRaised,
    IncidentReleased,
)
from tocsin.core.incidents.state import OPEN, Incident, IncidentState, open_zones
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.states import due
from tocsin.core.terms import Disposition, IncidentType, Refused

CODES = ("BA", "BA", "BV", "BR", "TA", "FA", "FR", "HA", "PA", "1121", "OC", "OP", "BC", "QQ")
ASKED = st.builds(
    Confirming,
    st.sampled_from(ConfirmRule),
    window_s=st.sampled_from([60, 600]),
    abort_s=st.sampled_from([0, 120]),
    two_trip_s=st.sampled_from([0, 0, 300]),
)


class AnyAlarms(RuleBasedStateMachine):
    @initialize(asked=ASKED)
    def start(self, asked: Confirming) -> None:
        self.site = AlarmedSite(asked)
        self.other = self.site.world.id()

    @rule(
        code=st.sampled_from(CODES),
        zone=st.sampled_from(["", "1", "1", "2", "7"]),
        age_s=st.sampled_from([None, None, 0, 700, 3_601, 90_000]),
        assurance=st.sampled_from(Assurance),
        mine=st.booleans(),
        clock_off=st.sampled_from([False, False, True]),
    )
    def hear(
        self,
        code: str,
        zone: str,
        age_s: float | None,
        assurance: Assurance,
        mine: bool,
        clock_off: bool,
    ) -> None:
        world = self.site.world
        start, before = len(world.log), self._incidents()
        signal = self.site.hear(
            *(code, zone),
            age_s=age_s,
            assurance=assurance,
            device=self.site.panel if mine else self.other,
            is_clock_off=clock_off,
        )
        facts = [(subject, fact) for _, subject, fact in world.log[start:]]
        is_old = age_s is not None and age_s > 3_600 and not clock_off
        listed = "cid" if code.isdecimal() else "sia"
        read = SignalRead("", "", "", code=code[1:] if listed == "cid" else code, codes=listed)
        alarms = meaning(read).effect is Effect.ALARM
        for subject, fact in facts:
            if isinstance(fact, IncidentClosed):
                # What nothing vouches for mutes nothing; and only an intrusion nobody acts on.
                assert assurance is Assurance.AUTHENTICATED
                assert not alarms
                closed = before[subject]
                assert (closed.type, closed.state) == (IncidentType.BURGLARY, IncidentState.NEW)
                assert not closed.units
                assert fact.disposition is Disposition.CANCELLED_BY_USER
            if isinstance(fact, IncidentCancelled):
                assert before[subject].type in WAITING_TYPES
            if isinstance(fact, IncidentOpened) and fact.awaits is not None:
                assert fact.type in WAITING_TYPES
            if isinstance(fact, IncidentRaised | IncidentReleased):
                assert alarms
                assert not is_old
        for one, was in before.items():
            now_is = world.incident(one)
            if was.overdue is not None and now_is.state in OPEN:
                assert now_is.overdue is was.overdue  # nobody came: no signal makes that undone
        where = world.signal(signal).incident
        if alarms and where in before and not is_old:
            then, now = avs.level_of(before[where]), avs.level_of(world.incident(where))
            assert then is None or (now is not None and now >= then)
        assert alarms <= (where is not None)  # no alarm is nowhere

    def _incidents(self) -> dict[Any, Incident]:
        return {one: self.site.world.incident(one) for one in self.site.ids}

    @rule(seconds=st.sampled_from([1, 30, 61, 130, 601]))
    def wait(self, seconds: int) -> None:
        self.site.after(seconds)

    @rule(
        data=st.data(),
        kind=st.sampled_from(IncidentType),
        level=st.sampled_from(Avs),
        what=st.integers(0, 6),
    )
    def act(self, data: st.DataObject, kind: IncidentType, level: Avs, what: int) -> None:
        if not self.site.ids:
            return
        one, other = (data.draw(st.sampled_from(self.site.ids)) for _ in range(2))
        commands: tuple[Command, ...] = (
            TakeIncident(one),
            ClassifyIncident(one, kind),
            HoldIncident(one, self.site.world.now + timedelta(minutes=10), "keyholder"),
            CloseIncident(one, Disposition.HANDLED),
            ReopenIncident(one, "again"),
            ValidateIncident(one, level, "seen"),
            MergeIncidents(one, other) if one != other else SplitIncident(one),
        )
        try:
            self.site.world.do(commands[what], LI)
        except Refused:
            return

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "site"):
            return
        for incident in self._incidents().values():
            alarms = incident.alarms
            assert len(alarms.evidence) <= EVIDENCE_MAX
            assert len(alarms.open_zones) <= len(open_zones(incident)) <= OPEN_ZONES_MAX
            assert 0 <= alarms.late <= incident.alarm_count
            assert 0 <= alarms.integrity + alarms.authenticated <= incident.alarm_count
            if incident.late:
                assert refused_to_machine(incident) is not None
            if incident.state in OPEN and not incident.units:
                # What waits is never forgotten: it has a deadline, or somebody was told of it.
                assert due(incident) is not None or incident.overdue is not None

    def teardown(self) -> None:
        if hasattr(self, "site"):
            assert self.site.world.rebuilt() == self.site.world.states


TestAnyAlarms = AnyAlarms.TestCase
TestAnyAlarms.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
