"""Warnings to the public: what one must say before it goes out, and who may let it go out. Two
people answer for each: whoever wrote it last never approves it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

HEADLINE_CHARS_MAX: Final = 160  # CAP 1.2, 3.2.2: so much fits where only a headline is shown
EVENT_CHARS_MAX: Final = 60
TEXT_CHARS_MAX: Final = 2_000
POINTS_MAX: Final = 200
GEOCODES_MAX: Final = 100
GEOCODE_CHARS_MAX: Final = 100  # of a list's name, and of a code
RADIUS_KM_MAX: Final = 500.0
VALID_MIN: Final = timedelta(minutes=15)
VALID_MAX: Final = timedelta(hours=72)
LISTED_FOR: Final = timedelta(hours=48)
"""So long a warning stays in the feed once it is over: whoever polls rarely hears its end too."""

LISTED_MAX: Final = 500
"""So many warnings the feed names; beyond it what is over goes first, then the oldest."""


class Urgency(StrEnum):
    """CAP 1.2, 3.2.2."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """CAP 1.2, 3.2.2."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """CAP 1.2, 3.2.2."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class Category(StrEnum):
    """CAP 1.2, 3.2.2."""

    FIRE = "Fire"
    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class Kind(StrEnum):
    """The message that a warning is: a first one, or one that refers to another."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told in one language."""

    event: str
    headline: str
    description: str
    instruction: str
    area: str


Point = tuple[float, float]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a warning says. Degrees of WGS-84, kilometres; a polygon's last point is its first.
    `geocodes`: (list, code), for example ("adcode", "310101"). `valid_min`: minutes."""

    zh: Words
    en: Words
    category: Category
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    valid_min: int
    circle: tuple[float, float, float] | None = None
    polygon: tuple[Point, ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()


class Wrong(StrEnum):
    """What is wrong with a field. The texts are in `core.texts.warnings`."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CHARACTERS = "characters"
    VALIDITY = "validity"
    NO_AREA = "no_area"
    PLACE = "place"
    RADIUS = "radius"
    POLYGON = "polygon"
    GEOCODE = "geocode"


def mistakes(content: Content) -> list[tuple[str, Wrong]]:
    """Every field that is wrong, by its name (`headline_zh`), with what is."""
    found = [
        (f"{name}_{language}", wrong)
        for language, words in (("zh", content.zh), ("en", content.en))
        for name, text, most in (
            ("event", words.event, EVENT_CHARS_MAX),
            ("headline", words.headline, HEADLINE_CHARS_MAX),
            ("description", words.description, TEXT_CHARS_MAX),
            ("instruction", words.instruction, TEXT_CHARS_MAX),
            ("area", words.area, HEADLINE_CHARS_MAX),
        )
        if (wrong := _text(text, most)) is not None
    ]
    if not VALID_MIN <= timedelta(minutes=content.valid_min) <= VALID_MAX:
        found.append(("valid_min", Wrong.VALIDITY))
    return found + _areas(content)


def _text(text: str, most: int) -> Wrong | None:
    if not text.strip():
        return Wrong.EMPTY
    if len(text) > most:
        return Wrong.TOO_LONG
    # What XML 1.0 cannot hold, and what turns the text around.
    if any((one < " " and one not in "\n\t") or one in "\x7f\u202e\ufffe\uffff" for one in text):
        return Wrong.CHARACTERS
    return Wrong.CHARACTERS if any("\ud800" <= one <= "\udfff" for one in text) else None


def _areas(content: Content) -> list[tuple[str, Wrong]]:
    found = []
    if content.circle is None and not content.polygon and not content.geocodes:
        found.append(("lat", Wrong.NO_AREA))
    if content.circle is not None:
        lat, lon, radius_km = content.circle
        if not _is_place((lat, lon)):
            found.append(("lat", Wrong.PLACE))
        if not 0 < radius_km <= RADIUS_KM_MAX:
            found.append(("radius_km", Wrong.RADIUS))
    ring = content.polygon
    if ring and not (
        4 <= len(ring) <= POINTS_MAX and ring[0] == ring[-1] and all(map(_is_place, ring))
    ):
        found.append(("polygon", Wrong.POLYGON))
    codes = content.geocodes
    if len(codes) > GEOCODES_MAX or not all(
        0 < len(part.strip()) <= len(part) <= GEOCODE_CHARS_MAX for pair in codes for part in pair
    ):
        found.append(("geocodes", Wrong.GEOCODE))
    return found


def _is_place(point: Point) -> bool:
    return -90 <= point[0] <= 90 and -180 <= point[1] <= 180


def may_approve(written_by: str, approver: str) -> bool:
    """Whether `approver` may let go out what `written_by` wrote last. Both are actors' ids."""
    return bool(written_by) and written_by != approver


def is_listed(sent_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether the feed names it at `now`."""
    return sent_at <= now < expires_at + LISTED_FOR
