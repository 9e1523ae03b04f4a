"""Where block rules meet signals and incidents: a muted signal's verdict, and the card of a rule
that suspended itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tocsin.core import blocks
from tocsin.core.block_match import source_of
from tocsin.core.blocking import BlockOrder, SuspendBlock, TryBlock
from tocsin.core.blocks import Block, BlockEnding, BlockSwallowed
from tocsin.core.code_tables import zone_of
from tocsin.core.commands import JudgeSignal
from tocsin.core.incidents.facts import IncidentOpened, Source
from tocsin.core.obligations import deadline
from tocsin.core.signals import SignalJudged, Verdict, VerdictReason
from tocsin.core.states import Decided, States, the_block
from tocsin.core.terms import Context, IncidentType, Level, SubjectKind
from tocsin.core.zones import zone_number


def muted(states: States, command: JudgeSignal, decided: Sequence[Decided]) -> list[Decided]:
    """The verdict of a signal that a rule in force names, in place of `decided`; else `decided`.

    A repeat stays a repeat, since its first says what the rule did; so does our own test alarm.
    """
    kind, signal, judged = decided[0]
    if not command.blocks or not isinstance(judged, SignalJudged):
        return list(decided)
    if judged.reason in (VerdictReason.REPEAT, VerdictReason.SYNTHETIC):
        return list(decided)
    grave = blocks.is_grave(judged.effect, judged.type, judged.level)
    under = [
        one
        for one in command.blocks
        if isinstance(rule := states.get(one), Block) and blocks.covers(rule, command, grave=grave)
    ]
    if not under:
        return list(decided)
    recorded = replace(
        judged,
        verdict=Verdict.RECORDED,
        reason=VerdictReason.BLOCKED,
        incident=None,
        sender="",
        blocked=under[0],
        would_have=judged.verdict,
    )
    swallowed = BlockSwallowed(
        signal=signal,
        source=source_of(command.device, command.source),
        device=command.device,
        received_at=command.received_at,
        account=command.read.account,
        code=command.read.code,
        zone=zone_number(zone_of(command.read)),
        would_have=judged.verdict,
        type=judged.type,
        level=judged.level,
    )
    return [(kind, signal, recorded), *((SubjectKind.BLOCK, one, swallowed) for one in under)]


def decide(states: States, command: TryBlock | BlockOrder, context: Context) -> list[Decided]:
    """Raises `Refused`."""
    if isinstance(command, TryBlock):
        return [*blocks.draft(command, context)]
    rule = the_block(states, command.block)
    if isinstance(command, SuspendBlock):
        return _suspend(rule, command, context)
    return [
        (SubjectKind.BLOCK, command.block, fact) for fact in blocks.decide(rule, command, context)
    ]


def _suspend(rule: Block, command: SuspendBlock, context: Context) -> list[Decided]:
    """In doubt it alarms: the rule ends, and somebody hears of it."""
    if not blocks.suspends(rule, command):
        return []
    ended = replace(
        blocks.ended(rule, BlockEnding.SUSPENDED, context),
        by_name="",
        sources=command.sources,
        devices=command.devices,
    )
    opened = IncidentOpened(
        number=context.incident_number,
        type=IncidentType.TECHNICAL,
        level=Level.P2,
        place=None,
        district=rule.district,
        agency=rule.agency,
        source=Source.BLOCK,
        opened_at=context.now,
        due_at=deadline(context.now, context.obligations.take_watch_s),
        watch=True,
        title_zh=f"屏蔽规则超出范围，已自动中止：{rule.why}",
        title_en=f"Block rule went beyond its share and suspended itself: {rule.why}",
    )
    return [
        (SubjectKind.BLOCK, command.block, ended),
        (SubjectKind.INCIDENT, context.fresh_ids[0], opened),
    ]
