"""Sets a demo up: city, roads and base map in the data directory, reference data in the database.

Each part is kept and reused as long as it was built from the same seed and version.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.core.commands import RegisterUnit
from tocsin.core.terms import Actor, Capability, Datum, Place, Role
from tocsin.record import units
from tocsin.record.database import Connection
from tocsin.record.keys import Keyring
from tocsin.record.sites import import_sites
from tocsin.record.views.snapshot import snapshot
from tocsin.roads.graph import Graph, RoadsUnavailable
from tocsin.roads.graph import load as load_roads
from tocsin.roads.graph import save as save_roads
from tocsin.sim.action_plans import import_plans
from tocsin.sim.city import model
from tocsin.sim.city.model import City

if TYPE_CHECKING:
    from tocsin.sim.city.build import Drawing

CITY = Path("city/city.json")
ROADS = Path("roads")
TILES = Path("tiles/city.pmtiles")
STAMP = Path("city/built")


class NotPrepared(Exception):
    """The city could not be put into the database; the text says why."""


def prepare(data: Path, seed: int, connection: Connection, keyring: Keyring) -> City:
    """Everything that `tocsin.sim.demo.run` needs, as often as wanted; returns the city.

    Writes DATA/city, DATA/roads and DATA/tiles where they are not there yet, and districts,
    agency, stations, units and sites into the database. Raises MapNotBuilt and NotPrepared.
    """
    city = build_city(data, seed)
    if not _is_known(connection, city):
        _register(city, connection, keyring)
    return city


def _is_known(connection: Connection, city: City) -> bool:
    """Whether the database has this city. Units are registered last, so with them is all else."""
    actor = Actor("simulation", "simulation", Role.SERVICE, city.agency)
    known = {unit["id"]: unit["call_sign"] for unit in snapshot(connection, actor)["units"]}
    return all(known.get(str(unit.id)) == unit.call_sign for unit in city.units)


def _register(city: City, connection: Connection, keyring: Keyring) -> None:
    agency = units.Named(city.agency, city.agency_zh, city.agency_en)
    units.put_agencies(connection, [agency])
    units.put_districts(
        connection, [units.Named(d.code, d.name_zh, d.name_en) for d in city.districts]
    )
    places = {
        s.id: Place(s.lat, s.lon, Datum.WGS_84, s.address_zh, s.address_en, "station")
        for s in city.stations
    }
    districts = {station.id: station.district for station in city.stations}
    units.put_stations(
        connection,
        [
            units.Station(s.id, s.name_zh, s.name_en, places[s.id], s.district, city.agency)
            for s in city.stations
        ],
    )
    errors = import_sites(connection, keyring, site_rows(city), agency=city.agency).errors
    errors = errors or import_plans(connection, keyring, city)
    if errors:
        line, column, text = errors[0]
        raise NotPrepared(f"the city's sites are refused: line {line}, {column}: {text}")
    units.register_units(
        connection,
        keyring,
        [
            RegisterUnit(
                unit=unit.id,
                call_sign=unit.call_sign,
                kind=unit.kind,
                capabilities=tuple(Capability(name) for name in unit.capabilities),
                station=unit.station,
                station_place=places[unit.station],
                district=districts[unit.station],
                agency=city.agency,
            )
            for unit in city.units
        ],
        now=datetime.now(UTC),
    )


def site_rows(city: City) -> list[dict[str, str]]:
    """The sites as an operator would import them: one row a device, all columns text."""
    rows = []
    for site in city.sites:
        for panel in site.panels:
            key = panel.key
            if panel.key_form == "ascii":
                key = bytes.fromhex(key).decode("ascii")
            rows.append(
                {
                    "site": site.code,
                    "name_zh": site.name_zh,
                    "name_en": site.name_en,
                    "address": site.address_zh,
                    "address_en": site.address_en,
                    "lat": str(site.lat),
                    "lon": str(site.lon),
                    "datum": Datum.WGS_84.value,
                    "district": site.district,
                    "protocol": "dc09",
                    "account": panel.account,
                    "key": key,
                    "key_form": panel.key_form,
                    "interval_s": str(panel.interval_s),
                }
            )
    return rows


def build_city(data: Path, seed: int) -> City:
    """The city of `seed`, with its roads in DATA/roads and its map in DATA/tiles.

    The first time takes about ten seconds, later only what it takes to read it. Raises MapNotBuilt.
    """
    city = model.load(data / CITY, seed)
    if city is not None and _is_built(data, seed):
        return city
    # Only here: geometry libraries are of no use to a city that already stands.
    from tocsin.sim.city.build import build

    city, graph, drawing = build(seed)
    write_city(data, city, graph, drawing)
    return city


def write_city(data: Path, city: City, graph: Graph, drawing: Drawing) -> None:
    """The files of a built city. The stamp goes last, so half of it is never used."""
    from tocsin.sim.tiles import build_map

    (data / STAMP).unlink(missing_ok=True)
    save_roads(graph, data / ROADS)
    build_map(city, drawing, data / TILES)
    model.save(city, data / CITY)
    (data / STAMP).write_text(model.stamp(city.seed), encoding="ascii")


def _is_built(data: Path, seed: int) -> bool:
    try:
        if (data / STAMP).read_text(encoding="ascii") != model.stamp(seed):
            return False
        load_roads(data / ROADS)
    except (OSError, RoadsUnavailable):
        return False
    return (data / TILES).is_file()
