"""The city's bones: river, lake, hill, rings, radial avenues, and the faces between them.

Everything is in metres on the plane of `tocsin.sim.city.plane`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos, pi, sin
from typing import Final

from shapely import STRtree, get_parts, union_all
from shapely.geometry import LineString, MultiLineString, Point, Polygon
from shapely.ops import polygonize

from tocsin.sim.city.names import ARTERIALS, AVENUES, SPOKES, Name
from tocsin.sim.city.plane import Xy

RADII: Final = (1_250.0, 3_500.0, 6_600.0)
FLATTEN: Final = 0.86  # the city is wider than it is high
RIVER_HALF_WIDTH: Final = 150.0
EMBANKMENT: Final = 55.0
STEP: Final = 130.0


@dataclass(frozen=True, slots=True)
class Line:
    """One named arterial. `spans` says that it may cross water on a bridge."""

    name: Name
    road_class: str
    shape: LineString | MultiLineString
    spans: bool


@dataclass(slots=True)
class Bones:
    """The arterial net: nodes, edges (from, to, line) and the faces it leaves to build on."""

    lines: list[Line]
    course: LineString
    river: Polygon
    lake: Polygon
    hill: Polygon
    limit: Polygon
    nodes: list[Xy] = field(default_factory=list)
    edges: list[tuple[int, int, int]] = field(default_factory=list)
    faces: list[list[int]] = field(default_factory=list)
    bridges: set[tuple[int, int]] = field(default_factory=set)


def _loop(dice: random.Random, x: float, y: float, radius: float, rough: float) -> list[Xy]:
    """A closed, uneven oval around (x, y)."""
    waves = [(k, dice.uniform(-rough, rough) / k, dice.uniform(0, 2 * pi)) for k in (2, 3, 4, 5)]
    count = max(24, int(2 * pi * radius / STEP))
    points = []
    for i in range(count):
        angle = 2 * pi * i / count
        r = radius * (1 + sum(a * sin(k * angle + p) for k, a, p in waves))
        points.append((x + r * cos(angle), y + r * FLATTEN * sin(angle)))
    return [*points, points[0]]


def _river(dice: random.Random) -> LineString:
    big, small = dice.uniform(0, 2 * pi), dice.uniform(0, 2 * pi)

    def north(x: float) -> float:
        return -2_150 + 430 * sin(x / 2_300 + big) + 150 * sin(x / 950 + small) - 0.05 * x

    return LineString([(x, north(x)) for x in range(-11_000, 11_001, 110)])


def _spoke(dice: random.Random, angle: float, inner: float, outer: float) -> LineString:
    """An avenue outwards that bends a little on its way."""
    bend, sway, phase = dice.uniform(-0.16, 0.16), dice.uniform(0, 0.03), dice.uniform(0, 2 * pi)
    points = []
    steps = int((outer - inner) / STEP)
    for i in range(steps + 1):
        share = i / steps
        r = inner + (outer - inner) * share
        a = angle + bend * share + sway * sin(5 * share + phase)
        points.append((r * cos(a), r * FLATTEN * sin(a)))
    return LineString(points)


def _straight(start: Xy, end: Xy, bow: float) -> LineString:
    length = LineString([start, end]).length
    steps = max(2, int(length / STEP))
    across = (-(end[1] - start[1]) / length, (end[0] - start[0]) / length)
    points = []
    for i in range(steps + 1):
        share = i / steps
        push = bow * sin(pi * share)
        points.append(
            (
                start[0] + (end[0] - start[0]) * share + across[0] * push,
                start[1] + (end[1] - start[1]) * share + across[1] * push,
            )
        )
    return LineString(points)


def draw(seed: int) -> Bones:
    """The arterial net of the city with this seed."""
    dice = random.Random(f"{seed}/arterials")
    rings = [
        _loop(dice, 0, 0, radius, rough)
        for radius, rough in zip(RADII, (0.16, 0.13, 0.15), strict=True)
    ]
    limit = Polygon(rings[2])
    course = _river(dice)
    river = course.buffer(RIVER_HALF_WIDTH, quad_segs=4)
    banks = course.buffer(RIVER_HALF_WIDTH + EMBANKMENT, quad_segs=4)
    lake = Polygon(_loop(dice, 3_050, 2_650, 780, 0.16))
    hill = Polygon(_loop(dice, -4_700, 2_050, 1_050, 0.14))
    lines = [
        Line(ARTERIALS["ring1"], "primary", LineString(rings[0]), spans=True),
        Line(ARTERIALS["ring2"], "primary", LineString(rings[1]), spans=True),
        Line(ARTERIALS["ring3"], "motorway", LineString(rings[2]), spans=True),
        Line(ARTERIALS["lake"], "secondary", LineString(lake.exterior.coords), spans=False),
        Line(ARTERIALS["hill"], "secondary", LineString(hill.exterior.coords), spans=False),
    ]
    for key, tilt, bow in (("cross_ew", 0.09, 60.0), ("cross_ns", pi / 2 + 0.06, -45.0)):
        reach = RADII[0] * 1.3
        ends = (reach * cos(tilt), reach * sin(tilt)), (-reach * cos(tilt), -reach * sin(tilt))
        lines.append(Line(ARTERIALS[key], "primary", _straight(*ends, bow), spans=False))
    for number, name in enumerate(SPOKES):
        angle = 2 * pi * number / len(SPOKES) + 0.12 + dice.uniform(-0.09, 0.09)
        outer = RADII[2] * 1.08 + dice.uniform(900, 2_100)
        shape = _spoke(dice, angle, RADII[0] * 0.7, outer)
        lines.append(Line(name, "primary", shape, spans=True))
    tilt = 0.14  # the new town in the east is laid out as a grid, turned a little

    def turn(x: float, y: float) -> Xy:
        return x * cos(tilt) - y * sin(tilt), x * sin(tilt) + y * cos(tilt)

    east = ((4_250, -1_500, 4_250, 4_900), (5_250, -1_500, 5_250, 4_300))
    flat = ((2_900, 250, 7_300, 250), (2_900, 1_300, 7_300, 1_300), (2_600, 4_000, 6_500, 4_000))
    south = ((-2_600, -3_700, 3_400, -3_700),)
    for name, (x1, y1, x2, y2) in zip(AVENUES, (*east, *flat, *south), strict=True):
        shape = _straight(turn(x1, y1), turn(x2, y2), dice.uniform(-50, 50))
        lines.append(Line(name, "secondary", shape, spans=False))
    for side, key in ((1, "bank_north"), (-1, "bank_south")):
        bank = course.offset_curve(side * (RIVER_HALF_WIDTH + EMBANKMENT), quad_segs=4)
        lines.append(Line(ARTERIALS[key], "secondary", bank, spans=False))
    bones = Bones(lines, course, river, lake, hill, limit)
    _weave(bones, banks)
    return bones


def _segments(shape: LineString | MultiLineString) -> Iterable[LineString]:
    return [shape] if isinstance(shape, LineString) else shape.geoms


def _weave(bones: Bones, banks: Polygon) -> None:
    """Node all lines with each other, drop what may not cross water, and find the faces."""
    shapes = [part for line in bones.lines for part in _segments(line.shape)]
    owner = [i for i, line in enumerate(bones.lines) for _ in _segments(line.shape)]
    tree = STRtree(shapes)
    noded = union_all(shapes, grid_size=0.01)
    index: dict[Xy, int] = {}

    def node(point: Sequence[float]) -> int:
        key = (round(float(point[0]), 1), round(float(point[1]), 1))
        if key not in index:
            index[key] = len(bones.nodes)
            bones.nodes.append(key)
        return index[key]

    kept = []
    # The roads along the banks and shores lie on these outlines and must not count as wet.
    wet_part, dry_hill, wet_lake = (area.buffer(-2.0) for area in (banks, bones.hill, bones.lake))
    wide_limit = bones.limit.buffer(2.0)
    for part in get_parts(noded):
        middle = part.interpolate(0.5, normalized=True)
        line = owner[int(tree.nearest(middle))]
        wet = wet_part.contains(middle)
        inside = wet_lake.contains(middle) or dry_hill.contains(middle)
        outside = not wide_limit.contains(middle)
        if inside or ((wet or outside) and not bones.lines[line].spans):
            continue
        ids = [node(point) for point in part.coords]
        kept.append(part)
        for a, b in pairwise(ids):
            if a != b:
                bones.edges.append((a, b, line))
                if wet:
                    bones.bridges.add((min(a, b), max(a, b)))
    _prune(bones)
    for face in polygonize(kept):
        inner = face.representative_point()
        if banks.contains(inner) or bones.lake.contains(inner) or bones.hill.contains(inner):
            continue
        ring = [node(point) for point in face.exterior.coords[:-1]]
        bones.faces.append([a for i, a in enumerate(ring) if a != ring[i - 1]])
    bones.faces.sort()


def _prune(bones: Bones) -> None:
    """Take off dead ends inside the ring; the roads that leave the city stay."""
    while True:
        degree: dict[int, int] = {}
        for a, b, _ in bones.edges:
            degree[a] = degree.get(a, 0) + 1
            degree[b] = degree.get(b, 0) + 1
        inside = {
            n for n, d in degree.items() if d == 1 and bones.limit.contains(Point(bones.nodes[n]))
        }
        kept = [e for e in bones.edges if e[0] not in inside and e[1] not in inside]
        if len(kept) == len(bones.edges):
            return
        bones.edges = kept
