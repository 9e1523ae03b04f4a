"""What the demo writes into the database, through the record's own doors."""

from __future__ import annotations

from pathlib import Path

from seed_seven import SEED

from tocsin.core.terms import Actor, Role
from tocsin.record.database import Connection
from tocsin.record.keys import Keyring
from tocsin.record.sites import import_sites
from tocsin.record.views.snapshot import snapshot
from tocsin.sim import prepare
from tocsin.sim.city.model import City


def test_a_prepared_city_is_in_the_database_and_preparing_again_changes_nothing(
    city_folder: Path, city: City, connection: Connection, keyring: Keyring
) -> None:
    assert prepare.prepare(city_folder, SEED, connection, keyring) == city
    actor = Actor("a test", "a test", Role.SUPERVISOR, city.agency)
    shown = snapshot(connection, actor)
    assert {u["call_sign"] for u in shown["units"]} == {u.call_sign for u in city.units}
    assert {d["code"] for d in shown["districts"]} == {d.code for d in city.districts}
    assert [a["code"] for a in shown["agencies"]] == [city.agency]
    assert len(shown["stations"]) == len(city.stations)
    assert all(u["position"] and u["station_name_zh"] for u in shown["units"])
    sites, devices, keys = _counts(connection)
    panels = [panel for site in city.sites for panel in site.panels]
    assert (sites, devices) == (400, len(panels))
    assert keys == sum(bool(panel.key) for panel in panels)
    facts = _facts(connection)
    assert facts == 60
    prepare.prepare(city_folder, SEED, connection, keyring)
    assert _facts(connection) == facts


def test_the_sites_pass_the_check_of_an_operator_s_import(
    city: City, connection: Connection, keyring: Keyring
) -> None:
    report = import_sites(connection, keyring, prepare.site_rows(city), True, agency=city.agency)
    assert report.errors == []


def _counts(connection: Connection) -> tuple[int, int, int]:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM ref.site), count(*), count(key) FROM ref.device"
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def _facts(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM log.fact").fetchone()
    assert row is not None
    return int(row[0])
