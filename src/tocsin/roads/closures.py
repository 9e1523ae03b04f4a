"""Closures and delays on the roads: an area, a road or a line drawn by hand, from a start to an
expiry. Which arcs each touches, and what all in force make of the arcs' seconds."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from tocsin.roads.graph import MODES, Floats, Graph, Mode
from tocsin.roads.sphere import Point, metres, plane
from tocsin.roads.tables import OPEN

POINTS_MAX: Final = 1_000
AREA_KM2_MAX: Final = 10_000.0
LINE_KM_MAX: Final = 200.0
WAYS_MAX: Final = 10_000
SLOWER_MAX: Final = 100.0
DELAY_S_MAX: Final = 14_400.0
LASTS_MAX: Final = timedelta(days=366)
ALONG_METRES: Final = 15.0
"""An arc with both ends this near to a drawn line is meant, too, though it never crosses it."""


class Flaw(StrEnum):
    """Why a closure is refused."""

    TOO_FEW_POINTS = "too_few_points"
    TOO_MANY_POINTS = "too_many_points"
    NOWHERE = "nowhere"
    CROSSES_ITSELF = "crosses_itself"
    TOO_LARGE = "too_large"
    NO_ROADS = "no_roads"
    NO_SUCH_WAY = "no_such_way"
    ENDS_BEFORE_IT_STARTS = "ends_before_it_starts"
    LASTS_TOO_LONG = "lasts_too_long"
    DELAY_OUT_OF_BOUNDS = "delay_out_of_bounds"
    DELAY_OF_AN_AREA = "delay_of_an_area"
    NO_MODE = "no_mode"


class ClosureRefused(Exception):
    """A closure that cannot be; `place` is the point, the way or the figure that is wrong."""

    def __init__(self, flaw: Flaw, place: str = "") -> None:
        super().__init__(f"{flaw}: {place}")
        self.flaw, self.place = flaw, place


@dataclass(frozen=True, slots=True)
class Area:
    """All roads within or into a polygon of points (lat, lon) WGS-84; it closes itself."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """All roads that cross a drawn line, and those that it was drawn along."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Road:
    """Whole ways by the number that the map gives them (tables: the line of an arc)."""

    ways: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Closure:
    """Closed from `start` until before `expiry`; or, with `slower` above 1 or `delay_s` above 0,
    open and so many times as slow, and delayed: each crossing of a line, a road's whole length."""

    id: str
    shape: Area | Line | Road
    start: datetime
    expiry: datetime
    slower: float = 1.0
    delay_s: float = 0.0
    modes: tuple[Mode, ...] = MODES

    @property
    def closes(self) -> bool:
        """Whether nobody gets through, in its modes."""
        return self.slower == 1.0 and self.delay_s == 0.0


def check(closure: Closure) -> None:
    """Raise ClosureRefused unless it can be: known shape, real places, possible figures."""
    if closure.start >= closure.expiry:
        raise ClosureRefused(Flaw.ENDS_BEFORE_IT_STARTS, closure.expiry.isoformat())
    if closure.expiry - closure.start > LASTS_MAX:
        raise ClosureRefused(Flaw.LASTS_TOO_LONG, closure.expiry.isoformat())
    if not (1.0 <= closure.slower <= SLOWER_MAX):
        raise ClosureRefused(Flaw.DELAY_OUT_OF_BOUNDS, f"{closure.slower:g}")
    if not (0.0 <= closure.delay_s <= DELAY_S_MAX):
        raise ClosureRefused(Flaw.DELAY_OUT_OF_BOUNDS, f"{closure.delay_s:g}")
    if not closure.modes or not set(closure.modes) <= set(MODES):
        raise ClosureRefused(Flaw.NO_MODE, ", ".join(closure.modes))
    shape = closure.shape
    if isinstance(shape, Road):
        if not 0 < len(shape.ways) <= WAYS_MAX:
            few = not shape.ways
            raise ClosureRefused(
                Flaw.TOO_FEW_POINTS if few else Flaw.TOO_MANY_POINTS, str(len(shape.ways))
            )
        return
    _check_points(shape)
    if isinstance(shape, Area):
        if closure.delay_s:
            raise ClosureRefused(Flaw.DELAY_OF_AN_AREA, f"{closure.delay_s:g}")
        _check_area(shape)
    elif (km := _km(shape.points)) > LINE_KM_MAX:
        raise ClosureRefused(Flaw.TOO_LARGE, f"{km:.0f} km")


def _check_points(shape: Area | Line) -> None:
    for lat, lon in shape.points:
        if not (abs(lat) <= 90 and abs(lon) <= 180):  # NaN as well
            raise ClosureRefused(Flaw.NOWHERE, f"{lat} {lon}")
    if len(set(shape.points)) < (3 if isinstance(shape, Area) else 2):
        raise ClosureRefused(Flaw.TOO_FEW_POINTS, str(len(set(shape.points))))
    if len(shape.points) > POINTS_MAX:
        raise ClosureRefused(Flaw.TOO_MANY_POINTS, str(len(shape.points)))


def _check_area(shape: Area) -> None:
    polygon = shapely.Polygon([(lon, lat) for lat, lon in shape.points])
    if not polygon.is_valid:
        where = shapely.is_valid_reason(polygon).partition("[")[2].rstrip("]").split()
        raise ClosureRefused(Flaw.CROSSES_ITSELF, " ".join(reversed(where)))
    lat = polygon.centroid.y
    km2 = polygon.area * 111.195**2 * math.cos(math.radians(lat))
    if km2 > AREA_KM2_MAX:
        raise ClosureRefused(Flaw.TOO_LARGE, f"{km2:.0f} km2")


def _km(points: tuple[Point, ...]) -> float:
    return sum(metres(a, b) for a, b in pairwise(points)) / 1000


def in_force(closures: Iterable[Closure], now: datetime) -> tuple[Closure, ...]:
    """Those that count at `now`, by id."""
    now_on = [one for one in closures if one.start <= now < one.expiry]
    return tuple(sorted(now_on, key=lambda one: one.id))


def next_change(closures: Iterable[Closure], now: datetime) -> datetime | None:
    """When another set of them will be in force, None when that stays."""
    moments = [at for one in closures for at in (one.start, one.expiry) if at > now]
    return min(moments, default=None)


def token(closures: Iterable[Closure]) -> str:
    """Names what closures in force do to the roads: the same for those that do the same."""
    said = sorted(
        json.dumps(
            [type(one.shape).__name__, _plain(one.shape), one.slower, one.delay_s, one.modes]
        )
        for one in closures
    )
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16] if said else OPEN


def _plain(shape: Area | Line | Road) -> Any:
    return shape.ways if isinstance(shape, Road) else shape.points


class Touched:
    """Finds the arcs that closures touch on one graph. Safe to share between threads."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._middle_lat = float(np.mean(graph.node_lat))
        flat = plane(graph.node_lat, graph.node_lon, self._middle_lat)
        self._ends = flat[graph.arc_from], flat[graph.arc_to]
        self._tree = shapely.STRtree(np.asarray(shapely.linestrings(np.stack(self._ends, axis=1))))

    def arcs(self, closure: Closure) -> NDArray[np.int64]:
        """Arcs that a closure touches. Raises ClosureRefused, also where there is none."""
        check(closure)
        shape = closure.shape
        if isinstance(shape, Road):
            return self._of_ways(shape)
        lat, lon = np.array(shape.points, dtype=np.float64).T
        flat = plane(lat, lon, self._middle_lat)
        if isinstance(shape, Area):
            polygon = shapely.Polygon(flat)
            found = self._tree.query(polygon, predicate="intersects")
        else:
            line = shapely.LineString(flat)
            found = self._tree.query(line, predicate="intersects")
            near = self._tree.query(line, predicate="dwithin", distance=ALONG_METRES)
            along = [
                shapely.distance(shapely.points(end[near]), line) <= ALONG_METRES
                for end in self._ends
            ]
            found = np.union1d(found, near[along[0] & along[1]])
        if not len(found):
            raise ClosureRefused(Flaw.NO_ROADS, f"{shape.points[0][0]} {shape.points[0][1]}")
        return np.sort(found).astype(np.int64)

    def _of_ways(self, shape: Road) -> NDArray[np.int64]:
        way = self._graph.arc_way
        if way is None:
            raise ClosureRefused(Flaw.NO_SUCH_WAY, str(shape.ways[0]))
        for one in shape.ways:
            if not (way == one).any():
                raise ClosureRefused(Flaw.NO_SUCH_WAY, str(one))
        return np.flatnonzero(np.isin(way, shape.ways)).astype(np.int64)

    def seconds(
        self, mode: Mode, closures: Iterable[Closure], arcs: Mapping[str, NDArray[np.int64]]
    ) -> NDArray[Any]:
        """Seconds of each arc in `mode` with closures in force, whose arcs are given by id. Of a
        closure and a delay the closure counts; delays add up, factors multiply."""
        usual = self._graph.seconds(mode)
        found: Floats | None = None
        for one in closures:
            if mode not in one.modes:
                continue
            if found is None:
                found = usual.astype(np.float64)
            touched = arcs[one.id]
            if one.closes:
                found[touched] = np.inf
                continue
            found[touched] *= one.slower
            if one.delay_s and isinstance(one.shape, Road):
                found[touched] += one.delay_s * self._share_of_way(touched)
            elif one.delay_s:
                found[touched] += one.delay_s
        return usual if found is None else found

    def _share_of_way(self, arcs: NDArray[np.int64]) -> Floats:
        """Each arc's share of the length of its way in one direction. A way that is open both ways
        has each stretch twice."""
        graph = self._graph
        assert graph.arc_way is not None
        length = graph.arc_metres[arcs].astype(np.float64)
        _, way = np.unique(graph.arc_way[arcs], return_inverse=True)
        low = np.minimum(graph.arc_from[arcs], graph.arc_to[arcs]).astype(np.int64)
        high = np.maximum(graph.arc_from[arcs], graph.arc_to[arcs])
        _, first = np.unique(low * graph.nodes + high, return_index=True)
        total = np.zeros(int(way.max()) + 1)
        np.add.at(total, way[first], length[first])
        shares: Floats = length / total[way]
        return shares
