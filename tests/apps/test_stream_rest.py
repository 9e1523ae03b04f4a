"""While no screen is there the log is not read; whoever comes then misses nothing, and is not told
to start afresh again and again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.types import Message, Scope

from little_city import call
from tocsin.core.terms import Role
from tocsin.edge import replay
from tocsin.edge import stream as module
from tocsin.edge.replay import Replay
from tocsin.edge.stream import Stream
from tocsin.record import follow as following
from tocsin.record.database import connect
from tocsin.record.follow import Batch
from web_site import Site

PATIENCE_S = 10


class Screen:
    """One who listens, without a network between: what the stream sends, as it sends it."""

    def __init__(self, stream: Stream, token: str, after: int) -> None:
        self.said = b""
        self.ended = asyncio.Event()
        self._gone = asyncio.Event()
        scope: Scope = {
            "type": "http",
            "method": "GET",
            "query_string": b"after=0",
            "headers": [
                (b"authorization", f"Bearer {token}".encode()),
                (b"last-event-id", str(after).encode()),
            ],
        }
        self.task = asyncio.create_task(self._listen(stream, scope))

    async def _listen(self, stream: Stream, scope: Scope) -> None:
        async def send(message: Message) -> None:
            self.said += message.get("body", b"")

        async def receive() -> Message:
            await self._gone.wait()
            return {"type": "http.disconnect"}

        await stream.serve(scope, receive, send, lambda _s, _n, why: (why.encode(), "x/y"))
        self.ended.set()

    async def leave(self) -> None:
        self._gone.set()
        await self.task

    @property
    def is_reset(self) -> bool:
        return b"event: reset" in self.said

    @property
    def positions(self) -> list[int]:
        """Of all facts that came, in their order."""
        lines = [one for one in self.said.split(b"\n\n") if one.startswith(b"event: change")]
        changes = [json.loads(one.partition(b"data: ")[2]) for one in lines]
        return [fact["position"] for change in changes for fact in change["facts"]]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  it happens in the database too
            await asyncio.sleep(0.01)


@pytest.fixture
def token(site: Site) -> str:
    return site.token(Role.DISPATCHER)


@pytest.fixture
def desk(site: Site) -> httpx.Client:
    return site.client(Role.DISPATCHER)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINGER_S", 0.2)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After which positions facts and rows were read; not by the site's own stream, which runs in a
    thread of its own and may still follow for the screens of other tests."""
    found: list[int] = []
    original = following.read

    async def told(fetch: Any, after: int, *more: Any) -> list[Batch]:
        if threading.current_thread() is threading.main_thread():
            found.append(after)
        return await original(fetch, after, *more)

    monkeypatch.setattr(following, "read", told)
    monkeypatch.setattr(module, "read", told)
    return found


def head(site: Site) -> int:
    with connect(site.urls.application) as connection:
        row = connection.execute("SELECT max(position) FROM log.position").fetchone()
    assert row is not None
    return int(row[0] or 0)


def happen(site: Site, desk: httpx.Client, count: int = 1) -> int:
    """So many facts more; where the log ends then."""
    for _ in range(count):
        call(desk)
    site.number_facts()
    return head(site)


@contextlib.asynccontextmanager
async def at_rest(site: Site) -> AsyncIterator[Stream]:
    """A stream that knows where the log stands, and nobody listens."""
    stream = Stream(site.urls.application, tick_s=0.05)
    end = head(site)
    async with stream.running():
        await until(lambda: stream.database_ok and stream.position == end)
        assert stream.problem is None
        yield stream


def test_at_rest_no_fact_is_read_and_the_position_stays_true(
    site: Site, desk: httpx.Client, token: str, reads: list[int]
) -> None:
    async def run() -> None:
        async with at_rest(site) as stream:
            end = await asyncio.to_thread(happen, site, desk, 3)
            await until(lambda: stream.position == end)
            assert (reads, len(stream._replay), stream.is_following) == ([], 0, False)
            screen = Screen(stream, token, end)
            await until(lambda: stream.clients == 1)
            more = await asyncio.to_thread(happen, site, desk)
            await until(lambda: screen.positions == [more])
            assert (len(stream._replay), stream.is_following) == (1, True)
            await screen.leave()
            await until(lambda: not stream.is_following)
            assert (len(stream._replay), stream._replay.bytes) == (0, 0)
            reads.clear()
            last = await asyncio.to_thread(happen, site, desk, 3)
            await until(lambda: stream.position == last)
            await asyncio.sleep(0)
            assert reads == []
            assert stream.problem is None

    asyncio.run(run())


def test_a_page_that_is_loaded_anew_finds_the_follower_still_there(
    site: Site, desk: httpx.Client, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINGER_S", 600.0)

    async def run() -> None:
        async with at_rest(site) as stream:
            seen = stream.position
            screen = Screen(stream, token, seen)
            await until(lambda: stream.clients == 1)
            await screen.leave()
            end = await asyncio.to_thread(happen, site, desk)
            await until(lambda: stream.position == end)
            assert len(stream._replay) == 1, "it is followed for those who come back"
            again = Screen(stream, token, seen)
            await until(lambda: again.positions == [end])
            await again.leave()

    asyncio.run(run())


@pytest.mark.parametrize("page", [1, 2, 500])
def test_whoever_comes_after_a_rest_gets_all_that_it_missed(
    site: Site,
    desk: httpx.Client,
    token: str,
    reads: list[int],
    monkeypatch: pytest.MonkeyPatch,
    page: int,
) -> None:
    """Snapshot at a position, facts in between, then the stream: also for those who come at once
    with it, from before and after."""
    monkeypatch.setattr(module, "BATCH_MAX", page)

    async def run() -> None:
        async with at_rest(site) as stream:
            seen = stream.position
            end = await asyncio.to_thread(happen, site, desk, 5)
            await until(lambda: stream.position == end)
            screens = [Screen(stream, token, seen + late) for late in (3, 0, 5)]
            await until(lambda: stream.clients == 3)
            last = await asyncio.to_thread(happen, site, desk)
            for screen, late in zip(screens, (3, 0, 5), strict=True):
                wanted = list(range(seen + late + 1, last + 1))
                await until(lambda screen=screen: last in screen.positions)
                assert screen.positions == wanted
                assert not screen.is_reset
            read_back = [after for after in reads if after < end]
            assert len(read_back) <= -(-5 // page) + 1, "what one asked for, others share"
            for screen in screens:
                await screen.leave()

    asyncio.run(run())


def test_facts_of_the_moment_in_which_it_wakes_are_not_lost(
    site: Site, desk: httpx.Client, token: str
) -> None:
    """The position that is known at rest is a moment old: the screen may be ahead of it or not."""

    async def run() -> None:
        async with at_rest(site) as stream:
            stream.tick_s = 600.0  # nothing is looked at any more
            await asyncio.sleep(0.1)
            seen = stream.position
            end = await asyncio.to_thread(happen, site, desk, 4)
            assert stream.position == seen
            screens = [Screen(stream, token, seen + late) for late in (0, 2, 4)]
            for screen, late in zip(screens[:2], (0, 2), strict=True):
                await until(lambda screen=screen: end in screen.positions)
                missed = list(range(seen + late + 1, end + 1))
                assert screen.positions[-len(missed) :] == missed
            last = await asyncio.to_thread(happen, site, desk)
            await until(lambda: screens[2].positions == [last])
            assert not any(screen.is_reset for screen in screens)
            for screen in screens:
                await screen.leave()

    asyncio.run(run())


def test_one_that_is_too_far_back_starts_afresh_once(
    site: Site,
    desk: httpx.Client,
    token: str,
    reads: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FACTS_MAX", 3)

    async def run() -> None:
        async with at_rest(site) as stream:
            seen = stream.position
            end = await asyncio.to_thread(happen, site, desk, 4)
            await until(lambda: stream.position == end)
            old = Screen(stream, token, seen)
            await old.ended.wait()
            assert old.is_reset
            assert [after for after in reads if after < end] == [], "nothing was read for it"
            afresh = int((await asyncio.to_thread(desk.get, "/api/v1/snapshot")).json()["position"])
            last = await asyncio.to_thread(happen, site, desk, 2)
            screen = Screen(stream, token, afresh)
            await until(lambda: screen.positions == [last - 1, last])
            assert not screen.is_reset
            just = Screen(stream, token, end - 1)  # three back, as many as may be
            await until(lambda: just.positions == [end, last - 1, last])
            for one in (screen, just):
                await one.leave()

    asyncio.run(run())


def test_what_is_read_back_is_bounded_and_read_once(
    site: Site,
    desk: httpx.Client,
    token: str,
    reads: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "READ_BACK_BYTES_MAX", 1)
    monkeypatch.setattr(module, "BATCH_MAX", 2)

    async def run() -> None:
        async with at_rest(site) as stream:
            seen = stream.position
            end = await asyncio.to_thread(happen, site, desk, 6)
            await until(lambda: stream.position == end)
            for _ in range(2):
                old = Screen(stream, token, seen)
                await old.ended.wait()
                assert old.is_reset
            assert [after for after in reads if after < end] == [end - 2]
            near = Screen(stream, token, end - 2)
            await until(lambda: near.positions == [end - 1, end])
            await near.leave()

    asyncio.run(run())


# -- the bound ------------------------------------------------------------------------------------


def incident(zones: int) -> dict[str, Any]:
    """A row as large as a flood of alarms at one site makes it."""
    return {
        "id": str(uuid4()),
        "district": "north",
        "agency": "fire",
        "units": [],
        "signals": [str(uuid4()) for _ in range(zones)],
        "open_zones": [
            {"device": str(uuid4()), "zone": str(zone), "partition": "1", "since": "2026-11-21"}
            for zone in range(zones)
        ],
    }


@pytest.mark.parametrize("zones", [0, 50, 500])
def test_the_replay_takes_no_more_than_it_says(monkeypatch: pytest.MonkeyPatch, zones: int) -> None:
    monkeypatch.setattr(replay, "BYTES_MAX", 2_000_000)
    kept = Replay()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for position in range(1, 3_001):
            row = incident(zones)
            fact = {"position": position, "subject": row["id"], "district": "north"}
            kept.add(Batch(position, [fact], {"incidents": [row]}))
            if kept.since > 500:
                break
        del row, fact
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept.bytes <= 2_000_000
    assert taken <= kept.bytes * 1.05 + 20_000
    batches = list(kept.after(kept.since))
    assert [one.position for one in batches] == list(range(kept.since + 1, position + 1))
    assert len(batches) == len(kept)
