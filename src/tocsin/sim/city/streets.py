"""Streets between the arterials: faces are split again and again until they are city blocks.

A split that ends near a street which already ends there goes on as that street, so that most
streets run through several blocks and cross, as in a grown city.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise
from math import hypot
from typing import Final, NamedTuple

from shapely.geometry import Point, Polygon

from tocsin.sim.city.arterials import RADII, Bones
from tocsin.sim.city.names import Name, StreetNames
from tocsin.sim.city.plane import Xy

HECTARE: Final = 10_000.0
SNAP: Final = 42.0
NAMELESS: Final = ("lane", "motorway")  # no lane is named after these
NARROW: Final = 62.0  # metres; a strip narrower than this is not split along its length


class Street(NamedTuple):
    name: Name
    road_class: str  # motorway, primary, secondary, tertiary, residential, lane


class Edge(NamedTuple):
    """A piece of street between two nodes, drivable both ways unless said otherwise later."""

    a: int
    b: int
    street: int
    bridge: bool


class Cut(NamedTuple):
    """A place where a splitting line meets the ring: position along the line, edge, and share."""

    along: float
    edge: int
    share: float


@dataclass(slots=True)
class Net:
    """The whole street net: nodes in metres, streets, edges, and the blocks between them."""

    nodes: list[Xy]
    streets: list[Street] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    blocks: list[list[int]] = field(default_factory=list)
    parks: list[list[int]] = field(default_factory=list)


def block_hectares(point: Xy) -> float:
    """How large a block is here: small in the old town, large at the edge."""
    away = hypot(point[0], point[1] / 0.86)
    if away < RADII[0]:
        return 0.9
    if away < RADII[1]:
        return 1.6 + 1.8 * (away - RADII[0]) / (RADII[1] - RADII[0])
    return 3.6 + 4.2 * (away - RADII[1]) / (RADII[2] - RADII[1])


class Growth:
    """Splits faces into blocks. `cuts` remembers which edges got a node in between, so that the
    neighbouring face, split later, meets the same node."""

    def __init__(self, bones: Bones, seed: int) -> None:
        self._dice = random.Random(f"{seed}/streets")
        self._names = StreetNames(random.Random(f"{seed}/names"))
        self.net = Net(nodes=list(bones.nodes))
        self._between: dict[tuple[int, int], int] = {}
        self._ends: dict[int, list[tuple[int, Xy]]] = {}
        self._street_of: dict[tuple[int, int], tuple[int, bool]] = {}
        for line in bones.lines:
            self.net.streets.append(Street(line.name, line.road_class))
        for a, b, line_index in bones.edges:
            pair = (min(a, b), max(a, b))
            self._street_of[pair] = (line_index, pair in bones.bridges)
        for face in bones.faces:
            self._split(face)
        self.net.edges = sorted(
            Edge(a, b, street, bridge) for (a, b), (street, bridge) in self._street_of.items()
        )

    def _split(self, start: list[int]) -> None:
        waiting = [start]
        while waiting:
            ring = self._with_nodes_between(waiting.pop())
            area, middle = _area(ring, self.net.nodes)
            target = block_hectares(middle) * HECTARE * self._dice.uniform(0.75, 1.5)
            if area > target and (halves := self._halve(ring, area, middle)) is not None:
                waiting.extend(halves)
            elif self._is_park(area, middle):
                self.net.parks.append(ring)
            else:
                self.net.blocks.append(ring)

    def _is_park(self, area: float, middle: Xy) -> bool:
        away = hypot(*middle)
        chance = 0.012 if away < RADII[0] else 0.03
        return area > 0.4 * HECTARE and self._dice.random() < chance

    def _with_nodes_between(self, ring: list[int]) -> list[int]:
        """The ring with every node that a neighbour has put on its edges meanwhile."""
        full: list[int] = []
        for i, a in enumerate(ring):
            stack = [(a, ring[(i + 1) % len(ring)])]
            while stack:
                start, end = stack.pop()
                middle = self._between.get((min(start, end), max(start, end)))
                if middle is None:
                    full.append(start)
                else:
                    stack += [(middle, end), (start, middle)]
        return full

    def _halve(
        self, ring: list[int], area: float, middle: Xy
    ) -> tuple[list[int], list[int]] | None:
        """Two rings with a new street between them, or None where no good cut is found."""
        box = Polygon([self.net.nodes[i] for i in ring]).minimum_rotated_rectangle
        corners = list(box.exterior.coords) if isinstance(box, Polygon) else []
        if len(corners) < 4:
            return None
        sides = [
            (corners[1][0] - corners[0][0], corners[1][1] - corners[0][1]),
            (corners[2][0] - corners[1][0], corners[2][1] - corners[1][1]),
        ]
        sides.sort(key=lambda side: -hypot(*side))
        for attempt in range(5):
            axis = sides[1] if attempt == 4 else sides[0]
            length = hypot(*axis)
            if length < 2 * NARROW:
                continue
            tilt = self._dice.gauss(0, 0.05 if attempt < 3 else 0.12)
            along = (axis[0] / length, axis[1] / length)
            along = (along[0] - along[1] * tilt, along[1] + along[0] * tilt)
            shift = self._dice.uniform(-0.12, 0.12) * length
            through = (middle[0] + along[0] * shift, middle[1] + along[1] * shift)
            halves = self._cut(ring, through, along, area)
            if halves is not None:
                return halves
        return None

    def _cut(
        self, ring: list[int], through: Xy, along: Xy, area: float
    ) -> tuple[list[int], list[int]] | None:
        cuts = self._cuts(ring, through, along)
        spans = [(cuts[i], cuts[i + 1]) for i in range(0, len(cuts) - 1, 2)]
        spans = [span for span in spans if span[1].along - span[0].along > NARROW * 0.8]
        if not spans:
            return None
        first, second = max(spans, key=lambda span: span[1].along - span[0].along)
        ends = [self._meet(ring, first), self._meet(ring, second)]
        if None in ends:
            return None
        start, goal = ends[0], ends[1]
        assert start is not None
        assert goal is not None
        if not self._worth_cutting(ring, start, goal, area):
            return None
        a = self._place(ring, start)
        b = self._place(ring, goal)
        ring = self._with_nodes_between(ring)
        street = self._lay(a, b, area, len(spans) == 1)
        i, j = ring.index(a), ring.index(b)
        if i < j:
            return ring[i : j + 1] + street[::-1][1:-1], ring[j:] + ring[: i + 1] + street[1:-1]
        return ring[i:] + ring[: j + 1] + street[::-1][1:-1], ring[j : i + 1] + street[1:-1]

    def _cuts(self, ring: list[int], through: Xy, along: Xy) -> list[Cut]:
        """Where the line through `through`, square to `along`, crosses the ring, in order."""
        nodes = self.net.nodes
        side = [
            (nodes[i][0] - through[0]) * along[0] + (nodes[i][1] - through[1]) * along[1]
            for i in ring
        ]
        cuts = []
        for i, here in enumerate(side):
            there = side[(i + 1) % len(ring)]
            if (here < 0) != (there < 0):
                share = here / (here - there)
                a, b = nodes[ring[i]], nodes[ring[(i + 1) % len(ring)]]
                x = a[0] + (b[0] - a[0]) * share - through[0]
                y = a[1] + (b[1] - a[1]) * share - through[1]
                cuts.append(Cut(y * along[0] - x * along[1], i, share))
        return sorted(cuts)

    def _meet(self, ring: list[int], cut: Cut) -> tuple[int, float] | None:
        """The nearest node if it is close, else the place on the edge: (edge, share)."""
        nodes = self.net.nodes
        a, b = ring[cut.edge], ring[(cut.edge + 1) % len(ring)]
        length = hypot(nodes[b][0] - nodes[a][0], nodes[b][1] - nodes[a][1])
        pull = SNAP if block_hectares(nodes[a]) > 1.2 else SNAP * 0.6
        before, after = cut.share * length, (1 - cut.share) * length
        if min(before, after) < pull:
            return (cut.edge, 0.0) if before <= after else ((cut.edge + 1) % len(ring), 0.0)
        if (min(a, b), max(a, b)) not in self._street_of:
            return None
        return cut.edge, cut.share

    def _worth_cutting(
        self, ring: list[int], start: tuple[int, float], goal: tuple[int, float], area: float
    ) -> bool:
        """Neither half is a sliver, and the street is not an edge of the ring."""
        nodes = self.net.nodes

        def at(meet: tuple[int, float]) -> Xy:
            a, b = nodes[ring[meet[0]]], nodes[ring[(meet[0] + 1) % len(ring)]]
            return a[0] + (b[0] - a[0]) * meet[1], a[1] + (b[1] - a[1]) * meet[1]

        i, j = start[0], goal[0]
        if i == j:
            return False
        low, high = (start, goal) if i < j else (goal, start)
        piece = [at(low), *(nodes[n] for n in ring[low[0] + 1 : high[0] + 1]), at(high)]
        if len(piece) < 3:
            return False
        share = Polygon(piece).area / area
        gap = hypot(at(low)[0] - at(high)[0], at(low)[1] - at(high)[1])
        return 0.2 < share < 0.8 and gap > NARROW * 0.8

    def _place(self, ring: list[int], meet: tuple[int, float]) -> int:
        edge, share = meet
        a, b = ring[edge], ring[(edge + 1) % len(ring)]
        if share == 0.0:
            return a
        nodes = self.net.nodes
        x = nodes[a][0] + (nodes[b][0] - nodes[a][0]) * share
        y = nodes[a][1] + (nodes[b][1] - nodes[a][1]) * share
        nodes.append((round(x, 1), round(y, 1)))
        new = len(nodes) - 1
        pair = (min(a, b), max(a, b))
        self._between[pair] = new
        street = self._street_of.pop(pair)
        for end in (a, b):
            self._street_of[(min(end, new), max(end, new))] = street
        return new

    def _lay(self, a: int, b: int, area: float, may_bow: bool) -> list[int]:
        """Nodes of the new street from a to b; long ones bow a little."""
        nodes = self.net.nodes
        (x1, y1), (x2, y2) = nodes[a], nodes[b]
        length = hypot(x2 - x1, y2 - y1)
        pieces = max(1, round(length / 170)) if length > 240 else 1
        bow = self._dice.gauss(0, 0.022) * length if may_bow else 0.0
        sway = self._dice.gauss(0, 0.012) * length if may_bow and pieces > 2 else 0.0
        path = [a]
        for i in range(1, pieces):
            share = i / pieces
            push = 4 * share * (1 - share) * bow + 6 * share * (1 - share) * (0.5 - share) * sway
            nodes.append(
                (
                    round(x1 + (x2 - x1) * share - (y2 - y1) / length * push, 1),
                    round(y1 + (y2 - y1) * share + (x2 - x1) / length * push, 1),
                )
            )
            path.append(len(nodes) - 1)
        path.append(b)
        street = self._name(path, area)
        for start, end in pairwise(path):
            self._street_of[(min(start, end), max(start, end))] = (street, False)
        return path

    def _name(self, path: list[int], area: float) -> int:
        """Goes on as a street that ends straight ahead, else becomes a new one."""
        nodes = self.net.nodes
        outward = [_direction(nodes[path[1]], nodes[path[0]])]
        outward.append(_direction(nodes[path[-2]], nodes[path[-1]]))
        found = None
        for end, way in zip((path[0], path[-1]), outward, strict=True):
            for street, other in self._ends.get(end, ()):
                if way[0] * other[0] + way[1] * other[1] < -0.92:  # within 23 degrees of straight
                    found = street
        if found is None:
            found = self._new_street(path, area)
        for end, way in zip((path[0], path[-1]), outward, strict=True):
            self._ends.setdefault(end, []).append((found, way))
        return found

    def _new_street(self, path: list[int], area: float) -> int:
        nodes = self.net.nodes
        size = area / (block_hectares(nodes[path[0]]) * HECTARE)
        if size > 24:
            road_class = "secondary" if area > 150 * HECTARE else "tertiary"
        elif size > 6:
            road_class = "tertiary" if size > 14 else "residential"
        else:
            road_class = "residential" if self._dice.random() < 0.35 else "lane"
        if road_class == "lane":
            parent = next(
                (
                    self.net.streets[street].name
                    for end in (path[0], path[-1])
                    for street, _ in self._ends.get(end, ())
                    if self.net.streets[street].road_class not in NAMELESS
                ),
                None,
            )
            parent = parent or self._beside(path)
            name = self._names.lane(parent)
        else:
            name = self._names.street()
        self.net.streets.append(Street(name, road_class))
        return len(self.net.streets) - 1

    def _beside(self, path: list[int]) -> Name:
        """The street that the path starts from, for a lane to be named after."""
        for pair, (street, _) in reversed(self._street_of.items()):
            if path[0] in pair or path[-1] in pair:
                found = self.net.streets[street]
                if found.road_class not in NAMELESS:
                    return found.name
        return self._names.street()


def _area(ring: list[int], nodes: list[Xy]) -> tuple[float, Xy]:
    polygon = Polygon([nodes[i] for i in ring])
    middle: Point = polygon.centroid
    return polygon.area, (middle.x, middle.y)


def _direction(start: Xy, end: Xy) -> Xy:
    length = hypot(end[0] - start[0], end[1] - start[1]) or 1.0
    return (end[0] - start[0]) / length, (end[1] - start[1]) / length
