"""An incident: its state. The facts are in `tocsin.core.incidents.facts`, how each changes it in
`tocsin.core.incidents.evolving`, the rules that may refuse in `tocsin.core.incidents.decide`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from tocsin.core.assurance import Assurance
from tocsin.core.confirmation import Avs, OpenZone, is_before
from tocsin.core.incidents.alarms import NO_ALARMS, OPEN_ZONES_MAX, Alarms
from tocsin.core.incidents.crowd import Crowd, ExceptionKind
from tocsin.core.incidents.duplicates import Likeness
from tocsin.core.incidents.facts import (
    IncidentStep,
    Source,
)
from tocsin.core.incidents.steps import NO_PLANS, Plans
from tocsin.core.terms import Disposition, IncidentType, Level, Place


class IncidentState(StrEnum):
    """Where an incident stands. Whether units are attached is kept apart from this."""

    NEW = "new"  # nobody has taken it yet
    TAKEN = "taken"
    HELD = "held"  # deliberately waiting, until a time and with a reason
    CLOSED = "closed"
    MERGED = "merged"  # lives on in another incident; can be split off again


class Band(StrEnum):
    """Which part of the queue shows the incident."""

    UNASSIGNED = "unassigned"
    WORKING = "working"
    WATCH = "watch"
    CLOSED = "closed"


OPEN: Final = frozenset({IncidentState.NEW, IncidentState.TAKEN, IncidentState.HELD})

# A storm of signals must not make the state grow without end: the newest are named, all counted.
SIGNALS_NAMED_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Attached:
    unit: UUID
    order: UUID
    call_sign: str


@dataclass(frozen=True, slots=True)
class Absorbed:
    """Another incident that lives on here, with what it brought."""

    other: UUID
    signals: tuple[UUID, ...]
    signal_count: int
    alarm_count: int
    avs: Avs | None = None
    open_zones: tuple[OpenZone, ...] | None = None
    open_zones_more: bool = False


@dataclass(frozen=True, slots=True)
class LivesOn:
    """Where a merged incident lives on, and how it stood before, to be restored by a split."""

    into: UUID
    state: IncidentState
    due_at: datetime | None
    overdue: IncidentStep | None


@dataclass(frozen=True, slots=True)
class Incident:
    """Everything the log says about one incident, apart from sealed fields.

    `signals` are the newest of its own signals, oldest first; `signal_count` and `alarm_count`
    count all of its own. What absorbed incidents brought is in `absorbed`.
    """

    number: int
    type: IncidentType
    level: Level
    place: Place | None
    district: str
    agency: str
    source: Source
    opened_at: datetime
    state: IncidentState = IncidentState.NEW
    site: UUID | None = None
    source_key: str = ""
    source_address: str = ""
    watch: bool = False
    exception: ExceptionKind | None = None
    crowd: Crowd | None = None  # what it took in, if it is a crowd's card
    title_zh: str = ""
    title_en: str = ""
    signals: tuple[UUID, ...] = ()
    signal_count: int = 0
    alarm_count: int = 0
    alarms: Alarms = NO_ALARMS  # what they say
    report_count: int = 0
    report_additions: int = 0  # further words of reports' senders
    reports_withdrawn: int = 0  # reports whose sender no longer needs help
    units: tuple[Attached, ...] = ()
    served: bool = False  # a unit has done its work here, and none was lost since
    taken_by: str | None = None
    taken_by_name: str | None = None
    taken_at: datetime | None = None
    held_until: datetime | None = None
    linked: tuple[UUID, ...] = ()
    absorbed: tuple[Absorbed, ...] = ()
    lives_on: LivesOn | None = None
    duplicates: tuple[UUID, ...] = ()
    likenesses: tuple[Likeness, ...] = ()  # why each of them may be the same event
    due_at: datetime | None = None
    overdue: IncidentStep | None = None
    disposition: Disposition | None = None
    closed_at: datetime | None = None
    plans: Plans = NO_PLANS

    @property
    def assurance(self) -> Assurance:
        """The weakest among its own alarms: one that is authenticated vouches for no other. What it
        absorbed keeps its own."""
        authenticated = self.alarms.authenticated
        if self.alarm_count == 0 or authenticated + self.alarms.integrity < self.alarm_count:
            return Assurance.NONE
        return Assurance.INTEGRITY if authenticated < self.alarm_count else Assurance.AUTHENTICATED

    @property
    def late(self) -> bool:
        """Whether all its own alarms occurred long before we heard them: nothing goes out for it
        unless a person says so."""
        return 0 < self.alarm_count <= self.alarms.late


def band(incident: Incident) -> Band:
    """Which part of the queue shows the incident."""
    if incident.state not in OPEN:
        return Band.CLOSED
    if incident.units:
        return Band.WORKING
    if incident.watch:
        return Band.WATCH
    return Band.WORKING if incident.served else Band.UNASSIGNED


def all_signals(incident: Incident) -> tuple[UUID, ...]:
    """The newest signals of the incident and of those it absorbed, at most SIGNALS_NAMED_MAX."""
    brought = tuple(signal for other in incident.absorbed for signal in other.signals)
    return tuple(dict.fromkeys(brought + incident.signals))[-SIGNALS_NAMED_MAX:]


def signal_count(incident: Incident) -> int:
    """All signals of the incident and of those it absorbed."""
    return incident.signal_count + sum(other.signal_count for other in incident.absorbed)


def alarm_count(incident: Incident) -> int:
    """All alarms among the signals of the incident and of those it absorbed."""
    return incident.alarm_count + sum(other.alarm_count for other in incident.absorbed)


def open_zones(incident: Incident) -> tuple[OpenZone, ...]:
    """The open zones of the incident, then of those it absorbed, at most OPEN_ZONES_MAX."""
    return _open_zones(incident)[:OPEN_ZONES_MAX]


def open_zones_more(incident: Incident) -> bool:
    """Whether more of them are open than are named."""
    brought = any(one.open_zones_more for one in incident.absorbed)
    is_cut = len(_open_zones(incident)) > OPEN_ZONES_MAX
    return incident.alarms.open_zones_more or brought or is_cut


def _open_zones(incident: Incident) -> tuple[OpenZone, ...]:
    own = incident.alarms.open_zones
    if not incident.absorbed:
        return own
    zones = {(one.sensor, one.code): one for one in own}
    for other in incident.absorbed:
        for zone in other.open_zones or ():
            known = zones.get((zone.sensor, zone.code))
            if known is None or is_before(known.moment, zone.moment):
                zones[zone.sensor, zone.code] = zone
    return tuple(zones.values())


def due(incident: Incident) -> datetime | None:
    """When the next step must have happened, or when the hold ends."""
    return incident.held_until if incident.state is IncidentState.HELD else incident.due_at


def step(incident: Incident) -> IncidentStep:
    """What an open incident that is not held waits for."""
    if incident.state is IncidentState.NEW:
        return IncidentStep.TAKE
    return IncidentStep.CLOSE if incident.served else IncidentStep.ASSIGN
