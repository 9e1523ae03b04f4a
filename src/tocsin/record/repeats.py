"""Which message repeats an earlier one: a panel that heard no answer sends it again."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tocsin.record.database import Connection
from tocsin.record.heard_rows import Heard, Known
from tocsin.record.ids import first_at

REPEAT_WINDOW: Final = timedelta(minutes=3)
"""A plain message equal to one heard at most this long ago repeats it; later it is news."""

REPEATS_MAX: Final = 1_000_000
"""Messages of the last minutes that a repeat is told by; beyond, the oldest are forgotten early,
and one of them heard again counts as news."""

_SKEW: Final = timedelta(seconds=10)

_RECENT: Final = """
SELECT m.repeat_key, m.id, m.received_at,
    m.id || (SELECT array_agg(f.id ORDER BY f.id) FROM heard.further f WHERE f.message = m.id)
        AS signals
FROM heard.message m
WHERE m.id >= %s AND m.repeat_key IS NOT NULL AND m.repeat_of IS NULL
ORDER BY m.id"""
_NEWEST: Final = """
SELECT id FROM heard.message WHERE id >= %s AND id < %s ORDER BY id DESC LIMIT 1"""


class Repeats:
    """The messages of the last minutes that may be repeated, by their repeat keys."""

    def __init__(self) -> None:
        self.forgotten_early = 0
        self._known: dict[bytes, Known] = {}
        self._in_order: deque[tuple[bytes, Known]] = deque()

    def __len__(self) -> int:
        return len(self._known)

    def read(self, connection: Connection) -> UUID | None:
        """Begin anew with what is on record; returns the newest message's id, as far as it is not
        ahead of the clock. In the transaction that is open."""
        row = connection.execute("SELECT now()").fetchone()
        assert row is not None
        since = first_at(row[0] - REPEAT_WINDOW - _SKEW)
        self._known = {
            key: Known(message, at, tuple(signals))
            for key, message, at, signals in connection.execute(_RECENT, (since,))
        }
        self._in_order = deque(self._known.items())
        newest = connection.execute(_NEWEST, (since, first_at(row[0] + _SKEW))).fetchone()
        return None if newest is None else newest[0]

    def of(self, message: Heard, fresh: dict[bytes, Known]) -> Known | None:
        """The earlier message that this one repeats: one of `fresh`, or one that was learnt."""
        key = message.repeat_key
        if key is None:
            return None
        known = fresh.get(key) or self._known.get(key)
        # A clock that was set back makes nothing a repeat: in doubt it alarms.
        if known is not None and abs(message.received_at - known.at) <= REPEAT_WINDOW:
            return known
        return None

    def learn(self, fresh: dict[bytes, Known], now: datetime) -> None:
        """`fresh` is on record now. `now`: when the last of it was received."""
        self._known.update(fresh)
        self._in_order += fresh.items()
        self._forget(now, 2 * len(fresh) + 1)

    def _forget(self, now: datetime, at_most: int) -> None:
        """The oldest first, and never more than twice what was added: a storm must not wait while
        all of its past is gone through."""
        for _ in range(at_most):
            if not self._in_order:
                return
            key, known = self._in_order[0]
            if self._known.get(key) is known:  # else it was news again meanwhile
                if abs(now - known.at) <= REPEAT_WINDOW:
                    if len(self._known) <= REPEATS_MAX:
                        return
                    self.forgotten_early += 1
                del self._known[key]
            self._in_order.popleft()
