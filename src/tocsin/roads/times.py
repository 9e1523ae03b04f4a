"""Minutes and kilometres by road from many units to one place, and the way one crew drives.

One Dijkstra search on the reversed graph answers all units at once. What is not reachable is NaN,
never zero; `straight_line` is the labelled substitute when there are no roads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from tocsin.roads.graph import Floats, Graph, load

EARTH_M: Final = 6_371_008.8
SNAP_METRES_MAX: Final = 1_500.0  # farther from every road than this is not reachable by road
OFF_ROAD_KMH: Final = 20.0
STRAIGHT_KMH: Final = 30.0
DETOUR: Final = 1.35  # road length over straight line, typical of cities

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ways:
    """Shape (n,) each, one entry per origin, NaN where there is no way. `degraded` is true when the
    figures are a guess by straight line and not by road."""

    minutes: Floats
    km: Floats
    basis: Literal["road", "straight_line"]
    degraded: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A way through the streets: points (lat, lon) WGS-84, each with the seconds to reach it."""

    points: tuple[Point, ...]
    seconds: tuple[float, ...]
    km: float


def _plane(lat: Floats, lon: Floats, middle_lat: float) -> Floats:
    """Metres east and north in a plane good for one city; shape (n, 2)."""
    scale = np.radians(1.0) * EARTH_M
    return np.column_stack([lon * scale * np.cos(np.radians(middle_lat)), lat * scale])


def _points(values: ArrayLike) -> Floats:
    points = np.asarray(values, dtype=np.float64)
    if points.size == 0:
        return np.empty((0, 2), dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError("origins must have the shape (n, 2): latitude and longitude in degrees")
    return points


def metres_between(origins: ArrayLike, destination: Point) -> Floats:
    """Great-circle metres from each origin (n, 2) to the destination, degrees WGS-84."""
    points = np.radians(_points(origins))
    lat, lon = np.radians(destination[0]), np.radians(destination[1])
    half = (
        np.sin((points[:, 0] - lat) / 2) ** 2
        + np.cos(points[:, 0]) * np.cos(lat) * np.sin((points[:, 1] - lon) / 2) ** 2
    )
    metres: Floats = 2 * EARTH_M * np.arcsin(np.sqrt(half))
    return metres


def straight_line(origins: ArrayLike, destination: Point) -> Ways:
    """A guess without roads: straight line times a detour factor at city speed; `degraded`."""
    km = metres_between(origins, destination) * DETOUR / 1000
    return Ways(minutes=km / STRAIGHT_KMH * 60, km=km, basis="straight_line", degraded=True)


def _search(matrix: csr_array[Any], node: int) -> tuple[Floats, NDArray[np.int32]]:
    """Seconds from `node` to every node (inf: no way) and the node before each on that way."""
    seconds, before = dijkstra(matrix, directed=True, indices=[node], return_predecessors=True)
    return seconds[0], before[0]


class Times:
    """Shortest times over one road graph. Safe to share between threads: nothing is changed."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._middle_lat = float(np.mean(graph.node_lat))
        self._tree = KDTree(_plane(graph.node_lat, graph.node_lon, self._middle_lat))
        # Parallel arcs: the sparse matrix would add them up, so only the fastest is kept.
        order = np.lexsort((graph.arc_seconds, graph.arc_to, graph.arc_from))
        start, end = graph.arc_from[order], graph.arc_to[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
        order, start, end = order[first], start[first], end[first]
        shape = (graph.nodes, graph.nodes)
        seconds = graph.arc_seconds[order].astype(np.float64)
        metres = graph.arc_metres[order].astype(np.float64)
        self._forward: csr_array[Any] = csr_array((seconds, (start, end)), shape=shape)
        self._backward: csr_array[Any] = csr_array((seconds, (end, start)), shape=shape)
        self._key = start.astype(np.int64) * graph.nodes + end
        self._metres = metres

    @classmethod
    def load(cls, folder: Path) -> Times:
        """Raises RoadsMissing or RoadsBroken, whose text is for an administrator."""
        return cls(load(folder))

    def minutes(self, origins: ArrayLike, destination: Point) -> Floats:
        """Minutes by road from each origin (n, 2) to the destination; NaN where there is no way."""
        return self.ways(origins, destination).minutes

    def ways(self, origins: ArrayLike, destination: Point) -> Ways:
        """Minutes and kilometres by road from each origin (n, 2), degrees WGS-84; NaN where an
        end is farther than 1.5 km from every road, not a number, or not connected."""
        points = _points(origins)
        goal, goal_off = self._snap(np.asarray([destination], dtype=np.float64))
        nodes, off = self._snap(points)
        minutes = np.full(len(points), np.nan)
        km = np.full(len(points), np.nan)
        if goal[0] < 0 or not len(points):
            return Ways(minutes, km, "road", degraded=False)
        seconds, following = _search(self._backward, int(goal[0]))
        length = self._lengths(following)
        known = nodes >= 0
        at = nodes[known]
        extra = off[known] + goal_off[0]
        there = seconds[at] + extra / (OFF_ROAD_KMH / 3.6)
        there[~np.isfinite(there)] = np.nan
        metres = np.where(np.isfinite(seconds[at]), length[at] + extra, np.nan)
        minutes[known], km[known] = there / 60, metres / 1000
        return Ways(minutes, km, "road", degraded=False)

    def route(self, origin: Point, destination: Point) -> Route | None:
        """The fastest way through the streets, or None where there is none."""
        nodes, off = self._snap(np.asarray([origin, destination], dtype=np.float64))
        if (nodes < 0).any():
            return None
        start, goal = int(nodes[0]), int(nodes[1])
        seconds, before = _search(self._forward, start)
        if not np.isfinite(seconds[goal]):
            return None
        path = [goal]
        while path[-1] != start:
            path.append(int(before[path[-1]]))
        path.reverse()
        lat, lon = self.graph.node_lat, self.graph.node_lon
        pace = OFF_ROAD_KMH / 3.6
        first = float(off[0]) / pace
        points = [origin, *((float(lat[node]), float(lon[node])) for node in path), destination]
        at = [0.0, *(first + float(seconds[node]) for node in path)]
        at.append(at[-1] + float(off[1]) / pace)
        metres = float(off.sum()) + sum(self._arc_metres(a, b) for a, b in pairwise(path))
        return Route(tuple(points), tuple(at), metres / 1000)

    def _snap(self, points: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Nearest node of each point, -1 where there is none near, and the metres to it."""
        nodes = np.full(len(points), -1, dtype=np.int64)
        off = np.full(len(points), np.nan)
        usable = np.isfinite(points).all(axis=1)
        if usable.any():
            plane = _plane(points[usable, 0], points[usable, 1], self._middle_lat)
            distance, nearest = self._tree.query(plane)
            near = distance <= SNAP_METRES_MAX
            nodes[usable] = np.where(near, nearest, -1)
            off[usable] = distance
        return nodes, off

    def _lengths(self, following: NDArray[np.int32]) -> Floats:
        """Metres along the fastest way from each node to the goal, by pointer doubling."""
        nodes = len(following)
        here = np.arange(nodes, dtype=np.int64)
        onward = np.where(following >= 0, following.astype(np.int64), here)
        moves = onward != here
        length = np.zeros(nodes)
        key = here[moves] * nodes + onward[moves]
        length[moves] = self._metres[np.searchsorted(self._key, key)]
        while True:
            further = onward[onward]
            if (further == onward).all():
                return length
            length = length + length[onward]
            onward = further

    def _arc_metres(self, start: int, end: int) -> float:
        key = start * self.graph.nodes + end
        return float(self._metres[int(np.searchsorted(self._key, key))])


def along(route: Route, seconds: float) -> tuple[Point, float]:
    """Where a crew is `seconds` after the start of `route`, and its heading in degrees."""
    points, times = route.points, route.seconds
    if seconds >= times[-1]:
        return points[-1], heading(points[-2], points[-1])
    step = int(np.searchsorted(np.asarray(times), max(seconds, 0.0), side="right"))
    step = min(max(step, 1), len(points) - 1)
    before, after = points[step - 1], points[step]
    span = times[step] - times[step - 1]
    share = (max(seconds, 0.0) - times[step - 1]) / span if span > 0 else 1.0
    place = (
        before[0] + (after[0] - before[0]) * share,
        before[1] + (after[1] - before[1]) * share,
    )
    return place, heading(before, after)


def heading(start: Sequence[float], end: Sequence[float]) -> float:
    """Degrees clockwise from north, 0 where the points are the same."""
    east = (end[1] - start[1]) * float(np.cos(np.radians(start[0])))
    north = end[0] - start[0]
    return float(np.degrees(np.arctan2(east, north)) % 360)
