"""From the street net to what programs use: districts, the road graph, buildings, addresses."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import hypot
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon
from shapely.ops import polygonize

from tocsin.roads.graph import Graph
from tocsin.sim.city.arterials import RADII, Bones
from tocsin.sim.city.names import DISTRICTS, SPOKES, Name
from tocsin.sim.city.plane import Xy, to_lat_lon
from tocsin.sim.city.streets import Net

Shape = LineString | MultiLineString
Area = Polygon | MultiPolygon

KMH: Final = {
    "motorway": 80.0,
    "primary": 52.0,
    "secondary": 44.0,
    "tertiary": 38.0,
    "residential": 30.0,
    "lane": 20.0,
}
JUNCTION_SECONDS: Final = 2.5
HALF_WIDTH_M: Final = {
    "motorway": 17.0,
    "primary": 14.0,
    "secondary": 11.0,
    "tertiary": 9.0,
    "residential": 7.0,
    "lane": 5.0,
}


@dataclass(frozen=True, slots=True)
class Address:
    """A house: where it is (metres), its district, and how people write it."""

    at: Xy
    district: str
    zh: str
    en: str


def districts(bones: Bones) -> dict[str, Area]:
    """The city's districts, bounded by the ring, the avenues and the river."""
    spokes = [line.shape for line in bones.lines if line.name in SPOKES]
    course = bones.course
    ring1, ring2 = (line.shape for line in bones.lines[:2])
    cuts = [bones.limit.exterior, ring2, ring1, course, spokes[2], spokes[4]]
    pieces: dict[str, list[Polygon]] = {code: [] for code in DISTRICTS}
    inner = Polygon(ring2.coords)
    for face in polygonize(shapely.union_all(cuts, grid_size=0.01)):
        middle = face.representative_point()
        if not bones.limit.contains(middle):
            continue
        south = middle.y < course.interpolate(course.project(middle)).y
        if south:
            code = "jiangnan"
        elif inner.contains(middle):
            code = "laocheng"
        else:
            code = _sector(middle, spokes[2], spokes[4])
        pieces[code].append(face)
    return {code: _whole(parts) for code, parts in pieces.items()}


def _whole(parts: list[Polygon]) -> Area:
    area = shapely.union_all(parts)
    if not isinstance(area, Polygon | MultiPolygon):
        raise TypeError("a district of the synthetic city has no area")
    return area


def _sector(point: Point, first: Shape, second: Shape) -> str:
    """East of the first avenue, between the two, or west of the second."""

    def left_of(line: Shape) -> bool:
        near = line.project(point)
        a = line.interpolate(max(near - 50, 0))
        b = line.interpolate(near + 50)
        return (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x) > 0

    if not left_of(first):
        return "donghu"
    return "xishan" if left_of(second) else "jiangbei"


def road_graph(net: Net, seed: int) -> tuple[Graph, list[int]]:
    """The driving graph, and for each of its nodes the node of `net` it is.

    Some lanes of the old town are one-way, where that cuts nobody off: the graph is one strongly
    connected component.
    """
    dice = random.Random(f"{seed}/one-way")
    ends = [(e.a, e.b) for e in net.edges]
    count = len(net.nodes)
    start, end = (np.array(column) for column in zip(*ends, strict=True))
    _, part = _components(np.concatenate([start, end]), np.concatenate([end, start]), count)
    main = int(np.bincount(part).argmax())
    keep = [i for i in range(count) if part[i] == main]
    index = {node: i for i, node in enumerate(keep)}
    inside = part[start] == main
    lanes: dict[int, list[int]] = {}
    for i, edge in enumerate(net.edges):
        near = hypot(*net.nodes[edge.a]) < RADII[0]
        if near and inside[i] and net.streets[edge.street].road_class == "lane":
            lanes.setdefault(edge.street, []).append(i)
    back = inside.copy()  # edges that may be driven from b to a
    apart = count - len(keep)  # nodes outside the main part, each a part of its own
    for street in sorted(lanes):
        if dice.random() < 0.35:
            tried = back.copy()
            tried[lanes[street]] = False
            froms = np.concatenate([start[inside], end[tried]])
            tos = np.concatenate([end[inside], start[tried]])
            if _components(froms, tos, count)[0] == apart + 1:
                back = tried
    one_way = {int(i) for i in np.flatnonzero(inside & ~back)}
    return _arcs(net, keep, index, one_way), keep


def _components(
    start: NDArray[Any], end: NDArray[Any], count: int
) -> tuple[int, NDArray[np.int32]]:
    """Number of strongly connected parts, and the part of each node."""
    matrix = csr_array((np.ones(len(start)), (start, end)), shape=(count, count))
    parts, part = connected_components(matrix, directed=True, connection="strong")
    return int(parts), part


def _arcs(net: Net, keep: list[int], index: dict[int, int], one_way: set[int]) -> Graph:
    degree = np.zeros(len(net.nodes), dtype=int)
    for edge in net.edges:
        degree[edge.a] += 1
        degree[edge.b] += 1
    start, end, seconds, metres = [], [], [], []
    for i, edge in enumerate(net.edges):
        if edge.a not in index:
            continue
        (x1, y1), (x2, y2) = net.nodes[edge.a], net.nodes[edge.b]
        length = max(hypot(x2 - x1, y2 - y1), 0.5)
        pace = KMH[net.streets[edge.street].road_class] / 3.6
        ways = [(edge.a, edge.b)] if i in one_way else [(edge.a, edge.b), (edge.b, edge.a)]
        for a, b in ways:
            start.append(index[a])
            end.append(index[b])
            # A crew slows down where streets meet, not at the bends of one street.
            seconds.append(length / pace + (JUNCTION_SECONDS if degree[b] > 2 else 0.0))
            metres.append(length)
    places = np.array([to_lat_lon(net.nodes[node]) for node in keep])
    return Graph(
        places[:, 0].copy(),
        places[:, 1].copy(),
        np.array(start, dtype=np.int32),
        np.array(end, dtype=np.int32),
        np.array(seconds, dtype=np.float32),
        np.array(metres, dtype=np.float32),
    )


def buildings(net: Net, bones: Bones, seed: int) -> NDArray[Any]:
    """Houses in rows along their block's longest side; shapely polygons in metres."""
    dice = np.random.default_rng([seed, 11])
    found = []
    wet = shapely.union_all([bones.river.buffer(30), bones.lake])
    shapely.prepare(wet)
    for ring in net.blocks:
        points = np.array([net.nodes[i] for i in ring])
        block = Polygon(points)
        away = hypot(*points.mean(axis=0))
        inner = block.buffer(-9.0 if away > RADII[0] else -6.0)
        if inner.is_empty or not block.is_valid:
            continue
        boxes = _boxes(points, away, dice)
        if len(boxes):
            shapely.prepare(inner)
            found.append(boxes[shapely.contains(inner, boxes)])
    houses = np.concatenate(found)
    return houses[~shapely.intersects(wet, houses)]


def _boxes(points: NDArray[Any], away: float, dice: np.random.Generator) -> NDArray[Any]:
    """Candidate houses over the whole block, turned to its longest side."""
    if away < RADII[0]:
        wide, deep, gap = 22.0, 14.0, 6.0
    elif away < RADII[1]:
        wide, deep, gap = 36.0, 15.0, 15.0
    else:
        wide, deep, gap = (66.0, 40.0, 20.0) if dice.random() < 0.35 else (44.0, 16.0, 20.0)
    sides = np.roll(points, -1, axis=0) - points
    along = sides[np.argmax((sides**2).sum(axis=1))]
    along = along / np.hypot(*along)
    across = np.array([-along[1], along[0]])
    flat = np.column_stack([points @ along, points @ across])
    low, high = flat.min(axis=0), flat.max(axis=0)
    us = np.arange(low[0] + 9, high[0] - wide, wide + gap)
    vs = np.arange(low[1] + 9, high[1] - deep, deep + gap)
    u, v = (grid.ravel() for grid in np.meshgrid(us, vs))
    stands = dice.random(len(u)) < 0.86
    u, v = u[stands], v[stands]
    if not len(u):
        return np.empty(0, dtype=object)
    w = wide * dice.uniform(0.7, 1.05, len(u))
    d = deep * dice.uniform(0.8, 1.1, len(u))
    corners = np.stack(
        [
            np.column_stack([u, v]),
            np.column_stack([u + w, v]),
            np.column_stack([u + w, v + d]),
            np.column_stack([u, v + d]),
        ],
        axis=1,
    )
    world = corners[..., :1] * along + corners[..., 1:] * across
    boxes: NDArray[Any] = shapely.polygons(world)
    return boxes


def addresses(net: Net, areas: dict[str, Area], seed: int, count: int) -> list[Address]:
    """Houses along the streets, spread over the city; numbers rise along their street."""
    dice = random.Random(f"{seed}/addresses")
    edges = [e for e in net.edges if not e.bridge]
    lengths: dict[int, float] = {}
    starts: list[float] = []
    for edge in edges:
        (x1, y1), (x2, y2) = net.nodes[edge.a], net.nodes[edge.b]
        starts.append(lengths.get(edge.street, 0.0))
        lengths[edge.street] = starts[-1] + hypot(x2 - x1, y2 - y1)
    for area in areas.values():
        shapely.prepare(area)
    found: list[Address] = []
    taken: set[tuple[int, int]] = set()
    while len(found) < count:
        i = dice.randrange(len(edges))
        edge = edges[i]
        street = net.streets[edge.street]
        if street.road_class == "motorway":
            continue
        (x1, y1), (x2, y2) = net.nodes[edge.a], net.nodes[edge.b]
        length = hypot(x2 - x1, y2 - y1)
        share, side = dice.uniform(0.15, 0.85), dice.choice((-1, 1))
        number = 2 * int((starts[i] + share * length) / 24) + (1 if side < 0 else 2)
        if length < 30 or (edge.street, number) in taken:
            continue
        off = side * (HALF_WIDTH_M[street.road_class] + 12.0) / length
        at = (
            round(x1 + (x2 - x1) * share - (y2 - y1) * off, 1),
            round(y1 + (y2 - y1) * share + (x2 - x1) * off, 1),
        )
        code = district_of(areas, at)
        if code is not None:
            taken.add((edge.street, number))
            found.append(_address(at, code, street.name, number))
    return found


def _address(at: Xy, code: str, street: Name, number: int) -> Address:
    district = DISTRICTS[code]
    return Address(
        at, code, f"{district.zh}{street.zh}{number}号", f"{number} {street.en}, {district.en}"
    )


def district_of(areas: dict[str, Area], at: Xy) -> str | None:
    """The district of a place in metres, None outside the city."""
    point = Point(at)
    return next((code for code, area in areas.items() if area.contains(point)), None)
