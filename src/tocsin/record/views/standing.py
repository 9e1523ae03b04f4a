"""Whose an object is, and whether a unit or a site has to do with one now: what the policy is asked
with, before anything is shown or done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from tocsin.record.database import Connection

Standing = tuple[UUID, str, str, UUID | None]
"""An object with its district, its agency, and the unit it belongs to."""

_STANDINGS: Final = """
SELECT i.id, i.district, i.agency, o.unit
  FROM view.incident i
  LEFT JOIN view."order" o ON o.incident = i.id AND o.unit = %(unit)s AND o.active
 WHERE i.id = ANY(%(ids)s)
UNION ALL SELECT id, district, agency, unit FROM view."order" WHERE id = ANY(%(ids)s)
UNION ALL SELECT id, district, agency, id FROM view.unit WHERE id = ANY(%(ids)s)
UNION ALL SELECT id, district, agency, NULL::uuid FROM view.signal WHERE id = ANY(%(ids)s)
UNION ALL SELECT id, district, agency, NULL::uuid FROM view.on_test WHERE id = ANY(%(ids)s)
UNION ALL SELECT id, district, agency, NULL::uuid FROM view.block WHERE id = ANY(%(ids)s)
UNION ALL SELECT id, district, agency, NULL::uuid FROM ref.site WHERE id = ANY(%(ids)s)
"""


def standings(
    connection: Connection, objects: Iterable[UUID], unit: UUID | None = None
) -> list[Standing]:
    """Of those objects that exist, of any kind. An incident belongs to `unit` while that is sent
    there, and to none otherwise."""
    asked = {"ids": list(set(objects)), "unit": unit}
    return [
        (found, district, agency, of)
        for found, district, agency, of in connection.execute(_STANDINGS, asked)
    ]


def is_sent_to(connection: Connection, incident: UUID, unit: UUID) -> bool:
    """Whether the unit has an order for the incident now."""
    return _is_there(
        connection,
        'SELECT 1 FROM view."order" WHERE incident = %s AND unit = %s AND active LIMIT 1',
        (incident, unit),
    )


def is_sent_to_site(connection: Connection, site: UUID, unit: UUID) -> bool:
    """Whether the unit has an order for an incident at the site now."""
    return _is_there(
        connection,
        'SELECT 1 FROM view.incident i JOIN view."order" o ON o.incident = i.id'
        " WHERE i.site = %s AND o.unit = %s AND o.active LIMIT 1",
        (site, unit),
    )


def has_open_incident(connection: Connection, site: UUID) -> bool:
    return _is_there(
        connection, "SELECT 1 FROM view.incident WHERE site = %s AND open LIMIT 1", (site,)
    )


def _is_there(connection: Connection, query: str, values: tuple[UUID, ...]) -> bool:
    return connection.execute(query.encode(), values).fetchone() is not None
