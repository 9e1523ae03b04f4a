"""DC-09 panels on TCP, TLS and UDP: every frame is kept before its sender hears of it, and each
sender has its own share. What is answered is decided in wire/dc09; the sockets are in dc09_sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from tocsin.core.probing import is_reserved
from tocsin.edge.counts import LOG_EVERY_S, Counts
from tocsin.edge.dc09_channels import Channel, Settings
from tocsin.edge.dc09_memory import Memory, Noise
from tocsin.edge.dc09_sockets import Connection
from tocsin.edge.senders import Sender, Senders
from tocsin.edge.sockets import connections_possible
from tocsin.record.devices import Device, DeviceBook
from tocsin.record.heard import HeardLog, NotKept
from tocsin.record.heard_rows import Heard
from tocsin.wire.dc09.answers import (
    RULES,
    Answer,
    Problem,
    Reception,
    clock_problem,
    receive,
    usual_poll,
)
from tocsin.wire.dc09.dialects import ANSWER_FORMS, AS_HEARD, NO_TIME
from tocsin.wire.dc09.frames import Form
from tocsin.wire.dc09.sealed import open_usual
from tocsin.wire.dc09.session import Received

PROTOCOL: Final = "dc09"
FINISH_S: Final = 5.0
"""At a stop, what is in flight has this long to be committed and answered."""

CLOSE_S: Final = 1.0
"""Then connections have this long to close; what is still open is cut off."""

_OF_THE_DEVICE: Final = (None, Problem.CLOCK_OFF, Problem.UNKNOWN_TOKEN, Problem.UNKNOWN_FORM)
"""What a frame may be that shows that its device is there: not a replay, nor what does not open."""


logger = logging.getLogger("tocsin.edge")


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
        self.memory = Memory(self.counts, devices)
        self.connections: set[Connection] = set()
        self.silent: dict[Connection, None] = {}  # no good frame yet, the oldest first
        self.handshakes = 0  # of TLS, under way; each holds the place of a connection
        self.connections_max = connections_possible(settings.max_connections)
        self.frame_bytes_max = settings.frame_bytes_max
        self._heard = heard
        self._devices = devices
        self._district = district
        self._agency = agency
        self._in_flight = 0
        self._failed_said_at = -LOG_EVERY_S
        self._finishing: asyncio.Event | None = None
        self._all_gone = asyncio.Event()
        self._loop_time = asyncio.get_running_loop().time
        self._noise = Noise().draw

    def let_in(self, address: str) -> Sender | None:
        """A place for one more connection of this address, or None (counted) where there is none.
        It is given back by `senders.disconnected`.

        Where all are taken, the oldest connection that has sent no good frame gives its place up:
        whoever opens connections and says nothing shuts nobody out, not even at its own address.
        """
        sender = self.senders.at(address)
        if len(self.connections) + self.handshakes >= self.connections_max:
            self._make_room(self.silent)
        if sender.connections >= self.settings.max_connections_per_address:
            self._make_room(sender.share.silent)
        if len(self.connections) + self.handshakes >= self.connections_max:
            self.counts.refused("too_many_connections", address, b"")
        elif sender.connections >= self.settings.max_connections_per_address:
            self.counts.refused("too_many_connections_of_address", address, b"")
        else:
            sender.connections += 1
            return sender
        self.senders.forget_if_idle(sender)
        return None

    @staticmethod
    def _make_room(silent: dict[Connection, None]) -> None:
        for oldest in silent:
            oldest.give_way()
            return

    def take(
        self, received: Received, sender: Sender, channel: Channel, reply: Callable[[bytes], None]
    ) -> None:
        """Takes one whole frame in hand; `reply` gets its answer (b"" for none), after the commit,
        or b"" if it could not be kept. Never raises: one frame that we fail to deal with must not
        cost its connection, or everybody the socket for datagrams."""
        try:
            self._take(received, sender, channel, reply)
        except Exception:
            self.counts.refused("failed", sender.address, received.raw)
            loop_time = self._loop_time()
            if loop_time - self._failed_said_at >= LOG_EVERY_S:
                self._failed_said_at = loop_time
                logger.exception("a frame could not be decided on")
            reply(b"")

    def takes_usual_poll(self, raw: bytes, address: str) -> bytes | None:
        """The answer to a datagram, where it is what a million devices send each minute: one right
        poll in clear of a known device that has no key and nothing odd about it. None for any
        other; then nothing was done, and `take` finds out what it is. Never raises."""
        try:
            found = usual_poll(raw)
            if found is None or len(raw) > self.frame_bytes_max or self.senders.is_full(address):
                return None
            account, ack, stamp = found
            device = self._devices.find(PROTOCOL, account.upper())
            if device is None or device.is_odd or has_key(device):
                return None
            now = datetime.now(UTC)
            if stamp is not None and clock_problem(stamp, now) is not None:
                return None
            self._heard.seen(device.id, now, address)
        except Exception:  # noqa: BLE001 - it is met again by `take`, and counted there
            return None
        self.counts.add("poll")
        return ack

    def _take(
        self, received: Received, sender: Sender, channel: Channel, reply: Callable[[bytes], None]
    ) -> None:
        """The same, where nothing fails."""
        now = datetime.now(UTC)
        account = (received.account or "").upper()
        device = self._devices.find(PROTOCOL, account)
        ack, stamp, region, whose, is_test = received.ack, received.stamp, None, None, False
        if ack is not None and device is not None and not device.is_odd:  # read later
            answer, data, signals, repeat_key, replay_key = Answer.ACK, ack, None, None, None
            is_sign_of_life = not has_key(device)
            problem = clock_problem(stamp, now) if stamp else None
            if problem is not None:
                self.counts.add(problem)
        elif (told := self._opened(received, device, now)) is not None:
            answer, problem, signals, is_sign_of_life = Answer.ACK, None, None, True
            data, region, repeat_key, replay_key = told
        else:
            reception = self._receive(received, device, sender, now)
            answer, data, problem, signals, repeat_key, is_poll = reception[:6]
            replay_key, whose = reception.replay_key, reception.whose
            is_test = problem is Problem.UNKNOWN_ACCOUNT and is_reserved(account)
            if problem and not is_test and not self._is_stored(problem, sender, received.raw):
                reply(b"")
                return
            is_sign_of_life = problem in _OF_THE_DEVICE and (
                device is None or received.frame.encrypted or not has_key(device)
            )
            if is_poll and device is not None:
                self._take_poll(device if is_sign_of_life else None, data, now, sender, reply)
                return
        message = Heard(
            received_at=now,
            intake=channel.intake,
            protocol=PROTOCOL,
            source=sender.address,
            body=received.raw,
            answer=answer,
            district=self._district if device is None else device.district,
            agency=self._agency if device is None else device.agency,
            problem=problem,
            device=None if device is None else device.id,
            site=None if device is None else device.site,
            signals=signals,
            repeat_key=repeat_key,
            assurance=channel.vouches(account) if channel.names else channel.assurance,
            is_sign_of_life=is_sign_of_life,
            opened=region,
            replay_key=replay_key,
            whose=whose,
        )
        counted = "probe" if is_test else answer.value
        try:
            self._heard.hand_in(message, partial(self._kept, counted, data, sender, reply))
        except NotKept:
            self._not_kept(sender)
            reply(b"")
            return
        sender.share.in_flight += 1
        self._in_flight += 1

    def _opened(
        self, received: Received, device: Device | None, now: datetime
    ) -> tuple[bytes, bytes, bytes, bytes] | None:
        """Answer, content, repeat and replay key of an encrypted frame of a known device, if it is
        as nearly every one is."""
        sealed = received.sealed
        if sealed is None or device is None or device.key is None or device.is_odd:
            return None
        told = open_usual(sealed, device.key, now, self._noise())
        if told is None:
            return None
        if told.dialects and not set(told.dialects) <= set(device.learnt.dialects):
            self.memory.note(device, "", told.dialects)
        return told.ack, told.region, told.repeat_key, told.replay_key

    def _is_stored(self, problem: Problem, sender: Sender, raw: bytes) -> bool:
        """Counts what is not in order."""
        if problem is Problem.CLOCK_OFF:  # so common that it is no trouble of ours
            self.counts.add(problem)
        else:
            is_stored = RULES[problem].is_stored
            self.counts.refused(problem, sender.address, None if is_stored else raw)
        return RULES[problem].is_stored

    def _receive(
        self, received: Received, device: Device | None, sender: Sender, now: datetime
    ) -> Reception:
        """A frame whose answer depends on what it says, or on its sender."""
        frame, memory = received.frame, self.memory
        # In clear, in the name of a device that has a key, it teaches nothing about that device.
        its_own = device if device is None or frame.encrypted or not has_key(device) else None
        source = f"{received.account}@{sender.address}"
        register, learnt_ahead, noise = AS_HEARD, NO_TIME, self._noise()
        if device is not None:
            register = memory.registered(device, sender.address)
            if device.is_odd:
                learnt_ahead = memory.ahead(device)
                if frame.form is Form.STANDARD and memory.is_misprinted(its_own, received.raw):
                    frame = frame._replace(form=Form.MISPRINTED_CRC)  # the answer has its two forms
        has_choice = register.form is None and len(ANSWER_FORMS[frame.form]) > 1

        def decided() -> Reception:
            return receive(
                frame,
                is_known=device is not None,
                key=None if device is None else device.key,
                now=now,
                noise=noise,
                register=register,
                learnt_ahead=learnt_ahead,
                turn=memory.turn(its_own, source) if has_choice else 0,
            )

        reception = decided()
        if reception.problem not in _OF_THE_DEVICE:
            its_own = None
        loop_time = self._loop_time()
        if has_choice and memory.is_asked_again(its_own, source, reception.repeat_key, loop_time):
            reception = decided()
        if reception.dialects:
            memory.note(its_own, source, reception.dialects)
        if its_own is not None and not frame.encrypted:
            self._learn_clock(its_own, frame.sent_at, reception, now)
        return reception

    def _learn_clock(
        self, device: Device, sent_at: datetime | None, reception: Reception, now: datetime
    ) -> None:
        """A poll that is timely teaches only where something else was learnt: nearly all are."""
        if sent_at is None or not (device.is_odd or reception.problem is Problem.CLOCK_OFF):
            return
        if reception.is_poll:
            self.memory.poll_says(device, sent_at, now)
        else:
            self.memory.message_says(device, sent_at, now)

    def notes_nul(self, account: str | None, address: str) -> None:
        """A NUL came behind a CR on a connection on which this account was heard first."""
        device = self._devices.find(PROTOCOL, (account or "").upper())
        is_its_own = device is not None and not has_key(device)
        self.memory.note(device if is_its_own else None, address, ("nul_after_cr",))

    def _kept(
        self,
        counted: str,
        data: bytes,
        sender: Sender,
        reply: Callable[[bytes], None],
        is_kept: bool,
    ) -> None:
        """The commit has returned, or will not. `counted`: under what the answer is."""
        self._in_flight -= 1
        if not is_kept:
            self._not_kept(sender)
            reply(b"")
        else:
            self.counts.add(counted)
            reply(data)
        self.senders.answered(sender)
        if self._finishing is not None and not self._in_flight:
            self._finishing.set()

    def _not_kept(self, sender: Sender) -> None:
        """Silence is the one true answer: the sender tries again, or takes its other path."""
        self.counts.refused("not_kept", sender.address)

    def _take_poll(
        self,
        device: Device | None,
        data: bytes,
        now: datetime,
        sender: Sender,
        reply: Callable[[bytes], None],
    ) -> None:
        """A poll changes nothing but when the device was last seen, which may be written within
        seconds of its answer; but nobody is told that all is well while nothing can be kept.
        `device`: None where anybody may have sent it, in clear under the account of a device that
        has a key. Then the device's silence goes on."""
        can_keep = self._heard.is_connected
        if device is not None:
            try:
                self._heard.seen(device.id, now, sender.address)
            except NotKept:
                can_keep = False
        if not can_keep:
            self._not_kept(sender)
            reply(b"")
            return
        if device is None:
            self.counts.refused("poll_in_clear", sender.address)
        else:
            self.counts.add("poll")
        reply(data)

    def gone(self, connection: Connection) -> None:
        """The connection is closed."""
        self.connections.discard(connection)
        if not self.connections:
            self._all_gone.set()

    @property
    def is_finishing(self) -> bool:
        return self._finishing is not None

    def tidy(self, now: float) -> None:
        """Each second: closes what is silent for too long and hands the counters on."""
        for connection in list(self.connections):
            connection.tidy(now)
        self._heard.hears(PROTOCOL)
        self._hand_on()
        self.counts.speak(now)

    def _hand_on(self) -> None:
        self.counts.hand_on(self._heard.count)
        refusals = self.counts.refusals.take()
        self._heard.refused(PROTOCOL, refusals, self._district, self._agency)

    async def finish(self) -> None:
        """No new connections any more: lets what is in flight be answered, then closes."""
        self._finishing = asyncio.Event()
        self._all_gone.clear()
        for connection in self.connections:
            connection.pause()
        if self._in_flight:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._finishing.wait(), FINISH_S)
        for connection in list(self.connections):
            connection.stop()
        if self.connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_gone.wait(), CLOSE_S)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)  # they are told in the loop's next turn
        self._hand_on()


def has_key(device: Device) -> bool:
    """Whether it shares a key with us, also one that does not open here: then what comes in clear
    may be anybody's."""
    return device.key is not None or device.key_is_lost
