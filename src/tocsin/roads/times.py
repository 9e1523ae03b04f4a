"""Minutes and kilometres by road from many units to one place, and the way one crew drives.

Times come from a table of all decision nodes, where there is one that knows the closures in force,
else from one search for all units. What is not reachable is NaN, never zero; `straight_line` is the
labelled substitute when there are no roads.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from tocsin.roads.division import Division, load_division, undivided
from tocsin.roads.graph import Bools, Floats, Graph, Mode, arrays_folder, load_described
from tocsin.roads.journeys import PACE, Journeys, Placed
from tocsin.roads.placing import SNAP_METRES_MAX, Places
from tocsin.roads.search import Goal, Rows, rows_by_search, rows_of_table, seconds_of_table
from tocsin.roads.sphere import EARTH_M, Point
from tocsin.roads.tables import OPEN, Table, Tables, load_tables
from tocsin.roads.weights import Weights, reweigh

__all__ = [
    "SNAP_METRES_MAX",
    "Placed",
    "Point",
    "Route",
    "Times",
    "Ways",
    "along",
    "heading",
    "metres_between",
    "straight_line",
]

STRAIGHT_KMH: Final = 30.0
DETOUR: Final = 1.35  # road length over straight line, typical of cities
APART_S: Final = 0.005
"""A table's time and a search's that differ by less are the same: float32 holds 2 ms at 4 hours."""


@dataclass(frozen=True)
class Ways:
    """Shape (n,) each, one entry per origin, NaN where there is no way. `degraded` is true when the
    figures are a guess by straight line and not by road. `searched`: the table does not know this
    time, it comes from a direct search. `through_closure`: there is no way but through a closure,
    and the time is that of the open road."""

    minutes: Floats
    measure: Callable[[], Floats]
    basis: Literal["road", "straight_line"]
    degraded: bool
    searched: Bools | None = None
    through_closure: Bools | None = None

    @cached_property
    def km(self) -> Floats:
        """Kilometres along the ways; worked out when first asked for."""
        return self.measure()


@dataclass(frozen=True, slots=True)
class Route:
    """A way through the streets: points (lat, lon) WGS-84, each with the seconds to reach it, and
    the graph's arcs between the first and the last, which are off the road."""

    points: tuple[Point, ...]
    seconds: tuple[float, ...]
    km: float
    arcs: tuple[int, ...] = ()


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
    return Ways(km / STRAIGHT_KMH * 60, lambda: km, "straight_line", degraded=True)


def _known(measure: Callable[[], Floats], minutes: Floats) -> Floats:
    """Kilometres where there are minutes."""
    return np.where(np.isnan(minutes), np.nan, measure())


class Times:
    """Shortest times over one road graph in one mode. Safe to share between threads."""

    def __init__(
        self,
        graph: Graph,
        mode: Mode = "emergency",
        *,
        division: Division | None = None,
        tables: Tables | None = None,
    ) -> None:
        self.graph, self.mode = graph, mode
        self._places = Places(graph, mode)
        division = undivided(graph) if division is None else division
        self._open = Journeys(division.islands, division.weights[mode])
        self._now = self._open
        self._seconds: NDArray[Any] = graph.seconds(mode)
        self._tables = Tables() if tables is None else tables
        self.token = OPEN
        self._touched = np.zeros(len(division.islands.size) + 1, dtype=np.bool_)
        same = np.arange(graph.nodes) if graph.node_same is None else graph.node_same
        self._group = np.argsort(same, kind="stable")
        self._group_first = np.searchsorted(same[self._group], np.arange(graph.nodes + 1))

    @classmethod
    def load(cls, folder: Path, mode: Mode = "emergency") -> Times:
        """Raises RoadsMissing or RoadsBroken, whose text is for an administrator."""
        graph, said = load_described(folder)
        division = load_division(arrays_folder(folder, said), graph)
        if division is None:
            return cls(graph, mode)
        tables = load_tables(folder, said, len(division.islands.decision))
        return cls(graph, mode, division=division, tables=tables[mode])

    def _with(self, **changes: Any) -> Self:
        other = copy.copy(self)
        vars(other).update(changes)
        return other

    def with_seconds(self, seconds: NDArray[Any], token: str) -> Self:
        """The same roads with other seconds for each arc, infinite where closed; `token` names
        what changed them. As long as the table does not know it, times are searched for."""
        islands = self._open.islands
        touched = np.zeros_like(self._touched)
        now = self._open
        changed = np.flatnonzero(seconds != self.graph.seconds(self.mode))
        if len(changed):
            now = Journeys(
                islands, reweigh(self.graph, islands, self._open.weights, seconds, changed)
            )
            touched[islands.arc_island[changed]] = True
            touched[-1] = False  # the arcs between decision nodes
        return self._with(token=token, _seconds=seconds, _touched=touched, _now=now)

    def with_tables(self, tables: Tables) -> Self:
        """The same roads with other tables."""
        return self._with(_tables=tables)

    @property
    def weights(self) -> Weights:
        """What the decision nodes weigh with the closures in force, for a table."""
        return self._now.weights

    @property
    def from_table(self) -> bool:
        """Whether all times come from a table that knows the closures in force."""
        return self._tables.knowing(self.token) is not None

    def place(self, points: ArrayLike) -> Placed:
        """Look places (n, 2) up on the roads, degrees WGS-84."""
        return self._place(*self._places.nearest(_points(points)))

    def _place(self, nodes: NDArray[np.int64], off: Floats) -> Placed:
        placed = self._now.place(nodes, off)
        if self._now is self._open:
            return placed
        return replace(placed, opened=self._open.place(nodes, off))

    def minutes(self, origins: ArrayLike | Placed, destination: Point | Placed) -> Floats:
        """Minutes by road from each origin (n, 2) to the destination; NaN where there is no way."""
        return self.ways(origins, destination).minutes

    def ways(self, origins: ArrayLike | Placed, destination: Point | Placed) -> Ways:
        """Minutes and kilometres by road from each origin (n, 2), degrees WGS-84; NaN where an
        end is farther than 1.5 km from every road, not a number, or not connected. Whoever asks
        again and again about the same places places them once."""
        placed = self._still(origins if isinstance(origins, Placed) else self.place(origins))
        if isinstance(destination, Placed):
            node, off = int(destination.nodes[0]), float(destination.off_metres[0])
        else:
            nodes, away = self._places.nearest(np.asarray([destination], dtype=np.float64))
            node, off = int(nodes[0]), float(away[0])
        count = len(placed.nodes)
        if node < 0 or not count:
            nowhere = np.full(count, np.nan)
            return Ways(nowhere, nowhere.copy, "road", degraded=False)
        goal = self._now.goal(self._copies(node), off)
        table = self._tables.knowing(self.token)
        if table is not None:
            seconds = self._now.seconds(goal, placed, seconds_of_table(table, goal))
            searched = np.zeros(count, dtype=np.bool_)
            measure = partial(self._km, goal, placed, table)
        else:
            rows = rows_by_search(self._now.weights, goal)
            seconds, metres = self._now.to(goal, placed, rows)
            searched = self._unknown_to_tables(goal, placed, seconds)
            measure = partial(np.divide, metres, 1000)
        lost = np.isinf(seconds)
        if not lost.any():
            seconds /= 60
            return Ways(seconds, measure, "road", False, searched)
        through = None
        if placed.opened is not None:
            some = np.flatnonzero(lost)
            open_goal, row, both = self._opened(node, off, goal)
            seconds[some] = self._open.seconds_of_some(open_goal, placed.opened, row, some)
            through = lost & np.isfinite(seconds)
            measure = partial(self._patched, measure, open_goal, placed.opened, both, some)
        minutes = np.where(np.isinf(seconds), np.nan, seconds / 60)
        return Ways(minutes, partial(_known, measure, minutes), "road", False, searched, through)

    def _km(self, goal: Goal, placed: Placed, table: Table) -> Floats:
        return self._now.to(goal, placed, rows_of_table(table, goal))[1] / 1000

    def _still(self, placed: Placed) -> Placed:
        """Places as they are on the roads of this moment."""
        if placed.weights is self._now.weights:
            return placed
        return self._place(placed.nodes, placed.off_metres)

    def _copies(self, node: int) -> NDArray[np.int64]:
        """A node and those that forbidden turns split off it."""
        return self._group[self._group_first[node] : self._group_first[node + 1]]

    def _unknown_to_tables(self, goal: Goal, placed: Placed, seconds: Floats) -> Bools:
        """Which times tables that know other closures would give wrongly; all without a table."""
        table = self._tables.closed or self._tables.open
        if table is None:
            return np.ones(len(seconds), dtype=np.bool_)
        known = self._now.seconds(goal, placed, seconds_of_table(table, goal))
        with np.errstate(invalid="ignore"):
            same = (np.abs(known - seconds) <= APART_S) | (np.isinf(known) & np.isinf(seconds))
        island = self._now.islands.island
        here = self._touched[island[np.maximum(placed.nodes, 0)]]
        there = bool(self._touched[island[list(goal.nodes)]].any())
        return ~same | here | there

    def _opened(
        self, node: int, off: float, goal: Goal
    ) -> tuple[Goal, NDArray[Any], Callable[[], Rows]]:
        """Where closures leave no way, the open roads': a crew is never left without a time. The
        goal on them, the seconds to it, and seconds and metres when asked for."""
        if self._touched[self._open.islands.island[list(goal.nodes)]].any():
            goal = self._open.goal(self._copies(node), off)
        table = self._tables.open
        if table is not None:
            return goal, seconds_of_table(table, goal), partial(rows_of_table, table, goal)
        rows = rows_by_search(self._open.weights, goal)
        return goal, rows[0], lambda: rows

    def _patched(
        self,
        measure: Callable[[], Floats],
        goal: Goal,
        placed: Placed,
        rows: Callable[[], Rows],
        some: NDArray[np.int64],
    ) -> Floats:
        km = measure()
        km[some] = self._open.to(goal, placed, rows())[1][some] / 1000
        return km

    def route(self, origin: Point, destination: Point) -> Route | None:
        """The fastest way through the streets, or None where there is none."""
        nodes, off = self._places.nearest(np.asarray([origin, destination], dtype=np.float64))
        if (nodes < 0).any():
            return None
        start, goal = int(nodes[0]), int(nodes[1])
        copies = self._copies(goal)
        arcs, order = self._streets()
        found = dijkstra(arcs, directed=True, indices=[start], return_predecessors=True)
        seconds, before = found[0][0], found[1][0]
        goal = int(copies[np.argmin(seconds[copies])])
        if not np.isfinite(seconds[goal]):
            return None
        path = [goal]
        while path[-1] != start:
            path.append(int(before[path[-1]]))
        path.reverse()
        lat, lon = self.graph.node_lat, self.graph.node_lon
        first = float(off[0]) / PACE
        points = [origin, *((float(lat[node]), float(lon[node])) for node in path), destination]
        at = [0.0, *(first + float(seconds[node]) for node in path)]
        at.append(at[-1] + float(off[1]) / PACE)
        used = tuple(self._arc(arcs, order, a, b) for a, b in pairwise(path))
        metres = float(off.sum()) + sum(float(self.graph.arc_metres[arc]) for arc in used)
        return Route(tuple(points), tuple(at), metres / 1000, used)

    def _streets(self) -> tuple[csr_array[Any], NDArray[np.int64]]:
        """All arcs that are open as a matrix, of parallel ones the fastest, and their numbers."""
        graph, seconds = self.graph, self._seconds
        order = np.flatnonzero(np.isfinite(seconds))
        order = order[np.lexsort((seconds[order], graph.arc_to[order], graph.arc_from[order]))]
        start, end = graph.arc_from[order], graph.arc_to[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
        order = order[first]
        begin = np.searchsorted(start[first], np.arange(graph.nodes + 1))
        values = seconds[order].astype(np.float64)
        shape = (graph.nodes, graph.nodes)
        return csr_array((values, end[first], begin), shape=shape), order

    @staticmethod
    def _arc(arcs: csr_array[Any], order: NDArray[np.int64], start: int, end: int) -> int:
        low, high = int(arcs.indptr[start]), int(arcs.indptr[start + 1])
        return int(order[low + int(np.searchsorted(arcs.indices[low:high], end))])


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
