"""What surrounds every request of the web process: the client's own address behind a declared
proxy, the security headers, and bounds on bodies and on requests at work."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any, Final, cast

from a2wsgi import WSGIMiddleware
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.apps.people.addresses import address_in

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    " font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A desk's browser needs passkeys and nothing else of the machine.
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(),"
        " publickey-credentials-get=(self), publickey-credentials-create=(self)"
    ),
}
HSTS: Final = "max-age=31536000"

WAITING_MAX: Final = 48  # requests waiting for a thread; one more is told to come back
BODY_SECONDS_MAX: Final = 15.0
ANSWER_SECONDS_MAX: Final = 12.0  # longer than a statement may run; then the database is frozen
BODY_BYTES_MAX: Final = 64 * 1024
# The longest prefix that matches decides.
BODY_BYTES_BY_PATH: Final = {"/api/": 1_000_000, "/readiness/": 12_000_000}

_REASONS: Final = {413: "too_large"}

# Answers (status, reason) itself: given the scope, it says what to send.
Refuse = Callable[[Scope, int, str], tuple[bytes, str]]


class Secured:
    """Puts the security headers on every response, whoever made it."""

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self.app = app
        self.headers = {**HEADERS, **({"Strict-Transport-Security": HSTS} if tls else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, secured)


class Proxied:
    """Believes X-Forwarded-For and -Proto of the declared proxy's own address, of nobody else's.

    With `only_proxy` nobody else is served at all: he came round the proxy that speaks TLS, and his
    password would cross the network in clear.
    """

    def __init__(
        self, app: ASGIApp, *, proxy: str, refuse: Refuse, only_proxy: bool = False
    ) -> None:
        self.app = app
        self.proxy = proxy
        self.proxies = {"127.0.0.1", "::1"} if proxy == "localhost" else {proxy}
        self.refuse = refuse
        self.only_proxy = only_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.proxy:
            await self.app(scope, receive, send)
            return
        if (scope.get("client") or ("",))[0] in self.proxies:
            scope = self._as_forwarded(scope)
        elif self.only_proxy:
            await _say(self.refuse, scope, send, 403, "not_allowed")
            return
        await self.app(scope, receive, send)

    def _as_forwarded(self, scope: Scope) -> Scope:
        headers = Headers(scope=scope)
        # The proxy appends, to the line that came or as a line of its own; what stands before its
        # own entry is the client's claim.
        client = address_in(_last(headers, "x-forwarded-for"))
        scheme = _last(headers, "x-forwarded-proto").strip().lower()
        return {
            **scope,
            "client": scope["client"] if client is None else (str(client), 0),
            "scheme": scheme if scheme in ("http", "https") else scope["scheme"],
        }


def _last(headers: Headers, name: str) -> str:
    return ",".join(headers.getlist(name)).rpartition(",")[2]


class BoundedDjango:
    """Django behind a fixed number of threads.

    The body is read here first, so a slow sender holds no thread; one too large, too slow or too
    many is refused at once instead of being queued without end.
    """

    def __init__(
        self,
        wsgi: Any,
        refuse: Refuse,
        *,
        threads: int,
        waiting_max: int = WAITING_MAX,
        answer_s: float = ANSWER_SECONDS_MAX,
        is_database_ok: Callable[[], bool] = lambda: True,
        public: tuple[str, ...] = (),
    ) -> None:
        inner = WSGIMiddleware(wsgi, workers=threads)
        self.app = cast("ASGIApp", inner)
        self.threads: concurrent.futures.ThreadPoolExecutor = inner.executor
        self.refuse = refuse
        self.at_work_max = threads + waiting_max
        self.at_work = 0
        self.refused = 0
        self.answer_s = answer_s
        self.is_database_ok = is_database_ok
        # Paths that everybody may ask get half of the threads and of the places to wait: whatever
        # floods them, the desk has the other half.
        self.public = public
        self.public_threads = asyncio.Semaphore(max(1, threads // 2))
        self.public_at_work_max = max(1, threads // 2) + waiting_max // 2
        self.public_at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = await self._body(scope, receive)
        if isinstance(body, int):
            await _say(self.refuse, scope, send, body, _REASONS.get(body, "malformed"))
            return
        if scope["path"].startswith(self.public):
            await self._public(scope, body, send)
            return
        if self.at_work >= self.at_work_max:
            await self._overloaded(scope, send)
            return
        if not self.is_database_ok() and scope["path"].startswith("/api/"):
            await _say(self.refuse, scope, send, 503, "database_lost")
            return
        await self._within_time(scope, body, send)

    async def _public(self, scope: Scope, body: bytes, send: Send) -> None:
        """Waits for one of the public's threads, not too many and not too long."""
        if self.public_at_work >= self.public_at_work_max:
            await self._overloaded(scope, send)
            return
        self.public_at_work += 1
        try:
            async with asyncio.timeout(self.answer_s):
                await self.public_threads.acquire()
        except TimeoutError:
            await self._overloaded(scope, send)
        else:
            await self._within_time(scope, body, send, self.public_threads.release)
        finally:
            self.public_at_work -= 1

    async def _overloaded(self, scope: Scope, send: Send) -> None:
        self.refused += 1
        await _say(self.refuse, scope, send, 503, "overloaded")

    async def _within_time(
        self, scope: Scope, body: bytes, send: Send, ended: Callable[[], None] = lambda: None
    ) -> None:
        """Hands the request to a thread. If no answer begins in time (a frozen database), the
        caller is told; the thread goes on alone, and counts as at work until it is done."""
        began = abandoned = False

        async def pass_on(message: Message) -> None:
            nonlocal began
            if not abandoned:
                began = True
                await send(message)

        self.at_work += 1
        work = asyncio.ensure_future(self.app(scope, _replay(body), pass_on))
        work.add_done_callback(self._done)
        work.add_done_callback(lambda _: ended())
        await asyncio.wait({work}, timeout=self.answer_s)
        if not began and not work.done():
            abandoned = True
            self.refused += 1
            await _say(self.refuse, scope, send, 503, "database_lost")
            return
        await asyncio.shield(work)

    def _done(self, work: asyncio.Future[None]) -> None:
        self.at_work -= 1
        if not work.cancelled():
            work.exception()  # told to the caller already, or to nobody who still listens

    def close(self, in_each_thread: Callable[[], None]) -> None:
        """Ends the threads, after each has done `in_each_thread` (let go of its connections)."""
        everyone = threading.Barrier(self.threads._max_workers)  # noqa: SLF001

        def last_words() -> None:
            in_each_thread()
            # A thread that waits here takes no second one: each says its own.
            everyone.wait(5)

        for _ in range(everyone.parties):
            self.threads.submit(last_words)
        self.threads.shutdown(wait=True)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | int:
        """The whole body, or the status that refuses it."""
        limit = next(
            (limit for path, limit in BODY_BYTES_BY_PATH.items() if scope["path"].startswith(path)),
            BODY_BYTES_MAX,
        )
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > limit:
            return 413 if length.isdigit() else 400
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return 400
                    body += message.get("body", b"")
                    if len(body) > limit:
                        return 413
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            return 408


async def _say(refuse: Refuse, scope: Scope, send: Send, status: int, reason: str) -> None:
    content, media_type = refuse(scope, status, reason)
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _replay(body: bytes) -> Receive:
    """A `receive` that gives the body once and then waits as a quiet client would."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
