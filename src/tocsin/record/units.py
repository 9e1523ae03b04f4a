"""Units, and what the desk knows about their surroundings: districts, agencies, stations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from tocsin.core.commands import RegisterUnit
from tocsin.core.terms import Actor, Datum, Place
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.ids import uuid7
from tocsin.record.importing import (
    HEADER_LINE,
    ImportReport,
    add_districts,
    header_errors,
    only_agency,
    read_rows,
)
from tocsin.record.keys import Keyring
from tocsin.record.unit_rows import COLUMNS, UnitRow, named_unit, read_row, unit_contradictions
from tocsin.record.working import process_actor

# A station's id is made from its agency and the operator's own name for it.
_STATIONS: Final = UUID("4c1f3f0e-7a53-5d0c-9d7e-9f3f5f8a2b61")


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


def import_units(
    connection: Connection,
    keyring: Keyring,
    rows: Sequence[Mapping[Any, Any]],
    dry_run: bool = False,
    *,
    agency: str | None = None,
    language: str = "en",
) -> ImportReport:
    """Add or change units and their stations from `rows` (as `csv.DictReader` gives them, one a
    unit).

    A unit is known by its agency and call sign, a station by its agency and `station` column.
    `agency` is that of rows without an `agency` column; None: the only agency there is. Nothing is
    written when there are errors, or on a `dry_run`; then each unit by itself, so an import that is
    cut off is run again. `language` is `en` or `zh`. Raises core's `Refused` as `register_units`.
    """
    report = ImportReport(errors=header_errors(rows, COLUMNS, language))
    if report.errors:
        return report
    agency = agency if agency is not None else only_agency(connection)
    read = partial(read_row, agency=agency, language=language)
    good, report.errors = read_rows(rows, read)
    wrong = {line for line, _, _ in report.errors}
    named = [
        named_unit(line, row, agency=agency, language=language)
        for line, row in enumerate(rows, start=HEADER_LINE + 1)
        if line in wrong
    ]
    report.errors += unit_contradictions(good, language, filter(None, named))
    report.errors.sort(key=lambda error: error[0])
    if not report.errors:
        report.rows_ok = len(good)
        if not dry_run:
            _write(connection, keyring, good, datetime.now(UTC))
    connection.rollback()
    return report


def _write(connection: Connection, keyring: Keyring, rows: list[UnitRow], now: datetime) -> None:
    """What is there already is changed; a unit on an order stays on it."""
    add_districts(connection, (row.district for row in rows))
    stations = {
        _station_of(row): Station(
            *(_station_of(row), row.name_zh, row.name_en, _place(row), row.district, row.agency)
        )
        for row in rows
    }
    put_stations(connection, stations.values())
    found = connection.execute(
        "SELECT agency, call_sign, id FROM view.unit WHERE call_sign = ANY(%s)",
        ([row.call_sign for row in rows],),
    ).fetchall()
    connection.rollback()
    known = {(agency, call_sign): unit for agency, call_sign, unit in found}
    commands = [
        RegisterUnit(
            unit=known.get((row.agency, row.call_sign)) or uuid7(now),
            call_sign=row.call_sign,
            kind=row.kind,
            capabilities=row.capabilities,
            station=_station_of(row),
            station_place=_place(row),
            district=row.district,
            agency=row.agency,
        )
        for row in rows
    ]
    register_units(connection, keyring, commands, now=now)


def _station_of(row: UnitRow) -> UUID:
    return uuid5(_STATIONS, f"{row.agency}\0{row.station}")


def _place(row: UnitRow) -> Place:
    return Place(row.lat, row.lon, Datum(row.datum), row.address, row.address_en, "station")


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
