"""AML as a text message: version 1 of ETSI TS 103 625 and version 2 of Android's Emergency Location
Service, where `lt` and `lg` mean other things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tocsin.core.caller_places import CallerPlace, Method
from tocsin.wire.aml.place import (
    LETTERS,
    MARKER,
    BadMessage,
    degrees,
    height,
    metres,
    moment,
    per_cent,
    timely,
)

CHARS_MAX: Final = 1_024
FIELDS_MAX: Final = 40
LENGTH_OFF_BY_MAX: Final = 8
"""The declared length may be wrong by so much: public samples are off by two."""

_HEAD: Final = 'A"ML='
# A number of a phone may be divided anyhow: by all but letters.
_DIGITS: Final = re.compile(r"[+(]*\d(?:[\W_]{0,4}\d)*")
_TIME: Final = re.compile(r"[0-9]{14}")

_VERSIONS: Final = ("1", "2")

# What may be kept of a message. Whatever is not here may tell a phone again.
_KEPT: Final = frozenset(("lt", "rd", "top", "lc", "pm", "ml", "et", "lo", "lz", "ls"))
_LONGITUDE: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,8})?")  # a language in version 2
# Of this century, and of 2001 to 2033 in seconds and milliseconds: no number of a phone is so long.
_TIMES: Final = {
    "top": re.compile(r"20[0-9]{12}"),
    "et": re.compile(r"1[0-9]{9}"),
    "location_time": re.compile(r"1[0-9]{12}"),
}
# A word, or one to three numbers, none of which is as long as a phone's.
_VALUE: Final = re.compile(
    r"[A-Za-z]{1,10}|[+-]?[0-9]{1,8}(?:\.[0-9]{1,16})?(?:,[+-]?[0-9]{1,8}(?:\.[0-9]{1,16})?){0,2}"
)


@dataclass(frozen=True, slots=True)
class Read:
    """A place, and the message without identity."""

    place: CallerPlace
    kept: bytes


def read(text: str, now: datetime) -> Read:
    """The place in a text message. Raises `BadMessage`."""
    text = text.strip("\x00\r\n ")
    version, fields = _fields(text)
    place = _version_1(text, fields, now) if version == "1" else _version_2(fields, now)
    kept = ";".join(f"{name}={kept_value(name, value)}" for name, value in fields.items())
    return Read(place, f"{_HEAD}{version};{kept}".encode())


def kept_value(name: str, value: str, known: frozenset[str] = _KEPT) -> str:
    """The value as it may be kept: that of a known field, and in the form that such values have."""
    if name == "lg":
        return value if _LONGITUDE.fullmatch(value) else MARKER
    form = _TIMES.get(name, _VALUE)
    return value if name in known and (not value or form.fullmatch(value)) else MARKER


def without_identity(text: str) -> str:
    """What may be kept of a message that cannot be read: no digit of any script is left in it, so
    no number of a phone or a card however it is divided, and no place either."""
    return _DIGITS.sub(MARKER, text[:CHARS_MAX])


def _fields(text: str) -> tuple[str, dict[str, str]]:
    if len(text) > CHARS_MAX or not text.startswith(_HEAD):
        raise BadMessage("not_aml")
    version, _, rest = text.removeprefix(_HEAD).partition(";")
    if version not in _VERSIONS:
        raise BadMessage("not_aml", "ML")
    parts = rest.split(";")
    if len(parts) > FIELDS_MAX:
        raise BadMessage("not_aml")
    fields: dict[str, str] = {}
    for part in parts:
        if not part:
            continue  # a closing semicolon
        name, equals, value = part.partition("=")
        if not equals or not re.fullmatch(r"[a-z]{1,8}", name) or name in fields:
            raise BadMessage("not_aml")
        fields[name] = value
    return version, fields


def _need(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise BadMessage("missing", name)
    return value


def _version_1(text: str, fields: Mapping[str, str], now: datetime) -> CallerPlace:
    declared = fields.get("ml", "")
    differs = False
    if declared:
        if not declared.isascii() or not declared.isdigit() or len(declared) > 4:
            raise BadMessage("length_wrong", "ml")
        off_by = abs(int(declared) - len(text))
        differs = off_by > 0
        if off_by > LENGTH_OFF_BY_MAX:
            raise BadMessage("length_wrong", "ml")
    method = _need(fields, "pm").upper()
    if method == "N":  # no location: latitude and longitude are zeros then
        raise BadMessage("no_location", "pm")
    return CallerPlace(
        lat=degrees(_need(fields, "lt"), 90, "lt"),
        lon=degrees(_need(fields, "lg"), 180, "lg"),
        radius_m=metres(fields.get("rd", "")),
        confidence=per_cent(fields.get("lc", "")),
        method=LETTERS.get(method, Method.UNKNOWN),
        at=_calendar(fields.get("top", ""), now),
        length_differs=differs,
    )


def _version_2(fields: Mapping[str, str], now: datetime) -> CallerPlace:
    where = fields.get("lo", "").split(",")
    if where == [""]:
        raise BadMessage("no_location", "lo")
    if len(where) not in (2, 3):
        raise BadMessage("not_a_place", "lo")
    up = fields.get("lz", "").split(",")
    return CallerPlace(
        lat=degrees(where[0], 90, "lo"),
        lon=degrees(where[1], 180, "lo"),
        radius_m=metres(where[2]) if len(where) == 3 else None,
        confidence=per_cent(fields.get("lc", "")),
        method=LETTERS.get(fields.get("ls", "").upper(), Method.UNKNOWN),
        at=_since_call(fields, now),
        altitude_m=height(up[0]),
        vertical_m=metres(up[1]) if len(up) == 2 else None,
    )


def _calendar(text: str, now: datetime) -> datetime | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        at = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return timely(at, now)


def _since_call(fields: Mapping[str, str], now: datetime) -> datetime | None:
    """`lt` counts seconds from the beginning of the call, `et`; negative: before it."""
    call, after = fields.get("et", ""), fields.get("lt", "")
    if not re.fullmatch(r"[0-9]{9,11}", call) or not re.fullmatch(r"[+-]?[0-9]{1,6}", after):
        return None
    return moment(int(call) + int(after), now)
