"""Advice for one incident: the log's rows and the roads' minutes, put to `tocsin.core.dispatch`."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from tocsin.apps.desk.reading import desk_of, read_one
from tocsin.apps.desk.standing import require_act
from tocsin.apps.log import connection
from tocsin.core.dispatch import (
    POSITION_STALE_AFTER_S,
    AdviceSnapshot,
    Candidate,
    Ranked,
    advise,
)
from tocsin.core.terms import Actor, Capability, Datum, IncidentType, Level
from tocsin.core.texts.advice import advice_text, shortfall_text
from tocsin.core.units import UnitState
from tocsin.record.views.snapshot import fleet
from tocsin.roads.datum import to_wgs84
from tocsin.roads.graph import RoadsUnavailable
from tocsin.roads.times import Times, Ways, straight_line

log = logging.getLogger(__name__)

Row = Mapping[str, Any]
Point = tuple[float, float]
_NOWHERE: Final = (math.nan, math.nan)


def read_advice(actor: Actor, incident: UUID) -> dict[str, Any]:
    """Ranked units, shortfalls and alternatives. Raises `Refused` as for the incident itself."""
    require_act(actor, "read:advice")
    subject = read_one(actor, "incidents", incident)
    with connection() as opened:
        seen = fleet(opened, desk_of(actor))
    now = datetime.now(UTC)
    units: list[Row] = seen["units"]
    attached = {one["unit"] for one in subject["units"]}
    free = [row for row in units if row["id"] not in attached and row["state"] != "out_of_service"]
    stations = {str(one["id"]): one for one in seen["stations"]}
    points = [_point(row, stations) for row in free]
    ways = _ways(points, subject["place"])
    levels = {one: Level(level) for one, level in seen["levels"].items()}
    candidates = tuple(
        _candidate(row, ways, number, levels, now) for number, row in enumerate(free)
    )
    advice = advise(
        AdviceSnapshot(
            incident_type=IncidentType(subject["type"]),
            level=Level(subject["level"]),
            attached=tuple(
                tuple(Capability(one) for one in row["capabilities"])
                for row in units
                if row["id"] in attached
            ),
            candidates=candidates,
        )
    )
    return {
        "incident": incident,
        "at": now,
        "requirements": advice.requirements,
        "ranked": [_ranked(one) for one in advice.ranked],
        "shortfalls": [
            {
                "capability": one.capability,
                "missing": one.missing,
                **_texts(shortfall_text(one)),
            }
            for one in advice.shortfalls
        ],
        "alternatives": [_ranked(one) for one in advice.alternatives],
        "degraded": advice.degraded,
        "basis": advice.basis,
    }


def _candidate(
    row: Row, ways: Ways, number: int, levels: Mapping[str, Level], now: datetime
) -> Candidate:
    at_home = row["state"] == UnitState.IN_STATION
    return Candidate(
        unit=UUID(row["id"]),
        call_sign=row["call_sign"],
        kind=row["kind"],
        capabilities=tuple(Capability(one) for one in row["capabilities"]),
        state=UnitState(row["state"]),
        minutes=_number(ways.minutes[number]),
        km=_number(ways.km[number]),
        position_age_s=None if at_home else _position_age_s(row, now),
        degraded=ways.degraded,
        incident=UUID(row["incident"]) if row["incident"] else None,
        incident_level=levels.get(row["incident"]),
    )


def _position_age_s(row: Row, now: datetime) -> float:
    """Seconds since the unit was last seen. A unit without an order is not tracked: it counts from
    its station, as a place too old to trust."""
    if row["position"] is not None:
        return max(0.0, (now - _time(row["position"]["at"])).total_seconds())
    return max(POSITION_STALE_AFTER_S + 1, (now - _time(row["state_since"])).total_seconds())


def _time(at: datetime | str) -> datetime:
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)


def _point(row: Row, stations: Mapping[str, Row]) -> Point:
    place = row["position"] or stations.get(str(row["station"]))
    if place is None:
        return _NOWHERE
    return to_wgs84(place["lat"], place["lon"], Datum(place["datum"]))


def _ways(points: list[Point], place: Row | None) -> Ways:
    goal = (
        _NOWHERE if place is None else to_wgs84(place["lat"], place["lon"], Datum(place["datum"]))
    )
    times = _roads()
    return straight_line(points, goal) if times is None else times.ways(points, goal)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 2)


def _ranked(one: Ranked) -> dict[str, Any]:
    return {
        "unit": one.unit,
        "call_sign": one.call_sign,
        "kind": one.kind,
        "minutes": one.minutes,
        "km": one.km,
        "recommended": one.recommended,
        "reasons": [{"code": reason.code, **_texts(advice_text(reason))} for reason in one.reasons],
    }


def _texts(text: Any) -> dict[str, str]:
    return {"text_zh": text.zh, "text_en": text.en}


class _Loaded:
    """The road graph, loaded once and again when its folder was replaced."""

    lock = threading.Lock()
    made_at: float | None = None
    times: Times | None = None


def _roads() -> Times | None:
    """The roads; None where there are none, said once: advice is then by straight line."""
    folder = settings.DATA / "roads"
    try:
        made_at = folder.stat().st_mtime
    except OSError:
        made_at = -1.0
    with _Loaded.lock:
        if made_at != _Loaded.made_at:
            _Loaded.made_at = made_at
            try:
                _Loaded.times = Times.load(folder)
            except RoadsUnavailable as error:
                _Loaded.times = None
                log.warning("advice is by straight line: %s", error)
        return _Loaded.times
