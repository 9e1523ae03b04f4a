"""Whose signals are judged next: of all queues that wait, those of senders that were quiet until
now, then the others in turn, some signals of each."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from tocsin.record.database import Connection

UNKNOWN_SHARE: Final = 5
"""A fifth of what is judged in one turn is of unknown sources, however much known devices send."""

SERVED_SHARE: Final = 4
"""A quarter is of queues that had a turn already, however many new ones come."""

OLD_SHARE: Final = 4
"""A quarter is of what happened long ago, however much is told of now."""

AGE_SHARE: Final = 4
"""And of the new queues each fourth is the oldest; before the others go those with fewer signals: a
thousand senders that begin to tell what they kept are new, and so is the one that has a fire."""

COUNTED_MAX: Final = 32
"""Signals of a queue that are counted for this; by powers of two."""

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
    (SELECT queue, signal FROM heard.pending WHERE {which} AND queue >= %(start)s
     ORDER BY queue, signal LIMIT 1)
    UNION ALL
    SELECT n.queue, n.signal FROM step s, LATERAL (
        SELECT queue, signal FROM heard.pending WHERE {which} AND queue > s.queue
        ORDER BY queue, signal LIMIT 1) n
)
SELECT queue, signal FROM step LIMIT %(queues)s"""

_COUNTED: Final = """
SELECT q.queue, (SELECT count(*) FROM (
    SELECT FROM heard.pending WHERE {which} AND queue = q.queue LIMIT %(most)s) w)
FROM unnest(%(queues)s::text[]) AS q (queue)"""

_SIGNALS: Final = """
SELECT q.queue, w.signal
FROM unnest(%(queues)s::text[]) WITH ORDINALITY AS q (queue, place), LATERAL (
    SELECT signal FROM heard.pending WHERE {which} AND queue = q.queue
        AND (failed_at IS NULL OR failed_at + failures * %(again)s <= %(now)s
            OR failed_at > %(now)s)  -- the clock was set back
    ORDER BY signal LIMIT %(each)s) w
ORDER BY q.place, w.signal"""


_OLD: Final = "zz old "
"""So begin the names of queues of long ago: behind those of devices and of addresses, so that the
few of now are found among many of these."""


class _Lane:
    """The queues of known devices, or those of unknown sources; of now, or of long ago."""

    def __init__(self, known: str, *, is_old: bool) -> None:
        which = f"{known} AND queue {'>=' if is_old else '<'} '{_OLD}'"
        self._queues_of = _QUEUES.format(which=which)
        self._signals_of = _SIGNALS.format(which=which)
        self._counted = _COUNTED.format(which=which)
        self._start = ""
        self._new: list[str] = []
        self._served: dict[str, None] = {}
        """Queues that had a turn and were not empty after it; the first is next."""
        self._given: dict[UUID, str] = {}
        """Signals of the turn that goes on, and their queues."""

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

    def take(
        self, connection: Connection, limit: int, now: datetime
    ) -> tuple[list[UUID], list[UUID]]:
        """Up to `limit` signals of the queues that `look` found: of new ones, and of the others."""
        self._given = {}
        if limit <= 0:
            return [], []
        served = list(self._served)[: 2 * (limit // RUN + 1)]
        kept_free = limit // SERVED_SHARE if served else 0
        new = self.take_new(connection, limit - kept_free, now)
        others = self._signals(connection, served, RUN, limit - len(new), now)
        for queue in list(self._served)[: max(0, len(self._served) - SERVED_MAX)]:
            del self._served[queue]
        return new, others

    def take_new(self, connection: Connection, limit: int, now: datetime) -> list[UUID]:
        """Up to `limit` signals of new queues, but those that the turn has given some of."""
        given = {*self._given.values()}
        new = [queue for queue in self._new if queue not in given]
        self._new = []
        if len(new) > 1:
            asked = {"queues": new, "most": COUNTED_MAX}
            counts: dict[str, int] = dict(connection.execute(self._counted, asked).fetchall())
            new = self._fewest(new, {one: counts[one].bit_length() for one in new}, limit)
        return self._signals(connection, new, 1, limit, now)

    @staticmethod
    def _fewest(by_age: list[str], ranks: dict[str, int], limit: int) -> list[str]:
        """Which `limit` of new queues have their turn, in their order."""
        by_count, oldest = deque(sorted(by_age, key=ranks.__getitem__)), deque(by_age)
        chosen: dict[str, None] = {}
        while len(chosen) < min(limit, len(by_age)):
            is_turn_of_age = len(chosen) % AGE_SHARE == AGE_SHARE - 1
            chosen[(oldest if is_turn_of_age else by_count).popleft()] = None
            for some in (by_count, oldest):
                while some and some[0] in chosen:
                    some.popleft()
        return list(chosen)

    def leave(self, rest: AbstractSet[UUID], first: Sequence[UUID]) -> None:
        """Of what the turn gave these are still to be judged; those of `first` are given anew."""
        for one in first:
            self._served.pop(self._given.get(one, ""), None)
        self._given = {one: queue for one, queue in self._given.items() if one in rest}

    def _signals(
        self, connection: Connection, queues: list[str], run: int, limit: int, now: datetime
    ) -> list[UUID]:
        """Of each queue `run` signals, then again, until there are `limit`; in the order heard,
        whatever queue they come from, those of new ones in the order of `queues`. Queues that may
        have more go to the end of the order."""
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
        picked = [signal for *_, signal, _ in offered]
        self._given.update((signal, queue) for *_, signal, queue in offered)
        return picked if run == 1 else sorted(picked)


class Turns:
    """Which signals are judged next. It lives as long as the worker and is lost with it: then all
    queues are new.

    As in fair queueing for networks (RFC 8290, section 4.1), a sender that was quiet until now goes
    before those whose signals pile up: a new alarm waits for no flood, of however many senders.
    """

    def __init__(self) -> None:
        self._known = (_Lane("known", is_old=False), _Lane("known", is_old=True))
        self._unknown = (_Lane("NOT known", is_old=False), _Lane("NOT known", is_old=True))
        self._first: set[UUID] = set()  # of the turn that goes on
        self._left: list[UUID] = []
        self._cuts = 0

    def next(self, connection: Connection, limit: int, now: datetime) -> list[UUID]:
        """Up to `limit` signals: first those that new queues tell of now, then all others, of known
        devices, then of unknown sources, each queue's in the order heard. Those that failed rest
        for a time that grows.

        After a turn that was cut short what it has left of the others, and before that, but for
        each fourth time, what new queues tell of now."""
        if self._left:
            return self._go_on(connection, limit, now)
        waits = [lane.look(connection) for lane in (*self._known, *self._unknown)]
        of_unknown = limit // UNKNOWN_SHARE if any(waits[2:]) else 0
        first: list[list[UUID]] = []
        rest: list[UUID] = []
        taken, room = 0, max(1, limit - of_unknown)
        for (lane, lane_of_old), old_waits in ((self._known, waits[1]), (self._unknown, waits[3])):
            kept_free = room // OLD_SHARE if old_waits else 0
            new, others = lane.take(connection, room - kept_free, now)
            old = lane_of_old.take(connection, room - len(new) - len(others), now)
            first.append(new)
            rest += [*others, *old[0], *old[1]]
            taken += len(new)
            room = limit - taken - len(rest)
        self._first = {*first[0], *first[1]}
        return _merged(*first) + rest

    def cut(self, left: Sequence[UUID]) -> None:
        """The turn ended before these, the last of what `next` gave, had been judged."""
        first = [one for one in left if one in self._first]
        self._left = [one for one in left if one not in self._first]
        for lane in (*self._known, *self._unknown):
            lane.leave({*self._left}, first)

    def _go_on(self, connection: Connection, limit: int, now: datetime) -> list[UUID]:
        rest, self._left = self._left, []
        self._first = set()
        self._cuts += 1
        if self._cuts % SERVED_SHARE == 0:
            return rest
        first: list[list[UUID]] = []
        for (lane, _), share in ((self._known, limit), (self._unknown, limit // UNKNOWN_SHARE)):
            first.append(lane.take_new(connection, share, now) if lane.look(connection) else [])
        self._first = {*first[0], *first[1]}
        return _merged(*first) + rest


def _merged(known: list[UUID], unknown: list[UUID]) -> list[UUID]:
    """Each fifth is of unknown sources: the end of a turn may not be reached."""
    merged: list[UUID] = []
    others = iter(unknown)
    for place, one in enumerate(known):
        merged.append(one)
        if place % UNKNOWN_SHARE == UNKNOWN_SHARE - 2:
            merged += islice(others, 1)
    return merged + list(others)


def queue_of(sender: str, is_old: bool) -> str:
    """The queue that a signal waits in: its sender's, and another for what happened long ago. What
    a panel tells now does not wait for what it kept while it was cut off."""
    return f"{_OLD}{sender}" if is_old else sender
