"""One e-mail as it came, and what of it can be read: the subject and the first text. Everything has
a bound, nothing is fetched, and there is one error for what cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import EmailPolicy
from enum import StrEnum
from typing import Any, Final

from tocsin.wire.mail.hypertext import text_of

PARTS_MAX: Final = 50
DEPTH_MAX: Final = 8
LINES_MAX: Final = 50_000
HEADERS_MAX: Final = 500
"""Of the message and all its parts together."""

HEADER_CHARS_MAX: Final = 2_000
"""Of one header; the rest is not looked at (it stays in what is kept)."""

PARAMETERS_CHARS_MAX: Final = 500
"""Of a header with parameters, for the same reason."""

DECODED_BYTES_MAX: Final = 256 << 10
"""Of the text that is read, before its characters are told."""

READ_CHARS_MAX: Final = 20_000
"""Of the text: rules and the secret word are looked for in so much of it."""

SUBJECT_CHARS_MAX: Final = 500


class Problem(StrEnum):
    """Why a message is not an ordinary one; kept and shown beside it."""

    UNKNOWN_ACCOUNT = "unknown_account"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - a reason, no secret
    NO_KEY = "no_key"
    UNREADABLE = "unreadable"
    TOO_MANY_PARTS = "too_many_parts"
    TOO_DEEP = "too_deep"
    TOO_MANY_LINES = "too_many_lines"
    TOO_MANY_HEADERS = "too_many_headers"
    CHARSET = "charset"
    NO_TEXT = "no_text"


class Kind(StrEnum):
    """What sort of message it is; the signal's token."""

    MAIL = "mail"
    BOUNCE = "bounce"
    AUTOMATIC = "automatic"
    LIST = "list"


class BadMail(Exception):
    """The structure of the message cannot be read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Mail:
    """What was read. `occurred_at`: the Date header as UTC, None where it says no zone. `problem`
    is what is wrong with it although it can be read."""

    subject: str = ""
    text: str = ""
    message_id: str = ""
    date: str = ""
    occurred_at: datetime | None = None
    kind: Kind = Kind.MAIL
    problem: Problem | None = None
    structure: Message[Any, Any] | None = field(default=None, compare=False, repr=False)


class _Bounded(EmailPolicy):
    """The default policy, which looks at so much of each header and no more: its own parsing of a
    header takes time in the square of the length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name[:HEADER_CHARS_MAX], value[:HEADER_CHARS_MAX]

    def header_fetch_parse(self, name: str, value: str) -> str:
        """Only what is read here is taken apart, addresses in particular are not; for parameters
        there is a quicker way in the library, which takes them from the plain text."""
        if name.lower() in _TAKEN_APART:
            return super().header_fetch_parse(name, value)  # type: ignore[no-any-return]
        return "".join(value.splitlines())[:PARAMETERS_CHARS_MAX]


_TAKEN_APART: Final = frozenset({"subject", "date", "message-id", "auto-submitted", "precedence"})

# What is decoded: known to be a table and quick. Whatever else is named is read as UTF-8.
_CHARSETS: Final = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-(?:[1-9]|1[03456])|latin-?1|windows-125[0-8]|cp125[0-8]"
    r"|gbk|gb18030|gb2312|big5|koi8-[ru]|shift_jis|euc-jp|euc-kr|iso-2022-jp|utf-16(?:le|be)?"
)
_WIDER: Final = {"gb2312": "gb18030", "gbk": "gb18030", "ascii": "utf-8", "us-ascii": "utf-8"}
_CONTROLS: Final = dict.fromkeys(
    (*(set(range(0x20)) - {0x0A, 0x09}), *range(0x7F, 0xA0), *range(0xD800, 0xE000)),
    "\N{REPLACEMENT CHARACTER}",
)
_BLANKS: Final = re.compile(r"[ \t\xa0]+")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")


def parse(raw: bytes) -> Message[Any, Any]:
    """The structure of a message. Raises `BadMail` and nothing else."""
    if raw.count(b"\n") > LINES_MAX:
        raise BadMail(Problem.TOO_MANY_LINES)
    parts = headers = 0

    class Part(EmailMessage):
        def set_raw(self, name: str, value: str) -> None:
            nonlocal headers
            headers += 1
            if headers > HEADERS_MAX:
                raise BadMail(Problem.TOO_MANY_HEADERS)
            super().set_raw(name, value)

    def part(policy: Any = None) -> EmailMessage:
        nonlocal parts
        parts += 1
        if parts > PARTS_MAX:
            raise BadMail(Problem.TOO_MANY_PARTS)
        return Part(policy)

    policy = _Bounded(message_factory=part)
    try:
        return BytesParser(policy=policy).parsebytes(raw)
    except BadMail:
        raise
    except Exception:  # noqa: BLE001 - the library has no error of its own for a hostile header
        raise BadMail(Problem.UNREADABLE) from None


def read(raw: bytes, *, is_bounce: bool = False) -> Mail:
    """What a message says. `is_bounce`: its envelope named no sender. Raises `BadMail` only."""
    message = parse(raw)
    if _depth(message) > DEPTH_MAX:
        raise BadMail(Problem.TOO_DEEP)
    try:
        text, problem = _first_text(message)
        subject = header(message, "subject")
        date, occurred_at = _date(message)
        return Mail(
            subject=clean(subject).replace("\n", " ")[:SUBJECT_CHARS_MAX],
            text=text,
            message_id=header(message, "message-id")[:250],
            date=date,
            occurred_at=occurred_at,
            kind=Kind.BOUNCE if is_bounce else _kind(message),
            problem=problem,
            structure=message,
        )
    except Exception:  # noqa: BLE001 - as above
        raise BadMail(Problem.UNREADABLE) from None


def header(message: Message[Any, Any], name: str) -> str:
    """A header's text, decoded; empty where there is none or it cannot be decoded."""
    try:
        return str(message.get(name, "")).strip()
    except Exception:  # noqa: BLE001 - one header that cannot be read costs no other
        return ""


def leaves(message: Message[Any, Any]) -> list[Message[Any, Any]]:
    """Every part that holds no parts, in order; also those of messages that are attached."""
    return [part for part in message.walk() if not part.is_multipart()]


def content(part: Message[Any, Any]) -> bytes:
    """A part's own bytes, its transfer encoding undone."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def characters(part: Message[Any, Any], data: bytes) -> tuple[str, bool]:
    """The text in these bytes by the charset that the part names; whether that is what it is."""
    return told_by(data, _charset(part))


def told_by(data: bytes, charset: str) -> tuple[str, bool]:
    """The text in these bytes by a charset's name in small letters, as `characters`."""
    known = _CHARSETS.fullmatch(charset) is not None
    try:
        return data.decode(_WIDER.get(charset, charset) if known else "utf-8"), known
    except (UnicodeDecodeError, LookupError):
        return data.decode("utf-8", "replace"), False


def encoded(part: Message[Any, Any], text: str) -> bytes:
    """Text in the part's charset, as far as that has its characters."""
    charset = _charset(part)
    known = _CHARSETS.fullmatch(charset) is not None
    try:
        return text.encode(_WIDER.get(charset, charset) if known else "utf-8", "replace")
    except LookupError:
        return text.encode("utf-8", "replace")


def clean(text: str) -> str:
    """For a person's eyes: no control characters, no runs of blanks and empty lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS).split("\n")
    return _EMPTY_LINES.sub(
        "\n\n", "\n".join(_BLANKS.sub(" ", one).strip() for one in lines)
    ).strip()


def _charset(part: Message[Any, Any]) -> str:
    try:
        return (part.get_content_charset() or "us-ascii").lower()
    except Exception:  # noqa: BLE001 - as above
        return "unknown"


def _first_text(message: Message[Any, Any]) -> tuple[str, Problem | None]:
    """The first plain text, else the first hypertext as text; attachments are none."""
    hypertext = None
    for part in _own_parts(message):
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment":
            continue
        if kind == "text/plain":
            text, is_right = characters(part, content(part)[:DECODED_BYTES_MAX])
            if text.strip():
                return _bounded(text), None if is_right else Problem.CHARSET
        elif kind == "text/html" and hypertext is None:
            hypertext = part
    if hypertext is None:
        return "", Problem.NO_TEXT
    text, is_right = characters(hypertext, content(hypertext)[:DECODED_BYTES_MAX])
    text = _bounded(text_of(text))
    if not text:
        return "", Problem.NO_TEXT
    return text, None if is_right else Problem.CHARSET


def _own_parts(message: Message[Any, Any]) -> list[Message[Any, Any]]:
    """The leaves of the message itself, not those of messages attached to it."""
    if not message.is_multipart():
        return [message]
    if message.get_content_maintype() == "message":
        return []
    found = []
    for part in message.iter_parts() if isinstance(message, EmailMessage) else ():
        found += _own_parts(part)
    return found


def _bounded(text: str) -> str:
    return clean(text)[:READ_CHARS_MAX]


def _depth(message: Message[Any, Any]) -> int:
    """How many parts stand in one another, the message itself being 1; at most PARTS_MAX."""
    deepest, waiting = 0, [(message, 1)]
    while waiting:
        part, depth = waiting.pop()
        deepest = max(deepest, depth)
        if part.is_multipart():
            payload = part.get_payload()
            waiting += [(one, depth + 1) for one in payload if isinstance(one, Message)]
    return deepest


def _date(message: Message[Any, Any]) -> tuple[str, datetime | None]:
    said = header(message, "date")
    try:
        found = getattr(message.get("date"), "datetime", None)
        if found is None or found.tzinfo is None:
            return said, None
        return said, found.astimezone(UTC)
    except Exception:  # noqa: BLE001 - a date that cannot be read is none
        return said, None


def _kind(message: Message[Any, Any]) -> Kind:
    if header(message, "auto-submitted").lower() not in ("", "no"):
        return Kind.AUTOMATIC
    if message.get_content_type() == "multipart/report":
        return Kind.BOUNCE
    is_list = header(message, "precedence").lower() in ("list", "bulk", "junk")
    if is_list or "list-id" in message or "list-unsubscribe" in message:
        return Kind.LIST
    return Kind.MAIL
