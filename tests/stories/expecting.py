"""What a story may expect: of its incidents, units, orders and signals, and of what is told."""

from __future__ import annotations

from re import Match

from stories.scene import Scene, StoryBroken
from tocsin.core import avs
from tocsin.core.incidents.state import (
    OPEN,
    Incident,
    alarm_count,
    all_signals,
    band,
    due,
    signal_count,
)
from tocsin.core.texts.types import INCIDENT_TYPES


def check(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise StoryBroken(f"{what} is {found}, not {wanted}")


def expect_incident(scene: Scene, said: Match[str]) -> None:
    """`incident fire "Mill Road 4"`: the newest open one is that, there."""
    opened = [scene.world.incident(one) for one in scene.world.incidents()]
    opened = [one for one in opened if one.state in OPEN]
    if not opened:
        raise StoryBroken("no incident is open")
    newest = opened[-1]
    check(newest.type.value, said["kind"], "the newest incident")
    where = newest.place.address_en if newest.place else newest.title_en
    check(where, said["address"], "its place")


def expect_incidents(scene: Scene, said: Match[str]) -> None:
    check(len(scene.world.incidents()), int(said["count"]), "the number of incidents")


def expect_fact_of_incident(scene: Scene, said: Match[str]) -> None:
    incident = scene.world.incident(scene.incident(said["number"]))
    found = _of_incident(incident, said["what"])
    check(found, said["value"], f"{said['what']} of incident {said['number']}")


def _of_incident(incident: Incident, what: str) -> str:
    if what == "units":
        return " ".join(unit.call_sign for unit in incident.units) or "none"
    counted = {
        "signals": signal_count,
        "alarms": alarm_count,
        "named signals": lambda one: len(all_signals(one)),
    }
    if what in counted:
        return str(counted[what](incident))
    if what == "level":
        return f"P{incident.level.value}"
    if what == "type":
        return INCIDENT_TYPES[incident.type].en
    if what == "band":
        return band(incident).value
    if what == "validation":
        found = avs.assessed(incident)
        return "none" if found is None else f"{found.level.value} because {found.why.value}"
    if what == "confirmation":
        confirmation = incident.alarms.confirmation
        return "none" if confirmation is None else (confirmation.by or "waiting")
    if what == "open zones":
        return " ".join(one.sensor.zone for one in incident.alarms.open_zones) or "none"
    if what == "due":
        at = due(incident)
        return "none" if at is None else f"{at:%H:%M:%S}"
    return str(getattr(incident, what.replace(" ", "_")) or "none")


def expect_fact_of_unit(scene: Scene, said: Match[str]) -> None:
    unit = scene.world.unit_state(scene.units[said["call_sign"]])
    found = str(getattr(unit, said["what"]) or "none")
    wanted = said["value"].replace(" ", "_")
    check(found, wanted, f"{said['what']} of {said['call_sign']}")


def expect_fact_of_order(scene: Scene, said: Match[str]) -> None:
    order = scene.world.order(scene.order(said["call_sign"]))
    found = str(getattr(order, said["what"]) or "none")
    wanted = said["value"].replace(" ", "_")
    check(found, wanted, f"{said['what']} of the order to {said['call_sign']}")


def expect_signal(scene: Scene, said: Match[str]) -> None:
    signal = scene.world.signal(scene.signals[-1])
    check(signal.verdict.value, said["verdict"], "the verdict")
    check(signal.reason.value, said["reason"], "its reason")
    check(signal.late, said["late"] is not None, "late")


def expect_line(scene: Scene, said: Match[str]) -> None:
    """The last sentence of the timeline that was told is this one, in English."""
    line = said["line"]
    found = [one for one in scene.world.lines if one == line]
    if len(found) != int(said["times"] or 1):
        told = "\n  ".join(scene.world.lines[-8:])
        raise StoryBroken(f"told {len(found)} times: {line!r}; last told:\n  {told}")
