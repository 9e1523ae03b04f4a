"""The word that shows that a mail is from its device is in nothing that is kept, however it was
written or encoded."""

import base64
import quopri
from email.header import Header

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_mail_message import mail, many
from test_mail_signals import SECRET, taken

from tocsin.wire.mail import secret as secrets
from tocsin.wire.mail.message import Problem, parse, read


def multipart(*parts: bytes) -> bytes:
    inner = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return (
        b"Subject: s\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        + inner
        + b"--b--\r\n"
    )


B64 = f"=?utf-8?b?{base64.b64encode(SECRET.encode()).decode()}?="
LONG = f"before {SECRET} after\r\n" * 20
WITH_SECRET = {
    "openly": mail(f"it is {SECRET}, here"),
    "subject": mail("x", Subject=f"alarm {SECRET}"),
    "subject in encoded words": mail(
        "x", Subject=Header(f"alarm å {SECRET}", "utf-8").encode(linesep="\r\n")
    ),
    "subject in base64": mail("x", Subject=B64),
    "base64": mail(base64.encodebytes(LONG.encode()), Content_Transfer_Encoding="base64"),
    "quoted-printable": mail(
        quopri.encodestring(("å" * 60 + LONG).encode()),
        Content_Transfer_Encoding="quoted-printable",
    ),
    "utf-16": mail(
        base64.encodebytes(LONG.encode("utf-16-le")),
        Content_Type="text/plain; charset=utf-16le",
        Content_Transfer_Encoding="base64",
    ),
    "text and hypertext": multipart(
        b"Content-Type: text/plain\r\n\r\n" + SECRET.encode(),
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(f"<p>{SECRET}</p>".encode()),
    ),
    "spread over tags": multipart(
        b"Content-Type: text/html\r\n\r\n<p><b>Open</b>-Sesame<i>-42</i> fire</p>"
    ),
    "as character references": multipart(
        b"Content-Type: text/html\r\n\r\n<p>&#79;pen-Sesame-42 and more</p>",
    ),
    "also in another header": mail(SECRET, Thread_Topic=Header(SECRET, "utf-8").encode()),
    "also in an attachment": multipart(
        b"Content-Type: text/plain\r\n\r\n" + SECRET.encode(),
        b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(LONG.encode()),
    ),
    "also in an attached message": multipart(
        b"Content-Type: text/plain\r\n\r\n" + SECRET.encode(),
        b"Content-Type: message/rfc822\r\n\r\n"
        + mail(
            base64.encodebytes(LONG.encode()),
            Content_Transfer_Encoding="base64",
            Subject=B64,
        ),
    ),
}


def found_by_a_reader(raw: bytes) -> bool:
    """Whether the secret word is anywhere where a mail program would show or save it."""
    message = parse(raw)
    shown = [raw.decode("latin-1")]
    for part in message.walk():
        shown += [" ".join(str(value).split()) for value in part.values()]
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            shown += [data.decode("latin-1"), data.decode("utf-16-le", "ignore")]
    return any(SECRET in one for one in shown)


@pytest.mark.parametrize("name", WITH_SECRET)
def test_secret_word_is_in_nothing_that_is_kept(name: str) -> None:
    raw = WITH_SECRET[name]
    one = taken(raw, key=SECRET.encode())
    assert one.is_devices
    assert not found_by_a_reader(one.body)
    assert SECRET not in repr(one)
    assert not secrets.holds(read(one.body), SECRET)
    assert secrets.MARKER in one.signals[0].text


@pytest.mark.parametrize(
    "name",
    [
        *("openly", "subject", "subject in base64", "base64", "quoted-printable", "utf-16"),
        "also in another header",
    ],
)
def test_what_stands_around_the_secret_word_stays(name: str) -> None:
    raw = WITH_SECRET[name]
    before, after = read(raw), read(taken(raw, key=SECRET.encode()).body)
    assert after.text == before.text.replace(SECRET, secrets.MARKER)
    assert after.subject == before.subject.replace(SECRET, secrets.MARKER)
    assert after.problem is None


def test_a_word_that_cannot_be_taken_out_takes_the_original_with_it() -> None:
    inside = WITH_SECRET["also in an attached message"]
    assert taken(inside, key=SECRET.encode()).body == secrets.WITHHELD
    hidden = many(60) + base64.b64encode(b"x" + SECRET.encode())
    assert taken(hidden, key=SECRET.encode()).body == secrets.WITHHELD
    assert taken(many(60), key=SECRET.encode()).body == many(60)


def test_a_word_looked_for_in_vain_is_taken_out_where_it_stands() -> None:
    raw = multipart(
        b"Content-Type: text/plain\r\n\r\nno word here",
        b"Content-Type: text/html\r\n\r\n<p>" + SECRET.encode() + b"</p>",
    )
    one = taken(raw, key=SECRET.encode())
    assert (one.is_devices, one.problem) == (False, Problem.WRONG_SECRET)
    assert not found_by_a_reader(one.body)


@pytest.mark.parametrize("mistyped", [SECRET.lower(), SECRET.upper(), SECRET.swapcase()])
@pytest.mark.parametrize("name", ["openly", "subject", "base64", "quoted-printable"])
def test_a_word_in_capitals_or_not_is_wrong_and_is_in_nothing_that_is_kept(
    name: str, mistyped: str
) -> None:
    raw = {
        "openly": mail(f"fire {mistyped} door"),
        "subject": mail(Subject=f"fire {mistyped}"),
        "base64": mail(base64.encodebytes(mistyped.encode()), Content_Transfer_Encoding="base64"),
        "quoted-printable": mail(
            mistyped.replace("-", "=2D"), Content_Transfer_Encoding="quoted-printable"
        ),
    }[name]
    one = taken(raw, key=SECRET.encode())
    assert (one.is_devices, one.problem) == (False, Problem.WRONG_SECRET)
    kept = read(one.body)
    assert SECRET.lower() not in (kept.subject + kept.text + repr(one)).lower()
    assert secrets.MARKER in one.signals[0].text


def test_every_place_in_base64_is_found() -> None:
    for before in range(7):
        raw = base64.encodebytes(b"x" * before + SECRET.encode() + b"y" * (before % 4))
        assert secrets._in_base64(raw, SECRET)
    assert not secrets._in_base64(base64.encodebytes(b"nothing of the kind" * 9), SECRET)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(list(WITH_SECRET.values())), max_size=3).map(b"\r\n--b\r\n".join),
    st.integers(0, 600),
    st.binary(max_size=8),
)
def test_no_damage_brings_the_secret_word_into_what_is_kept(raw, at, noise) -> None:
    damaged = raw[:at] + noise + raw[at:]
    one = taken(damaged, key=SECRET.encode())
    assert SECRET.encode() not in one.body
    assert SECRET not in one.signals[0].text
