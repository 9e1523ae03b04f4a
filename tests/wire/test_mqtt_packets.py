"""MQTT packets and the server's session: whole is byte by byte, rubbish raises one error, answers
leave in their order, and never before they are decided."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.wire.mqtt.fields import PROPERTIES_MAX, USER, BadPacket
from tocsin.wire.mqtt.packets import (
    CONNACK,
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
    CONNECT_BYTES_MAX,
    NOT_AUTHORISED,
    Connecting,
    Ended,
    Limits,
    Polled,
    Published,
    Session,
    State,
    session_lasts_s,
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


@settings(max_examples=4_000, deadline=None)
@given(rubbish, st.sampled_from((V3, V5)))
def test_rubbish_raises_only_bad_packet(data: bytes, version: int) -> None:
    try:
        packet = decode(data, version)
    except BadPacket:
        return
    version = packet.version if isinstance(packet, Connect) else version
    assert decode(encode(packet, version), version) == packet


@settings(max_examples=800, deadline=None)
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


def test_an_answer_waits_for_its_message_and_its_turn() -> None:
    session = opened()
    for number in (1, 2, 3):
        session.receive_data(encode(Publish("a", b"x", 2 if number == 2 else 1, number), V3))
    found = [session.next_event() for _ in range(3)]
    assert session.data_to_send() == b""
    first, second, third = (one for one in found if isinstance(one, Published))
    session.answer(third.publish, third.place)
    session.answer(second.publish, second.place)
    assert session.data_to_send() == b""  # the first is not kept yet (4.6)
    session.answer(first.publish, first.place)
    answers = (Ack(PUBACK, 1), Ack(PUBREC, 2), Ack(PUBACK, 3))
    assert session.data_to_send() == b"".join(encode(one, V3) for one in answers)


def test_qos_2_between_its_two_halves_is_nothing_new() -> None:
    session = opened(FIRST_5)
    publish = Publish("a", b"x", 2, 8)
    session.receive_data(encode(publish, V5))
    event = session.next_event()
    assert isinstance(event, Published)
    session.receive_data(encode(Publish("a", b"x", 2, 8, dup=True), V5))
    assert session.next_event() is None  # while it is being kept
    session.answer(event.publish, event.place)
    assert session.data_to_send() == encode(Ack(PUBREC, 8), V5)
    session.receive_data(encode(Publish("a", b"x", 2, 8, dup=True), V5))
    assert session.next_event() is None
    assert session.data_to_send() == encode(Ack(PUBREC, 8), V5)
    session.receive_data(encode(Ack(PUBREL, 8), V5) * 2)
    assert session.next_event() is None
    said = encode(Ack(PUBCOMP, 8), V5) + encode(Ack(PUBCOMP, 8, 0x92), V5)
    assert session.data_to_send() == said
    session.receive_data(encode(publish, V5))
    assert isinstance(session.next_event(), Published)  # released: a new one


def test_messages_in_flight_are_bounded() -> None:
    session = opened(limits=Limits(in_flight_max=2))
    session.receive_data(b"".join(encode(Publish("a", b"x", 1, n), V3) for n in (1, 2, 3)))
    first = session.next_event()
    assert isinstance(first, Published)
    assert not session.is_full
    assert isinstance(session.next_event(), Published)
    assert session.is_full
    assert session.next_event() is None
    session.answer(first.publish, first.place)
    assert isinstance(session.next_event(), Published)


def test_unreleased_messages_are_bounded() -> None:
    session = opened(FIRST_5, Limits(in_flight_max=2))
    for number in (1, 2, 3):
        session.receive_data(encode(Publish("a", b"x", 2, number), V5))
        event = session.next_event()
        if isinstance(event, Published):
            session.answer(event.publish, event.place)
    assert event == Ended("receive_maximum_exceeded", WILL)
    assert session.data_to_send().endswith(encode(Disconnect(0x93), V5))


@pytest.mark.parametrize(
    ("raw", "reason", "code"),
    [
        (encode(Publish("t" * 17, b""), V5), "topic_too_long", 0x90),
        (encode(Publish("t", b"x" * 124), V5), "oversized", 0x95),
        (encode(Publish("", b"", properties=(("topic_alias", 1),)), V5), "topic_alias", 0x94),
        (encode(FIRST_5, V5), "protocol_error", 0x82),  # a second CONNECT
        (encode(Ping(PINGRESP), V5), "protocol_error", 0x82),  # a server's word
        (encode(Auth(0x18), V5), "protocol_error", 0x82),
        (b"\x36\x00", "malformed", 0x81),
    ],
)
def test_what_is_not_allowed_ends_the_connection(raw: bytes, reason: str, code: int) -> None:
    for version, first in ((V5, FIRST_5), (V3, FIRST)):
        session = opened(first, Limits(packet_bytes_max=128, topic_bytes_max=16))
        if version == V3 and reason in ("topic_too_long", "oversized", "topic_alias"):
            continue  # other bytes in 3.1.1
        session.receive_data(raw)
        event = session.next_event()
        assert isinstance(event, Ended)
        assert event.will == WILL  # 3.1.2.5: said when the connection ends by an error
        said = session.data_to_send()
        if version == V5:
            assert event.reason == reason
            assert said == encode(Disconnect(code), V5)
        else:
            assert said == b""
        session.receive_data(encode(Ping(), version))
        assert session.next_event() is None


def test_at_the_limits_all_is_well() -> None:
    session = opened(FIRST_5, Limits(packet_bytes_max=128, topic_bytes_max=16))
    for publish in (Publish("t" * 16, b""), Publish("t", b"x" * 122)):
        raw = encode(publish, V5)
        session.receive_data(raw)
        assert isinstance(session.next_event(), Published)
    assert len(raw) == 128


def test_a_connect_is_bounded_before_anybody_is_known() -> None:
    for size, event in ((CONNECT_BYTES_MAX, Connecting), (CONNECT_BYTES_MAX + 1, Ended)):
        empty = len(encode(Connect(V3, "", True, 0, Will("w", b"x" * 200)), V3)) - 200
        raw = encode(Connect(V3, "", True, 0, Will("w", b"x" * (size - empty))), V3)
        session = Session()
        session.receive_data(raw)
        assert len(raw) == size
        assert isinstance(session.next_event(), event)


def test_bytes_that_are_no_connect_are_told_at_once() -> None:
    session = Session()
    session.receive_data(b"G")  # of GET
    assert session.next_event() == Ended("not_a_connect", None)
    session.receive_data(encode(FIRST, V3))
    assert session.next_event() is None
    assert session.state is State.CLOSED


def test_an_old_version_hears_so() -> None:
    session = Session()
    session.receive_data(b"\x10\x12\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x04abcd")
    assert session.next_event() == Ended("unsupported_version", None)
    assert session.data_to_send() == bytes((CONNACK << 4, 2, 0, 1))


@pytest.mark.parametrize(("first", "code"), [(FIRST, 5), (FIRST_5, 0x87)])
def test_a_refused_client_has_no_will(first: Connect, code: int) -> None:
    session = Session()
    session.receive_data(encode(first, first.version) + encode(Ping(), first.version))
    assert isinstance(session.next_event(), Connecting)
    assert session.next_event() is None  # nothing is read before it is decided
    session.refuse(NOT_AUTHORISED)
    assert session.data_to_send() == encode(ConnAck(code), first.version)
    assert session.next_event() is None
    assert session.abandon("gone") is None


def test_a_will_is_said_but_after_a_disconnect() -> None:
    session = opened()
    assert session.abandon("gone") == Ended("gone", WILL)
    assert session.abandon("gone") is None
    session = opened()
    session.receive_data(encode(Disconnect(), V3))
    assert session.next_event() == Ended(None, None)
    session = opened(FIRST_5)
    session.receive_data(encode(Disconnect(0x04), V5))  # disconnect with will
    assert session.next_event() == Ended(None, WILL)


def test_keep_alive_is_the_clients_or_ours() -> None:
    assert opened(Connect(V3, "c", True, 30)).keep_alive_s == 30
    assert opened(Connect(V3, "c", True, 0)).keep_alive_s == 600
    session = Session()
    session.receive_data(encode(Connect(V5, "", True, 700), V5))
    session.next_event()
    session.accept("panel", "given")
    answer = decode(session.data_to_send(), V5)
    assert isinstance(answer, ConnAck)
    told = dict(answer.properties)
    assert (told["server_keep_alive_s"], told["assigned_client_id"]) == (600, "given")
    assert (told["receive_maximum"], told["wildcard_subscription_available"]) == (64, 0)


def test_only_own_topics_without_commands_are_granted() -> None:
    names = ("panel/state", "panel/cmd", "panel/#", "other/state", "$share/g/panel/a", "panel")
    for first, codes in (
        (FIRST, (0, 0x80, 0x80, 0x80, 0x80, 0x80)),
        (FIRST_5, (0, 0x87, 0xA2, 0x87, 0x9E, 0x87)),
    ):
        session = opened(first)
        filters = tuple((name, 1) for name in names)
        session.receive_data(encode(Subscribe(1, filters), first.version))
        assert session.next_event() is None
        assert session.data_to_send() == encode(Granted(SUBACK, 1, codes), first.version)


def test_what_is_given_up_says_why_in_version_5() -> None:
    session = opened(FIRST_5)
    session.receive_data(encode(Publish("a", b"x", 1, 1), V5))
    session.next_event()
    assert session.close(0x89, "not_kept") == Ended("not_kept", WILL)
    assert session.data_to_send() == encode(Disconnect(0x89), V5)  # and no PUBACK
    session = opened()
    session.close(0x89, "not_kept")
    assert session.data_to_send() == b""


@pytest.mark.parametrize(
    ("connect", "lasts_s"),
    [
        (Connect(V3, "c", True), 0),
        (Connect(V3, "c", False), math.inf),
        (Connect(V5, "c", False), 0),
        (Connect(V5, "c", True, properties=(("session_expiry_s", 60),)), 60),
        (Connect(V5, "c", False, properties=(("session_expiry_s", 0xFFFF_FFFF),)), math.inf),
    ],
)
def test_a_session_lasts_as_its_version_says(connect: Connect, lasts_s: float) -> None:
    assert session_lasts_s(connect) == lasts_s


def test_a_session_that_goes_on_is_said_to() -> None:
    kept = Connect(V3, "c1", False, 30, None, "panel", b"secret")
    for remembered, present in ((None, False), (frozenset({4}), True)):
        session = Session()
        session.receive_data(encode(kept, V3))
        session.next_event()
        session.accept("panel", unreleased=remembered)
        assert session.data_to_send() == encode(ConnAck(0, present), V3)
        session.receive_data(encode(Publish("a", b"", 2, 4, dup=True), V3))
        assert isinstance(session.next_event(), Published) is not present
