"""The part of an incident's row that its own alarms give: what vouches for it, its validation
level, what it waits for, who took it back, which zones are open."""

from __future__ import annotations

from typing import Any

from tocsin.core import avs
from tocsin.core.confirmation import OpenZone, Sensor, is_before
from tocsin.core.incidents.alarms import (
    Alarms,
    Cancelled,
    confirmed_until,
    second_trip_until,
    waits,
)
from tocsin.core.incidents.state import Incident, open_zones, open_zones_more

Row = dict[str, Any]


def alarms_row(incident: Incident) -> Row:
    """Fields of the incident's row, a pure function of its state."""
    alarms = incident.alarms
    return {
        "assurance": incident.assurance,
        "late": incident.late,
        "opened_because": alarms.opened_because,
        "avs": _avs(incident),
        "confirmation": _confirmation(alarms),
        "cancelled": _cancelled(alarms.cancelled),
        "open_zones": _open_zones(incident),
        "open_zones_more": open_zones_more(incident),
    }


def _open_zones(incident: Incident) -> list[Row]:
    """Each zone once, since its newest alarm, however many of its alarms have not restored."""
    zones: dict[Sensor, OpenZone] = {}
    for one in open_zones(incident):
        known = zones.get(one.sensor)
        if known is None or is_before(known.moment, one.moment):
            zones[one.sensor] = one
    return [
        {
            "device": one.sensor.device,
            "zone": one.sensor.zone,
            "partition": one.partition,
            "since": one.since,
        }
        for one in zones.values()
    ]


def _avs(incident: Incident) -> Row | None:
    found = avs.assessed(incident)
    if found is None:
        return None
    evidence, validated = avs.by_evidence(incident), incident.alarms.validated
    by_hand = found.why is avs.AvsWhy.BY_HAND
    return {
        "level": found.level,
        "why": found.why,
        "evidence": found.evidence,
        "by_name": validated.by_name if validated is not None and by_hand else None,
        "by_evidence": None if evidence is None else evidence.level,
        "offered": 0 if avs.is_offered(incident) else None,
    }


def _confirmation(alarms: Alarms) -> Row | None:
    confirmation = alarms.confirmation
    if confirmation is None:
        return None
    return {
        "state": "waiting" if waits(alarms) else "confirmed",
        "rule": confirmation.asked.rule,
        "until": confirmed_until(alarms),
        "two_trip_until": second_trip_until(alarms),
        "by": confirmation.by,
    }


def _cancelled(cancelled: Cancelled | None) -> Row | None:
    if cancelled is None:
        return None
    return {
        "signal": cancelled.signal,
        "at": cancelled.at,
        "how": cancelled.how,
        "outcome": cancelled.outcome,
        "overtaken": cancelled.overtaken,
    }
