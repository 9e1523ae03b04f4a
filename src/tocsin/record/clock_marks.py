"""What the record knows of the clock: the newest time in the log, the incident that tells of a
clock that was set, and claims that were made at a later time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from tocsin.core.clock_jumps import KEY, until_of
from tocsin.record.database import Connection
from tocsin.record.working import RING_AGAIN

LOOKED_AT: Final = 100
"""Facts at the end of the log in which the newest time is looked for: others may have written since
the clock was set back."""

_NEWEST: Final = """
SELECT max(f.recorded_at) FROM (
    SELECT fact FROM log.position ORDER BY position DESC LIMIT %s) p
JOIN log.fact f ON f.id = p.fact"""

_TOLD: Final = """
SELECT i.id, i.source_key, i.state = 'new' AND EXISTS (
    SELECT FROM log.due d WHERE d.subject = i.id)
FROM view.incident i WHERE i.open AND i.source_key <> '' AND starts_with(i.source_key, %s)
ORDER BY i.id DESC"""

# Claimed are those whose `ring_at` is no longer the deadline; none is claimed for longer.
_RELEASE: Final = """
UPDATE log.due SET ring_at = due_at WHERE ring_at > %s AND ring_at > due_at"""


@dataclass(frozen=True, slots=True)
class Told:
    """An incident that tells of a clock that was set. `until`: times repeat; `waits`: for its first
    answer, with its deadline running."""

    incident: UUID
    until: datetime | None
    waits: bool


def newest(connection: Connection) -> datetime | None:
    """The newest time at the end of the log; None where it is empty."""
    row = connection.execute(_NEWEST, (LOOKED_AT,)).fetchone()
    connection.rollback()
    return None if row is None else row[0]


def told(connection: Connection) -> list[Told]:
    """The open incidents about the clock. Which came last is not known: ids have their order from
    the same clock."""
    rows = connection.execute(_TOLD, (KEY,)).fetchall()
    connection.rollback()
    return [Told(incident, until_of(key), waits) for incident, key, waits in rows]


def release_claims(connection: Connection, now: datetime) -> int:
    """Deadlines that a clock claimed at a later time and did not sound speak again when they are
    due, not when that time has come again; how many. Commits."""
    released = connection.execute(_RELEASE, (now + RING_AGAIN,)).rowcount
    connection.commit()
    return released
