"""From what was read to the road graph: nodes and arcs with their seconds, forbidden turns split
off, and the largest part in which every place can be reached from every other."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from tocsin.roads.extract import Extract, Way
from tocsin.roads.graph import Graph, Ints
from tocsin.roads.rules import CLASSES, Rules, Street
from tocsin.roads.sphere import metres

STEP_METRES_MAX: Final = 120.0
"""A longer stretch without a bend is divided, so that the next node of a place on it is near."""
METRES_MIN: Final = 0.1
PIECES_NAMED: Final = 20


@dataclass(slots=True)
class Draft:
    """A graph that is being drawn: one entry a node, one entry an arc."""

    lat: list[float] = field(default_factory=list)
    lon: list[float] = field(default_factory=list)
    same: list[int] = field(default_factory=list)
    access: list[bool] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    ordinary: list[float] = field(default_factory=list)
    length: list[float] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    way: list[int] = field(default_factory=list)
    gates: dict[int, tuple[bool, bool, bool]] = field(default_factory=dict)

    def node(self, lat: float, lon: float, same: int | None = None) -> int:
        """A new node; `same` is the one at whose place it stands."""
        number = len(self.lat)
        self.lat.append(lat)
        self.lon.append(lon)
        self.same.append(number if same is None else same)
        self.access.append(False if same is None else self.access[same])
        return number

    def arc(self, start: int, end: int, seconds: float, ordinary: float, like: Like) -> None:
        """A new arc of seconds with sirens and without, infinite where closed."""
        self.start.append(start)
        self.end.append(end)
        self.seconds.append(seconds)
        self.ordinary.append(ordinary)
        self.length.append(like.length)
        self.kind.append(like.kind)
        self.way.append(like.way)

    def graph(self) -> Graph:
        """As arrays."""
        return Graph(
            node_lat=np.array(self.lat),
            node_lon=np.array(self.lon),
            arc_from=np.array(self.start, dtype=np.int32),
            arc_to=np.array(self.end, dtype=np.int32),
            arc_seconds=np.array(self.seconds, dtype=np.float32),
            arc_metres=np.array(self.length, dtype=np.float32),
            arc_ordinary=np.array(self.ordinary, dtype=np.float32),
            arc_class=np.array(self.kind, dtype=np.uint8),
            arc_way=np.array(self.way, dtype=np.int64),
            node_same=np.array(self.same, dtype=np.int32),
            node_access=np.array(self.access, dtype=np.bool_),
        )


@dataclass(frozen=True, slots=True)
class Like:
    length: float
    kind: int
    way: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Roads that are not connected with the rest, and one place on them."""

    nodes: int
    km: float
    lat: float
    lon: float
    way: int


@dataclass(frozen=True, slots=True)
class Connected:
    """The part of a graph that is kept, and what was cut off from it, largest first."""

    graph: Graph
    pieces: tuple[Piece, ...]
    cut_pieces: int
    cut_nodes: int
    cut_km: float


def draw(extract: Extract, rules: Rules) -> tuple[Draft, dict[int, int]]:
    """The roads of an extract before turns, and the node of each OpenStreetMap id on them."""
    draft = Draft()
    node_of: dict[int, int] = {}
    for way in extract.ways:
        _draw_way(way, extract, rules, draft, node_of)
    return draft, node_of


def _draw_way(
    way: Way, extract: Extract, rules: Rules, draft: Draft, node_of: dict[int, int]
) -> None:
    kind = CLASSES.index(way.street.kind)
    before: int | None = None
    for number, ref in enumerate(way.nodes):
        lat, lon = way.points[number]
        barrier = extract.barriers.get(ref)
        wall = barrier is not None and not barrier[0]
        # Behind a wall another road begins, at the same place.
        here = draft.node(lat, lon) if wall else node_of.get(ref)
        if here is None:
            here = node_of[ref] = draft.node(lat, lon)
            if barrier is not None:
                draft.gates[here] = barrier
        if before is not None:
            _stretch(draft, before, here, way, kind, rules)
        if wall:
            here = draft.node(lat, lon)
        before = here


def _stretch(
    draft: Draft,
    start: int,
    end: int,
    way: Way,
    kind: int,
    rules: Rules,
) -> None:
    """Both directions of the road between two nodes, divided where it is long."""
    a, b = (draft.lat[start], draft.lon[start]), (draft.lat[end], draft.lon[end])
    length = max(metres(a, b), METRES_MIN)
    steps = max(1, int(np.ceil(length / STEP_METRES_MAX)))
    nodes = [start]
    for step in range(1, steps):
        share = step / steps
        nodes.append(draft.node(a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share))
    nodes.append(end)
    street: Street = way.street
    like = Like(length / steps, kind, way.id)
    for one in nodes:
        draft.access[one] = draft.access[one] or street.access
    for here, there in pairwise(nodes):
        _one_way(draft, here, there, street.forward, street.ordinary_forward, like, rules)
        _one_way(draft, there, here, street.backward, street.ordinary_backward, like, rules)


def _one_way(
    draft: Draft,
    start: int,
    end: int,
    kmh: float,
    ordinary_kmh: float,
    like: Like,
    rules: Rules,
) -> None:
    if kmh <= 0:
        return
    seconds = like.length / (kmh / 3.6)
    ordinary = like.length / (ordinary_kmh / 3.6) if ordinary_kmh > 0 else np.inf
    gate = draft.gates.get(end)
    if gate is not None and gate[2]:
        seconds += rules.emergency.gate_s
    if gate is not None and not gate[1]:
        ordinary = np.inf
    draft.arc(start, end, seconds, ordinary, like)


def matrix(graph: Graph, seconds: NDArray[Any]) -> csr_array[Any]:
    """The arcs of finite seconds as a sparse matrix; of parallel ones the fastest."""
    use = np.flatnonzero(np.isfinite(seconds))
    order = use[np.lexsort((seconds[use], graph.arc_to[use], graph.arc_from[use]))]
    start, end = graph.arc_from[order], graph.arc_to[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
    shape = (graph.nodes, graph.nodes)
    values = seconds[order[first]].astype(np.float64)
    return csr_array((values, (start[first], end[first])), shape=shape)


def connected(graph: Graph) -> Connected:
    """The largest part in which each node can be reached from each other by crews."""
    links = matrix(graph, graph.arc_seconds)
    count, part = connected_components(links, directed=True, connection="strong")
    largest = int(np.argmax(np.bincount(part, minlength=count)))
    keep = part == largest
    same = graph.node_same
    if same is not None:
        # Where every way in has its own forbidden turn, only the copies can be reached; a unit that
        # stands there sets out from the node itself.
        together = np.zeros(graph.nodes, dtype=np.bool_)
        np.logical_or.at(together, same, keep)
        keep = keep | (together & (same == np.arange(graph.nodes)))
    pieces, km = _pieces(graph, keep)
    cut = int((~keep).sum())
    return Connected(_part(graph, keep), pieces[:PIECES_NAMED], len(pieces), cut, km)


def _pieces(graph: Graph, keep: NDArray[np.bool_]) -> tuple[tuple[Piece, ...], float]:
    """What is not kept, by what hangs together, largest first, and its kilometres of arcs."""
    lost = ~keep
    gone = lost[graph.arc_from] | lost[graph.arc_to]
    total = float(graph.arc_metres[gone].sum()) / 1000
    inner = lost[graph.arc_from] & lost[graph.arc_to]
    shape = (graph.nodes, graph.nodes)
    ends = (graph.arc_from[inner], graph.arc_to[inner])
    links = csr_array((np.ones(int(inner.sum()), dtype=np.int8), ends), shape=shape)
    count, part = connected_components(links, directed=False)
    length = np.zeros(count)
    tail = np.where(lost[graph.arc_from], graph.arc_from, graph.arc_to)[gone]
    np.add.at(length, part[tail], graph.arc_metres[gone] / 1000)
    nodes = np.bincount(part[lost], minlength=count)
    some = {int(part[node]): int(node) for node in np.flatnonzero(lost)[::-1]}
    road: dict[int, int] = {}
    if graph.arc_way is not None:
        road = dict(zip(part[tail].tolist(), graph.arc_way[gone].tolist(), strict=True))
    found = [
        Piece(
            int(nodes[one]),
            round(float(length[one]), 3),
            float(graph.node_lat[node]),
            float(graph.node_lon[node]),
            road.get(one, 0),
        )
        for one, node in some.items()
    ]
    found.sort(key=lambda one: (-one.km, -one.nodes, one.lat, one.lon))
    return tuple(found), total


def _part(graph: Graph, keep: NDArray[np.bool_]) -> Graph:
    number: Ints = (np.cumsum(keep) - 1).astype(np.int32)
    arcs = keep[graph.arc_from] & keep[graph.arc_to]

    def of_nodes(values: Any) -> Any:
        return None if values is None else values[keep]

    def of_arcs(values: Any) -> Any:
        return None if values is None else values[arcs]

    same = None if graph.node_same is None else number[graph.node_same[keep]]
    return Graph(
        graph.node_lat[keep],
        graph.node_lon[keep],
        number[graph.arc_from[arcs]],
        number[graph.arc_to[arcs]],
        graph.arc_seconds[arcs],
        graph.arc_metres[arcs],
        of_arcs(graph.arc_ordinary),
        of_arcs(graph.arc_class),
        of_arcs(graph.arc_way),
        same,
        of_nodes(graph.node_access),
    )
