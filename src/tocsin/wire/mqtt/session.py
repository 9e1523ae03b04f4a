"""The server's side of one MQTT connection, without the socket: bytes in, events out, bytes out.
A PUBACK or PUBREC is formed when whoever owns the session says that the message is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar, Final, NamedTuple

from tocsin.wire.mqtt.fields import BadPacket
from tocsin.wire.mqtt.packets import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
    V3,
    V5,
    Ack,
    ConnAck,
    Connect,
    Disconnect,
    Granted,
    Packet,
    Ping,
    Publish,
    Subscribe,
    Unsubscribe,
    Will,
    decode,
    encode,
)
from tocsin.wire.mqtt.refusals import BAD_CLIENT_ID, BAD_METHOD, Refusal, property_of
from tocsin.wire.mqtt.topics import is_command

CONNECT_BYTES_MAX: Final = 8_192
"""Of a CONNECT, will and all: whoever sends it has not shown a password yet."""

HEADER_BYTES_MAX: Final = 5
_PUBACK: Final = bytes((PUBACK << 4, 2))


class State(Enum):
    """Where a connection stands."""

    AWAITING = "no CONNECT yet"
    DECIDING = "CONNECT has come, and its owner has not said yet"
    OPEN = "accepted"
    CLOSED = "nothing more is read or said"


class Limits(NamedTuple):
    """What one connection may do. Bytes, messages without their answer, seconds."""

    packet_bytes_max: int = 65_536
    topic_bytes_max: int = 512
    in_flight_max: int = 64
    keep_alive_s_max: int = 600


class Connecting(NamedTuple):
    """`accept` or `refuse` follows; nothing else is read before."""

    connect: Connect


class Published(NamedTuple):
    """A message to be kept; then `answer(place)`, which is never called where it was not."""

    publish: Publish
    raw: bytes
    place: Place


class Polled(NamedTuple):
    """PINGREQ; `pong` answers it."""


class Ended(NamedTuple):
    """The connection is over. `reason` names what was wrong, None where it was closed in order;
    `will` is what is to be said now (MQTT 5.0 3.1.2.5)."""

    reason: str | None
    will: Will | None


Event = Connecting | Published | Polled | Ended
Place = list[bytes | None]  # one element: the answer, None until it is decided


class Session:
    """One connection. However its bytes are cut into segments, the events are the same; it holds
    no more than one packet of the largest size and one segment.

    Answers to PUBLISH and PUBREL leave in the order in which those came (MQTT 5.0 4.6).
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.state = State.AWAITING
        self.version = V3
        self.keep_alive_s = self.limits.keep_alive_s_max
        self.unreleased: set[int] = set()
        """Packet ids of QoS 2 that are kept and not released by PUBREL: nothing new if they come
        again."""
        self._account = ""
        self._connect: Connect | None = None
        self._will: Will | None = None
        self._buffer = b""
        self._position = 0
        self._answers: deque[Place] = deque()
        self._undecided = 0
        self._taking: set[int] = set()
        self._out: list[bytes] = []

    # -- bytes in, events out -------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Takes one segment; follow with `next_event` until it is None."""
        if self.state is State.CLOSED:
            return
        rest = self._buffer[self._position :]
        self._buffer = rest + data if rest else data
        self._position = 0

    @property
    def is_waiting_for_more(self) -> bool:
        """A packet was begun and is not whole."""
        return self.state is not State.CLOSED and self._position < len(self._buffer)

    @property
    def is_full(self) -> bool:
        """As many messages wait for their answer as may; nothing is read before one has it."""
        return self._undecided >= self.limits.in_flight_max

    @property
    def answers_open(self) -> int:
        """Messages that are not answered yet."""
        return self._undecided

    def next_event(self) -> Event | None:
        """The next event, or None when more bytes or an answer are needed."""
        while self.state in (State.AWAITING, State.OPEN) and not self.is_full:
            try:
                raw = self._next_packet()
                if raw is None:
                    return None
                event = self._take(decode(raw, self.version), raw)
            except BadPacket as bad:
                return self._broken(bad)
            if event is not None:
                return event
        return None

    def abandon(self, reason: str) -> Ended | None:
        """The connection is gone, or is given up for `reason`; None where it had ended already."""
        if self.state is State.CLOSED:
            return None
        return self._end(reason)

    def _next_packet(self) -> bytes | None:
        """The bytes of one whole packet, None while they are not all there."""
        buffer, start = self._buffer, self._position
        have = len(buffer) - start
        if not have:
            return None
        is_first = self.state is State.AWAITING
        if is_first and buffer[start] != CONNECT << 4:  # 3.1
            raise BadPacket("not_a_connect", 0x82)
        length = place = 0
        while True:
            place += 1
            if place == HEADER_BYTES_MAX:
                raise BadPacket("malformed")
            if place >= have:
                return None
            byte = buffer[start + place]
            length |= (byte & 0x7F) << (7 * (place - 1))
            if byte < 0x80:
                break
        size = 1 + place + length
        if size > (CONNECT_BYTES_MAX if is_first else self.limits.packet_bytes_max):
            raise BadPacket("oversized", 0x95)
        if have < size:
            return None
        self._position = start + size
        return buffer[start : self._position]

    def _take(self, packet: Packet, raw: bytes) -> Event | None:
        act = self._DOES.get((self.state, raw[0] >> 4))
        if act is None:
            raise BadPacket("protocol_error", 0x82)
        return act(self, packet, raw)

    # -- what each packet does ------------------------------------------------------------------

    def _on_connect(self, packet: Connect, _: bytes) -> Event | None:
        limits = self.limits
        self.version = packet.version
        will = packet.will
        if will is not None and len(will.topic.encode()) > limits.topic_bytes_max:
            raise BadPacket("topic_too_long", 0x90)
        self._connect = packet
        self.state = State.DECIDING
        if not packet.client_id and not packet.clean and packet.version == V3:  # 3.1.1 3.1.3.1
            self.refuse(BAD_CLIENT_ID)
            return Ended("bad_client_id", None)
        if property_of(packet.properties, "authentication_method") is not None:
            self.refuse(BAD_METHOD)
            return Ended("bad_authentication_method", None)
        return Connecting(packet)

    def _on_publish(self, packet: Publish, raw: bytes) -> Event | None:
        if property_of(packet.properties, "topic_alias") is not None:  # our maximum is 0
            raise BadPacket("topic_alias", 0x94)
        if len(packet.topic.encode()) > self.limits.topic_bytes_max:
            raise BadPacket("topic_too_long", 0x90)
        place: Place = [None]
        if packet.qos == 2:
            if packet.packet_id in self.unreleased:
                place[0] = encode(Ack(PUBREC, packet.packet_id), self.version)
                self._answers.append(place)
                return None
            if packet.packet_id in self._taking:
                return None  # its PUBREC follows when the first of them is kept
            if len(self.unreleased) + len(self._taking) >= self.limits.in_flight_max:
                raise BadPacket("receive_maximum_exceeded", 0x93)
            self._taking.add(packet.packet_id)
        self._undecided += 1
        self._answers.append(place)
        return Published(packet, raw, place)

    def _on_pubrel(self, packet: Ack, _: bytes) -> None:
        is_known = packet.packet_id in self.unreleased
        self.unreleased.discard(packet.packet_id)
        code = 0x92 if self.version == V5 and not is_known else 0
        self._answers.append([encode(Ack(PUBCOMP, packet.packet_id, code), self.version)])

    def _on_subscribe(self, packet: Subscribe, _: bytes) -> None:
        codes = tuple(self._granted(name) for name, _ in packet.filters)
        self._say(Granted(SUBACK, packet.packet_id, codes))

    def _on_unsubscribe(self, packet: Unsubscribe, _: bytes) -> None:
        codes = (0x11,) * len(packet.filters) if self.version == V5 else ()
        self._say(Granted(UNSUBACK, packet.packet_id, codes))

    def _granted(self, name: str) -> int:
        """Only a device's own topics, and no commands: nothing is ever sent on any. Some devices
        end the connection where all of their subscriptions fail."""
        if self.version == V5 and name.startswith("$share/"):
            return 0x9E
        if "+" in name or "#" in name:
            return 0xA2 if self.version == V5 else 0x80
        if name.startswith(f"{self._account}/") and not is_command(name):
            return 0
        return 0x87 if self.version == V5 else 0x80

    def _on_ping(self, _: Ping, __: bytes) -> Event | None:
        return Polled()

    def _on_disconnect(self, packet: Disconnect, _: bytes) -> Event | None:
        if packet.code == 0:  # 3.14: the will is not said
            self._will = None
        return self._end(None)

    # -- what the owner decides -----------------------------------------------------------------

    def accept(
        self, account: str, client_id: str = "", *, unreleased: frozenset[int] | None = None
    ) -> None:
        """CONNACK, accepted. `client_id`: the one assigned where the client gave none.
        `unreleased`: what is remembered of its session; None where nothing is."""
        connect, limits = self._connect, self.limits
        assert connect is not None
        has_session = unreleased is not None and not connect.clean
        if has_session and unreleased is not None:
            self.unreleased = set(unreleased)
        wanted = connect.keep_alive_s
        is_ours = not 0 < wanted <= limits.keep_alive_s_max
        self.keep_alive_s = limits.keep_alive_s_max if is_ours else wanted
        said: list[tuple[str, Any]] = [
            ("receive_maximum", limits.in_flight_max),
            ("maximum_packet_size", limits.packet_bytes_max),
            ("wildcard_subscription_available", 0),
            ("subscription_identifier_available", 0),
            ("shared_subscription_available", 0),
        ]
        if is_ours:
            said.append(("server_keep_alive_s", self.keep_alive_s))
        if not connect.client_id:
            said.append(("assigned_client_id", client_id))
        self._account, self._will, self.state = account, connect.will, State.OPEN
        self._say(ConnAck(0, has_session, tuple(said) if self.version == V5 else ()))

    def refuse(self, refusal: Refusal) -> None:
        """CONNACK, refused; the connection is over, and no will is said."""
        code = refusal.v5 if self.version == V5 else refusal.v3
        self._say(ConnAck(code))
        self._close()

    def answer(self, publish: Publish, place: Place) -> None:
        """The message is on disk: PUBACK or PUBREC, at its turn; nothing for QoS 0."""
        self._undecided -= 1
        if publish.qos == 0:
            place[0] = b""
        elif publish.qos == 1:
            place[0] = _PUBACK + publish.packet_id.to_bytes(2, "big")  # as `encode` writes it
        else:
            self._taking.discard(publish.packet_id)
            self.unreleased.add(publish.packet_id)
            place[0] = encode(Ack(PUBREC, publish.packet_id), self.version)

    def pong(self) -> None:
        """PINGRESP: all is well here."""
        self._say(Ping(PINGRESP))

    def close(self, code: int, reason: str) -> Ended | None:
        """We end it; a client of version 5 hears why. What is not answered stays unanswered, and
        the client sends it again when it connects again (MQTT 5.0 4.4)."""
        if self.state is State.CLOSED:
            return None
        answers = self.data_to_send()
        if self.state is State.OPEN and self.version == V5:
            answers += encode(Disconnect(code), V5)
        ended = self._end(reason)
        self._out = [answers]
        return ended

    def data_to_send(self) -> bytes:
        """What may go out now: every answer that no earlier one holds back, and the rest."""
        out, self._out = self._out, []
        answers = self._answers
        while answers and (data := answers[0][0]) is not None:
            out.append(data)
            answers.popleft()
        return out[0] if len(out) == 1 else b"".join(out)

    # -- the end --------------------------------------------------------------------------------

    def _say(self, packet: Packet) -> None:
        self._out.append(encode(packet, self.version))

    def _broken(self, bad: BadPacket) -> Ended:
        """MQTT 5.0 4.13: version 5 hears the reason code, 3.1.1 only sees the connection end."""
        if bad.reason == "unsupported_version":  # 3.1.1 3.1.2.2
            self._out.append(bytes((CONNACK << 4, 2, 0, 1)))
        elif self.state is State.OPEN and self.version == V5:
            self._out = [self.data_to_send(), encode(Disconnect(bad.code), V5)]
        return self._end(bad.reason)

    def _end(self, reason: str | None) -> Ended:
        ended = Ended(reason, self._will)
        self._close()
        return ended

    def _close(self) -> None:
        self.state, self._will = State.CLOSED, None
        self._buffer, self._position = b"", 0
        self._out = [self.data_to_send()]  # what was kept before is still answered
        self._answers.clear()

    # In which state which packet does what; any other is a protocol error.
    _DOES: ClassVar[dict[tuple[State, int], Callable[[Session, Any, bytes], Event | None]]] = {
        (State.AWAITING, CONNECT): _on_connect,
        (State.OPEN, PUBLISH): _on_publish,
        (State.OPEN, PUBREL): _on_pubrel,
        (State.OPEN, SUBSCRIBE): _on_subscribe,
        (State.OPEN, UNSUBSCRIBE): _on_unsubscribe,
        (State.OPEN, PINGREQ): _on_ping,
        (State.OPEN, DISCONNECT): _on_disconnect,
    }
