"""Possible duplicates of an incident about to be opened: by place, time and type only, never by
a phone number or a name. A person decides; a merge can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
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


def possible_duplicates(
    incident_type: IncidentType, place: Place | None, now: datetime, nearby: Iterable[Nearby]
) -> tuple[UUID, ...]:
    """The nearest open incidents that may be the same event, nearest first."""
    if place is None:
        return ()
    found = sorted(
        (distance_m(place, one.place), str(one.id), one.id)
        for one in nearby
        if one.place.datum is place.datum
        and now - one.opened_at <= AGE_MAX
        and may_be_one_event(incident_type, one.type)
        and distance_m(place, one.place) <= DISTANCE_M_MAX
    )
    return tuple(one for _, _, one in found[:DUPLICATES_NAMED_MAX])


def may_be_one_event(one: IncidentType, other: IncidentType) -> bool:
    """Whether two types may be told of the same event."""
    if one is other or IncidentType.UNKNOWN in (one, other):
        return True
    return any(one in group and other in group for group in _SAME_EVENT)


def distance_m(one: Place, other: Place) -> float:
    """Great-circle distance in metres of two places of the same datum (haversine)."""
    lat_1, lat_2 = radians(one.lat), radians(other.lat)
    half_lat = (lat_2 - lat_1) / 2
    half_lon = radians(other.lon - one.lon) / 2
    chord = sin(half_lat) ** 2 + cos(lat_1) * cos(lat_2) * sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_M * asin(sqrt(min(1.0, chord)))
