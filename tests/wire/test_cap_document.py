"""CAP documents: every published sample has its outcome, every attack its bound and its name."""

import contextlib
import socket
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cap_samples import NAMESPACE, OUTCOMES, document, reason_of, sample
from tocsin.wire.cap import feeds
from tocsin.wire.cap.alert import decode
from tocsin.wire.cap.document import (
    ALERT,
    DEPTH_MAX,
    FEED,
    BadAlert,
    Bounds,
    Reason,
    parse,
)


@pytest.mark.parametrize("name", OUTCOMES)
def test_each_published_sample_has_its_outcome(name: str) -> None:
    expected = OUTCOMES[name]
    if isinstance(expected, Reason):
        assert reason_of(sample(name)) is expected
    else:
        assert decode(sample(name)).flaws == expected


def test_every_sample_is_in_the_table() -> None:
    from cap_samples import FRAMES

    assert {one.name for one in FRAMES.iterdir()} == {*OUTCOMES, "README.md"}


def test_what_is_not_read_still_says_what_it_is_about() -> None:
    with pytest.raises(BadAlert) as caught:
        decode(sample("google_earthquake.cap"))
    said = caught.value.said
    assert said is not None
    assert said.sender == "http://earthquake.usgs.gov/research/monitoring/anss/neic/"
    assert said.text.startswith("EQ 6.3 Neiafu, Tonga - PRELIMINARY REPORT; USGS")
    with pytest.raises(BadAlert) as caught:
        decode(sample("google_invalid.cap"))
    assert "scope" in caught.value.detail
    assert caught.value.said == ("sender", "Actual", "Storm; 12345")


# -- attacks ------------------------------------------------------------------------------------

LAUGHS = (
    b'<!DOCTYPE alert [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "&%c;&%c;&%c;&%c;">' % (n + 1, n, n, n, n) for n in range(97, 120))
    + b"]>"
)
QUADRATIC = b'<!DOCTYPE alert [<!ENTITY a "' + b"x" * 60_000 + b'">]>'
ATTACKS = {
    "billion laughs": (document(more="&x;").replace(b"<alert", LAUGHS + b"<alert"), "doctype"),
    "quadratic": (
        document(more="&a;" * 60_000).replace(b"<alert", QUADRATIC + b"<alert"),
        "doctype",
    ),
    "external entity": (
        document(more="&e;").replace(
            b"<alert", b'<!DOCTYPE alert [<!ENTITY e SYSTEM "file:///etc/passwd">]><alert'
        ),
        "doctype",
    ),
    "doctype after a comment and an instruction": (
        document().replace(b"<alert", b"<!-- <alert> --><?x <alert>?><!DOCTYPE alert><alert"),
        "doctype",
    ),
    "doctype in UTF-16": (
        "<!DOCTYPE alert SYSTEM 'http://127.0.0.1/x'><alert/>".encode("utf-16"),
        "doctype",
    ),
    "undeclared entity": (document(more="&e;"), "not_xml"),
    "XInclude": (
        document(
            more='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"'
            ' parse="text"/>'
        ),
        "not_schema",
    ),
    "a million levels": (b"<a>" * 330_000, "too_many_elements"),
    "ten thousand levels": (b"<a>" * 10_000 + b"</a>" * 10_000, "not_xml"),
    "levels that the parser takes": (b"<a>" * 200 + b"</a>" * 200, "too_deep"),
    "many small elements": (b"<alert>" + b"<a/>" * 250_000 + b"</alert>", "too_many_elements"),
    "attributes": (
        b"<alert " + b" ".join(b'a%d=""' % n for n in range(90_000)) + b"/>",
        "not_cap",
    ),
    "one huge attribute": (b'<alert a="' + b"x" * 1_000_000 + b'"/>', "not_cap"),
    "namespaces": (
        b"<alert " + b" ".join(b'xmlns:n%d="u:%d"' % (n, n) for n in range(30_000)) + b"/>",
        "not_cap",
    ),
    "a huge name": (b"<" + b"a" * 1_000_000 + b"/>", "not_xml"),
    "comments": (b"<!--" * 200_000, "too_many_elements"),
    "too large": (document(more=" " * ALERT.bytes_max), "too_large"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_named_and_bounded(name: str) -> None:
    raw, expected = ATTACKS[name]
    tracemalloc.start()
    began = time.process_time()
    try:
        assert reason_of(raw) == expected
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 2.0
    assert peak < 20 * ALERT.bytes_max


def test_limits_hold_at_the_limit() -> None:
    assert parse(document(more=" " * (ALERT.bytes_max - len(document())))) is not None
    longer = document(more=" " * (ALERT.bytes_max - len(document()) + 1))
    assert reason_of(longer) is Reason.TOO_LARGE
    deep = b"<a>" * DEPTH_MAX + b"</a>" * DEPTH_MAX
    assert parse(deep).tag == "a"
    assert reason_of(b"<b>" + deep + b"</b>", parse) is Reason.TOO_DEEP
    few = Bounds(1_000, 10)
    assert parse(b"<a>" + b"<b></b>" * 9 + b"</a>", few) is not None
    assert (
        reason_of(b"<a>" + b"<b></b>" * 10 + b"</a>", lambda raw: parse(raw, few))
        is Reason.TOO_MANY_ELEMENTS
    )


def test_nothing_outside_of_the_document_is_opened(tmp_path) -> None:
    """`xsi:schemaLocation` points to a server and to a file: neither is asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        hints = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation='
        hint = f'<alert {hints}"urn:x http://127.0.0.1:{port}/x.xsd"'
        assert decode(document().replace(b"<alert", hint.encode())).identifier == "a-1"
        with pytest.raises(BlockingIOError):  # nobody has connected
            server.accept()

    (tmp_path / "x.xsd").write_text(
        '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="u:x">'
        '<element name="e" type="int"/></schema>'
    )
    inside = (
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><e xmlns="u:x"'
        f' {hints}"u:x {tmp_path}/x.xsd">no number</e></Signature>'
    )
    assert decode(document(more=inside)).is_signed  # what that file says of `e` is not believed


# -- encodings ----------------------------------------------------------------------------------


def encoded(declared: str, charset: str, text: str = "Usulután") -> bytes:
    whole = document().decode().replace("UTF-8", declared).replace("Fire at the ridge", text)
    return whole.encode(charset)


@pytest.mark.parametrize(
    ("declared", "charset", "text"),
    [
        ("UTF-8", "utf-8", "Usulután 暴雨"),
        ("UTF-8", "utf-8-sig", "暴雨"),
        ("ISO-8859-1", "latin-1", "Usulután"),
        ("iso-8859-1", "ascii", "plain"),
        ("windows-1252", "cp1252", "“Usulután”"),
        ("GB2312", "gb18030", "暴雨橙色预警"),
        ("GBK", "gbk", "暴雨橙色预警"),
        ("gb18030", "gb18030", "暴雨𠮷"),
        ("Big5", "big5", "暴雨"),
        ("UTF-16", "utf-16", "暴雨"),
    ],
)
def test_an_alert_is_read_in_its_encoding(declared: str, charset: str, text: str) -> None:
    alert = decode(encoded(declared, charset, text))
    assert alert.infos[0].headline == text


def test_the_published_latin_1_sample_is_read() -> None:
    info = decode(sample("google_earthquake-iso8859-1.cap")).infos[0]
    assert info.headline == "EQ 4.6 Usulután, Usulután, El Salvador - PRELIMINARY REPORT"


@pytest.mark.parametrize(
    ("declared", "charset", "expected"),
    [
        ("UTF-8", "latin-1", Reason.WRONG_CHARSET),
        ("US-ASCII", "utf-8", Reason.WRONG_CHARSET),
        ("ISO-8859-1", "utf-8", Reason.WRONG_CHARSET),
        ("windows-1252", "utf-8", Reason.WRONG_CHARSET),
        ("GB18030", "latin-1", Reason.WRONG_CHARSET),
        ("UTF-16", "utf-8", Reason.WRONG_CHARSET),
        ("utf-32BE", "utf-8", Reason.WRONG_CHARSET),
        ("EBCDIC-US", "utf-8", Reason.UNKNOWN_CHARSET),
        ("UTF-7", "utf-8", Reason.UNKNOWN_CHARSET),
    ],
)
def test_a_wrong_encoding_is_named(declared: str, charset: str, expected: Reason) -> None:
    assert reason_of(encoded(declared, charset, "Usulutá é")) is expected


# -- rubbish ------------------------------------------------------------------------------------

pieces = st.sampled_from(
    [
        document(),
        sample("wmo_sc_valid.xml"),
        sample("own_edxl.xml"),
        sample("google_amber.atom")[:900],
        b"<?xml version='1.0' encoding='",
        b"gbk'?>",
        b"\xff\xfe",
        b"<!DOCTYPE a>",
        b"<![CDATA[",
        f'<alert xmlns="{NAMESPACE}">'.encode(),
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><content>&lt;a&gt;</content></entry>",
        b"<rss><channel><item><link>x</link></item></channel></rss>",
        b"</alert>",
        b"&#0;",
        b"&lt;",
        b"\x00",
    ]
)
rubbish = st.lists(st.one_of(pieces, st.binary(max_size=12)), max_size=6).map(b"".join)


@settings(max_examples=1_000, deadline=None)
@given(rubbish)
def test_rubbish_raises_one_error_only(raw: bytes) -> None:
    for read in (decode, feeds.read):
        with contextlib.suppress(BadAlert):
            read(raw)


@settings(max_examples=1_000, deadline=None)
@given(
    st.sampled_from([document(), sample("wmo_sc_valid.xml"), sample("own_zh_en.xml")]),
    st.lists(st.tuples(st.integers(0, 5_000), st.binary(max_size=3)), min_size=1, max_size=5),
)
def test_a_damaged_alert_raises_one_error_only(raw: bytes, damage: list[tuple[int, bytes]]) -> None:
    for place, put in damage:
        raw = raw[: place % len(raw)] + put + raw[place % len(raw) + len(put) :]
    with contextlib.suppress(BadAlert):
        decode(raw)


def test_a_feed_may_be_larger_than_an_alert() -> None:
    entry = b"<entry><title>" + b"x" * 1_000 + b"</title></entry>"
    raw = b"<feed xmlns='http://www.w3.org/2005/Atom'>" + entry * 1_200 + b"</feed>"
    assert ALERT.bytes_max < len(raw) < FEED.bytes_max
    assert len(feeds.read(raw).entries) == 1_200
