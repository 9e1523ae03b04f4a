"""One DC-09 sender on a socket: a connection, in clear or inside TLS, or a datagram. A connection
goes by the table of wire/dc09/states.py; what is kept and answered is the intake's (edge/dc09.py).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from tocsin.edge.dc09_channels import Channel, names_in
from tocsin.edge.senders import Sender
from tocsin.wire.dc09.session import Event, Foreign, Place, Received, Refused, Session
from tocsin.wire.dc09.states import CONNECTION, Deed, Happening, Stage
from tocsin.wire.dc09.strangers import STRANGERS

if TYPE_CHECKING:
    from tocsin.edge.dc09 import Intake

FRAMES_PER_TURN: Final = 32
"""Frames of one connection that are read before the others have their turn."""

DATAGRAM_FRAMES_MAX: Final = 16
UNSENT_BYTES_MAX: Final = 64 << 10  # answers nobody fetches; from then on the sender is not read


def reason_of(event: Refused | Foreign) -> str:
    """Under which bytes that are no frame are counted."""
    return event.reason.value if isinstance(event, Refused) else f"foreign.{event.name}"


class Connection(asyncio.Protocol):
    """One TCP connection: kept open or closed by the sender as it likes (DC-09:2013)."""

    def __init__(self, intake: Intake, channel: Channel, sender: Sender | None = None) -> None:
        """`sender`: who it is, where it was let in already (TLS)."""
        self._intake = intake
        self._channel = channel
        self._session = Session(intake.frame_bytes_max)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport  # from connection_made on
        self._sender = sender  # while the connection holds its place
        self._account: str | None = None  # of the first frame: a panel's connection has no other
        self.has_begun = False
        self._stage = Stage.OPENED
        self._is_reading = True
        self._is_clogged = False
        self._frame_at = self._loop.time()  # when a whole frame was last known, or of the opening
        self._has_heard_frame = False  # since then
        self._unfinished_since: float | None = None

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        return self._stage

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's are not of asyncio's classes
        self._transport = transport
        self.has_begun = True
        if self._sender is None:
            peer = transport.get_extra_info("peername")
            self._sender = self._intake.let_in(str(peer[0]) if peer else "")
        if self._sender is None:
            self._stage = Stage.CLOSED
            transport.abort()
            return
        if self._channel.is_tls:
            names = names_in(transport.get_extra_info("peercert"))
            self._channel = self._channel._replace(names=names)
        transport.set_write_buffer_limits(high=UNSENT_BYTES_MAX)
        self._intake.connections.add(self)
        self._intake.silent[self] = self._sender.share.silent[self] = None

    def give_way(self) -> None:
        """Closes a connection that has said nothing, for one that may."""
        if self._sender is not None:
            self._intake.counts.refused("gave_way", self._sender.address)
            self._transport.abort()
            self.connection_lost(None)

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
        share, in_flight_max = sender.share, intake.senders.in_flight_max
        for _ in range(FRAMES_PER_TURN):
            if share.in_flight >= in_flight_max:
                share.waiting[self._read] = None
                self.pause()
                return
            event = session.next_event()
            if event is None:
                break
            progress = True
            if self._stage is Stage.HEARD and type(event) is Received:  # nearly always
                self._has_heard_frame = True
                reply = partial(self._reply, session.expect_answer())
                intake.take(event, sender, self._channel, reply)
            else:
                self._on(_HAPPENS[type(event)], event)
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

    def _on(self, happening: Happening, event: Event | None = None) -> None:
        """One step by the table. What is not in it changes nothing."""
        found = CONNECTION.get((self._stage, happening))
        if found is None:
            return
        self._stage, deed = found
        if self._stage is not Stage.OPENED:
            self._speaks()
        intake, sender = self._intake, self._sender
        address = "" if sender is None else sender.address
        if deed is Deed.TAKE and isinstance(event, Received) and sender is not None:
            self._has_heard_frame = True
            self._account = event.account
            reply = partial(self._reply, self._session.expect_answer())
            intake.take(event, sender, self._channel, reply)
        elif deed is Deed.COUNT and isinstance(event, Refused):
            intake.counts.refused(reason_of(event), address, event.raw)
        elif deed is Deed.SEND_AWAY and isinstance(event, Foreign):
            intake.counts.refused(reason_of(event), address, event.raw)
            self._transport.write(STRANGERS[event.name].hears)
            self._transport.close()
        elif deed is Deed.COUNT_AND_CLOSE:
            intake.counts.refused(happening, address, b"")
            self._transport.close()
        elif deed is Deed.CLOSE:
            self._transport.close()

    def _speaks(self) -> None:
        """It is no silent one any more."""
        self._intake.silent.pop(self, None)
        if self._sender is not None:
            self._sender.share.silent.pop(self, None)

    def _reply(self, place: Place, data: bytes) -> None:
        self._session.answer(place, data)
        out = self._session.data_to_send()
        if self._transport.is_closing():
            return
        if out:
            self._transport.write(out)
        if self._stage is Stage.LEAVING and not self._session.answers_open:
            self._on(Happening.ALL_ANSWERED)

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
        """The sender has finished; it still gets the answers to what it sent. Not inside TLS, where
        both sides close together."""
        waits = bool(self._session.answers_open) and not self._channel.is_tls
        self._on(Happening.SENDER_WAITS if waits else Happening.SENDER_DONE)
        return waits

    def connection_lost(self, _: Exception | None) -> None:
        self._on(Happening.LOST)
        self._stage = Stage.CLOSED
        intake, sender = self._intake, self._sender
        if sender is None:
            return
        self._speaks()
        self._sender = None
        sender.share.waiting.pop(self._read, None)
        intake.gone(self)
        intake.senders.disconnected(sender)
        unfinished = self._session.abandon()
        if unfinished is not None:
            intake.counts.refused(reason_of(unfinished), sender.address, unfinished.raw)

    def tidy(self, now: float) -> None:
        """Closes the connection when its sender was silent for too long. `now`: loop time."""
        settings = self._intake.settings
        if self._has_heard_frame:
            self._frame_at, self._has_heard_frame = now, False
        if self._session.nul_after_cr and self._sender is not None:
            self._session.nul_after_cr = False
            self._intake.notes_nul(self._account, self._sender.address)
        since, silent_s = self._unfinished_since, now - self._frame_at
        if since is not None and now - since > settings.half_frame_s:
            self._on(Happening.HALF_FRAME)
        elif self._stage is Stage.OPENED and silent_s > settings.first_frame_s:
            self._on(Happening.NO_FRAME_YET)
        elif silent_s > settings.idle_s:
            self._on(Happening.SILENCE)

    def stop(self) -> None:
        """The process ends."""
        self._on(Happening.STOP)

    def abort(self) -> None:
        """It does not close: its sender fetches nothing, or keeps its side of TLS open."""
        self._transport.abort()


_HAPPENS: Final[dict[type, Happening]] = {
    Received: Happening.FRAME,
    Refused: Happening.REFUSED,
    Foreign: Happening.STRANGER,
}


class Datagrams(asyncio.DatagramProtocol):
    """The UDP socket: each datagram is a stream of its own, answered to where it came from."""

    def __init__(self, intake: Intake, channel: Channel) -> None:
        self._intake = intake
        self._channel = channel
        self._transport: asyncio.DatagramTransport  # from connection_made on

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        intake = self._intake
        address = str(addr[0])
        ack = intake.takes_usual_poll(data, address)
        if ack is not None:
            self._reply(addr, ack)
            return
        sender = intake.senders.at(address)
        session = Session(intake.frame_bytes_max)
        session.receive_data(data)
        account = None
        for _ in range(DATAGRAM_FRAMES_MAX):
            event = session.next_event()
            if event is None:
                event = session.abandon()
            if event is None:
                break
            if not isinstance(event, Received):  # hears nothing: the address may be a victim's
                intake.counts.refused(reason_of(event), sender.address, event.raw)
            elif not intake.senders.has_room(sender):
                intake.counts.refused("too_many_in_flight", sender.address)
            else:
                account = event.account
                intake.take(event, sender, self._channel, partial(self._reply, addr))
        else:
            intake.counts.refused("too_many_in_datagram", sender.address)
        if session.nul_after_cr:
            intake.notes_nul(account, sender.address)
        intake.senders.forget_if_idle(sender)

    def _reply(self, to: tuple[Any, ...], data: bytes) -> None:
        if data and not self._transport.is_closing():
            self._transport.sendto(data, to)

    def error_received(self, _: Exception) -> None:
        """An answer met a closed port: the sender is gone, and its signal is kept."""
        self._intake.counts.add("answer_undeliverable")
