"""What the log says about one block rule: its timeline, the incidents of its dry run, and the last
signals that it muted."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from tocsin.core.blocks import BlockDrafted, BlockExtended, BlockSwallowed
from tocsin.core.states import Fact
from tocsin.core.terms import Unopened
from tocsin.record.database import Connection
from tocsin.record.facts import decode

_TOLD: Final = """
SELECT kind, kind_version, recorded_at, actor_name, body FROM log.fact
WHERE subject = %s AND kind <> 'block.swallowed' ORDER BY version"""
_SWALLOWED: Final = """
SELECT kind, kind_version, body FROM log.fact
WHERE subject = %s AND kind = 'block.swallowed' ORDER BY version DESC LIMIT %s"""


def timeline(connection: Connection, block: UUID) -> list[tuple[datetime, str, Fact]]:
    """When, who and what, the oldest first; the signals that it muted are not among them."""
    found = connection.execute(_TOLD, (block,)).fetchall()
    connection.rollback()
    return [(at, who, decode(kind, version, body)) for kind, version, at, who, body in found]


def incidents_of(told: list[tuple[datetime, str, Fact]]) -> tuple[Unopened, ...]:
    """Those that its latest dry run names."""
    tried = [fact.tried for _, _, fact in told if isinstance(fact, BlockDrafted | BlockExtended)]
    return tried[-1].incidents if tried else ()


def swallowed(connection: Connection, block: UUID, limit: int) -> list[BlockSwallowed]:
    """The last signals that it muted, the newest first."""
    found = connection.execute(_SWALLOWED, (block, limit)).fetchall()
    connection.rollback()
    facts = [decode(kind, version, body) for kind, version, body in found]
    return [fact for fact in facts if isinstance(fact, BlockSwallowed)]
