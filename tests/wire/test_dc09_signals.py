"""What DC-09 frames say: every grammar of the field, and nothing lost where none fits."""

from datetime import UTC, datetime

import pytest
from dc09_frames import MESSAGES
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.wire.dc09.frames import FRAME_BYTES_LARGEST, Frame, decode, unseal
from tocsin.wire.dc09.signals import SIGNALS_MAX, TEXT_CHARS_MAX, is_poll, read, unread


def sia(data: bytes, **fields):
    return [
        (s.code, s.zone, s.partition, s.text)
        for s in read(Frame("SIA-DCS", "0001", "1", "0", "1234", data, **fields))
    ]


def cid(data: bytes):
    return [
        (s.qualifier, s.code, s.partition, s.zone, s.text)
        for s in read(Frame("ADM-CID", "0001", None, "0", "1234", data))
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"#1234|NFA129", [("FA", "129", "", "")]),
        (b"1234|NFA129", [("FA", "129", "", "")]),  # without the #, as North Latitude's generator
        (b"|NBA1", [("BA", "1", "", "")]),
        (b"NBA1", [("BA", "1", "", "")]),
        (b"#1234|Nri1/CL501", [("CL", "501", "1", "")]),
        (b"#1234|Nri1CL0", [("CL", "0", "1", "")]),
        (b"#1234|Nri1BA2/FA3", [("BA", "2", "1", ""), ("FA", "3", "1", "")]),
        (b"#1234|NriA1/BA3", [("BA", "3", "A1", "")]),
        (b"#1234|Nid3/ri2/OP3", [("OP", "3", "2", "")]),
        (b"#1234|Nid7/ri2/OP", [("OP", "7", "2", "")]),
        (b"#1234|Npi12/YK", [("YK", "12", "", "")]),
        (b"#3080|Nti19:44/id1/RP", [("RP", "1", "", "")]),
        (b"#1234|Nti19:44:05/da11-05-26/BA1", [("BA", "1", "", "")]),
        (b"#1234|NBA01/BA02", [("BA", "01", "", ""), ("BA", "02", "", "")]),
        (b"#1234|NOP1/ri2/CL3", [("OP", "1", "", ""), ("CL", "3", "2", "")]),
        (b"#1|Nri0RP2^SL 1807^", [("RP", "2", "0", "SL 1807")]),
        (
            b"#1|NBA1^Keller/Flur^/FA2^Dach^",
            [("BA", "1", "", "Keller/Flur"), ("FA", "2", "", "Dach")],
        ),
        (b"#1|Nri1/BA3*'Zone 3 Hall'NM", [("BA", "3", "1", "Zone 3 Hall")]),
        (b"#1234|NRR|Atest", [("RR", "", "", "test")]),
        (b"#1234|NBA1^door^|A of 2", [("BA", "1", "", "door  of 2")]),
        (b"#1234|NBA1|NFA2", [("BA", "1", "", ""), ("FA", "2", "", "")]),
        (b"#1234|NNL2", [("NL", "2", "", "")]),  # code NL, not N and NL... and not L2
        (b"#1234|OP3", [("OP", "3", "", "")]),
        (b"#1234|ONL2", [("NL", "2", "", "")]),
        (b"#0001|0|NRP", [("RP", "", "", "0")]),  # AlphaVision XL
        # Only what is an address is the zone; anything else may name a person and is text.
        (
            b"#1234|NBA01 JOHN SMITH 13900001111",
            [("BA", "01", "", "JOHN SMITH 13900001111")],
        ),
        (b"#1234|NBAJOHN SMITH", [("BA", "", "", "JOHN SMITH")]),
        (b"#1234|NBASMITH^door^", [("BA", "", "", "SMITH door")]),
        (b"#1234|NBA13900001111", [("BA", "", "", "13900001111")]),
        (b"#1234|Nri1/id13900001111/OP", [("OP", "", "1", "13900001111")]),
        (b"#1234|Nri13900001111BA2", [("BA", "2", "", "13900001111")]),
    ],
)
def test_sia_dcs(data, expected) -> None:
    assert sia(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"#1234|rubbish",
        b"#1234|N",
        b"",
        b"#1234|NBA1^open end",
        b"#1234|NBA1/b",
        b"NBA1|Nfa2",
        b"BA1|x",
    ],
)
def test_sia_dcs_that_cannot_be_read_is_kept_as_text(data) -> None:
    found = sia(data)
    assert found[-1] == ("", "", "", data.decode())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"#1234|1130 01 004", [("1", "130", "01", "004", "")]),
        (b"#4F39|3401 01 057", [("3", "401", "01", "057", "")]),
        (b"1110 00 129", [("1", "110", "00", "129", "")]),
        (b"#1234|6130 01 004", [("6", "130", "01", "004", "")]),
        (b"#1234|1130 01 004|Aback door", [("1", "130", "01", "004", "back door")]),
        (b"#1234|113001004", [("1", "130", "01", "004", "")]),
        (b"#1234|9110 00 000", [("", "", "", "", "#1234|9110 00 000")]),
        (b"#1234|1130 01", [("", "", "", "", "#1234|1130 01")]),
        (b"", [("", "", "", "", "")]),
    ],
)
def test_adm_cid(data, expected) -> None:
    assert cid(data) == expected


def test_null_says_only_that_the_device_is_there() -> None:
    for data in (b"", b"#0000|0000 00 000"):  # the second is Hikvision's
        frame = Frame("NULL", "0000", None, "0", "1234", data)
        assert is_poll(frame)
        (signal,) = read(frame)
        assert (signal.code, signal.text) == ("", "")
    loaded = Frame("NULL", "0000", None, "0", "1234", b"#1234|1130 01 004")
    assert not is_poll(loaded)
    assert read(loaded)[0].text == "#1234|1130 01 004"


def test_unknown_token_is_kept_as_text() -> None:
    (signal,) = read(Frame("VIS-BBA", "0001", None, "0", "1234", b"#1234|anything"))
    assert (signal.token, signal.code, signal.text) == ("VIS-BBA", "", "#1234|anything")


def test_the_fields_around_the_event() -> None:
    (signal,) = read(
        Frame("SIA-DCS", "0042", "1F", "A", "12ab", b"NFA1", (), "13:14:15,02-15-2006")
    )
    assert (signal.protocol, signal.account, signal.receiver, signal.line) == (
        "dc09",
        "12AB",
        "1F",
        "A",
    )
    assert signal.sequence == 42
    assert signal.occurred_at == datetime(2006, 2, 15, 13, 14, 15, tzinfo=UTC)
    assert not signal.encrypted
    (signal,) = read(Frame("SIA-DCS", "00AF", data=b"NFA1", encrypted=True, pad=b"|"))
    assert (signal.sequence, signal.account, signal.encrypted) == (None, "", True)
    assert signal.occurred_at is None
    assert unread(Frame("SIA-DCS", "0001", account="1", data=b"AB", encrypted=True)).text == ""


def test_text_in_utf_8_and_control_bytes() -> None:
    assert sia("#1|NBA1^厨房^".encode())[0][3] == "厨房"
    assert (
        sia(b"#1|NBA1^a\x00b\x1bc^")[0][3]
        == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
    )


def test_bounds_hold_and_what_stands_behind_them_is_kept() -> None:
    many = b"#1|N" + b"/".join(b"BA%d" % n for n in range(SIGNALS_MAX + 1))
    assert sia(many) == [("", "", "", many.decode()[:TEXT_CHARS_MAX])]
    ok = b"#1|N" + b"/".join(b"BA%d" % n for n in range(SIGNALS_MAX))
    assert len(sia(ok)) == SIGNALS_MAX
    assert len(sia(b"#1|NBA1^" + b"x" * 5000 + b"^")[0][3]) == TEXT_CHARS_MAX
    assert TEXT_CHARS_MAX > FRAME_BYTES_LARGEST - 10  # of a real frame nothing is cut off


@pytest.mark.parametrize("captured", MESSAGES, ids=lambda c: c.id)
def test_captured_frames_say_something_sane(captured) -> None:
    frame = decode(captured.raw)
    if captured.key is not None:
        frame = unseal(frame, captured.key)
    for signal in read(frame):
        if frame.token in ("SIA-DCS", "ADM-CID"):
            assert len(signal.code) in (2, 3)
            assert signal.zone == "" or signal.zone.isalnum()
        if signal.occurred_at is not None:
            assert 2006 <= signal.occurred_at.year <= 2026


events = st.from_regex(
    rb"(#1234\|)?[NO]?((ri|id|ti|pi|da)[0-9:A-F-]{0,5}/?|[A-Z]{2}[0-9]{0,4}(\^[^^]{0,6}\^)?/?|\|A.{0,5}){0,4}"
)


@settings(max_examples=2_000, deadline=None)
@given(
    st.sampled_from(["SIA-DCS", "ADM-CID", "NULL", "X"]), st.one_of(st.binary(max_size=40), events)
)
def test_reading_never_fails_and_never_says_nothing(token, data) -> None:
    signals = read(Frame(token, "0001", data=data))
    assert 1 <= len(signals) <= SIGNALS_MAX + 1
    for signal in signals:
        assert "\x00" not in signal.text + signal.zone + signal.partition + signal.code
        assert len(signal.text) <= TEXT_CHARS_MAX
        assert signal.code or signal.text or not data or is_poll(Frame(token, "0001", data=data))
