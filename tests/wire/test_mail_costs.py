"""E-mail: no message takes long to be looked through for secret words."""

import base64
import time

import pytest
from test_mail_message import mail
from test_mail_signals import SECRET, taken

from tocsin.wire.mail import secret as secrets


def in_parts(headers: bytes, body: bytes, count: int = 48) -> bytes:
    whole = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    return whole + (b"--b\r\n" + headers + b"\r\n\r\n" + body + b"\r\n") * count + b"--b--\r\n"


IN_WORDS = b"=?utf-8?q?Open-Sesame=2D42?="
COSTLY = {
    "headers of as many names": b"".join(b"X%d: a\r\n" % n for n in range(49_000)),
    "as many headers as are read": b"".join(b"X%d: a\r\n" % n for n in range(480)),
    "addresses": (b"To: " + b"a," * 990 + b"\r\n") * 250,
    "comments": (b"To: " + b"(" * 1_990 + b"\r\n") * 250,
    "many subjects with the word": (b"Subject: " + IN_WORDS * 33 + b"\r\n") * 400,
    "encoded words without end": b"Subject: " + b"=?a?q?" * 80_000,
    "charset": in_parts(b"Content-Type: text/plain; charset=" + b"(" * 1_900, SECRET.encode()),
    "parameters": in_parts(b"Content-Type: text/plain" + b'; a="b\\"' * 240, SECRET.encode()),
    "parts of parameters": in_parts(b"Content-Type: text/html" + b"; a*0=b" * 270, b"x"),
    "semicolons": in_parts(b"Content-Type: text/plain;" + b";" * 1_900, SECRET.encode()),
    "quotes": in_parts(b"Content-Type: text/plain;" + b'";' * 950, SECRET.encode()),
    "encoding": in_parts(b"Content-Transfer-Encoding: " + b"( " * 900, SECRET.encode()),
    "parts of hypertext": in_parts(b"Content-Type: text/html", b"<b>x</b>" * 800 + b"<i>O</i>"),
    "parts in base64": in_parts(
        b"Content-Transfer-Encoding: base64", base64.b64encode(SECRET.encode() + b"\n") * 400
    ),
}


@pytest.mark.parametrize("name", COSTLY)
def test_no_mail_takes_longer_to_be_looked_through(name: str) -> None:
    began = time.thread_time()
    one = taken(COSTLY[name], key=SECRET.encode(), others=[b"Other-Word-99", SECRET.encode()])
    assert time.thread_time() - began < 0.25
    assert SECRET.encode() not in one.body


def test_a_word_in_a_parameter_is_found_however_it_is_written() -> None:
    for said in ("name*=utf-8''Open%2DSesame-42", 'name*0="Open-Se"; name*1="same-42"'):
        raw = in_parts(b"Content-Type: image/png; " + said.encode(), b"x", count=1)
        assert taken(raw, key=SECRET.encode()).body == secrets.WITHHELD


def test_words_of_the_other_devices_stay_in_no_copy() -> None:
    raw = mail(f"{SECRET} and Other-Word-99", Subject="Third-Word-777 alarm")
    words = [SECRET.encode(), b"Other-Word-99", b"Third-Word-777"]
    for key in (*words, None):
        one = taken(raw, key=key, others=words)
        assert one.is_devices
        assert not [word for word in words if word in one.body or word.decode() in repr(one)]
