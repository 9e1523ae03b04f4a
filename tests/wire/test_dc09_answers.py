"""What a DC-09 sender hears: the decision table, the shapes of the answers, the annex."""

from datetime import UTC, datetime, timedelta

import pytest
from dc09_frames import BY_ID, plain

from tocsin.wire.dc09.answers import (
    RULES,
    Answer,
    Problem,
    ack,
    answer_bytes,
    nak,
    read_kept,
    receive,
    usual,
    usual_poll,
)
from tocsin.wire.dc09.frames import Form, Frame, decode, encode, seal, unseal, write_timestamp

NOW = datetime(2026, 11, 21, 9, 50, 0, tzinfo=UTC)
KEY, OTHER = b"0123456789abcdef", b"fedcba9876543210"
NOISE = bytes(range(16))


def frame(
    token="SIA-DCS", data=b"#1234|NFA7", *, key=None, late=0.0, sequence="0001", **fields
) -> Frame:
    fields = {"receiver": "1", "line": "0", "account": "1234"} | fields
    sent = write_timestamp(NOW - timedelta(seconds=late))
    clear = Frame(token, sequence, data=data, timestamp=sent, **fields)
    return clear if key is None else decode(encode(seal(clear, key, NOISE)))


def hear(heard: Frame, *, is_known=True, key=None, now=NOW):
    return receive(heard, is_known=is_known, key=key, now=now, noise=NOISE)


def test_good_frame_of_a_known_account() -> None:
    told = hear(frame())
    assert (told.answer, told.problem) == (Answer.ACK, None)
    assert told.data == encode(Frame("ACK", "0001", "1", "0", "1234"))
    assert [s.code for s in told.signals] == ["FA"]
    assert told.repeat_key is not None
    assert read_kept(encode(frame()), None) == told[3:5]


def test_a_usual_frame_is_answered_as_it_would_be_after_reading() -> None:
    raw = [c.raw for c in BY_ID.values()]
    raw += [encode(frame(receiver=r, line=n)) for r in (None, "", "1") for n in (None, "", "AB")]
    raw += [encode(frame(data=data)) for data in (b"", b"#1234|NFA7][x", b"caf\xe9", b"#1|N^a^")]
    found = {}
    for one in raw:
        if (told := usual(one)) is not None:
            read = decode(one)
            found[one] = hear(read)
            assert told[:2] == (read.account, found[one].data)
            assert (told[2] and told[2].decode()) == read.timestamp
            assert found[one].answer is Answer.ACK
            assert found[one].signals
            assert not found[one].is_poll
            for place in range(len(one)):  # no other frame is taken for one
                changed = one[:place] + b"\x7f" + one[place + 1 :]
                assert usual(changed) is None
    assert len(found) > 15
    for no in (frame("NULL", b""), frame(account=None), frame("VIS-BBA"), frame(key=KEY)):
        assert usual(encode(no)) is None


def test_a_usual_poll_is_answered_as_it_would_be_after_reading() -> None:
    raw = [c.raw for c in BY_ID.values()]
    for said in ({}, {"receiver": None}, {"receiver": ""}, {"line": "AB"}, {"account": "a" * 16}):
        polls = frame("NULL", b"", sequence="0000", **said)
        raw += [encode(polls), encode(polls._replace(timestamp=None))]
    found = 0
    for one in raw:
        if (told := usual_poll(one)) is None:
            continue
        found += 1
        read = decode(one)
        reception = hear(read)
        assert (reception.is_poll, reception.answer, reception.dialects) == (True, Answer.ACK, ())
        assert told[:2] == (read.account, reception.data)
        assert (told[2] and told[2].decode()) == read.timestamp
        for place in range(len(one)):  # no other frame is taken for one
            assert usual_poll(one[:place] + b"\x7f" + one[place + 1 :]) is None
        for around in (one + one, b"\r" + one, one + b"\n", one + b"\0", one[:-1]):
            assert usual_poll(around) is None
    assert found > 10
    polls = {"token": "NULL", "data": b""}
    for no in (
        *(frame(), frame("NULL", b"|x"), frame("NULL", b"#1234|NFA7"), frame(**polls, line=None)),
        *(frame(**polls, line=""), frame(**polls, account=None), frame(**polls, key=KEY)),
        *(frame(**polls, xdata=(b"Vx",)), frame(**polls, form=Form.CRC_WITH_CR)),
        frame(**polls, form=Form.RAW_CRC),
    ):
        assert usual_poll(encode(no)) is None


def test_encrypted_frame_is_acknowledged_encrypted_with_our_time() -> None:
    told = hear(frame(key=KEY), key=KEY)
    assert (told.answer, told.problem) == (Answer.ACK, None)
    answer = decode(told.data)
    assert (answer.token, answer.encrypted) == ("ACK", True)
    opened = unseal(answer, KEY)
    assert (opened.sequence, opened.receiver, opened.line, opened.account) == (
        "0001",
        "1",
        "0",
        "1234",
    )
    assert (opened.data, opened.sent_at) == (b"", NOW)
    assert told.signals[0].encrypted


@pytest.mark.parametrize(
    ("late", "timely"), [(-21, False), (-20, True), (0, True), (40, True), (41, False)]
)
def test_time_window_is_for_encrypted_frames_only(late, timely) -> None:
    told = hear(frame(key=KEY, late=late), key=KEY)
    if timely:
        assert told.answer is Answer.ACK
    else:
        assert (told.answer, told.problem) == (Answer.NAK, Problem.STALE_TIME)
        assert told.data == nak(NOW)
        assert told.signals == ()  # a replayed frame opens no incident
        whose = told.whose
        assert whose is not None
        assert (whose.account, whose.occurred_at) == ("1234", NOW - timedelta(seconds=late))
        assert (whose.code, whose.zone, whose.text) == ("", "", "")
        assert told.repeat_key is None
    assert hear(frame(late=late)).answer is Answer.ACK
    assert hear(frame(late=86_400)).answer is Answer.ACK


def test_encrypted_frame_without_a_time_fails_the_time_test() -> None:
    sealed = seal(Frame("SIA-DCS", "0001", None, "0", "1234", b"#1234|NFA7"), KEY, NOISE)
    told = hear(sealed, key=KEY)
    assert told.problem is Problem.STALE_TIME
    assert told.whose is not None
    assert (told.whose.account, told.whose.occurred_at) == ("1234", None)


def test_nak_has_the_shape_that_panels_know() -> None:
    moment = datetime(2025, 9, 24, 16, 20, 1, tzinfo=UTC)
    assert nak(moment) == BY_ID["nak-1"].raw


def test_ack_has_the_shape_that_a_panel_was_seen_to_take() -> None:
    assert ack(Frame("NULL", "0000", None, "0", "1409")) == BY_ID["ack-1"].raw


@pytest.mark.parametrize("receiver", [None, "0", "579BDF"])
@pytest.mark.parametrize("line", [None, "", "0", "789abc"])
@pytest.mark.parametrize("key", [None, KEY])
def test_receiver_and_line_are_echoed_only_as_sent(receiver, line, key) -> None:
    told = hear(frame(key=key, receiver=receiver, line=line), key=key)
    answer = decode(told.data)
    assert (answer.receiver, answer.line) == (receiver, line)
    assert b"None" not in told.data


def test_unknown_account_is_heard() -> None:
    told = hear(frame(), is_known=False)
    assert (told.answer, told.problem) == (Answer.ACK, Problem.UNKNOWN_ACCOUNT)
    assert [s.code for s in told.signals] == ["FA"]
    poll = hear(frame("NULL", b""), is_known=False)
    assert (poll.answer, len(poll.signals)) == (Answer.ACK, 1)  # shown: nobody knows who polls


def test_unknown_token_is_heard() -> None:
    told = hear(frame("VIS-BBA", b"what"))
    assert (told.answer, told.problem) == (Answer.ACK, Problem.UNKNOWN_TOKEN)
    assert told.signals[0].text == "what"


def test_duh_echoes_as_an_ack_does() -> None:
    duh = answer_bytes(Answer.DUH, frame("VIS-BBA", b"what"), key=None, now=NOW, noise=NOISE)
    assert duh == encode(Frame("DUH", "0001", "1", "0", "1234"))


def test_wrong_key_is_shown_and_hears_nothing() -> None:
    told = hear(frame(key=OTHER), key=KEY)
    assert (told.answer, told.data, told.problem) == (Answer.NOTHING, b"", Problem.WRONG_KEY)
    assert [(s.code, s.text, s.encrypted) for s in told.signals] == [("", "", True)]


@pytest.mark.parametrize("is_known", [True, False])
def test_encrypted_without_any_key_is_shown_and_hears_nothing(is_known) -> None:
    told = hear(frame(key=KEY), is_known=is_known)
    assert (told.answer, told.problem, len(told.signals)) == (Answer.NOTHING, Problem.NO_KEY, 1)


@pytest.mark.parametrize("token", ["ACK", "NAK", "DUH", "RSP"])
def test_a_receivers_own_word_is_never_answered(token) -> None:
    for is_known in (True, False):
        told = hear(frame(token, b""), is_known=is_known)
        assert (told.answer, told.signals) == (Answer.NOTHING, ())
        assert not RULES[told.problem].is_stored


def test_poll_of_a_known_device_is_acknowledged_and_says_nothing_to_decide() -> None:
    for key in (None, KEY):  # annex, 5.5.2.1
        told = hear(frame("NULL", b"", key=key), key=key)
        assert (told.answer, told.problem, told.signals) == (Answer.ACK, None, ())
        assert told.repeat_key is None


def test_the_same_message_again_has_the_same_key_whatever_its_time() -> None:
    first, again = BY_ID["ajax-dcs-pe"], BY_ID["ajax-dcs-pe-retx"]
    assert first.raw != again.raw
    keys = [read_kept(c.raw, None)[1] for c in (first, again)]
    assert keys[0] == keys[1] is not None
    others = [
        frame(sequence="0002"),
        frame(account="1235"),
        frame(data=b"#1234|NFA8"),
        frame("ADM-CID"),
    ]
    keys = [read_kept(encode(one), None)[1] for one in (frame(), *others)]
    keys += [hear(frame(key=KEY), key=KEY).repeat_key]
    assert len(set(keys)) == len(keys)
    sealed = [hear(frame(key=KEY, late=late), key=KEY).repeat_key for late in (0, 5)]
    assert sealed == [keys[-1]] * 2


def test_every_answer_repeats_the_sequence() -> None:
    for sequence in ("9998", "9999", "0001", "0002"):  # annex C.2.3.7c
        assert decode(hear(frame(sequence=sequence)).data).sequence == sequence


def test_every_problem_has_its_rule() -> None:
    assert set(RULES) == {*Problem, None}
    # Nothing is acknowledged that is not stored.
    assert all(rule.is_stored for rule in RULES.values() if rule.answer is not Answer.NOTHING)


def test_plain_builder_is_a_standard_frame() -> None:
    assert hear(decode(plain())).answer is Answer.ACK
