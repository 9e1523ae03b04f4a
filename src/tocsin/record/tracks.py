"""Where units are, while they have an order and no longer. Not facts: they come in bulk, live in
hourly partitions, and are gone within 24 hours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tocsin.core.terms import Datum
from tocsin.record.database import Connection
from tocsin.record.retention import POSITIONS_KEPT_FOR
from tocsin.record.views.sql import fetch

AHEAD_MAX: Final = timedelta(minutes=5)
"""A crew's clock may be ahead of ours by this much."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a unit was at `at` (aware). Degrees; `heading` clockwise from north, 0 to 360."""

    unit: UUID
    lat: float
    lon: float
    datum: Datum
    at: datetime
    heading: float | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """`ignored`: of units without an active order, or with an impossible place or time."""

    stored: int
    ignored: int


# FOR SHARE holds off the command that frees the unit: it then also deletes what is stored here.
_STORE: Final = """
WITH given AS (
    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::float8[], %s::float8[], %s::text[],
        %s::float4[]) AS g (unit, at, lat, lon, datum, heading)
), assigned AS (
    SELECT u.id FROM view.unit u
    WHERE u.id IN (SELECT unit FROM given) AND u."order" IS NOT NULL
    ORDER BY u.id FOR SHARE
), kept AS (
    INSERT INTO tracks.position (unit, at, lat, lon, datum, heading)
    SELECT g.* FROM given g JOIN assigned a ON a.id = g.unit RETURNING *
), newest AS (
    INSERT INTO tracks.latest AS l (unit, at, lat, lon, datum, heading)
    SELECT DISTINCT ON (unit) unit, at, lat, lon, datum, heading FROM kept
    ORDER BY unit, at DESC
    ON CONFLICT (unit) DO UPDATE SET at = excluded.at, lat = excluded.lat, lon = excluded.lon,
        datum = excluded.datum, heading = excluded.heading
    WHERE l.at < excluded.at
)
SELECT count(*) FROM kept"""


def store_positions(connection: Connection, rows: Sequence[Position], now: datetime) -> Stored:
    """Keep the positions of units that have an active order, write no others. Commits."""
    possible = [one for one in rows if _possible(one, now)]
    if not possible:
        return Stored(0, len(rows))
    stored = connection.execute(
        _STORE,
        (
            [one.unit for one in possible],
            [one.at for one in possible],
            [one.lat for one in possible],
            [one.lon for one in possible],
            [one.datum.value for one in possible],
            [one.heading for one in possible],
        ),
    ).fetchone()
    connection.commit()
    count = int(stored[0]) if stored else 0
    return Stored(count, len(rows) - count)


def _possible(one: Position, now: datetime) -> bool:
    # The comparisons are false for NaN.
    return (
        -90 <= one.lat <= 90
        and -180 <= one.lon <= 180
        and (one.heading is None or 0 <= one.heading <= 360)
        and now - POSITIONS_KEPT_FOR < one.at <= now + AHEAD_MAX
    )


def latest(connection: Connection, units: Iterable[UUID] | None = None) -> list[dict[str, Any]]:
    """The newest position of each unit that has an order (of `units`, or of all): `unit`, `lat`,
    `lon`, `datum`, `heading`, `at`, `district`, `agency`."""
    wanted = None if units is None else list(units)
    return fetch(
        connection,
        "SELECT t.unit, t.lat, t.lon, t.datum, t.heading, t.at, u.district, u.agency"
        " FROM tracks.latest t JOIN view.unit u ON u.id = t.unit"
        ' WHERE u."order" IS NOT NULL AND (%s::uuid[] IS NULL OR t.unit = ANY(%s::uuid[]))'
        " ORDER BY t.unit",
        [wanted, wanted],
    )
