"""How fast, which way and for whom a way of OpenStreetMap is open: the table of road classes, what
the tags say, and what is otherwise for emergency vehicles. A file may change each of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

Tags = Mapping[str, str]

ONE_WAY: Final = frozenset({"yes", "true", "1"})
BACKWARD: Final = frozenset({"-1", "reverse"})
ROUND: Final = frozenset({"roundabout", "circular"})
EXPRESSWAY: Final = frozenset({"motorway", "motorway_link"})
KMH_MIN, KMH_MAX = 3.0, 150.0
MPH: Final = 1.609344
KNOT: Final = 1.852

# km/h without lights, on the average of a whole street. From the `car` profile of OSRM (BSD-2),
# with pedestrian zones, tracks and bus lanes for those who may use them.
KMH: Final[Mapping[str, float]] = {
    "motorway": 90,
    "motorway_link": 45,
    "trunk": 85,
    "trunk_link": 40,
    "primary": 65,
    "primary_link": 30,
    "secondary": 55,
    "secondary_link": 25,
    "tertiary": 40,
    "tertiary_link": 20,
    "unclassified": 25,
    "residential": 25,
    "road": 25,
    "living_street": 10,
    "service": 15,
    "busway": 25,
    "track": 15,
    "pedestrian": 8,
}
CLASSES: Final = tuple(KMH)
# Open to all unless tagged otherwise; the rest only to emergency vehicles, or where tags allow it.
CLOSED_CLASSES: Final = frozenset({"busway", "track", "pedestrian"})
# Not a road for a vehicle, except where a tag says so: `motor_vehicle=yes`, `emergency=yes`.
NARROW: Final = frozenset({"footway", "path", "cycleway", "bridleway"})
# What the zone values of maxspeed mean (OpenStreetMap wiki, Key:maxspeed, implicit limits).
ZONES: Final[Mapping[str, float]] = {
    "walk": 7,
    "living_street": 10,
    "urban": 50,
    "zone20": 20,
    "zone30": 30,
    "rural": 90,
    "trunk": 100,
    "motorway": 120,
}
CLOSED_TO_OTHERS: Final = frozenset(
    {"no", "private", "agricultural", "forestry", "emergency", "military", "psv", "bus", "delivery"}
)
OPEN: Final = frozenset({"yes", "designated", "permissive", "official", "destination"})
# Nothing on wheels passes these. `emergency=yes` makes one of them a gate.
WALLS: Final = frozenset(
    {"block", "bollard", "chain", "cycle_barrier", "debris", "fence", "full-height_turnstile"}
    | {"hedge", "jersey_barrier", "kissing_gate", "log", "motorcycle_barrier", "planter", "stile"}
    | {"turnstile", "wall"}
)
GATES: Final = frozenset(
    {"gate", "lift_gate", "swing_gate", "sliding_gate", "sliding_beam", "hampshire_gate"}
)


class Emergency(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What lights and sirens change."""

    faster: float = 1.3
    """Times the ordinary speed. JEMSS' Auckland drives 1.42 times as fast on every road."""
    kmh_max: float = 110.0
    private: bool = True
    """Private ways and those closed to vehicles are open."""
    observes_turns: bool = True
    observes_one_way: bool = True
    """Except where `oneway:emergency=no` is tagged. Never against a motorway or a roundabout."""
    against_one_way: float = 0.4
    """Share of the speed when driving against a one-way street."""
    gate_s: float = 15.0
    """Seconds to open a gate."""


class Rules(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """All that turns tags into seconds; `kmh` names only the classes that differ."""

    kmh: dict[str, float] = {}
    maxspeed_share: float = 0.8
    """Speed on the average of a street over its speed limit; OSRM takes 0.8."""
    emergency: Emergency = Emergency()


class RulesRefused(Exception):
    """The file with the rules is not usable; the text says where and why."""


class Street(msgspec.Struct, frozen=True):
    """What a way is to a driver: km/h each way, 0 where closed, with sirens and without."""

    kind: str
    forward: float
    backward: float
    ordinary_forward: float
    ordinary_backward: float
    access: bool
    """Whether somebody may live beside it."""


def load_rules(path: Path) -> Rules:
    """The rules of a TOML file. Raises RulesRefused."""
    try:
        rules = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Rules)
    except (OSError, UnicodeDecodeError) as error:
        raise RulesRefused(f"{path}: {error}") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise RulesRefused(f"{path}: {error}") from error
    for name, kmh in rules.kmh.items():
        if name not in KMH:
            raise RulesRefused(f"{path}: kmh.{name}: not a class; there are {', '.join(CLASSES)}")
        if not KMH_MIN <= kmh <= KMH_MAX:
            raise RulesRefused(f"{path}: kmh.{name}: not between {KMH_MIN:g} and {KMH_MAX:g}")
    lights = rules.emergency
    bounds = {
        "maxspeed_share": (rules.maxspeed_share, 0.1, 1.5),
        "emergency.faster": (lights.faster, 1.0, 3.0),
        "emergency.kmh_max": (lights.kmh_max, 30.0, KMH_MAX),
        "emergency.against_one_way": (lights.against_one_way, 0.05, 1.0),
        "emergency.gate_s": (lights.gate_s, 0.0, 600.0),
    }
    for name, (value, low, high) in bounds.items():
        if not low <= value <= high:
            raise RulesRefused(f"{path}: {name}: not between {low:g} and {high:g}")
    return rules


def street(tags: Tags, rules: Rules) -> Street | None:
    """What a tagged way is to a driver; None where it is no road for one."""
    kind = _kind(tags)
    if kind is None or tags.get("area") == "yes":
        return None
    access = _access(tags)
    ordinary = access in OPEN or (access not in CLOSED_TO_OTHERS and kind not in CLOSED_CLASSES)
    lights = rules.emergency
    if not ordinary and not (lights.private or tags.get("emergency") in OPEN):
        return None
    low, high = _directions(tags)
    limits = [limit(tags.get(f"maxspeed:{way}", tags.get("maxspeed", ""))) for way in _WAYS]
    usual = rules.kmh.get(kind, KMH[kind])
    kmh = [usual if one is None else one * rules.maxspeed_share for one in limits]
    kmh = [min(max(one, KMH_MIN), KMH_MAX) for one in kmh]
    fast = [min(one * lights.faster, max(one, lights.kmh_max)) for one in kmh]
    against = lights.against_one_way if _may_go_against(tags, kind, lights) else 0.0
    return Street(
        kind=kind,
        forward=fast[0] * (1.0 if low else against),
        backward=fast[1] * (1.0 if high else against),
        ordinary_forward=kmh[0] if ordinary and low else 0.0,
        ordinary_backward=kmh[1] if ordinary and high else 0.0,
        access=kind not in EXPRESSWAY and tags.get("tunnel") not in ("yes", "avalanche_protector"),
    )


_WAYS: Final = ("forward", "backward")


def _kind(tags: Tags) -> str | None:
    kind = tags.get("highway", "")
    if kind in KMH:
        return kind
    wide = tags.get("emergency") in OPEN or tags.get("motor_vehicle") in ("yes", "designated")
    return "service" if kind in NARROW and wide else None


def _access(tags: Tags) -> str:
    """The most specific of the access tags, empty where none is set."""
    for name in ("motorcar", "motor_vehicle", "vehicle", "access"):
        if name in tags:
            return tags[name]
    return "emergency" if tags.get("service") == "emergency_access" else ""


def _directions(tags: Tags) -> tuple[bool, bool]:
    """Whether traffic may go along and against the direction in which the way was drawn."""
    one_way = tags.get("oneway", "")
    if one_way in ONE_WAY:
        return True, False
    if one_way in BACKWARD:
        return False, True
    if one_way in ("reversible", "alternating"):
        # Which way it is open just now is not in the map.
        return False, False
    implied = tags.get("junction") in ROUND or tags.get("highway") in EXPRESSWAY
    return True, not implied or one_way == "no"


def _may_go_against(tags: Tags, kind: str, lights: Emergency) -> bool:
    if tags.get("oneway:emergency") == "no":
        return True
    if tags.get("oneway") in ("reversible", "alternating"):
        return True
    bound = kind in EXPRESSWAY or tags.get("junction") in ROUND
    return not (lights.observes_one_way or bound)


def limit(text: str) -> float | None:
    """A maxspeed in km/h: `50`, `30 mph`, `12 knots`, `CN:urban`, `DE:zone:30`, `none`; None where
    it is not there or says nothing."""
    text = text.strip().lower()
    number, _, unit = text.partition(" ")
    for suffix in ("mph", "km/h", "kmh", "kph", "knots"):
        if not unit and number.endswith(suffix):
            number, unit = number.removesuffix(suffix), suffix
    factor = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": MPH, "knots": KNOT}
    if number.isascii() and number.replace(".", "", 1).isdigit() and unit in factor:
        kmh = float(number) * factor[unit]
        return kmh if KMH_MIN <= kmh <= KMH_MAX else None
    zone = text.partition(":")[2] if ":" in text else text
    return ZONES.get(zone.replace(":", ""))


def passes(tags: Tags) -> tuple[bool, bool, bool]:
    """What a barrier lets through: emergency vehicles, others, and whether it must be opened."""
    kind = tags.get("barrier", "")
    for_crews = tags.get("emergency") in OPEN
    if kind in WALLS:
        return for_crews, False, for_crews
    if kind in GATES:
        closed = _access(tags) in CLOSED_TO_OTHERS or tags.get("locked") == "yes"
        return True, not closed, closed
    return True, _access(tags) not in ("no", "private"), False
