"""The snapshot: what a screen needs to start, together with the position from which the stream goes
on. Snapshot and changes, put together, equal a fresh snapshot (tests/live)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from tocsin.core.access import Relation, ever, may, relation
from tocsin.core.terms import Actor
from tocsin.record.database import Connection
from tocsin.record.figures import counters, lag
from tocsin.record.views.overlay import INCIDENTS, KINDS, ON_TESTS, ORDERS, UNITS
from tocsin.record.views.rows import Row
from tocsin.record.views.sql import fetch

CLOSED_SHOWN_FOR: Final = timedelta(hours=1)


def snapshot(
    connection: Connection, actor: Actor, *, now: datetime | None = None
) -> dict[str, Any]:
    """Open incidents and those closed within the hour, units, active orders, what is on test,
    reference data, lag and counters, as far as `actor` may see them, all at one moment.

    Ends a transaction that is open on `connection`. `me` lacks the account's language.
    """
    with _one_moment(connection):
        return _snapshot(connection, actor, now or datetime.now(UTC))


def fleet(connection: Connection, actor: Actor) -> dict[str, Any]:
    """What advice weighs, all at one moment, as far as `actor` may see it: `units` and `stations`
    as in the snapshot, and `levels`, the level of each incident that one of these units is on.

    Ends a transaction that is open on `connection`.
    """
    with _one_moment(connection):
        units = _units(connection, actor)
        busy = {row["incident"] for row in units if row["incident"] is not None}
        incidents = fetch(
            connection,
            "SELECT id::text, level, district, agency FROM view.incident"
            " WHERE id = ANY(%s::uuid[])",
            [sorted(busy)],
        )
        return {
            "units": units,
            "stations": _reference(connection)["stations"],
            "levels": {
                row["id"]: row["level"]
                for row in _seen(actor, "read:incident", incidents, lambda _: [])
            },
        }


@contextmanager
def _one_moment(connection: Connection) -> Iterator[None]:
    connection.rollback()
    before = connection.isolation_level
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    try:
        yield
    finally:
        connection.rollback()
        connection.isolation_level = before


def _units(connection: Connection, actor: Actor) -> list[Row]:
    units = fetch(connection, f"{UNITS} ORDER BY u.call_sign, u.id")
    return [
        row if may_read_position(actor, row) else row | {"position": None}
        for row in _seen(actor, "read:unit", KINDS["units"](units), _of_unit)
    ]


def _snapshot(connection: Connection, actor: Actor, now: datetime) -> dict[str, Any]:
    position = fetch(connection, "SELECT coalesce(max(position), 0) AS position FROM log.position")[
        0
    ]["position"]
    incidents = fetch(
        connection,
        f"{INCIDENTS} WHERE i.open OR i.closed_at > %s ORDER BY i.opened_at DESC, i.id DESC",
        [now - CLOSED_SHOWN_FOR],
    )
    orders = fetch(connection, f"{ORDERS} WHERE o.active ORDER BY o.given_at DESC, o.id DESC")
    on_tests = fetch(connection, f"{ON_TESTS} WHERE w.open ORDER BY w.id DESC")
    return {
        "position": position,
        "at": now.isoformat().replace("+00:00", "Z"),
        "incidents": _seen(actor, "read:incident", KINDS["incidents"](incidents), _of_incident),
        "units": _units(connection, actor),
        "orders": _seen(actor, "read:order", KINDS["orders"](orders), _of_order),
        "on_tests": _seen(actor, "read:on_test", KINDS["on_tests"](on_tests), lambda _: []),
        **_reference(connection),
        "me": {
            "id": actor.id,
            "name": actor.name,
            "role": actor.role.value,
            "districts": list(actor.districts),
            "agency": actor.agency,
            "unit": None if actor.unit is None else str(actor.unit),
        },
        "lag": lag(connection) if ever(actor, "read:intake") else None,
        "counters": counters(connection) if ever(actor, "read:intake") else {},
    }


def may_read_position(actor: Actor, unit: Row) -> bool:
    """Whether the actor may see where the unit is; its station's place is no secret."""
    return unit["state"] == "in_station" or may(
        actor,
        "read:position",
        district=unit["district"],
        agency=unit["agency"],
        unit=UUID(unit["id"]),
    )


def _reference(connection: Connection) -> dict[str, list[Row]]:
    stations = fetch(
        connection,
        "SELECT id::text, name_zh, name_en, lat, lon, datum, district, agency"
        " FROM ref.station ORDER BY id",
    )
    return {
        "districts": fetch(
            connection, "SELECT code, name_zh, name_en FROM ref.district ORDER BY code"
        ),
        "agencies": fetch(
            connection, "SELECT code, name_zh, name_en FROM ref.agency ORDER BY code"
        ),
        "stations": stations,
    }


def _seen(actor: Actor, act: str, rows: list[Row], units: Callable[[Row], list[str]]) -> list[Row]:
    if relation(actor.role, act) is Relation.OWN_UNIT:
        return [row for row in rows if actor.unit is not None and str(actor.unit) in units(row)]
    return [row for row in rows if may(actor, act, district=row["district"], agency=row["agency"])]


def _of_incident(row: Row) -> list[str]:
    return [unit["unit"] for unit in row["units"]]


def _of_unit(row: Row) -> list[str]:
    return [row["id"]]


def _of_order(row: Row) -> list[str]:
    return [row["unit"]]
