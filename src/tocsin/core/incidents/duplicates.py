"""Possible duplicates of an incident about to be opened: by place, time and type only, never by
a phone number or a name. A person decides; a merge can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt
from typing import Final
from uuid import UUID

from tocsin.core.terms import IncidentType, Nearby, Place

DISTANCE_M_MAX: Final = 300.0
AGE_MAX: Final = timedelta(hours=2)
DUPLICATES_NAMED_MAX: Final = 5

_EARTH_RADIUS_M: Final = 6_371_008.8

# Types in one group are often told of one event by different people.
_SAME_EVENT: Final = (
    frozenset({IncidentType.FIRE, IncidentType.GAS, IncidentType.HAZMAT}),
    frozenset({IncidentType.TRAFFIC, IncidentType.MEDICAL, IncidentType.RESCUE}),
    frozenset({IncidentType.HOLDUP, IncidentType.PANIC, IncidentType.BURGLARY}),
    frozenset({IncidentType.PUBLIC_ORDER, IncidentType.PANIC}),
)


class Alike(StrEnum):
    """How the types of two incidents let them be one event."""

    SAME_TYPE = "same_type"
    SAME_EVENT = "same_event"  # types often told of one event: a crash and its injured
    UNKNOWN_TYPE = "unknown_type"  # one of them may be anything


_CLOSENESS: Final = tuple(Alike)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Why `incident` may be the same event: its type, how far away it is, how long before this one
    it was opened."""

    incident: UUID
    alike: Alike
    distance_m: int
    apart_s: int


def possible_duplicates(
    incident_type: IncidentType, place: Place | None, now: datetime, nearby: Iterable[Nearby]
) -> tuple[Likeness, ...]:
    """The nearest open incidents that may be the same event, nearest first, each with why. At the
    same distance those of the same type come first, then the latest."""
    if place is None:
        return ()
    found = []
    for one in nearby:
        alike = may_be_one_event(incident_type, one.type)
        if alike is None or one.place.datum is not place.datum or now - one.opened_at > AGE_MAX:
            continue
        away_m = distance_m(place, one.place)
        if away_m <= DISTANCE_M_MAX:
            apart_s = max(0, round((now - one.opened_at).total_seconds()))
            found.append(Likeness(one.id, alike, round(away_m), apart_s))
    return tuple(sorted(found, key=_by_likeness)[:DUPLICATES_NAMED_MAX])


def _by_likeness(one: Likeness) -> tuple[int, int, int, str]:
    return (one.distance_m, _CLOSENESS.index(one.alike), one.apart_s, str(one.incident))


def ids(likenesses: Iterable[Likeness]) -> tuple[UUID, ...]:
    """Which incidents they are."""
    return tuple(one.incident for one in likenesses)


def may_be_one_event(one: IncidentType, other: IncidentType) -> Alike | None:
    """How two types may be told of the same event; None where they are not."""
    if one is other:
        return Alike.SAME_TYPE
    if IncidentType.UNKNOWN in (one, other):
        return Alike.UNKNOWN_TYPE
    is_told_together = any(one in group and other in group for group in _SAME_EVENT)
    return Alike.SAME_EVENT if is_told_together else None


def distance_m(one: Place, other: Place) -> float:
    """Great-circle distance in metres of two places of the same datum (haversine)."""
    lat_1, lat_2 = radians(one.lat), radians(other.lat)
    half_lat = (lat_2 - lat_1) / 2
    half_lon = radians(other.lon - one.lon) / 2
    chord = sin(half_lat) ** 2 + cos(lat_1) * cos(lat_2) * sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_M * asin(sqrt(min(1.0, chord)))
