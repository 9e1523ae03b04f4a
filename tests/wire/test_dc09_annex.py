"""The acceptance tests of the standard's annex C and the clauses they rest on, one by one: the list
is tests/frames/dc09/standard_annex_tests.json, and a test that it names and we lack fails."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from dc09_frames import HERE, plain

from tocsin.wire.dc09.answers import RULES, Answer, Problem, nak, receive
from tocsin.wire.dc09.dialects import Register
from tocsin.wire.dc09.frames import Frame, Reason, decode, encode, seal, unseal, write_timestamp
from tocsin.wire.dc09.session import Received, Refused, Session
from tocsin.wire.dc09.signals import TOKENS

NOW = datetime(2026, 11, 21, 9, 50, 0, tzinfo=UTC)
KEYS = [b"0123456789abcdef", b"0123456789abcdef01234567", b"0123456789abcdef0123456789abcdef"]
NOISE = bytes(range(16))
LISTED = json.loads((HERE / "standard_annex_tests.json").read_text(encoding="utf-8"))["tests"]
Test = Callable[[], None]
TESTS: dict[str, Test] = {}


def clause(name: str) -> Callable[[Test], Test]:
    def note(test: Test) -> Test:
        TESTS[name] = test
        return test

    return note


def hear(frame: Frame, key: bytes | None = None, register: Register | None = None):
    return receive(
        frame,
        is_known=True,
        key=key,
        now=NOW,
        noise=NOISE,
        register=register or Register(),
    )


def events(stream: bytes) -> list:
    session = Session()
    session.receive_data(stream)
    return list(session.events_received())


@clause("C.2.3.5")
def incorrect_crc_hears_nothing() -> None:
    good = plain()
    for place in range(1, 5):
        wrong = (
            good[:place] + (b"0" if good[place : place + 1] != b"0" else b"1") + good[place + 1 :]
        )
        assert events(wrong) == [Refused(wrong, Reason.BAD_CRC)]
        assert [type(event) for event in events(wrong + good)] == [Refused, Received]


@clause("C.2.3.6")
def every_token_in_clear_is_decoded() -> None:
    for token, data in (
        ("SIA-DCS", b"#1234|NBA1"),
        ("ADM-CID", b"#1234|1130 01 001"),
        ("NULL", b""),
    ):
        told = hear(Frame(token, "0001", "1", "0", "1234", data))
        assert (told.answer, told.problem) == (Answer.ACK, None)
        assert [signal.code for signal in told.signals] == {
            "SIA-DCS": ["BA"],
            "ADM-CID": ["130"],
            "NULL": [],
        }[token]
    assert {"SIA-DCS", "ADM-CID", "NULL"} == TOKENS


def _keys_of(*numbers: str) -> list[bytes | None]:
    keys = []
    for number in numbers:
        (event,) = events(plain(b"#1234|NBA%d" % int(number), sequence=number))
        told = hear(event.frame)
        assert decode(told.data).sequence == number  # every copy is acknowledged
        keys.append(told.repeat_key)
    return keys


@clause("C.2.3.7a")
def a_block_sent_again_is_the_same_block() -> None:
    first, second, again, third = _keys_of("0001", "0002", "0001", "0003")
    assert again == first
    assert len({first, second, third}) == 3


@clause("C.2.3.7b")
def a_message_sent_again_is_the_same_message() -> None:
    first, second, again, third = _keys_of("9995", "9996", "9995", "9997")
    assert again == first
    assert len({first, second, third}) == 3


@clause("C.2.3.7c")
def the_sequence_goes_on_after_9999() -> None:
    assert len(set(_keys_of("9998", "9999", "0001", "0002"))) == 4
    for number in ("0000", "9999", "0001"):
        for key in (None, KEYS[0]):
            clear = Frame("NULL", number, account="1", timestamp=write_timestamp(NOW))
            frame = clear if key is None else decode(encode(seal(clear, key, NOISE)))
            assert decode(hear(frame, key).data).sequence == number


@clause("C.2.3.8")
def receiver_line_and_account_of_every_length() -> None:
    receivers, lines = ("0", "1234", "FFFFFF", None), ("0", "1234", "FFFFFF")
    accounts = ("0", "123456", "01234567879ABCDEF", "FEDCBA9876543210")
    for receiver, line, account in product(receivers, lines, accounts):
        raw = plain(receiver=receiver, line=line, account=account)
        (event,) = events(raw)
        assert event.account == account
        answer = decode(hear(event.frame).data)
        assert event.ack == hear(event.frame).data
        assert (answer.receiver, answer.line, answer.account) == (receiver, line, account)


@clause("5.5.2.1")
def null_in_clear_and_encrypted() -> None:
    bare = hear(decode(plain(b"", "NULL", "0000")))
    assert (bare.answer, bare.is_poll) == (Answer.ACK, True)
    for key in KEYS:
        clear = Frame("NULL", "0000", None, "0", "1234", timestamp=write_timestamp(NOW))
        told = hear(seal(clear, key, NOISE), key)
        assert (told.answer, told.is_poll) == (Answer.ACK, True)
        assert told.data[9:15] == b'"*ACK"'
        assert unseal(decode(told.data), key).sent_at == NOW
        without = hear(seal(clear._replace(timestamp=None), key, NOISE), key)
        assert without.problem is Problem.STALE_TIME


@clause("5.5.3.2")
def encrypted_message_outside_its_time_hears_ours() -> None:
    for off in (21, 3_600, -41, -86_400):
        stamp = write_timestamp(NOW + timedelta(seconds=off))
        clear = Frame("SIA-DCS", "0001", None, "0", "1234", b"#1234|NBA1", timestamp=stamp)
        told = hear(seal(clear, KEYS[0], NOISE), KEYS[0])
        assert (told.answer, told.data, told.signals) == (Answer.NAK, nak(NOW), ())
        answer = decode(told.data)
        assert (answer.token, answer.encrypted, answer.sent_at) == ("NAK", False, NOW)


@clause("5.5.3.3")
def what_cannot_be_processed_hears_duh_where_it_is_wanted() -> None:
    """Else ACK: it is kept and shown to a person, and Ajax takes a DUH for a lost line."""
    frame = Frame("ACR-SF", "0001", None, "0", "1234", b"1234 whatever")
    assert hear(frame).answer is Answer.ACK
    told = hear(frame, register=Register(wants_duh=True))
    assert (told.answer, decode(told.data).token) == (Answer.DUH, "DUH")
    assert RULES[told.problem].is_stored


@clause("5.4.4.3")
def pad_of_a_region_that_is_a_multiple_of_16() -> None:
    for key, blocks in product(KEYS, range(1, 5)):
        data = b"d" * (16 * blocks - 1)  # and its bracket
        pad = unseal(seal(Frame("SIA-DCS", "0001", data=data), key, NOISE), key).pad
        assert len(pad) == 16
        assert pad.endswith(b"|")
        assert not set(b"|[]") & set(pad[:-1])


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed["id"])
def test_annex(listed) -> None:
    TESTS[listed["id"]]()


def test_no_clause_is_tested_that_the_list_does_not_name() -> None:
    assert TESTS.keys() == {listed["id"] for listed in LISTED}
