"""What must be there in time, and what must be gone in time: partitions made ahead, positions of
units, outcomes of old commands, contacts that are no longer valid."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tocsin.record.contacts import forget_contacts
from tocsin.record.database import Connection
from tocsin.record.report_following import forget_expired

POSITIONS_KEPT_FOR: Final = timedelta(hours=24)
OUTCOMES_KEPT_FOR: Final = timedelta(days=30)
_CHUNK: Final = 10_000


def prepare_partitions(connection: Connection, now: datetime) -> int:
    """Make the partitions of the next days of messages and hours of positions; returns how many
    were made. Nothing fails without them: a default partition takes the rows. Commits."""
    row = connection.execute("SELECT log.prepare_partitions(%s)", (now,)).fetchone()
    connection.commit()
    return int(row[0]) if row else 0


def forget_old(connection: Connection, now: datetime) -> int:
    """Remove positions of units after 24 hours, outcomes of commands after 30 days, contacts that
    are no longer valid, and codes of public reports that ended; returns the number of outcomes
    removed (at most 10,000 at a time). Commits."""
    connection.execute("SELECT log.forget_positions(%s)", (now - POSITIONS_KEPT_FOR,))
    connection.commit()
    gone = connection.execute(
        "DELETE FROM log.command WHERE key IN (SELECT key FROM log.command WHERE at < %s LIMIT %s)",
        (now - OUTCOMES_KEPT_FOR, _CHUNK),
    ).rowcount
    connection.commit()
    forget_contacts(connection, now.date())
    forget_expired(connection, now)
    return gone
