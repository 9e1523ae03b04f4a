"""Whose signals are judged next: of all queues that wait, those of senders that were quiet until
now, then the others in turn, some signals of each."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tocsin.record.database import Connection

UNKNOWN_SHARE: Final = 5
"""A fifth of what is judged in one turn is of unknown sources, however much known devices send."""

SERVED_SHARE: Final = 4
"""A quarter is of queues that had a turn already, however many new ones come."""

RUN: Final = 20
"""Signals of one queue that are judged one after the other while it has many: together they cost
far less than apart, since they change one incident."""

QUEUES_MAX: Final = 1_000
"""Queues that are looked for in one turn; where more wait, the next turn goes on from there."""

ROWS_MAX: Final = 4_000
"""Signals that are read to choose from in one turn."""

SERVED_MAX: Final = 100_000
"""Queues whose place in the order is kept; more count as new again."""

AGAIN: Final = timedelta(seconds=2)
"""A signal whose judging failed n times rests n times as long."""

# Stepping through the index, whatever waits in each queue: one sender's flood hides nobody.
_QUEUES: Final = """
WITH RECURSIVE step AS (
    (SELECT queue, signal FROM heard.pending WHERE {known} AND queue >= %(start)s
     ORDER BY queue, signal LIMIT 1)
    UNION ALL
    SELECT n.queue, n.signal FROM step s, LATERAL (
        SELECT queue, signal FROM heard.pending WHERE {known} AND queue > s.queue
        ORDER BY queue, signal LIMIT 1) n
)
SELECT queue, signal FROM step LIMIT %(queues)s"""

_SIGNALS: Final = """
SELECT q.queue, w.signal
FROM unnest(%(queues)s::text[]) WITH ORDINALITY AS q (queue, place), LATERAL (
    SELECT signal FROM heard.pending WHERE {known} AND queue = q.queue
        AND (failed_at IS NULL OR failed_at + failures * %(again)s <= %(now)s
            OR failed_at > %(now)s)  -- the clock was set back
    ORDER BY signal LIMIT %(each)s) w
ORDER BY q.place, w.signal"""


class _Lane:
    """The queues of known devices, or those of unknown sources."""

    def __init__(self, known: str) -> None:
        self._queues_of = _QUEUES.format(known=known)
        self._signals_of = _SIGNALS.format(known=known)
        self._start = ""
        self._new: list[str] = []
        self._served: dict[str, None] = {}
        """Queues that had a turn and were not empty after it; the first is next."""

    def look(self, connection: Connection) -> bool:
        """Find the queues that wait; whether there are any."""
        asked = {"start": self._start, "queues": QUEUES_MAX}
        found = connection.execute(self._queues_of, asked).fetchall()
        if not found and self._start:
            asked["start"] = ""
            found = connection.execute(self._queues_of, asked).fetchall()
        self._start = found[-1][0] if len(found) == QUEUES_MAX else ""
        new = [(signal, queue) for queue, signal in found if queue not in self._served]
        self._new = [queue for _, queue in sorted(new)]
        return bool(found or self._served)

    def take(self, connection: Connection, limit: int, now: datetime) -> list[UUID]:
        """Up to `limit` signals of the queues that `look` found."""
        if limit <= 0:
            return []
        served = list(self._served)[: 2 * (limit // RUN + 1)]
        kept_free = limit // SERVED_SHARE if served else 0
        new, self._new = self._new[: limit - kept_free], []
        taken = self._signals(connection, new, 1, limit - kept_free, now)
        taken += self._signals(connection, served, RUN, limit - len(taken), now)
        for queue in list(self._served)[: max(0, len(self._served) - SERVED_MAX)]:
            del self._served[queue]
        return taken

    def _signals(
        self, connection: Connection, queues: list[str], run: int, limit: int, now: datetime
    ) -> list[UUID]:
        """Of each queue `run` signals, then again, until there are `limit`; in the order heard,
        whatever queue they come from. Queues that may have more go to the end of the order."""
        if not queues or limit <= 0:
            return []
        each = min(limit, max(run, ROWS_MAX // len(queues)))
        asked = {"queues": queues, "each": each, "again": AGAIN, "now": now}
        found: dict[str, list[UUID]] = {queue: [] for queue in queues}
        for queue, signal in connection.execute(self._signals_of, asked):
            found[queue].append(signal)
        offered = sorted(
            (n // run, place, n, signal, queue)
            for place, (queue, signals) in enumerate(found.items())
            for n, signal in enumerate(signals)
        )[:limit]
        given = Counter(queue for *_, queue in offered)
        for queue, signals in found.items():
            if signals and not given[queue]:
                continue  # its turn is still to come
            self._served.pop(queue, None)
            if given[queue] < len(signals) or len(signals) == each:
                self._served[queue] = None
        return sorted(signal for *_, signal, _ in offered)


class Turns:
    """Which signals are judged next. It lives as long as the worker and is lost with it: then all
    queues are new.

    As in fair queueing for networks (RFC 8290, section 4.1), a sender that was quiet until now goes
    before those whose signals pile up: a new alarm waits for no flood, of however many senders.
    """

    def __init__(self) -> None:
        self._known, self._unknown = _Lane("known"), _Lane("NOT known")

    def next(self, connection: Connection, limit: int, now: datetime) -> list[UUID]:
        """Up to `limit` signals: of known devices, then of unknown sources, each sender's in the
        order heard. Those that failed rest for a time that grows."""
        self._known.look(connection)
        of_unknown = limit // UNKNOWN_SHARE if self._unknown.look(connection) else 0
        known = self._known.take(connection, max(1, limit - of_unknown), now)
        return known + self._unknown.take(connection, limit - len(known), now)


def queue_of(sender: str, is_of_long_ago: bool) -> str:
    """The queue that a signal waits in: its sender's, and another for what happened long ago. What
    a panel tells now does not wait for what it kept while it was cut off."""
    return f"{sender} old" if is_of_long_ago else sender
