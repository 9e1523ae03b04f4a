"""SOS Access transmitters on TCP and TLS: a request is kept before its sender hears 0. What is
answered is decided in wire/sos_access; here are sockets and limits."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from tocsin.edge.intake import FINISH_S, Intake
from tocsin.edge.senders import Sender
from tocsin.edge.sockets import tls_context
from tocsin.record.devices import Device
from tocsin.record.heard import NotKept
from tocsin.wire.sos_access.answers import RULES, Reception, Status, answer, receive
from tocsin.wire.sos_access.requests import BadRequest, Kind, Problem, Request, decode
from tocsin.wire.sos_access.session import Received, Refused, Session

READ_BYTES: Final = 64 << 10
HANDSHAKE_S: Final = 10.0
FETCH_S: Final = 10.0
"""An answer is fetched within this time, or its sender is gone."""


class Settings(Protocol):
    """The `edge.sos_access` section of the configuration."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls_port(self) -> int: ...
    @property
    def tls_cert(self) -> str: ...
    @property
    def tls_key(self) -> str: ...
    @property
    def tls_client_ca(self) -> str: ...
    @property
    def idle_s(self) -> float: ...
    @property
    def half_request_s(self) -> float: ...
    @property
    def contact_id(self) -> bool: ...


async def serve(settings: Settings, intake: Intake) -> None:
    """Hears transmitters until `intake.stop` is set, then finishes what is in flight.

    Raises `AddressNotHad` where an address cannot be had, OSError for what may pass.
    """
    open_now: set[_Connection] = set()
    servers: list[asyncio.Server] = []
    try:
        for port, over in ((settings.port, "tcp"), (settings.tls_port, "tls")):
            if port >= 0:
                servers += await _listen(settings, intake, port, over, open_now)
        await intake.stop.wait()
    finally:
        for server in servers:
            server.close()
        for connection in open_now:
            connection.end_if_idle()
        tasks = [connection.task for connection in open_now]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=FINISH_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(
    settings: Settings, intake: Intake, port: int, over: str, open_now: set[_Connection]
) -> list[asyncio.Server]:
    context: ssl.SSLContext | None = None
    if over == "tls":
        client_ca = Path(settings.tls_client_ca) if settings.tls_client_ca else None
        context = tls_context(Path(settings.tls_cert), Path(settings.tls_key), client_ca)
    servers = []
    for sock in intake.open_tcp(settings.host, port):
        host, number = sock.getsockname()[:2]
        servers.append(
            await asyncio.start_server(
                partial(_connected, settings, intake, over, open_now),
                sock=sock,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_S if context else None,
                limit=READ_BYTES,
            )
        )
        shown = f"[{host}]" if ":" in host else host
        intake.say(f"listening {intake.name} {over} {shown}:{number}")
    return servers


async def _connected(
    settings: Settings,
    intake: Intake,
    over: str,
    open_now: set[_Connection],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    peer = writer.get_extra_info("peername")
    sender = intake.enter(str(peer[0]) if peer else "")
    if sender is None or intake.stop.is_set():
        writer.transport.abort()
        if sender is not None:
            intake.leave(sender)
        return
    task = asyncio.current_task()
    assert task is not None
    connection = _Connection(settings, intake, over, sender, reader, writer, task)
    open_now.add(connection)
    try:
        await connection.run()
    except (OSError, TimeoutError, asyncio.CancelledError):
        pass  # the sender is gone, or we are at our end
    finally:
        open_now.discard(connection)
        intake.leave(sender)
        connection.note_unfinished()
        writer.transport.abort() if connection.is_stuck else writer.close()


class _Connection:
    """One connection, whose requests are answered in their order."""

    def __init__(
        self,
        settings: Settings,
        intake: Intake,
        over: str,
        sender: Sender,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        task: asyncio.Task[None],
    ) -> None:
        self.task = task
        self.is_stuck = False  # it fetches no answers
        self._settings = settings
        self._intake = intake
        self._over = over
        self._sender = sender
        self._reader = reader
        self._writer = writer
        self._session = Session()
        self._is_reading = False

    async def run(self) -> None:
        """Until the sender has finished or is refused, or we are at our end."""
        loop = asyncio.get_running_loop()
        request_at = begun_at = loop.time()
        while True:
            event = self._session.next_event()
            if event is not None:
                if not await self._take(event) or self._intake.stop.is_set():
                    return
                request_at = begun_at = loop.time()
                continue
            if self._session.is_waiting_for_more:
                until = begun_at + self._settings.half_request_s
            else:
                begun_at = loop.time()
                until = request_at + self._settings.idle_s
            data = await self._more(until)
            if data is None:
                if self._session.is_waiting_for_more:
                    await self._refuse(Refused(b"", Problem.INVALID_XML))
                return
            if not data:
                return
            if not self._session.is_waiting_for_more:
                begun_at = loop.time()
            self._session.receive_data(data)

    def end_if_idle(self) -> None:
        """At our end: one that is only waiting for its sender waits no more."""
        if self._is_reading:
            self.task.cancel()

    def note_unfinished(self) -> None:
        """Counts what the sender left unfinished."""
        if self._session.abandon() is not None:
            self._intake.counts.refused("cut_short", self._sender.address)

    async def _more(self, until: float) -> bytes | None:
        """What comes next, b"" when the sender has finished; None when it was silent too long."""
        self._is_reading = True
        try:
            async with asyncio.timeout_at(until):
                return await self._reader.read(READ_BYTES)
        except TimeoutError:
            return None
        finally:
            self._is_reading = False

    async def _take(self, event: Received | Refused) -> bool:
        """Deals with one event; whether the connection goes on."""
        if isinstance(event, Refused):
            await self._refuse(event)
            return False
        try:
            request = decode(event.raw)
        except BadRequest as bad:
            await self._refuse(Refused(event.raw, bad.problem))
            return True
        status = await self._decide(request, event.raw)
        await self._answer(request.kind, status, request.reference)
        return True

    async def _decide(self, request: Request, raw: bytes) -> Status:
        """Keeps what is to be kept, and says what may be answered."""
        intake = self._intake
        device = intake.device(request.transmittercode)
        reception = receive(
            request,
            raw,
            is_known=device is not None,
            key=None if device is None else device.key,
            contact_id=self._settings.contact_id,
        )
        if reception.problem is not None:
            intake.counts.refused(reception.problem, self._sender.address)
        try:
            if reception.is_poll and device is not None:
                intake.seen(device)
            elif reception.is_kept:
                await self._keep(reception, device)
        except NotKept:
            return Status.NOT_TREATED_NOT_DISTRIBUTED
        return reception.status

    async def _keep(self, reception: Reception, device: Device | None) -> None:
        is_authenticated = reception.is_devices and self._over == "tls"
        await self._intake.keep(
            source=self._sender.address,
            body=reception.body,
            answer="ack" if reception.status is Status.OK else reception.status.name.lower(),
            signals=reception.signals,
            device=device if reception.is_devices else None,
            problem=reception.problem,
            repeat_key=reception.repeat_key,
            assurance="authenticated" if is_authenticated else "none",
            transport=self._over,
        )

    async def _refuse(self, refused: Refused) -> None:
        self._intake.counts.refused(refused.problem, self._sender.address)
        await self._answer(Kind.ALARM, RULES[refused.problem].status, "")

    async def _answer(self, kind: Kind, status: Status, reference: str) -> None:
        self._writer.write(answer(kind, status, now=datetime.now(UTC), reference=reference))
        self.is_stuck = True
        async with asyncio.timeout(FETCH_S):
            await self._writer.drain()
        self.is_stuck = False
