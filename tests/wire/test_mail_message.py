"""E-mail: what of a message is read, within which bounds, and what takes it apart for ever."""

import base64
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.wire.mail.hypertext import text_of
from tocsin.wire.mail.message import (
    DECODED_BYTES_MAX,
    DEPTH_MAX,
    HEADER_CHARS_MAX,
    HEADERS_MAX,
    LINES_MAX,
    PARTS_MAX,
    READ_CHARS_MAX,
    SUBJECT_CHARS_MAX,
    BadMail,
    Kind,
    Mail,
    Problem,
    parse,
    read,
)

FRAMES = Path(__file__).parent.parent / "frames" / "mail"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SAMPLES = {one.stem: one.read_bytes() for one in sorted(FRAMES.glob("*.eml"))}


def mail(body: str | bytes = "text", **headers: str) -> bytes:
    said = {"Subject": "s", "Content-Type": "text/plain; charset=utf-8"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return head.encode() + b"\r\n" + (body if isinstance(body, bytes) else body.encode())


def nested(depth: int) -> bytes:
    """`depth` parts in one another, the innermost a text."""
    inner = b"Content-Type: text/plain\r\n\r\ndeep\r\n"
    for level in range(depth - 1):
        edge = f"b{level}".encode()
        inner = (
            b'Content-Type: multipart/mixed; boundary="'
            + edge
            + b'"\r\n\r\n--'
            + edge
            + b"\r\n"
            + inner
            + b"\r\n--"
            + edge
            + b"--\r\n"
        )
    return b"Subject: s\r\n" + inner


def many(parts: int) -> bytes:
    return (
        b"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\n\r\nx\r\n" * parts
        + b"--b--\r\n"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "panel_plain",
            Mail(
                "ALARM: Fire alarm Zone 7",
                "Site: Mill Road 4\nEvent: Fire alarm Zone 7",
                "<20260304.1@panel.example.net>",
                "Wed, 04 Mar 2026 06:06:07 +0100",
                AT,
            ),
        ),
        (
            "camera_mixed",
            Mail(
                "入侵报警 通道 3",
                "报警事件: 区域入侵\n报警通道: 3\n镕",
                "<c3@camera.example.net>",
                "Wed, 04 Mar 2026 13:06:07 +0800",
                AT,
            ),
        ),
        (
            "recorder_html",
            Mail(
                "Event notification",
                "Larm: Inbrott i källaren\n\nZone 12",
                "<r9@recorder.example.net>",
                "Wed, 04 Mar 2026 05:06:07 -0000",
                None,
            ),
        ),
        (
            "bounce",
            Mail(
                "Undelivered Mail Returned to Sender",
                "I could not deliver your message.",
                "<b1@example.net>",
                "Wed, 04 Mar 2026 05:06:07 +0000",
                AT,
                Kind.AUTOMATIC,
            ),
        ),
        (
            "list",
            Mail(
                "Newsletter",
                "Fire sale!",
                "<n1@example.net>",
                "Wed, 04 Mar 2026 05:06:07 +0000",
                AT,
                Kind.LIST,
            ),
        ),
        ("no_headers", Mail("", "BURGLARY ZONE 3")),
    ],
)
def test_samples_are_read(name: str, expected: Mail) -> None:
    assert read(SAMPLES[name]) == expected


def test_kinds() -> None:
    assert read(mail(), is_bounce=True).kind is Kind.BOUNCE
    report = SAMPLES["bounce"].replace(b"Auto-Submitted: auto-replied\r\n", b"")
    assert read(report).kind is Kind.BOUNCE
    assert read(mail(Auto_Submitted="no")).kind is Kind.MAIL
    assert read(mail(Auto_Submitted="auto-generated")).kind is Kind.AUTOMATIC
    assert read(mail(Precedence="list")).kind is Kind.LIST
    assert read(mail(List_Id="<x>")).kind is Kind.LIST


@pytest.mark.parametrize(
    ("charset", "data", "text", "problem"),
    [
        ("utf-8", "Källare".encode(), "Källare", None),
        ("iso-8859-1", b"K\xe4llare", "Källare", None),
        ("windows-1252", b"K\xe4llare \x80", "Källare €", None),
        ("gb2312", "镕".encode("gb18030"), "镕", None),
        ("us-ascii", "Källare".encode(), "Källare", None),
        ("us-ascii", b"K\xe4llare", "K\ufffdllare", Problem.CHARSET),
        ("utf-8", b"K\xe4llare", "K\ufffdllare", Problem.CHARSET),
        ("nonsense", "Källare".encode(), "Källare", Problem.CHARSET),
        ("punycode", b"abc-" + b"a" * 9, "abc-aaaaaaaaa", Problem.CHARSET),
        ("rot13", b"abc", "abc", Problem.CHARSET),
        ("hex", b"abcd", "abcd", Problem.CHARSET),
        ("utf-7", b"+AGE-", "+AGE-", Problem.CHARSET),
    ],
)
def test_charsets_right_wrong_and_unknown(charset, data, text, problem) -> None:
    found = read(mail(data, Content_Type=f"text/plain; charset={charset}"))
    assert (found.text, found.problem) == (text, problem)


def test_a_message_without_text_has_its_subject() -> None:
    found = read(mail(b"\xff\xd8", Content_Type="image/jpeg"))
    assert (found.subject, found.text, found.problem) == ("s", "", Problem.NO_TEXT)


def test_text_of_an_attached_message_is_not_taken_for_its_own() -> None:
    inner = mail("the inner text")
    found = read(mail(inner, Content_Type="message/rfc822"))
    assert (found.text, found.problem) == ("", Problem.NO_TEXT)


def test_attached_text_is_no_text_of_the_message() -> None:
    raw = (
        b"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nlog file\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nthe alarm\r\n--b--\r\n"
    )
    assert read(raw).text == "the alarm"


def test_plain_text_comes_before_hypertext() -> None:
    raw = (
        b"Subject: s\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>hyper</p>\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n"
    )
    assert read(raw).text == "plain"


def test_hypertext_is_read_and_nothing_in_it_is_run_or_fetched() -> None:
    assert text_of("<p>a<br>b</p>c<script>d</script>e") == "\na\n\nb\nce"
    assert text_of("") == ""
    assert (
        text_of("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><p>&e;</p>") == "]>\n&e;\n"
    )
    assert text_of("<div>" * 200 + "x").strip() == "x"
    assert text_of("<p>&#229; &auml;").strip() == "å ä"


def test_hypertext_that_says_nothing_is_no_text() -> None:
    for nothing in ("<p> </p>", "<script>x</script>", "<div>" * 5_000 + "x"):
        found = read(mail(nothing, Content_Type="text/html"))
        assert (found.text, found.problem) == ("", Problem.NO_TEXT)


def test_control_characters_are_not_for_a_terminal() -> None:
    found = read(mail("a\x1b[2Jb\x00c\x9bd", Subject="x\x07y"))
    assert found.text == "a\ufffd[2Jb\ufffdc\ufffdd"
    assert "\x07" not in found.subject


# -- bounds -------------------------------------------------------------------------------------


def test_parts_at_their_limit() -> None:
    assert read(many(PARTS_MAX - 1)).text == "x"
    with pytest.raises(BadMail) as bad:
        read(many(PARTS_MAX))
    assert bad.value.problem is Problem.TOO_MANY_PARTS


def test_depth_at_its_limit() -> None:
    assert read(nested(DEPTH_MAX)).text == "deep"
    with pytest.raises(BadMail) as bad:
        read(nested(DEPTH_MAX + 1))
    assert bad.value.problem is Problem.TOO_DEEP


def test_lines_at_their_limit() -> None:
    head = mail("").count(b"\n")
    assert read(mail("\n" * (LINES_MAX - head))).subject == "s"
    with pytest.raises(BadMail) as bad:
        read(mail("\n" * (LINES_MAX - head + 1)))
    assert bad.value.problem is Problem.TOO_MANY_LINES


def test_headers_at_their_limit_over_all_parts() -> None:
    head = len(parse(mail(Content_Type="message/rfc822")).keys())
    inner = b"".join(b"X-%d: x\r\n" % n for n in range(HEADERS_MAX - head))
    assert read(mail(inner + b"\r\nx", Content_Type="message/rfc822")).subject == "s"
    with pytest.raises(BadMail) as bad:
        read(mail(b"Y: y\r\n" + inner + b"\r\nx", Content_Type="message/rfc822"))
    assert bad.value.problem is Problem.TOO_MANY_HEADERS


def test_text_and_subject_are_cut_at_their_limits() -> None:
    found = read(mail("x" * (READ_CHARS_MAX + 1), Subject="y" * (SUBJECT_CHARS_MAX + 1)))
    assert len(found.text) == READ_CHARS_MAX
    assert len(found.subject) == SUBJECT_CHARS_MAX
    long = b"\n" * (DECODED_BYTES_MAX - 1) + b"xy"
    encoded = mail(base64.encodebytes(long), Content_Transfer_Encoding="base64")
    assert read(encoded).text == "x"


def test_a_header_is_looked_at_so_far_and_no_further() -> None:
    found = read(mail(Subject="x " * HEADER_CHARS_MAX, Message_ID="<" + "y" * 5_000 + ">"))
    assert len(found.message_id) <= 250


@pytest.mark.parametrize(
    "raw",
    [
        nested(5_000),
        many(100_000),
        mail("\n" * 1_000_000),
        mail(Content_Type="(" * 500_000),
        mail(Content_Type="text/plain; " + 'a="b\\"; ' * 60_000),
        mail(Content_Type="text/plain; " + "a*0=b; " * 60_000),
        mail(Subject="=?utf-8?q?" + "=41" * 200_000 + "?="),
        mail(Subject="=?utf-8?q?a?= " * 60_000),
        mail(Date="(" * 200_000),
        mail(Message_ID="<" * 200_000),
        mail(Content_Type="multipart/mixed; boundary=" + "b" * 300_000),
        b"a: b\r\n" * 49_000,
        b" \r\n" * 49_000,
        mail("<div>" * 200_000, Content_Type="text/html"),
        mail("<a b='" * 100_000, Content_Type="text/html"),
        mail("&amp" * 200_000, Content_Type="text/html"),
        mail("=" * 1_000_000, Content_Transfer_Encoding="quoted-printable"),
        mail("=\r\n" * 40_000, Content_Transfer_Encoding="base64"),
        mail("begin 644 x\r\n" * 40_000, Content_Transfer_Encoding="x-uuencode"),
        mail("a-" * 500_000, Content_Type="text/plain; charset=punycode"),
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(PARTS_MAX - 2)
        )
        + b"\r\n" * 49_000,
    ],
    ids=range(21),
)
def test_bombs_end_soon_with_a_named_problem_or_a_mail(raw: bytes) -> None:
    began = time.process_time()
    try:
        read(raw)
    except BadMail as bad:
        assert bad.problem in Problem  # noqa: PT017 - the mail may also be read
    assert time.process_time() - began < 2.5


PIECES = (
    *(b"Subject: ", b"Content-Type: ", b"multipart/mixed; boundary=b", b"text/html", b"\r\n"),
    *(b"\r\n\r\n", b"--b\r\n", b"--b--\r\n", b"=?utf-8?b?", b"?=", b"; charset=", b"utf-16", b"("),
    *(b"Date: ", b"Message-ID: <", b">", b"Content-Transfer-Encoding: ", b"base64", b"\xff", b"\0"),
    *(
        b"message/rfc822",
        b'"',
        b"\\",
        b" ",
        b"\t",
        b"quoted-printable",
        b"=",
        b"<",
        b"a",
        b"\n",
        b":",
    ),
)


@settings(max_examples=1_500, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join),
        st.tuples(
            st.sampled_from(list(SAMPLES.values())), st.integers(0, 900), st.binary(max_size=6)
        ).map(lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + len(cut[2]) :]),
    )
)
def test_rubbish_raises_only_bad_mail(data: bytes) -> None:
    try:
        found = read(data)
    except BadMail:
        return
    assert len(found.text) <= READ_CHARS_MAX
    found.text.encode()  # no lone surrogate: the record takes Unicode only
    found.subject.encode()
    assert not set(found.text + found.subject) & {chr(one) for one in range(9)}
