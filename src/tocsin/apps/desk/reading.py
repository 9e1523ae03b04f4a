"""What the API reads: lists, single rows, the snapshot. Every row is put to the one policy here; a
foreign row and a missing one leave the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import msgspec
from django.http import HttpResponse

from tocsin.apps.desk.site_whole import whole
from tocsin.apps.desk.standing import require_act
from tocsin.apps.log import connection, keyring
from tocsin.core import access
from tocsin.core.access import Relation
from tocsin.core.terms import Actor, Reason, Refused, Role
from tocsin.record.database import Connection
from tocsin.record.keys import Keyring
from tocsin.record.views import get_row, list_rows
from tocsin.record.views.snapshot import may_read_position, snapshot
from tocsin.record.views.standing import is_sent_to, is_sent_to_site

Row = dict[str, Any]

ACTS: Final = {
    "incidents": "read:incident",
    "orders": "read:order",
    "units": "read:unit",
    "signals": "read:signal",
    "on_tests": "read:on_test",
    "blocks": "read:block",
    "facts": "read:fact",
    "sites": "read:site",
    "devices": "read:device",
}


def shipped(value: Any) -> HttpResponse:
    """An answer as it goes out: encoded once, never cached."""
    return HttpResponse(
        msgspec.json.encode(value),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def read_list(
    actor: Actor, kind: str, *, limit: int, cursor: str | None, filters: Mapping[str, Any]
) -> Row:
    """One page of what the actor may see. Raises `Refused`, `BadFilter`."""
    act = ACTS[kind]
    require_act(actor, act)
    own = access.relation(actor.role, act) is Relation.OWN_UNIT
    if own and actor.unit is None:
        return {"items": [], "next": None}
    with connection() as log:
        page = list_rows(
            log,
            kind,
            limit=limit,
            cursor=cursor,
            filters=filters,
            districts=() if own else actor.districts,
            agency=None if own else actor.agency,
            unit=actor.unit if own else None,
            keyring=_keyring_for(actor),
        )
    return {**page, "items": [_shown(actor, kind, row) for row in page["items"]]}


def read_one(actor: Actor, kind: str, identifier: UUID | int) -> Row:
    """One row. Raises `Refused`: NOT_ALLOWED for the role, NOT_FOUND if missing or foreign."""
    act = ACTS[kind]
    require_act(actor, act)
    with connection() as log:
        # Bytes as heard are opened only for whom the policy lets see them.
        raw = kind == "signals" and access.ever(actor, "read:raw")
        row = get_row(log, kind, identifier, keyring=_keyring_for(actor), raw=raw)
        if row is None or not access.may(
            actor,
            act,
            district=row["district"],
            agency=row["agency"],
            unit=_unit_of(log, actor, kind, row),
        ):
            raise Refused(Reason.NOT_FOUND)
        if kind in ("sites", "devices"):
            return whole(log, actor, kind, row)
    return _shown(actor, kind, {"raw": None, **row} if kind == "signals" else row)


def read_snapshot(actor: Actor, language: str) -> Row:
    """What a screen needs to start, at one position of the log."""
    with connection() as log:
        whole = snapshot(log, actor)
    whole["me"] = me(actor, language)
    if not access.ever(actor, "read:intake"):
        whole["counters"] = {}
    return whole


def me(actor: Actor, language: str) -> Row:
    """The caller as the API shows it; `language` is `zh`, `en` or empty."""
    return {
        "id": actor.id,
        "name": actor.name,
        "role": actor.role,
        "districts": actor.districts,
        "agency": actor.agency,
        "unit": actor.unit,
        "language": {"en": "en", "zh": "zh-CN"}.get(language),
    }


def desk_of(actor: Actor) -> Actor:
    """A dispatcher of the same agency and districts: advice weighs positions that its reader may
    not see one by one."""
    return replace(actor, role=Role.DISPATCHER, unit=None)


def _keyring_for(actor: Actor) -> Keyring | None:
    return keyring() if access.ever(actor, "read:sealed") else None


def _shown(actor: Actor, kind: str, row: Row) -> Row:
    if kind == "units" and row["position"] is not None and not may_read_position(actor, row):
        return {**row, "position": None}
    return row


def _unit_of(log: Connection, actor: Actor, kind: str, row: Row) -> UUID | None:
    """The crew's own unit if the row belongs to it."""
    if actor.unit is None:
        return None
    if kind == "facts":
        incident = row["incident"] and UUID(str(row["incident"]))
        return actor.unit if incident and is_sent_to(log, incident, actor.unit) else None
    if kind == "sites":
        return actor.unit if is_sent_to_site(log, UUID(str(row["id"])), actor.unit) else None
    named = {
        "incidents": [one["unit"] for one in row.get("units", ())],
        "orders": [row.get("unit")],
        "units": [row.get("id")],
    }.get(kind, [])
    return actor.unit if str(actor.unit) in map(str, named) else None
