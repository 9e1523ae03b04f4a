"""The sequencer: gives each committed fact its place in the log. Ids are handed out before commits
and snapshots see commits out of order, so neither may serve as a reader's cursor; this does."""

from __future__ import annotations

from typing import Final

from tocsin.record.database import Connection

CHANNEL: Final = "facts"
BATCH_MAX: Final = 2_000

# One sequencer at a time in the whole database, whichever process it runs in.
_LOCK: Final = 0x73657175656E6365  # "sequence"

_ASSIGN: Final = """
WITH taken AS (
    DELETE FROM log.pending
    WHERE fact IN (SELECT fact FROM log.pending ORDER BY fact LIMIT %s) RETURNING fact
), placed AS (
    INSERT INTO log.position (position, fact)
    SELECT (SELECT coalesce(max(position), 0) FROM log.position)
        + row_number() OVER (ORDER BY fact), fact
    FROM taken
    RETURNING position
)
SELECT count(*), max(position), pg_notify('facts', max(position)::text) FROM placed
HAVING count(*) > 0"""


def assign(connection: Connection, limit: int = BATCH_MAX) -> int:
    """Place up to `limit` committed facts that have no position yet; returns how many. Commits.

    Facts of one subject keep their order: the later one was written under a lock that the earlier
    one's commit released, so it has the greater id and is never seen without it. Wakes followers
    by one NOTIFY per batch. Returns 0 when another process is at it.
    """
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM log.pending) AND pg_try_advisory_xact_lock(%s)", (_LOCK,)
    ).fetchone()
    if row != (True,):
        connection.rollback()
        return 0
    # A statement of its own: its snapshot is taken after the lock was had, so it sees every
    # position that the sequencer before it committed.
    placed = connection.execute(_ASSIGN, (limit,)).fetchone()
    connection.commit()
    return 0 if placed is None else int(placed[0])
