"""The short way of an encrypted frame has the outcome of the longer one, or leaves it to that."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from dc09_frames import MESSAGES, plain
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tocsin.wire.dc09.answers import Answer, read_kept, receive
from tocsin.wire.dc09.frames import (
    Form,
    Frame,
    decode,
    decrypt,
    encode,
    encrypt,
    seal,
    unseal,
    write_timestamp,
)
from tocsin.wire.dc09.sealed import open_usual, usual_sealed
from tocsin.wire.dc09.session import Received, Session

NOW = datetime(2026, 11, 21, 9, 50, 0, tzinfo=UTC)
KEY, OTHER = b"0123456789abcdef", b"fedcba9876543210"
NOISE = bytes(range(16))


def clear(data: bytes = b"#12AB|Nri1/FA7", *, late: float = 0.0, **fields) -> Frame:
    sent = write_timestamp(NOW - timedelta(seconds=late))
    given_ = {"token": "SIA-DCS", "sequence": "0001", "receiver": "1", "line": "0"}
    given_ |= {"account": "12AB", "data": data, "timestamp": sent}
    return Frame(**(given_ | fields))


def both_ways(raw: bytes, key: bytes, now: datetime = NOW) -> bool:
    """Whether the short way takes the frame; then it says what the longer one says."""
    sealed = usual_sealed(raw)
    told = None if sealed is None else open_usual(sealed, key, now, NOISE)
    if sealed is None or told is None:
        return False
    frame = decode(raw)
    assert sealed.account.decode() == frame.account
    longer = receive(frame, is_known=True, key=key, now=now, noise=NOISE)
    assert (longer.answer, longer.problem, longer.is_poll) == (Answer.ACK, None, False)
    assert longer.data == told.ack
    assert (longer.repeat_key, longer.replay_key) == (told.repeat_key, told.replay_key)
    assert longer.dialects == told.dialects
    assert (longer.signals, longer.repeat_key) == read_kept(raw, told.region)
    return True


def sealed_as(frame: Frame, key: bytes = KEY, noise: bytes = NOISE) -> bytes:
    return encode(seal(frame, key, noise))


def test_captured_frames_are_opened_as_ever() -> None:
    taken = set()
    for captured in MESSAGES:
        if captured.key is None:
            assert usual_sealed(captured.raw) is None
            continue
        at = unseal(decode(captured.raw), captured.key).sent_at
        if both_ways(captured.raw, captured.key, at):
            taken.add(captured.id)
    assert "enc-std" in taken
    assert "enc-hik-null" not in taken  # a poll, and a dialect: for the longer way


@pytest.mark.parametrize(
    "frame",
    [
        clear(),
        clear(receiver=None),
        clear(token="ADM-CID", data=b"#12AB|1110 01 007"),
        clear(data=b"|Nri1/FA7"),  # the account stands only outside
        clear(data=b"#12AB|Nri1/FA7|x"),
        clear(xdata=(b"H09:49:58,11-21-2026", b"Icaf\xe9", b"X006E07.7", b"Y49N06.6")),
        clear(data=b"whatever \xff it is"),
        clear(account="12ab", data=b"NFA1"),
        clear(late=40),
        clear(late=-20),
    ],
)
@pytest.mark.parametrize("noise", [NOISE, bytes(range(200, 216))])
def test_usual_frames_go_the_short_way(frame: Frame, noise: bytes) -> None:
    assert both_ways(sealed_as(frame, noise=noise), KEY)


@pytest.mark.parametrize(
    "raw",
    [
        sealed_as(clear(late=41)),
        sealed_as(clear(late=-21)),
        sealed_as(clear(timestamp=None)),
        sealed_as(clear(), key=OTHER),
        sealed_as(clear(token="NULL", data=b"")),
        sealed_as(clear(token="VIS-BBA")),
        sealed_as(clear(line="")),
        sealed_as(clear(line=None)),
        sealed_as(clear(sequence="000A")),
        sealed_as(clear(form=Form.CRC_WITH_CR)),
        sealed_as(clear(form=Form.RAW_CRC)),
        sealed_as(clear(data=b"#12AB|NFA7[x")),
        plain(),
    ],
)
def test_all_others_are_left_to_the_longer_way(raw: bytes) -> None:
    assert not both_ways(raw, KEY)


def test_no_byte_of_a_usual_frame_may_change() -> None:
    raw = sealed_as(clear())
    for place in range(len(raw)):
        assert usual_sealed(raw[:place] + b"\x7f" + raw[place + 1 :]) is None


def test_a_session_gives_the_parts_and_reads_the_rest_on_demand() -> None:
    raw = sealed_as(clear())
    session = Session()
    session.receive_data(raw + plain())
    first, second = session.events_received()
    assert isinstance(first, Received)
    assert isinstance(second, Received)
    assert (first.sealed, first.account, first.ack) == (usual_sealed(raw), "12AB", None)
    assert first.frame == decode(raw)
    assert second.sealed is None
    assert second.ack is not None


@settings(max_examples=200, deadline=None)
@given(
    data=st.binary(max_size=60),
    blocks=st.lists(st.binary(min_size=1, max_size=12), max_size=3),
    noise=st.binary(min_size=16, max_size=16),
    late=st.integers(-30, 50),
    key=st.sampled_from([KEY, KEY + OTHER[:8], KEY + OTHER]),
)
@example(data=b"]_09:50:00,11-21-2026", blocks=[], noise=NOISE, late=0, key=KEY)
def test_whatever_is_encrypted_has_one_outcome(data, blocks, noise, late, key) -> None:
    raw = sealed_as(clear(data, xdata=tuple(blocks), late=late), key, noise)
    both_ways(raw, key)


def test_blocks_are_chained_from_zero_whatever_went_before() -> None:
    """Against `cryptography` itself, with contexts that other frames have used."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    for blocks, key in product((1, 2, 3, 9), (KEY, KEY + OTHER[:8], KEY + OTHER, KEY)):
        padded = bytes(n * 7 % 256 for n in range(16 * blocks))
        encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
        wanted = (encryptor.update(padded) + encryptor.finalize()).hex().upper().encode()
        assert encrypt(padded, key) == wanted
        assert decrypt(wanted, key) == padded
        assert decrypt(wanted.lower(), key) == padded
    with pytest.raises(ValueError, match="whole blocks"):
        encrypt(b"x" * 17, KEY)
