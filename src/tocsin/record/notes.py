"""What an intake notes beside its messages, within a second: when each device was last heard, what
was counted, and from when to when each way in could hear at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
from asyncpg.pgproto import pgproto

from tocsin.record import fetching, refused

NOTE_S_MAX: Final = 4.0
"""A note that takes longer counts as lost. Polls were answered before, so trust is short here."""

SEEN_PART: Final = 1_000
"""Devices whose times go in one statement. Encoding it takes some 3 ms in which nobody is heard,
and of a million devices that poll each minute 50 do so meanwhile; the kernel keeps a few hundred
datagrams for us."""

DEAF_S_MAX: Final = 10.0
"""A process that notes nothing for longer was stopped, and heard nothing either."""


class Notes:
    """What waits to be noted. Nothing of it is lost while the process lives: what could not be
    written is written with what comes after it."""

    def __init__(self) -> None:
        # By the number of its id: an id itself costs a call to hash, another to compare.
        self._seen: dict[int, tuple[datetime, int]] = {}
        self._counters: dict[str, int] = {}
        self.refused = refused.Waiting()
        self.fetching = fetching.Fetching()
        self._hearing: dict[str, datetime] = {}  # ways in, and since when each could hear
        self._heard_until: datetime | None = None  # as written
        self._poll_waits_since: float | None = None  # the oldest that is not written; loop time

    def heard(self, device: UUID, at: datetime) -> None:
        """A message of the device is on disk."""
        before = self._seen.get(device.int)
        self._seen[device.int] = (at, 0 if before is None else before[1])

    def poll(self, device: UUID, at: datetime, now: float) -> None:
        """The device only said that it is there. `now`: loop time."""
        if self._poll_waits_since is None:
            self._poll_waits_since = now
        before = self._seen.get(device.int)
        self._seen[device.int] = (at, 1 if before is None else before[1] + 1)

    def polls_wait_s(self, now: float) -> float:
        """Since when a poll waits to be written, in seconds of loop time; 0 for none."""
        return 0.0 if self._poll_waits_since is None else now - self._poll_waits_since

    def count(self, name: str, increase: int = 1) -> None:
        self._counters[name] = self._counters.get(name, 0) + increase

    def hears(self, intake: str, now: datetime) -> None:
        """A way in can hear, from now on where it was not said before."""
        self._hearing.setdefault(intake, now)

    def hears_nothing(self, intake: str | None = None) -> None:
        """A way in cannot hear, or none can keep anything: its span of hearing ends with what was
        noted last."""
        if intake is None:
            self._hearing.clear()
        else:
            self._hearing.pop(intake, None)

    @property
    def is_hearing(self) -> bool:
        return bool(self._hearing)

    @property
    def waiting(self) -> bool:
        """Whether anything but the time itself is to be noted."""
        return bool(self._seen or self._counters or self.refused or self.fetching.is_due)

    async def write(
        self,
        connection: asyncpg.Connection,
        oldest: datetime | None,
        between: Callable[[], Awaitable[None]],
    ) -> None:
        """Note it all: devices part by part, then the rest in one transaction. `between` the parts
        goes what must not wait for a million devices. `oldest`: when the oldest message was
        received that waits for its commit. Raises what asyncpg does, and TimeoutError where one
        step takes longer than NOTE_S_MAX."""
        seen, self._seen = self._seen, {}
        counters, self._counters = self._counters, {}
        turned_away = self.refused.take()
        fares = self.fetching.take()
        began = asyncio.get_running_loop().time()
        until = self._all_written_until(oldest)
        try:
            # In id order, so that two processes never wait for each other's rows.
            ordered = sorted(seen)
            for first in range(0, len(ordered), SEEN_PART):
                part = ordered[first : first + SEEN_PART]
                last, polls = zip(*map(seen.__getitem__, part), strict=True)
                ids = [pgproto.UUID(one.to_bytes(16, "big")) for one in part]
                await connection.execute(_SEEN, ids, last, polls, timeout=NOTE_S_MAX)
                for one in part:
                    del seen[one]
                await between()
            async with asyncio.timeout(NOTE_S_MAX), connection.transaction():
                if self._hearing:
                    began_at = sorted(self._hearing.items())
                    spans = [(name, at, max(at, until)) for name, at in began_at]
                    await connection.executemany(_HEARING, spans)
                if counters:
                    names = sorted(counters)  # as with the devices
                    await connection.execute(_COUNTERS, names, [counters[one] for one in names])
                if turned_away:
                    await refused.write(connection, turned_away, datetime.now(UTC))
                if fares:
                    await fetching.write(connection, fares)
        except BaseException:
            # Nothing may be lost by a restart of the database; newer sightings win.
            for device, (at, polls_of) in seen.items():
                newer, more = self._seen.get(device, (at, 0))
                self._seen[device] = (newer, more + polls_of)
            for name, increase in counters.items():
                self.count(name, increase)
            self.refused.put_back(turned_away)
            self.fetching.put_back(fares)
            raise
        self._poll_waits_since = began if self._seen else None
        self._heard_until = until

    def _all_written_until(self, oldest: datetime | None) -> datetime:
        """What was received up to this time is on record once what is noted now is. Who was not
        awake for some seconds, as on a machine that slept, could not hear meanwhile."""
        now = datetime.now(UTC)
        before = self._heard_until
        if before is not None and abs((now - before).total_seconds()) > DEAF_S_MAX:
            self._hearing = dict.fromkeys(self._hearing, now)
        return now if oldest is None else min(now, oldest)


_SEEN: Final = """
INSERT INTO ref.seen AS s (device, last_seen_at, polls)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[])
ON CONFLICT (device) DO UPDATE SET polls = s.polls + excluded.polls,
    last_seen_at = greatest(s.last_seen_at, excluded.last_seen_at)"""

_HEARING: Final = """
INSERT INTO ref.hearing AS h (intake, began_at, until_at) VALUES ($1, $2, $3)
ON CONFLICT (intake, began_at) DO UPDATE SET until_at = greatest(h.until_at, excluded.until_at)"""

_COUNTERS: Final = """
INSERT INTO ref.intake_counter AS c (name, value, last_at)
SELECT name, value, now() FROM unnest($1::text[], $2::bigint[]) AS n (name, value)
ON CONFLICT (name) DO UPDATE SET value = c.value + excluded.value, last_at = excluded.last_at"""
