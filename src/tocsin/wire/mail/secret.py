"""The word that shows that a mail is from its device: whether it stands there, and the message
without it, however a part is encoded."""

from __future__ import annotations

import base64
import quopri
import re
from email.header import Header
from email.message import Message
from typing import Any, Final

from tocsin.wire.mail.hypertext import text_of
from tocsin.wire.mail.message import (
    BadMail,
    Mail,
    characters,
    content,
    encoded,
    header,
    leaves,
    parse,
)

MARKER: Final = "[removed]"
WITHHELD: Final = (
    b"This message is not kept as it came: it held its device's secret word in a form from which"
    b" the word could not be taken out. What was read from it is kept with the signal.\r\n"
)
_BASE64_LINE: Final = 57  # bytes that make a line of 76 characters


def holds(mail: Mail, secret: str) -> bool:
    """Whether the word stands in the subject or in the text that is read."""
    return secret in mail.subject or secret in mail.text


def without(text: str, secret: str) -> str:
    """The text without the word."""
    return text.replace(secret, MARKER)


def removed(raw: bytes, structure: Message[Any, Any] | None, secret: str) -> bytes:
    """The message without the word: as it came where it stands there openly, a part encoded anew
    where it was encoded, and nothing of it where neither takes the word out. `structure`: that of
    `raw`, None where it has none. Never an error, whatever the message is."""
    try:
        kept = _taken_out(raw, structure, secret)
        return kept if not _still_holds(kept, secret) else WITHHELD
    except Exception:  # noqa: BLE001 - the library's, on damage; the word must not be kept for it
        return WITHHELD


def _taken_out(raw: bytes, structure: Message[Any, Any] | None, secret: str) -> bytes:
    word = secret.encode("ascii")
    kept = raw
    if structure is not None:
        for name in dict.fromkeys(structure.keys()):
            value = " ".join(header(structure, name).split())
            if any(secret in " ".join(str(one).split()) for one in structure.get_all(name, [])):
                kept = _header_without(kept, name, without(value, secret))
        for part in leaves(structure):
            kept = _part_without(kept, part, secret)
    return kept.replace(word, MARKER.encode())


def _header_without(raw: bytes, name: str, value: str) -> bytes:
    """The message with every header `name` of its beginning saying `value`."""
    end = re.search(rb"\r?\n\r?\n", raw)
    beginning, rest = (raw, b"") if end is None else (raw[: end.start()], raw[end.start() :])
    line = re.compile(rb"(?mi)^%s:[^\n]*(?:\n[ \t][^\n]*)*" % re.escape(name.encode()))
    said = name.encode() + b": " + Header(value, "utf-8").encode(linesep="\r\n").encode("ascii")
    return line.sub(lambda _: said, beginning) + rest


def _part_without(raw: bytes, part: Message[Any, Any], secret: str) -> bytes:
    data = content(part)
    text, _ = characters(part, data)
    is_hypertext = part.get_content_type() == "text/html"
    if is_hypertext and secret in text_of(without(text, secret)):
        text, is_there = text_of(text), True  # spread over tags: only what is read stays
    else:
        is_there = secret in text
    payload = part.get_payload()
    if not is_there or not isinstance(payload, str):
        return raw
    try:
        sent = payload.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return raw  # sent as it is, not encoded
    if not sent.strip():
        return raw
    return raw.replace(sent, _as_sent(part, encoded(part, without(text, secret))))


def _as_sent(part: Message[Any, Any], data: bytes) -> bytes:
    """Bytes in the part's transfer encoding."""
    encoding = header(part, "content-transfer-encoding").lower()
    if encoding == "base64":
        lines = (data[at : at + _BASE64_LINE] for at in range(0, len(data), _BASE64_LINE))
        return b"".join(base64.b64encode(line) + b"\r\n" for line in lines)
    if encoding == "quoted-printable":
        return quopri.encodestring(data)
    return data


def _still_holds(raw: bytes, secret: str) -> bool:
    """Whether a reader of these bytes finds the word, in whatever part or header."""
    if secret.encode("ascii") in raw:
        return True
    try:
        structure = parse(raw)
    except BadMail:
        return _in_base64(raw, secret)  # what nobody takes apart is looked through as it is
    for part in structure.walk():
        for value in part.values():
            if secret in " ".join(str(value).split()):
                return True
    for part in leaves(structure):
        text, _ = characters(part, content(part))
        if secret in text or (part.get_content_type() == "text/html" and secret in text_of(text)):
            return True
    return False


def _in_base64(raw: bytes, secret: str) -> bool:
    """Whether the word stands there in base64, at any of the three places in a group."""
    joined = raw.replace(b"\r", b"").replace(b"\n", b"")
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret.encode("ascii") + b"\0" * 3)
        begin = (before * 8 + 5) // 6
        end = (before + len(secret)) * 8 // 6
        if whole[begin:end] in joined:
            return True
    return False
