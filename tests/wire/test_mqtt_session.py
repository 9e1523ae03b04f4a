"""The server's side of an MQTT connection: answers leave in their order and never before they are
decided, and what is not allowed ends it by its name."""

import math

import pytest

from tocsin.wire.mqtt.packets import (
    CONNACK,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBREC,
    PUBREL,
    SUBACK,
    V3,
    V5,
    Ack,
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    Granted,
    Ping,
    Publish,
    Subscribe,
    Will,
    decode,
    encode,
)
from tocsin.wire.mqtt.refusals import (
    NOT_AUTHORISED,
    session_lasts_s,
)
from tocsin.wire.mqtt.session import (
    CONNECT_BYTES_MAX,
    Connecting,
    Ended,
    Limits,
    Published,
    Session,
    State,
)

WILL = Will("gone", b"lost", 1, True)
FIRST = Connect(V3, "c1", True, 30, WILL, "panel", b"secret")
FIRST_5 = Connect(V5, "c1", True, 30, WILL, "panel", b"secret")


def opened(connect: Connect = FIRST, limits: Limits | None = None) -> Session:
    session = Session(limits)
    session.receive_data(encode(connect, connect.version))
    assert isinstance(session.next_event(), Connecting)
    session.accept("panel", "given")
    assert session.next_event() is None
    assert isinstance(decode(session.data_to_send(), connect.version), ConnAck)
    return session


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
