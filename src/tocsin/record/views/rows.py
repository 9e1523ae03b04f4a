"""The rows that screens see, each a pure function of one subject's state. What lies beside the
state (units' states in an incident, names of stations, what was heard) is added on reading."""

from __future__ import annotations

from typing import Any, Final, assert_never
from uuid import UUID

import msgspec

from tocsin.core.blocks import Block, needs_second
from tocsin.core.incidents import state as incidents
from tocsin.core.incidents.state import Incident
from tocsin.core.on_test import OnTest
from tocsin.core.orders import Order
from tocsin.core.signals import Signal
from tocsin.core.states import State, due
from tocsin.core.terms import Place
from tocsin.core.units import Unit, UnitState
from tocsin.record.views.alarm_rows import alarms_row

Row = dict[str, Any]

MATCHED: Final = ("protocol", "network", "account", "code", "qualifier", "zone")
"""The criteria of a block rule."""
TRIED: Final = (
    *("tried_at", "signals", "sources", "active", "devices", "active_devices"),
    *("unopened", "grave", "spared", "cut"),
)
"""The figures of its dry run."""


def row_of(subject: UUID, version: int, state: State) -> Row:
    """The row of any subject. Values are JSON-encodable by msgspec; times are aware datetimes."""
    match state:
        case Incident():
            return incident_row(subject, version, state)
        case Order():
            return order_row(subject, version, state)
        case Unit():
            return unit_row(subject, version, state)
        case Signal():
            return signal_row(subject, version, state)
        case OnTest():
            return on_test_row(subject, version, state)
        case Block():
            return block_row(subject, version, state)
        case _:
            assert_never(state)


def encoded(subject: UUID, version: int, state: State) -> bytes:
    """`row_of` as JSON."""
    return msgspec.json.encode(row_of(subject, version, state))


def incident_row(subject: UUID, version: int, incident: Incident) -> Row:
    """`units` lack their states and `version` counts this subject's own facts only: both are
    completed on reading, since an order's progress changes them too."""
    return {
        "id": subject,
        "number": incident.number,
        "opened_at": incident.opened_at,
        "state": incident.state,
        "type": incident.type,
        "level": incident.level,
        "band": incidents.band(incident),
        "place": place_row(incident.place),
        "title_zh": incident.title_zh,
        "title_en": incident.title_en,
        "district": incident.district,
        "agency": incident.agency,
        "source": incident.source,
        "crowd": crowd_row(incident),
        "site": incident.site,
        "signals": incidents.all_signals(incident),
        "signal_count": incidents.signal_count(incident),
        "alarm_count": incidents.alarm_count(incident),
        "report_count": incident.report_count,
        "report_additions": incident.report_additions,
        "reports_withdrawn": incident.reports_withdrawn,
        "units": [
            {"unit": one.unit, "call_sign": one.call_sign, "order": one.order}
            for one in incident.units
        ],
        "taken_by": incident.taken_by,
        "taken_by_name": incident.taken_by_name,
        "taken_at": incident.taken_at,
        "held_until": incident.held_until,
        "linked": incident.linked,
        "absorbed": [one.other for one in incident.absorbed],
        "merged_into": incident.lives_on.into if incident.lives_on else None,
        "duplicates": incident.duplicates,
        "likenesses": incident.likenesses,
        "plans": incident.plans.kept,
        "ticked": incident.plans.ticked,
        **alarms_row(incident),
        "due_at": due(incident),
        "overdue": incident.overdue,
        "disposition": incident.disposition,
        "closed_at": incident.closed_at,
        "version": version,
    }


def crowd_row(incident: Incident) -> Row | None:
    """What a crowd's card counts; its latest times are for the rules alone."""
    crowd = incident.crowd
    if crowd is None:
        return None
    return {
        "kind": incident.exception,
        "senders": crowd.senders,
        "said": crowd.said,
        "said_else": crowd.said_else,
    }


def order_row(subject: UUID, version: int, order: Order) -> Row:
    return {
        "id": subject,
        "incident": order.incident,
        "unit": order.unit,
        "call_sign": order.call_sign,
        "state": order.state,
        "channels": order.channels,
        "given_at": order.given_at,
        "received_at": order.received_at,
        "accepted_at": order.accepted_at,
        "refused_at": order.refused_at,
        "refusal": order.refusal,
        "under_way_at": order.under_way_at,
        "at_scene_at": order.at_scene_at,
        "done_at": order.done_at,
        "recalled_at": order.recalled_at,
        "due_at": order.due_at,
        "overdue": order.overdue,
        "district": order.district,
        "agency": order.agency,
        "version": version,
    }


def unit_row(subject: UUID, version: int, unit: Unit) -> Row:
    """`position` is the station's place while the unit is there; on the road it is added on
    reading from its tracks, and so are the station's names."""
    at_home = None
    if unit.state is UnitState.IN_STATION:
        place = unit.station_place
        at_home = {
            "lat": place.lat,
            "lon": place.lon,
            "datum": place.datum,
            "at": unit.state_since,
            "heading": None,
        }
    return {
        "id": subject,
        "call_sign": unit.call_sign,
        "kind": unit.kind,
        "capabilities": unit.capabilities,
        "state": unit.state,
        "state_since": unit.state_since,
        "incident": unit.incident,
        "order": unit.order,
        "station": unit.station,
        "station_name_zh": "",
        "station_name_en": "",
        "district": unit.district,
        "agency": unit.agency,
        "position": at_home,
        "out_of_service_reason": unit.out_of_service_reason,
        "due_at": unit.due_at,
        "overdue": unit.overdue,
        "version": version,
    }


def signal_row(subject: UUID, version: int, signal: Signal) -> Row:
    """The verdict; what the device said is added on reading from what was heard."""
    return {
        "id": subject,
        "received_at": signal.received_at,
        "late": signal.late,
        "repeat_of": signal.repeat_of,
        "effect": signal.effect,
        "text_zh": signal.text_zh,
        "text_en": signal.text_en,
        "verdict": signal.verdict,
        "reason": signal.reason,
        "site": signal.site,
        "device": signal.device,
        "incident": signal.incident,
        "on_test": signal.on_test,
        "blocked": signal.blocked,
        "would_have": signal.would_have,
        "district": signal.district,
        "agency": signal.agency,
        "version": version,
    }


def on_test_row(subject: UUID, version: int, test: OnTest) -> Row:
    """`tested` and `not_tested` are told when it has ended, as `account/zone`."""
    return {
        "id": subject,
        "site": test.site,
        "device": test.device,
        "zone": test.zone,
        "why": test.why,
        "by": test.by,
        "by_name": test.by_name,
        "begun_at": test.begun_at,
        "until": test.until,
        "signals": test.signals,
        "would_have_opened": test.would_have_opened,
        "zones_heard": len(test.heard_from),
        "ending": test.ending,
        "ended_at": test.ended_at,
        "ended_by_name": test.ended_by_name,
        "tested": test.tested,
        "not_tested": test.not_tested,
        "district": test.district,
        "agency": test.agency,
        "version": version,
    }


def block_row(subject: UUID, version: int, rule: Block) -> Row:
    """`stage` says what it does; the incidents of its dry run stand in the fact that drafted it."""
    tried = rule.tried
    stage = "draft" if rule.in_force_at is None else "in_force"
    return {
        "id": subject,
        "stage": stage if rule.ended_at is None else "ended",
        **{name: getattr(rule.match, name) for name in MATCHED},
        "grave": rule.grave,
        "why": rule.why,
        "until": rule.until,
        "drafted_at": rule.drafted_at,
        "by": rule.by,
        "by_name": rule.by_name,
        "needs_second": needs_second(rule),
        "tried": {name: getattr(tried, name) for name in TRIED},
        "in_force_at": rule.in_force_at,
        "in_force_by_name": rule.in_force_by_name,
        "approved_by_name": rule.approved_by_name,
        "sources_max": rule.sources_max,
        "devices_max": rule.devices_max,
        "signals": rule.signals,
        "would_have_opened": rule.would_have_opened,
        "last_at": rule.last_at,
        "ending": rule.ending,
        "ended_at": rule.ended_at,
        "ended_by_name": rule.ended_by_name,
        "district": rule.district,
        "agency": rule.agency,
        "version": version,
    }


def place_row(place: Place | None) -> Row | None:
    if place is None:
        return None
    return {
        "lat": place.lat,
        "lon": place.lon,
        "datum": place.datum,
        "address_zh": place.address_zh,
        "address_en": place.address_en,
        "source": place.source,
        "radius_m": place.radius_m,
        "measured_at": place.measured_at,
    }
