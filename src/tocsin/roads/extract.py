"""Reads an OpenStreetMap extract with pyosmium: the ways that can be driven, what bars them, and
which turns are forbidden. Whatever is not a whole extract is refused with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import osmium

from tocsin.roads.rules import Rules, Street, passes, street

Progress = Callable[[str, float | None], None]
"""Told of the phase and its share done, None where that is not known."""

LICENCE: Final = "(c) OpenStreetMap contributors, Open Database License 1.0 (ODbL)"
_EACH: Final = 20_000
_KEYS: Final = ("highway", "barrier", "restriction", "restriction:conditional", "type")


class ExtractRefused(Exception):
    """The file cannot be used. `reason` is a key of the command's texts, `place` where it is."""

    def __init__(self, reason: str, place: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {place}: {detail}")
        self.reason, self.place, self.detail = reason, place, detail


@dataclass(frozen=True, slots=True)
class Way:
    """A way to drive on. `nodes` and `points` (lat, lon) go together."""

    id: int
    name: str
    street: Street
    nodes: tuple[int, ...]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn restriction from ways over one node to ways; `only` says these and no others."""

    id: int
    only: bool
    origins: tuple[int, ...]
    via: int
    targets: tuple[int, ...]
    binds_crews: bool
    binds_others: bool


@dataclass(slots=True)
class Extract:
    """What was read, and what was left out, counted by reason."""

    ways: list[Way] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    barriers: dict[int, tuple[bool, bool, bool]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    timestamp: str = ""
    relations: int = 0

    def count(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


def read_extract(path: Path, rules: Rules, progress: Progress) -> Extract:
    """All that makes the road graph. Raises ExtractRefused."""
    if not path.is_file():
        raise ExtractRefused("missing", str(path))
    if not path.stat().st_size:
        raise ExtractRefused("empty", str(path), "0 bytes")
    found = Extract()
    seen = "the beginning"
    try:
        objects = osmium.FileProcessor(str(path)).with_locations()
        objects.with_filter(osmium.filter.KeyFilter(*_KEYS))
        found.timestamp = objects.header.get("osmosis_replication_timestamp")
        if objects.header.has_multiple_object_versions:
            raise ExtractRefused("history", str(path))
        for number, one in enumerate(objects):
            _take(one, found, rules)
            if number % _EACH == 0:
                seen = f"{one.type_str()}{one.id}"
                progress("reading", None)
    except (RuntimeError, osmium.InvalidLocationError) as error:
        if "EOF" in str(error) or "truncated" in str(error):
            place = f"byte {path.stat().st_size}, within a block"
            raise ExtractRefused("cut", str(path), place) from error
        raise ExtractRefused("not_an_extract", str(path), f"{seen}: {error}") from error
    if not found.ways:
        raise ExtractRefused("no_roads", str(path))
    return found


def _take(one: Any, found: Extract, rules: Rules) -> None:
    if one.is_node():
        if "barrier" in one.tags:
            found.barriers[one.id] = passes(dict(one.tags))
    elif one.is_way():
        if "highway" in one.tags:
            found.ways.extend(_ways(one, found, rules))
    elif one.is_relation():
        found.relations += 1
        if one.tags.get("type") == "restriction":
            turn = _turn(one, found)
            if turn is not None:
                found.turns.append(turn)


def _ways(way: Any, found: Extract, rules: Rules) -> Iterator[Way]:
    """The way, in pieces where nodes of it are outside of the extract."""
    tags = dict(way.tags)
    known = street(tags, rules)
    if known is None:
        found.count("not_a_road")
        return
    if not any((known.forward, known.backward)):
        found.count("direction_unknown")
        return
    name = tags.get("name") or tags.get("ref") or ""
    nodes: list[int] = []
    points: list[tuple[float, float]] = []
    for node in way.nodes:
        place = node.location
        if place.valid():
            if not nodes or nodes[-1] != node.ref:
                nodes.append(node.ref)
                points.append((place.lat, place.lon))
            continue
        found.count("node_outside")
        if len(nodes) > 1:
            yield Way(way.id, name, known, tuple(nodes), tuple(points))
        nodes, points = [], []
    if len(nodes) > 1:
        yield Way(way.id, name, known, tuple(nodes), tuple(points))


def _turn(relation: Any, found: Extract) -> Turn | None:
    """A restriction that binds cars over one node; what is not, is counted."""
    tags = dict(relation.tags)
    value = tags.get("restriction") or tags.get("restriction:motorcar") or ""
    if not value:
        conditional = any(name.endswith(":conditional") for name in tags)
        found.count("turn_conditional" if conditional else "turn_of_others")
        return None
    if not value.startswith(("no_", "only_")):
        found.count("turn_unclear")
        return None
    members: dict[str, list[tuple[str, int]]] = {}
    for member in relation.members:
        members.setdefault(member.role, []).append((member.type, member.ref))
    via = members.get("via", [])
    if any(kind == "w" for kind, _ in via):
        found.count("turn_over_ways")
        return None
    origins = tuple(ref for kind, ref in members.get("from", []) if kind == "w")
    targets = tuple(ref for kind, ref in members.get("to", []) if kind == "w")
    if len(via) != 1 or not origins or not targets:
        found.count("turn_unclear")
        return None
    excepted = {word.strip() for word in tags.get("except", "").split(";")}
    others = not excepted & {"motorcar", "motor_vehicle"}
    crews = others and "emergency" not in excepted
    if not others:
        return None
    return Turn(relation.id, value.startswith("only_"), origins, via[0][1], targets, crews, others)
