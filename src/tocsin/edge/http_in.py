"""HTTP/1.1 for machines that report: one request of a connection at a time, and a bound on
everything before it costs anything. httptools reads; what is answered is the caller's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import deque
from ipaddress import ip_address
from typing import Final, cast

import httptools

from tocsin.edge.http_parser import Parser
from tocsin.edge.http_parts import Answer, Door, Refuse, Request, Response, Settings
from tocsin.edge.http_sockets import open_sockets
from tocsin.edge.intake import FINISH_S, Intake
from tocsin.edge.senders import Sender
from tocsin.record.networks import at_port

HEAD_BYTES_MAX: Final = 16 << 10
HEADERS_MAX: Final = 64
CHUNK_BYTES_FREE: Final = 32
"""What a chunk may need besides its bytes. All beyond that, extensions and trailers, together may
take as much as a head, and is not looked at."""

PATH_CHARS_MAX: Final = 512
HELD_BYTES_MAX: Final = 64 << 20
"""Of bodies of one intake, from their first byte to their answer."""

PIPELINE_MAX: Final = 16
"""Requests that a sender may send without waiting for the answers."""

DRAIN_S: Final = 1.0
"""After a refusal what still comes is thrown away for so long, or the sender would see a reset in
place of the answer."""

HANDSHAKE_S: Final = 10.0
SWEEP_S: Final = 1.0

logger = logging.getLogger("tocsin.edge")


class Server:
    """The connections of one intake."""

    def __init__(
        self,
        intake: Intake,
        settings: Settings,
        answer: Answer,
        refuse: Refuse,
        door: Door | None = None,
    ) -> None:
        self.intake = intake
        self.limits = settings
        self.answer = answer
        self.refuse = refuse
        self.door = door
        self.held_bytes = 0
        self.connections: set[Connection] = set()
        self.answering: set[asyncio.Task[None]] = set()
        self.is_finishing = False

    async def serve(self) -> None:
        """Listens until the intake is told to stop, then finishes what is in flight.

        Raises `AddressNotHad`, and OSError where the files of TLS cannot be read.
        """
        loop = asyncio.get_running_loop()
        opened: list[socket.socket] = []
        servers = []
        try:
            for sock, context in open_sockets(self.intake, self.limits, opened):
                servers.append(
                    await loop.create_server(
                        lambda tls=context is not None: Connection(self, is_tls=tls),
                        sock=sock,
                        ssl=context,
                        ssl_handshake_timeout=None if context is None else HANDSHAKE_S,
                    )
                )
                host, port = sock.getsockname()[:2]
                scheme = "http" if context is None else "https"
                self.intake.say(f"listening {self.intake.name} {scheme} {at_port(host, port)}")
            while not self.intake.stop.is_set():
                for connection in list(self.connections):
                    connection.tidy(loop.time())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.intake.stop.wait(), SWEEP_S)
        finally:
            self.is_finishing = True
            for server in servers:
                server.close()
            for sock in opened:
                sock.close()
            await self._finish()

    async def _finish(self) -> None:
        for connection in list(self.connections):
            connection.finish()
        if self.answering:
            await asyncio.wait(self.answering, timeout=FINISH_S)
        for task in list(self.answering):
            task.cancel()
        for connection in list(self.connections):
            connection.close()


class Connection(asyncio.Protocol):
    """One TCP or TLS connection."""

    def __init__(self, server: Server, *, is_tls: bool) -> None:
        self._server = server
        self._is_tls = is_tls
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport  # from connection_made on
        self._parser = Parser(self)
        self._sender: Sender | None = None  # while the connection holds its place
        self._peer = ""
        self._ready: deque[tuple[Request, bool]] = deque()
        self._refused = ""  # why nothing more is read
        self._turned_away: Response | None = None  # by the door
        self._held_bytes = self._answering_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._began_at: float | None = None  # a request that is not whole yet
        self._idle_since = self._loop.time()
        self._unanswered = False  # the refusal
        self._has_begun = self._has_completed = False  # a request, in the segment that is read
        self._has_ended = False  # the sender's side
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_count = 0
        self._head_bytes = 0
        self._is_head_whole = self._ignores_upgrade = False
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._chunks = 0
        self._around_bytes = 0  # came behind the head and were not body
        self._since_body_bytes = 0
        self._awaits_leave = False  # RFC 9110 10.1.1: 100 Continue

    # -- the transport --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's are not of asyncio's classes
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else ""
        # All that a proxy passes on comes from its address: there each connection counts alone.
        is_proxy = self._peer == self._server.limits.proxy
        place = f"{self._peer} {id(self)}" if is_proxy else self._peer
        self._sender = self._server.intake.enter(place)
        if self._sender is None or self._server.is_finishing:
            transport.abort()
            return
        self._server.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._sender is not None:
            self._server.intake.leave(self._sender)
            self._sender = None
        if self._began_at is not None and not self._refused:
            self._server.intake.counts.refused("cut_off", self._peer, b"")
        self._let_go(self._held_bytes - self._answering_bytes)
        # What is being answered goes on to its commit: its sender will ask again.

    def data_received(self, data: bytes) -> None:
        if self._refused or self._sender is None:
            return
        self._has_begun = self._has_completed = False
        body_before = self._body_bytes
        try:
            self._has_ended |= not self._parser.feed(data)
        except httptools.HttpParserError:
            # Raised by one of our own bounds too, which has said why.
            self._refuse("not_http")
        if not self._is_head_whole and not self._has_completed:  # all of it was of this head
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse("head_too_large")
        elif not (self._has_begun or self._has_completed):  # all of it stands behind this head
            self._count_around(len(data), self._body_bytes - body_before)
        self._next()

    def _count_around(self, size: int, body: int) -> None:
        """httptools puts a trailer together from its pieces, and tells of it when it is whole."""
        self._around_bytes += size - body
        self._since_body_bytes = 0 if body else self._since_body_bytes + size
        most = HEAD_BYTES_MAX + CHUNK_BYTES_FREE * self._chunks
        if self._around_bytes > most or self._since_body_bytes > HEAD_BYTES_MAX:
            self._refuse("trailer_too_large")

    def eof_received(self) -> bool:
        """Half closed: what was asked is still answered. TLS has no such thing."""
        self._has_ended = True
        return not self._is_tls and (self._task is not None or bool(self._ready))

    # -- the parser -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._begin()
        self._has_begun = True
        self._began_at = self._loop.time()

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > PATH_CHARS_MAX:
            self._stop("head_too_large")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_head_whole:
            return  # a trailer: RFC 9110 6.5.1, never merged into the head
        self._header_count += 1
        if self._header_count > HEADERS_MAX:
            self._stop("head_too_large")
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        self._is_head_whole = True
        size = len(self._url) + sum(len(k) + len(v) + 4 for k, v in self._headers.items())
        if size > HEAD_BYTES_MAX:
            self._stop("head_too_large")
        length = self._headers.get("content-length", "")
        if len(length) > 12 or int(length or 0) > self._body_max:
            self._stop("body_too_large")
        has_body = bool(length.strip("0")) or "transfer-encoding" in self._headers
        self._ignores_upgrade = has_body and self._parser.should_upgrade
        if not self._ignores_upgrade:
            self._ask_the_door()
        self._awaits_leave = self._headers.get("expect", "").lower() == "100-continue"

    @property
    def ignored_upgrade(self) -> tuple[bytes, dict[str, str]] | None:
        """URL and headers of a request with a body that asks for another protocol."""
        return (self._url, self._headers) if self._ignores_upgrade else None

    def _ask_the_door(self) -> None:
        door = self._server.door
        turned_away = None if door is None else door(self._request(b""))
        if turned_away is not None:
            reason, self._turned_away = turned_away
            self._stop(reason)

    def on_chunk_header(self) -> None:
        self._chunks += 1

    def on_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > self._body_max:
            self._stop("body_too_large")
        if self._server.held_bytes + len(data) > HELD_BYTES_MAX:
            self._stop("too_full")
        self._server.held_bytes += len(data)
        self._held_bytes += len(data)
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._ignores_upgrade:
            return
        self._began_at = None
        self._has_completed = True
        if len(self._ready) >= PIPELINE_MAX:
            self._stop("too_many_at_once")
        request = self._request(b"".join(self._body))
        self._ready.append((request, self._parser.should_keep_alive))
        self._begin()

    def _request(self, body: bytes) -> Request:
        path = self._url.partition(b"?")[0].decode("latin-1")
        method = self._parser.method.decode("latin-1")
        return Request(method, path, self._headers, body, self._address(), self._is_tls)

    @property
    def _body_max(self) -> int:
        return self._server.limits.body_bytes_max

    def _address(self) -> str:
        """The sender's: what the declared proxy says it is, which it adds at the end."""
        if self._peer != self._server.limits.proxy:
            return self._peer
        named = self._headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        try:
            return str(ip_address(named))
        except ValueError:
            return self._peer

    def _stop(self, reason: str) -> None:
        """Ends the parser's turn; httptools turns it into an error of its own."""
        if not self._refused:
            self._refuse(reason)
        raise ValueError(reason)

    # -- answers --------------------------------------------------------------------------------

    def _refuse(self, reason: str) -> None:
        """Nothing more of this connection is read; what was asked before is answered first."""
        if self._refused:
            return
        self._refused = reason
        self._unanswered = True
        self._server.intake.counts.refused(reason, self._peer, b"")
        self._let_go(sum(len(part) for part in self._body))
        self._body = []

    def _let_go(self, size: int) -> None:
        self._held_bytes -= size
        self._server.held_bytes -= size

    def _next(self) -> None:
        """Begins to answer the next request, in their order."""
        if self._task is not None or self._transport.is_closing():
            return
        if not self._ready:
            if self._unanswered:
                self._unanswered = False
                language = self._headers.get("accept-language", "")
                said = self._turned_away or self._server.refuse(self._refused, language)
                self._write(said, keep_alive=False)
            elif not (self._refused or self._server.is_finishing):
                self._idle_since = self._loop.time()
                if self._awaits_leave:  # only now: it would be read as an answer to what is before
                    self._awaits_leave = False
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._transport.resume_reading()
            return
        self._transport.pause_reading()
        request, keep_alive = self._ready.popleft()
        self._answering_bytes = len(request.body)
        self._task = self._loop.create_task(self._answer(request, keep_alive=keep_alive))
        self._server.answering.add(self._task)
        self._task.add_done_callback(self._server.answering.discard)

    async def _answer(self, request: Request, *, keep_alive: bool) -> None:
        try:
            response = await self._server.answer(request)
        except Exception:
            logger.exception("a request failed", extra={"intake": self._server.intake.name})
            self._server.intake.counts.refused("failed", request.address)
            response = self._server.refuse("failed", request.language)
        self._task = None
        self._answering_bytes = 0
        self._let_go(len(request.body))
        if self._transport.is_closing():
            return
        self._write(response, keep_alive=keep_alive and not self._is_last)
        self._next()

    @property
    def _is_last(self) -> bool:
        """Whether no further request can follow the one that is answered now."""
        if self._server.is_finishing:
            return True
        return not self._ready and self._has_ended

    def _write(self, response: Response, *, keep_alive: bool) -> None:
        self._transport.write(response.written(keep_alive=keep_alive))
        if keep_alive:
            return
        self._refused = self._refused or "closed"
        self._unanswered = False
        self._let_go(sum(len(request.body) for request, _ in self._ready))
        self._ready.clear()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()  # and throws away: unread bytes would reset the answer
        self._loop.call_later(DRAIN_S, self.close)

    def tidy(self, now: float) -> None:
        """Each second: what is half there for too long is refused, what is idle is closed."""
        if self._task is not None or self._refused:
            return
        if self._began_at is not None:
            if now - self._began_at > self._server.limits.slow_s:
                self._refuse("too_slow")
                self._next()
        elif now - self._idle_since > self._server.limits.idle_s:
            self.close()

    def finish(self) -> None:
        """The process ends: no further request is read; the one in hand is answered."""
        if self._task is None:
            self.close()
        else:
            self._transport.pause_reading()

    def close(self) -> None:
        self._transport.close()
