"""The stream down to the screens (Server-Sent Events): `change` (id = position in the log), `tick`
each second, `positions`, `reset` (fetch a fresh snapshot). One follower of the log per process,
fanned out through the one policy; it rests while no screen is there. No sealed field comes here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
from prometheus_client import Counter, Gauge
from starlette.types import Receive, Scope, Send

from tocsin.core.access import ever
from tocsin.core.terms import Actor, Role
from tocsin.edge import sight
from tocsin.edge.asking import Credential, Refuse, answer, credential_of, position_known
from tocsin.edge.figures import Figures, Looker
from tocsin.edge.replay import FACTS_MAX, Replay
from tocsin.edge.screen import Client, sse
from tocsin.record.database import DatabaseAway, connect_async
from tocsin.record.follow import BATCH_MAX, HEAD, Batch, follow, read

log = logging.getLogger(__name__)

CLIENTS_MAX: Final = 2_000
LINGER_S: Final = 30.0  # after the last client the log is still followed: a page is loaded anew
READ_BACK_BYTES_MAX: Final = 8_000_000  # read from the log for one that comes back; more: afresh
GRANT_CHECK_S: Final = 2.5  # a revoked grant ends its streams within 5 s, a lost round included
DATABASE_TIMEOUT_S: Final = 2.0  # an answer later than this counts as a lost database
SEND_TIMEOUT_S: Final = 30.0  # a client that takes nothing for so long is let go
SILENT_POSITIONS_MAX: Final = 1_000  # unseen facts after which a client still gets its position

CLIENTS = Gauge("tocsin_stream_clients", "Open streams.")
FOLLOWING = Gauge("tocsin_stream_following", "1 while the log is read for screens, 0 at rest.")
TURNED_AWAY = Counter("tocsin_stream_turned_away_total", "Streams refused because of the cap.")
REVOKED = Counter("tocsin_stream_revoked_total", "Streams ended because their grant was gone.")

# Whatever a database that is away, restarting or frozen may raise.
_LOST: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, DatabaseAway)

_GRANTS = (
    "SELECT g.kind, g.credential, actor, name, role, agency, districts, unit, second_factor"
    " FROM public.people_grant g"
    " JOIN unnest($1::text[], $2::text[]) AS asked (kind, credential)"
    " ON g.kind = asked.kind AND g.credential = asked.credential"
)


class Stream:
    """All streams of this process: one follower, one look at the database a second, any number of
    clients up to the cap."""

    def __init__(
        self,
        url: str,
        *,
        demo: bool = False,
        clients_max: int = CLIENTS_MAX,
        tick_s: float = 1.0,
    ) -> None:
        self.url = url
        self.demo = demo
        self.clients_max = clients_max
        self.tick_s = tick_s
        self.position = 0  # of the follower; at rest, where the log ends
        self.database_ok = False
        self._clients: set[Client] = set()
        self._coming = 0  # clients that are let in just now
        self._left_at = float("-inf")
        self._replay = Replay()
        self._begun = False  # whether we know where the log ends
        self._awake = asyncio.Event()
        self._rests = 0  # how often it went to rest: a follower of before is over
        self._reading_back = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        self._asking = asyncio.Lock()
        self._figures = Figures()
        self._looker = Looker(url)

    @property
    def clients(self) -> int:
        return len(self._clients)

    @property
    def is_following(self) -> bool:
        """Whether facts and rows are read: not while nobody is there, nor was lately."""
        return self._awake.is_set()

    @property
    def problem(self) -> str | None:
        """Why screens cannot be served as they should be, in an administrator's words."""
        if not self.database_ok:
            return "database lost"
        return None if self._begun else "catching up with the log"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follows the log and ticks until left; then every stream ends."""
        tasks = [
            asyncio.create_task(loop(), name=loop.__name__)
            for loop in (
                self._follow,
                self._tick,
                self._probe,
                self._check_grants,
                self._read_figures,
            )
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for client in self._clients:
                client.ended = True
                client.wake.set()
            self._looker.close()
            if self._connection is not None:
                self._connection.terminate()

    # --- one client ------------------------------------------------------------------------

    async def serve(self, scope: Scope, receive: Receive, send: Send, refuse: Refuse) -> None:
        """Answers one GET: the stream, or a problem document that says why not."""
        if scope["method"] != "GET":
            await answer(scope, send, 405, "method_not_allowed", refuse)
            return
        after = position_known(scope)
        if after is None:
            await answer(scope, send, 400, "malformed", refuse)
            return
        credential = credential_of(scope)
        try:
            grants = await self._grants([credential]) if credential else {}
        except _LOST:
            await answer(scope, send, 503, "database_lost", refuse)
            return
        grant = grants.get(credential) if credential else None
        if credential is None or grant is None:
            await answer(scope, send, 401, "not_signed_in", refuse)
        elif not grant[1]:
            await answer(scope, send, 403, "second_factor_missing", refuse)
        elif self.clients >= self.clients_max:
            TURNED_AWAY.inc()
            await answer(scope, send, 503, "overloaded", refuse)
        else:
            client = Client(credential, grant[0], after)
            try:
                await self._let_in(client)
            except _LOST:
                await answer(scope, send, 503, "database_lost", refuse)
                return
            await self._stream(client, receive, send)

    async def _let_in(self, client: Client) -> None:
        """Wakes the follower, and has ready what the client missed; one that knows a position of
        another log, or misses more than may be read back, starts afresh."""
        self._coming += 1  # from here on we do not rest: facts since `position` are followed
        try:
            if not self._begun:
                self._stand_at(await self._head())
            self._wake()
            if client.seen > self.position and client.seen > await self._head():
                client.start_afresh()
            else:
                await self._read_back(client.seen)
        finally:
            self._coming -= 1
            self._left_at = asyncio.get_running_loop().time()

    async def _stream(self, client: Client, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),  # a proxy must not collect events
        ]
        # No await between replay and adding: a batch comes to the client once, and none is missed.
        self._resume(client)
        self._clients.add(client)
        CLIENTS.set(self.clients)
        gone = asyncio.create_task(_gone(client, receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            tick = self._tick_event(knows_intake=ever(client.actor, "read:intake"))
            await _push(send, b"retry: 1000\n\n" + tick)
            while not client.ended:
                await client.wake.wait()
                client.wake.clear()
                if chunk := client.take():
                    await _push(send, chunk)
                if client.reset:
                    break
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            log.info("a stream's client took nothing for %s s and was let go", SEND_TIMEOUT_S)
        finally:
            gone.cancel()
            self._clients.discard(client)
            self._left_at = asyncio.get_running_loop().time()
            CLIENTS.set(self.clients)

    def _resume(self, client: Client) -> None:
        """Gives the client what happened after the position it knows, or a reset when that is no
        longer held or more than may wait for it. Nothing more is read for one that is reset: it
        asks for a snapshot. One ahead of the follower waits until the follower has passed it."""
        if client.seen < self._replay.since and not client.reset:
            client.start_afresh()
        missed = () if client.reset else self._replay.after(client.seen)
        for batch in missed:
            self._show(client, batch, {})
            if client.reset:
                return

    async def _read_back(self, after: int) -> None:
        """Reads from the log what the replay lacks of what follows `after`: we rested, or have just
        started. Newest first, so that all who come back share what one of them asked for. Stops at
        what is more than a client may resume over."""
        async with self._reading_back:
            while after < self._replay.since and self.position - after <= FACTS_MAX:
                if self._replay.bytes > READ_BACK_BYTES_MAX:
                    return
                end = self._replay.since
                begin = max(after, end - BATCH_MAX)
                batches = await read(self._ask, begin, end - begin, sight.KINDS)
                if not batches or batches[-1].position != end:
                    return  # the log was put back meanwhile
                if end == self._replay.since:  # else the oldest gave way: the bound is reached
                    self._replay.put_before(begin, batches)

    # --- from the log to every client ------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            await self._awake.wait()
            try:
                await self._follow_until_rest(self._rests)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  whatever it was, screens must come back
                self.database_ok = False
                log.warning("following the log failed, trying again: %r", error)
                await asyncio.sleep(0.5)

    async def _follow_until_rest(self, rests: int) -> None:
        def is_over() -> bool:
            return rests != self._rests

        found = follow(self.url, self.position, kinds=sight.KINDS, until=is_over)
        async with contextlib.aclosing(found) as batches:
            async for batch in batches:
                if is_over():
                    return
                self._spread(batch)

    def _wake(self) -> None:
        """A client comes. From now on the log is followed from `position`, which does not jump any
        more: whatever it knows, later facts reach it by the follower, earlier ones are read back.
        """
        self._awake.set()
        FOLLOWING.set(1)

    def _rest(self) -> None:
        """Nobody is there, nor was for LINGER_S: no fact and no row is read, none is kept."""
        self._rests += 1
        self._awake.clear()
        self._replay.begin(self.position)
        FOLLOWING.set(0)

    def _stand_at(self, head: int) -> None:
        """At rest only: the log ends at `head`."""
        if not self.is_following:
            self._begun = True
            self.position = head
            self._replay.begin(head)

    def _may_rest(self) -> bool:
        idle_s = asyncio.get_running_loop().time() - self._left_at
        return not (self._clients or self._coming) and idle_s >= LINGER_S

    def _spread(self, batch: Batch) -> None:
        self._replay.add(batch)
        self.position = batch.position
        shown: dict[sight.Outlook, bytes | None] = {}
        for client in self._clients:
            self._show(client, batch, shown)

    def _show(self, client: Client, batch: Batch, shown: dict[sight.Outlook, bytes | None]) -> None:
        """Offers the part of a batch that the client's actor may see, encoded once per outlook;
        nothing of a batch that the client knows."""
        if batch.position <= client.seen:
            return
        outlook = sight.outlook(client.actor)
        if outlook not in shown:
            seen = sight.visible(client.actor, batch)
            shown[outlook] = None if seen is None else sse("change", seen, batch.position)
        event = shown[outlook]
        if event is None and batch.position - client.seen >= SILENT_POSITIONS_MAX:
            nothing = {"position": batch.position, "facts": [], "rows": {}}
            event = sse("change", nothing, batch.position)
        if event is not None:
            client.seen = batch.position
            client.offer(event)

    # --- each second -----------------------------------------------------------------------

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            at = max(at + self.tick_s, loop.time())
            ticks = {knows: self._tick_event(knows_intake=knows) for knows in (True, False)}
            for client in self._clients:
                client.tick = ticks[ever(client.actor, "read:intake")]
                client.wake.set()
            await asyncio.sleep(max(0.0, at - loop.time()))

    def _tick_event(self, *, knows_intake: bool) -> bytes:
        """One event for each audience: lag and counters are for those who may read the intake."""
        counters = {**self._figures.counters, "stream_clients": self.clients}
        return sse(
            "tick",
            {
                "at": datetime.now(UTC),
                "position": self.position,
                "database": "ok" if self.database_ok else "lost",
                "lag": self._figures.lag if knows_intake else None,
                "counters": counters if knows_intake else {},
            },
        )

    async def _probe(self) -> None:
        """Apart from the tick: an answer that does not come must not delay what tells it. At rest
        this is all that is asked: whether the database answers, and where the log ends."""
        while True:
            try:
                head = await self._head()
                self.database_ok = True
                if self.is_following and self._may_rest():
                    self._rest()
                self._stand_at(head)
            except _LOST:
                self.database_ok = False
            await asyncio.sleep(self.tick_s)

    async def _read_figures(self) -> None:
        """Lag, counters and positions, by a connection of their own in a thread: when it hangs,
        the tick still goes out and says so."""
        while True:
            try:
                figures = await asyncio.to_thread(self._looker.look)
            except Exception as error:  # noqa: BLE001  the probe says what is lost
                log.info("lag and counters cannot be read: %r", error)
            else:
                self._figures = figures
                for client in self._clients:
                    if new := sight.positions(client.actor, figures.moved):
                        client.positions.update(new)
                        client.wake.set()
            await asyncio.sleep(self.tick_s)

    async def _check_grants(self) -> None:
        while True:
            await asyncio.sleep(GRANT_CHECK_S)
            with contextlib.suppress(*_LOST):
                grants = await self._grants(list({client.credential for client in self._clients}))
                for client in list(self._clients):
                    grant = grants.get(client.credential)
                    if grant is None or not grant[1]:
                        REVOKED.inc()
                        client.ended = True
                        client.wake.set()
                    elif grant[0] != client.actor:
                        client.actor = grant[0]
                        client.start_afresh()

    # --- the database ----------------------------------------------------------------------

    async def _grants(self, credentials: list[Credential]) -> dict[Credential, tuple[Actor, bool]]:
        """Actor and enrolment of each credential that still opens something."""
        kinds = [kind for kind, _ in credentials]
        keys = [key for _, key in credentials]
        rows = await self._ask(_GRANTS, kinds, keys) if credentials else []
        return {
            (row["kind"], row["credential"]): (
                Actor(
                    row["actor"],
                    row["name"],
                    Role(row["role"]),
                    row["agency"],
                    tuple(row["districts"]),
                    row["unit"],
                ),
                row["second_factor"] or self.demo,
            )
            for row in rows
        }

    async def _head(self) -> int:
        rows = await self._ask(HEAD)
        return int(rows[0]["head"])

    async def _ask(self, query: str, *arguments: Any) -> list[Any]:
        """One query within DATABASE_TIMEOUT_S; a connection that failed once is not used again."""
        async with self._asking:
            try:
                async with asyncio.timeout(DATABASE_TIMEOUT_S):
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await connect_async(self.url, name="tocsin stream")
                    rows: list[Any] = await self._connection.fetch(query, *arguments)
            except BaseException:
                if self._connection is not None:
                    self._connection.terminate()
                    self._connection = None
                raise
        return rows


async def _push(send: Send, chunk: bytes) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _gone(client: Client, receive: Receive) -> None:
    """Ends the stream when the browser has closed it."""
    while (await receive())["type"] != "http.disconnect":
        pass
    client.ended = True
    client.wake.set()
