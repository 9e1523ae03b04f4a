"""The facts about an incident: what is written into the log, in the past tense.

`due_at` in a fact is the incident's deadline from then on; None means that it has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tocsin.core.assurance import Assurance
from tocsin.core.codes.confirming import CancelHow
from tocsin.core.confirmation import (
    WINDOW_S,
    Avs,
    CancelOutcome,
    Confirming,
    Evidence,
    Moment,
    OpenZone,
    RaisedBecause,
    Sensor,
    TakesBack,
)
from tocsin.core.incidents.crowd import CrowdEntry, ExceptionKind
from tocsin.core.incidents.duplicates import Likeness
from tocsin.core.incidents.steps import PlanFact
from tocsin.core.orders import Ending
from tocsin.core.reports import Hurt, ReportKind
from tocsin.core.signals import VerdictReason
from tocsin.core.terms import Disposition, IncidentType, Level, Place, sealed


class Source(StrEnum):
    """What opened the incident."""

    SIGNAL = "signal"
    CALL = "call"
    REPORT = "report"  # the public page: nothing vouches for it
    PROBE = "probe"  # our own test alarms did not arrive
    BLOCK = "block"  # a block rule muted more than it may


class IncidentStep(StrEnum):
    """What must happen next, and is named when it did not happen in time."""

    TAKE = "take"
    ASSIGN = "assign"
    CLOSE = "close"  # the last unit has gone, nobody has closed it


@dataclass(frozen=True, slots=True)
class IncidentOpened:
    """The signal that opened it joins by a `SignalJoined` of its own.

    `source_key` (protocol and account) and `source_address` tell an unknown source again; both are
    empty otherwise. `duplicates` are open incidents near by place, time and type, `likenesses` say
    why for each. `awaits` is what the site asks for before it leaves the watch band; `window_s` is
    the site's, in seconds.
    """

    number: int
    type: IncidentType
    level: Level
    place: Place | None
    district: str
    agency: str
    source: Source
    opened_at: datetime
    due_at: datetime | None = None
    site: UUID | None = None
    signal: UUID | None = None
    source_key: str = ""
    source_address: str = ""
    watch: bool = False  # shown in the watch band: an unknown source, a technical fault
    exception: ExceptionKind | None = None  # what it waits as, in the watch band
    is_crowd: bool = False  # of all of that kind for which there was no room
    title_zh: str = ""
    title_en: str = ""
    duplicates: tuple[UUID, ...] = ()
    likenesses: tuple[Likeness, ...] = ()
    awaits: Confirming | None = None
    window_s: int = WINDOW_S
    caller_name: str | None = sealed()
    caller_phone: str | None = sealed()
    note: str | None = sealed()


@dataclass(frozen=True, slots=True)
class SignalJoined:
    """`reason` is why it belongs here, `assurance` what vouches for it. `late`: an alarm that
    occurred long before we heard it. `evidence` is that of a timely alarm of a known site,
    `restores` what a restore says is quiet again, `restored` since when, and `takes_back` of which
    alarms: None in the log of before, when it was of all. `crowd` is what a crowd counts of it."""

    signal: UUID
    reason: VerdictReason
    alarms: bool  # an alarm, not a restore or a status
    assurance: Assurance = Assurance.NONE
    late: bool = False
    evidence: Evidence | None = None
    restores: Sensor | None = None
    crowd: CrowdEntry | None = None
    restored: Moment | None = None
    takes_back: TakesBack | None = None


@dataclass(frozen=True, slots=True)
class SignalLeft:
    signal: UUID
    moved_to: UUID
    alarms: bool  # it counted as an alarm
    assurance: Assurance = Assurance.NONE
    late: bool = False
    sender_left: bool = False  # with it, a crowd has nothing more of its sender


@dataclass(frozen=True, slots=True)
class ReportJoined:
    """A public report: it opened the incident, or was collected in it. `where` is in the sender's
    own words; `report` tells one sender's words from another's."""

    report: UUID
    kind: ReportKind
    hurt: Hurt
    where: str = sealed("")
    text: str = sealed("")
    caller_phone: str | None = sealed()


@dataclass(frozen=True, slots=True)
class ReportAdded:
    """The sender of `report` said more."""

    report: UUID
    text: str = sealed("")


@dataclass(frozen=True, slots=True)
class ReportWithdrawn:
    """The sender of `report` says that help is no longer needed; that is for a person to judge."""

    report: UUID


@dataclass(frozen=True, slots=True)
class IncidentTaken:
    by: str
    by_name: str
    at: datetime
    due_at: datetime | None = None  # assign


@dataclass(frozen=True, slots=True)
class IncidentClassified:
    type: IncidentType
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentPrioritised:
    level: Level
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentLocated:
    """`evidence`: the caller's place that it was taken from."""

    place: Place
    evidence: UUID | None = None


@dataclass(frozen=True, slots=True)
class IncidentNoted:
    text: str = sealed("")


@dataclass(frozen=True, slots=True)
class IncidentHeld:
    until: datetime
    reason: str = sealed("")


@dataclass(frozen=True, slots=True)
class IncidentReleased:
    """The hold has ended: by hand, by a further alarm, or (`by_time`) because its time came."""

    by_time: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentLinked:
    other: UUID


@dataclass(frozen=True, slots=True)
class IncidentUnlinked:
    other: UUID


@dataclass(frozen=True, slots=True)
class IncidentMerged:
    """This incident now lives on in `into`."""

    into: UUID


@dataclass(frozen=True, slots=True)
class IncidentAbsorbed:
    """Another incident was merged into this one; its signals count here from now on.

    `signals` names its newest, the counts are of all. `avs` is the validation level it had,
    `open_zones` those that it had open; None in the log of before they were told.
    """

    other: UUID
    signals: tuple[UUID, ...]
    signal_count: int
    alarm_count: int
    avs: Avs | None = None
    open_zones: tuple[OpenZone, ...] | None = None
    open_zones_more: bool = False


@dataclass(frozen=True, slots=True)
class IncidentSplit:
    """This incident stands by itself again, as it stood before the merge. `quiet`: the zones that
    restored meanwhile; `restored` named them in the log of before, each with all its alarms."""

    out_of: UUID
    restored: tuple[Sensor, ...] = ()
    quiet: tuple[OpenZone, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentReleasedOther:
    """`other`, absorbed before, stands by itself again."""

    other: UUID


@dataclass(frozen=True, slots=True)
class UnitAttached:
    unit: UUID
    order: UUID
    call_sign: str


@dataclass(frozen=True, slots=True)
class UnitDetached:
    """`reason` is how its order ended."""

    unit: UUID
    order: UUID
    call_sign: str
    reason: Ending
    due_at: datetime | None = None  # assign or close, once no unit is left


@dataclass(frozen=True, slots=True)
class IncidentClosed:
    disposition: Disposition
    closed_at: datetime
    note: str | None = sealed()


@dataclass(frozen=True, slots=True)
class IncidentReopened:
    due_at: datetime | None = None
    reason: str = sealed("")


@dataclass(frozen=True, slots=True)
class IncidentRaised:
    """It left the watch band: it is an alarm like any other from now on."""

    reason: RaisedBecause
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentCancelled:
    """A user took the alarm back at `at`."""

    signal: UUID
    at: datetime
    how: CancelHow
    outcome: CancelOutcome


@dataclass(frozen=True, slots=True)
class IncidentValidated:
    """A person set the validation level. `by_evidence`: what the evidence alone said."""

    avs: Avs
    by: str
    by_name: str
    at: datetime
    by_evidence: Avs | None = None
    reason: str = sealed("")


@dataclass(frozen=True, slots=True)
class IncidentOverdue:
    """Nobody acted in time: `step` is what did not happen."""

    step: IncidentStep
    due_at: datetime


IncidentFact = (
    IncidentOpened
    | SignalJoined
    | SignalLeft
    | ReportJoined
    | ReportAdded
    | ReportWithdrawn
    | IncidentTaken
    | IncidentClassified
    | IncidentPrioritised
    | IncidentLocated
    | IncidentNoted
    | IncidentHeld
    | IncidentReleased
    | IncidentLinked
    | IncidentUnlinked
    | IncidentMerged
    | IncidentAbsorbed
    | IncidentSplit
    | IncidentReleasedOther
    | UnitAttached
    | UnitDetached
    | IncidentClosed
    | IncidentReopened
    | IncidentRaised
    | IncidentCancelled
    | IncidentValidated
    | IncidentOverdue
    | PlanFact
)
