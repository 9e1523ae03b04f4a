"""Divides a road graph: decision nodes, where streets meet, and between them islands (a street
without junctions, with the dead ends off it) that border on two decision nodes at most."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from tocsin.roads.graph import Bools, Graph, Ints

ISLAND_NODES_MAX: Final = 64
"""A larger island is divided: the times within an island are kept for each pair of its nodes."""

Adjacency = tuple[Ints, Ints]


@dataclass(frozen=True, slots=True)
class Islands:
    """`decision` (d,) are nodes. For each node (n,): its number among them or -1, its island or -1,
    its place within it. For each island: nodes, bordering decision nodes (-1: none), where its
    nodes begin among `members`, and its square among those of all. For each arc: its island, -1
    between decision nodes."""

    decision: Ints
    number: Ints
    island: Ints
    place: Ints
    size: Ints
    border: Ints
    members: Ints
    first: NDArray[np.int64]
    begin: NDArray[np.int64]
    arc_island: Ints

    @property
    def squares(self) -> int:
        """Pairs of nodes within islands, of all islands together."""
        return int((self.size.astype(np.int64) ** 2).sum())


def divide(graph: Graph) -> Islands:
    """The decision nodes and islands of a graph; the same for each mode and all closures."""
    adjacency = _adjacency(graph)
    is_decision, in_core = _junctions(adjacency)
    while True:
        island, border = _between(graph, is_decision)
        more = _to_promote(adjacency, is_decision, in_core, island, border)
        if not more:
            return _numbered(graph, is_decision, island, border)
        is_decision[more] = True


def _adjacency(graph: Graph) -> Adjacency:
    """Neighbours of each node, whatever the direction: where they begin, and all of them."""
    low = np.minimum(graph.arc_from, graph.arc_to).astype(np.int64)
    high = np.maximum(graph.arc_from, graph.arc_to).astype(np.int64)
    pairs = np.unique(low * graph.nodes + high)
    low, high = pairs // graph.nodes, pairs % graph.nodes
    distinct = low != high
    start = np.concatenate([low[distinct], high[distinct]])
    end = np.concatenate([high[distinct], low[distinct]])
    order = np.argsort(start, kind="stable")
    begin = np.searchsorted(start[order], np.arange(graph.nodes + 1))
    return begin.astype(np.int32), end[order].astype(np.int32)


def _junctions(adjacency: Adjacency) -> tuple[Bools, Bools]:
    """Nodes with three ways or more, dead ends not counted; and those that are not in dead ends."""
    begin, ends = adjacency
    degree = np.diff(begin).tolist()
    first, neighbours = begin.tolist(), ends.tolist()
    core = [True] * len(degree)
    leaves = [node for node, ways in enumerate(degree) if ways <= 1]
    while leaves:
        node = leaves.pop()
        if not core[node]:
            continue
        core[node] = False
        for other in neighbours[first[node] : first[node + 1]]:
            if core[other]:
                degree[other] -= 1
                if degree[other] <= 1:
                    leaves.append(other)
    in_core = np.array(core)
    return in_core & (np.array(degree) >= 3), in_core


def _between(graph: Graph, is_decision: Bools) -> tuple[Ints, Ints]:
    """The island of each node, -1 for decision nodes, and the decision nodes that each borders on.

    A third border is a fault of the division; it is kept in the count for `_numbered` to see."""
    start, end = graph.arc_from, graph.arc_to
    inner = ~is_decision[start] & ~is_decision[end]
    shape = (graph.nodes, graph.nodes)
    links = csr_array((np.ones(int(inner.sum()), dtype=np.int8), (start[inner], end[inner])), shape)
    part = connected_components(links, directed=False)[1]
    island = np.full(graph.nodes, -1, dtype=np.int32)
    _, island[~is_decision] = np.unique(part[~is_decision], return_inverse=True)
    count = int(island.max(initial=-1)) + 1
    tails = np.concatenate([start, end])
    heads = np.concatenate([end, start])
    across = ~is_decision[tails] & is_decision[heads]
    pairs = np.unique(island[tails[across]].astype(np.int64) * graph.nodes + heads[across])
    of, node = pairs // graph.nodes, pairs % graph.nodes
    rank = np.arange(len(of)) - np.searchsorted(of, of)
    if len(rank) and rank.max() > 1:
        raise AssertionError("an island borders on more than two decision nodes")
    border = np.full((count, 2), -1, dtype=np.int32)
    border[of, rank] = node
    return island, border


def _to_promote(
    adjacency: Adjacency, is_decision: Bools, in_core: Bools, island: Ints, border: Ints
) -> list[int]:
    """Nodes that must be decision nodes too: of rings and roads without a junction, and of islands
    that are too large."""
    sizes = np.bincount(island[~is_decision], minlength=len(border))
    wanted = (border[:, 0] < 0) | (sizes > ISLAND_NODES_MAX)
    if not wanted.any():
        return []
    order = np.argsort(island, kind="stable")
    first = np.searchsorted(island[order], np.arange(len(border) + 1))
    chosen = []
    for one in np.flatnonzero(wanted).tolist():
        nodes = order[first[one] : first[one + 1]]
        if border[one, 0] < 0:
            inside = nodes[in_core[nodes]]
            chosen.append(int(inside[0] if len(inside) else nodes[0]))
        else:
            chosen.append(_middle(adjacency, island, one, border[one].tolist()))
    return chosen


def _middle(adjacency: Adjacency, island: Ints, one: int, border: list[int]) -> int:
    """A node that divides an island well: one that all ways between its two borders pass, or, where
    there is one border only, any; of those the one with half of the island behind it."""
    begin, ends = adjacency

    def inside(node: int) -> list[int]:
        near: list[int] = ends[begin[node] : begin[node + 1]].tolist()
        return [other for other in near if island[other] == one]

    two = border[1] >= 0
    # On a ring, the node at which it was opened borders on both of its ends; the other border does
    # on one place only, and there all ways begin.
    root, goal = border if not two or len(inside(border[0])) == 1 else border[::-1]
    before: dict[int, int] = {}
    order: list[int] = []
    queue = deque([root])
    while queue:
        node = queue.popleft()
        for other in inside(node):
            if other not in before:
                before[other] = node
                order.append(other)
                queue.append(other)
    behind = dict.fromkeys(order, 1)
    for node in reversed(order):
        if before[node] in behind:
            behind[before[node]] += behind[node]
    allowed = set(order)
    for last in inside(goal) if two else ():
        way = [last]
        while before[way[-1]] != root:
            way.append(before[way[-1]])
        allowed &= set(way)
    half = len(order) / 2
    return min(allowed, key=lambda node: (abs(behind[node] - half), node))


def _numbered(graph: Graph, is_decision: Bools, island: Ints, border: Ints) -> Islands:
    decision = np.flatnonzero(is_decision).astype(np.int32)
    number = np.full(graph.nodes, -1, dtype=np.int32)
    number[decision] = np.arange(len(decision))
    order = np.argsort(island, kind="stable")
    place = np.zeros(graph.nodes, dtype=np.int32)
    place[order] = np.arange(graph.nodes) - np.searchsorted(island[order], island[order])
    size = np.bincount(island[~is_decision], minlength=len(border)).astype(np.int32)
    square = size.astype(np.int64) ** 2
    tail, head = island[graph.arc_from], island[graph.arc_to]
    return Islands(
        decision=decision,
        number=number,
        island=island,
        place=place,
        size=size,
        border=np.where(border >= 0, number[border], -1).astype(np.int32),
        members=order[len(decision) :].astype(np.int32),
        first=np.cumsum(size, dtype=np.int64) - size,
        begin=np.cumsum(square) - square,
        arc_island=np.where(tail >= 0, tail, head).astype(np.int32),
    )


def arcs_of(islands: Islands, chosen: Any) -> NDArray[np.int64]:
    """The arcs within and at the edge of some islands."""
    wanted = np.zeros(len(islands.size) + 1, dtype=np.bool_)
    wanted[chosen] = True
    wanted[-1] = False  # the arcs between decision nodes have island -1
    return np.flatnonzero(wanted[islands.arc_island])
