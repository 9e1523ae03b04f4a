"""Read tables, written in the same transaction as the facts they come from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from tocsin.core.blocks import Block
from tocsin.core.crowds import waits_as
from tocsin.core.incidents.state import OPEN, Incident
from tocsin.core.on_test import OnTest
from tocsin.core.orders import ENDED, Order
from tocsin.core.signals import Signal
from tocsin.core.states import State
from tocsin.core.terms import SubjectKind
from tocsin.core.units import Unit
from tocsin.record.arrays import Uuids, packed
from tocsin.record.database import Connection
from tocsin.record.views.rows import encoded


@dataclass(frozen=True, slots=True)
class Written:
    """A subject as it stands after a command."""

    kind: SubjectKind
    subject: UUID
    version: int
    state: State


_KINDS: Final[dict[str, tuple[str, ...]]] = {}
"""Types of the values of each statement."""


def _upsert(table: str, columns: dict[str, str]) -> str:
    """INSERT ... ON CONFLICT over arrays, one statement however many rows."""
    names = ", ".join(columns)
    arrays = ", ".join(f"%b::{kind}[]" for kind in columns.values())
    updates = ", ".join(f"{name} = excluded.{name}" for name in columns)
    parts = (
        f"INSERT INTO {table} (id, {names})",
        f"SELECT * FROM unnest(%b::uuid[], {arrays})",  # noqa: S608 - names of this file
        f"ON CONFLICT (id) DO UPDATE SET {updates}",
    )
    statement = " ".join(parts)
    _KINDS[statement] = ("uuid", *columns.values())
    return statement


_PLACED: Final = {"version": "bigint", "district": "text", "agency": "text"}

INCIDENT: Final = _upsert(
    "view.incident",
    _PLACED
    | {
        "number": "bigint",
        "state": "text",
        "open": "boolean",
        "type": "text",
        "level": "smallint",
        "opened_at": "timestamptz",
        "closed_at": "timestamptz",
        "site": "uuid",
        "watch": "boolean",
        "exception": "text",
        "crowd": "boolean",
        "source_key": "text",
        "source_address": "text",
        "lat": "double precision",
        "lon": "double precision",
        "row": "bytea",
    },
)
ORDER: Final = _upsert(
    'view."order"',
    _PLACED
    | {
        "incident": "uuid",
        "unit": "uuid",
        "state": "text",
        "active": "boolean",
        "given_at": "timestamptz",
        "row": "bytea",
    },
)
UNIT: Final = _upsert(
    "view.unit",
    _PLACED
    | {
        "call_sign": "text",
        "kind": "text",
        "state": "text",
        "incident": "uuid",
        '"order"': "uuid",
        "station": "uuid",
        "row": "bytea",
    },
)
SIGNAL: Final = _upsert(
    "view.signal",
    _PLACED | {"verdict": "text", "incident": "uuid", "sender": "text", "row": "bytea"},
)


ON_TEST: Final = _upsert(
    "view.on_test",
    _PLACED
    | {
        "site": "uuid",
        "device": "uuid",
        "open": "boolean",
        "until": "timestamptz",
        "row": "bytea",
    },
)


BLOCK: Final = _upsert(
    "view.block",
    _PLACED | {"open": "boolean", "in_force": "boolean", "until": "timestamptz", "row": "bytea"},
)


def columns(one: Written) -> tuple[str, tuple[Any, ...]]:
    """The statement for a subject's read table and its values, in the statement's order."""
    state = one.state
    row = encoded(one.subject, one.version, state)
    placed = (one.subject, one.version, state.district, state.agency)
    match state:
        case Incident():
            place = state.place
            return INCIDENT, (
                *placed,
                state.number,
                state.state.value,
                state.state in OPEN,
                state.type.value,
                int(state.level),
                state.opened_at,
                state.closed_at,
                state.site,
                state.watch,
                waits_as(state) or "",
                state.crowd is not None,
                state.source_key,
                state.source_address,
                None if place is None else place.lat,
                None if place is None else place.lon,
                row,
            )
        case Order():
            active = state.state not in ENDED
            return ORDER, (
                *placed,
                *(state.incident, state.unit, state.state.value, active, state.given_at, row),
            )
        case Unit():
            return UNIT, (
                *placed,
                *(state.call_sign, state.kind, state.state.value, state.incident, state.order),
                *(state.station, row),
            )
        case Signal():
            return SIGNAL, (*placed, state.verdict.value, state.incident, state.sender, row)
        case OnTest():
            is_open = state.ended_at is None
            return ON_TEST, (*placed, state.site, state.device, is_open, state.until, row)
        case Block():
            is_open, in_force = state.ended_at is None, state.in_force_at is not None
            return BLOCK, (*placed, is_open, in_force, state.until, row)


def write_rows(
    connection: Connection, written: Sequence[Written], fact_kinds: Collection[str]
) -> None:
    """Update the read tables of the subjects, and what else ends with these facts."""
    statements: dict[str, list[tuple[Any, ...]]] = {}
    for one in written:
        statement, values = columns(one)
        statements.setdefault(statement, []).append(values)
    for statement, rows in statements.items():
        kinds = _KINDS[statement]
        columned = zip(kinds, zip(*rows, strict=True), strict=True)
        connection.execute(statement, tuple(packed(kind, column) for kind, column in columned))
    if "signal.judged" in fact_kinds:
        judged = Uuids.of(one.subject for one in written if one.kind is SubjectKind.SIGNAL)
        connection.execute("DELETE FROM heard.pending WHERE signal = ANY(%b::uuid[])", (judged,))
    if "unit.freed" in fact_kinds:
        # Where a crew is, is known only while it has an order.
        free = [
            one.subject
            for one in written
            if isinstance(one.state, Unit) and one.state.order is None
        ]
        connection.execute("DELETE FROM tracks.latest WHERE unit = ANY(%s)", (free,))
