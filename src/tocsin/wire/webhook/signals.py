"""Events of a document by the source's mapping. What can be read is read; what cannot be is named
with its place, and an event without a readable code becomes a signal that says so."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tocsin.core.signals import Position, SignalRead
from tocsin.core.terms import Datum
from tocsin.wire.webhook import pointer
from tocsin.wire.webhook.mapping import (
    PROTOCOL,
    QUALIFIERS,
    TOKEN,
    Fields,
    has_shape,
    shown,
    split_code,
)
from tocsin.wire.webhook.mapping import pointer as parsed

EVENTS_MAX: Final = 64
TEXT_CHARS_MAX: Final = 2_000
ERRORS_MAX: Final = 16

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,8}")
"""What may stand in the clear as a zone or partition; anything longer may name somebody, and goes
into the text, which is sealed."""

_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)"
)
_EPOCH_S: Final = (946_684_800, 4_102_444_800)  # the years 2000 to 2099


@dataclass(frozen=True, slots=True)
class Finding:
    """What could not be read, and where: a JSON Pointer into the document. `reason`: a key of the
    edge's texts."""

    where: str
    reason: str


@dataclass(slots=True)
class Reading:
    """Signals in their order; findings, the first ERRORS_MAX of them. `problem` is None where all
    was read, `partly_read` where each event has a code, else `unreadable`, or `too_many_events`."""

    signals: list[SignalRead] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problem: str | None = None

    def note(self, where: str, reason: str) -> None:
        if len(self.findings) < ERRORS_MAX:
            self.findings.append(Finding(where, reason))
        self.problem = self.problem or "partly_read"


class _Wrong(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read(document: Any, fields: Fields, source: str) -> Reading:
    """The signals of a document. Never raises: what it cannot read, it says."""
    reading = Reading()
    at = parsed(fields.events)
    try:
        events = pointer.find(document, at) if fields.events else [document]
    except pointer.Missing as error:
        _unreadable(reading, source, error.where, "missing")
        return reading
    if not isinstance(events, list):
        _unreadable(reading, source, fields.events, "not_a_list")
        return reading
    if not events:
        _unreadable(reading, source, fields.events, "no_events")
        return reading
    for place, event in enumerate(events[:EVENTS_MAX]):
        _event(reading, event, fields, source, (*at, str(place)) if fields.events else ())
    if len(events) > EVENTS_MAX:
        reading.problem = "too_many_events"
        reading.findings.insert(0, Finding(fields.events, "too_many_events"))
        text = f"{len(events) - EVENTS_MAX} further events not read"
        reading.signals.append(_nothing(source, text))
    return reading


def repeat_key(source: str, name: str | None, body: bytes) -> bytes:
    """What equal messages of a source share: what is signed of them, and nothing that is not, or a
    recorded message would be another one. `name` as in `Signed`; None: it cannot be read, and is
    read when it comes again. The body is part of it even where the sender names its messages: the
    same name with other content is another message, since in doubt it alarms."""
    digest = hashlib.blake2b(digest_size=16, person=b"tocsin.webhook")
    for part in (source.encode(), b"unread" if name is None else b"+" + name.encode()):
        digest.update(len(part).to_bytes(2, "big") + part)
    digest.update(body)
    return digest.digest()


def nothing_read(source: str, why: str) -> SignalRead:
    """The signal of a message that is authentic and says nothing we can read: somebody looks."""
    return _nothing(source, why)


def _nothing(source: str, text: str) -> SignalRead:
    return SignalRead(protocol=PROTOCOL, token=TOKEN, account=source, text=text)


def _unreadable(reading: Reading, source: str, where: str, reason: str, text: str = "") -> None:
    reading.note(where, reason)
    reading.problem = "unreadable"
    said = f"{where or '/'}: {reason}"
    reading.signals.append(_nothing(source, f"{said} {text}".strip()[:TEXT_CHARS_MAX]))


def _event(
    reading: Reading, event: Any, fields: Fields, source: str, inside: pointer.Pointer
) -> None:
    def place(text: str) -> str:
        return pointer.text_of(inside) + text

    def take(name: str, way: Any, default: Any) -> Any:
        """The value at a field's pointer, `default` where it is absent, null or unreadable."""
        text = getattr(fields, name)
        if not text:
            return default
        try:
            value = pointer.find(event, parsed(text))
            return default if value is None else way(value)
        except pointer.Missing:
            return default
        except _Wrong as error:
            reading.note(place(text), error.reason)
            return default

    text = take("text", _text, "")
    beside: list[str] = []
    zone = take("zone", lambda value: _plain(value, "zone", beside), "")
    partition = take("partition", lambda value: _plain(value, "partition", beside), "")
    try:
        code, qualifier = _code(event, fields)
    except pointer.Missing as error:
        _unreadable(reading, source, place(error.where), "missing", text)
        return
    except _Wrong as error:
        _unreadable(reading, source, place(fields.code), error.reason, text)
        return
    said = take("qualifier", lambda value: _qualifier(value, fields), "")
    reading.signals.append(
        SignalRead(
            protocol=PROTOCOL,
            token=TOKEN,
            account=source,
            code=code,
            codes=fields.codes,
            qualifier="" if fields.codes == "sia" else said or qualifier or "1",
            zone=zone,
            partition=partition,
            text=" ".join([text, *beside]).strip(),
            occurred_at=take("occurred_at", lambda value: _time(value, fields.times), None),
            level=take("level", lambda value: _level(value, fields), None),
            position=_position(take, event, fields, reading, place),
        )
    )


def _code(event: Any, fields: Fields) -> tuple[str, str]:
    value = pointer.find(event, parsed(fields.code))
    key = shown(value)
    if value is None or isinstance(value, dict | list | float):
        raise _Wrong("not_a_code")
    code = fields.values.get(key, fields.otherwise) if fields.values else key
    if not has_shape(fields.codes, code):
        raise _Wrong("code_unknown")
    return split_code(fields.codes, code)


def _qualifier(value: Any, fields: Fields) -> str:
    digit = fields.qualifiers.get(shown(value), "") if fields.qualifiers else shown(value)
    if digit not in QUALIFIERS:
        raise _Wrong("qualifier_unknown")
    return digit


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("not_a_text")
    return _unicode(value)[:TEXT_CHARS_MAX]


def _plain(value: Any, name: str, beside: list[str]) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _Wrong("not_a_text")
    text = _unicode(str(value)).strip()
    if not text or _PLAIN.fullmatch(text):
        return text
    beside.append(f"{name}: {text[:200]}")
    return ""


def _unicode(text: str) -> str:
    """JSON can write half a character (a lone surrogate), which is no text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _Wrong("not_a_text") from None
    return text.replace("\x00", " ")


def _time(value: Any, times: str) -> datetime:
    if times == "rfc3339":
        if not isinstance(value, str) or not _RFC3339.fullmatch(value):
            raise _Wrong("not_a_time")
        try:
            return datetime.fromisoformat(_micro(value.upper())).astimezone(UTC)
        except (ValueError, OverflowError):
            raise _Wrong("not_a_time") from None
    seconds = _number(value) / (1_000 if times == "epoch_ms" else 1)
    if not _EPOCH_S[0] <= seconds <= _EPOCH_S[1]:
        raise _Wrong("not_a_time")
    return datetime.fromtimestamp(seconds, UTC)


def _micro(text: str) -> str:
    """Python reads three or six digits of a second, RFC 3339 allows any number."""
    return re.sub(r"\.(\d{1,9})", lambda found: f".{found[1]:0<6}"[:7], text)


def _level(value: Any, fields: Fields) -> int:
    level = fields.levels.get(shown(value)) if fields.levels else value
    if isinstance(level, bool) or level not in (1, 2, 3, 4) or not isinstance(level, int):
        raise _Wrong("level_unknown")
    return level


def _number(value: Any) -> float:
    """A number as JSON writes one: a text of digits is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Wrong("not_a_number")
    return float(value)


def _position(
    take: Any, event: Any, fields: Fields, reading: Reading, place: Any
) -> Position | None:
    lat, lon = take("lat", _degrees(90), None), take("lon", _degrees(180), None)
    if lat is None or lon is None:
        return None
    datum: Any = fields.datum
    if datum.startswith("/"):
        try:
            datum = pointer.find(event, parsed(fields.datum))
        except pointer.Missing:
            datum = None
    if not isinstance(datum, str) or datum not in {one.value for one in Datum}:
        # Without its datum a coordinate is hundreds of metres off.
        reading.note(place(fields.datum if fields.datum.startswith("/") else ""), "datum_unknown")
        return None
    return Position(lat, lon, datum)


def _degrees(most: int) -> Any:
    def degrees(value: Any) -> float:
        number = _number(value)
        if not -most <= number <= most:
            raise _Wrong("not_a_place")
        return number

    return degrees
