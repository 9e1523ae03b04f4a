"""A well-formed body of each command, for the matrix of roles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from web_site import AGENCY

OWN = "north"


def body_of(type_: str, things: dict[str, str], others: dict[str, str]) -> dict[str, Any]:
    """A well-formed command about `things`; a second incident it names is of `others`."""
    incident = {"incident": things["incidents"]}
    place = {"lat": 31.2, "lon": 121.4, "datum": "WGS-84"}
    bodies: dict[str, dict[str, Any]] = {
        "open_incident": {
            "incident_type": "fire", "level": 2, "agency": AGENCY, "district": OWN,
        },
        "take_incident": incident,
        "classify_incident": {**incident, "incident_type": "gas"},
        "prioritise_incident": {**incident, "level": 1},
        "locate_incident": {**incident, "place": place},
        "add_note": {**incident, "text": "a note"},
        "hold_incident": {**incident, "until": "2100-01-01T00:00:00Z", "reason": "later"},
        "release_incident": incident,
        "link_incidents": {**incident, "other": others["incidents"]},
        "unlink_incidents": {**incident, "other": others["incidents"]},
        "merge_incidents": {**incident, "into": others["incidents"]},
        "split_incident": incident,
        "close_incident": {**incident, "disposition": "handled"},
        "reopen_incident": {**incident, "reason": "again"},
        "validate_incident": {**incident, "avs": 2, "reason": "seen on camera"},
        "move_signal": {**incident, "signal": things["signals"], "to": others["incidents"]},
        "split_sender": {**incident, "signal": things["signals"]},
        "tick_step": {**incident, "plan": "0" * 32, "step": 1},
        "untick_step": {**incident, "plan": "0" * 32, "step": 1},
        "send_units": {**incident, "units": [things["units"]]},
        "recall_units": {**incident, "units": [things["units"]]},
        "receive_order": {"order": things["orders"], "channel": "app"},
        "accept_order": {"order": things["orders"]},
        "refuse_order": {"order": things["orders"], "reason": "too_far"},
        "report_status": {"unit": things["units"], "state": "under_way"},
        "take_out_of_service": {"unit": things["units"], "reason": "breakdown"},
        "return_to_service": {"unit": things["units"]},
        "put_on_test": {"site": things["sites"], "why": "service", "until": _in_hours(1)},
        "extend_on_test": {"on_test": things["on_tests"], "until": _in_hours(2)},
        "end_on_test": {"on_test": things["on_tests"]},
        "try_block": {**BLOCK, "district": things.get("district", "nowhere")},
        "put_block_in_force": {"block": things["blocks"]},
        "approve_block": {"block": things["blocks"]},
        "extend_block": {"block": things["blocks"], "until": _in_hours(2)},
        "end_block": {"block": things["blocks"]},
    }  # fmt: skip
    return bodies[type_]


def _in_hours(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


ZONE_TEST = {"zone": "99", "why": "service", "until": _in_hours(1)}

BLOCK = {
    "protocol": "dc09", "network": "198.51.100.0/24", "account": "*", "code": "*", "zone": "*",
    "why": "runaway gateway", "until": _in_hours(1),
}  # fmt: skip


def site_row(account: str, district: str) -> dict[str, str]:
    """A site with one device, as a file to import says it."""
    return {
        "site": f"matrix {account}",
        "name_zh": "某",
        "name_en": "Some",
        "address": "1 Rd",
        "lat": "31.2",
        "lon": "121.4",
        "datum": "WGS-84",
        "district": district,
        "protocol": "dc09",
        "account": account,
        "key": "",
        "key_form": "",
        "interval_s": "",
    }
