"""What was heard, kept before its sender is answered. One flusher per process: whatever has queued
while the last commit ran goes into the next, so no time window is needed and none is waited for.

A commit keeps its messages as they came, packed and sealed, in one row for each lane; `tocsin work`
sorts them into the tables (record/arrivals.py). So a sender waits for as little as can be.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg

from tocsin.record.database import DatabaseAway, Urls, connect_async
from tocsin.record.fetching import Fetching
from tocsin.record.floods import WINDOW_S, Floods, Lane
from tocsin.record.heard_rows import SIGNALS_MAX, Heard, in_lanes, is_unproven, pack
from tocsin.record.ids import PLACES, OrderedIds, following, milliseconds
from tocsin.record.keys import Keyring
from tocsin.record.notes import NOTE_S_MAX, Notes
from tocsin.record.refused import Refusal
from tocsin.record.sealing import DayKeys

logger = logging.getLogger("tocsin.heard")

QUEUE_MAX: Final = 20_000
"""Messages that may wait for a commit; more are turned away, so that memory stays bounded."""

UNPROVEN_SHARE: Final = 2
"""Half of them at most may be of senders that prove nothing: who invents a source for each datagram
has the share of any number of addresses, and must not cost a panel that answers from its own."""

BATCH_MAX: Final = 1_000
BATCH_WHOLE: Final = 100
"""So few messages are never divided between two commits: each commit costs the edge and PostgreSQL
some 150 us of processor time, whatever it holds (bench/intake.py)."""

FLUSH_S_MAX: Final = 10.0
"""A commit that takes longer counts as lost: its senders hear nothing and try again."""

SEEN_EVERY_S: Final = 1.0
POLL_UNWRITTEN_S_MAX: Final = 4.0
"""A poll may be answered before it is written, but no more of them once one has waited so long."""

_RETRY_S: Final = (0.05, 1.0)


class NotKept(Exception):
    """It is not known to be on disk: answer nothing, the sender will try again."""


Then = Callable[[bool], None]
Waiting = tuple[Heard, Then]


class HeardLog:
    """Keeps messages; one per process and intake. Start it, `keep`, stop it.

    While the database is away `keep` raises `NotKept` at once; it resumes by itself.
    """

    def __init__(self, *, name: str = "edge", queue_max: int = QUEUE_MAX) -> None:
        self.name = name
        self.queue_max = queue_max
        self._unproven_max = queue_max // UNPROVEN_SHARE
        self.not_kept = 0
        self._queue: list[Waiting] = []
        self._unproven: int | None = None  # of them; counted only where it may be too many
        self._untold: list[Waiting] = []  # on disk, and their callers not yet told
        self._notes = Notes()
        self._wake = asyncio.Event()
        self._connected = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._ids = OrderedIds()
        self._floods = Floods()
        self._window_began = 0.0

    # -- start and stop -----------------------------------------------------------------------

    async def start(self, urls: Urls, keyring: Keyring) -> None:
        """Begin; returns at once. Await `connected()` to know that messages can be kept."""
        self._keys = DayKeys(keyring)
        self._url = urls.application
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name=f"heard {self.name}")

    async def connected(self) -> None:
        """Returns when messages can be kept."""
        await self._connected.wait()

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    @property
    def url(self) -> str:
        """The database's, from `start` on: for an intake that has questions to the record."""
        return self._url

    @property
    def waiting(self) -> int:
        """Messages that wait for a commit."""
        return len(self._queue)

    async def stop(self) -> None:
        """Commit what waits (for at most FLUSH_S_MAX), then end; nothing is kept afterwards."""
        if self._task is None:
            return
        self._stopping = True
        if self.is_connected:
            self._idle.clear()
            self._wake.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S_MAX):
                    await self._idle.wait()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await asyncio.sleep(0)  # the loop closes the socket at its next turn
        self._task = None

    # -- what the intakes call ----------------------------------------------------------------

    async def keep(self, message: Heard) -> None:
        """Returns when `message` is on disk. Raises `NotKept`."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def then(is_kept: bool) -> None:
            if not future.done():
                future.set_result(is_kept)

        self.hand_in(message, then)
        if not await future:
            raise NotKept("the commit did not succeed")

    def hand_in(self, message: Heard, then: Then) -> None:
        """The same without a future: `then` is told once, from the flusher, whether the commit
        succeeded, and must not raise. Raises `NotKept` at once, and does not call it, when it
        cannot be kept now."""
        if not self._connected.is_set():
            self.not_kept += 1
            raise NotKept("the database is away")
        signals = message.signals
        if signals is not None and len(signals) > SIGNALS_MAX:
            self.not_kept += 1
            self.count("heard.unstorable")
            raise NotKept(f"{len(signals)} signals in one message")
        if len(self._queue) >= self._unproven_max:
            self._find_room(message)
        self._queue.append((message, then))
        if not self._wake.is_set():
            self._idle.clear()
            self._wake.set()

    def _find_room(self, message: Heard) -> None:
        """Where half of the queue is full. Raises `NotKept` where there is no room for it."""
        if len(self._queue) >= self.queue_max:
            self.not_kept += 1
            self.count("heard.queue_full")
            raise NotKept(f"{self.queue_max} messages wait already")
        if self._unproven is None:
            self._unproven = _unproven_of(self._queue)
        if not is_unproven(message):
            return
        if self._unproven >= self._unproven_max:
            self.not_kept += 1
            self.count("heard.queue_unproven")
            raise NotKept(f"{self._unproven} messages of senders that prove nothing wait already")
        self._unproven += 1

    def seen(self, device: UUID, at: datetime, source: str = "") -> None:
        """A supervision poll that changes nothing: noted within a second, no message is kept.
        `source`: from where, for a device that may not be authenticated.

        Raises `NotKept` while nothing can be written, also when the database only hangs.
        """
        assert self._loop is not None
        if not self._connected.is_set():
            raise NotKept("the database is away")
        if self._notes.polls_wait_s(self._loop.time()) > POLL_UNWRITTEN_S_MAX:
            raise NotKept("earlier polls still wait to be written")
        self._notes.poll(device, at, self._loop.time())
        if source:
            self._floods.polled(device, source)

    def hears(self, intake: str, *, can_hear: bool = True) -> None:
        """Whether a way in has its sockets open; said again each second. While it has, whoever is
        not heard there is silent (record/supervision.py), but for the time in which nothing could
        be kept."""
        if not can_hear:
            self._notes.hears_nothing(intake)
        elif self._connected.is_set():
            self._notes.hears(intake, datetime.now(UTC))

    def count(self, name: str, increase: int = 1) -> None:
        """Add to a counter that screens show; written within a second."""
        self._notes.count(name, increase)

    def refused(self, intake: str, some: Iterable[Refusal], district: str, agency: str) -> None:
        """What a way in refused, for screens; written within a second, as long as it is new.
        `district` and `agency`: those of unknown senders."""
        self._notes.refused.add(self._keys, intake, some, district, agency)

    @property
    def fetching(self) -> Fetching:
        """How ways in fare that an intake goes to itself; changes are written within a second."""
        return self._notes.fetching

    # -- the flusher --------------------------------------------------------------------------

    async def _run(self) -> None:
        wait_s = _RETRY_S[0]
        while True:
            connection = None
            try:
                connection = await connect_async(self._url, name=f"tocsin heard {self.name}")
                self._connected.set()
                wait_s = _RETRY_S[0]
                await self._flush_all(connection)
            except (
                *(OSError, TimeoutError, DatabaseAway),
                *(asyncpg.PostgresError, asyncpg.InterfaceError),
                asyncpg.InternalClientError,  # its word when the server dies between two statements
            ) as error:
                if self._connected.is_set():
                    logger.warning("nothing can be kept", extra={"why": str(error) or repr(error)})
            except Exception:
                # Whatever it was, an intake that stopped for good would be worse.
                logger.exception("keeping failed")
            finally:
                self._connected.clear()
                self._notes.hears_nothing()
                self._tell_untold()
                self._turn_away()
                if connection is not None:
                    connection.terminate()
                    await asyncio.sleep(0)  # the socket is closed in the loop's next turn
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _RETRY_S[1])

    async def _flush_all(self, connection: asyncpg.Connection) -> None:
        assert self._loop is not None
        write = await connection.prepare(_KEEP)
        noted_at = self._loop.time() - SEEN_EVERY_S  # what waited for this connection goes at once
        while True:
            if not self._queue:
                self._tell_untold()
            is_time = self._loop.time() - noted_at >= SEEN_EVERY_S
            if (is_time and self._notes.is_hearing) or (
                self._notes.waiting and (is_time or (self._stopping and not self._queue))
            ):
                self._tell_untold()
                oldest = self._queue[0][0].received_at if self._queue else None
                await self._notes.write(connection, oldest, partial(self._flush_meanwhile, write))
                noted_at = self._loop.time()
            if self._loop.time() - self._window_began >= WINDOW_S:
                self._tell_untold()
                await self._next_window(connection)
            if self._queue:
                await self._flush_share(write)
                continue
            self._wake.clear()
            if not self._notes.waiting:
                self._idle.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SEEN_EVERY_S):
                    await self._wake.wait()
            if connection.is_closed():
                raise DatabaseAway("the connection was closed")

    async def _flush_share(self, write: Any) -> None:
        """One commit, of what waits for it."""
        share = _share(len(self._queue))
        taken, self._queue = self._queue[:share], self._queue[share:]
        if self._unproven is not None:
            is_half = len(self._queue) >= self._unproven_max
            self._unproven = self._unproven - _unproven_of(taken) if is_half else None
        await self._flush(write, taken)

    async def _flush_meanwhile(self, write: Any) -> None:
        """While the notes of many devices are written: no alarm waits for them all."""
        if self._queue:
            await self._flush_share(write)
        self._tell_untold()

    async def _flush(self, write: Any, taken: list[Waiting]) -> None:
        try:
            await self._commit(write, taken)
        except (asyncpg.DataError, UnicodeError) as error:
            if len(taken) == 1:
                logger.warning("a message cannot be stored", extra={"why": str(error)})
                self.count("heard.unstorable")
                self._refuse(taken)
                return
            # One of them holds what cannot be stored; it must not cost the others their answer.
            for place, one in enumerate(taken):
                try:
                    await self._flush(write, [one])
                except BaseException:
                    self._refuse(taken[place + 1 :])
                    raise
        except BaseException:
            self._refuse(taken)
            raise

    async def _commit(self, write: Any, taken: list[Waiting]) -> None:
        writing = asyncio.ensure_future(write.fetch(self._rows(taken), timeout=FLUSH_S_MAX))
        try:
            # It leaves at the loop's next turn. Those of the last commit are told only then, so
            # that the server and we work at the same time.
            await asyncio.sleep(0)
            self._tell_untold()
            await writing
        finally:
            writing.cancel()
        for message, _ in taken:
            if message.device is not None and message.is_sign_of_life:
                self._notes.heard(message.device, message.received_at)
        self._untold += taken

    def _rows(self, taken: list[Waiting]) -> list[tuple[Any, ...]]:
        """The rows of one commit: one for each lane that a message of it goes to. The ids of their
        messages follow from theirs, in the order of the lanes."""
        commit = UUID(bytes=self._ids.next(milliseconds(datetime.now(UTC)), os.urandom(6)))
        last = following(commit, PLACES - 1)
        lanes = in_lanes(self._floods, (message for message, _ in taken), last)
        rows = []
        arrival = commit
        for lane, messages in sorted(lanes.items()):
            body = pack(self._keys, arrival, messages)
            rows.append((lane, arrival, len(messages), messages[0].received_at, body))
            if len(rows) < len(lanes):
                arrival = following(arrival, SIGNALS_MAX * len(messages))
        return rows

    async def _next_window(self, connection: asyncpg.Connection) -> None:
        assert self._loop is not None
        oldest = None
        if self._floods.senders:
            try:
                oldest = await connection.fetchval(_OLDEST, Lane.FLOOD, timeout=NOTE_S_MAX)
            except TimeoutError:  # it is not worth a connection; all stay where they are
                oldest = UUID(int=0)
        self._floods.next_window(oldest)
        self._window_began = self._loop.time()

    def _tell_untold(self) -> None:
        untold, self._untold = self._untold, []
        _tell(untold, is_kept=True)

    def _refuse(self, taken: list[Waiting]) -> None:
        self.not_kept += len(taken)
        _tell(taken, is_kept=False)

    def _turn_away(self) -> None:
        """The database is away: whoever waits hears nothing, and tries again."""
        waiting, self._queue, self._unproven = self._queue, [], None
        self._refuse(waiting)
        self._idle.set()


def _share(waiting: int) -> int:
    """How many go into the next commit: half of many, so that while the server commits one half,
    the senders of the other are answered and their next messages heard."""
    return min(max(-(-waiting // 2), BATCH_WHOLE), BATCH_MAX)


def _unproven_of(waiting: list[Waiting]) -> int:
    return sum(is_unproven(message) for message, _ in waiting)


def _tell(waiting: list[Waiting], *, is_kept: bool) -> None:
    """One caller's mistake must not end the flusher for all."""
    for _, then in waiting:
        try:
            then(is_kept)
        except Exception:
            logger.exception("what follows a commit failed")


# One statement, so one round trip and one transaction; NOTIFY once per commit wakes `tocsin work`.
_KEEP: Final = """
WITH kept AS (
    INSERT INTO heard.arrived SELECT * FROM unnest($1::heard.arrived[]) RETURNING 1
)
SELECT pg_notify('heard', '') FROM kept LIMIT 1"""

_OLDEST: Final = "SELECT id FROM heard.arrived WHERE lane = $1 ORDER BY id LIMIT 1"
