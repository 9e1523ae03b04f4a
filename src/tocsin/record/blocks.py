"""Block rules in the record: those in force, read once for each batch of signals, and the dry run
that a command needs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from tocsin.core.block_match import BlockMatch, matches
from tocsin.core.blocking import ExtendBlock, TryBlock
from tocsin.core.blocks import Block, match_of
from tocsin.core.commands import Command
from tocsin.core.signals import SignalRead
from tocsin.core.terms import DryRun, SubjectKind
from tocsin.record.block_trial import dry_run
from tocsin.record.database import Connection
from tocsin.record.facts import decode_state

_IN_FORCE: Final = """
SELECT b.id, h.state FROM view.block b JOIN log.head h ON h.subject = b.id
WHERE b.open AND b.in_force"""
_STATE: Final = "SELECT state FROM log.head WHERE subject = %s AND kind = 'block'"


def rules_in_force(connection: Connection) -> dict[UUID, Block]:
    """All of them, as they are now."""
    found = connection.execute(_IN_FORCE).fetchall()
    rules = {one: decode_state(SubjectKind.BLOCK.value, state) for one, state in found}
    return {one: rule for one, rule in rules.items() if isinstance(rule, Block)}


def note_rules(connection: Connection, waiting: Iterable[dict[str, Any]]) -> None:
    """Writes into each signal that waits the rules whose criteria name it, as `blocks`. One query
    for all of them; whether a rule still holds is decided under its lock."""
    rules = rules_in_force(connection)
    connection.rollback()
    if not rules:
        return
    by_place: dict[tuple[str, str], list[tuple[UUID, BlockMatch]]] = {}
    for one, rule in rules.items():
        by_place.setdefault((rule.district, rule.agency), []).append((one, rule.match))
    for signal in waiting:
        mine = by_place.get((signal["district"], signal["agency"]))
        if mine is None:
            continue
        with contextlib.suppress(msgspec.MsgspecError):  # told of when it is judged
            read = msgspec.json.decode(signal["read"], type=SignalRead)
            named = [one for one, match in mine if matches(match, read, signal["source"])]
            signal["blocks"] = tuple(sorted(named))


def tried_by(connection: Connection, command: Command, agency: str, now: datetime) -> DryRun | None:
    """The dry run that a command needs; None for one that needs none. Before anything is locked:
    it reads a whole day. Raises `Refused`."""
    match command:
        case TryBlock():
            return dry_run(
                connection,
                match_of(command),
                grave=command.grave,
                district=command.district,
                agency=agency,
                now=now,
            )
        case ExtendBlock():
            row = connection.execute(_STATE, (command.block,)).fetchone()
            rule = None if row is None else decode_state(SubjectKind.BLOCK.value, row[0])
            if not isinstance(rule, Block):
                return None
            return dry_run(
                connection,
                rule.match,
                grave=rule.grave,
                district=rule.district,
                agency=rule.agency,
                now=now,
            )
        case _:
            return None
