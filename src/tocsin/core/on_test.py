"""On test: a site, a device or a zone whose signals open nothing for a while, because a person said
so. Every one of them is recorded with what it would have done, and at the end it is said what was
tested and what was not.

Only a person's command begins it: nothing that a device sends can silence anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from tocsin.core.code_tables import zone_of
from tocsin.core.commands import JudgeSignal
from tocsin.core.putting_on_test import EndOnTest, ExtendOnTest, PutOnTest
from tocsin.core.signals import Verdict
from tocsin.core.supervision import PROTOCOL as SUPERVISION
from tocsin.core.terms import (
    Context,
    IncidentType,
    Reason,
    Refused,
    SubjectKind,
    WatchedZone,
)
from tocsin.core.zones import zone_number

ON_TEST_MAX: Final = timedelta(hours=24)
"""From the moment of the command; longer only by saying so again."""

WHY_CHARS_MAX: Final = 200

TESTED_MAX: Final = 2_000
"""More zones than this are counted as signals and not named: no panel has as many."""


class OnTestEnding(StrEnum):
    """How it ended."""

    BY_HAND = "by_hand"
    TIME_UP = "time_up"


@dataclass(frozen=True, slots=True)
class OnTestBegun:
    """`device` None: the whole site; `zone` empty: the whole device. `by_name` answers for it."""

    site: UUID
    device: UUID | None
    zone: str
    why: str
    begun_at: datetime
    until: datetime
    by: str
    by_name: str
    district: str
    agency: str


@dataclass(frozen=True, slots=True)
class OnTestExtended:
    until: datetime
    by_name: str


@dataclass(frozen=True, slots=True)
class OnTestSignalled:
    """A signal was only recorded; `would_have` says what would have become of it."""

    signal: UUID
    device: UUID | None
    zone: str
    would_have: Verdict
    type: IncidentType


@dataclass(frozen=True, slots=True)
class OnTestEnded:
    """With the summary: zones are `account/zone`, those of the register at the end."""

    ending: OnTestEnding
    by_name: str
    ended_at: datetime
    signals: int
    would_have_opened: int
    tested: tuple[str, ...]
    not_tested: tuple[str, ...]


OnTestFact = OnTestBegun | OnTestExtended | OnTestSignalled | OnTestEnded


@dataclass(frozen=True, slots=True)
class OnTest:
    """What is on test, or was. `heard_from` are the zones of its signals, in their order."""

    site: UUID
    device: UUID | None
    zone: str
    why: str
    begun_at: datetime
    until: datetime
    by: str
    by_name: str
    district: str
    agency: str
    signals: int = 0
    would_have_opened: int = 0
    heard_from: tuple[WatchedZone, ...] = ()
    ending: OnTestEnding | None = None
    ended_at: datetime | None = None
    ended_by_name: str = ""
    tested: tuple[str, ...] = ()
    not_tested: tuple[str, ...] = ()


def evolve(state: OnTest | None, fact: OnTestFact) -> OnTest:
    """What is on test after `fact`. Never refuses."""
    if isinstance(fact, OnTestBegun):
        return OnTest(
            site=fact.site,
            device=fact.device,
            zone=fact.zone,
            why=fact.why,
            begun_at=fact.begun_at,
            until=fact.until,
            by=fact.by,
            by_name=fact.by_name,
            district=fact.district,
            agency=fact.agency,
        )
    if state is None:
        raise ValueError(f"{type(fact).__name__} of what is not on test")
    match fact:
        case OnTestExtended():
            return replace(state, until=fact.until)
        case OnTestSignalled():
            return _signalled(state, fact)
        case OnTestEnded():
            return replace(
                state,
                ending=fact.ending,
                ended_at=fact.ended_at,
                ended_by_name=fact.by_name,
                tested=fact.tested,
                not_tested=fact.not_tested,
            )
        case _:
            assert_never(fact)


def _signalled(state: OnTest, fact: OnTestSignalled) -> OnTest:
    heard = state.heard_from
    if fact.device is not None and fact.zone:
        one = WatchedZone(fact.device, fact.zone)
        if one not in heard and len(heard) < TESTED_MAX:
            heard = (*heard, one)
    return replace(
        state,
        signals=state.signals + 1,
        would_have_opened=state.would_have_opened + (fact.would_have is Verdict.OPENED),
        heard_from=heard,
    )


def covers(state: OnTest, command: JudgeSignal) -> bool:
    """Whether the signal is of what is on test, and was received meanwhile.

    A zone covers what the device says of that zone and nothing else: another zone's alarm, and one
    that names no zone, alarms as always. That a device has fallen silent is never covered.
    """
    if state.ended_at is not None or command.site != state.site:
        return False
    if command.read.protocol == SUPERVISION:  # told once: under a test nobody would hear of it
        return False
    if not state.begun_at <= command.received_at < state.until:
        return False
    if state.device is not None and command.device != state.device:
        return False
    return not state.zone or zone_number(zone_of(command.read)) == state.zone


def begin(command: PutOnTest, context: Context) -> list[tuple[SubjectKind, UUID, OnTestFact]]:
    """Raises `Refused`."""
    watched = context.watched
    if watched is None:
        raise Refused(Reason.NOT_FOUND, subject_kind="site")
    why = command.why.strip()
    if not why:
        raise Refused(Reason.TEXT_EMPTY)
    if len(why) > WHY_CHARS_MAX:
        raise Refused(Reason.TEXT_TOO_LONG, chars_max=WHY_CHARS_MAX)
    _require_until(command.until, context)
    zone = zone_number(command.zone)
    if command.zone and (not zone or command.device is None):
        raise Refused(Reason.NOT_FOUND, subject_kind="zone")
    if command.device is not None and command.device not in dict(watched.devices):
        raise Refused(Reason.NOT_FOUND, subject_kind="device")
    fact = OnTestBegun(
        site=command.site,
        device=command.device,
        zone=zone,
        why=why,
        begun_at=context.now,
        until=command.until,
        by=context.actor.id,
        by_name=context.actor.name,
        district=watched.district,
        agency=watched.agency,
    )
    return [(SubjectKind.ON_TEST, context.fresh_ids[0], fact)]


def decide(
    state: OnTest, command: ExtendOnTest | EndOnTest, context: Context
) -> list[tuple[SubjectKind, UUID, OnTestFact]]:
    """Raises `Refused`."""
    if state.ended_at is not None:
        raise Refused(Reason.TEST_ENDED)
    match command:
        case ExtendOnTest():
            _require_until(command.until, context)
            if command.until == state.until:
                raise Refused(Reason.ALREADY_SO)
            extended = OnTestExtended(command.until, context.actor.name)
            return [(SubjectKind.ON_TEST, command.on_test, extended)]
        case EndOnTest():
            ended = _ended(state, OnTestEnding.BY_HAND, context.actor.name, context)
            return [(SubjectKind.ON_TEST, command.on_test, ended)]
        case _:
            assert_never(command)


def time_is_up(state: OnTest, context: Context) -> list[OnTestFact]:
    """It ends by itself: nobody has to think of it."""
    if state.ended_at is not None or context.now < state.until:
        return []
    return [_ended(state, OnTestEnding.TIME_UP, "", context)]


def _ended(state: OnTest, ending: OnTestEnding, by_name: str, context: Context) -> OnTestEnded:
    watched = context.watched
    zones = () if watched is None else watched.zones
    accounts = {} if watched is None else dict(watched.devices)
    known = [zone for zone in zones if _in_scope(state, zone)]

    def named(some: Iterable[WatchedZone]) -> tuple[str, ...]:
        return tuple(f"{accounts.get(zone.device, '?')}/{zone.number}" for zone in some)

    unknown = [one for one in state.heard_from if one not in known]
    return OnTestEnded(
        ending=ending,
        by_name=by_name,
        ended_at=context.now,
        signals=state.signals,
        would_have_opened=state.would_have_opened,
        tested=named([*(one for one in known if one in state.heard_from), *unknown]),
        not_tested=named(one for one in known if one not in state.heard_from),
    )


def _in_scope(state: OnTest, zone: WatchedZone) -> bool:
    if state.device is not None and zone.device != state.device:
        return False
    return not state.zone or zone.number == state.zone


def _require_until(until: datetime, context: Context) -> None:
    if until <= context.now:
        raise Refused(Reason.TIME_IN_PAST)
    if until - context.now > ON_TEST_MAX + timedelta(minutes=1):  # typed a moment ago
        raise Refused(Reason.TEST_TOO_LONG, hours_max=ON_TEST_MAX // timedelta(hours=1))
