"""Following: nothing skipped, nothing twice, woken in milliseconds, through a database restart."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from record_desk import Desk, batches_after

from tocsin.core.commands import AcceptOrder, AddNote
from tocsin.record import follow as following
from tocsin.record.database import Urls, connect, connect_async
from tocsin.record.follow import Batch, follow
from tocsin.record.keys import Keyring
from tocsin.record.migrate import migrate
from tocsin.record.sequencer import assign
from tocsin.record.views.facts import FACTS_AFTER
from tocsin.record.views.overlay import BY_ID
from tocsin.site.postgres import Postgres


async def take(batches: AsyncIterator[Batch], facts: int, limit_s: float = 10) -> list[Batch]:
    taken: list[Batch] = []
    async with asyncio.timeout(limit_s):
        while sum(len(batch.facts) for batch in taken) < facts:
            taken.append(await anext(batches))
    return taken


@pytest.fixture
def read_all(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set whenever a follower has found nothing new: from then on it waits."""
    found_nothing = asyncio.Event()
    read = following.read

    async def told(*arguments: Any) -> list[Batch]:
        batches = await read(*arguments)
        if not batches:
            found_nothing.set()
        return batches

    monkeypatch.setattr(following, "read", told)
    return found_nothing


def test_catches_up_then_is_woken_at_once(
    urls: Urls, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, read_all: asyncio.Event
) -> None:
    monkeypatch.setattr(following, "LOOK_S", 600)  # only a wake-up can bring what is new

    async def run() -> None:
        with connect(urls.application) as connection:
            desk = Desk(connection, keyring)
            incident = desk.open()
            order = desk.send(incident, desk.unit())
            assign(connection)
            batches = follow(urls.application, 0, batch_max=2)
            caught_up = await take(batches, 6)
            positions = [fact["position"] for batch in caught_up for fact in batch.facts]
            assert positions == list(range(1, len(positions) + 1))
            assert [batch.position for batch in caught_up] == [
                batch.facts[-1]["position"] for batch in caught_up
            ]

            waits = []
            for _ in range(10):
                read_all.clear()
                woken = asyncio.create_task(take(batches, 1))
                await read_all.wait()
                await asyncio.to_thread(desk.do, AddNote(incident, "x"))
                began = time.perf_counter()
                await asyncio.to_thread(assign, connection)
                (batch,) = await woken
                waits.append(time.perf_counter() - began)
                assert batch.facts[0]["kind"] == "incident.noted"
                assert batch.facts[0]["data"] == {}  # what it says is sealed
            print(f"woken after {sorted(waits)[5] * 1e3:.1f} ms (median)")
            assert sorted(waits)[5] < 1, waits

            desk.do(AcceptOrder(order))
            assign(connection)
            (batch,) = await take(batches, 2)
            assert [row["state"] for row in batch.rows["orders"]] == ["accepted"]
            # An order's progress shows in its incident's row, though no fact is about it.
            assert batch.rows["incidents"][0]["units"][0]["state"] == "accepted"
            await batches.aclose()  # type: ignore[attr-defined]

    asyncio.run(run())


def test_a_follower_survives_the_restart_of_the_database(
    tmp_path: Path, read_all: asyncio.Event
) -> None:
    data = Path(tempfile.mkdtemp(prefix="tocsin-follow-"))
    keyring = Keyring(tmp_path / "keys")
    told: list[bool] = []
    lost = asyncio.Event()

    def tell(is_there: bool) -> None:
        told.append(is_there)
        if not is_there:
            lost.set()

    async def run(postgres: Postgres) -> None:
        urls = postgres.urls()
        with connect(urls.application) as connection:
            desk = Desk(connection, keyring)
            for _ in range(3):
                desk.open()
            assign(connection)
        batches = follow(urls.application, 0, on_database=tell)
        assert len(await take(batches, 3)) >= 1
        read_all.clear()
        waiting = asyncio.create_task(take(batches, 2, limit_s=30))
        await read_all.wait()
        await asyncio.to_thread(postgres.stop)
        await lost.wait()
        await asyncio.to_thread(postgres.start)
        with connect(urls.application) as connection:
            desk = Desk(connection, keyring)
            desk.open()
            desk.open()
            assign(connection)
        positions = [fact["position"] for batch in await waiting for fact in batch.facts]
        assert positions == [4, 5]
        assert told == [True, False, True]

    postgres = Postgres(data)
    try:
        postgres.start()
        migrate(postgres.urls().owner)
        asyncio.run(run(postgres))
    finally:
        with contextlib.suppress(Exception):
            postgres.stop()
        shutil.rmtree(data, ignore_errors=True)


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_every_batch_size_reads_the_same(urls: Urls, limit: int) -> None:
    batches = batches_after(urls.application, 0, limit)
    assert all(len(batch.facts) <= limit for batch in batches)
    positions = [fact["position"] for batch in batches for fact in batch.facts]
    assert positions == list(range(1, len(positions) + 1))
    with connect(urls.application) as connection:
        whole = connection.execute("SELECT count(*) FROM log.position").fetchone()
    assert whole == (len(positions),)


def test_a_batch_of_large_rows_is_cut_and_loses_nothing(
    fresh_urls: Urls, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(fresh_urls.application) as connection:
        desk = Desk(connection, keyring)
        made = [desk.open() for _ in range(4)]
        for incident in made * 2:
            desk.do(AddNote(incident, "x"))
        assign(connection)
        stored = connection.execute("SELECT max(length(row)) FROM view.incident").fetchone()
    assert stored is not None
    (whole,) = batches_after(fresh_urls.application, 0, 500)
    assert [row["id"] for row in whole.rows["incidents"]] == [str(one) for one in made]
    assert len(whole.facts) == 12, "a row that changed three times is read once"
    for rows_max, at_least, at_most in ((9, 1, 1), (2, 4, 11), (0, 12, 12)):
        monkeypatch.setattr(following, "BATCH_BYTES_MAX", rows_max * (stored[0] + 300))
        batches = batches_after(fresh_urls.application, 0, 500)
        assert at_least <= len(batches) <= at_most
        assert [fact for batch in batches for fact in batch.facts] == whole.facts
        for batch in batches:
            assert batch.position == batch.facts[-1]["position"]
            of_facts = list(dict.fromkeys(fact["subject"] for fact in batch.facts))
            assert [row["id"] for row in batch.rows["incidents"]] == of_facts


def test_what_is_not_asked_for_is_not_read_and_only_counts(
    fresh_urls: Urls, keyring: Keyring
) -> None:
    with connect(fresh_urls.application) as connection:
        desk = Desk(connection, keyring)
        unit = desk.unit()
        incident = desk.open()
        desk.send(incident, unit)
        assign(connection)
    asked: list[str] = []

    async def run() -> list[Batch]:
        reader = await connect_async(fresh_urls.application)

        async def fetch(query: str, *arguments: Any) -> list[Any]:
            asked.append(query)
            found: list[Any] = await reader.fetch(query, *arguments)
            return found

        try:
            return await following.read(fetch, 0, 500, ("incidents", "blocks"))
        finally:
            await reader.close()

    (batch,) = asyncio.run(run())
    assert asked == [FACTS_AFTER, BY_ID["incidents"]]
    assert batch.rows.keys() == {"incidents"}
    assert {fact["subject"] for fact in batch.facts} == {str(incident)}
    with connect(fresh_urls.application) as connection:
        last = connection.execute("SELECT max(position) FROM log.position").fetchone()
    assert last == (batch.position,)


def test_it_ends_when_it_is_told_without_another_look(urls: Urls) -> None:
    async def run() -> list[Batch]:
        return [batch async for batch in follow(urls.application, 0, until=lambda: True)]

    assert asyncio.run(run()) == []
