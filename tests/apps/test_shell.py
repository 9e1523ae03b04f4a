"""What surrounds every request: bounds on bodies and threads, the proxy's word, the headers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Scope

from tocsin.site.shell import BoundedDjango, Proxied, Secured

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def answering(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(-1)
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"read %d" % len(body)]


def scope_of(path: str = "/api/v1/x", **headers: str) -> Scope:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()],
        "client": ("192.0.2.9", 5),
        "server": ("localhost", 80),
    }


async def ask(app: ASGIApp, scope: Scope, *chunks: bytes) -> tuple[int, bytes, dict[bytes, bytes]]:
    """One request by hand; status, body, headers."""
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks or (b"",))
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()  # a quiet client
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], body, dict(sent[0]["headers"])


def refuse(scope: Scope, status: int, reason: str) -> tuple[bytes, str]:
    return reason.encode(), "application/problem+json"


def bounded(wsgi: Wsgi = answering, **options: Any) -> BoundedDjango:
    return BoundedDjango(wsgi, refuse, **{"threads": 2, "waiting_max": 1, **options})


def test_a_body_is_handed_on_whole() -> None:
    status, body, _ = asyncio.run(ask(bounded(), scope_of(), b"abc", b"de"))
    assert (status, body) == (200, b"read 5")


@pytest.mark.parametrize(
    ("path", "most"), [("/api/v1/x", 1_000_000), ("/readiness/x", 12_000_000), ("/x", 65_536)]
)
def test_a_body_over_the_paths_limit_is_refused_while_it_is_read(path: str, most: int) -> None:
    app = bounded()
    assert asyncio.run(ask(app, scope_of(path), b"x" * most))[0] == 200
    assert asyncio.run(ask(app, scope_of(path), b"x" * most, b"x"))[:2] == (413, b"too_large")
    declared = scope_of(path, content_length=str(most + 1))
    assert asyncio.run(ask(app, declared))[:2] == (413, b"too_large")


@pytest.mark.parametrize("length", ["-1", "x", "1e3", ""])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert asyncio.run(ask(bounded(), scope_of(content_length=length)))[0] == 400


def test_a_slow_sender_holds_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.site.shell.BODY_SECONDS_MAX", 0.0)
    app = bounded()

    async def slow() -> int:
        sent: list[Message] = []
        chunks = [b"x", b"y"]

        async def receive() -> Message:
            assert app.at_work == 0
            if not chunks:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": chunks.pop(), "more_body": True}

        async def send(message: Message) -> None:
            sent.append(message)

        await app(scope_of(), receive, send)
        assert chunks == []
        return int(sent[0]["status"])

    assert asyncio.run(slow()) == 408


def test_more_requests_than_threads_and_places_are_told_to_come_back() -> None:
    go_on = threading.Event()

    def waits(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        go_on.wait(10)
        return answering(environ, start)

    app = bounded(waits)

    async def crowd() -> list[int]:
        first = [asyncio.create_task(ask(app, scope_of())) for _ in range(3)]
        while app.at_work < 3:  # noqa: ASYNC110 - they need the loop's next turns only
            await asyncio.sleep(0)
        refused = await ask(app, scope_of())
        assert refused[:2] == (503, b"overloaded")
        assert refused[2][b"retry-after"] == b"1"
        go_on.set()
        return [(await task)[0] for task in first]

    assert asyncio.run(crowd()) == [200, 200, 200]
    assert app.refused == 1
    assert app.at_work == 0


def test_an_answer_that_does_not_come_is_given_up_and_its_thread_counted() -> None:
    go_on = threading.Event()

    def hangs(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        go_on.wait(10)
        return answering(environ, start)

    app = bounded(hangs, answer_s=0.01)

    async def one() -> tuple[int, bytes]:
        status, body, _ = await ask(app, scope_of())
        assert app.at_work == 1
        go_on.set()
        while app.at_work:  # noqa: ASYNC110 - a thread ends it
            await asyncio.sleep(0)
        return status, body

    assert asyncio.run(one()) == (503, b"database_lost")


def test_without_a_database_the_api_does_not_even_try() -> None:
    app = bounded(is_database_ok=lambda: False)
    assert asyncio.run(ask(app, scope_of("/api/v1/x")))[:2] == (503, b"database_lost")
    assert asyncio.run(ask(app, scope_of("/accounts/login/")))[0] == 200


@pytest.mark.parametrize(
    ("proxy", "forwarded", "seen"),
    [
        ("192.0.2.9", "203.0.113.5", ("203.0.113.5", "https")),
        ("192.0.2.9", "198.51.100.1, 203.0.113.5", ("203.0.113.5", "https")),
        ("192.0.2.9", "198.51.100.1, 203.0.113.5:51422", ("203.0.113.5", "https")),
        ("192.0.2.9", "[2001:db8::1]:443", ("2001:db8::1", "https")),
        # Who says nothing that is an address is the proxy itself.
        ("192.0.2.9", "198.51.100.1, unknown", ("192.0.2.9", "https")),
        ("192.0.2.9", "", ("192.0.2.9", "https")),
        ("192.0.2.1", "203.0.113.5", ("192.0.2.9", "http")),
        ("", "203.0.113.5", ("192.0.2.9", "http")),
    ],
)
def test_only_the_declared_proxy_is_believed(
    proxy: str, forwarded: str, seen: tuple[str, str]
) -> None:
    found: list[tuple[str, str]] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        found.append((scope["client"][0], scope["scheme"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})

    scope = scope_of(x_forwarded_for=forwarded, x_forwarded_proto="https")
    asyncio.run(ask(Proxied(app, proxy=proxy, refuse=refuse), scope))
    assert found == [seen]


def test_a_proxy_that_adds_a_line_of_its_own_is_believed_and_the_clients_line_is_not() -> None:
    found: list[tuple[str, str]] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        found.append((scope["client"][0], scope["scheme"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})

    scope = scope_of()
    lines = [
        *(("x-forwarded-for", "198.51.100.1"), ("x-forwarded-proto", "http")),  # the client's claim
        *(("x-forwarded-for", "203.0.113.5"), ("x-forwarded-proto", "https")),
    ]
    scope["headers"] = [(name.encode(), value.encode()) for name, value in lines]
    asyncio.run(ask(Proxied(app, proxy="192.0.2.9", refuse=refuse), scope))
    assert found == [("203.0.113.5", "https")]


@pytest.mark.parametrize(
    ("proxy", "status"), [("192.0.2.9", 200), ("192.0.2.1", 403), ("localhost", 403), ("", 200)]
)
def test_who_comes_round_the_proxy_that_speaks_tls_is_refused(proxy: str, status: int) -> None:
    scope = scope_of(x_forwarded_for="192.0.2.1", x_forwarded_proto="https")
    app = Proxied(bounded(), proxy=proxy, refuse=refuse, only_proxy=True)
    assert asyncio.run(ask(app, scope))[0] == status


@pytest.mark.parametrize("tls", [True, False])
def test_headers_are_on_every_answer_and_hsts_only_with_tls(tls: bool) -> None:
    _, _, headers = asyncio.run(ask(Secured(bounded(), tls=tls), scope_of()))
    assert b"default-src 'none'" in headers[b"content-security-policy"]
    assert b"unsafe" not in headers[b"content-security-policy"]
    assert (b"strict-transport-security" in headers) is tls
