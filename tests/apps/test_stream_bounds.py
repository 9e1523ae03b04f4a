"""A client that does not read costs nothing but itself; a client too many is turned away."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from starlette.types import Message, Scope

from little_city import call
from tocsin.core.terms import Actor, Role
from tocsin.edge import replay, screen
from tocsin.edge import stream as module
from tocsin.edge.screen import Client
from tocsin.edge.stream import Stream
from tocsin.record.follow import Batch
from web_site import Site

A = ("token", "a")
DESK = Actor("account:1", "Desk", Role.DISPATCHER, "fire")


def batch(position: int, district: str = "north", size: int = 10) -> Batch:
    row = {
        "id": f"i{position}",
        "district": district,
        "agency": "fire",
        "units": [],
        "x": "x" * size,
    }
    fact = {"subject": f"i{position}", "district": district, "agency": "fire"}
    return Batch(position, [fact], {"incidents": [row]})


def test_a_client_that_does_not_read_is_reset_and_its_queue_let_go() -> None:
    client = Client(A, DESK, 0)
    for _ in range(30):
        client.offer(b"x" * 100_000)
    assert client.reset
    assert client.pending_bytes == 0
    assert not client.pending
    assert client.take() == b"event: reset\ndata: {}\n\n"


def test_ticks_and_positions_do_not_queue_up() -> None:
    client = Client(A, DESK, 0)
    for number in range(1_000):
        client.tick = b"tick %d\n\n" % number
        client.positions.update({"u": {"unit": "u", "at": number}})
    assert client.take() == (
        b'event: positions\ndata: {"positions":[{"unit":"u","at":999}]}\n\ntick 999\n\n'
    )


def test_the_memory_kept_for_those_who_come_back_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(replay, "FACTS_MAX", 100)
    stream = Stream("postgresql://nowhere")
    for position in range(1, 501):
        stream._spread(batch(position))
    assert len(stream._replay) == 100
    late, timely = Client(A, DESK, 399), Client(A, DESK, 400)
    stream._resume(late)
    stream._resume(timely)
    assert late.reset
    assert not timely.reset
    assert len(timely.pending) == 100


@pytest.mark.parametrize(
    ("seen", "told_before", "shown"),
    [
        (0, False, 4),  # the fourth is more than may wait for it
        (0, True, 0),  # of another log: told so before
        (-1, False, 0),  # too far back
        (-1, True, 0),
    ],
)
def test_nothing_is_read_for_a_client_that_is_reset(
    monkeypatch: pytest.MonkeyPatch, seen: int, told_before: bool, shown: int
) -> None:
    monkeypatch.setattr(screen, "QUEUE_BYTES_MAX", 3_500)
    stream = Stream("postgresql://nowhere")
    for position in range(1, 51):
        stream._spread(batch(position, size=800))
    resets = screen.RESETS._value.get()
    encoded: list[int | None] = []
    original = module.sse

    def counting(event: str, data: Any, position: int | None = None) -> bytes:
        encoded.append(position)
        return original(event, data, position)

    monkeypatch.setattr(module, "sse", counting)
    client = Client(A, DESK, seen)
    if told_before:
        client.start_afresh()
    stream._resume(client)
    assert encoded == list(range(1, shown + 1))
    assert (client.seen, client.pending_bytes) == (shown or seen, 0)
    assert client.take() == b"event: reset\ndata: {}\n\n"
    assert screen.RESETS._value.get() == resets + 1, "counted once"


def test_one_encoding_serves_all_who_see_the_same(monkeypatch: Any) -> None:
    encoded = itertools.count()
    count = next(encoded)
    original = module.sse

    def counting(*arguments: Any) -> bytes:
        nonlocal count
        count = next(encoded)
        return original(*arguments)

    monkeypatch.setattr(module, "sse", counting)
    stream = Stream("postgresql://nowhere")
    desks = [Client(A, DESK, 0) for n in range(50)]
    south = Actor("account:2", "South", Role.DISPATCHER, "fire", ("south",))
    stream._clients.update(desks, [Client(A, south, 0)])
    stream._spread(batch(1))
    assert count == 1
    assert all(len(client.pending) == 1 for client in desks)
    assert sum(len(client.pending) for client in stream._clients) == 50


def test_a_client_far_behind_in_what_it_may_not_see_still_gets_its_position() -> None:
    stream = Stream("postgresql://nowhere")
    client = Client(A, DESK, 0)
    stream._clients.add(client)
    for position in range(1, module.SILENT_POSITIONS_MAX + 1):
        stream._spread(batch(position, district="x" if position < 0 else "north", size=0))
    assert client.seen == module.SILENT_POSITIONS_MAX
    other = Client(A, Actor("a", "b", Role.DISPATCHER, "police"), 0)
    stream._clients = {other}
    for position in range(1, module.SILENT_POSITIONS_MAX + 1):
        stream._spread(batch(position))
    assert b'"facts":[]' in b"".join(other.pending)
    assert other.seen == module.SILENT_POSITIONS_MAX


def test_over_the_cap_a_client_is_turned_away_and_counted(site: Site) -> None:
    token = site.token(Role.DISPATCHER)
    before = module.TURNED_AWAY._value.get()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def one_too_many() -> None:
        stream = Stream(site.urls.application, clients_max=0)
        scope: Scope = {
            "type": "http",
            "method": "GET",
            "query_string": b"after=0",
            "headers": [(b"authorization", f"Bearer {token}".encode())],
        }
        await stream.serve(scope, receive, send, lambda _s, _n, reason: (reason.encode(), "x/y"))
        assert stream._connection is not None
        await stream._connection.close()

    asyncio.run(one_too_many())
    assert (sent[0]["status"], sent[1]["body"]) == (503, b"overloaded")
    assert module.TURNED_AWAY._value.get() == before + 1


def test_a_client_that_takes_nothing_is_let_go(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "SEND_TIMEOUT_S", 0.05)

    async def run() -> None:
        stream = Stream("postgresql://nowhere")
        client = Client(A, DESK, 0)

        async def stuck(message: Message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.sleep(3600)

        async def receive() -> Message:
            await asyncio.sleep(3600)
            raise AssertionError

        await asyncio.wait_for(stream._stream(client, receive, stuck), 2)
        assert stream.clients == 0

    asyncio.run(run())


def test_a_client_ahead_of_the_follower_waits_for_what_it_does_not_know() -> None:
    stream = Stream("postgresql://nowhere")
    stream._stand_at(100)
    client, too_old = Client(A, DESK, 102), Client(A, DESK, 99)
    stream._resume(client)
    stream._resume(too_old)
    assert (client.reset, too_old.reset) == (False, True)
    stream._clients.add(client)
    for position in (101, 102):
        stream._spread(batch(position))
    assert not client.pending
    stream._spread(batch(103))
    assert [b"id: 103" in event for event in client.pending] == [True]


def test_a_web_process_that_just_started_resets_nobody_who_is_up_to_date(site: Site) -> None:
    chief = site.client(Role.SUPERVISOR)
    call(chief)
    site.number_facts()
    head = int(chief.get("/api/v1/snapshot").json()["position"])
    token = site.token(Role.DISPATCHER)

    async def first_words(after: int) -> bytes:
        """What a stream that follows nothing yet says to one who knows `after`."""
        stream = Stream(site.urls.application)
        said: list[bytes] = []

        async def send(message: Message) -> None:
            said.append(message.get("body", b""))

        async def receive() -> Message:
            await asyncio.sleep(0.2)
            return {"type": "http.disconnect"}

        scope: Scope = {
            "type": "http",
            "method": "GET",
            "query_string": b"after=%d" % after,
            "headers": [(b"authorization", f"Bearer {token}".encode())],
        }
        await stream.serve(scope, receive, send, lambda _s, _n, reason: (reason.encode(), "x/y"))
        assert stream._connection is not None
        await stream._connection.close()
        return b"".join(said)

    assert b"event: reset" not in asyncio.run(first_words(head))
    assert b"event: reset" in asyncio.run(first_words(head + 1_000))
