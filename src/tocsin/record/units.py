"""Units, and what the desk knows about their surroundings: districts, agencies, stations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from tocsin.core.commands import RegisterUnit
from tocsin.core.terms import Actor, Place
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.keys import Keyring
from tocsin.record.working import process_actor


@dataclass(frozen=True, slots=True)
class Named:
    """A district or an agency: its code and its names."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Station:
    """Where units are based."""

    id: UUID
    name_zh: str
    name_en: str
    place: Place
    district: str
    agency: str


def register_units(
    connection: Connection,
    keyring: Keyring,
    rows: Iterable[RegisterUnit],
    *,
    now: datetime,
    actor: Actor | None = None,
) -> int:
    """Make units known, or change what they are; returns how many were new or changed.

    One command each, so an error leaves those before it done; running it again is harmless.
    Raises core's `Refused` (CALL_SIGN_TAKEN: another unit of the agency has it).
    """
    changed = 0
    for row in rows:
        outcome = handle(
            connection,
            keyring,
            row,
            actor=actor or process_actor(row.agency),
            key=f"register:{uuid4()}",
            now=now,
        )
        changed += bool(outcome.facts)
    return changed


def put_districts(connection: Connection, rows: Iterable[Named]) -> None:
    """Add districts, or rename those that are there. Commits."""
    _put_named(connection, "ref.district", rows)


def put_agencies(connection: Connection, rows: Iterable[Named]) -> None:
    """Add agencies, or rename those that are there. Commits."""
    _put_named(connection, "ref.agency", rows)


def _put_named(connection: Connection, table: str, rows: Iterable[Named]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (code, name_zh, name_en) VALUES (%s, %s, %s)"  # noqa: S608
            " ON CONFLICT (code) DO UPDATE SET name_zh = excluded.name_zh,"
            " name_en = excluded.name_en".encode(),
            [(row.code, row.name_zh, row.name_en) for row in rows],
        )
    connection.commit()


def put_stations(connection: Connection, rows: Iterable[Station]) -> None:
    """Add stations, or change those that are there. Commits."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ref.station (id, name_zh, name_en, lat, lon, datum, district, agency)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (id) DO UPDATE SET name_zh = excluded.name_zh,"
            " name_en = excluded.name_en, lat = excluded.lat, lon = excluded.lon,"
            " datum = excluded.datum, district = excluded.district, agency = excluded.agency",
            [
                (
                    *(row.id, row.name_zh, row.name_en, row.place.lat, row.place.lon),
                    *(row.place.datum.value, row.district, row.agency),
                )
                for row in rows
            ],
        )
    connection.commit()
