"""The guard of the block rules in force: one that mutes more senders within an hour than it was put
in force for is suspended, and a card says so."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from tocsin.core.blocking import SuspendBlock
from tocsin.core.blocks import GUARD_WITHIN, Block, suspends
from tocsin.core.terms import Refused
from tocsin.record.blocks import rules_in_force
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.keys import Keyring
from tocsin.record.working import process_actor

logger = logging.getLogger("tocsin.blocks")

_SWALLOWED: Final = """
SELECT f.subject, f.version, f.body
FROM unnest(%s::uuid[], %s::bigint[]) AS r (rule, version), LATERAL (
    SELECT x.subject, x.version, x.body FROM log.fact x
    WHERE x.subject = r.rule AND x.version > r.version AND x.kind = 'block.swallowed'
    ORDER BY x.version LIMIT %s) f
ORDER BY f.subject, f.version"""
SWALLOWED_MAX: Final = 5_000
"""Facts of a rule that are read at once."""


class _Swallowed(msgspec.Struct):
    source: str
    device: UUID | None
    received_at: datetime


class Guard:
    """Counts whom each rule in force muted within the last hour, from the log alone: whoever takes
    over begins with its first fact."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._read: dict[UUID, int] = {}  # the version that each rule was read up to
        self._last: dict[UUID, dict[str, tuple[datetime, bool]]] = {}  # and when each sent last

    def turn(self, connection: Connection, now: datetime) -> int:
        """Suspends what mutes more than it may; returns how many facts and rules were dealt with.
        Raises what says that the database is away."""
        rules = rules_in_force(connection)
        self._read = {one: self._read.get(one, 0) for one in rules}
        self._last = {one: self._last.get(one, {}) for one in rules}
        if not rules:
            connection.rollback()
            return 0
        asked = (list(self._read), list(self._read.values()), SWALLOWED_MAX)
        found = connection.execute(_SWALLOWED, asked).fetchall()
        connection.rollback()
        for one, version, body in found:
            said = msgspec.json.decode(body, type=_Swallowed)
            self._read[one] = version
            before = self._last[one].get(said.source)
            if before is None or before[0] < said.received_at:
                self._last[one][said.source] = (said.received_at, said.device is not None)
        return len(found) + sum(
            self._suspended(connection, one, rule, now) for one, rule in rules.items()
        )

    def _suspended(self, connection: Connection, one: UUID, rule: Block, now: datetime) -> bool:
        if len(self._last[one]) <= min(rule.sources_max, rule.devices_max):
            return False
        recent = {
            source: last for source, last in self._last[one].items() if last[0] > now - GUARD_WITHIN
        }
        self._last[one] = recent
        command = SuspendBlock(one, len(recent), sum(known for _, known in recent.values()))
        if not suspends(rule, command):
            return False
        try:
            handle(
                connection,
                self._keyring,
                command,
                actor=process_actor(rule.agency),
                key=f"suspend:{one}",
                now=now,
            )
        except Refused as refusal:
            logger.warning("no suspension", extra={"rule": str(one), "why": refusal.reason.value})
            return False
        logger.warning("a block rule suspended itself", extra={"rule": str(one)})
        return True
