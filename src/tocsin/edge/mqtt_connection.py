"""One device's MQTT connection: its socket and its limits. PUBACK and PUBREC go out only after the
commit; what is said is decided in wire/mqtt."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Final, cast

from tocsin.edge.mqtt_acceptor import Acceptor
from tocsin.edge.mqtt_taking import Origin
from tocsin.edge.senders import Sender
from tocsin.record.devices import Device
from tocsin.record.heard import NotKept
from tocsin.wire.mqtt.packets import Connect
from tocsin.wire.mqtt.refusals import (
    session_lasts_s,
)
from tocsin.wire.mqtt.saying import TOCSIN
from tocsin.wire.mqtt.session import (
    Connecting,
    Ended,
    Polled,
    Published,
    Session,
    State,
)
from tocsin.wire.mqtt.signals import topic_of

logger = logging.getLogger("tocsin.mqtt")

PACKETS_PER_TURN: Final = 32
"""Packets of one connection that are read before the others have their turn."""

UNSENT_BYTES_MAX: Final = 64 << 10  # answers nobody fetches; from then on the device is not read
SILENT_TIMES: Final = 1.5
"""A connection is lost after so many times its keep-alive (MQTT 5.0 3.1.2.10)."""

UNSPECIFIED, MALFORMED, SERVER_BUSY, KEEP_ALIVE, NO_LONGER = 0x80, 0x81, 0x89, 0x8D, 0x98


class Connection(asyncio.Protocol):
    """One device's connection."""

    def __init__(self, acceptor: Acceptor, over: str) -> None:
        self.lasts_s = 0.0  # the client's session, when the connection has ended
        self.now = asyncio.get_running_loop().time
        self._acceptor = acceptor
        self._intake = acceptor.intake
        self._over = over
        self._session = Session(acceptor.limits)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport  # from connection_made on
        self._sender: Sender | None = None  # while the connection holds its place
        self._client: tuple[str, str] | None = None
        self._device: Device | None = None
        self._origin: Origin
        self._held: Published | None = None  # waits for what the record knows of its topic
        self._is_reading = True
        self._is_clogged = False
        self._heard_at = self.now()
        self._unfinished_since: float | None = None

    # -- the socket -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's are not of asyncio's classes
        self._transport = transport
        peer = transport.get_extra_info("peername")
        sender = None
        if not self._acceptor.is_finishing:
            sender = self._intake.enter(str(peer[0]) if peer else "")
        if sender is None:
            transport.abort()
            return
        transport.set_write_buffer_limits(high=UNSENT_BYTES_MAX)
        self._sender = sender
        self._acceptor.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._sender is not None:
            self._heard_at = self.now()
            self._session.receive_data(data)
            self._read()

    def pause_writing(self) -> None:
        """The device does not fetch its answers: it is not read until it does."""
        self._is_clogged = True
        self.pause()

    def resume_writing(self) -> None:
        self._is_clogged = False
        self._read()

    def connection_lost(self, _: Exception | None) -> None:
        sender, acceptor = self._sender, self._acceptor
        if sender is None:
            return
        self._sender = None
        sender.share.waiting.pop(self._read, None)
        acceptor.connections.discard(self)
        if self._session.is_waiting_for_more and self._held is None:
            self._intake.counts.refused("cut_short", sender.address, b"")
        ended = self._session.abandon("connection_lost")
        if ended is not None and self._client is not None:
            self._intake.counts.refused("connection_lost", sender.address)
            self._say_will(ended)
        if self._client is not None:
            acceptor.leave(self._client, self, self._session)
        self._intake.leave(sender)

    def pause(self) -> None:
        """Reads no more for now; what the device sends waits in its and our kernel."""
        if self._is_reading and not self._transport.is_closing():
            self._is_reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        is_wanted = not (self._is_clogged or self._acceptor.is_finishing)
        if is_wanted and not self._is_reading and not self._transport.is_closing():
            self._is_reading = True
            self._heard_at = self.now()  # while it was not read it could not be heard
            self._transport.resume_reading()

    # -- what it says ---------------------------------------------------------------------------

    def _read(self) -> None:
        """Goes through what has come, as far as this sender's share reaches; then waits."""
        sender, session = self._sender, self._session
        progress = False
        for _ in range(PACKETS_PER_TURN):
            if sender is None or self._held is not None or self._acceptor.is_finishing:
                break
            if not self._acceptor.has_room(sender):
                sender.share.waiting[self._read] = None
                self._send()
                self.pause()
                return
            event = session.next_event()
            if event is None:
                break
            progress = True
            if isinstance(event, Published):
                self._publish(event, sender)
            elif isinstance(event, Polled):
                self._poll()
            elif isinstance(event, Connecting):
                self._connect(event.connect, sender)
            else:
                self._over_with(event, sender)
        else:
            self._loop.call_soon(self._read)
        self._send()
        if session.is_full or self._held is not None:
            self.pause()
        else:
            self._resume()
        if not session.is_waiting_for_more:
            self._unfinished_since = None
        elif progress or self._unfinished_since is None:
            self._unfinished_since = self.now()

    def _connect(self, connect: Connect, sender: Sender) -> None:
        acceptor, session = self._acceptor, self._session
        reason, refusal = acceptor.decide(connect, sender.address, self.now())
        if refusal is not None:
            self._intake.counts.refused(reason, sender.address, b"")
            session.refuse(refusal)
            self._hang_up()
            return
        account = connect.user or ""
        self._device = device = self._intake.device(account)
        assert device is not None
        client_id = connect.client_id or f"tocsin-{secrets.token_hex(8)}"
        self._client = (account, client_id)
        self.lasts_s = session_lasts_s(connect) if connect.client_id else 0.0
        is_tls = self._over == "tls"
        self._origin = Origin(
            account,
            device,
            sender.address,
            self._over,
            # In clear the password may be overheard, and whatever comes may be another's.
            "authenticated" if is_tls else "none",
            connect.version,
        )
        remembered = acceptor.enter(self._client, self)
        session.accept(account, client_id, unreleased=remembered)
        acceptor.wills.back(self._client, self._origin)
        self._intake.counts.add("connections")

    def _publish(self, event: Published, sender: Sender) -> None:
        if event.publish.retain and not self._acceptor.taking.knows(self._origin):
            self._held = event
            self._acceptor.start(self._loop.create_task(self._learn(event)))
            return
        self._acceptor.begins(sender)
        self._acceptor.start(self._loop.create_task(self._keep(event, sender)))

    async def _learn(self, event: Published) -> None:
        """A retained message is judged by what its topic said last, which the record knows."""
        try:
            await self._acceptor.taking.learn(self._origin)
        except Exception:
            logger.exception("what a device said last cannot be learned")
            self.close(UNSPECIFIED, "failed")
            return
        finally:
            self._held = None
        if self._sender is not None:
            self._publish(event, self._sender)
            self._read()

    async def _keep(self, event: Published, sender: Sender) -> None:
        self._acceptor.begun(sender)
        publish = event.publish
        found = topic_of(self._acceptor.settings.topics, publish.topic)
        topic = TOCSIN if found is None else found[0]
        try:
            await self._acceptor.taking.take(publish, event.raw, topic, self._origin)
        except NotKept:
            # A client sends again what was not acknowledged when it connects again, and only then
            # (MQTT 5.0 4.4); a PUBACK with an error would tell it to send it never again (4.3.2).
            self.close(SERVER_BUSY, "")
            return
        except Exception:
            # It is not acknowledged, and so nothing after it may be: it comes again.
            logger.exception("a device's message failed")
            self.close(UNSPECIFIED, "failed")
            return
        if self._sender is not None and self._session.state is State.OPEN:
            self._session.answer(publish, event.place)
            self._send()
            self._read()

    def _poll(self) -> None:
        """Nobody is told that all is well while nothing can be kept."""
        assert self._device is not None
        try:
            self._intake.seen(self._device)
        except NotKept:
            self.close(SERVER_BUSY, "not_kept")
        else:
            self._session.pong()

    # -- its end --------------------------------------------------------------------------------

    def _over_with(self, ended: Ended, sender: Sender) -> None:
        if ended.reason is not None:
            self._intake.counts.refused(ended.reason, sender.address, b"")
        self._say_will(ended)
        self._hang_up()

    def _say_will(self, ended: Ended) -> None:
        if ended.will is not None and self._client is not None and not self._acceptor.is_finishing:
            self._acceptor.wills.lost(self._client, ended.will, self._origin)

    def _send(self) -> None:
        out = self._session.data_to_send()
        if out and not self._transport.is_closing():
            self._transport.write(out)

    def _hang_up(self) -> None:
        self._send()
        self._transport.close()

    def close(self, code: int, reason: str, *, lost: bool = False) -> None:
        """We end it, counted under `reason` if any. `lost`: the device is silent, so that its will
        is to be said."""
        ended = self._session.close(code, reason)
        if ended is not None:
            if reason and self._sender is not None:
                self._intake.counts.refused(reason, self._sender.address)
            if lost:
                self._say_will(ended)
        self._hang_up()

    def tidy(self, now: float) -> None:
        """Closes what is silent for too long, or unfinished. `now`: loop time."""
        settings = self._acceptor.settings
        if self._session.state is State.AWAITING:
            if now - self._heard_at > settings.connect_s or self._is_slow(now, settings.connect_s):
                self.close(MALFORMED, "no_connect")
            return
        if self._device is not None and not self._acceptor.is_still(self._device):
            self.close(NO_LONGER, "unauthorized")
            return
        if self._is_slow(now, settings.half_packet_s):
            self.close(MALFORMED, "cut_short", lost=True)
        is_heard = self._is_reading or self._is_clogged  # what we do not read cannot be silent
        if is_heard and now - self._heard_at > SILENT_TIMES * self._session.keep_alive_s:
            self.close(KEEP_ALIVE, "keep_alive", lost=True)

    def _is_slow(self, now: float, limit_s: float) -> bool:
        since = self._unfinished_since
        return since is not None and self._is_reading and now - since > limit_s
