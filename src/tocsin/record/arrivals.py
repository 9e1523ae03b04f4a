"""Signals between the intake and their judging: what an intake committed is sorted in here, its
messages into rows of their own and their signals into a queue for each sender; and the queues are
taken from in turn."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import psycopg
from msgspec.structs import replace

from tocsin.core.signals import SignalRead
from tocsin.record.database import Connection
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import SIGNALS_MAX, Heard, Rows, pack, unpack
from tocsin.record.ids import first_at, following, time_of
from tocsin.record.keys import CannotOpen, KeyMissing, Keyring
from tocsin.record.sealing import DayKeys

logger = logging.getLogger("tocsin.work")

SORT_S_MAX: Final = 0.3
"""After so long the queues have their turn, however much still waits to be sorted in."""

ROWS_MAX: Final = 200
MESSAGES_MAX: Final = 2_000
"""Of one transaction: rows of intakes, and messages in them (of the first row, all)."""

ASIDE_ROWS_MAX: Final = 20
ASIDE_S: Final = 30.0
"""So many rows of what could not be sorted in are tried again each time so long has passed."""

UNKNOWN_SHARE: Final = 5
"""A fifth of what is sorted in or judged in one turn is of unknown sources, however much known
devices send."""

REPEAT_WINDOW: Final = timedelta(minutes=3)
"""A message equal to one heard at most this long ago repeats it; later it is news."""

_COMMIT_AFTER: Final = timedelta(minutes=1)
"""A message is committed well within this time of its receipt."""

Reader = Callable[[bytes], tuple[tuple[SignalRead, ...], bytes | None]]
"""Signals and repeat key of a message, from its bytes as they came."""

_SORTING: Final = 0x746F6373_736F7274  # advisory lock of who sorts in


class CannotRead(Exception):
    """There is no reader of the message's protocol, or it failed."""


_UNSORTABLE: Final = (
    *(CannotOpen, KeyMissing, CannotRead, ValueError),
    *(psycopg.DataError, psycopg.IntegrityError),
)


class Arrival(NamedTuple):
    """One row of an intake's commit, without its body."""

    lane: int
    id: UUID
    messages: int


class Sorter:
    """Sorts in what intakes have committed. All that it knows is in the tables, so that any worker
    may go on where another one stopped."""

    def __init__(self, keyring: Keyring, readers: Mapping[str, Reader]) -> None:
        """`readers` by protocol, for what intakes left to be read later."""
        self._readers = readers
        self._reading = DayKeys(keyring, create=False)
        self._writing = DayKeys(keyring)
        self._transactions = 0
        self._try_aside_at = 0.0
        self._aside_after = UUID(int=0)

    def sort(self, connection: Connection) -> int:
        """Sort until nothing waits, or for SORT_S_MAX; returns how many messages. Commits. One
        worker at a time, so that a message is found when its repeat is sorted in; 0 for the others.
        """
        locked = connection.execute("SELECT pg_try_advisory_lock(%s)", (_SORTING,)).fetchone()
        connection.commit()
        if locked != (True,):
            return 0
        try:
            return self._sort_some(connection)
        finally:
            with contextlib.suppress(psycopg.Error):  # a connection that is gone holds no lock
                connection.rollback()
                connection.execute("SELECT pg_advisory_unlock(%s)", (_SORTING,))
                connection.commit()

    def _sort_some(self, connection: Connection) -> int:
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
                return done
        if began >= self._try_aside_at:
            done += self._try_aside(connection)
            self._try_aside_at = time.monotonic() + ASIDE_S
        return done

    def _pick(self, connection: Connection) -> list[Arrival]:
        """The next rows, as many as one transaction takes: of known devices, then of unknown
        sources, which come first every now and then, then of floods."""
        self._transactions += 1
        lanes = [Lane.KNOWN, Lane.UNKNOWN, Lane.FLOOD]
        if self._transactions % UNKNOWN_SHARE == 0:
            lanes[:2] = lanes[1::-1]
        for lane in lanes:
            rows = connection.execute(_NEXT_ARRIVED, (lane, UUID(int=0), ROWS_MAX)).fetchall()
            picked: list[Arrival] = []
            messages = 0
            for row in rows:
                one = Arrival(*row)
                messages += one.messages
                if picked and messages > MESSAGES_MAX:
                    break
                picked.append(one)
            if picked:
                return picked
        return []

    def _sort(self, connection: Connection, picked: list[Arrival]) -> int:
        """One transaction. Raises `_UNSORTABLE`."""
        lanes, arrivals = [one.lane for one in picked], [one.id for one in picked]
        messages: list[tuple[UUID, Heard]] = []
        for arrival, body in connection.execute(_TAKE, (lanes, arrivals)):
            heard = map(self._read, unpack(self._reading, arrival, body))
            messages += _named(arrival, heard)
        known = _originals(connection, messages)
        rows = Rows(self._writing)
        repeats: Counter[str] = Counter()
        for identifier, message in messages:
            repeat_of = _repeated(message, known)
            rows.add(identifier, message, repeat_of)
            if repeat_of is not None:
                repeats[f"{message.protocol}.repeat"] += 1
            elif message.repeat_key is not None:
                known.setdefault(message.repeat_key, []).append((message.received_at, identifier))
        rows.write(connection)
        connection.execute(_TAKEN, (lanes, arrivals))
        for name, times in sorted(repeats.items()):
            connection.execute(_COUNT, (name, times))
        if rows.pending:
            connection.execute("SELECT pg_notify('sorted', '')")
        connection.commit()
        return len(messages)

    def _read(self, message: Heard) -> Heard:
        """With its signals. Raises `CannotRead`."""
        if message.signals is not None:
            return message
        try:
            signals, repeat_key = self._readers[message.protocol](message.body)
        except Exception as error:
            raise CannotRead(f"by the reader of {message.protocol}: {error!r}") from error
        return replace(message, signals=signals, repeat_key=repeat_key)

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
        if one.lane != Lane.ASIDE:
            connection.execute(_SET_ASIDE, (one.lane, one.id, Lane.ASIDE))
            connection.commit()
            logger.error(
                "what an intake committed cannot be sorted in and was set aside",
                extra={"arrival": str(one.id), "messages": one.messages, "why": why},
            )
        return 0

    def _divide(self, connection: Connection, one: Arrival) -> bool:
        """A row for each message, in the place of the one that held them all."""
        row = connection.execute(_TAKE, ([one.lane], [one.id])).fetchone()
        if row is None:
            return False
        connection.execute(_TAKEN, ([one.lane], [one.id]))
        for arrival, message in _named(one.id, unpack(self._reading, *row)):
            body = pack(self._writing, arrival, [message])
            connection.execute(_PUT, (one.lane, arrival, message.received_at, body))
        connection.commit()
        return True

    def _try_aside(self, connection: Connection) -> int:
        """Once more a few of those set aside, others each time: a key may have come back."""
        rows = connection.execute(
            _NEXT_ARRIVED, (Lane.ASIDE, self._aside_after, ASIDE_ROWS_MAX)
        ).fetchall()
        done = sum(self._sort_alone(connection, Arrival(*row)) for row in rows)
        self._aside_after = rows[-1][1] if len(rows) == ASIDE_ROWS_MAX else UUID(int=0)
        return done


def _named(arrival: UUID, messages: Iterable[Heard]) -> list[tuple[UUID, Heard]]:
    """Messages of an arrival with their ids, which follow from its own: whoever sorts them in, and
    in however many parts, each has the same."""
    return [
        (following(arrival, SIGNALS_MAX * place), message) for place, message in enumerate(messages)
    ]


# -- repeats ------------------------------------------------------------------------------------

Originals = dict[bytes, list[tuple[datetime, UUID]]]
"""By repeat key: when messages that may be repeated were received, and their ids."""


def _originals(connection: Connection, messages: list[tuple[UUID, Heard]]) -> Originals:
    """What is on record that one of `messages` may repeat."""
    keys = [message.repeat_key for _, message in messages if message.repeat_key is not None]
    if not keys:
        return {}
    # An id's time is that of the commit, and that of a later one after a clock was set back.
    times = [message.received_at for _, message in messages]
    times += (time_of(messages[0][0]), time_of(messages[-1][0]))
    since = first_at(min(times) - REPEAT_WINDOW - _COMMIT_AFTER)
    until = first_at(max(times) + REPEAT_WINDOW + _COMMIT_AFTER)
    found: Originals = {}
    for key, at, identifier in connection.execute(_ORIGINALS, (keys, since, until)):
        found.setdefault(key, []).append((at, identifier))
    return found


def _repeated(message: Heard, known: Originals) -> UUID | None:
    """The earlier message that this one repeats. In doubt none: then it alarms."""
    if message.repeat_key is None:
        return None
    for at, identifier in known.get(message.repeat_key, ()):
        if abs(message.received_at - at) <= REPEAT_WINDOW:
            return identifier
    return None


_NEXT_ARRIVED: Final = """
SELECT lane, id, messages FROM heard.arrived WHERE lane = %s AND id > %s ORDER BY id LIMIT %s"""
_TAKE: Final = """
SELECT a.id, a.body FROM heard.arrived a
JOIN unnest(%s::smallint[], %s::uuid[]) AS taken (lane, id) USING (lane, id)
ORDER BY a.id"""
_TAKEN: Final = """
DELETE FROM heard.arrived a USING unnest(%s::smallint[], %s::uuid[]) AS taken (lane, id)
WHERE a.lane = taken.lane AND a.id = taken.id"""
_PUT: Final = "INSERT INTO heard.arrived VALUES (%s, %s, 1, %s, %s)"
_SET_ASIDE: Final = """
WITH gone AS (DELETE FROM heard.arrived WHERE lane = %s AND id = %s RETURNING *)
INSERT INTO heard.arrived SELECT %s, id, messages, oldest_at, body FROM gone"""
_COUNT: Final = """
INSERT INTO ref.intake_counter AS c (name, value, last_at) VALUES (%s, %s, now())
ON CONFLICT (name) DO UPDATE SET value = c.value + excluded.value, last_at = excluded.last_at"""
_ORIGINALS: Final = """
SELECT repeat_key, received_at, id FROM heard.message
WHERE repeat_key = ANY(%s) AND repeat_of IS NULL AND id >= %s AND id < %s"""


# -- the queues -----------------------------------------------------------------------------------

SENDERS_MAX: Final = 1_000
"""Queues that are looked at in one turn; the oldest signals of all are looked at besides."""

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
