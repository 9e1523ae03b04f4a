"""DC-09 frames: the promises, the captured frames, the refusals with their reasons, encryption."""

from datetime import UTC, datetime

import pytest
from dc09_frames import BY_ID, MESSAGES, plain, with_body
from hypothesis import given
from hypothesis import strategies as st
from promises import Wire, events, keeps_its_promises, singly

from tocsin.wire.dc09.frames import (
    BadFrame,
    Frame,
    Reason,
    decode,
    encode,
    read_timestamp,
    seal,
    unseal,
    wrap,
    write_timestamp,
)
from tocsin.wire.dc09.session import Refused, Session
from tocsin.wire.dc09.strangers import stranger

KEYS = [b"0123456789abcdef", b"0123456789abcdef01234567", b"0123456789abcdef0123456789abcdef"]
NOISE = bytes(range(0x74, 0x84))  # has `|` (0x7C) in it, which a pad must not
WIRE = Wire(decode, encode, BadFrame, Session, [c.raw for c in MESSAGES])

bodies = st.one_of(
    st.binary(max_size=80),
    st.builds(
        lambda *parts: b"".join(parts),
        st.sampled_from([b'"SIA-DCS"', b'"*ADM-CID"', b'"NULL"', b'"', b'"X Y"']),
        st.sampled_from([b"0001", b"000A", b"", b"99999"]),
        st.sampled_from([b"", b"R1", b"R", b"None"]),
        st.sampled_from([b"L0", b"L", b"", b"L0A0"]),
        st.sampled_from([b"#1234", b"#", b"", b"#!"]),
        st.sampled_from([b"[", b""]),
        st.one_of(st.binary(max_size=20), st.sampled_from([b"#1|NBA1", b"AB" * 16, b"[x]", b""])),
        st.sampled_from([b"]", b"", b"]["]),
        st.sampled_from([b"[X1][Y2]", b"[]", b"[", b""]),
        st.sampled_from([b"_13:14:15,02-15-2006", b"_", b"__", b""]),
    ),
)
rubbish = st.one_of(
    bodies, bodies.map(lambda b: b"\n" + b + b"\r"), bodies.map(with_body), st.just(b"\n\n\r")
).filter(lambda data: stranger(data.strip(b"\r\n\x00 \t")) is None)  # has tests of its own


def reason_of(raw: bytes) -> Reason:
    with pytest.raises(BadFrame) as caught:
        decode(raw)
    return caught.value.reason


def test_dc09_keeps_its_promises() -> None:
    keeps_its_promises(WIRE, rubbish)


def test_each_bad_frame_has_its_reason() -> None:
    good = plain()
    assert reason_of(good.replace(b"NFA7", b"NFA8")) is Reason.BAD_CRC
    assert reason_of(good.replace(b"NFA7", b"NFA77")) is Reason.BAD_LENGTH
    assert reason_of(good[:-1]) is Reason.MALFORMED
    assert reason_of(good[1:]) is Reason.MALFORMED
    assert reason_of(with_body(b"SIA-DCS0001L0#1234[]")) is Reason.MALFORMED
    assert reason_of(with_body(b'"SIA-DCS')) is Reason.MALFORMED


def test_length_and_crc_in_lower_case_are_read() -> None:
    good = plain(data=b"#1234|NBA99^" + b"a" * 40 + b"^")  # length 0x057, CRC with letters
    lower = good[:1] + good[1:9].lower() + good[9:]
    assert lower != good
    assert decode(lower) == decode(good)


@pytest.mark.parametrize("receiver", ["0", "1234", "FFFFFF", None])
@pytest.mark.parametrize("line", ["0", "1234", "FFFFFF", "", None])
@pytest.mark.parametrize("account", ["0", "123456", "01234567879ABCDEF", "FEDCBA9876543210"])
def test_annex_c_2_3_8_fields_of_every_length(receiver, line, account) -> None:
    frame = Frame("SIA-DCS", "0001", receiver, line, account, b"#1|NRP")
    assert decode(encode(frame)) == frame


def test_sequence_counted_in_hex_is_read() -> None:
    assert decode(plain(sequence="000A")).sequence == "000A"


def test_brackets_in_a_text_lose_nothing() -> None:
    raw = with_body(b'"SIA-DCS"0001L0#1234[#1234|NBA1^Tor [Nord] offen^]_13:14:15,02-15-2006')
    frame = decode(raw)
    assert frame.data == b"#1234|NBA1^Tor [Nord] offen^"
    assert frame.timestamp == "13:14:15,02-15-2006"
    assert encode(frame) == raw


def test_frame_longer_than_its_length_field_is_not_written() -> None:
    assert len(encode(Frame("NULL", "0001", data=b"x" * 4083))) == 9 + 4095 + 1
    with pytest.raises(ValueError, match="4,095"):
        encode(Frame("NULL", "0001", data=b"x" * 4084))
    with pytest.raises(ValueError, match="4,095"):
        wrap(b"x" * 4096)


@pytest.mark.parametrize("key", KEYS, ids=len)
@pytest.mark.parametrize("length", range(34))
def test_encryption_of_every_length(key, length) -> None:
    clear = Frame(
        "SIA-DCS", "0001", None, "0", "1234", b"d" * length, (b"X1",), "00:00:00,01-01-2026"
    )
    sealed = seal(clear, key, NOISE)
    raw = encode(sealed)
    assert decode(raw) == sealed
    opened = unseal(sealed, key)
    assert opened._replace(pad=None, encrypted=False) == clear
    assert encode(seal(opened, key, b"")) == raw
    # DC-09 5.4.4.3: 1 to 16 bytes of pad with its bar, none of the marks within
    assert opened.pad is not None
    assert 1 <= len(opened.pad) <= 16
    assert opened.pad.endswith(b"|")
    assert not set(b"|[]") & set(opened.pad[:-1])


def test_region_that_is_a_multiple_of_16_gets_a_whole_block_of_pad() -> None:
    clear = Frame("SIA-DCS", "0001", None, "0", "1234", b"d" * 15)  # and its `]`: 16
    pad = unseal(seal(clear, KEYS[0], NOISE), KEYS[0]).pad
    assert pad is not None
    assert len(pad) == 16
    with pytest.raises(ValueError, match="noise"):
        seal(clear, KEYS[0], b"")


def test_frame_in_clear_cannot_pass_for_an_encrypted_one() -> None:
    opened = unseal(seal(Frame("NULL", "0000", timestamp="x"), KEYS[0], NOISE), KEYS[0])
    with pytest.raises(ValueError, match="seal"):
        encode(opened)
    with pytest.raises(ValueError, match="seal"):
        encode(Frame("NULL", "0000", data=b"clear", encrypted=True))


def test_pad_of_any_bytes_and_of_any_length() -> None:
    """Ajax fills the pad with bytes above 127; Hikvision's NULL has no bar."""
    clear = Frame("SIA-DCS", "0001", None, "0", "1234", b"#1234|NBA1", (), "13:14:15,02-15-2006")
    length = len(b"#1234|NBA1]_13:14:15,02-15-2006") + 1
    for blocks in (0, 1, 3):
        pad = bytes(range(0x80, 0x80 + 16 * (blocks + 1) - length % 16)) + b"|"
        sealed = seal(clear._replace(pad=pad), KEYS[0], b"")
        assert unseal(sealed, KEYS[0])._replace(pad=None, encrypted=False) == clear
    hikvision = BY_ID["enc-hik-null"]
    assert unseal(decode(hikvision.raw), hikvision.key).pad == b"p" * 11


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=96))
def test_wrong_key_brings_no_timely_message(key, noise) -> None:
    clear = Frame(
        "SIA-DCS", "0001", None, "0", "1234", noise[16:].hex().encode(), (), "12:00:00,01-01-2026"
    )
    sealed = seal(clear, KEYS[0], noise)
    if key == KEYS[0]:
        return
    try:
        opened = unseal(sealed, key)
    except BadFrame:
        return
    assert opened.sent_at is None


@pytest.mark.parametrize("data", [b"", b"AB", b"AB" * 15, b"A" * 31])
def test_ciphertext_that_is_no_ciphertext(data) -> None:
    frame = Frame("NULL", "0000", data=data, encrypted=True)
    with pytest.raises(BadFrame) as caught:
        unseal(frame, KEYS[0])
    assert caught.value.reason is Reason.WRONG_KEY


def test_timestamps() -> None:
    moment = datetime(2026, 11, 5, 23, 59, 7, tzinfo=UTC)
    assert write_timestamp(moment) == "23:59:07,11-05-2026"
    assert read_timestamp("23:59:07,11-05-2026") == moment
    for text in (
        "",
        "23:59:07,00-05-2026",
        "24:00:00,11-05-2026",
        "1:2:3,11-05-2026",
        "٢٣:59:07,11-05-2026",
    ):
        assert read_timestamp(text) is None
    # month 00: sent by panels that took their clock from a receiver with months from 0
    assert decode(plain(timestamp="23:59:07,00-05-2026")).sent_at is None


def limited(*segments: bytes, limit: int = 64) -> list[tuple[int, Reason | None]]:
    wire = Wire(decode, encode, BadFrame, lambda: Session(frame_bytes_max=limit), [])
    return [(len(event.raw), getattr(event, "reason", None)) for event in events(wire, *segments)]


def test_oversized_frame_is_reported_once_and_passed_over() -> None:
    good = plain()
    long = b"\n" + b"x" * 500
    for stream in (long + b"\r" + good, long + good):
        expected = [(64, Reason.OVERSIZED), (len(good), None)]
        assert limited(stream) == expected
        assert limited(*singly(stream)) == expected


def test_session_holds_no_more_than_its_limit() -> None:
    session = Session(frame_bytes_max=64)
    for _ in range(1_000):
        session.receive_data(b"\n" + b"x" * 63)
        session.next_event()
        assert len(session._buffer) <= 129
    for _ in range(1_000):
        session.receive_data(b"x" * 64)
        while session.next_event() is not None:
            continue
        assert len(session._buffer) + len(session._rubbish or b"") <= 64


def test_half_a_frame_is_waited_for_and_can_be_given_up() -> None:
    good = plain()
    session = Session()
    session.receive_data(good[:20])
    assert session.next_event() is None
    assert session.is_waiting_for_more
    assert session.abandon() == Refused(good[:20], Reason.CUT_SHORT)
    assert not session.is_waiting_for_more
    assert session.abandon() is None
    session.receive_data(b"rubbish")
    assert session.next_event() is None
    assert session.abandon() == Refused(b"rubbish", Reason.RUBBISH)


def test_a_frame_begun_anew_drops_the_half_before_it() -> None:
    good = plain()
    assert limited(good[:20] + good) == [(20, Reason.CUT_SHORT), (len(good), None)]


def test_blanks_between_frames_are_nothing() -> None:
    good = plain()
    assert limited(good + b"\x00\r\n " + good + b"\n\r") == [(len(good), None)] * 2


def test_answers_leave_in_the_order_of_their_frames() -> None:
    session = Session()
    first, second, third = (session.expect_answer() for _ in range(3))
    session.answer(second, b"2")
    assert session.data_to_send() == b""
    session.answer(first, b"")
    assert session.data_to_send() == b"2"
    assert session.answers_open == 1
    session.answer(third, b"3")
    assert session.data_to_send() == b"3"
    assert session.answers_open == 0
