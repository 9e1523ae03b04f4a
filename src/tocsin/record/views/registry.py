"""Rows of what the desk knows beforehand: sites and their devices. Keys are never among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from tocsin.record.views.rows import Row

SITES: Final = """
SELECT s.id, s.code, s.name_zh, s.name_en, s.address, s.address_en, s.lat, s.lon, s.datum,
    s.district, s.agency, s.confirm, s.confirm_window_s, s.abort_s, s.two_trip_s,
    ARRAY(SELECT d.id FROM ref.device d WHERE d.site = s.id ORDER BY d.account) AS devices
FROM ref.site s"""
DEVICES: Final = """
SELECT d.id, d.site, d.protocol, d.account, d.key IS NOT NULL AS has_key, d.interval_s, d.dialect,
    d.supervision_class,
    n.last_seen_at, d.district, d.agency, l.dialects, l.turn, l.clock_ahead_s, l.clock_since
FROM ref.device d LEFT JOIN ref.seen n ON n.device = d.id
LEFT JOIN ref.learnt l ON l.device = d.id AND l.panel = d.panel"""


def site_rows(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [
        msgspec.to_builtins(
            {
                "id": one["id"],
                "code": one["code"],
                "name_zh": one["name_zh"],
                "name_en": one["name_en"],
                "address": one["address"],
                "address_en": one["address_en"],
                "place": {
                    "lat": one["lat"],
                    "lon": one["lon"],
                    "datum": one["datum"],
                    "address_zh": one["address"],
                    "address_en": one["address_en"] or one["address"],
                    "source": "site",
                },
                "district": one["district"],
                "agency": one["agency"],
                "devices": one["devices"],
                "confirming": {
                    "rule": one["confirm"],
                    "window_s": one["confirm_window_s"],
                    "abort_s": one["abort_s"],
                    "two_trip_s": one["two_trip_s"],
                },
            }
        )
        for one in found
    ]


def device_rows(found: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [msgspec.to_builtins(_device(dict(one))) for one in found]


def _device(one: Row) -> Row:
    """What was recognised of it stands together; None where that is nothing."""
    dialects, turn = one.pop("dialects"), one.pop("turn")
    clock = {name: one.pop(name) for name in ("clock_ahead_s", "clock_since")}
    recognised = None
    if dialects is not None:
        recognised = {
            "dialects": dialects.split(";") if dialects else [],
            "takes_other_answer": turn > 0,
            **clock,
        }
    return {**one, "recognised": recognised}
