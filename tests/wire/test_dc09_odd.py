"""Frames that came as they were sent, and whose fields are not those of DC-09: none is passed over
in silence, and what can be read of it is read."""

from datetime import UTC, datetime

import pytest
from dc09_frames import with_body

from tocsin.wire.dc09.answers import RULES, Answer, Problem, receive
from tocsin.wire.dc09.frames import (
    ODD_SAID_BYTES_MAX,
    BadFrame,
    Form,
    Frame,
    Reason,
    crc,
    decode,
    encode,
    encrypt,
    padding,
    wrap,
)
from tocsin.wire.dc09.session import Received, Refused, Session

NOW = datetime(2026, 11, 21, 9, 50, 0, tzinfo=UTC)
KEY = b"0123456789abcdef"
NOISE = bytes(range(16))

ODD = [
    (b'"SIA-DCS"0001L0#[#|NFA1]', b"0001L0#", "", ["FA1"]),  # a panel without an account yet
    (b'"SIA-DCS"0001L0#AJAX-01[#AJAX-01|NFA1]', b"0001L0#AJAX-01", "AJAX-01", ["FA1"]),
    (b'"SIA-DCS"0001L0#1234[#1234|NFA1] ', b"0001L0#1234", "1234", ["FA1"]),
    (b'"SIA-DCS"001L0#1234[#1234|NFA1]', b"001L0#1234", "1234", ["FA1"]),
    (b'"SIA-DCS"0001RZZL0#1234[#1234|NFA1]', b"0001RZZL0#1234", "1234", ["FA1"]),
    (b'"SIA-DCS"0001L0#1234[#1234|NFA1][IK\xfcche', b"0001L0#1234", "1234", ["FA1 Küche"]),
    (b'"SIA-DCS"0001L0#1234[#1234|NFA1]x_', b"0001L0#1234", "1234", ["FA1 ?:x_"]),
    (b'"SIA-DCS"0001L0#1234[#1234|NFA1', b"0001L0#1234", "1234", ["FA1"]),
    (b'"SIA-DCS"001L0#1234[#1234|NRP^a]b^/FA1]', b"001L0#1234", "1234", ["RP a]b", "FA1"]),
    (b'"ADM-CID"0001L0#12.34[#12.34|1110 01 007]', b"0001L0#12.34", "12.34", ["110007"]),
    (b'"*NULL"0000L0#1234[]', b"0000L0#1234", "1234", [""]),
    (b'"*SIA-DCS"0001L0#1234[not hex', b"0001L0#1234", "1234", ["not hex"]),
    (b'"SIA-DCS"0001L0#1234', b"0001L0#1234", "1234", [""]),
    (b'""', b"", "", [""]),
    (b'"\xe9\x00"#\x07\xff[x]', b"#\x07\xff", "\N{REPLACEMENT CHARACTER}" * 2, ["x"]),
]


def hear(frame: Frame, *, is_known: bool = False, key: bytes | None = None):
    return receive(frame, is_known=is_known, key=key, now=NOW, noise=NOISE)


@pytest.mark.parametrize(
    ("body", "said", "account", "read"), ODD, ids=lambda value: str(value)[:40]
)
@pytest.mark.parametrize("form", Form)
def test_it_is_kept_answered_and_read_as_far_as_it_goes(body, said, account, read, form) -> None:
    raw = wrap(body, form)
    session = Session()
    session.receive_data(raw)
    (event,) = session.events_received()
    assert (type(event), event.raw) == (Received, raw)
    frame = event.frame
    if form is not Form.MISPRINTED_CRC:  # which may be the right one
        assert frame.form is form
    assert (frame.odd, frame.account or "") == (body, account)
    assert encode(frame) == raw
    for is_known in (True, False):
        told = hear(frame, is_known=is_known, key=KEY if is_known else None)
        assert (told.answer, told.problem, told.is_poll) == (
            Answer.ACK,
            Problem.UNKNOWN_FORM,
            False,
        )
        assert b'"ACK"%b[]\r' % said in told.data
        decode(told.data)
        found = [f"{one.code}{one.zone} {one.text}".strip() for one in told.signals]
        assert found == read
        assert {one.account for one in told.signals} == {account.upper()}
    assert RULES[Problem.UNKNOWN_FORM].is_stored


def test_timestamp_and_blocks_of_an_odd_frame_are_read() -> None:
    raw = with_body(b'"SIA-DCS"001L0#1234[#1234|NFA1][IHall [2]][LRoof]_09:49:30,11-21-2026')
    frame = decode(raw)
    assert (frame.data, frame.xdata) == (b"#1234|NFA1", (b"IHall [2]", b"LRoof"))
    assert frame.sent_at == datetime(2026, 11, 21, 9, 49, 30, tzinfo=UTC)
    assert hear(frame, is_known=True).signals[0].occurred_at == frame.sent_at


def test_encrypted_and_odd_it_is_opened_and_answered_encrypted() -> None:
    region = b"#1234|NFA1]_09:49:50,11-21-2026"
    body = b'"*SIA-DCS"001L0#1234[' + encrypt(padding(region, NOISE) + region, KEY)
    frame = decode(with_body(body))
    assert (frame.odd, frame.encrypted, frame.token) == (body, True, "SIA-DCS")
    told = hear(frame, is_known=True, key=KEY)
    assert (told.answer, told.problem) == (Answer.ACK, Problem.UNKNOWN_FORM)
    assert [one.code for one in told.signals] == ["FA"]
    assert b'"*ACK"001L0#1234[' in told.data
    # Without its key nobody can read it, so nobody says that it was received; it is shown.
    unopened = hear(frame)
    assert (unopened.answer, unopened.problem) == (Answer.NOTHING, Problem.NO_KEY)
    assert len(unopened.signals) == 1


@pytest.mark.parametrize("token", [b"ACK", b"*NAK", b"duh", b" RSP "])
def test_what_receivers_say_is_not_answered_in_whatever_form(token) -> None:
    told = hear(decode(with_body(b'"%b"NoneL0A0[]' % token)))
    assert (told.answer, told.problem) == (Answer.NOTHING, Problem.RECEIVERS_WORD)


def test_a_long_head_is_echoed_as_far_as_an_answer_holds_it() -> None:
    for said in (b"#" * ODD_SAID_BYTES_MAX, b"#" * (ODD_SAID_BYTES_MAX + 1), b"#" * 4_000):
        told = hear(decode(with_body(b'"SIA-DCS"%b[#1|NFA1]' % said)))
        assert b'"ACK"%b[]' % said[:ODD_SAID_BYTES_MAX] in told.data
        assert len(told.signals[0].account) <= 32
    decode(with_body(b'"' + b"x" * 4_093 + b'"'))


@pytest.mark.parametrize("body", [b"", b"SIA-DCS", b'"', b'"SIA-DCS', b'"a\nb"', b'"a"b\nc'])
def test_silence_is_only_where_even_the_quotes_are_missing(body) -> None:
    raw = with_body(body)
    with pytest.raises(BadFrame) as caught:
        decode(raw)
    assert caught.value.reason is Reason.MALFORMED
    session = Session()
    session.receive_data(raw)
    assert all(isinstance(event, Refused) for event in session.events_received())


def test_a_wrong_crc_or_length_makes_no_odd_frame() -> None:
    for body, *_ in ODD:
        raw = with_body(body)
        for wrong, reason in (
            (b"\n%04X" % (crc(body) ^ 1) + raw[5:], Reason.BAD_CRC),
            (raw[:-1] + b"xx\r", Reason.BAD_LENGTH),
        ):
            with pytest.raises(BadFrame) as caught:
                decode(wrong)
            assert caught.value.reason is reason
