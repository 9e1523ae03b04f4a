"""How panels depart from DC-09: two raw bytes that look like the end of a frame, clocks, pads,
what the register may say of a device, and what a device that wants a DUH hears."""

import itertools
import string
from datetime import UTC, datetime, timedelta

import pytest
from dc09_frames import plain
from hypothesis import given
from hypothesis import strategies as st

from tocsin.record.credentials import dialect as as_registered
from tocsin.wire.dc09.answers import Answer, Problem, nak, receive
from tocsin.wire.dc09.clocks import POLLS_NEEDED, Learnt, learn
from tocsin.wire.dc09.dialects import (
    ANSWER_FORMS,
    AS_HEARD,
    DIALECTS,
    Register,
    registered,
    spoken_in,
)
from tocsin.wire.dc09.frames import (
    BadFrame,
    Form,
    Frame,
    Reason,
    crc,
    decode,
    encode,
    seal,
    unseal,
    wrap,
    write_timestamp,
)
from tocsin.wire.dc09.misprint import PRINTED, RIGHT_TABLE, misprinted_crc
from tocsin.wire.dc09.session import Received, Refused, Session

NOW = datetime(2026, 11, 21, 9, 50, 0, tzinfo=UTC)
KEY = b"0123456789abcdef"
NOISE = bytes(range(16))
EIGHT = timedelta(hours=8)


def with_crc_of(high: int | None, low: int | None) -> bytes:
    """A frame whose two raw CRC bytes are these; None for any."""
    for text in itertools.product(string.ascii_letters + string.digits + "+-", repeat=4):
        body = b'"SIA-DCS"0001L0#1234[#1234|NBA1^%b^]' % "".join(text).encode()
        found = crc(body)
        if high in (None, found >> 8) and low in (None, found & 0xFF):
            return wrap(body, Form.RAW_CRC)
    raise AssertionError("no such frame")


AWKWARD = [
    with_crc_of(0x0A, None),
    with_crc_of(0x0D, None),
    with_crc_of(None, 0x0A),
    with_crc_of(None, 0x0D),
    with_crc_of(0x0A, 0x0D),
    with_crc_of(0x0D, 0x0A),
    with_crc_of(0x0A, 0x0A),
    with_crc_of(0x00, None),
]


def told_as(form: Form, body: bytes) -> Form:
    """Where the printed table has no part in a CRC, it is as it should be."""
    is_right = form is Form.MISPRINTED_CRC and misprinted_crc(body) == crc(body)
    return Form.STANDARD if is_right else form


def events(*segments: bytes) -> list:
    session, found = Session(), []
    for segment in segments:
        session.receive_data(segment)
        found += session.events_received()
    return found


@pytest.mark.parametrize("raw", AWKWARD, ids=lambda raw: raw[1:3].hex())
def test_raw_crc_bytes_that_look_like_marks(raw) -> None:
    assert decode(raw).form is Form.RAW_CRC
    assert encode(decode(raw)) == raw
    good = plain()
    for stream in (raw, raw + good, good + raw, raw + raw, b"\r\n" + raw, good + b"\r\n" + raw):
        whole = events(stream)
        assert all(isinstance(event, Received) for event in whole)
        assert b"".join(event.raw for event in whole) == stream.replace(b"\r\n" + raw[:3], raw[:3])
        assert events(*(stream[at : at + 1] for at in range(len(stream)))) == whole
        for cut in range(len(stream)):
            assert events(stream[:cut], stream[cut:]) == whole


def test_half_a_frame_before_an_awkward_one_is_only_cut_short() -> None:
    for raw in AWKWARD:
        half = plain()[:25]
        assert events(half + raw) == [Refused(half, Reason.CUT_SHORT), *events(raw)]


def test_blank_lines_at_the_end_do_not_count_as_a_frame_begun() -> None:
    for blank in (b"\n", b"\r\n", b"\n\r", b"\x00", b"\r\n\x00"):
        session = Session()
        session.receive_data(plain() + blank)
        assert len(list(session.events_received())) == 1
        assert not session.is_waiting_for_more
        assert session.abandon() is None
    session = Session()
    session.receive_data(plain() + b"\n" + plain()[1:4])
    assert len(list(session.events_received())) == 1
    assert session.is_waiting_for_more


def test_a_form_is_not_taken_for_another() -> None:
    body = b'"SIA-DCS"0001L0#1234[#1234|NBA1]'
    for form in Form:
        raw = wrap(body, form)
        assert decode(raw).form is told_as(form, body)
        for place in range(1, len(raw) - 1):
            changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
            try:
                read = decode(changed)
            except BadFrame:
                continue
            # What still reads is no other message: a letter of the CRC in its other case.
            assert (read, changed.upper()) == (decode(raw), raw.upper())
    both = b"\n%b%04X%b\r" % (crc(body + b"\r").to_bytes(2, "big"), len(body) + 1, body)
    with pytest.raises(BadFrame) as caught:
        decode(both)
    assert caught.value.reason is Reason.BAD_LENGTH


def misprinted(number: int = 0) -> bytes:
    """The body of a frame whose CRC the printed table spoils."""
    bodies = (b'"SIA-DCS"%04d' % n + b"L0#1234[#1234|NFA7]" for n in itertools.count(1))
    spoilt = (body for body in bodies if misprinted_crc(body) != crc(body))
    return next(itertools.islice(spoilt, number, None))


def test_crc_by_the_table_as_dc_07_prints_it() -> None:
    def by(table, body: bytes) -> int:
        register = 0
        for byte in body:
            register = (register >> 8) ^ table[(register ^ byte) & 0xFF]
        return register

    printed = [*RIGHT_TABLE]
    assert (printed[100], PRINTED) == (0xEB01, 0xBE01)
    printed[100] = 0xBE01
    bodies = [b'"SIA-DCS"%04d' % n + b"L0#1234[#1234|NFA%d]" % (n % 99) for n in range(1, 10_000)]
    assert all(by(RIGHT_TABLE, body) == crc(body) for body in bodies)
    assert all(by(printed, body) == misprinted_crc(body) for body in bodies)
    spoilt = [body for body in bodies if misprinted_crc(body) != crc(body)]
    assert 0.08 < len(spoilt) / len(bodies) < 0.14
    for body in spoilt:
        raw = b"\n%04X%04X%b\r" % (by(printed, body), len(body), body)
        frame = decode(raw)
        assert (frame.form, encode(frame)) == (Form.MISPRINTED_CRC, raw)
        assert spoken_in(frame) == ("misprinted_crc",)
    forms = [decode(hear(frame, turn=turn).data).form for turn in range(3)]
    ack = b'"ACK"%bL0#1234[]' % frame.sequence.encode()
    assert hear(frame, turn=1).data == wrap(ack, Form.MISPRINTED_CRC)
    assert forms == [Form.STANDARD, told_as(Form.MISPRINTED_CRC, ack), Form.STANDARD]
    assert hear(frame).signals[0].code == "FA"


def test_a_crc_by_neither_table_is_refused_also_as_two_bytes() -> None:
    body = misprinted()
    for raw in (
        b"\n%04X%04X%b\r" % (misprinted_crc(body) ^ 1, len(body), body),
        b"\n%b%04X%b\r" % (misprinted_crc(body).to_bytes(2, "big"), len(body), body),
    ):
        with pytest.raises(BadFrame) as caught:
            decode(raw)
        assert caught.value.reason is Reason.BAD_CRC


def test_longest_frame_of_each_form() -> None:
    for form, most in ((Form.STANDARD, 4095), (Form.RAW_CRC, 4095), (Form.CRC_WITH_CR, 4094)):
        head = b'"NULL"0000L0#1['
        body = head + b"x" * (most - len(head) - 1) + b"]"
        assert decode(wrap(body, form)).form is form
        with pytest.raises(ValueError, match="4,095"):
            wrap(body[:-1] + b"x]", form)


def test_every_form_of_answer_begins_with_the_best_known() -> None:
    assert set(ANSWER_FORMS) == set(Form)
    names = [one.name for one in DIALECTS]
    assert len(names) == len(set(names))


def test_nul_after_cr_shows() -> None:
    session = Session()
    session.receive_data(plain() + b"\x00" + plain())
    assert len(list(session.events_received())) == 2
    assert session.nul_after_cr


def test_pad_of_ajax_and_sequence_in_hex_show() -> None:
    clear = Frame("SIA-DCS", "000A", None, "0", "1234", b"#1234|NBA1")
    pad = bytes(range(0x90, 0x94)) + b"|"  # to 16 bytes, with the data and its bracket
    opened = unseal(seal(clear._replace(pad=pad), KEY, b""), KEY)
    assert opened.pad == pad
    assert spoken_in(opened) == ("hex_sequence", "any_pad")
    assert spoken_in(clear._replace(sequence="0010")) == ()


@given(
    st.sampled_from(Form),
    st.sampled_from(["0001", "00A1", "FFFF"]),
    st.sampled_from([None, "", "0", "A1"]),
    st.one_of(st.none(), st.binary(max_size=3), st.binary(max_size=3).map(lambda b: b + b"|")),
)
def test_the_short_way_to_no_dialect_agrees_with_the_table(form, sequence, line, pad) -> None:
    frame = Frame("SIA-DCS", sequence, None, line, "1", pad=pad, form=form)
    slowly = [one.name for one in DIALECTS if one.is_spoken_in and one.is_spoken_in(frame)]
    assert list(spoken_in(frame)) == slowly


# -- brackets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, KEY])
def test_brackets_in_texts_cost_neither_event_nor_blocks(key) -> None:
    clear = Frame(
        "SIA-DCS",
        "0001",
        None,
        "0",
        "1234",
        b"#1234|NBA1^Tor [Nord]^",
        (b"IHalle [2] hinten", b"X006E07.7"),
        "09:50:00,11-21-2026",
    )
    if key is None:
        assert decode(encode(clear)) == clear
        assert encode(decode(encode(clear))) == encode(clear)
        return
    sealed = seal(clear, key, NOISE)
    opened = unseal(sealed, key)
    assert opened._replace(pad=None, encrypted=False) == clear
    assert encode(seal(opened, key, b"")) == encode(sealed)


def test_pad_with_brackets_in_it_is_a_pad() -> None:
    clear = Frame("NULL", "0000", None, "0", "1234", b"", (), "09:50:00,11-21-2026")
    fill = -(len(b"]_09:50:00,11-21-2026") + 1) % 16
    pad = b"][" + b"p" * (fill + 16 - 2) + b"|"
    opened = unseal(seal(clear._replace(pad=pad), KEY, b""), KEY)
    assert (opened.pad, opened.data, opened.sent_at) == (pad, b"", NOW)


# -- clocks -------------------------------------------------------------------------------------


def sent(at: datetime, *, key=None, token="SIA-DCS", data=b"#1234|NBA1") -> Frame:
    clear = Frame(token, "0001", None, "0", "1234", data, timestamp=write_timestamp(at))
    return clear if key is None else decode(encode(seal(clear, key, NOISE)))


def hear(frame: Frame, **told):
    told = {"is_known": True, "key": KEY, "now": NOW, "noise": NOISE} | told
    return receive(frame, **told)


def test_plain_frame_of_a_clock_that_is_off_is_kept_judged_and_marked() -> None:
    for late, problem in ((0, None), (40, None), (41, Problem.CLOCK_OFF), (-21, Problem.CLOCK_OFF)):
        told = hear(sent(NOW - timedelta(seconds=late)))
        assert (told.answer, told.problem, len(told.signals)) == (Answer.ACK, problem, 1)
        assert told.repeat_key is not None
    poll = hear(sent(NOW - EIGHT, token="NULL", data=b""))
    assert (poll.is_poll, poll.signals, poll.problem) == (True, (), Problem.CLOCK_OFF)
    no_clock = sent(NOW)._replace(timestamp="09:50:00,00-21-2026")  # month 00: ioBroker 1.x
    assert hear(no_clock).problem is Problem.CLOCK_OFF
    assert hear(sent(NOW)._replace(timestamp=None)).problem is None


def test_user_and_partition_change_places_where_the_register_says_so() -> None:
    by_user = sent(NOW, token="ADM-CID", data=b"#1234|1401 07 002")
    as_sent = hear(by_user).signals[0]
    assert (as_sent.zone, as_sent.partition) == ("002", "07")
    swapped = hear(by_user, register=registered("cid_swapped")).signals[0]
    assert (swapped.zone, swapped.partition) == ("007", "02")
    sia = sent(NOW, data=b"#1234|Nri1/BA3")
    assert hear(sia, register=registered("cid_swapped")).signals == hear(sia).signals


def test_learnt_local_time_dates_plain_frames_and_no_encrypted_one() -> None:
    told = hear(sent(NOW + EIGHT), learnt_ahead=EIGHT)
    assert (told.problem, told.signals[0].occurred_at) == (None, NOW)
    sealed = hear(sent(NOW + EIGHT, key=KEY), learnt_ahead=EIGHT)
    assert (sealed.answer, sealed.problem, sealed.signals) == (Answer.NAK, Problem.STALE_TIME, ())
    assert hear(sent(NOW, key=KEY), learnt_ahead=EIGHT).answer is Answer.ACK


def test_set_local_time_moves_the_window_and_does_not_widen_it() -> None:
    local = Register(clock_ahead=EIGHT)
    for off, answer in ((0, Answer.ACK), (20, Answer.ACK), (21, Answer.NAK), (-41, Answer.NAK)):
        told = hear(sent(NOW + EIGHT + timedelta(seconds=off), key=KEY), register=local)
        assert told.answer is answer
    told = hear(sent(NOW + EIGHT, key=KEY), register=local)
    assert told.signals[0].occurred_at == NOW
    assert unseal(decode(told.data), KEY).sent_at == NOW + EIGHT
    # The same frame in GMT would be a second time at which it passes.
    gmt = hear(sent(NOW, key=KEY), register=local)
    assert (gmt.problem, gmt.data) == (Problem.STALE_TIME, nak(NOW + EIGHT))
    assert gmt.whose is not None
    assert gmt.whose.occurred_at == NOW - EIGHT  # so far off is the clock


@pytest.mark.parametrize("quarters", [-48, -14, 1, 22, 23, 32, 56])
def test_local_time_is_learnt_from_polls_that_agree(quarters) -> None:
    ahead, learnt, at = timedelta(minutes=15 * quarters), None, NOW
    for poll in range(POLLS_NEEDED):
        assert learnt is None or not learnt.is_local_time
        at = NOW + poll * timedelta(seconds=90)
        learnt = learn(learnt, at + ahead + timedelta(seconds=7 * poll), at)
    assert learnt.is_local_time
    assert learnt.ahead == ahead
    # Summer time begins: learnt anew.
    changed = learn(learnt, at + ahead + timedelta(hours=1), at)
    assert changed is None or not changed.is_local_time


def test_what_is_no_local_time_is_not_learnt() -> None:
    for off in (timedelta(seconds=61), timedelta(minutes=8), timedelta(hours=15), -timedelta(30)):
        assert learn(Learnt(EIGHT, 9, NOW), NOW + off, NOW) is None
    learnt = None
    for _ in range(9):  # the same poll, sent again and again
        learnt = learn(learnt, NOW + EIGHT, NOW)
    assert not learnt.is_local_time
    for second in range(9):  # GMT
        learnt = learn(learnt, NOW + timedelta(seconds=second), NOW)
    assert learnt is None


# -- DUH, and the register ----------------------------------------------------------------------


def test_duh_is_for_a_device_that_wants_it_and_an_unknown_token() -> None:
    strange = Frame("VIS-BBA", "0042", "1", "0", "1234", b"what")
    told = hear(strange, register=Register(wants_duh=True))
    assert (told.answer, told.problem) == (Answer.DUH, Problem.UNKNOWN_TOKEN)
    assert told.data == encode(Frame("DUH", "0042", "1", "0", "1234"))
    assert told.signals[0].text == "what"
    assert hear(strange).answer is Answer.ACK
    assert hear(sent(NOW), register=Register(wants_duh=True)).answer is Answer.ACK


def test_what_the_register_says() -> None:
    assert registered("") == AS_HEARD
    assert registered("duh").wants_duh
    assert registered("cid_swapped").swaps_cid
    assert registered("misprinted_crc").form is Form.MISPRINTED_CRC
    assert registered("local_time:+08:00").clock_ahead == EIGHT
    assert registered("local_time:-03:30").clock_ahead == -timedelta(hours=3, minutes=30)
    both = registered("binary_crc; duh;local_time:+00:00")
    assert both == Register(Form.RAW_CRC, True, timedelta())
    for wrong in ("ajax", "local_time", "local_time:8", "duh,eldes"):
        with pytest.raises(ValueError, match="no dialect"):
            registered(wrong)


@given(st.lists(st.sampled_from(["duh", "eldes", "local_time:+05:45", "local_time:-12:00"])))
def test_whatever_the_register_takes_is_understood(words) -> None:
    try:
        kept = as_registered(";".join(words), "dc09")
    except Exception:  # noqa: BLE001 - said to whoever entered it
        return
    assert (registered(kept) == AS_HEARD) is (not words)


def test_wrong_words_in_an_answer_never_come_from_a_form() -> None:
    """NAK, DUH and both ACKs in each form are frames of that form."""
    for form in Form:
        frame = sent(NOW)._replace(form=form)
        assert decode(hear(frame).data).form is ANSWER_FORMS[form][0]
        stale = sent(NOW - EIGHT, key=KEY)._replace(form=form)
        assert decode(hear(stale).data).form is ANSWER_FORMS[form][0]
        assert decode(hear(stale).data).token == "NAK"
        timely = sent(NOW, key=KEY)._replace(form=form)
        answer = decode(hear(timely).data)
        assert (answer.token, answer.encrypted, answer.form) == (
            "ACK",
            True,
            ANSWER_FORMS[form][0],
        )
