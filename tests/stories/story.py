"""Stories: plain-text scenarios with times that an officer can read, run on the real core.

A file sets the scene (`site`, `unit`, `desk`), then each line is a time and something that is
heard, done or expected. What a line may say is the list SAYINGS at the end; a line that nobody
understands fails the story. Times pass as in life: what falls due between two lines happens.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from re import Match
from typing import Any
from uuid import UUID

from core.world import MILL_ROAD, NOON, SYSTEM, World
from tocsin.core import avs
from tocsin.core import commands as c
from tocsin.core.access import may
from tocsin.core.assurance import Assurance
from tocsin.core.confirmation import AT_ONCE, WINDOW_S, Avs, Confirming, ConfirmRule
from tocsin.core.incidents.state import (
    OPEN,
    Incident,
    alarm_count,
    all_signals,
    band,
    due,
    signal_count,
)
from tocsin.core.orders import Refusal
from tocsin.core.signals import SignalRead
from tocsin.core.states import Fact
from tocsin.core.terms import (
    Actor,
    Capability,
    Channel,
    Disposition,
    IncidentType,
    Level,
    Place,
    Reason,
    Refused,
    Role,
)
from tocsin.core.texts.refusals import refusal_text
from tocsin.core.texts.timeline import sentence
from tocsin.core.texts.types import INCIDENT_TYPES
from tocsin.core.units import OutOfServiceReason, UnitState


class StoryBroken(AssertionError):
    """The story and the core disagree, or a line says nothing we know; names the line."""


@dataclass
class Told(World):
    """The world, with the timeline's sentences as they are told."""

    lines: list[str] = field(default_factory=list)

    def do(self, command: c.Command, actor: Actor = SYSTEM) -> list[Fact]:
        start = len(self.log)
        facts = super().do(command, actor)
        for _, subject, fact in self.log[start:]:
            call_sign = getattr(self.states[subject], "call_sign", "")
            text = sentence(fact, {"actor": actor.name, "call_sign": call_sign})
            self.lines.append(text.en)
        return facts


@dataclass
class Scene:
    """Who and what the story has named so far."""

    world: Told = field(default_factory=Told)
    sites: dict[str, tuple[UUID, Place]] = field(default_factory=dict)
    asked: dict[str, Confirming] = field(default_factory=dict)
    units: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, Actor] = field(default_factory=dict)
    signals: list[UUID] = field(default_factory=list)
    last_read: dict[str, UUID] = field(default_factory=dict)

    def at(self, clock: str) -> datetime:
        hour, minute, second = map(int, clock.split(":"))
        return NOON.replace(hour=hour, minute=minute, second=second)

    def incident(self, number: str) -> UUID:
        for one in self.world.incidents():
            if self.world.incident(one).number == int(number):
                return one
        raise StoryBroken(f"there is no incident {number}")

    def order(self, call_sign: str) -> UUID:
        """The unit's latest order."""
        orders = [
            one
            for one, state in self.world.states.items()
            if getattr(state, "call_sign", None) == call_sign and hasattr(state, "given_at")
        ]
        if not orders:
            raise StoryBroken(f"{call_sign} has no order")
        return orders[-1]

    def send(self, command: c.Command, actor: Actor) -> None:
        """The command with the policy before it, as the API has it, and the reactions after."""
        incident = getattr(command, "incident", None)
        unit = getattr(command, "unit", None)
        if order := getattr(command, "order", None):
            unit = self.world.order(order).unit
        subject = self.world.states.get(incident or unit)
        district = getattr(subject, "district", "north")
        if actor is not SYSTEM and not may(
            actor, command.type, district=district, agency="city", unit=unit
        ):
            raise Refused(Reason.NOT_ALLOWED)
        self.world.do(command, actor)
        self.world.react()


# --- Setting the scene ---------------------------------------------------------------------------


def add_site(scene: Scene, said: Match[str]) -> None:
    place = Place(MILL_ROAD.lat, MILL_ROAD.lon, MILL_ROAD.datum, said["name"], said["name"])
    scene.sites[said["account"]] = (scene.world.id(), place)


def add_asked(scene: Scene, said: Match[str]) -> None:
    """`#1234 asks for two_zones within 600 s, abort 120 s, two trips 300 s`."""
    scene.asked[said["account"]] = Confirming(
        ConfirmRule(said["rule"] or "none"),
        int(said["window"] or WINDOW_S),
        int(said["abort"] or 0),
        int(said["trips"] or 0),
    )


def add_unit(scene: Scene, said: Match[str]) -> None:
    capabilities = tuple(Capability(one) for one in said["capabilities"].split())
    call_sign = said["call_sign"]
    unit = scene.world.unit(call_sign, *capabilities)
    scene.units[call_sign] = unit
    scene.people[call_sign] = Actor(call_sign, call_sign, Role.CREW, "city", unit=unit)


def add_desk(scene: Scene, said: Match[str]) -> None:
    name = said["name"]
    scene.people[name] = Actor(name.lower(), name, Role(said["role"]), "city")


SETTING: list[tuple[str, Callable[[Scene, Match[str]], None]]] = [
    (r'site #(?P<account>\w+) "(?P<name>[^"]+)"', add_site),
    (
        (
            r"#(?P<account>\w+) asks for(?: (?P<rule>two_zones|two_technologies|verified)"
            r"(?: within (?P<window>\d+) s)?,?)?(?: abort (?P<abort>\d+) s,?)?"
            r"(?: two trips (?P<trips>\d+) s)?"
        ),
        add_asked,
    ),
    (r"unit (?P<call_sign>\w+) (?P<capabilities>[a-z_ ]+)", add_unit),
    (r"desk (?P<name>\w+) (?P<role>\w+)", add_desk),
]


# --- What is heard -------------------------------------------------------------------------------


def hear(scene: Scene, said: Match[str]) -> None:
    account, code = said["account"], said["code"]
    contact_id = re.fullmatch(r"[136][0-9A-F]{3}", code)
    site, place = scene.sites.get(account, (None, None))
    signal = scene.world.id()
    key = f"{account} {code} {said['zone']}"
    source = said["source"] or "192.0.2.1"
    read = SignalRead(
        protocol="dc09",
        token="ADM-CID" if contact_id else "NULL" if code == "NULL" else "SIA-DCS",
        account=account,
        code=code[1:] if contact_id else "" if code == "NULL" else code,
        qualifier=code[0] if contact_id else "",
        zone=said["zone"] or "",
        occurred_at=scene.at(said["occurred"]) if said["occurred"] else None,
    )
    command = c.JudgeSignal(
        signal=signal,
        read=read,
        received_at=scene.world.now,
        district="north",
        agency="city",
        source=source,
        site=site,
        site_name_zh=place.address_zh if place else "",
        site_name_en=place.address_en if place else "",
        place=place,
        repeat_of=scene.last_read[key] if said["repeat"] else None,
        candidates=scene.world.candidates(site, f"dc09/{account}", source),
        device=site,  # one panel at each site
        assurance=Assurance.AUTHENTICATED if said["vouched"] else Assurance.NONE,
        confirming=scene.asked.get(account, AT_ONCE),
    )
    scene.world.do(command, SYSTEM)
    scene.signals.append(signal)
    scene.last_read.setdefault(key, signal)


def call(scene: Scene, said: Match[str]) -> None:
    name = said["address"]
    place = Place(MILL_ROAD.lat, MILL_ROAD.lon, MILL_ROAD.datum, name, name)
    command = c.OpenIncident(
        IncidentType(said["kind"]), Level(int(said["level"])), "north", "city", place
    )
    scene.send(command, scene.people[said["who"]])


# --- What people do ------------------------------------------------------------------------------


def desk(scene: Scene, who: str, what: str) -> None:
    """A desk's or a crew's word; the first saying that fits is meant."""
    for pattern, make in SAYINGS:
        said = re.fullmatch(pattern, what)
        if said is not None:
            scene.send(make(scene, who, said), scene.people[who])
            return
    raise StoryBroken(f"nobody knows what it means that {who} {what!r}")


def _units(scene: Scene, names: str) -> tuple[UUID, ...]:
    return tuple(scene.units[name] for name in names.split())


SAYINGS: list[tuple[str, Callable[[Scene, str, Match[str]], c.Command]]] = [
    (r"takes (\d+)", lambda s, _, m: c.TakeIncident(s.incident(m[1]))),
    (
        r"classifies (\d+) as (\w+)",
        lambda s, _, m: c.ClassifyIncident(s.incident(m[1]), IncidentType(m[2])),
    ),
    (
        r"prioritises (\d+) as P(\d)",
        lambda s, _, m: c.PrioritiseIncident(s.incident(m[1]), Level(int(m[2]))),
    ),
    (r'notes on (\d+) "(.*)"', lambda s, _, m: c.AddNote(s.incident(m[1]), m[2])),
    (
        r'holds (\d+) until (\S+) "(.*)"',
        lambda s, _, m: c.HoldIncident(s.incident(m[1]), s.at(m[2]), m[3]),
    ),
    (r"releases (\d+)", lambda s, _, m: c.ReleaseIncident(s.incident(m[1]))),
    (
        r"links (\d+) with (\d+)",
        lambda s, _, m: c.LinkIncidents(s.incident(m[1]), s.incident(m[2])),
    ),
    (
        r"merges (\d+) into (\d+)",
        lambda s, _, m: c.MergeIncidents(s.incident(m[1]), s.incident(m[2])),
    ),
    (r"splits (\d+)", lambda s, _, m: c.SplitIncident(s.incident(m[1]))),
    (
        r"moves signal (\d+) from (\d+) to (\d+)",
        lambda s, _, m: c.MoveSignal(s.signals[int(m[1]) - 1], s.incident(m[2]), s.incident(m[3])),
    ),
    (
        r"closes (\d+) as (\w+)",
        lambda s, _, m: c.CloseIncident(s.incident(m[1]), Disposition(m[2])),
    ),
    (
        r'validates (\d+) at level (\d) "(.*)"',
        lambda s, _, m: c.ValidateIncident(s.incident(m[1]), Avs(int(m[2])), m[3]),
    ),
    (r'reopens (\d+) "(.*)"', lambda s, _, m: c.ReopenIncident(s.incident(m[1]), m[2])),
    (
        r"sends ([\w ]+?) to (\d+)(, diverting)?",
        lambda s, _, m: c.SendUnits(s.incident(m[2]), _units(s, m[1]), confirm_divert=bool(m[3])),
    ),
    (
        r"recalls ([\w ]+?) from (\d+)",
        lambda s, _, m: c.RecallUnits(s.incident(m[2]), _units(s, m[1])),
    ),
    (r"receives", lambda s, who, _: c.ReceiveOrder(s.order(who), Channel.APP)),
    (r"accepts", lambda s, who, _: c.AcceptOrder(s.order(who))),
    (r"refuses: (\w+)", lambda s, who, m: c.RefuseOrder(s.order(who), Refusal(m[1]))),
    (
        r"reports for (\w+): ([a-z_ ]+)",
        lambda s, _, m: c.ReportStatus(s.units[m[1]], UnitState(m[2].replace(" ", "_"))),
    ),
    (
        r"reports ([a-z_ ]+)",
        lambda s, who, m: c.ReportStatus(s.units[who], UnitState(m[1].replace(" ", "_"))),
    ),
    (
        r"is out of service: (.+)",
        lambda s, who, m: c.TakeOutOfService(s.units[who], OutOfServiceReason(m[1])),
    ),
    (r"is in service again", lambda s, who, _: c.ReturnToService(s.units[who])),
]


def refused(scene: Scene, said: Match[str]) -> None:
    """The person's command must be refused, with that reason and (where given) that text."""
    try:
        desk(scene, said["who"], said["what"])
    except Refused as refusal:
        text = refusal_text(refusal)
        if refusal.reason.value != said["reason"]:
            raise StoryBroken(f"refused as {refusal.reason.value}: {text.en}") from None
        if said["text"] is not None and text.en != said["text"]:
            raise StoryBroken(f"the refusal says {text.en!r}") from None
        return
    raise StoryBroken("it was not refused")


# --- What is expected ----------------------------------------------------------------------------


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


EVENTS: list[tuple[str, Callable[[Scene, Match[str]], Any]]] = [
    (
        (
            r"dc09 #(?P<account>\w+) (?P<code>\w+)(?: zone (?P<zone>\w+))?"
            r"(?: from (?P<source>\S+))?(?: occurred (?P<occurred>\S+))?(?P<repeat> repeated)?"
            r"(?P<vouched> authenticated)?"
        ),
        hear,
    ),
    (r'(?P<who>\w+) opens (?P<kind>\w+) P(?P<level>\d) at "(?P<address>[^"]+)"', call),
    (r'expect incident (?P<kind>[a-z_]+) "(?P<address>[^"]+)"', expect_incident),
    (r"expect (?P<count>\d+) incidents?", expect_incidents),
    (
        (
            r"expect incident (?P<number>\d+) (?P<what>state|band|level|type|units|signals|alarms"
            r"|named signals|overdue|taken by name|disposition|validation|confirmation|open zones"
            r"|late|due) (?P<value>.+)"
        ),
        expect_fact_of_incident,
    ),
    (
        r"expect unit (?P<call_sign>\w+) (?P<what>state|overdue) (?P<value>.+)",
        expect_fact_of_unit,
    ),
    (
        r"expect order (?P<call_sign>\w+) (?P<what>state|overdue) (?P<value>.+)",
        expect_fact_of_order,
    ),
    (
        r"expect signal (?P<verdict>\w+) because (?P<reason>\w+)(?P<late>, late)?",
        expect_signal,
    ),
    (r'expect told "(?P<line>.+)"(?: (?P<times>\d+) times)?', expect_line),
    (
        r"(?P<who>\w+) (?P<what>.+?) - refused (?P<reason>\w+)(?:: (?P<text>.+))?",
        refused,
    ),
    (r"(?P<who>\w+) (?P<what>.+)", lambda scene, said: desk(scene, said["who"], said["what"])),
]


def tell(path: Path) -> Scene:
    """Runs the story; raises `StoryBroken` with file and line where it does not go as told."""
    scene = Scene()
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.split("--")[0].strip()
        if not line:
            continue
        try:
            _tell_line(scene, line)
        except StoryBroken as broken:
            raise StoryBroken(f"{path.name}:{number}: {raw.strip()}\n{broken}") from broken
        except Refused as refusal:
            text = refusal_text(refusal).en
            raise StoryBroken(f"{path.name}:{number}: {raw.strip()}\nrefused: {text}") from refusal
    if scene.world.rebuilt() != scene.world.states:
        raise StoryBroken(f"{path.name}: the log alone does not rebuild the state")
    return scene


def _tell_line(scene: Scene, line: str) -> None:
    timed = re.fullmatch(r"(\d\d:\d\d:\d\d) (.+)", line)
    if timed is None:
        return _first(SETTING, scene, line)
    at = scene.at(timed[1])
    if at < scene.world.now:
        raise StoryBroken("the time goes backwards")
    scene.world.wait_until(at)
    return _first(EVENTS, scene, timed[2])


def _first(
    meanings: list[tuple[str, Callable[[Scene, Match[str]], Any]]], scene: Scene, line: str
) -> None:
    for pattern, meaning in meanings:
        said = re.fullmatch(pattern, line)
        if said is not None:
            meaning(scene, said)
            return
    raise StoryBroken("this line says nothing that is known")
