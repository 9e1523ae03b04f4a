"""What an incident about to be opened needs from the record: its number, and what is open nearby,
from which its possible duplicates are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from tocsin.core.incidents.facts import IncidentOpened
from tocsin.core.terms import Context, Datum, IncidentType, Nearby, Place
from tocsin.record.database import Connection

_NEARBY_DEGREES: Final = 0.01  # of latitude: about 1.1 km, wider than core's own limit
_NEARBY_MAX: Final = 100

_NUMBER: Final = """
INSERT INTO log.number AS n (agency, last) VALUES (%s, 1001)
ON CONFLICT (agency) DO UPDATE SET last = n.last + 1 RETURNING last"""
_NEARBY: Final = """
SELECT id, row FROM view.incident
WHERE open AND lat BETWEEN %s AND %s AND lon BETWEEN %s AND %s
ORDER BY opened_at DESC LIMIT %s"""


def opening(connection: Connection, context: Context, opened: IncidentOpened) -> Context:
    """The context for deciding again, with the incident's number and what is open around it."""
    place = opened.place
    with connection.pipeline():
        number = connection.execute(_NUMBER, (opened.agency,))
        around = None
        if place is not None:
            wide = _NEARBY_DEGREES * (3 if abs(place.lat) > 60 else 2)
            box = (
                *(place.lat - _NEARBY_DEGREES, place.lat + _NEARBY_DEGREES),
                *(place.lon - wide, place.lon + wide),
            )
            around = connection.execute(_NEARBY, (*box, _NEARBY_MAX))
    row = number.fetchone()
    assert row is not None
    found = around.fetchall() if around is not None else []
    return replace(
        context, incident_number=row[0], nearby=tuple(_nearby(one, text) for one, text in found)
    )


class _NearbyPlace(msgspec.Struct):
    lat: float
    lon: float
    datum: Datum


class _NearbyRow(msgspec.Struct):
    type: IncidentType
    place: _NearbyPlace
    opened_at: datetime


def _nearby(incident: UUID, row: bytes) -> Nearby:
    found = msgspec.json.decode(row, type=_NearbyRow)
    place = Place(found.place.lat, found.place.lon, found.place.datum)
    return Nearby(incident, found.type, place, found.opened_at)
