"""What an incident's own alarms say: which are evidence, which zones are open, whether it waits for
confirmation, and who took it back. A part of the incident's state; the rules that read it are in
`tocsin.core.judging`, `tocsin.core.avs` and `tocsin.core.incidents.cancelling`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Final, assert_never
from uuid import UUID

from tocsin.core.assurance import Assurance
from tocsin.core.codes.confirming import CancelHow
from tocsin.core.confirmation import (
    WINDOW_S,
    Avs,
    CancelOutcome,
    Confirming,
    ConfirmRule,
    Evidence,
    OpenZone,
    RaisedBecause,
    Says,
    is_before,
    takes_back,
    two_technologies,
    two_zones,
)
from tocsin.core.incidents.facts import (
    IncidentCancelled,
    IncidentOpened,
    IncidentRaised,
    IncidentReopened,
    IncidentSplit,
    IncidentValidated,
    SignalJoined,
    SignalLeft,
)
from tocsin.core.signals import VerdictReason
from tocsin.core.terms import IncidentType

# A panel that flushes its memory must not make the state grow without end.
EVIDENCE_MAX: Final = 24
OPEN_ZONES_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Told:
    """One alarm that is evidence."""

    signal: UUID
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What it waits for, or waited for; `by`: what ended that."""

    asked: Confirming
    by: RaisedBecause | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A user took the alarm back. `overtaken`: something alarmed after it, or was heard to, so it
    says nothing any more."""

    signal: UUID
    at: datetime
    how: CancelHow
    outcome: CancelOutcome
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Validated:
    """A person set the level. `by_evidence`: what the evidence said at that time."""

    avs: Avs
    by_name: str
    at: datetime
    by_evidence: Avs | None = None


@dataclass(frozen=True, slots=True)
class Alarms:
    """`integrity`, `authenticated` and `late` count its own alarms, `vouched` those that are both
    authenticated and timely. `evidence` has of
    each sensor its first and its newest, oldest first. `open_zones_more`: so many zones are open
    that not all are named. `sorted_by_hand`: a person moved a signal in or out."""

    integrity: int = 0
    authenticated: int = 0
    late: int = 0
    vouched: int = 0
    opened_because: VerdictReason | None = None
    window_s: int = WINDOW_S
    evidence: tuple[Told, ...] = ()
    open_zones: tuple[OpenZone, ...] = ()
    open_zones_more: bool = False
    confirmation: Confirmation | None = None
    cancelled: Cancelled | None = None
    validated: Validated | None = None
    sorted_by_hand: bool = False


NO_ALARMS: Final = Alarms()

AlarmFact = (
    SignalJoined
    | SignalLeft
    | IncidentRaised
    | IncidentCancelled
    | IncidentValidated
    | IncidentReopened
)


def opened(fact: IncidentOpened) -> Alarms:
    """Before the first signal has joined."""
    asked = fact.awaits
    if asked is None:
        return NO_ALARMS if fact.window_s == WINDOW_S else Alarms(window_s=fact.window_s)
    return Alarms(window_s=fact.window_s, confirmation=Confirmation(asked))


def evolve(alarms: Alarms, fact: AlarmFact, card: IncidentType | None = None) -> Alarms:
    """Never refuses. `card`: what the incident is of."""
    match fact:
        case SignalJoined():
            return _joined(alarms, fact) if fact.alarms else _restored(alarms, fact, card)
        case SignalLeft():
            return _left(alarms, fact)
        case IncidentRaised():
            if alarms.confirmation is None or fact.reason is RaisedBecause.TIMELY:
                return alarms
            return replace(alarms, confirmation=replace(alarms.confirmation, by=fact.reason))
        case IncidentCancelled():
            newer = any(one.evidence.at > fact.at for one in alarms.evidence)
            overtaken = newer and fact.outcome is not CancelOutcome.CLOSED
            cancelled = Cancelled(fact.signal, fact.at, fact.how, fact.outcome, overtaken)
            return replace(alarms, cancelled=cancelled)
        case IncidentValidated():
            validated = Validated(fact.avs, fact.by_name, fact.at, fact.by_evidence)
            return replace(alarms, validated=validated)
        case IncidentReopened():
            return _reopened(alarms)
        case _:
            assert_never(fact)


def waits(alarms: Alarms) -> bool:
    """Whether nothing has confirmed what has to be confirmed."""
    return alarms.confirmation is not None and alarms.confirmation.by is None


def confirmed_until(alarms: Alarms) -> datetime | None:
    """Until when a further alarm confirms it; None where none can, or none has to."""
    if alarms.confirmation is None or not alarms.evidence:
        return None
    if alarms.confirmation.asked.rule is ConfirmRule.NONE:
        return None
    return _newest(alarms) + timedelta(seconds=alarms.confirmation.asked.window_s)


def second_trip_until(alarms: Alarms) -> datetime | None:
    """Until when a second trip raises it; None where no second one is waited for."""
    if alarms.confirmation is None or not alarms.evidence:
        return None
    two_trip_s = alarms.confirmation.asked.two_trip_s
    return _newest(alarms) + timedelta(seconds=two_trip_s) if two_trip_s else None


def evidence_of(alarms: Alarms, signal: UUID) -> Evidence | None:
    """What a signal is evidence of, as far as it is still named."""
    return next((one.evidence for one in alarms.evidence if one.signal == signal), None)


def _newest(alarms: Alarms) -> datetime:
    return max(one.evidence.at for one in alarms.evidence)


def _joined(alarms: Alarms, fact: SignalJoined) -> Alarms:
    cancelled, new = alarms.cancelled, fact.evidence
    if cancelled is not None and new is not None:
        cancelled = replace(cancelled, overtaken=True)
    zones, more = alarms.open_zones, alarms.open_zones_more
    if new is not None and new.sensor.zone:
        zones, more = _with_zone(zones, more, new)
    return Alarms(
        integrity=alarms.integrity + (fact.assurance is Assurance.INTEGRITY),
        authenticated=alarms.authenticated + (fact.assurance is Assurance.AUTHENTICATED),
        late=alarms.late + fact.late,
        vouched=alarms.vouched + _is_vouched(fact),
        opened_because=alarms.opened_because or fact.reason,
        window_s=alarms.window_s,
        evidence=alarms.evidence if new is None else _with(alarms, Told(fact.signal, new)),
        open_zones=zones,
        open_zones_more=more,
        confirmation=alarms.confirmation,
        cancelled=cancelled,
        validated=alarms.validated,
        sorted_by_hand=alarms.sorted_by_hand or fact.reason is VerdictReason.BY_HAND,
    )


def _with_zone(
    zones: tuple[OpenZone, ...], more: bool, new: Evidence
) -> tuple[tuple[OpenZone, ...], bool]:
    """With the zone that alarmed; since its newest alarm by that code, whichever came first."""
    # The cheap comparison first: asked of every open zone, for every alarm.
    zone, sensor = new.sensor.zone, new.sensor
    known = [
        one
        for one in zones
        if one.sensor.zone == zone and one.code == new.code and one.sensor == sensor
    ]
    if any(is_before(new.moment, one.moment) for one in known):
        return zones, more
    rest = tuple([one for one in zones if one not in known]) if known else zones
    if len(rest) >= OPEN_ZONES_MAX:
        return rest, True
    opened = OpenZone(sensor, new.partition, new.at, new.stamped, new.code, new.type)
    return (*rest, opened), more


def _is_vouched(fact: SignalJoined | SignalLeft) -> bool:
    return fact.assurance is Assurance.AUTHENTICATED and not fact.late


def _with(alarms: Alarms, new: Told) -> tuple[Told, ...]:
    """With one more. Of a sensor that told the same before, its first and its newest stay, in
    whatever order they came, and what alone confirms it with another sensor; where there are too
    many, the newest but one goes that was not checked: the first ones show that it is no single
    sensor. So no alarm lowers a level."""
    known = alarms.evidence
    sensor, says = new.evidence.sensor, new.evidence.says
    zone = sensor.zone
    same = [
        one
        for one in known
        if one.evidence.sensor.zone == zone
        and one.evidence.says is says
        and one.evidence.sensor == sensor
    ]
    if len(same) > 1:
        goes = sorted((*same, new), key=_at)[-2]
        rest = tuple([one for one in (*known, new) if one is not goes])
        window = timedelta(seconds=alarms.window_s)
        if not _has_pair((*known, new), window) or _has_pair(rest, window):
            return rest
    if len(known) < EVIDENCE_MAX:
        return (*known, new)
    unchecked = [one for one in known if one.evidence.says is Says.ALARM]
    goes = (unchecked or known)[-1]
    return (*(one for one in known if one is not goes), new)


def _at(told: Told) -> datetime:
    return told.evidence.at


def _has_pair(told: tuple[Told, ...], window: timedelta) -> bool:
    """Whether two of them tell of two zones, or in two ways, within the window."""
    pairs = combinations([one.evidence for one in told], 2)
    return any(
        abs(one.at - other.at) <= window and (two_zones(one, other) or two_technologies(one, other))
        for one, other in pairs
    )


def _restored(alarms: Alarms, fact: SignalJoined, card: IncidentType | None) -> Alarms:
    because = alarms.opened_because or fact.reason
    zones = still_open(alarms.open_zones, fact, card)
    if because is alarms.opened_because and len(zones) == len(alarms.open_zones):
        return alarms
    return replace(alarms, opened_because=because, open_zones=zones)


def still_open(
    zones: tuple[OpenZone, ...], fact: SignalJoined, card: IncidentType | None
) -> tuple[OpenZone, ...]:
    """Those of `zones` that a restore leaves open: all that alarmed otherwise than it is the
    restore of. One of before a zone's newest alarm, which a panel kept or a path delayed, closes
    nothing."""
    quiet = fact.restored
    return tuple(
        one
        for one in zones
        if one.sensor != fact.restores
        or (quiet is not None and is_before(quiet, one.moment))
        or not takes_back(fact.takes_back, one, card)
    )


def without(alarms: Alarms, fact: IncidentSplit) -> Alarms:
    """Without the zones that restored while the incident lived on in another one."""
    zones = not_restored(alarms.open_zones, fact)
    return alarms if len(zones) == len(alarms.open_zones) else replace(alarms, open_zones=zones)


def not_restored(zones: tuple[OpenZone, ...], fact: IncidentSplit) -> tuple[OpenZone, ...]:
    """Those of `zones` that did not restore before the split."""
    quiet = {(one.sensor, one.code) for one in fact.quiet}
    return tuple(
        one
        for one in zones
        if one.sensor not in fact.restored and (one.sensor, one.code) not in quiet
    )


def _left(alarms: Alarms, fact: SignalLeft) -> Alarms:
    if not fact.alarms:
        return alarms
    return replace(
        alarms,
        sorted_by_hand=True,
        integrity=alarms.integrity - (fact.assurance is Assurance.INTEGRITY),
        authenticated=alarms.authenticated - (fact.assurance is Assurance.AUTHENTICATED),
        late=alarms.late - fact.late,
        vouched=alarms.vouched - _is_vouched(fact),
        evidence=tuple(one for one in alarms.evidence if one.signal != fact.signal),
    )


def _reopened(alarms: Alarms) -> Alarms:
    """A cancel that closed it does so no more."""
    if alarms.cancelled is None or alarms.cancelled.outcome is not CancelOutcome.CLOSED:
        return alarms
    cancelled = replace(alarms.cancelled, outcome=CancelOutcome.REOPENED)
    return replace(alarms, cancelled=cancelled)
