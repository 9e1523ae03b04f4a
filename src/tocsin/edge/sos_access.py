"""SOS Access transmitters on TCP and TLS: a request is kept before its sender hears 0. What is
answered is decided in wire/sos_access; here are sockets and limits."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from tocsin.edge.accepting import Reception, streams
from tocsin.edge.attempts import Attempts
from tocsin.edge.intake import Intake
from tocsin.edge.senders import Sender
from tocsin.edge.sockets import tls_context
from tocsin.record.devices import Device
from tocsin.record.heard import NotKept
from tocsin.wire.sos_access import answers
from tocsin.wire.sos_access.answers import RULES, Status, answer, receive
from tocsin.wire.sos_access.requests import BadRequest, Kind, Problem, Request, decode
from tocsin.wire.sos_access.session import Received, Refused, Session
from tocsin.wire.sos_access.signals import EventCode

READ_BYTES: Final = 64 << 10
FETCH_S: Final = 10.0
"""An answer is fetched within this time, or its sender is gone."""

FAILURES_MAX: Final = 10
"""Wrong ones for a transmitter from one network in a minute; then none is looked at."""

REFUSED_MAX: Final = 10
"""A connection on which so much was no request is closed."""


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
    @property
    def event_codes(self) -> tuple[EventCode, ...]: ...


async def serve(settings: Settings, intake: Intake) -> None:
    """Hears transmitters until `intake.stop` is set, then finishes what is in flight.

    Raises `AddressNotHad` where an address cannot be had, OSError for what may pass.
    """
    reception = Reception(intake)
    guarded = _Guarded(settings, intake, reception)
    try:
        if settings.port >= 0:
            talk = partial(_talk, guarded, None)
            reception.listen(settings.host, settings.port, "tcp", talk)
        if settings.tls_port >= 0:
            client_ca = Path(settings.tls_client_ca) if settings.tls_client_ca else None
            context = tls_context(Path(settings.tls_cert), Path(settings.tls_key), client_ca)
            talk = partial(_talk, guarded, context)
            reception.listen(settings.host, settings.tls_port, "tls", talk)
        await reception.until_stop()
    finally:
        await reception.close()


class _Guarded:
    """What all connections share. Codes that nobody has are counted as those of devices are, so
    that the answer does not tell which is which, but apart, so that they make none forgotten."""

    def __init__(self, settings: Settings, intake: Intake, reception: Reception) -> None:
        self.settings = settings
        self.intake = intake
        self.reception = reception
        self._of_devices = Attempts(FAILURES_MAX)
        self._of_nobody = Attempts(FAILURES_MAX)

    def attempts(self, device: Device | None) -> Attempts:
        """Where the failures of a transmitter are counted."""
        return self._of_nobody if device is None else self._of_devices


async def _talk(
    guarded: _Guarded,
    context: ssl.SSLContext | None,
    sock: socket.socket,
    sender: Sender,
) -> None:
    with guarded.reception.idle():
        reader, writer = await streams(sock, context, READ_BYTES)
    over = "tcp" if context is None else "tls"
    connection = _Connection(guarded, over, sender, reader, writer)
    try:
        await connection.run()
    finally:
        connection.note_unfinished()
        if connection.is_stuck:
            writer.transport.abort()
        else:
            writer.close()


class _Connection:
    """One connection, whose requests are answered in their order."""

    def __init__(
        self,
        guarded: _Guarded,
        over: str,
        sender: Sender,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.is_stuck = False  # it fetches no answers
        self._settings = guarded.settings
        self._intake = guarded.intake
        self._guarded = guarded
        self._over = over
        self._sender = sender
        self._reader = reader
        self._writer = writer
        self._session = Session()
        self._reception = guarded.reception
        self._refused = 0

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
                    await self._refuse(Problem.INVALID_XML)
                return
            if not data:
                return
            if not self._session.is_waiting_for_more:
                begun_at = loop.time()
            self._session.receive_data(data)

    def note_unfinished(self) -> None:
        """Counts what the sender left unfinished."""
        if self._session.abandon() is not None:
            self._intake.counts.refused("cut_short", self._sender.address, b"")

    async def _more(self, until: float) -> bytes | None:
        """What comes next, b"" when the sender has finished; None when it was silent too long."""
        with self._reception.idle():
            try:
                async with asyncio.timeout_at(until):
                    return await self._reader.read(READ_BYTES)
            except TimeoutError:
                return None

    async def _take(self, event: Received | Refused) -> bool:
        """Deals with one event; whether the connection goes on."""
        if isinstance(event, Refused):
            return await self._refuse(event.problem)
        try:
            request = decode(event.raw)
        except BadRequest as bad:
            return await self._refuse(bad.problem)
        status = await self._decide(request, event.raw)
        await self._answer(request.kind, status, request.reference)
        return True

    async def _decide(self, request: Request, raw: bytes) -> Status:
        """Keeps what is to be kept, and says what may be answered."""
        intake = self._intake
        device = intake.device(request.transmittercode)
        attempts = self._guarded.attempts(device)
        who = (self._sender.address, request.transmittercode)
        now = asyncio.get_running_loop().time()
        if not attempts.may_try(*who, now):
            intake.counts.refused("too_many_attempts", self._sender.address, b"")
            return Status.NOT_TREATED_NOT_DISTRIBUTED
        reception = receive(
            request,
            raw,
            is_known=device is not None,
            key=None if device is None else device.key,
            contact_id=self._settings.contact_id,
            own={one.event: one for one in self._settings.event_codes},
        )
        if reception.status is Status.NOT_AUTHORIZED:
            attempts.failed(*who, now)
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

    async def _keep(self, reception: answers.Reception, device: Device | None) -> None:
        is_authenticated = reception.is_devices and self._over == "tls"
        await self._intake.keep(
            source=self._sender.address,
            body=reception.body,
            answer="ack" if reception.status is Status.OK else "nak",
            signals=reception.signals,
            device=device if reception.is_devices else None,
            problem=reception.problem,
            repeat_key=reception.repeat_key,
            assurance="authenticated" if is_authenticated else "none",
            transport=self._over,
        )

    async def _refuse(self, problem: Problem) -> bool:
        """Answers what is no request; whether the connection goes on."""
        self._intake.counts.refused(problem, self._sender.address, b"")
        await self._answer(Kind.ALARM, RULES[problem].status, "")
        self._refused += 1
        if self._refused < REFUSED_MAX:
            return True
        self._intake.counts.refused("too_many_refused", self._sender.address)
        return False

    async def _answer(self, kind: Kind, status: Status, reference: str) -> None:
        self._writer.write(answer(kind, status, now=datetime.now(UTC), reference=reference))
        self.is_stuck = True
        async with asyncio.timeout(FETCH_S):
            await self._writer.drain()
        self.is_stuck = False
