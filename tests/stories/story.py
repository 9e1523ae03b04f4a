"""Stories: plain-text scenarios with times that an officer can read, run on the real core.

A file sets the scene (`site`, `unit`, `desk`), then each line is a time and something that is
heard, done or expected. What a line may say is the list SAYINGS at the end; a line that nobody
understands fails the story. Times pass as in life: what falls due between two lines happens.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from re import Match
from typing import Any
from uuid import UUID

from core.world import MILL_ROAD, SYSTEM
from stories import muting
from stories.expecting import (
    expect_fact_of_incident,
    expect_fact_of_order,
    expect_fact_of_unit,
    expect_incident,
    expect_incidents,
    expect_line,
    expect_signal,
)
from stories.scene import Scene, StoryBroken
from tocsin.core import commands as c
from tocsin.core.assurance import Assurance
from tocsin.core.confirmation import AT_ONCE, WINDOW_S, Avs, Confirming, ConfirmRule
from tocsin.core.orders import Refusal
from tocsin.core.signals import SignalRead
from tocsin.core.terms import (
    Actor,
    Capability,
    Channel,
    Disposition,
    IncidentType,
    Level,
    Place,
    Refused,
    Role,
)
from tocsin.core.texts.refusals import refusal_text
from tocsin.core.units import OutOfServiceReason, UnitState

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
        network=source,
        site=site,
        site_name_zh=place.address_zh if place else "",
        site_name_en=place.address_en if place else "",
        place=place,
        repeat_of=scene.last_read[key] if said["repeat"] else None,
        candidates=scene.world.candidates(site, f"dc09/{account}", source),
        blocks=scene.world.blocks(read, source),
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
    *muting.SAYINGS,
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
