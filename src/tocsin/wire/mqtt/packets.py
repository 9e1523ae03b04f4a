"""MQTT packets, bytes to structs and back, for versions 3.1.1 (4) and 5.0 (5). What a server hears
and what it says; whatever is not wholly in order raises `BadPacket` and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from tocsin.wire.mqtt.fields import USER, BadPacket, Properties, Reader
from tocsin.wire.mqtt.fields import binary as write_binary
from tocsin.wire.mqtt.fields import properties as write_properties
from tocsin.wire.mqtt.fields import text as write_text
from tocsin.wire.mqtt.fields import variable as write_variable

V3: Final = 4
V5: Final = 5
FILTERS_MAX: Final = 64  # of one SUBSCRIBE or UNSUBSCRIBE

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(8, 16)


class Will(Struct, frozen=True):
    """What is to be said when the connection is lost (MQTT 5.0 3.1.2.5)."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = ()


class Connect(Struct, frozen=True):
    version: int
    client_id: str
    clean: bool = True
    keep_alive_s: int = 0
    will: Will | None = None
    user: str | None = None
    password: bytes | None = None
    properties: Properties = ()


class ConnAck(Struct, frozen=True):
    code: int = 0
    session_present: bool = False
    properties: Properties = ()


class Publish(Struct, frozen=True, gc=False):
    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int = 0
    dup: bool = False
    retain: bool = False
    properties: Properties = ()


class Ack(Struct, frozen=True, gc=False):
    """PUBACK, PUBREC, PUBREL or PUBCOMP, which `kind` says."""

    kind: int
    packet_id: int
    code: int = 0
    properties: Properties = ()


class Subscribe(Struct, frozen=True):
    """`filters`: each with its options byte."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]
    properties: Properties = ()


class Unsubscribe(Struct, frozen=True):
    packet_id: int
    filters: tuple[str, ...]
    properties: Properties = ()


class Granted(Struct, frozen=True):
    """SUBACK or UNSUBACK, which `kind` says; a code for each filter (none for 3.1.1 UNSUBACK)."""

    kind: int
    packet_id: int
    codes: tuple[int, ...] = ()
    properties: Properties = ()


class Ping(Struct, frozen=True):
    """PINGREQ or PINGRESP, which `kind` says."""

    kind: int = PINGREQ


class Disconnect(Struct, frozen=True):
    code: int = 0
    properties: Properties = ()


class Auth(Struct, frozen=True):
    code: int = 0
    properties: Properties = ()


Packet = (
    Connect | ConnAck | Publish | Ack | Subscribe | Unsubscribe | Granted | Ping | Disconnect | Auth
)


def decode(raw: bytes, version: int) -> Packet:
    """One whole packet. `version` is that of the connection; a CONNECT says its own."""
    reader = Reader(raw)
    first = reader.number(1)
    kind, flags = first >> 4, first & 0x0F
    if reader.variable() != len(raw) - reader.position:
        raise BadPacket("malformed")
    if kind != PUBLISH and flags != (0x02 if kind in _FLAGS_TWO else 0):  # 2.1.3
        raise BadPacket("malformed")
    read = _READ.get(kind)
    if read is None or (kind == AUTH and version != V5):
        raise BadPacket("malformed")
    packet = read(reader, first, version)
    if not reader.is_at_end:
        raise BadPacket("malformed")
    return packet


_FLAGS_TWO: Final = frozenset({PUBREL, SUBSCRIBE, UNSUBSCRIBE})

_PUBLISH_PROPERTIES: Final = frozenset(
    {"payload_format", "message_expiry_s", "content_type", "response_topic", "correlation_data"}
    | {"topic_alias", "subscription_identifier", USER}
)
_WILL_PROPERTIES: Final = _PUBLISH_PROPERTIES - {"topic_alias", "subscription_identifier"} | {
    "will_delay_s"
}
_CONNECT_PROPERTIES: Final = frozenset(
    {"session_expiry_s", "receive_maximum", "maximum_packet_size", "topic_alias_maximum", USER}
    | {"request_response_information", "request_problem_information"}
    | {"authentication_method", "authentication_data"}
)
_CONNACK_PROPERTIES: Final = frozenset(
    {"session_expiry_s", "receive_maximum", "maximum_qos", "retain_available", USER}
    | {"maximum_packet_size", "assigned_client_id", "topic_alias_maximum", "reason_string"}
    | {"wildcard_subscription_available", "subscription_identifier_available"}
    | {"shared_subscription_available", "server_keep_alive_s", "response_information"}
    | {"server_reference", "authentication_method", "authentication_data"}
)
_REASON_PROPERTIES: Final = frozenset({"reason_string", USER})
_DISCONNECT_PROPERTIES: Final = _REASON_PROPERTIES | {"session_expiry_s", "server_reference"}
_AUTH_PROPERTIES: Final = _REASON_PROPERTIES | {"authentication_method", "authentication_data"}


def _connect(reader: Reader, _first: int, _version: int) -> Connect:
    name, version = reader.text(), reader.number(1)
    if name != "MQTT" or version not in (V3, V5):  # 3.1.2.2; MQIsdp is 3.1
        raise BadPacket("unsupported_version", 0x84)
    flags = reader.number(1)
    has_will, will_qos, will_retain = flags & 0x04, (flags >> 3) & 0x03, bool(flags & 0x20)
    has_password, has_user = flags & 0x40, flags & 0x80
    if flags & 0x01 or will_qos == 3 or (not has_will and (will_qos or will_retain)):
        raise BadPacket("malformed")
    if version == V3 and has_password and not has_user:  # MQTT 3.1.1 3.1.2.9
        raise BadPacket("malformed")
    keep_alive_s = reader.number(2)
    properties = reader.properties(_CONNECT_PROPERTIES) if version == V5 else ()
    client_id = reader.text()
    will = None
    if has_will:
        said = reader.properties(_WILL_PROPERTIES) if version == V5 else ()
        topic = _topic(reader)
        if not topic:
            raise BadPacket("bad_topic", 0x90)
        will = Will(topic, reader.binary(), will_qos, will_retain, said)
    user = reader.text() if has_user else None
    password = reader.binary() if has_password else None
    clean = bool(flags & 0x02)
    return Connect(version, client_id, clean, keep_alive_s, will, user, password, properties)


def _connack(reader: Reader, _first: int, version: int) -> ConnAck:
    flags, code = reader.number(1), reader.number(1)
    if flags > 1:
        raise BadPacket("malformed")
    said = reader.properties(_CONNACK_PROPERTIES) if version == V5 else ()
    return ConnAck(code, bool(flags), said)


def _topic(reader: Reader) -> str:
    topic = reader.text()
    if "+" in topic or "#" in topic:  # 3.3.2.1
        raise BadPacket("bad_topic", 0x90)
    return topic


def _publish(reader: Reader, first: int, version: int) -> Publish:
    dup, qos, retain = bool(first & 0x08), (first >> 1) & 0x03, bool(first & 0x01)
    if qos == 3 or (dup and not qos):  # 3.3.1.1, 3.3.1.2
        raise BadPacket("malformed")
    topic = _topic(reader)
    packet_id = _packet_id(reader) if qos else 0
    properties = reader.properties(_PUBLISH_PROPERTIES) if version == V5 else ()
    if not topic and not any(name == "topic_alias" for name, _ in properties):
        raise BadPacket("bad_topic", 0x82 if version == V5 else 0x90)
    return Publish(topic, reader.rest(), qos, packet_id, dup, retain, properties)


def _packet_id(reader: Reader) -> int:
    packet_id = reader.number(2)
    if not packet_id:  # 2.2.1
        raise BadPacket("malformed")
    return packet_id


def _ack(reader: Reader, first: int, version: int) -> Ack:
    packet_id, code = _packet_id(reader), 0
    said: Properties = ()
    if version == V5 and not reader.is_at_end:  # 3.4.2.1: both may be left out
        code = reader.number(1)
        if not reader.is_at_end:
            said = reader.properties(_REASON_PROPERTIES)
    return Ack(first >> 4, packet_id, code, said)


def _subscribe(reader: Reader, _first: int, version: int) -> Subscribe:
    packet_id = _packet_id(reader)
    allowed = frozenset({"subscription_identifier", USER})
    said = reader.properties(allowed) if version == V5 else ()
    filters: list[tuple[str, int]] = []
    while not reader.is_at_end:
        name, options = reader.text(), reader.number(1)
        reserved = 0xC0 if version == V5 else 0xFC
        if not name or options & 0x03 == 3 or options & reserved or options & 0x30 == 0x30:
            raise BadPacket("malformed")
        filters.append((name, options))
        if len(filters) > FILTERS_MAX:
            raise BadPacket("too_many_filters", 0x97)
    if not filters:
        raise BadPacket("protocol_error", 0x82)  # 3.8.3
    return Subscribe(packet_id, tuple(filters), said)


def _unsubscribe(reader: Reader, _first: int, version: int) -> Unsubscribe:
    packet_id = _packet_id(reader)
    said = reader.properties(frozenset({USER})) if version == V5 else ()
    filters: list[str] = []
    while not reader.is_at_end:
        filters.append(reader.text())
        if not filters[-1]:
            raise BadPacket("malformed")
        if len(filters) > FILTERS_MAX:
            raise BadPacket("too_many_filters", 0x97)
    if not filters:
        raise BadPacket("protocol_error", 0x82)
    return Unsubscribe(packet_id, tuple(filters), said)


def _granted(reader: Reader, first: int, version: int) -> Granted:
    packet_id = _packet_id(reader)
    said = reader.properties(_REASON_PROPERTIES) if version == V5 else ()
    return Granted(first >> 4, packet_id, tuple(reader.rest()), said)


def _ping(_reader: Reader, first: int, _version: int) -> Ping:
    return Ping(first >> 4)


def _reason(allowed: frozenset[str], kind: type[Any]) -> Callable[[Reader, int, int], Any]:
    def read(reader: Reader, _first: int, version: int) -> Any:
        if version != V5 or reader.is_at_end:  # 3.14.2.1
            return kind()
        code = reader.number(1)
        return kind(code, () if reader.is_at_end else reader.properties(allowed))

    return read


_READ: Final[dict[int, Callable[[Reader, int, int], Packet]]] = {
    CONNECT: _connect,
    CONNACK: _connack,
    PUBLISH: _publish,
    PUBACK: _ack,
    PUBREC: _ack,
    PUBREL: _ack,
    PUBCOMP: _ack,
    SUBSCRIBE: _subscribe,
    SUBACK: _granted,
    UNSUBSCRIBE: _unsubscribe,
    UNSUBACK: _granted,
    PINGREQ: _ping,
    PINGRESP: _ping,
    DISCONNECT: _reason(_DISCONNECT_PROPERTIES, Disconnect),
    AUTH: _reason(_AUTH_PROPERTIES, Auth),
}


def encode(packet: Packet, version: int) -> bytes:
    """The bytes of a packet. `version` as in `decode`."""
    first, body = _body(packet, version)
    return bytes((first,)) + write_variable(len(body)) + body


def _body(packet: Packet, version: int) -> tuple[int, bytes]:
    if isinstance(packet, Publish):
        return _publish_body(packet, version)
    if isinstance(packet, Connect):
        return CONNECT << 4, _connect_body(packet)
    if isinstance(packet, Ack):
        body = packet.packet_id.to_bytes(2, "big") + _reason_body(packet, version)
        return packet.kind << 4 | (packet.kind == PUBREL) << 1, body
    if isinstance(packet, ConnAck):
        body = bytes((packet.session_present, packet.code))
        return CONNACK << 4, body + _properties(packet.properties, version)
    if isinstance(packet, Ping):
        return packet.kind << 4, b""
    if isinstance(packet, Disconnect):
        return DISCONNECT << 4, _reason_body(packet, version)
    if isinstance(packet, Auth):
        return AUTH << 4, _reason_body(packet, version)
    head = packet.packet_id.to_bytes(2, "big") + _properties(packet.properties, version)
    if isinstance(packet, Granted):
        return packet.kind << 4, head + bytes(packet.codes)
    if isinstance(packet, Subscribe):
        wanted = (write_text(name) + bytes((options,)) for name, options in packet.filters)
        return SUBSCRIBE << 4 | 2, head + b"".join(wanted)
    return UNSUBSCRIBE << 4 | 2, head + b"".join(map(write_text, packet.filters))


def _properties(found: Properties, version: int) -> bytes:
    return write_properties(found) if version == V5 else b""


def _reason_body(packet: Ack | Disconnect | Auth, version: int) -> bytes:
    if version != V5 or not (packet.code or packet.properties):
        return b""
    code = bytes((packet.code,))
    return code + write_properties(packet.properties) if packet.properties else code


def _publish_body(packet: Publish, version: int) -> tuple[int, bytes]:
    first = PUBLISH << 4 | packet.dup << 3 | packet.qos << 1 | packet.retain
    packet_id = packet.packet_id.to_bytes(2, "big") if packet.qos else b""
    head = write_text(packet.topic) + packet_id + _properties(packet.properties, version)
    return first, head + packet.payload


def _connect_body(packet: Connect) -> bytes:
    will, version = packet.will, packet.version
    flags = packet.clean << 1
    flags |= (packet.user is not None) << 7 | (packet.password is not None) << 6
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
    parts = [write_text("MQTT"), bytes((version, flags)), packet.keep_alive_s.to_bytes(2, "big")]
    parts += [_properties(packet.properties, version), write_text(packet.client_id)]
    if will is not None:
        parts += [_properties(will.properties, version), write_text(will.topic)]
        parts.append(write_binary(will.payload))
    if packet.user is not None:
        parts.append(write_text(packet.user))
    if packet.password is not None:
        parts.append(write_binary(packet.password))
    return b"".join(parts)
