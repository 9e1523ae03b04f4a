"""X-data: every block of every letter is gone through, several of one too; nothing that tells of a
person's device or opens anything is copied into a text."""

import string
from datetime import UTC, datetime

import pytest
from dc09_frames import BY_ID, plain
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.signals import Position
from tocsin.wire.dc09.frames import Frame, decode, encode
from tocsin.wire.dc09.signals import FURTHER_TEXT_CHARS_MAX, read
from tocsin.wire.dc09.xdata import LETTERS, extra

SECRETS = (b"A0123456789AB", b"K0123456789ABCDEF", b"M00A0C912ABCD", b"N192.168.7.9", b"Ppin=4711")


def read_with(*blocks: bytes, data: bytes = b"#1234|NBA1", token: str = "SIA-DCS"):
    frame = Frame(token, "0001", None, "0", "1234", data, blocks)
    assert decode(encode(frame)) == frame
    return read(frame)


def test_texts_of_all_blocks_in_one_order() -> None:
    (signal,) = read_with(
        b"RZimmer 4", b"IRauch", b"SWerk 2", b"OHalle 1", b"LTreppe", b"Iim Lager", b"RFlur"
    )
    assert signal.text == "Rauch · im Lager · Werk 2 · Halle 1 · Treppe · Zimmer 4 · Flur"


def test_other_blocks_carry_their_letter() -> None:
    (signal,) = read_with(
        b"Vhttps://nvr.example/clip/7", b"TH", b"C5", b"J2", b"Qwhat", b"Vrtsp://b"
    )
    assert signal.text == "V:https://nvr.example/clip/7 · T:H · C:5 · J:2 · Q:what · V:rtsp://b"


def test_text_of_the_event_comes_first() -> None:
    (signal,) = read_with(b"Ilate", data=b"#1234|NBA1^door^")
    assert signal.text == "door · late"
    for signal in read_with(b"Iboth", data=b"#1234|NBA1/FA2"):
        assert signal.text == "both"
    (signal,) = read_with(b"Icid", data=b"#1234|1130 01 004|Adoor", token="ADM-CID")
    assert (signal.code, signal.text) == ("130", "door · cid")


def test_time_of_occurrence_is_the_first_that_is_one() -> None:
    (signal,) = read_with(b"Hnoon", b"H01:02:03,04-05-2026", b"H_04:05:06,04-05-2026")
    assert signal.occurred_at == datetime(2026, 4, 5, 1, 2, 3, tzinfo=UTC)
    assert signal.text == "H:noon · H:_04:05:06,04-05-2026"


def test_identity_and_secrets_are_in_no_text() -> None:
    (signal,) = read_with(*SECRETS, b"Iok", *SECRETS)
    assert signal.text == "ok"
    assert signal.position is None


def test_windows_1252_and_utf_8() -> None:
    (signal,) = read_with(b"IK\xfcche \x80", "L厨房".encode(), b"R\x81\x00")
    assert signal.text == "Küche € · 厨房 · \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (b"X006E07.7777777", b"Y49N06.6666666", (49 + 6.6666666 / 60, 6 + 7.7777777 / 60)),
        (b"X012W34.1", b"Y045S12.2", (-(45 + 12.2 / 60), -(12 + 34.1 / 60))),
        (b"X121E30", b"Y31N15", (31.25, 121.5)),
        (b"X180E00.0", b"Y90N00.0", (90, 180)),
        (b"X180E00.1", b"Y49N06", None),
        (b"X006E07", b"Y90N00.1", None),
        (b"X006E60", b"Y49N06", None),
        (b"X006N07", b"Y49E06", None),
        (b"X", b"Y49N06", None),
    ],
)
def test_position(x, y, expected) -> None:
    (signal,) = read_with(x, y)
    if expected is None:
        assert signal.position is None
    else:
        assert isinstance(signal.position, Position)
        assert (signal.position.lat, signal.position.lon) == pytest.approx(expected)
        assert signal.position.datum == "WGS-84"
    assert signal.text == ""


def test_position_of_the_captured_frame_and_altitude() -> None:
    (signal,) = read(decode(BY_ID["php-xy"].raw))
    assert (signal.position.lat, signal.position.lon) == pytest.approx(
        (45 + 12.2 / 60, -(12 + 34.1 / 60))
    )
    (signal,) = read_with(b"X121E30", b"Xwhere", b"Y31N15", b"Z12.5")
    assert signal.position is not None
    assert signal.text == "Z:12.5"


@pytest.mark.parametrize(
    ("data", "has_position"),
    [
        (b"#1234|NBA1", True),
        (b"#1234|NMA1", True),
        (b"#1234|NQQ1", True),  # unknown: in doubt it is an alarm
        (b"what?", True),
        (b"#1234|NBR1", False),
        (b"#1234|NRP", False),
        (b"#1234|NOP1", False),
        (b"#1234|NAT", False),
    ],
)
def test_a_device_that_is_carried_leaves_no_trail(data, has_position) -> None:
    (signal,) = read_with(b"X121E30", b"Y31N15", b"Z12", data=data)
    assert (signal.position is not None) is has_position
    assert has_position or "12" not in signal.text


def test_every_letter_of_the_standard_has_its_line() -> None:
    assert "".join(sorted(LETTERS)) == "ACHIJKLMNOPRSTVXYZ"
    for letter in string.ascii_uppercase:
        told = extra([letter.encode() + b"what"])
        in_text = "what" in told.text
        assert in_text is (letter not in "AKMNPXYZ")


def test_texts_of_many_events_stay_bounded() -> None:
    first, *others = read_with(b"I" + b"x" * 3_000, data=b"#1234|N" + b"/".join([b"BA1"] * 9))
    assert len(first.text) == 3_000
    assert {len(one.text) for one in others} == {FURTHER_TEXT_CHARS_MAX}


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_reading_never_fails(blocks) -> None:
    told = extra(blocks)
    assert "\x00" not in told.text
    secret = b"s3cr3t"
    for letter in b"AKMNP":
        assert "s3cr3t" not in extra([*blocks, bytes([letter]) + secret]).text


def test_plain_frames_are_read_as_before() -> None:
    (signal,) = read(decode(plain()))
    assert (signal.text, signal.position, signal.occurred_at) == ("", None, None)
