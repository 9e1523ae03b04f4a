"""MQTT packets and the server's session: whole is byte by byte, rubbish raises one error, answers
leave in their order, and never before they are decided."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.wire.mqtt.fields import PROPERTIES_MAX, USER, BadPacket
from tocsin.wire.mqtt.packets import (
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBREC,
    PUBREL,
    SUBACK,
    UNSUBACK,
    V3,
    V5,
    Ack,
    Auth,
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
from tocsin.wire.mqtt.session import (
    Connecting,
    Limits,
    Polled,
    Published,
    Session,
)

WILL = Will("gone", b"lost", 1, True)
USERS = ((USER, ("a", "b")), (USER, ("a", "c")))
PACKETS: dict[int, list[Packet]] = {
    V3: [
        Connect(V3, "c", True, 60, WILL, "panel", b"secret"),
        Connect(V3, "", True, 0, None, None, None),
        ConnAck(5),
        Publish("a/b", b"x" * 200, 1, 7, True, True),
        Publish("a", b"", 0),
        *(Ack(kind, 9) for kind in (PUBACK, PUBREC, PUBREL, PUBCOMP)),
        Subscribe(3, (("a/#", 1), ("b", 0))),
        Granted(SUBACK, 3, (0x80, 0)),
        Unsubscribe(4, ("a", "b")),
        Granted(UNSUBACK, 4),
        Ping(PINGREQ),
        Ping(PINGRESP),
        Disconnect(),
    ],
    V5: [
        Connect(V5, "c", False, 9, WILL, "p", b"s", (("session_expiry_s", 60), *USERS)),
        Connect(V5, "c", True, 0, Will("w", b"", properties=(("will_delay_s", 3),)), None, b"p"),
        ConnAck(0, True, (("receive_maximum", 10), ("assigned_client_id", "x"))),
        Publish("a", b"x", 2, 65_535, properties=(("correlation_data", b"\0\1"), *USERS)),
        Ack(PUBACK, 1, 0x10, (("reason_string", "nobody"),)),
        Ack(PUBREL, 1, 0x92),
        Subscribe(3, (("a", 0x2D),), (("subscription_identifier", 300),)),
        Granted(UNSUBACK, 4, (0x11,)),
        Disconnect(0x04, (("session_expiry_s", 0),)),
        Auth(0x18, (("authentication_method", "m"),)),
    ],
}
CASES = [(version, packet) for version, packets in PACKETS.items() for packet in packets]
FIRST = Connect(V3, "c1", True, 30, WILL, "panel", b"secret")
FIRST_5 = Connect(V5, "c1", True, 30, WILL, "panel", b"secret")


@pytest.mark.parametrize(("version", "packet"), CASES, ids=lambda one: type(one).__name__)
def test_what_is_written_is_read(version: int, packet: Packet) -> None:
    raw = encode(packet, version)
    assert decode(raw, version) == packet
    for end in range(len(raw)):
        with pytest.raises(BadPacket):
            decode(raw[:end], version)
    with pytest.raises(BadPacket):
        decode(raw + b"\0", version)


@pytest.mark.parametrize(
    ("raw", "version", "reason"),
    [
        (b"\x00\x00", V3, "malformed"),  # no such packet
        (b"\xf0\x00", V3, "malformed"),  # AUTH is of version 5
        (b"\x36\x05\x00\x01a\x00\x01", V3, "malformed"),  # QoS 3
        (b"\x38\x03\x00\x01a", V3, "malformed"),  # DUP of QoS 0
        (b"\x32\x05\x00\x01a\x00\x00", V3, "malformed"),  # packet id 0
        (b"\x30\x03\x00\x01+", V3, "bad_topic"),
        (b"\x30\x03\x00\x01\x00", V3, "malformed"),  # U+0000
        (b"\x30\x04\x00\x02\xc0\x80", V3, "malformed"),  # overlong UTF-8
        (b"\x30\x05\x00\x03\xed\xa0\x80", V3, "malformed"),  # a surrogate
        (b"\x30\x02\x00\x00", V3, "bad_topic"),
        (b"\x80\x05\x00\x01\x00\x00\x00", V3, "malformed"),  # flags of SUBSCRIBE
        (b"\x82\x02\x00\x01", V3, "protocol_error"),  # nothing subscribed to
        (b"\x30\x80\x80\x80\x80\x01", V3, "malformed"),  # five bytes of length
        (b"\x30\x83\x00\x00\x01a", V3, "malformed"),  # a length longer than need be
        (b"\x10\x0c\x00\x06MQIsdp\x03\x02\x00\x3c", V3, "unsupported_version"),
        (b"\x30\x06\x00\x01a\x02\x01\x00\x01", V5, "malformed"),
        (b"\x30\x08\x00\x01a\x04\x01\x00\x01\x00", V5, "protocol_error"),  # a property twice
        (b"\x30\x06\x00\x01a\x02\x21\x01", V5, "protocol_error"),  # one of CONNECT
        (b"\x30\x06\x00\x01a\x02\x7f\x01", V5, "malformed"),  # one that is none
    ],
)
def test_what_is_wrong_has_a_name(raw: bytes, version: int, reason: str) -> None:
    with pytest.raises(BadPacket) as bad:
        decode(raw, version)
    assert bad.value.reason == reason


def test_properties_are_bounded() -> None:
    fine = Publish("a", b"", properties=((USER, ("k", "v")),) * PROPERTIES_MAX)
    assert decode(encode(fine, V5), V5) == fine
    many = Publish("a", b"", properties=((USER, ("k", "v")),) * (PROPERTIES_MAX + 1))
    with pytest.raises(BadPacket, match="too_many_properties"):
        decode(encode(many, V5), V5)


def opened(connect: Connect = FIRST, limits: Limits | None = None) -> Session:
    session = Session(limits)
    session.receive_data(encode(connect, connect.version))
    assert isinstance(session.next_event(), Connecting)
    session.accept("panel", "given")
    assert session.next_event() is None
    assert isinstance(decode(session.data_to_send(), connect.version), ConnAck)
    return session


def events(*segments: bytes, limits: Limits | None = None) -> tuple[list[Any], list[bytes]]:
    """What a session makes of it, accepting and answering at once, and what it says. PINGRESP and
    SUBACK need not wait for answers to messages, so the order of all is not compared."""
    session = Session(limits)
    found: list[Any] = []
    said = b""
    for segment in segments:
        session.receive_data(segment)
        while (event := session.next_event()) is not None:
            found.append(event)
            if isinstance(event, Connecting):
                session.accept("panel")
            elif isinstance(event, Published):
                session.answer(event.publish, event.place)
            elif isinstance(event, Polled):
                session.pong()
        said += session.data_to_send()
    return [getattr(one, "raw", one) for one in found], sorted(packets(said))


def packets(data: bytes) -> Iterator[bytes]:
    """Each packet of what a server says; none has 128 bytes."""
    while data:
        size = 2 + data[1]
        yield data[:size]
        data = data[size:]


def singly(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


STREAM = [
    Publish("a", b"1", 1, 1),
    Publish("a", b"2", 2, 2),
    Ack(PUBREL, 2),
    Subscribe(3, (("panel/x", 1), ("b/#", 1))),
    Ping(),
    Publish("a", b"3", 0),
    Unsubscribe(5, ("b",)),
    Disconnect(),
]


@pytest.mark.parametrize("first", [FIRST, FIRST_5])
def test_byte_by_byte_is_the_whole(first: Connect) -> None:
    stream = b"".join(encode(one, first.version) for one in (first, *STREAM))
    whole = events(stream)
    assert len(whole[0]) == 6
    assert events(*singly(stream)) == whole
    assert events(stream[:33], stream[33:]) == whole


rubbish = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda first, body: bytes((first, len(body))) + body,
        st.integers(0, 255),
        st.binary(max_size=60),
    ),
    st.builds(
        lambda case, at, byte: (
            (raw := encode(case[1], case[0]))[: at % len(raw)]
            + bytes((byte,))
            + raw[at % len(raw) + 1 :]
        ),
        st.sampled_from(CASES),
        st.integers(0, 400),
        st.integers(0, 255),
    ),
)


@settings(max_examples=2_500, deadline=None)
@given(rubbish, st.sampled_from((V3, V5)))
def test_rubbish_raises_only_bad_packet(data: bytes, version: int) -> None:
    try:
        packet = decode(data, version)
    except BadPacket:
        return
    version = packet.version if isinstance(packet, Connect) else version
    assert decode(encode(packet, version), version) == packet


@settings(max_examples=500, deadline=None)
@given(st.lists(rubbish, max_size=5), st.sampled_from((FIRST, FIRST_5)), st.data())
def test_segments_do_not_matter_and_nothing_grows(
    parts: list[bytes], first: Connect, data: st.DataObject
) -> None:
    stream = encode(first, first.version) + b"".join(parts)
    whole = events(stream)
    assert events(*singly(stream)) == whole
    cut = data.draw(st.integers(0, len(stream)))
    assert events(stream[:cut], stream[cut:]) == whole
    session = opened(first, Limits(packet_bytes_max=256))
    for part in parts * 20:
        session.receive_data(part)
        while session.next_event() is not None:
            pass
        assert len(session._buffer) <= 256 + len(part)
