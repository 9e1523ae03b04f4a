"""What of a batch an actor may see: rows and facts put to the one policy, `tocsin.core.access`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from tocsin.core.access import may
from tocsin.core.terms import Actor, Role
from tocsin.record.follow import Batch
from tocsin.record.views.snapshot import may_read_position

KINDS: Final = ("incidents", "units", "orders", "signals", "on_tests")
"""Whose rows and facts any screen may see; of others nothing is read for the stream."""

Row = Mapping[str, Any]
# Actors with the same outlook see the same: an event is filtered and encoded once for all of them.
Outlook = tuple[Role, str, tuple[str, ...], UUID | None]


def outlook(actor: Actor) -> Outlook:
    return (actor.role, actor.agency, tuple(sorted(actor.districts)), actor.unit)


def visible(actor: Actor, batch: Batch) -> dict[str, Any] | None:
    """The `change` event's data for this actor; None if nothing of the batch is for its eyes."""
    rows = batch.rows
    orders = [
        row
        for row in rows.get("orders", ())
        if _may(actor, "read:order", row, _own(actor, row["unit"]))
    ]
    units = [
        _with_allowed_position(actor, row)
        for row in rows.get("units", ())
        if _may(actor, "read:unit", row, _own(actor, row["id"]))
    ]
    # A crew sees an incident while attached, and once more in the change that detaches it.
    ordered = {str(row["incident"]) for row in orders}
    incidents = [
        row
        for row in rows.get("incidents", ())
        if _may(actor, "read:incident", row, _attached(actor, row, ordered))
    ]
    signals = [row for row in rows.get("signals", ()) if _may(actor, "read:signal", row, None)]
    on_tests = [row for row in rows.get("on_tests", ()) if _may(actor, "read:on_test", row, None)]
    shown: dict[str, Sequence[Row]] = {
        "incidents": incidents,
        "units": units,
        "orders": orders,
        "signals": signals,
        "on_tests": on_tests,
    }
    seen = {str(row["id"]) for some in shown.values() for row in some}
    facts = [
        fact
        for fact in batch.facts
        if str(fact["subject"]) in seen and _may(actor, "read:fact", fact, actor.unit)
    ]
    if not (seen or facts):
        return None
    return {"position": batch.position, "facts": facts, "rows": shown}


def positions(actor: Actor, moved: Iterable[Row]) -> dict[str, Row]:
    """Of units that moved, by id: those whose way this actor may follow."""
    return {
        str(row["unit"]): {name: row[name] for name in ("unit", "lat", "lon", "heading", "at")}
        for row in moved
        if _may(actor, "read:position", row, _own(actor, row["unit"]))
    }


def _may(actor: Actor, act: str, row: Row, unit: UUID | None) -> bool:
    return may(actor, act, district=row["district"], agency=row["agency"], unit=unit)


def _own(actor: Actor, unit: object) -> UUID | None:
    return actor.unit if actor.unit is not None and str(unit) == str(actor.unit) else None


def _attached(actor: Actor, incident: Row, ordered: set[str]) -> UUID | None:
    if actor.unit is None:
        return None
    attached = str(incident["id"]) in ordered or any(
        str(one["unit"]) == str(actor.unit) for one in incident["units"]
    )
    return actor.unit if attached else None


def _with_allowed_position(actor: Actor, unit: Row) -> Row:
    """On the road a unit's place is its crew's: only for roles that may follow it."""
    allowed = unit["position"] is None or may_read_position(actor, dict(unit))
    return unit if allowed else {**unit, "position": None}
