"""What DC-09 frames say: every grammar of the field, and nothing lost where none fits."""

import time
from datetime import UTC, datetime

import pytest
from dc09_frames import MESSAGES
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.core.code_tables import meaning
from tocsin.core.signals import Effect
from tocsin.wire.dc09.events import EVENTS_MAX
from tocsin.wire.dc09.frames import FRAME_BYTES_LARGEST, Frame, decode, unseal
from tocsin.wire.dc09.signals import TEXT_CHARS_MAX, is_poll, read, unread


def account_in(data: bytes) -> str:
    """That of the header, which is that of the data where it names one."""
    opening = data.partition(b"|")[0]
    return opening[1:].decode() if opening[:1] == b"#" else "1234"


def sia(data: bytes, account: str = "", **fields):
    account = account or account_in(data)
    return [
        (s.code, s.zone, s.partition, s.text)
        for s in read(Frame("SIA-DCS", "0001", "1", "0", account, data, **fields))
    ]


def cid(data: bytes, account: str = ""):
    account = account or account_in(data)
    return [
        (s.qualifier, s.code, s.partition, s.zone, s.text)
        for s in read(Frame("ADM-CID", "0001", None, "0", account, data))
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
        b"#1234|Nri1/",
        b"/",
        b"^|^",
    ],
)
def test_sia_dcs_that_cannot_be_read_is_kept_as_text(data) -> None:
    assert sia(data) == [("", "", "", data.decode())]


@pytest.mark.parametrize(
    ("data", "events", "unread"),
    [
        (b"NFA1/BA2^x", ["FA1", "BA2 x"], None),
        (b"NFA1^Kitchen", ["FA1 Kitchen"], None),
        (b"NFA1^Kitchen/Hall", ["FA1 Kitchen/Hall"], None),
        (b"NFA1^Gate|North^", ["FA1 Gate|North"], None),
        (b"NRP^Gate|North^/FA2^a|b^|NBA3", ["RP Gate|North", "FA2 a|b", "BA3"], None),
        (b"NRP^Gate|NFA2^Hall", ["RP Gate", "FA2 Hall"], None),  # no caret is ever closed
        (b"NRP^Gate|NFA2^Hall^", ["RP Gate", "FA2 Hall"], None),
        (b"NRP^Gate|NFA2^", ["RP Gate", "FA2"], None),  # in doubt it alarms
        (b"NRP^Gate|Nri1/FA2^|A two", ["RP Gate  two", "FA2  two"], None),
        (b"NFA1 Smoke/Hall", ["FA1 Smoke"], "Hall"),
        (b"NFA1/ ", ["FA1"], None),
        (b"NFA1|", ["FA1"], None),
        (b"NFA1//BA2", ["FA1", "BA2"], None),
        (b" NFA1", ["FA1"], None),
        (b"N FA1 /BA2 /", ["FA1", "BA2"], None),
        (b"NFA1/12", ["FA1"], "12"),
        (b"N12/FA1", ["FA1"], "12"),
        (b"Nrubbish/ri2/FA1^Hall^", ["FA1 Hall"], "rubbish"),
        (b"Nri1/FA1^Brand^/va=1", ["FA1 Brand"], "va=1"),
        (b"NMA1^Bathroom^extra", ["MA1 Bathroom"], "extra"),
        (b"NMA1^Bathroom^extra/FA2", ["MA1 Bathroom", "FA2"], "extra"),
        (b"NRP^Bathroom^FA2^Hall^", ["RP Bathroom", "FA2 Hall"], None),
        (b"NRP^Bathroom^HALL", ["RP Bathroom"], "HALL"),  # a word, no holdup
        (b"N?/HALL/FA1", ["FA1"], "?|HALL"),
        (b"NPA1*panic*", ["PA1"], "*panic*"),
        (b"NFA3*'Hall/BA2", ["FA3", "BA2"], "*'Hall"),
        (b"Nid3ri2FA3", ["FA3"], None),
        (b"NBA1/b", ["BA1"], "b"),
        (b"NBA1|Nfa2", ["BA1"], "Nfa2"),
        (b"BA1|x", ["BA1"], "x"),
        (b"rubbish|NFA1", ["FA1"], "rubbish"),
        (b"NRP|?|NFA2|!|A of 2", ["RP  of 2", "FA2  of 2"], "?|!"),
        (b"OP3/FA1/x", ["OP3", "FA1"], "x"),
    ],
)
def test_what_cannot_be_read_costs_no_event_beside_it(data, events, unread) -> None:
    found = sia(b"#1234|" + data)
    rest = found.pop() if unread is not None else ("", "", "", None)
    assert rest == ("", "", "", unread)
    assert [f"{code}{zone} {text}".rstrip() for code, zone, _, text in found] == events


def test_a_modifier_holds_behind_what_cannot_be_read() -> None:
    assert sia(b"#1234|Nri2/?/FA1")[0] == ("FA", "1", "2", "")
    assert sia(b"#1234|Nid3ri2FA") == [("FA", "3", "2", "")]


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
        (b"", [("", "", "", "", "")]),
        (b"#1234|", [("", "", "", "", "#1234|")]),
        # The event stands there, whatever is wrong behind it.
        (b"#1234|1115 01 0015", [("1", "115", "01", "0015", "")]),
        (b"#1234|1115 01 00a", [("1", "115", "01", "00A", "")]),
        (b"#1234|1115  01 015", [("1", "115", "01", "015", "")]),
        (b"#1234|1115 01 015/", [("1", "115", "01", "015", "")]),
        (b"#1234|1115 1 015", [("1", "115", "1", "015", "")]),
        (b"#1234|1115 015", [("1", "115", "", "015", "")]),
        (b"#1234|1115 01", [("1", "115", "01", "", "")]),
        (b"#1234|1115", [("1", "115", "", "", "")]),
        (b"#1234|1115 lift 2", [("1", "115", "", "", "lift 2")]),
        (b"#1234|1115 01 015 2F", [("1", "115", "01", "015", "2F")]),
        (b"#1234|1115,01,015|Alift", [("1", "115", "", "", ",01,015 lift")]),
        (b"#1234|1115010015", [("1", "115", "", "", "010015")]),
        (b"#1234|E115 01 015", [("1", "115", "01", "015", "")]),
        (b"#1234|R115 01 015", [("3", "115", "01", "015", "")]),
        (b"#1234|E115", [("1", "115", "", "", "")]),
        (b"#1234|115 01 015", [("1", "115", "01", "015", "")]),  # without a qualifier: an alarm
        (b"#1234|401 01 015", [("", "", "", "", "#1234|401 01 015")]),  # else nobody knows
        (
            b"#1234|x|1115 01 015|?/1110 01 007",
            [
                ("1", "115", "01", "015", ""),
                ("1", "110", "01", "007", ""),
                ("", "", "", "", "x|?"),
            ],
        ),
        # The sixteen digits of a telephone line.
        (b"1234181110010057", [("1", "110", "01", "005", "")]),
        (b"1234 98 3110 01 005 C", [("3", "110", "01", "005", "")]),
        (b"#1234|1234 18 1110 01 005 8", [("1", "110", "01", "005", "1234 18 1110 01 005 8")]),
        (b"1234181110010050", [("1", "110", "01", "005", "1234181110010050")]),  # wrong sum
        (b"9999|1115 01 015", [("1", "115", "01", "015", "9999")]),  # an account, no event 999
        (b"1115|Alift", [("1", "115", "", "", "lift")]),
        (b"1115|x", [("1", "115", "", "", ""), ("", "", "", "", "x")]),
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


def test_another_account_in_the_data_is_in_the_text() -> None:
    assert sia(b"#9999|NFA1", "1234") == [("FA", "1", "", "#9999")]
    assert sia(b"#9999|NFA1^Hall^/BA2", "1234") == [
        ("FA", "1", "", "Hall #9999"),
        ("BA", "2", "", "#9999"),
    ]
    assert cid(b"#9999|1110 01 005", "1234") == [("1", "110", "01", "005", "#9999")]
    assert cid(b"#99|1110 01 005|Aroof", "1234") == [("1", "110", "01", "005", "#99 roof")]
    for inner, account in (("0000", "1234"), ("", "1234"), ("ab12", "AB12"), ("12", "0012")):
        assert sia(b"#%b|NFA1" % inner.encode(), account) == [("FA", "1", "", "")]
        assert cid(b"#%b|1110 01 005" % inner.encode(), account)[0][4] == ""
        assert sia(b"#%b|NFA1^x^" % inner.encode(), account) == [("FA", "1", "", "x")]
    (signal,) = read(Frame("SIA-DCS", "0001", data=b"#9999|NFA1"))  # the header names none
    assert (signal.account, signal.text) == ("", "")


@pytest.mark.parametrize("token", ["ADM-CIDX", "adm-cid", "Adm-Cid2"])
def test_token_that_is_nearly_contact_id_is_read_as_it(token) -> None:
    (signal,) = read(Frame(token, "0001", None, "0", "1234", b"#1234|1110 01 005"))
    assert (signal.token, signal.code, signal.zone) == (token.upper(), "110", "005")
    assert meaning(signal).effect is Effect.ALARM


@pytest.mark.parametrize("token", ["SIA-DCSX", "sia-dcs"])
def test_token_that_is_nearly_sia_is_read_as_it(token) -> None:
    (signal,) = read(Frame(token, "0001", None, "0", "1234", b"#1234|NFA7"))
    assert (signal.token, signal.code, signal.zone) == (token.upper(), "FA", "7")
    assert meaning(signal).effect is Effect.ALARM


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
    for token, event, between in (("SIA-DCS", b"NFA%d", b"|"), ("SIA-DCS", b"FA%d", b"/")):
        data = b"#1|" + between.join(event % n for n in range(EVENTS_MAX))
        read_64 = read(Frame(token, "0001", data=data))
        assert [one.code for one in read_64] == ["FA"] * EVENTS_MAX
        more = read(Frame(token, "0001", data=data + between + event % 64 + between + event % 65))
        assert more[:-1] == read_64
        assert (more[-1].code, more[-1].text) == (
            "",
            (event % 64 + between + event % 65).decode(),
        )
    many = cid(b"#1|" + b"|".join(b"1110 01 %03d" % n for n in range(EVENTS_MAX + 2)))
    assert many[:-1] == [("1", "110", "01", f"{n:03}", "") for n in range(EVENTS_MAX)]
    assert many[-1] == ("", "", "", "", "1110 01 064|1110 01 065")
    long = b"x" * 3_000  # of a rest nothing is cut off either
    assert sia(b"#1|NFA1^" + b"y" * 900 + b"^|" + long)[-1][3] == long.decode()
    assert len(sia(b"#1|NBA1^" + b"x" * 5000 + b"^")[0][3]) == TEXT_CHARS_MAX
    assert TEXT_CHARS_MAX > FRAME_BYTES_LARGEST - 10  # of a real frame nothing is cut off


@pytest.mark.parametrize(
    "part",
    [
        *(b"^", b"/", b"|", b"^|", b"|^", b"/^", b"^/", b"FA^", b"FA1/", b"NFA1|", b"FA*'", b"*'/"),
        *(b"ri1", b"ri", b"r", b"ri1/", b"A|", b"|A", b"N", b"0", b"0|", b" ", b"1", b"1115", b"E"),
        *(b"^|NFA1", b"|Nri1", b"^x|Nri1ri", b"a1:", b"AB", b"1|", b"1115 ", b"1115/", b"x/FA"),
    ],
)
@pytest.mark.parametrize("token", ["SIA-DCS", "ADM-CID"])
def test_no_long_body_takes_long(token, part) -> None:
    """As long as a frame can be, and four times that, which must not take sixteen times."""
    for head, tail in ((b"", b""), (b"#1|N", b"?"), (b"#1|NFA1^", b"^"), (b"1110 01 001|", b" x")):
        took = []
        for size in (4_000, 16_000):
            frame = Frame(token, "0001", data=head + (part * size)[:size] + tail)
            tries = []
            for _ in range(3):  # the least of it is its own: the machine does other things too
                began = time.thread_time()
                read(frame)
                tries.append(time.thread_time() - began)
            took.append(min(tries))
        assert took[1] < 12 * took[0] + 0.05, took


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
beside = st.text(alphabet="ABab01 ^/|*'?=", max_size=12).map(str.encode)


@settings(max_examples=2_000, deadline=None)
@given(beside, beside)
def test_a_fire_alarm_is_read_whatever_stands_beside_it(before, behind) -> None:
    """In a block of its own; only a caret that another closes can make it a text."""
    for data in (b"#1234|NFA1/" + behind, b"#1234|NFA1|" + behind, b"#1234|N" + before + b"|NFA1"):
        assert ("FA", "1") in [one[:2] for one in sia(data)], data
    data = b"#1234|N?/" + before.translate(None, b"^*|") + b"/FA1/" + behind
    assert ("FA", "1") in [one[:2] for one in sia(data)], data
    for data in (b"1115 01 015|" + behind, before + b"|1115 01 015", b"1115 01 015/" + behind):
        assert ("1", "115", "01", "015") in [one[:4] for one in cid(b"#1234|" + data)], data


@settings(max_examples=2_000, deadline=None)
@given(
    st.sampled_from(["SIA-DCS", "ADM-CID", "NULL", "X"]), st.one_of(st.binary(max_size=40), events)
)
def test_reading_never_fails_and_never_says_nothing(token, data) -> None:
    signals = read(Frame(token, "0001", data=data))
    assert 1 <= len(signals) <= EVENTS_MAX + 1
    for signal in signals:
        assert "\x00" not in signal.text + signal.zone + signal.partition + signal.code
        assert len(signal.text) <= TEXT_CHARS_MAX
        assert signal.code or signal.text or not data or is_poll(Frame(token, "0001", data=data))
