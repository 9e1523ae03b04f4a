"""Who is sorted in before its turn: what a sender tells of now, whose messages do not pile up, is
found in the rows that intakes committed, whatever a thousand others have kept in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from tocsin.record.arrays import Uuids
from tocsin.record.database import Connection
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import SIGNALS_MAX, Heard, is_of_now, sender_of, unpack
from tocsin.record.ids import PLACES, first_at, following, time_of
from tocsin.record.keys import CannotOpen, KeyMissing
from tocsin.record.sealing import DayKeys

LANES: Final = (Lane.KNOWN, Lane.UNKNOWN, Lane.FLOOD)

LOOK_MAX: Final = 8_000
LOOK_BYTES_MAX: Final = 8 * 1024 * 1024
"""Messages of each lane that are looked at between two transactions, and their bytes as committed
(of one row, all): several times what a transaction sorts in, so that it keeps ahead of that."""

ROWS_MAX: Final = 2_000
"""Rows of each lane that are looked for between two transactions."""

BEHIND: Final = timedelta(seconds=15)
"""So long after a row of a later id one of an earlier may be committed: intakes are processes of
their own, and none waits longer for its commit (record/heard.py)."""

EACH_MAX: Final = 4
"""Messages of one sender that wait to go ahead. Whoever sends more piles up, until all that it has
sent is sorted in: so its order holds, and it takes no other's place."""

HELD_MAX: Final = 4_000
HELD_BYTES_MAX: Final = 16 * 1024 * 1024
"""Messages of all senders that wait to go ahead, and their bytes: a second one of a sender as long
as there are half as many, and so on."""

PILED_MAX: Final = 100_000
"""Senders that are known to pile up; where there are more, nobody goes ahead."""

AHEAD_MAX: Final = 500
"""Messages that go ahead in one transaction."""

Read = Callable[[Heard], Heard]
"""A message with its signals; raises whatever keeps them from being read."""


class Waiting(NamedTuple):
    """A message that is to go ahead, and the row that it is in."""

    lane: Lane
    arrival: UUID
    id: UUID
    message: Heard


class Ahead:
    """Finds them. What it knows is lost with the worker, and is only ever about what goes first: it
    begins again with the oldest row that waits.

    A sender is quiet when nothing that it told of now waits to be sorted in, as far as has been
    looked; what it kept while it was cut off does not count. It is the same sender as in judging
    (`tocsin.record.turns`).
    """

    def __init__(self, keys: DayKeys, read: Read) -> None:
        self._keys = keys
        self._read = read
        self._looked: dict[Lane, UUID] = {}
        self._recent: dict[Lane, set[UUID]] = {}  # of those that were looked at, the last BEHIND
        self._oldest: dict[Lane, UUID] = {}  # that waits
        self._held: dict[str, list[Waiting]] = {}
        self._held_count = self._held_bytes = 0
        self._piled: dict[str, dict[Lane, UUID]] = {}  # the last rows with messages of theirs
        self._unknown: dict[Lane, UUID] = {}  # the last rows with messages of who is not among them

    def look(self, connection: Connection) -> None:
        """Look at what has come since the last time. Leaves the transaction open."""
        with by_key(connection):
            rows = connection.execute(_OLDEST, LANES).fetchall()
        self._oldest = {Lane(lane): arrival for lane, arrival in rows}
        if len(self._piled) >= PILED_MAX:
            self._piled = {one: last for one, last in self._piled.items() if self._waits(last)}
        for lane in LANES:
            if lane not in self._oldest:
                self._looked.pop(lane, None)  # also where it was of a clock that was set back
                self._recent.pop(lane, None)
                continue
            chosen = self._next(connection, lane)
            asked = ([lane] * len(chosen), Uuids.of(chosen))
            for arrival, body in connection.execute(_BODIES, asked).fetchall() if chosen else ():
                try:
                    messages = unpack(self._keys, arrival, body)
                except (KeyMissing, CannotOpen):
                    continue  # said when it is its turn
                for place, message in enumerate(messages):
                    self._note(lane, arrival, following(arrival, SIGNALS_MAX * place), message)

    def take(self) -> list[Waiting]:
        """Up to AHEAD_MAX messages: of the senders of few before the first of those that have begun
        to pile up; the first of each, then the second."""
        offered = sorted(
            (sender in self._piled, place, one.id, sender)
            for sender, waiting in self._held.items()
            for place, one in enumerate(waiting)
        )[:AHEAD_MAX]
        return [self._pop(sender) for *_, sender in offered]

    def still_waiting(
        self, connection: Connection, some: list[Waiting]
    ) -> list[tuple[UUID, Heard]]:
        """Those of `some` that are not sorted in, in the order of their ids. Leaves the transaction
        open."""
        lanes, arrivals = [one.lane for one in some], Uuids.of(one.arrival for one in some)
        with by_key(connection):
            there = {one for (one,) in connection.execute(_STILL_THERE, (lanes, arrivals))}
        waiting = [(one.id, one.message) for one in some if one.arrival in there]
        return not_sorted_in(connection, sorted(waiting, key=lambda one: one[0]))

    def has_its_turn(self, one: Waiting) -> None:
        """It could not go ahead: nor does what its sender tells after it."""
        sender = sender_of(one.message)
        self._pile(sender, one.lane, one.arrival)
        while sender in self._held:
            later = self._pop(sender)
            self._pile(sender, later.lane, later.arrival)

    def _next(self, connection: Connection, lane: Lane) -> list[UUID]:
        """The next rows of a lane to look at; first those that came late."""
        looked, recent = self._looked.get(lane, UUID(int=0)), self._recent.setdefault(lane, set())
        since = first_at(time_of(looked) - BEHIND) if looked.int else looked
        recent -= {one for one in recent if one < since}
        asked = {"lane": lane, "looked": looked, "since": since, "rows": ROWS_MAX}
        with by_key(connection):
            rows = connection.execute(_NEXT, asked).fetchall()
        chosen: list[UUID] = []
        messages = size = 0
        for arrival, count, length in rows:
            if arrival in recent:
                continue
            messages += count
            size += length
            if chosen and (messages > LOOK_MAX or size > LOOK_BYTES_MAX):
                break
            chosen.append(arrival)
        recent.update(chosen)
        self._looked[lane] = max(looked, *chosen) if chosen else looked
        return sorted(chosen)

    def _note(self, lane: Lane, arrival: UUID, identifier: UUID, message: Heard) -> None:
        try:
            message = self._read(message)
        except Exception:  # noqa: BLE001 - said when it is its turn
            return
        if not is_of_now(message):
            return
        sender = sender_of(message)
        if not self._piles(sender) and self._has_room(sender, message):
            self._held.setdefault(sender, []).append(Waiting(lane, arrival, identifier, message))
            self._held_count += 1
            self._held_bytes += len(message.body)
        else:
            self._pile(sender, lane, arrival)

    def _pile(self, sender: str, lane: Lane, arrival: UUID) -> None:
        is_known = sender in self._piled or len(self._piled) < PILED_MAX
        last = self._piled.setdefault(sender, {}) if is_known else self._unknown
        last[lane] = max(arrival, last.get(lane, arrival))

    def _piles(self, sender: str) -> bool:
        last = self._piled.get(sender, self._unknown)
        if self._waits(last):
            return True
        self._piled.pop(sender, None)
        return False

    def _waits(self, last: dict[Lane, UUID]) -> bool:
        """Whether one of these rows is not sorted in yet: each lane is, in the order of its ids."""
        return any(
            lane in self._oldest and self._oldest[lane] <= arrival for lane, arrival in last.items()
        )

    def _has_room(self, sender: str, message: Heard) -> bool:
        held = len(self._held.get(sender, ()))
        return (
            held < EACH_MAX
            and self._held_count < HELD_MAX >> held
            and self._held_bytes + len(message.body) <= HELD_BYTES_MAX
        )

    def _pop(self, sender: str) -> Waiting:
        held = self._held[sender]
        one = held.pop(0)
        if not held:
            del self._held[sender]
        self._held_count -= 1
        self._held_bytes -= len(one.message.body)
        return one


@contextmanager
def by_key(connection: Connection) -> Iterator[None]:
    """What is asked in it is found by the keys: when a storm begins the planner does not know of it
    yet, and would read all that waits."""
    connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    yield
    connection.execute("SET LOCAL enable_seqscan = DEFAULT; SET LOCAL enable_bitmapscan = DEFAULT")


def not_sorted_in(
    connection: Connection, messages: list[tuple[UUID, Heard]]
) -> list[tuple[UUID, Heard]]:
    """Of these messages, with their ids, in the order of those: all that did not go ahead. What has
    the id of another message is not taken for that. Leaves the transaction open."""
    first: dict[int, UUID] = {}  # of each commit
    last: dict[int, UUID] = {}
    for one, _ in messages:
        commit = one.int // PLACES
        first.setdefault(commit, one)
        last[commit] = one
    asked = (Uuids.of(first.values()), Uuids.of(last.values()))
    with by_key(connection):
        rows = connection.execute(_SORTED_IN, asked).fetchall()
    there = {identifier: tuple(columns) for identifier, *columns in rows}
    return [
        (one, message)
        for one, message in messages
        if there.get(one) != (message.received_at, message.intake, message.source)
    ]


_OLDEST: Final = " UNION ALL ".join(
    ["(SELECT lane, id FROM heard.arrived WHERE lane = %s ORDER BY id LIMIT 1)"] * len(LANES)
)
_NEXT: Final = """
(SELECT id, messages, octet_length(body) FROM heard.arrived
    WHERE lane = %(lane)s AND id >= %(since)s AND id <= %(looked)s ORDER BY id DESC LIMIT %(rows)s)
UNION ALL
(SELECT id, messages, octet_length(body) FROM heard.arrived
    WHERE lane = %(lane)s AND id > %(looked)s ORDER BY id LIMIT %(rows)s)"""
_BODIES: Final = """
SELECT a.id, a.body FROM heard.arrived a
JOIN unnest(%s::smallint[], %b::uuid[]) AS looked (lane, id) USING (lane, id) ORDER BY a.id"""
_STILL_THERE: Final = """
SELECT a.id FROM heard.arrived a
JOIN unnest(%s::smallint[], %b::uuid[]) AS taken (lane, id) USING (lane, id)"""
_SORTED_IN: Final = """
SELECT m.* FROM unnest(%b::uuid[], %b::uuid[]) AS c (first, last), LATERAL (
    SELECT id, received_at, intake, source_address FROM heard.message
    WHERE id BETWEEN c.first AND c.last OFFSET 0) m"""
