"""Signals between the intake and their judging: what an intake committed is sorted in here, its
messages into rows of their own and their signals into a queue for each sender
(`tocsin.record.turns`)."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

import psycopg
from msgspec.structs import replace

from tocsin.core.probing import PROBLEM
from tocsin.core.signals import SignalRead
from tocsin.record import probing
from tocsin.record.ahead import Ahead, Waiting, by_key, not_sorted_in
from tocsin.record.database import Connection, is_away
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import SIGNALS_MAX, Heard, Rows, pack, sender_of, unpack
from tocsin.record.ids import following
from tocsin.record.keys import Keyring
from tocsin.record.once_muted import OnceMuted
from tocsin.record.repeats import originals, repeat_of_earlier
from tocsin.record.sealing import DayKeys
from tocsin.record.unread import Aside, Teller

logger = logging.getLogger("tocsin.work")

SORT_S_MAX: Final = 0.3
"""One turn of sorting: then another worker may go on, and whoever asks to stop is heard."""

ROWS_MAX: Final = 200
MESSAGES_MAX: Final = 2_000
"""Of one transaction: rows of intakes, and messages in them (of the first row, all)."""

ASIDE_ROWS_MAX: Final = 20
ASIDE_S: Final = 30.0
"""So many rows of what could not be sorted in are tried again at once, and when none of them can,
others after so long."""

UNKNOWN_SHARE: Final = 5
"""A fifth of what is sorted in in one turn is of unknown sources, however much known devices
send."""

FLOOD_SHARE: Final = 10
"""And a tenth is of floods: what floods may be an alarm all the same."""

Reader = Callable[[bytes, bytes | None], tuple[tuple[SignalRead, ...], bytes | None]]
"""Signals and repeat key of a message, from its bytes as they came, and what was encrypted in them
where the intake has opened it."""

_SORTING: Final = 0x746F6373_736F7274  # advisory lock of who sorts in


class CannotRead(Exception):
    """There is no reader of the message's protocol, or it failed."""


class Arrival(NamedTuple):
    """One row of an intake's commit, without its body."""

    lane: int
    id: UUID
    messages: int


class Sorter:
    """Sorts in what intakes have committed. All that it knows is in the tables, so that any worker
    may go on where another one stopped."""

    def __init__(
        self,
        keyring: Keyring,
        readers: Mapping[str, Reader],
        *,
        district: str = "",
        agency: str = "",
    ) -> None:
        """`readers` by protocol, for what intakes left to be read later. `district` and `agency`
        hear of what nobody can open."""
        self._readers = readers
        self._teller = Teller(keyring, district=district, agency=agency)
        self._keys = DayKeys(keyring, create=False)
        self._once_muted = OnceMuted()
        self._ahead = Ahead(self._keys, self._read)
        self._has_more = False  # than the last transaction took
        self._transactions = 0
        self._try_aside_at = 0.0
        self._aside_after = UUID(int=0)

    def sort(self, connection: Connection) -> int:
        """Sort until nothing waits, or for SORT_S_MAX; returns how many messages were dealt with.
        Commits. One worker at a time, so that a message is found when its repeat is sorted in; 0
        for the others. Raises what says that the database is away.
        """
        until = time.monotonic() + SORT_S_MAX
        try:
            done = self._sort_some(connection, until)
            if time.monotonic() >= self._try_aside_at:
                done += self._try_aside(connection, until)
        finally:
            with contextlib.suppress(psycopg.Error):  # a connection that is gone has ended it
                connection.rollback()
        return done

    def _sort_some(self, connection: Connection, until: float) -> int:
        done = 0
        while True:
            if self._has_more:
                try:
                    self._sort_ahead(connection)
                except BaseException:  # what it had taken is found again, before what came after
                    self._ahead = Ahead(self._keys, self._read)
                    raise
            picked = self._pick(connection)
            if not picked:
                break
            try:
                dealt_with = self._sort(connection, picked)
            except Exception as error:
                if is_away(error):
                    raise
                connection.rollback()  # it is said for the one that it is
                dealt_with = self._sort_singly(connection, picked, until)
            done += dealt_with
            if not dealt_with or time.monotonic() > until:
                break
        connection.rollback()
        return done

    def _sort_ahead(self, connection: Connection) -> None:
        """First of all what senders tell of now that were quiet: in a transaction of its own, so
        that it waits for no other. Each stays in its row, and is counted, until that has its turn.
        """
        if not _is_ours(connection):
            return
        self._ahead.look(connection)
        taken = self._ahead.take()
        if len(taken) > 1 and self._goes_ahead(connection, taken):
            taken = []
        failed: set[str] = set()
        for one in taken:  # it is one of them
            sender = sender_of(one.message)
            if sender in failed or not self._goes_ahead(connection, [one]):
                failed.add(sender)
                self._ahead.has_its_turn(one)
        connection.rollback()

    def _goes_ahead(self, connection: Connection, some: list[Waiting]) -> bool:
        try:
            if not _is_ours(connection):
                return False
            self._store(connection, self._ahead.still_waiting(connection, some))
            connection.execute("SELECT pg_notify('sorted', '')")
            connection.commit()
        except Exception as error:  # what it is, is said when its row has its turn
            if is_away(error):
                raise
            connection.rollback()
            return False
        return True

    def _sort_singly(self, connection: Connection, picked: list[Arrival], until: float) -> int:
        """One by one, as long as there is time: it is one of them, and must not keep the others
        back. Ends when one was divided: its messages come before those behind it."""
        done = 0
        aside = Counter[str]()
        failed: list[Arrival] = []
        for one in picked:
            if not _is_ours(connection):
                break
            try:
                done += self._sort(connection, [one])
            except Exception as error:  # whatever it is, the others go on
                if is_away(error):
                    raise
                connection.rollback()
                if one.messages > 1 and self._divide(connection, one):
                    done += one.messages
                    break
                if one.lane != Lane.ASIDE:
                    failed.append(one)
                    aside[str(error) or repr(error)] += one.messages
            if time.monotonic() > until:
                break
        if failed:
            done += self._set_aside(connection, failed)
        for why, messages in aside.items():
            logger.error(
                "messages that cannot be sorted in were set aside",
                extra={"messages": messages, "why": why},
            )
        return done

    def _set_aside(self, connection: Connection, failed: list[Arrival]) -> int:
        """Returns how many rows were. Each was acknowledged, so it is told of, in the same
        transaction: what is counted only, nobody looks at."""
        asked = ([one.lane for one in failed], [one.id for one in failed])
        if not _is_ours(connection):
            return 0
        try:
            asides = [Aside(*row) for row in connection.execute(_SET_ASIDE, asked)]
            self._teller.rows(connection, asides, datetime.now(UTC)).write(connection)
            connection.execute("SELECT pg_notify('sorted', '')")
        except Exception as error:
            if is_away(error):
                raise
            connection.rollback()
            logger.exception("nobody could be told of what was set aside")
            asides = [Aside(*row) for row in connection.execute(_SET_ASIDE, asked)]
        connection.commit()
        return len(asides)

    def _pick(self, connection: Connection) -> list[Arrival]:
        """The next rows, as many as one transaction takes, which is open then: of known devices,
        then of unknown sources, then of floods; each of these comes first every now and then."""
        if not _is_ours(connection):
            return []
        with by_key(connection):
            rows = connection.execute(_NEXT_ARRIVED, [ROWS_MAX] * 3).fetchall()
        self._transactions += 1
        lanes = [Lane.KNOWN, Lane.UNKNOWN, Lane.FLOOD]
        if self._transactions % UNKNOWN_SHARE == 0:
            lanes[:2] = lanes[1::-1]
        elif self._transactions % FLOOD_SHARE == FLOOD_SHARE - 1:
            lanes = [Lane.FLOOD, *lanes[:2]]
        for lane in lanes:
            picked: list[Arrival] = []
            messages = 0
            for one in map(Arrival._make, rows):
                if one.lane == lane:
                    messages += one.messages
                    if picked and messages > MESSAGES_MAX:
                        break
                    picked.append(one)
            if picked:
                self._has_more = len(picked) < len(rows) or len(picked) == ROWS_MAX
                return picked
        self._has_more = False
        return []

    def _sort(self, connection: Connection, picked: list[Arrival]) -> int:
        """Ends the transaction that is open, in which they are ours. Raises whatever keeps them
        from being sorted in."""
        lanes, arrivals = [one.lane for one in picked], [one.id for one in picked]
        taken: list[tuple[UUID, Heard]] = []
        for arrival, body in connection.execute(_TAKE, (lanes, arrivals)):
            taken += _named(arrival, unpack(self._keys, arrival, body))
        messages = [(one, self._read(message)) for one, message in not_sorted_in(connection, taken)]
        pending = self._store(connection, messages)
        connection.execute(_TAKEN_AND_SAID if pending else _TAKEN, (lanes, arrivals))
        connection.commit()
        return len(taken)

    def _store(self, connection: Connection, messages: list[tuple[UUID, Heard]]) -> int:
        """Writes their rows in the transaction that is open; returns how many signals are to be
        judged."""
        probes = probing.recorded(connection, messages, datetime.now(UTC))
        if probes:
            messages = [
                (one, replace(message, problem=PROBLEM) if one in probes else message)
                for one, message in messages
            ]
        known = originals(connection, messages)
        repeats: Counter[str] = Counter()
        repeated: dict[UUID, UUID] = {}
        for identifier, message in messages:
            repeat_of = repeat_of_earlier(message, known)
            if repeat_of is not None:
                repeats[f"{message.protocol}.repeat"] += 1
                repeated[identifier] = repeat_of
            elif message.repeat_key is not None:
                known.setdefault(message.repeat_key, []).append((message.received_at, identifier))
            if message.replay_key is not None:
                first = (message.received_at, repeat_of or identifier)
                known.setdefault(message.replay_key, []).append(first)
        once_muted = self._once_muted.look(connection, repeated)
        rows = Rows(self._keys)
        for identifier, message in messages:
            is_judged = identifier not in repeated or identifier in once_muted
            rows.add(identifier, message, repeated.get(identifier), is_judged=is_judged)
        rows.write(connection)
        for name, times in sorted(repeats.items()):
            connection.execute(_COUNT, (name, times))
        return rows.pending

    def _read(self, message: Heard) -> Heard:
        """With its signals. Raises `CannotRead`."""
        if message.signals is not None:
            return message
        try:
            read = self._readers[message.protocol]
            signals, repeat_key = read(message.body, message.opened)
        except Exception as error:
            raise CannotRead(f"by the reader of {message.protocol}: {error!r}") from error
        return replace(message, signals=signals, repeat_key=message.repeat_key or repeat_key)

    def _divide(self, connection: Connection, one: Arrival) -> bool:
        """A row for each message, in the place of the one that held them all; False where it cannot
        be opened."""
        try:
            # Taken before it is read: another worker may have dealt with it meanwhile.
            found = connection.execute(f"{_TAKEN} RETURNING a.id, a.body", ([one.lane], [one.id]))
            for arrival, body in found.fetchall():
                for piece, message in _named(arrival, unpack(self._keys, arrival, body)):
                    packed = pack(self._keys, piece, [message])
                    connection.execute(_PUT, (one.lane, piece, message.received_at, packed))
            connection.commit()
        except Exception as error:
            if is_away(error):
                raise
            connection.rollback()  # what it is has been said already
            return False
        return True

    def _try_aside(self, connection: Connection, until: float) -> int:
        """Once more some of those set aside, others each time: a key may have come back. Where one
        can be sorted in now, the next turn tries more, else it is left for ASIDE_S."""
        rows = connection.execute(_NEXT_ASIDE, (self._aside_after, ASIDE_ROWS_MAX)).fetchall()
        connection.rollback()
        picked = [Arrival(*row) for row in rows]
        done = self._sort_singly(connection, picked, max(until, time.monotonic() + SORT_S_MAX))
        has_more = len(picked) == ASIDE_ROWS_MAX
        self._aside_after = picked[-1].id if has_more else UUID(int=0)
        self._try_aside_at = 0.0 if done else time.monotonic() + ASIDE_S
        return done


def _is_ours(connection: Connection) -> bool:
    """Whether no other worker sorts until the transaction that this opens has ended."""
    return connection.execute(_LOCK, (_SORTING,)).fetchone() == (True,)


def _named(arrival: UUID, messages: Iterable[Heard]) -> list[tuple[UUID, Heard]]:
    """Messages of an arrival with their ids, which follow from its own: whoever sorts them in, and
    in however many parts, each has the same."""
    return [
        (following(arrival, SIGNALS_MAX * place), message) for place, message in enumerate(messages)
    ]


_LOCK: Final = "SELECT pg_try_advisory_xact_lock(%s)"
_NEXT_ARRIVED: Final = " UNION ALL ".join(
    f"(SELECT lane, id, messages FROM heard.arrived WHERE lane = {lane} ORDER BY id LIMIT %s)"  # noqa: S608
    for lane in (Lane.KNOWN, Lane.UNKNOWN, Lane.FLOOD)
)
_NEXT_ASIDE: Final = """
SELECT lane, id, messages FROM heard.arrived WHERE lane = 3 AND id > %s ORDER BY id LIMIT %s"""
_TAKE: Final = """
SELECT a.id, a.body FROM heard.arrived a
JOIN unnest(%s::smallint[], %s::uuid[]) AS taken (lane, id) USING (lane, id)
ORDER BY a.id"""
_TAKEN: Final = """
DELETE FROM heard.arrived a USING unnest(%s::smallint[], %s::uuid[]) AS taken (lane, id)
WHERE a.lane = taken.lane AND a.id = taken.id"""
_TAKEN_AND_SAID: Final = (
    f"WITH taken AS ({_TAKEN} RETURNING 1) SELECT pg_notify('sorted', '') FROM taken LIMIT 1"  # noqa: S608
)
_PUT: Final = "INSERT INTO heard.arrived VALUES (%s, %s, 1, %s, %s)"
# One of that name may be there already, where a database was put together by hand: then it stays.
_SET_ASIDE: Final = """
WITH gone AS (
    DELETE FROM heard.arrived a USING unnest(%s::smallint[], %s::uuid[]) AS failed (lane, id)
    WHERE a.lane = failed.lane AND a.id = failed.id
        AND NOT EXISTS (SELECT FROM heard.arrived b WHERE b.lane = 3 AND b.id = a.id)
    RETURNING a.*
)
INSERT INTO heard.arrived SELECT 3, id, messages, oldest_at, body FROM gone
RETURNING id, messages, oldest_at, body"""
_COUNT: Final = """
INSERT INTO ref.intake_counter AS c (name, value, last_at) VALUES (%s, %s, now())
ON CONFLICT (name) DO UPDATE SET value = c.value + excluded.value, last_at = excluded.last_at"""
