"""Import of units: mistakes named by line and column, all rows or none, again without harm."""

import csv
import io
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from record_desk import Desk

from tocsin.core.commands import TakeOutOfService
from tocsin.core.terms import Actor, Role
from tocsin.core.units import OutOfServiceReason
from tocsin.record.database import Connection
from tocsin.record.keys import Keyring
from tocsin.record.sites import import_sites
from tocsin.record.unit_rows import COLUMNS
from tocsin.record.units import import_units
from tocsin.record.views import list_rows

AGENCY = "county"


def row(call_sign: str, **values: str) -> dict[str, str]:
    usual = {
        "call_sign": call_sign,
        "kind": "engine",
        "capabilities": "rescue pump",
        "station": "ST1",
        "name_zh": "第一消防站",
        "name_en": "Station 1",
        "address": "南京东路 1 号",
        "address_en": "1 Nanjing Road East",
        "lat": "31.2304",
        "lon": "121.4737",
        "datum": "GCJ-02",
        "district": "east",
    }
    return usual | values


def imported(connection: Connection) -> dict[str, dict[str, Any]]:
    found = list_rows(connection, "units", limit=500, filters={"agency": AGENCY})["items"]
    return {one["call_sign"]: one for one in found}


def stations(connection: Connection) -> dict[str, tuple[Any, ...]]:
    found = connection.execute(
        "SELECT name_zh, id, name_en, lat, lon, datum, district FROM ref.station WHERE agency = %s",
        (AGENCY,),
    ).fetchall()
    connection.rollback()
    return {one[0]: one[1:] for one in found}


def test_units_are_imported_with_their_stations(connection: Connection, keyring: Keyring) -> None:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, row("").keys())
    writer.writeheader()
    writer.writerows([row("E11"), row("L11", kind="ladder", capabilities="ladder")])
    file.seek(0)
    rows = list(csv.DictReader(file))
    assert import_units(connection, keyring, rows, True, agency=AGENCY).rows_ok == 2
    assert imported(connection) == {}
    assert stations(connection) == {}
    assert import_units(connection, keyring, rows, agency=AGENCY).rows_ok == 2
    found = imported(connection)
    assert set(found) == {"E11", "L11"}
    engine = found["E11"]
    assert (engine["kind"], engine["state"], engine["district"]) == ("engine", "in_station", "east")
    assert engine["capabilities"] == ["pump", "rescue"]
    (station, *described) = stations(connection)["第一消防站"]
    assert engine["station"] == str(station) == found["L11"]["station"]
    assert described == ["Station 1", 31.2304, 121.4737, "GCJ-02", "east"]


@pytest.fixture
def desk(connection: Connection, keyring: Keyring) -> Desk:
    return Desk(connection, keyring, Actor("user:li", "Li Wei", Role.DISPATCHER, AGENCY))


def test_importing_again_changes_what_differs_and_nothing_else(desk: Desk) -> None:
    def facts() -> int:
        (count,) = desk.connection.execute("SELECT count(*) FROM log.fact").fetchone() or (0,)
        return int(count)

    rows = [row("E21", station="ST2", name_zh="第二消防站"), row("E22")]
    assert import_units(desk.connection, desk.keyring, rows, agency=AGENCY).rows_ok == 2
    before, written = imported(desk.connection), facts()
    assert import_units(desk.connection, desk.keyring, rows, agency=AGENCY).rows_ok == 2
    assert facts() == written
    desk.do(TakeOutOfService(unit=UUID(before["E22"]["id"]), reason=OutOfServiceReason.MAINTENANCE))
    rows = [row("E22", station="ST2", name_zh="第二消防站", capabilities="pump")]
    assert import_units(desk.connection, desk.keyring, rows, agency=AGENCY).rows_ok == 1
    after = imported(desk.connection)
    assert after["E22"]["id"] == before["E22"]["id"]
    assert after["E22"]["station"] == before["E21"]["station"] != before["E22"]["station"]
    assert after["E22"]["capabilities"] == ["pump"]
    assert after["E22"]["state"] == "out_of_service"  # what it is doing is not in the file
    assert after["E21"] == before["E21"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("call_sign", ""),
        ("call_sign", "x" * 201),
        ("kind", ""),
        ("capabilities", ""),
        ("capabilities", "pump, rescue"),
        ("capabilities", "swimming"),
        ("station", "a\0b"),
        ("lat", "90.1"),
        ("lon", "east"),
        ("datum", "WGS84"),
        ("district", ""),
    ],
)
def test_each_mistake_is_named(
    connection: Connection, keyring: Keyring, column: str, value: str
) -> None:
    good, bad = row("E31"), row("E32", station="ST3") | {column: value}
    report = import_units(connection, keyring, [good, bad], agency=AGENCY)
    assert [(line, name) for line, name, _ in report.errors] == [(3, column)]
    assert report.rows_ok == 0
    assert "E31" not in imported(connection)


def test_contradictions_between_rows_are_named(connection: Connection, keyring: Keyring) -> None:
    rows = [row("E41"), row("E41"), row("E42", lat="31.3"), row("E41", agency="other")]
    report = import_units(connection, keyring, rows, agency=AGENCY, language="zh")
    assert [(line, name) for line, name, _ in report.errors] == [(3, "call_sign"), (4, "lat")]
    assert all("第 2 行" in text for _, _, text in report.errors)


def test_a_call_sign_twice_is_named_also_where_a_row_has_another_mistake(
    connection: Connection, keyring: Keyring
) -> None:
    rows = [
        row("E43", datum="x"),
        row("E43"),
        row("E43", agency="other", lat="north"),
        row("E43", agency="other"),
        row("E43", agency="y" * 201),
    ]
    report = import_units(connection, keyring, rows, agency=AGENCY)
    found = [(line, name) for line, name, _ in report.errors]
    assert found == [(2, "datum"), (3, "call_sign"), (4, "lat"), (5, "call_sign"), (6, "agency")]
    assert "already in line 2" in report.errors[1][2]
    assert "already in line 4" in report.errors[3][2]


def test_what_is_missing_is_said(connection: Connection, keyring: Keyring) -> None:
    bare = {name: value for name, value in row("E51").items() if name != "kind"}
    (error,) = import_units(connection, keyring, [bare], agency=AGENCY).errors
    assert error[:2] == (1, "kind")
    assert ",".join(COLUMNS) in error[2]
    (error,) = import_units(connection, keyring, [], agency=AGENCY).errors
    assert error[:2] == (1, COLUMNS[0])
    (error,) = import_units(connection, keyring, [row("E52")], agency="").errors
    assert error[:2] == (2, "agency")
    assert imported(connection).keys().isdisjoint({"E51", "E52"})


def test_the_example_files_can_be_imported(connection: Connection, keyring: Keyring) -> None:
    folder = Path(__file__).parents[2] / "docs" / "operate"
    for name, read_in in (("units.csv", import_units), ("sites.csv", import_sites)):
        with (folder / name).open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        report = read_in(connection, keyring, rows, True, agency=AGENCY)
        assert report.errors == []
        assert report.rows_ok == len(rows) > 0
