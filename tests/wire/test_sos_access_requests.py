"""SOS Access: where requests begin and end on the stream, and what one says."""

import dataclasses
import time

import pytest
from hypothesis import strategies as st
from promises import Wire, events, keeps_its_promises, singly
from sos_requests import AUTHENTICATION, HEADER, PUBLISHED, alarm, document

from tocsin.wire.sos_access.requests import (
    CHARS_MAX,
    MARKER,
    REQUEST_CHARS_MAX,
    BadRequest,
    Kind,
    Problem,
    decode,
    encode,
    redacted,
)
from tocsin.wire.sos_access.session import Received, Refused, Session

REQUESTS = [entry for entry in PUBLISHED if "expect" in entry]
CANONICAL = [
    encode(alarm()),
    encode(alarm(sectiontext="Källare & vind <1>", additionalinfo="a\nb", position="N5920E018")),
    encode(alarm(kind=Kind.PING, eventcode="", reference="7")),
    encode(alarm(kind=Kind.NEW_AUTHENTICATION, eventcode="")),
]
WIRE = Wire(decode, encode, BadRequest, Session, CANONICAL)
PIECES = (
    *(b"<?xml ", b'version="1.0" encoding="ISO-8859-1"?>', b"<!--", b"-->", b"<![CDATA[", b"]]>"),
    *(b"<alarmrequest>", b"</alarmrequest>", b"<pingrequest/>", b"</pingrequest>", b"<a>", b"</a>"),
    *(
        b"<authentication>",
        b"x",
        b"</authentication>",
        b"<!DOCTYPE a>",
        b"&amp;",
        b"&lt",
        b"<",
        b">",
    ),
    *(b" ", b"\r\n", b"\0", b"\xe5", b"\xef\xbb\xbf", b"/", b'"', b"<position><pos>", b"?>"),
)
RUBBISH = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join),
    st.tuples(st.sampled_from(CANONICAL), st.integers(0, 400), st.binary(max_size=4)).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + len(cut[2]) :]
    ),
)


def test_keeps_its_promises() -> None:
    keeps_its_promises(WIRE, RUBBISH)


@pytest.mark.parametrize("entry", REQUESTS, ids=lambda entry: entry["id"])
def test_published_request_is_read(entry) -> None:
    raw = entry["xml"].encode("latin-1")
    assert events(WIRE, raw) == events(WIRE, *singly(raw)) == [Received(raw)]
    request = decode(raw)
    assert {name: getattr(request, name) for name in entry["expect"]} == entry["expect"]
    assert request.problem is None


def test_white_space_between_requests_means_nothing() -> None:
    one = CANONICAL[0]
    for between in (b"", b"\r\n", b"\n\n  \t", b"\0", b"\xef\xbb\xbf"):
        assert events(WIRE, one + between + one + between) == [Received(one)] * 2


def test_an_end_tag_in_text_or_comment_ends_nothing() -> None:
    inner = "<!-- </alarmrequest> --><additionalinfo><![CDATA[</alarmrequest>]]></additionalinfo>"
    raw = document(inner)
    assert events(WIRE, *singly(raw)) == [Received(raw)]


def test_bytes_outside_of_a_request_are_refused_once_the_next_begins() -> None:
    assert events(WIRE, b"hello") == []
    assert events(WIRE, b"hel", b"lo", CANONICAL[0]) == [
        Refused(b"hello", Problem.INVALID_XML),
        Received(CANONICAL[0]),
    ]


def test_what_is_cut_short_is_refused_and_the_next_is_read() -> None:
    half = CANONICAL[0][:-10]
    found = events(WIRE, *singly(half + CANONICAL[1]))
    assert [type(one) for one in found] == [Refused, Received]
    assert found[0].problem is Problem.INVALID_XML


@pytest.mark.parametrize("cut", [True, False], ids=["singly", "whole"])
def test_length_at_its_limit(cut: bool) -> None:
    def of(length: int) -> bytes:
        return document("x" * (length - len(document(""))))

    for length, event in ((REQUEST_CHARS_MAX, Received), (REQUEST_CHARS_MAX + 1, Refused)):
        raw = of(length)
        assert len(raw) == length
        segments = [raw[at : at + 1_000] for at in range(0, length, 1_000)] if cut else [raw]
        found = events(WIRE, *segments, CANONICAL[0])
        assert [type(one) for one in found] == [event, Received]
        assert found[1].raw == CANONICAL[0]
    assert found[0].problem is Problem.INVALID_LENGTH
    with pytest.raises(BadRequest, match="invalid_length"):
        decode(of(REQUEST_CHARS_MAX + 1))


def test_an_endless_document_is_not_hoarded() -> None:
    session = Session()
    for _ in range(50):
        session.receive_data(b"<a>" + b"x" * 20_000)
        while session.next_event() is not None:
            pass
    assert len(session._buffer) <= REQUEST_CHARS_MAX


def test_single_bytes_cost_no_more_than_a_whole() -> None:
    """Each byte is looked at a fixed number of times, whatever is left open."""
    for opening in (b"<!--", b"<![CDATA[", b"<a ", b"<a>", b"<" * 50):
        session = Session()
        session.receive_data(opening)
        began = time.process_time()
        for _ in range(REQUEST_CHARS_MAX - 100):
            session.receive_data(b"x")
            assert session.next_event() is None
        assert time.process_time() - began < 3.0


def test_what_is_unfinished_at_the_end_is_told() -> None:
    session = Session()
    session.receive_data(CANONICAL[0] + b"\r\n")
    assert session.next_event() is not None
    assert session.next_event() is None
    assert not session.is_waiting_for_more
    assert session.abandon() is None
    for left in (b"hello", b"<?xml", b"<alarmrequest>"):
        session.receive_data(left)
        assert session.next_event() is None
        assert session.is_waiting_for_more
        abandoned = session.abandon()
        assert abandoned == Refused(left, Problem.INVALID_XML)
        assert not session.is_waiting_for_more


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        HEADER,
        document("<a></b>"),
        document("&nothing;"),
        document("", root="somethingelse"),
        document("", root="alarmresponse"),
        HEADER + b"<alarmrequest xmlns='urn:x'/>",
        document("<a>\x01</a>"),
        HEADER + b"<!DOCTYPE alarmrequest [<!ENTITY a 'b'>]><alarmrequest>&a;</alarmrequest>",
        HEADER + b"<!DOCTYPE alarmrequest SYSTEM 'file:///etc/passwd'><alarmrequest/>",
        document("<a>" * 300 + "</a>" * 300),
    ],
)
def test_what_is_no_request_is_invalid_xml(raw) -> None:
    with pytest.raises(BadRequest) as bad:
        decode(raw)
    assert bad.value.problem is Problem.INVALID_XML


def test_entities_are_never_expanded() -> None:
    """The thousand laughs, and a file of this machine: refused at once, and without the guard."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "ha">{levels}]>'.encode()
    began = time.process_time()
    with pytest.raises(BadRequest):
        decode(HEADER + bomb + b"<alarmrequest><eventcode>&l8;</eventcode></alarmrequest>")
    assert time.process_time() - began < 0.5


def test_header_must_be_there_and_say_iso_8859_1() -> None:
    inner = "<transmittercode>1</transmittercode><authentication>a</authentication>"
    for header in (
        b"",
        b'<?xml version="1.0"?>',
        b'<?xml version="1.0" encoding="utf-8"?>',
        b'<?xml version="1.0" encoding="utf-16"?>',
        b'<?xml version="1.0" encoding="nonsense"?>',
    ):
        request = decode(document(inner, "pingrequest", header))
        assert request.problem is Problem.XML_HEADER
        assert request.transmittercode == "1"
    for encoding in (b"ISO-8859-1", b"iso-8859-1", b"latin1"):
        header = b"<?xml version='1.0' encoding='" + encoding + b"'?>"
        assert decode(document(inner, "pingrequest", header)).problem is None


def test_utf_8_that_says_so_is_read_as_utf_8() -> None:
    raw = '<?xml version="1.0" encoding="UTF-8"?><alarmrequest><sectiontext>Källare</sectiontext>'
    assert decode((raw + "</alarmrequest>").encode()).sectiontext == "Källare"
    assert decode(document("<sectiontext>Källare</sectiontext>")).sectiontext == "Källare"


@pytest.mark.parametrize("name", [name for name in CHARS_MAX if name != "alarmtype"])
def test_each_field_at_its_limit(name: str) -> None:
    values = {name: "1" * CHARS_MAX[name]}
    assert decode(encode(alarm(**values))).problem is None
    longer = decode(encode(alarm(**{name: "1" * (CHARS_MAX[name] + 1)})))
    assert longer.problem is Problem.WRONG_CONTENT
    assert getattr(longer, name) == "1" * (CHARS_MAX[name] + 1)


def test_wrong_content_is_named_and_still_read() -> None:
    for request in (
        decode(encode(alarm(alarmtype="XX"))),
        decode(encode(alarm(transmittercode="a b"))),
        decode(encode(alarm()).replace(b"<receiver>", b"<eventcode>FA</eventcode><receiver>")),
        decode(encode(alarm()).replace(b"<receiver>42", b"<receiver><x>4</x>2")),
    ):
        assert request.problem is Problem.WRONG_CONTENT
    for name in ("authentication", "transmittercode", "eventcode"):
        request = decode(encode(alarm(**{name: ""})))
        assert request.problem is Problem.MANDATORY_DATA_MISSING


def test_authentication_is_in_nothing_that_is_kept() -> None:
    raw = encode(alarm(additionalinfo=f"code {AUTHENTICATION}", reference="1"))
    kept = redacted(raw, AUTHENTICATION.encode())
    assert AUTHENTICATION.encode() in raw
    assert AUTHENTICATION.encode() not in kept
    assert decode(kept) == dataclasses.replace(
        decode(raw),
        authentication=MARKER.decode(),
        additionalinfo=f"code {MARKER.decode()}",
    )
    assert AUTHENTICATION not in repr(alarm())
    for element in (
        b"<authentication >%s</authentication >",
        b"<Authentication>%s</Authentication>",
        b"<x:authentication a='1'>%s</x:authentication>",
        b"<authentication><![CDATA[%s]]></authentication>",
        b"<authentication><b>%s</b></authentication><authentication>%s</authentication>",
    ):
        sent = element.replace(b"%s", AUTHENTICATION.encode())
        assert AUTHENTICATION.encode() not in redacted(b"<a>" + sent + b"</a>")


def test_a_short_authentication_leaves_other_words_alone() -> None:
    raw = encode(alarm(authentication="42", sectiontext="room 42"))
    assert b"<authentication>[removed]</authentication>" in redacted(raw, b"42")
    assert b"room 42" in redacted(raw, b"42")


def test_redaction_takes_no_longer_for_what_never_closes() -> None:
    raw = document("<![CDATA[" + "<authentication>" * 6_000 + "]]>")
    began = time.process_time()
    redacted(raw)
    assert time.process_time() - began < 0.5
