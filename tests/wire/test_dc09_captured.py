"""All 27 captured messages of real devices: read as was found when they were captured, or refused
with the reason, and each answered in the form that its sender takes."""

from datetime import UTC, datetime

import pytest
from dc09_frames import BY_ID, CAPTURED, ENTRIES, MESSAGES, NOT_A_MESSAGE, NOT_DC09
from promises import singly

from tocsin.wire.dc09.answers import Answer, Problem, receive
from tocsin.wire.dc09.dialects import Register, spoken_in
from tocsin.wire.dc09.frames import BadFrame, Form, Reason, crc, decode, encode, unseal
from tocsin.wire.dc09.session import Foreign, Received, Refused, Session
from tocsin.wire.dc09.signals import is_poll, read
from tocsin.wire.dc09.strangers import Stranger

NOISE = bytes(range(16))
BINARY = [c for c in MESSAGES if c.form is Form.RAW_CRC]
ELDES = [c for c in MESSAGES if c.form is Form.CRC_WITH_CR]


def answer_to(captured, *, turn=0, register=None):
    frame = decode(captured.raw)
    opened = frame if captured.key is None else unseal(frame, captured.key)
    return receive(
        frame,
        is_known=True,
        key=captured.key,
        now=opened.sent_at or datetime(2026, 11, 21, tzinfo=UTC),
        noise=NOISE,
        turn=turn,
        register=register or Register(),
    )


def test_every_captured_message_has_its_test() -> None:
    assert len(ENTRIES) == 27
    wrong = {c.id for c in CAPTURED if c.form is None}
    assert wrong == {"defect-pysia-1"}
    tested = {c.id for c in MESSAGES} | wrong | NOT_A_MESSAGE | NOT_DC09.keys()
    assert tested == {entry["id"] for entry in ENTRIES}
    assert (len(BINARY), len(ELDES)) == (2, 3)


@pytest.mark.parametrize("captured", MESSAGES, ids=lambda c: c.id)
def test_captured_message_is_read_whole_and_byte_by_byte(captured) -> None:
    frame, expect = decode(captured.raw), captured.expect
    assert frame.form is captured.form
    assert encode(frame).upper() == captured.raw.upper()
    for segments in ([captured.raw], singly(captured.raw)):
        session, events = Session(), []
        for segment in segments:
            session.receive_data(segment)
            events += session.events_received()
        assert [(type(event), event.raw) for event in events] == [(Received, captured.raw)]
        assert events[0].frame == frame
    if captured.key is not None:
        frame = unseal(frame, captured.key)
        assert len(frame.pad.removesuffix(b"|")) == expect["pad_len"]
        assert frame.pad.endswith(b"|") is expect["pad_terminator_present"]
    assert frame.token == expect["token"]
    assert frame.sequence == expect["seq"]
    assert frame.receiver == (expect["receiver"][1:] if expect["receiver"] else None)
    assert f"L{frame.line}" == expect["line"]
    assert frame.account == expect["account"]
    assert frame.data.decode() == expect["data"]
    assert [block.decode() for block in frame.xdata] == expect["xdata"]
    assert frame.timestamp == expect["timestamp"]
    assert frame.encrypted is expect["encrypted"]
    assert read(frame)


@pytest.mark.parametrize("captured", MESSAGES, ids=lambda c: c.id)
def test_captured_message_is_answered(captured) -> None:
    told, sent = answer_to(captured), decode(captured.raw)
    if sent.token in ("ACK", "NAK"):
        assert (told.problem, told.data) == (Problem.RECEIVERS_WORD, b"")
        return
    assert (told.answer, told.problem) == (Answer.ACK, None)
    answer = decode(told.data)
    assert answer.token == "ACK"
    assert answer.encrypted is sent.encrypted
    echoed = (sent.sequence, sent.receiver, sent.line, sent.account)
    assert (answer.sequence, answer.receiver, answer.line, answer.account) == echoed
    assert bool(told.signals) is not told.is_poll


def test_two_raw_bytes_of_crc_are_answered_with_two() -> None:
    for captured in BINARY:
        told = answer_to(captured).data
        body = told[7:-1]
        assert body.startswith(b'"ACK"')
        assert told == b"\n" + crc(body).to_bytes(2, "big") + b"%04X" % len(body) + body + b"\r"
        assert decode(answer_to(captured, turn=1).data).form is Form.STANDARD
        set_so = answer_to(captured, register=Register(form=Form.STANDARD))
        assert decode(set_so.data).form is Form.STANDARD


def test_crc_over_the_cr_is_answered_as_the_standard_says_and_then_as_it_came() -> None:
    for captured in ELDES:
        assert decode(answer_to(captured).data).form is Form.STANDARD
        assert decode(answer_to(captured, turn=1).data).form is Form.CRC_WITH_CR
        assert decode(answer_to(captured, turn=2).data).form is Form.STANDARD
        set_so = answer_to(captured, register=Register(form=Form.CRC_WITH_CR))
        assert decode(set_so.data).form is Form.CRC_WITH_CR


@pytest.mark.parametrize(
    ("name", "dialects"),
    [
        ("eldes-crc-incl-cr-0", ("eldes",)),
        ("binary-crc-1", ("binary_crc",)),
        ("cn-emptyL-nba4", ("empty_line",)),
        ("enc-hik-null", ("no_bar",)),
        ("enc-std", ()),
        ("std-nfa129", ()),
    ],
)
def test_dialects_show_in_captured_messages(name, dialects) -> None:
    captured = BY_ID[name]
    frame = decode(captured.raw)
    assert spoken_in(unseal(frame, captured.key) if captured.key else frame) == dialects


def test_polls_and_events_are_told_apart() -> None:
    polls = {c.id for c in MESSAGES if c.key is None and is_poll(decode(c.raw))}
    assert polls >= {"ajax-null-ts", "sigma-null", "hikvision-null-cidbody", "binary-crc-0"}
    assert not any(c.id in polls for c in MESSAGES if "dcs" in c.id)


def test_what_is_wrong_is_refused_with_its_reason() -> None:
    raw = BY_ID["defect-pysia-1"].raw
    with pytest.raises(BadFrame) as caught:
        decode(raw)
    assert caught.value.reason is Reason.BAD_LENGTH
    session = Session()
    session.receive_data(raw)
    assert list(session.events_received()) == [Refused(raw, Reason.BAD_LENGTH)]


def test_a_receivers_ack_of_unknown_form_is_no_message() -> None:
    frame = decode(BY_ID["ack-bad-none"].raw)
    assert frame.odd is not None
    told = receive(
        frame, is_known=True, key=None, now=datetime(2026, 11, 21, tzinfo=UTC), noise=NOISE
    )
    assert (told.answer, told.problem) == (Answer.NOTHING, Problem.RECEIVERS_WORD)


def test_what_is_not_dc09_is_told_by_name() -> None:
    names = {"oh-heartbeat": Stranger.OSBORNE_HOFFMAN, "galaxy-f": Stranger.GALAXY}
    assert names.keys() == NOT_DC09.keys()
    for name, text in NOT_DC09.items():
        session = Session()
        session.receive_data(text + b"\r")
        (event,) = session.events_received()
        assert isinstance(event, Foreign)
        assert event.name is names[name]
