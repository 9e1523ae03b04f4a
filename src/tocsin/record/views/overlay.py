"""Rows as they are shipped: the stored row, completed with what lies beside the subject's own facts
- the states of an incident's orders, a unit's place on the road, what a device said. Their values
are JSON values: ids and times are strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from tocsin.core.code_tables import meaning, partition_of, zone_of
from tocsin.core.evidence import LATE_AFTER
from tocsin.core.signals import SignalRead
from tocsin.core.supervision import outage_meaning
from tocsin.record.views.rows import Row

Fetched = list[dict[str, Any]]

# Columns and joins of each kind, to which by-id reads and lists add their conditions.
INCIDENTS: Final = """
SELECT i.id, i.opened_at, i.row, o.versions, o.orders, o.states
FROM view.incident i
LEFT JOIN LATERAL (
    SELECT coalesce(sum(o.version), 0)::bigint AS versions,
        array_agg(o.id) FILTER (WHERE o.active) AS orders,
        array_agg(o.state) FILTER (WHERE o.active) AS states
    FROM view."order" o WHERE o.incident = i.id) o ON true"""
ORDERS: Final = """
SELECT o.id, o.given_at, o.row FROM view."order" o"""
UNITS: Final = """
SELECT u.id, u.call_sign, u.row, s.name_zh, s.name_en, t.at, t.lat, t.lon, t.datum, t.heading
FROM view.unit u
LEFT JOIN ref.station s ON s.id = u.station
LEFT JOIN tracks.latest t ON t.unit = u.id AND u."order" IS NOT NULL"""
SIGNALS: Final = """
SELECT s.id, s.message, s.received_at, s.district, s.agency, s.device, s.site, s.assurance,
    s.repeat_of, s.read, s.text, s.intake, s.protocol, s.source_address, s.problem, v.row,
    v.incident
FROM heard.signal s
LEFT JOIN view.signal v ON v.id = s.id"""

ON_TESTS: Final = """
SELECT w.id, w.row, w.open, s.code, s.name_zh, s.name_en, d.account
FROM view.on_test w
LEFT JOIN ref.site s ON s.id = w.site
LEFT JOIN ref.device d ON d.id = w.device"""

BLOCKS: Final = """
SELECT b.id, b.row, b.open, b.in_force FROM view.block b"""

BY_ID: Final = {
    "incidents": f"{INCIDENTS} WHERE i.id = ANY($1::uuid[])",
    "orders": f"{ORDERS} WHERE o.id = ANY($1::uuid[])",
    "units": f"{UNITS} WHERE u.id = ANY($1::uuid[])",
    "signals": f"{SIGNALS} WHERE s.id = ANY($1::uuid[])",
    "on_tests": f"{ON_TESTS} WHERE w.id = ANY($1::uuid[])",
    "blocks": f"{BLOCKS} WHERE b.id = ANY($1::uuid[])",
}


def incident_rows(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    """An order's progress changes its incident's row, so its facts count in `version`: it grows
    with every change, and the row with the greatest is the newest."""
    rows = []
    for one in found:
        row: Row = msgspec.json.decode(one["row"])
        states = dict(zip(one["orders"] or (), one["states"] or (), strict=True))
        for unit in row["units"]:
            unit["state"] = states.get(UUID(unit["order"]))
        row["version"] += one["versions"]
        rows.append(row)
    return rows


def order_rows(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [msgspec.json.decode(one["row"]) for one in found]


def unit_rows(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    rows = []
    for one in found:
        row: Row = msgspec.json.decode(one["row"])
        row["station_name_zh"] = one["name_zh"] or ""
        row["station_name_en"] = one["name_en"] or ""
        if row["position"] is None and one["at"] is not None:
            row["position"] = msgspec.to_builtins(
                {name: one[name] for name in ("lat", "lon", "datum", "at", "heading")}
            )
        rows.append(row)
    return rows


def signal_rows(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Without the device's text, which is sealed: `tocsin.record.views.reading` adds it."""
    rows = []
    for one in found:
        read = msgspec.json.decode(one["read"], type=SignalRead)
        # Whether there is a text decides what an empty code means; what it says does not.
        means = outage_meaning(read) or meaning(
            read if one["text"] is None else replace(read, text="-")
        )
        judged: Row = msgspec.json.decode(one["row"]) if one["row"] else {}
        occurred_at = read.occurred_at
        late = occurred_at is not None and one["received_at"] - occurred_at > LATE_AFTER
        rows.append(
            msgspec.to_builtins(
                {
                    "id": one["id"],
                    "received_at": one["received_at"],
                    "protocol": one["protocol"] or read.protocol,
                    "intake": one["intake"],
                    "account": read.account,
                    "token": read.token,
                    "code": read.code,
                    "qualifier": read.qualifier,
                    "zone": zone_of(read),
                    "partition": partition_of(read),
                    "text": "",
                    "text_zh": judged.get("text_zh") or means.text_zh,
                    "text_en": judged.get("text_en") or means.text_en,
                    "occurred_at": occurred_at,
                    "late": judged.get("late", late),
                    "repeat_of": one["repeat_of"],
                    "assurance": one["assurance"],
                    "effect": judged.get("effect", means.effect),
                    "verdict": judged.get("verdict"),
                    "reason": judged.get("reason"),
                    "site": one["site"],
                    "device": one["device"],
                    "incident": judged.get("incident"),
                    "on_test": judged.get("on_test"),
                    "blocked": judged.get("blocked"),
                    "would_have": judged.get("would_have"),
                    "district": one["district"],
                    "agency": one["agency"],
                    "source": one["source_address"],
                    "problem": one["problem"],
                    "version": judged.get("version", 0),
                }
            )
        )
    return rows


def on_test_rows(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    """With what the site and the device are called."""
    return [
        {
            **msgspec.json.decode(one["row"]),
            "site_code": one["code"] or "",
            "site_name_zh": one["name_zh"] or "",
            "site_name_en": one["name_en"] or "",
            "account": one["account"] or "",
        }
        for one in found
    ]


def block_rows(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [msgspec.json.decode(one["row"]) for one in found]


KINDS: Final[dict[str, Callable[[Iterable[Mapping[str, Any]]], list[Row]]]] = {
    "incidents": incident_rows,
    "orders": order_rows,
    "units": unit_rows,
    "signals": signal_rows,
    "on_tests": on_test_rows,
    "blocks": block_rows,
}


def subjects_by_kind(facts: Iterable[Mapping[str, Any]]) -> dict[str, list[UUID]]:
    """Whose rows may have changed by these facts: their subjects, and the incidents of orders."""
    ids: dict[str, dict[UUID, None]] = {kind: {} for kind in KINDS}
    for fact in facts:
        kind = fact["subject_kind"]
        ids[f"{kind}s"][fact["subject"]] = None
        if kind == "order" and fact["incident"] is not None:
            ids["incidents"][fact["incident"]] = None
    return {kind: list(some) for kind, some in ids.items()}
