"""Block rules: a runaway sender or range is muted for a bounded time, because a person said so and
the last day showed what that does. What is muted is kept, acknowledged and recorded as ever. Only
people begin or extend one; nothing that is heard can."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from tocsin.core.block_match import BlockMatch, checked, matches
from tocsin.core.blocking import (
    ApproveBlock,
    BlockOrder,
    EndBlock,
    ExtendBlock,
    PutBlockInForce,
    SuspendBlock,
    TryBlock,
)
from tocsin.core.codes.silencing import PROTECTED
from tocsin.core.commands import JudgeSignal
from tocsin.core.signals import Effect, Verdict
from tocsin.core.terms import (
    Context,
    DryRun,
    IncidentType,
    Level,
    Reason,
    Refused,
    SubjectKind,
)

BLOCK_MAX: Final = timedelta(hours=24)
GRAVE_MAX: Final = timedelta(hours=1)
"""From the moment of the command, for a rule that mutes alarms for people's lives."""

TRIED_MAX: Final = timedelta(minutes=15)
"""A dry run that is older says too little about what the rule would mute now."""

WHY_CHARS_MAX: Final = 200

SHARE_PERCENT: Final = 1
"""Of the active sources a rule may match without a second person; one source in any case."""
SHARE_PERCENT_MAX: Final = 20
"""And at all: what matches more is no runaway sender."""

OPEN_MAX: Final = 100
"""Drafts and rules in force at once: each is looked at for each signal."""

GUARD_WITHIN: Final = timedelta(hours=1)


class BlockEnding(StrEnum):
    """How it ended."""

    BY_HAND = "by_hand"
    TIME_UP = "time_up"
    SUSPENDED = "suspended"  # it muted more sources than it was put in force for
    LAPSED = "lapsed"  # a draft that nobody put in force in time


@dataclass(frozen=True, slots=True)
class BlockDrafted:
    """With its dry run. `by_name` answers for it."""

    match: BlockMatch
    grave: bool
    why: str
    until: datetime
    tried: DryRun
    drafted_at: datetime
    by: str
    by_name: str
    district: str
    agency: str


@dataclass(frozen=True, slots=True)
class BlockPutInForce:
    """`approved_by_name` is the second person's, where one was needed. A rule that mutes more than
    `sources_max` senders, or `devices_max` known ones, within an hour suspends itself."""

    in_force_at: datetime
    by_name: str
    approved_by: str
    approved_by_name: str
    sources_max: int
    devices_max: int


@dataclass(frozen=True, slots=True)
class BlockExtended:
    until: datetime
    tried: DryRun
    by_name: str


@dataclass(frozen=True, slots=True)
class BlockSwallowed:
    """A signal was only recorded. `source` is its device's id, or the network of an unknown sender;
    `would_have` says what would have become of it."""

    signal: UUID
    source: str
    device: UUID | None
    received_at: datetime
    account: str
    code: str
    zone: str
    would_have: Verdict
    type: IncidentType
    level: Level


@dataclass(frozen=True, slots=True)
class BlockEnded:
    """`sources` and known `devices`: those of the last hour, where it suspended itself."""

    ending: BlockEnding
    by_name: str
    ended_at: datetime
    signals: int
    would_have_opened: int
    sources: int = 0
    devices: int = 0


BlockFact = BlockDrafted | BlockPutInForce | BlockExtended | BlockSwallowed | BlockEnded


@dataclass(frozen=True, slots=True)
class Block:
    """A rule: drafted, in force, ended. `tried` is without the incidents, which its fact names."""

    match: BlockMatch
    grave: bool
    why: str
    until: datetime
    tried: DryRun
    drafted_at: datetime
    by: str
    by_name: str
    district: str
    agency: str
    in_force_at: datetime | None = None
    in_force_by_name: str = ""
    approved_by: str = ""
    approved_by_name: str = ""
    sources_max: int = 0
    devices_max: int = 0
    signals: int = 0
    would_have_opened: int = 0
    last_at: datetime | None = None
    ending: BlockEnding | None = None
    ended_at: datetime | None = None
    ended_by_name: str = ""


def evolve(state: Block | None, fact: BlockFact) -> Block:
    """The rule after `fact`. Never refuses."""
    if isinstance(fact, BlockDrafted):
        return Block(
            match=fact.match,
            grave=fact.grave,
            why=fact.why,
            until=fact.until,
            tried=replace(fact.tried, incidents=()),
            drafted_at=fact.drafted_at,
            by=fact.by,
            by_name=fact.by_name,
            district=fact.district,
            agency=fact.agency,
        )
    if state is None:
        raise ValueError(f"{type(fact).__name__} of no block rule")
    match fact:
        case BlockPutInForce():
            return replace(
                state,
                in_force_at=fact.in_force_at,
                in_force_by_name=fact.by_name,
                approved_by=fact.approved_by,
                approved_by_name=fact.approved_by_name,
                sources_max=fact.sources_max,
                devices_max=fact.devices_max,
            )
        case BlockExtended():
            return replace(state, until=fact.until, tried=replace(fact.tried, incidents=()))
        case BlockSwallowed():
            return replace(
                state,
                signals=state.signals + 1,
                would_have_opened=state.would_have_opened + (fact.would_have is Verdict.OPENED),
                last_at=max(state.last_at or fact.received_at, fact.received_at),
            )
        case BlockEnded():
            return replace(
                state, ending=fact.ending, ended_at=fact.ended_at, ended_by_name=fact.by_name
            )
        case _:
            assert_never(fact)


def due(state: Block) -> datetime | None:
    """A draft lapses, a rule in force ends."""
    if state.ended_at is not None:
        return None
    if state.in_force_at is None:
        return state.tried.tried_at + TRIED_MAX
    return state.until


def permitted(active: int, percent: int) -> int:
    """How many of `active` sources are `percent` of them; at least one."""
    return max(1, active * percent // 100)


def needs_second(state: Block) -> bool:
    """Whether another person than its author must approve: it matches many sources, or an alarm for
    somebody's life; or its dry run could not look at everything."""
    tried = state.tried
    return state.grave or tried.grave > 0 or tried.cut or is_beyond(tried, SHARE_PERCENT)


def is_beyond(tried: DryRun, percent: int) -> bool:
    """Whether it matches more than that share of all senders, or of the known devices: whoever
    invents senders makes no rule reach further."""
    return tried.sources > permitted(tried.active, percent) or tried.devices > permitted(
        tried.active_devices, percent
    )


def is_grave(effect: Effect, type_: IncidentType, level: Level) -> bool:
    """An alarm that calls for help for somebody: hold-up, panic, fire, medical, gas, and whatever
    else is a risk to life now."""
    return effect is Effect.ALARM and (type_ in PROTECTED or level is Level.P1)


def covers(state: Block, command: JudgeSignal, *, grave: bool) -> bool:
    """Whether the rule mutes the signal: it is in force, was when the signal was received, and its
    criteria name it. `grave` alarms of a known site are muted only by a rule that says so of their
    device, those of unknown senders only by one that a second person approved."""
    if state.ended_at is not None or state.in_force_at is None:
        return False
    if not state.in_force_at <= command.received_at < state.until:
        return False
    if (state.district, state.agency) != (command.district, command.agency):
        return False
    if grave and not (state.grave if command.site is not None else state.approved_by):
        return False
    return matches(state.match, command.read, command.source)


def draft(command: TryBlock, context: Context) -> list[tuple[SubjectKind, UUID, BlockFact]]:
    """Raises `Refused`."""
    why = command.why.strip()
    if not why:
        raise Refused(Reason.TEXT_EMPTY)
    if len(why) > WHY_CHARS_MAX:
        raise Refused(Reason.TEXT_TOO_LONG, chars_max=WHY_CHARS_MAX)
    match = match_of(command)
    if command.grave and not match.one_device:
        raise Refused(Reason.BLOCK_GRAVE_NEEDS_DEVICE)
    _require_until(command.until, context, grave=command.grave)
    tried = context.tried
    if tried is None:
        raise Refused(Reason.NOT_FOUND, subject_kind="district")
    if tried.open_rules >= OPEN_MAX:
        raise Refused(Reason.BLOCKS_TOO_MANY, rules_max=OPEN_MAX)
    fact = BlockDrafted(
        match=match,
        grave=command.grave,
        why=why,
        until=command.until,
        tried=tried,
        drafted_at=context.now,
        by=context.actor.id,
        by_name=context.actor.name,
        district=command.district,
        agency=context.actor.agency,
    )
    return [(SubjectKind.BLOCK, context.fresh_ids[0], fact)]


def match_of(command: TryBlock) -> BlockMatch:
    """The criteria, checked. Raises `Refused`."""
    return checked(
        BlockMatch(
            protocol=command.protocol,
            network=command.network,
            account=command.account,
            code=command.code,
            qualifier=command.qualifier,
            zone=command.zone,
        )
    )


def decide(state: Block, command: BlockOrder, context: Context) -> list[BlockFact]:
    """Raises `Refused`."""
    if state.ended_at is not None:
        raise Refused(Reason.BLOCK_ENDED)
    match command:
        case PutBlockInForce():
            if needs_second(state):
                raise Refused(Reason.BLOCK_NEEDS_SECOND)
            return [_put_in_force(state, context, approves=False)]
        case ApproveBlock():
            if context.actor.id == state.by:
                raise Refused(Reason.BLOCK_NEEDS_SECOND)
            return [_put_in_force(state, context, approves=True)]
        case ExtendBlock():
            return [_extended(state, command, context)]
        case EndBlock():
            return [ended(state, BlockEnding.BY_HAND, context)]
        case _:
            raise TypeError(f"{type(command).__name__} is decided elsewhere")


def _put_in_force(state: Block, context: Context, *, approves: bool) -> BlockPutInForce:
    if state.in_force_at is not None:
        raise Refused(Reason.ALREADY_SO)
    if context.now - state.tried.tried_at > TRIED_MAX:
        raise Refused(Reason.DRY_RUN_OLD, minutes_max=TRIED_MAX // timedelta(minutes=1))
    _require_until(state.until, context, grave=state.grave)
    tried = state.tried
    _require_share(tried)
    # Without a second person it stays within the one share, with one within what they were shown.
    return BlockPutInForce(
        in_force_at=context.now,
        by_name=state.by_name if approves else context.actor.name,
        approved_by=context.actor.id if approves else "",
        approved_by_name=context.actor.name if approves else "",
        sources_max=max(permitted(tried.active, SHARE_PERCENT), tried.sources),
        devices_max=max(permitted(tried.active_devices, SHARE_PERCENT), tried.devices),
    )


def _extended(state: Block, command: ExtendBlock, context: Context) -> BlockExtended:
    if state.in_force_at is None:
        raise Refused(Reason.BLOCK_NOT_IN_FORCE)
    _require_until(command.until, context, grave=state.grave)
    if command.until == state.until:
        raise Refused(Reason.ALREADY_SO)
    if context.tried is None:
        raise Refused(Reason.NOT_FOUND, subject_kind="district")
    after = replace(state, tried=context.tried)
    if needs_second(state) or needs_second(after):
        raise Refused(Reason.BLOCK_ASK_AGAIN)
    return BlockExtended(command.until, context.tried, context.actor.name)


def time_is_up(state: Block, context: Context) -> list[BlockFact]:
    """It ends by itself: nobody has to think of it."""
    at = due(state)
    if at is None or context.now < at:
        return []
    ending = BlockEnding.LAPSED if state.in_force_at is None else BlockEnding.TIME_UP
    return [replace(ended(state, ending, context), by_name="")]


def suspends(state: Block, command: SuspendBlock) -> bool:
    """Whether a rule in force has muted more sources than it may."""
    is_running = state.in_force_at is not None and state.ended_at is None
    beyond = command.sources > state.sources_max or command.devices > state.devices_max
    return is_running and beyond


def ended(state: Block, ending: BlockEnding, context: Context) -> BlockEnded:
    """The fact that ends it, with what it muted."""
    return BlockEnded(
        ending=ending,
        by_name=context.actor.name,
        ended_at=context.now,
        signals=state.signals,
        would_have_opened=state.would_have_opened,
    )


def _require_share(tried: DryRun) -> None:
    if is_beyond(tried, SHARE_PERCENT_MAX):
        raise Refused(
            Reason.BLOCK_SHARE_TOO_GREAT,
            sources=tried.sources,
            active=tried.active,
            devices=tried.devices,
            active_devices=tried.active_devices,
            percent_max=SHARE_PERCENT_MAX,
        )


def _require_until(until: datetime, context: Context, *, grave: bool) -> None:
    if until <= context.now:
        raise Refused(Reason.TIME_IN_PAST)
    longest = GRAVE_MAX if grave else BLOCK_MAX
    if until - context.now > longest + timedelta(minutes=1):  # typed a moment ago
        raise Refused(Reason.BLOCK_TOO_LONG, hours_max=longest // timedelta(hours=1))
