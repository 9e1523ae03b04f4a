"""The word that shows that a mail is from its device: whether it stands there, and the message
without such words, however a part is encoded."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from binascii import a2b_base64, a2b_qp
from collections.abc import Callable, Sequence
from email.message import Message
from functools import cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

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
    told_by,
)

Shown = Callable[[str], str]

MARKER: Final = "[removed]"
WITHHELD: Final = (
    b"This message is not kept as it came: it held its device's secret word in a form from which"
    b" the word could not be taken out. What was read from it is kept with the signal.\r\n"
)
_BASE64_LINE: Final = 57  # bytes that make a line of 76 characters
_ENCODED_CHARS: Final = 10  # of up to four bytes: an encoded word has at most 75 characters

# Each takes time in proportion to the text, whatever that is.
_END_OF_HEADERS: Final = re.compile(rb"\r?\n\r?\n")
_NEXT_HEADER: Final = re.compile(rb"\r?\n(?![ \t])")
_FOLD: Final = re.compile(r"\r?\n(?=[ \t])")
_ENCODED: Final = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_ENCODED: Final = re.compile(r"\?=\s+=\?")
_CONTINUED: Final = re.compile(r'"? ?; ?[\w-]+\*\d+\*?="?')


def holds(mail: Mail, secret: str) -> bool:
    """Whether the word stands in the subject or in the text that is read."""
    return secret in mail.subject or secret in mail.text


def without(text: str, words: Sequence[str]) -> str:
    """The text without the words, in capitals or not: whoever mistypes one nearly tells it."""
    for word in words:
        text = _anyhow(word).sub(MARKER, text)
    return text


def _anyhow(word: str) -> re.Pattern[str]:
    return re.compile(re.escape(word), re.IGNORECASE | re.ASCII)


def _anyhow_in_bytes(word: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(word.encode("ascii")), re.IGNORECASE)


def removed(raw: bytes, structure: Message[Any, Any] | None, words: Sequence[str]) -> bytes:
    """The message without the words: as it came where they stand there openly, a part encoded anew
    where it was encoded, and nothing of it where neither takes them out. `structure`: that of
    `raw`, None where it has none. Never an error, whatever the message is."""
    try:
        shown = cache(text_of)  # the same hypertext is read before and after
        kept = _taken_out(raw, structure, words, shown)
        return kept if not _still_hold(kept, words, shown) else WITHHELD
    except Exception:  # noqa: BLE001 - the library's, on damage; the words must not be kept for it
        return WITHHELD


def _taken_out(
    raw: bytes, structure: Message[Any, Any] | None, words: Sequence[str], shown: Shown
) -> bytes:
    kept = _headers_without(raw, words)
    for part in leaves(structure) if structure is not None else ():
        kept = _part_without(kept, part, words, shown)
    for word in words:
        kept = _anyhow_in_bytes(word).sub(MARKER.encode(), kept)
    return kept


def _headers_without(raw: bytes, words: Sequence[str]) -> bytes:
    """The message whose own headers say the words no more. Those that say how it is to be read stay
    as they came: written anew they could be read as something else."""
    end = _END_OF_HEADERS.search(raw)
    beginning, rest = (raw, b"") if end is None else (raw[: end.start()], raw[end.start() :])
    if not _any_in(_as_read(beginning), words):
        return raw
    fields = _NEXT_HEADER.split(beginning)
    for place, field in enumerate(fields):
        name, colon, value = field.partition(b":")
        said = _as_read(value).strip()
        if colon and not name.lower().startswith(b"content-") and _any_in(said, words):
            fields[place] = name + b": " + _in_encoded_words(without(said, words))
    return b"\r\n".join(fields) + rest


def _in_encoded_words(text: str) -> bytes:
    """A header's value (RFC 2047). The library's own takes time in the square of the length."""
    sound = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    pieces = (
        sound[at : at + _ENCODED_CHARS].encode() for at in range(0, len(sound), _ENCODED_CHARS)
    )
    return b"\r\n ".join(b"=?utf-8?b?" + base64.b64encode(one) + b"?=" for one in pieces)


def _as_read(data: bytes) -> str:
    """Headers as a reader shows them: unfolded, encoded words (RFC 2047) as their text."""
    text = _FOLD.sub(" ", data.decode("ascii", "surrogateescape"))
    return " ".join(_ENCODED.sub(_decoded, _BETWEEN_ENCODED.sub("?==?", text)).split())


def _decoded(found: re.Match[str]) -> str:
    charset, how, value = found.groups()
    data = value.encode("ascii", "surrogateescape")
    try:
        plain = a2b_base64(data + b"==") if how in "bB" else a2b_qp(data, header=True)
    except binascii.Error:
        return found.group()
    return told_by(plain, charset.partition("*")[0].lower())[0]


def _any_in(text: str, words: Sequence[str]) -> bool:
    return any(_anyhow(word).search(text) for word in words)


def _part_without(raw: bytes, part: Message[Any, Any], words: Sequence[str], shown: Shown) -> bytes:
    data = content(part)
    text, _ = characters(part, data)
    is_hypertext = part.get_content_type() == "text/html"
    if is_hypertext and _any_in(shown(without(text, words)), words):
        text, is_there = shown(text), True  # spread over tags: only what is read stays
    else:
        is_there = _any_in(text, words)
    payload = part.get_payload()
    if not is_there or not isinstance(payload, str):
        return raw
    try:
        sent = payload.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return raw  # sent as it is, not encoded
    if not sent.strip():
        return raw
    return raw.replace(sent, _as_sent(part, encoded(part, without(text, words))))


def _as_sent(part: Message[Any, Any], data: bytes) -> bytes:
    """Bytes in the part's transfer encoding."""
    encoding = header(part, "content-transfer-encoding").lower()
    if encoding == "base64":
        lines = (data[at : at + _BASE64_LINE] for at in range(0, len(data), _BASE64_LINE))
        return b"".join(base64.b64encode(line) + b"\r\n" for line in lines)
    if encoding == "quoted-printable":
        return quopri.encodestring(data)
    return data


def _still_hold(raw: bytes, words: Sequence[str], shown: Shown) -> bool:
    """Whether a reader of these bytes finds one of the words, in whatever part or header."""
    if any(_anyhow_in_bytes(one).search(raw) for one in words) or _any_in(_as_read(raw), words):
        return True
    try:
        structure = parse(raw)
    except BadMail:  # what nobody takes apart is looked through as it is
        plain = a2b_qp(raw).decode("latin-1")
        return _any_in(plain, words) or any(_in_base64(raw, word) for word in words)
    for part in structure.walk():
        for _, value in part.raw_items():
            if "*" in value and _any_in(_parameters(str(value)), words):
                return True
    for part in leaves(structure):
        text, _ = characters(part, content(part))
        if _any_in(text, words):
            return True
        if part.get_content_type() == "text/html" and _any_in(shown(text), words):
            return True
    return False


def _parameters(value: str) -> str:
    """A header's parameters as a reader joins and decodes them (RFC 2231)."""
    joined = _CONTINUED.sub("", " ".join(value.split()))
    return unquote_to_bytes(joined.encode("utf-8", "surrogateescape")).decode("latin-1")


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
