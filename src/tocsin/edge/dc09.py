"""DC-09 panels on TCP and UDP: every frame is kept before its sender hears of it, and each sender
has its own share. What is answered is decided in wire/dc09; here are sockets and limits."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol, cast

from tocsin.edge.counts import Counts
from tocsin.edge.senders import Sender, Senders
from tocsin.edge.sockets import BACKLOG, connections_possible, open_pairs
from tocsin.record.devices import Device, DeviceBook
from tocsin.record.heard import HeardLog, NotKept
from tocsin.record.heard_rows import Heard
from tocsin.wire.dc09.answers import RULES, Reception, read_later, receive
from tocsin.wire.dc09.session import Place, Received, Refused, Session

PROTOCOL: Final = "dc09"
FRAMES_PER_TURN: Final = 32
"""Frames of one connection that are read before the others have their turn."""

DATAGRAM_FRAMES_MAX: Final = 16
UNSENT_BYTES_MAX: Final = 64 << 10  # answers nobody fetches; from then on the sender is not read
FINISH_S: Final = 5.0
"""At a stop, what is in flight has this long to be committed and answered."""

SWEEP_S: Final = 1.0


class Settings(Protocol):
    """The `edge.dc09` section of the configuration."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def max_connections_per_address(self) -> int: ...
    @property
    def frames_in_flight_per_address(self) -> int: ...
    @property
    def frame_bytes_max(self) -> int: ...
    @property
    def idle_s(self) -> float: ...
    @property
    def half_frame_s(self) -> float: ...


class Intake:
    """What both transports share: devices, the record, counters, and each sender's share.

    `district` and `agency` are those of what comes from a source that we do not know.
    """

    def __init__(
        self,
        settings: Settings,
        heard: HeardLog,
        devices: DeviceBook,
        *,
        district: str,
        agency: str,
    ) -> None:
        self.settings = settings
        self.counts = Counts(PROTOCOL)
        self.senders = Senders(in_flight_max=settings.frames_in_flight_per_address)
        self.connections: set[Connection] = set()
        self.connections_max = connections_possible(settings.max_connections)
        self.frame_bytes_max = settings.frame_bytes_max
        self._heard = heard
        self._devices = devices
        self._district = district
        self._agency = agency
        self._in_flight = 0
        self._finishing: asyncio.Event | None = None

    def take(
        self, received: Received, sender: Sender, transport: str, reply: Callable[[bytes], None]
    ) -> None:
        """Takes one whole frame in hand; `reply` gets its answer (b"" for none) exactly once,
        after the commit, or b"" if it could not be kept."""
        now = datetime.now(UTC)
        device = self._devices.find(PROTOCOL, (received.account or "").upper())
        if received.ack is not None and device is not None:  # nearly every frame
            reception = read_later(received.ack)
        else:
            known, key = device is not None, None if device is None else device.key
            frame, noise = received.frame, os.urandom(16)
            reception = receive(frame, is_known=known, key=key, now=now, noise=noise)
        if reception.problem is not None:
            self.counts.refused(reception.problem, sender.address)
            if not RULES[reception.problem].is_stored:
                reply(b"")
                return
        if reception.is_poll and device is not None:
            self._take_poll(device, reception, now, sender, reply)
            return
        message = Heard(
            received_at=now,
            intake=transport,
            protocol=PROTOCOL,
            source=sender.address,
            body=received.raw,
            answer=reception.answer,
            district=self._district if device is None else device.district,
            agency=self._agency if device is None else device.agency,
            problem=reception.problem,
            device=None if device is None else device.id,
            site=None if device is None else device.site,
            signals=reception.signals,
            repeat_key=reception.repeat_key,
        )
        try:
            self._heard.hand_in(message, partial(self._kept, reception, sender, reply))
        except NotKept:
            self._not_kept(sender)
            reply(b"")
            return
        sender.in_flight += 1
        self._in_flight += 1

    def _kept(
        self, reception: Reception, sender: Sender, reply: Callable[[bytes], None], is_kept: bool
    ) -> None:
        """The commit has returned, or will not."""
        self._in_flight -= 1
        if not is_kept:
            self._not_kept(sender)
            reply(b"")
        else:
            self.counts.add(reception.answer)
            reply(reception.data)
        self.senders.answered(sender)
        if self._finishing is not None and not self._in_flight:
            self._finishing.set()

    def _not_kept(self, sender: Sender) -> None:
        """Silence is the one true answer: the sender tries again, or takes its other path."""
        self.counts.refused("not_kept", sender.address)

    def _take_poll(
        self,
        device: Device,
        reception: Reception,
        now: datetime,
        sender: Sender,
        reply: Callable[[bytes], None],
    ) -> None:
        """A poll changes nothing but when the device was last seen, which may be written within
        seconds of its answer; but nobody is told that all is well while nothing can be kept."""
        try:
            self._heard.seen(device.id, now)
        except NotKept:
            self._not_kept(sender)
            reply(b"")
            return
        self.counts.add("poll")
        reply(reception.data)

    @property
    def is_finishing(self) -> bool:
        return self._finishing is not None

    def tidy(self, now: float) -> None:
        """Each second: closes what is silent for too long and hands the counters on."""
        for connection in list(self.connections):
            connection.tidy(now)
        self._heard.hears(PROTOCOL)
        self.counts.hand_on(self._heard.count)
        self.counts.speak(now)

    async def finish(self) -> None:
        """No new connections any more: lets what is in flight be answered, then closes."""
        self._finishing = asyncio.Event()
        for connection in self.connections:
            connection.pause()
        if self._in_flight:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._finishing.wait(), FINISH_S)
        for connection in list(self.connections):
            connection.close()
        self.counts.hand_on(self._heard.count)


class Connection(asyncio.Protocol):
    """One TCP connection: kept open or closed by the sender as it likes (DC-09:2013)."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._session = Session(intake.frame_bytes_max)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport  # from connection_made on
        self._sender: Sender | None = None  # while the connection holds its place
        self._is_reading = True
        self._is_clogged = False
        self._sender_has_finished = False
        self._frame_at = self._loop.time()  # when a whole frame was last known, or of the opening
        self._has_heard_frame = False  # since then
        self._unfinished_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's are not of asyncio's classes
        intake = self._intake
        peer = transport.get_extra_info("peername")
        sender = intake.senders.at(str(peer[0]) if peer else "")
        self._transport = transport
        if len(intake.connections) >= intake.connections_max:
            self._turn_away("too_many_connections", sender)
        elif sender.connections >= intake.settings.max_connections_per_address:
            self._turn_away("too_many_connections_of_address", sender)
        else:
            transport.set_write_buffer_limits(high=UNSENT_BYTES_MAX)
            self._sender = sender
            sender.connections += 1
            intake.connections.add(self)

    def _turn_away(self, reason: str, sender: Sender) -> None:
        self._intake.counts.refused(reason, sender.address)
        self._intake.senders.forget_if_idle(sender)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._sender is not None:
            self._session.receive_data(data)
            self._read()

    def _read(self) -> None:
        """Goes through what has come, as far as this sender's share reaches; then waits."""
        intake, session, sender = self._intake, self._session, self._sender
        if sender is None:
            return
        progress = False
        in_flight_max = intake.senders.in_flight_max
        for _ in range(FRAMES_PER_TURN):
            if sender.in_flight >= in_flight_max:
                sender.waiting[self._read] = None
                self.pause()
                return
            event = session.next_event()
            if event is None:
                break
            progress = True
            if isinstance(event, Refused):
                intake.counts.refused(event.reason, sender.address)
            else:
                self._has_heard_frame = True
                reply = partial(self._reply, session.expect_answer())
                intake.take(event, sender, "dc09.tcp", reply)
        else:
            self.pause()
            self._loop.call_soon(self._read)
            return
        if not self._is_reading:
            self._resume()
        if not session.is_waiting_for_more:
            self._unfinished_since = None
        elif progress or self._unfinished_since is None:
            self._unfinished_since = self._loop.time()

    def _reply(self, place: Place, data: bytes) -> None:
        self._session.answer(place, data)
        out = self._session.data_to_send()
        if self._transport.is_closing():
            return
        if out:
            self._transport.write(out)
        if self._sender_has_finished and not self._session.answers_open:
            self._transport.close()

    def _is_open(self) -> bool:
        return not self._transport.is_closing()

    def pause(self) -> None:
        """Reads no more for now; what the sender sends waits in its and our kernel."""
        if self._is_reading and self._is_open():
            self._is_reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        is_wanted = not self._is_clogged and not self._intake.is_finishing
        if is_wanted and self._is_open():
            self._is_reading = True
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        """The sender does not fetch its answers: it is not read until it does."""
        self._is_clogged = True
        self.pause()

    def resume_writing(self) -> None:
        self._is_clogged = False
        self._read()

    def eof_received(self) -> bool:
        """The sender has finished; it still gets the answers to what it sent."""
        self._sender_has_finished = True
        return bool(self._session.answers_open)

    def connection_lost(self, _: Exception | None) -> None:
        intake, sender = self._intake, self._sender
        if sender is None:
            return
        self._sender = None
        sender.waiting.pop(self._read, None)
        intake.connections.discard(self)
        intake.senders.disconnected(sender)
        unfinished = self._session.abandon()
        if unfinished is not None:
            intake.counts.refused(unfinished.reason.value, sender.address)

    def tidy(self, now: float) -> None:
        """Closes the connection when its sender was silent for too long. `now`: loop time."""
        settings = self._intake.settings
        if self._has_heard_frame:
            self._frame_at, self._has_heard_frame = now, False
        since = self._unfinished_since
        is_stuck = since is not None and now - since > settings.half_frame_s
        if is_stuck or now - self._frame_at > settings.idle_s:
            self.close()

    def close(self) -> None:
        self._transport.close()


class Datagrams(asyncio.DatagramProtocol):
    """The UDP socket: each datagram is a stream of its own, answered to where it came from."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._transport: asyncio.DatagramTransport  # from connection_made on

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        intake = self._intake
        sender = intake.senders.at(str(addr[0]))
        session = Session(intake.frame_bytes_max)
        session.receive_data(data)
        for _ in range(DATAGRAM_FRAMES_MAX):
            event = session.next_event()
            if event is None:
                event = session.abandon()
            if event is None:
                break
            if isinstance(event, Refused):
                intake.counts.refused(event.reason, sender.address)
            elif not intake.senders.has_room(sender):
                intake.counts.refused("too_many_in_flight", sender.address)
            else:
                intake.take(event, sender, "dc09.udp", partial(self._reply, addr))
        else:
            intake.counts.refused("too_many_in_datagram", sender.address)
        intake.senders.forget_if_idle(sender)

    def _reply(self, to: tuple[Any, ...], data: bytes) -> None:
        if data and not self._transport.is_closing():
            self._transport.sendto(data, to)

    def error_received(self, _: Exception) -> None:
        """An answer met a closed port: the sender is gone, and its signal is kept."""
        self._intake.counts.add("answer_undeliverable")


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    heard: HeardLog,
    devices: DeviceBook,
    district: str,
    agency: str,
    say: Callable[[str], None],
    turn: Callable[[bool], None] = lambda _: None,
) -> None:
    """Hears panels until `stop` is set, then finishes what is in flight.

    `heard` and `devices` are started already and stay the caller's to stop. `say` gets one line per
    socket (`listening dc09 tcp HOST:PORT`). `turn` is called each second, and with False while the
    record can keep nothing: then nobody is answered, and senders try again.
    Raises OSError where the address cannot be had.
    """
    loop = asyncio.get_running_loop()
    intake = Intake(settings, heard, devices, district=district, agency=agency)
    pairs = open_pairs(settings.host, settings.port)
    servers: list[asyncio.Server] = []
    endpoints: list[asyncio.BaseTransport] = []
    try:
        for pair in pairs:
            servers.append(
                await loop.create_server(lambda: Connection(intake), sock=pair.tcp, backlog=BACKLOG)
            )
            endpoints.append(
                (await loop.create_datagram_endpoint(lambda: Datagrams(intake), sock=pair.udp))[0]
            )
            say(f"listening dc09 tcp {pair.host}:{pair.port}")
            say(f"listening dc09 udp {pair.host}:{pair.port}")
        gc.freeze()  # all that is loaded by now stays; a storm must not pay for looking it over
        gc.set_threshold(100_000)  # and what is made for a frame goes by itself, once answered
        while not stop.is_set():
            turn(heard.is_connected)
            intake.tidy(loop.time())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SWEEP_S)
    finally:
        for server in servers:
            server.close()
        await intake.finish()
        for endpoint in endpoints:
            endpoint.close()
        for pair in pairs:
            pair.close()
