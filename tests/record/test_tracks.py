"""Positions: only of units with an order, forgotten when it ends, gone within 24 hours."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from record_desk import NOW, PLACE, STATION, Desk

from tocsin.core.commands import AcceptOrder, RecallUnits, ReportStatus
from tocsin.core.terms import Actor, Capability, Datum, Role
from tocsin.core.units import UnitState
from tocsin.record.database import Connection
from tocsin.record.keys import Keyring
from tocsin.record.retention import forget_old, prepare_partitions
from tocsin.record.tracks import Position, latest, store_positions
from tocsin.record.units import (
    Named,
    Station,
    put_agencies,
    put_districts,
    put_stations,
    register_units,
)
from tocsin.record.views import get_row, snapshot


@pytest.fixture
def desk(connection: Connection, keyring: Keyring) -> Desk:
    return Desk(connection, keyring)


def at(unit: UUID, when: datetime = NOW, lat: float = 31.2) -> Position:
    return Position(unit, lat, 121.4, Datum.WGS_84, when, 90.0)


def stored(desk: Desk) -> int:
    row = desk.connection.execute("SELECT count(*) FROM tracks.position").fetchone()
    desk.connection.rollback()
    assert row is not None
    return int(row[0])


def test_only_units_with_an_order_are_followed(desk: Desk) -> None:
    free, sent = desk.unit(), desk.unit()
    incident = desk.open()
    order = desk.send(incident, sent)
    before = stored(desk)
    result = store_positions(desk.connection, [at(free), at(sent), at(uuid4())], NOW)
    assert (result.stored, result.ignored) == (1, 2)
    assert stored(desk) == before + 1
    assert [one["unit"] for one in latest(desk.connection, [free, sent])] == [sent]
    row = get_row(desk.connection, "units", sent)
    assert row is not None
    assert row["position"] == {
        "lat": 31.2,
        "lon": 121.4,
        "datum": "WGS-84",
        "heading": 90.0,
        "at": "2026-11-21T12:00:00Z",
    }
    desk.do(AcceptOrder(order))
    desk.do(ReportStatus(sent, UnitState.UNDER_WAY))
    desk.do(RecallUnits(incident, (sent,)))
    # With the order its place is forgotten, and nothing more is taken.
    row = desk.connection.execute("SELECT 1 FROM tracks.latest WHERE unit = %s", (sent,)).fetchone()
    assert row is None
    assert store_positions(desk.connection, [at(sent)], NOW).stored == 0


def test_an_older_position_does_not_replace_a_newer(desk: Desk) -> None:
    unit = desk.unit()
    desk.send(desk.open(), unit)
    store_positions(desk.connection, [at(unit, NOW, 31.3), at(unit, NOW - timedelta(5e-5))], NOW)
    store_positions(desk.connection, [at(unit, NOW - timedelta(seconds=1), 31.1)], NOW)
    assert [one["lat"] for one in latest(desk.connection, [unit])] == [31.3]


@pytest.mark.parametrize(
    "position",
    [
        Position(uuid4(), 91, 0, Datum.WGS_84, NOW),
        Position(uuid4(), float("nan"), 0, Datum.WGS_84, NOW),
        Position(uuid4(), 0, 181, Datum.WGS_84, NOW),
        Position(uuid4(), 0, 0, Datum.WGS_84, NOW, 361),
        Position(uuid4(), 0, 0, Datum.WGS_84, NOW - timedelta(hours=25)),
        Position(uuid4(), 0, 0, Datum.WGS_84, NOW + timedelta(minutes=6)),
    ],
)
def test_impossible_positions_are_ignored(desk: Desk, position: Position) -> None:
    unit = desk.unit()
    desk.send(desk.open(), unit)
    wrong = Position(
        unit, position.lat, position.lon, position.datum, position.at, position.heading
    )
    result = store_positions(desk.connection, [wrong, at(unit)], NOW)
    assert (result.stored, result.ignored) == (1, 1)


def test_positions_are_gone_within_24_hours(desk: Desk) -> None:
    unit = desk.unit()
    desk.send(desk.open(), unit)
    assert prepare_partitions(desk.connection, NOW) >= 0
    old = [NOW - timedelta(hours=23, minutes=50), NOW - timedelta(hours=2), NOW]
    store_positions(desk.connection, [at(unit, when) for when in old], NOW)
    total = stored(desk)
    forget_old(desk.connection, NOW)
    assert stored(desk) == total
    forget_old(desk.connection, NOW + timedelta(minutes=11))
    assert stored(desk) == total - 1
    forget_old(desk.connection, NOW + timedelta(hours=24, minutes=1))
    assert stored(desk) == 0
    assert latest(desk.connection) == []


def test_outcomes_are_kept_30_days(desk: Desk) -> None:
    desk.open(key="old")
    desk.later(86_400 * 2)
    desk.open(key="young")
    assert forget_old(desk.connection, NOW + timedelta(days=31)) >= 1
    keys = desk.connection.execute("SELECT key FROM log.command").fetchall()
    assert ("young",) in keys
    assert ("old",) not in keys


def test_reference_data_and_units_appear_in_the_snapshot(desk: Desk) -> None:
    put_districts(desk.connection, [Named("huangpu", "黄浦", "Huangpu")])
    put_agencies(desk.connection, [Named("fire", "消防", "Fire service")])
    put_stations(desk.connection, [Station(STATION, "一站", "Station 1", PLACE, "huangpu", "fire")])
    put_stations(
        desk.connection, [Station(STATION, "第一站", "Station 1", PLACE, "huangpu", "fire")]
    )
    unit = uuid4()
    from tocsin.core.commands import RegisterUnit

    row = RegisterUnit(
        *(unit, "S-1", "engine", (Capability.PUMP,), STATION, PLACE, "huangpu", "fire")
    )
    assert register_units(desk.connection, desk.keyring, [row], now=NOW) == 1
    assert register_units(desk.connection, desk.keyring, [row], now=NOW) == 0
    seen = snapshot(desk.connection, desk.actor, now=desk.now)
    assert {"code": "huangpu", "name_zh": "黄浦", "name_en": "Huangpu"} in seen["districts"]
    (shown,) = [one for one in seen["units"] if one["id"] == str(unit)]
    assert (shown["station_name_zh"], shown["position"]["lat"]) == ("第一站", PLACE.lat)
    assert seen["me"]["name"] == "Li Wei"


def test_a_snapshot_shows_each_actor_its_own_part(desk: Desk) -> None:
    mine, other = desk.unit(), desk.unit()
    incident, foreign = desk.open(), desk.open(district="pudong")
    desk.send(incident, mine)
    desk.send(foreign, other)
    store_positions(desk.connection, [at(mine), at(other)], NOW)

    def seen(actor: Actor) -> tuple[set[str], set[str], set[str]]:
        shown = snapshot(desk.connection, actor, now=desk.now)
        return (
            {one["id"] for one in shown["incidents"]} & {str(incident), str(foreign)},
            {one["unit"] for one in shown["orders"]} & {str(mine), str(other)},
            {one["id"] for one in shown["units"] if one["position"]} & {str(mine), str(other)},
        )

    both = {str(mine), str(other)}
    assert seen(desk.actor) == ({str(incident), str(foreign)}, both, both)
    local = Actor("u", "n", Role.DISPATCHER, "fire", ("huangpu",))
    assert seen(local)[0] == {str(incident)}
    assert seen(Actor("u", "n", Role.DISPATCHER, "police")) == (set(), set(), set())
    crew = Actor("u", "n", Role.CREW, "fire", unit=mine)
    assert seen(crew) == ({str(incident)}, {str(mine)}, {str(mine)})
    inspector = Actor("u", "n", Role.INSPECTOR, "fire")
    assert seen(inspector) == ({str(incident), str(foreign)}, both, set())
