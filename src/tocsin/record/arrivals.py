"""Signals between the intake and their judging: what an intake committed is sorted in here, its
messages into rows of their own and their signals into a queue for each sender; and the queues are
taken from in turn."""

from __future__ import annotations

import logging
import time
from typing import Final, NamedTuple
from uuid import UUID

import psycopg

from tocsin.record.database import Connection
from tocsin.record.heard_rows import Heard, Known, Rows, pack, unpack
from tocsin.record.ids import OrderedIds
from tocsin.record.keys import CannotOpen, KeyMissing, Keyring
from tocsin.record.repeats import Repeats
from tocsin.record.sealing import DayKeys

logger = logging.getLogger("tocsin.work")

SORT_S_MAX: Final = 0.3
"""After so long the queues have their turn, however much still waits to be sorted in."""

ROWS_MAX: Final = 200
MESSAGES_MAX: Final = 2_000
"""Of one transaction: rows of the intake, and messages in them (of the first row, all)."""

AGAIN_S: Final = 30.0
"""A row of the intake that could not be sorted in is tried again after so long."""

_UNSORTABLE: Final = (CannotOpen, KeyMissing, psycopg.DataError, ValueError)


class Arrival(NamedTuple):
    """One row of an intake's commit, without its body."""

    lane: int
    id: UUID
    messages: int


class Sorter:
    """Sorts in what the intakes have committed, in the order of lane and commit. One at a time:
    whoever calls it holds the lock of judging."""

    def __init__(self, keyring: Keyring) -> None:
        self.repeats = Repeats()
        self._keyring = keyring
        self._keys = DayKeys(keyring)
        self._ids = OrderedIds()
        self._turn: int | None = None  # of the record, when we sorted last
        self._again_at: dict[UUID, float] = {}  # what could not be sorted in

    def sort(self, connection: Connection) -> int:
        """Sort until nothing waits, or for SORT_S_MAX; returns how many messages. Commits."""
        began = time.monotonic()
        done = 0
        while picked := self._pick(connection):
            try:
                done += self._sort(connection, picked)
            except _UNSORTABLE:
                connection.rollback()
                for one in picked:  # it is one of them, and must not keep the others back
                    done += self._sort_alone(connection, one)
            if time.monotonic() - began > SORT_S_MAX:
                break
        connection.rollback()
        return done

    def _sort_alone(self, connection: Connection, one: Arrival) -> int:
        try:
            return self._sort(connection, [one])
        except _UNSORTABLE as error:
            connection.rollback()
            why = str(error) or repr(error)
        try:
            if one.messages > 1 and self._divide(connection, one):
                return 0
        except _UNSORTABLE:
            connection.rollback()
        # It stays, and the lag shows that; what comes after it is sorted in.
        logger.error(
            "what an intake committed cannot be sorted in; it stays and is tried again",
            extra={"commit": str(one.id), "why": why},
        )
        self._again_at[one.id] = time.monotonic() + AGAIN_S
        return 0

    def _divide(self, connection: Connection, one: Arrival) -> bool:
        """A row for each message, in the place of the one that held them all."""
        row = connection.execute(_TAKE, ([one.lane], [one.id])).fetchone()
        if row is None:
            return False
        connection.execute(_TAKEN, ([one.lane], [one.id]))
        for place, message in enumerate(unpack(self._keyring, *row)):
            commit = UUID(int=one.id.int >> 62 << 62 | place)  # in their order, where it stood
            body = pack(self._keys, commit, [message])
            connection.execute(_DIVIDED, (one.lane, commit, message.received_at, body))
        connection.commit()
        return True

    def _pick(self, connection: Connection) -> list[Arrival]:
        """The next rows, as many as one transaction takes."""
        now = time.monotonic()
        left = [commit for commit, at in self._again_at.items() if at > now]
        picked: list[Arrival] = []
        messages = 0
        for row in connection.execute(_NEXT_ARRIVED, (left, ROWS_MAX)):
            one = Arrival(*row)
            messages += one.messages
            if picked and messages > MESSAGES_MAX:
                break
            picked.append(one)
        return picked

    def _sort(self, connection: Connection, picked: list[Arrival]) -> int:
        """One transaction. Raises `_UNSORTABLE`."""
        lanes, commits = [one.lane for one in picked], [one.id for one in picked]
        row = connection.execute(_TAKE_TURN).fetchone()
        assert row is not None
        if self._turn is None or row[0] != self._turn + 1:  # another worker has sorted since
            self._ids = OrderedIds(after=self.repeats.read(connection))
        messages: list[Heard] = []
        for commit, body in connection.execute(_TAKE, (lanes, commits)):
            messages += unpack(self._keyring, commit, body)
        rows = Rows(self._keys, self._ids, len(messages))
        fresh: dict[bytes, Known] = {}
        for message in messages:
            repeated = self.repeats.of(message, fresh)
            known = rows.add(message, repeated)
            if repeated is None and message.repeat_key is not None:
                fresh[message.repeat_key] = known
        rows.write(connection)
        connection.execute(_TAKEN, (lanes, commits))
        connection.commit()
        self._turn = row[0]
        if messages:
            self.repeats.learn(fresh, messages[-1].received_at)
        self._count_forgotten(connection)
        for commit in commits:
            self._again_at.pop(commit, None)
        return len(messages)

    def _count_forgotten(self, connection: Connection) -> None:
        if forgotten := self.repeats.forgotten_early:
            connection.execute(_COUNT, ("heard.repeat_forgotten_early", forgotten))
            connection.commit()
            self.repeats.forgotten_early = 0


_NEXT_ARRIVED: Final = """
SELECT lane, id, messages FROM heard.arrived WHERE id <> ALL(%s::uuid[])
ORDER BY lane, id LIMIT %s"""
_TAKE: Final = """
SELECT a.id, a.body FROM heard.arrived a
JOIN unnest(%s::smallint[], %s::uuid[]) AS taken (lane, id) USING (lane, id)
ORDER BY a.lane, a.id"""
_TAKEN: Final = """
DELETE FROM heard.arrived a USING unnest(%s::smallint[], %s::uuid[]) AS taken (lane, id)
WHERE a.lane = taken.lane AND a.id = taken.id"""
_DIVIDED: Final = "INSERT INTO heard.arrived VALUES (%s, %s, 1, %s, %s)"
_TAKE_TURN: Final = """
INSERT INTO log.cursor AS c (name, position) VALUES ('arrivals', 0)
ON CONFLICT (name) DO UPDATE SET position = c.position + 1 RETURNING position"""
_COUNT: Final = """
INSERT INTO ref.intake_counter AS c (name, value, last_at) VALUES (%s, %s, now())
ON CONFLICT (name) DO UPDATE SET value = c.value + excluded.value, last_at = excluded.last_at"""


# -- the queues -----------------------------------------------------------------------------------

SENDERS_MAX: Final = 1_000
"""Queues that are looked at in one turn; the oldest signals of all are looked at besides."""

UNKNOWN_SHARE: Final = 5
"""A fifth of each turn is for unknown sources, however much known devices send."""

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


def next_in_turn(connection: Connection, limit: int) -> list[UUID]:
    """Up to `limit` signals to judge: of known devices, then of unknown sources, one of each sender
    in turn, each sender's in the order heard."""
    wanted = {"limit": limit, "senders": SENDERS_MAX}
    known = [signal for signal, _ in connection.execute(_NEXT_KNOWN, wanted)]
    unknown = [signal for signal, _ in connection.execute(_NEXT_UNKNOWN, wanted)]
    of_unknown = min(len(unknown), max(limit - len(known), limit // UNKNOWN_SHARE))
    return known[: limit - of_unknown] + unknown[:of_unknown]
