"""Signals between the intake and their judging: handed over a commit at a time, sorted here into a
queue for each sender, and taken from the queues in turn."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from tocsin.record.database import Connection

BATCHES_MAX: Final = 20
"""Commits of the intake that are sorted in at once, of at most 1,000 messages each."""

SENDERS_MAX: Final = 1_000
"""Queues that are looked at in one turn; the oldest signals of all are looked at besides."""

UNKNOWN_SHARE: Final = 5
"""A fifth of each turn is for unknown sources, however much known devices send."""

_SORT: Final = """
WITH taken AS ( -- a second worker waits here, and finds them gone
    DELETE FROM heard.arrived WHERE id IN (
        SELECT id FROM heard.arrived ORDER BY id LIMIT %s)
    RETURNING signals, devices, sources
)
INSERT INTO heard.pending (signal, known, queue)
SELECT one.signal, one.device IS NOT NULL, coalesce(one.device::text, one.source)
FROM taken, unnest(taken.signals, taken.devices, taken.sources) AS one (signal, device, source)"""

# The queues are found by stepping through the index, whatever waits in each: one sender's flood
# hides nobody. Where more send than are stepped through, the oldest signals still have their turn.
_NEXT: Final = """
WITH RECURSIVE sender(queue) AS (
    SELECT min(queue) FROM heard.pending WHERE {known}
    UNION ALL
    SELECT (SELECT min(p.queue) FROM heard.pending p WHERE {known} AND p.queue > s.queue)
    FROM sender s WHERE s.queue IS NOT NULL
), looked_at AS MATERIALIZED (
    SELECT queue FROM sender WHERE queue IS NOT NULL LIMIT %(senders)s
)
SELECT signal, row_number() OVER (PARTITION BY queue ORDER BY signal) AS turn FROM (
    SELECT w.signal, l.queue FROM looked_at l, LATERAL (
        SELECT p.signal FROM heard.pending p WHERE {known} AND p.queue = l.queue ORDER BY p.signal
        LIMIT (SELECT greatest(1, %(limit)s / greatest(1, count(*))) FROM looked_at)) w
    UNION
    SELECT signal, queue FROM (
        SELECT signal, queue FROM heard.pending WHERE {known} ORDER BY signal LIMIT %(limit)s) o
) waiting
ORDER BY turn, signal LIMIT %(limit)s"""
_NEXT_KNOWN: Final = _NEXT.format(known="known")
_NEXT_UNKNOWN: Final = _NEXT.format(known="NOT known")


def sort_arrivals(connection: Connection) -> int:
    """Sort what the intake handed over into the queues; returns how many signals. Commits."""
    sorted_in = connection.execute(_SORT, (BATCHES_MAX,)).rowcount
    connection.commit()
    return sorted_in


def next_in_turn(connection: Connection, limit: int) -> list[UUID]:
    """Up to `limit` signals to judge: of known devices, then of unknown sources, one of each sender
    in turn, each sender's in the order heard."""
    wanted = {"limit": limit, "senders": SENDERS_MAX}
    known = [signal for signal, _ in connection.execute(_NEXT_KNOWN, wanted)]
    unknown = [signal for signal, _ in connection.execute(_NEXT_UNKNOWN, wanted)]
    of_unknown = min(len(unknown), max(limit - len(known), limit // UNKNOWN_SHARE))
    return known[: limit - of_unknown] + unknown[:of_unknown]
