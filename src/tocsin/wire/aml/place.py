"""The values of AML messages, each within its bounds, and the one error that reading raises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tocsin.core.caller_places import Method

MARKER: Final = "[dropped]"
"""Stands in the kept message where identity stood."""

RADIUS_M_MAX: Final = 1_000_000.0
HEIGHT_M: Final = (-1_000.0, 20_000.0)
AHEAD_MAX: Final = timedelta(minutes=5)
OLD_MAX: Final = timedelta(hours=24)


LETTERS: Final = {
    "G": Method.GNSS,
    "W": Method.WIFI,
    "C": Method.CELL,
    "F": Method.FUSED,
    "U": Method.UNKNOWN,
}
WORDS: Final = {
    "gps": Method.GNSS,
    "gnss": Method.GNSS,
    "wifi": Method.WIFI,
    "cell": Method.CELL,
    "fused": Method.FUSED,
}


class BadMessage(Exception):
    """No location can be read. `reason`: `not_aml`, `no_location`, `missing`, `not_a_number`,
    `not_a_place`, `length_wrong`, `not_hex`; `where`: the field."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason} {where}".strip())
        self.reason = reason
        self.where = where


def degrees(text: str, most: int, where: str) -> float:
    """Raises `BadMessage`."""
    number = _number(text, where)
    if not -most <= number <= most:
        raise BadMessage("not_a_place", where)
    return number


def metres(text: str) -> float | None:
    """A radius; None for one that is unknown (0, negative, `N`) or no number."""
    try:
        number = _number(text, "")
    except BadMessage:
        return None
    return min(number, RADIUS_M_MAX) if number > 0 else None


def height(text: str) -> float | None:
    try:
        number = _number(text, "")
    except BadMessage:
        return None
    return number if HEIGHT_M[0] <= number <= HEIGHT_M[1] else None


def per_cent(text: str) -> int | None:
    try:
        number = _number(text, "")
    except BadMessage:
        return None
    return round(number) if 0 < number <= 100 else None


def moment(seconds: float, now: datetime) -> datetime | None:
    """Of Unix time; None for one that cannot be of a call of now."""
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return timely(at, now)


def timely(at: datetime, now: datetime) -> datetime | None:
    return at if now - OLD_MAX <= at <= now + AHEAD_MAX else None


def _number(text: str, where: str) -> float:
    # `float` takes "nan", "1_000", spaces and any script's digits.
    plain = text.strip()
    if not plain or len(plain) > 24 or not set(plain) <= set("+-.0123456789"):
        raise BadMessage("not_a_number", where)
    try:
        return float(plain)
    except ValueError:
        raise BadMessage("not_a_number", where) from None
