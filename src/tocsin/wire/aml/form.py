"""AML over HTTPS: a form that the phone posts, signed by HMAC-SHA1 over everything before `&hmac=`
where the operator's endpoint has a secret."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from tocsin.core.caller_places import CallerPlace, Method
from tocsin.wire.aml.place import (
    MARKER,
    WORDS,
    BadMessage,
    degrees,
    height,
    metres,
    moment,
    per_cent,
)
from tocsin.wire.aml.text import Read, kept_value

FIELDS_MAX: Final = 80
FLOORS: Final = (-200, 300)
_STOREY: Final = re.compile(r"-?[0-9]{1,3}(?:\.[0-9])?")

# What may be kept. Phones send a dozen further fields, nearly all of which tell the phone again.
_KEPT: Final = frozenset(
    (
        *("v", "location_latitude", "location_longitude", "location_time", "location_accuracy"),
        *("location_source", "location_certainty", "location_confidence", "location_altitude"),
        *("location_vertical_accuracy", "location_floor"),
    )
)


def signer(body: bytes, secrets: Iterable[tuple[str, bytes]]) -> str | None:
    """The name of the secret that signed `body`; None for a body without `hmac`. Every secret is
    tried, in a time that does not tell which fits. Raises `BadMessage` `signature_wrong`."""
    signed, mark, given = body.rpartition(b"&hmac=")
    if not mark:
        return None
    try:
        digest = binascii.unhexlify(given.strip())
    except (binascii.Error, ValueError):
        digest = b""
    found = None
    for name, secret in secrets:
        right = hmac.new(secret, signed, hashlib.sha1).digest()  # the standard's choice
        if hmac.compare_digest(digest, right):
            found = name
    if found is None:
        raise BadMessage("signature_wrong", "hmac")
    return found


def read(body: bytes, now: datetime) -> Read:
    """The place in a form, and the form without identity. Raises `BadMessage`."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            max_num_fields=FIELDS_MAX,
            errors="strict",
        )
    except (ValueError, UnicodeDecodeError):
        raise BadMessage("not_aml") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or "v" not in fields:
        raise BadMessage("not_aml")
    kept = [(name, _kept(name, value)) for name, value in pairs if name != "hmac"]
    return Read(_place(fields, now), urlencode(kept, safe="[]").encode())


def _place(fields: Mapping[str, str], now: datetime) -> CallerPlace:
    lat, lon = fields.get("location_latitude", ""), fields.get("location_longitude", "")
    if not lat or not lon:
        raise BadMessage("no_location", "location_latitude" if not lat else "location_longitude")
    confidence = fields.get("location_confidence") or fields.get("location_certainty", "")
    return CallerPlace(
        lat=degrees(lat, 90, "location_latitude"),
        lon=degrees(lon, 180, "location_longitude"),
        radius_m=metres(fields.get("location_accuracy", "")),
        confidence=per_cent(confidence),
        method=WORDS.get(fields.get("location_source", "").lower(), Method.UNKNOWN),
        at=_milliseconds(fields.get("location_time", ""), now),
        altitude_m=height(fields.get("location_altitude", "")),
        vertical_m=metres(fields.get("location_vertical_accuracy", "")),
        floor=_floor(fields.get("location_floor", "")),
    )


def _milliseconds(text: str, now: datetime) -> datetime | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 14):
        return None
    return moment(int(text) / 1_000, now)


def _kept(name: str, value: str) -> str:
    if name == "location_floor":
        return _floor(value) if _floor(value) == value else MARKER
    return kept_value(name, value, _KEPT)


def _floor(text: str) -> str:
    """A storey that a building can have. A text may name somebody."""
    if not _STOREY.fullmatch(text) or not FLOORS[0] <= float(text) <= FLOORS[1]:
        return ""
    return text
