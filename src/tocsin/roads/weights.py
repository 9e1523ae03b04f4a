"""What a division of the graph weighs in one mode: seconds and metres from each node to the borders
of its island and back, within islands, and from decision node to decision node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from tocsin.roads.graph import Floats, Floats32, Graph, Ints
from tocsin.roads.islands import Islands, arcs_of

CELLS_MAX: Final = 4_000_000
"""Of islands' squares that are worked on at once."""


@dataclass(frozen=True, slots=True)
class Weights:
    """`at` (n, 2): the decision nodes that bound each node's island (a decision node: itself).
    `out_*` (n, 2) to them, `in_*` from them, infinite where there is no way within the island.
    `inner_*`: the squares of the islands. `links`: decision node to decision node, from row to
    column, with the metres of each of its entries by `key`; `back` the other way round. `cross`:
    for each island seconds and metres from its first border to its second, and back."""

    at: Ints
    out_seconds: Floats
    out_metres: Floats
    in_seconds: Floats
    in_metres: Floats
    inner_seconds: Floats32
    inner_metres: Floats32
    links: csr_array[Any]
    back: csr_array[Any]
    key: NDArray[np.int64]
    metres: Floats
    cross: Floats


def weigh(graph: Graph, islands: Islands, seconds: NDArray[Any]) -> Weights:
    """All weights for arcs of these seconds, infinite where closed."""
    count = len(islands.size)
    at = np.repeat(islands.number[:, None], 2, axis=1)
    lone = islands.island >= 0
    at[lone] = islands.border[islands.island[lone]]
    at[:, 1] = np.where(at[:, 1] < 0, at[:, 0], at[:, 1])
    away = np.full((graph.nodes, 2), np.inf)
    away[islands.decision, 0] = 0.0
    parts = [away.copy() for _ in range(4)]
    inner = [np.full(islands.squares, np.inf, dtype=np.float32) for _ in range(2)]
    cross = np.full((count, 2, 2), np.inf)  # island, direction, seconds and metres
    for group in _groups(islands, np.arange(count)):
        _weigh_group(graph, islands, seconds, group, parts, inner, cross)
    return _linked(graph, islands, seconds, at, parts, inner, cross)


def reweigh(
    graph: Graph, islands: Islands, before: Weights, seconds: NDArray[Any], changed: NDArray[Any]
) -> Weights:
    """The weights when the seconds of these arcs are others than in `before`."""
    touched = np.unique(islands.arc_island[changed])
    touched = touched[touched >= 0]
    parts = [
        one.copy()
        for one in (before.out_seconds, before.out_metres, before.in_seconds, before.in_metres)
    ]
    inner = [before.inner_seconds, before.inner_metres]
    if len(touched):
        inner = [one.copy() for one in inner]
    cross = before.cross.copy()
    for group in _groups(islands, touched):
        _weigh_group(graph, islands, seconds, group, parts, inner, cross)
    return _linked(graph, islands, seconds, before.at, parts, inner, cross)


def _groups(islands: Islands, chosen: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Islands of one size at a time, as many as may be worked on at once."""
    sizes = islands.size[chosen]
    for size in np.unique(sizes).tolist():
        group = chosen[sizes == size]
        step = max(1, CELLS_MAX // (size + 2) ** 2)
        for start in range(0, len(group), step):
            yield group[start : start + step]


def _weigh_group(
    graph: Graph,
    islands: Islands,
    seconds: NDArray[Any],
    group: NDArray[Any],
    parts: list[Floats],
    inner: list[Floats32],
    cross: Floats,
) -> None:
    """Floyd and Warshall's search in all islands of a group at once, which have the same size."""
    size = int(islands.size[group[0]])
    fastest, length = _squares(graph, islands, seconds, group, size)
    for via in range(size):
        through = fastest[:, :, via, None] + fastest[:, None, via, :]
        nearer = through < fastest
        detour = length[:, :, via, None] + length[:, None, via, :]
        fastest = np.where(nearer, through, fastest)
        length = np.where(nearer, detour, length)
    nodes = islands.members[islands.first[group][:, None] + np.arange(size)]
    parts[0][nodes], parts[1][nodes] = fastest[:, :size, size:], length[:, :size, size:]
    parts[2][nodes] = fastest[:, size:, :size].transpose(0, 2, 1)
    parts[3][nodes] = length[:, size:, :size].transpose(0, 2, 1)
    cells = islands.begin[group][:, None] + np.arange(size * size)
    for flat, square in zip(inner, (fastest, length), strict=True):
        flat[cells] = square[:, :size, :size].reshape(len(group), -1)
    for direction, (start, end) in enumerate(((size, size + 1), (size + 1, size))):
        cross[group, direction, 0] = fastest[:, start, end]
        cross[group, direction, 1] = length[:, start, end]


def _squares(
    graph: Graph, islands: Islands, seconds: NDArray[Any], group: NDArray[Any], size: int
) -> tuple[Floats, Floats]:
    """The arcs of islands as squares (island, from, to): its nodes, then its two borders."""
    fastest = np.full((len(group), size + 2, size + 2), np.inf)
    length = np.full_like(fastest, np.inf)
    itself = np.arange(size + 2)
    fastest[:, itself, itself] = length[:, itself, itself] = 0.0
    arcs = arcs_of(islands, group)
    # Of parallel arcs the fastest is written last.
    arcs = arcs[np.argsort(-seconds[arcs], kind="stable")]
    of = islands.arc_island[arcs]
    row = np.searchsorted(np.sort(group), of)
    row = np.argsort(group, kind="stable")[row]
    ends = []
    for node in (graph.arc_from[arcs], graph.arc_to[arcs]):
        second = (islands.number[node] == islands.border[of, 1]) & (islands.border[of, 1] >= 0)
        ends.append(np.where(islands.island[node] >= 0, islands.place[node], size + second))
    apart = ends[0] != ends[1]
    row, start, end, arcs = row[apart], ends[0][apart], ends[1][apart], arcs[apart]
    fastest[row, start, end] = seconds[arcs]
    length[row, start, end] = np.where(np.isfinite(seconds[arcs]), graph.arc_metres[arcs], np.inf)
    return fastest, length


def _linked(
    graph: Graph,
    islands: Islands,
    seconds: NDArray[Any],
    at: Ints,
    parts: list[Floats],
    inner: list[Floats32],
    cross: Floats,
) -> Weights:
    count = len(islands.decision)
    direct = (islands.arc_island < 0) & (graph.arc_from != graph.arc_to)
    both = np.flatnonzero(islands.border[:, 1] >= 0)
    ends = islands.border[both]
    start = np.concatenate([islands.number[graph.arc_from[direct]], ends[:, 0], ends[:, 1]])
    end = np.concatenate([islands.number[graph.arc_to[direct]], ends[:, 1], ends[:, 0]])
    figures = np.concatenate(
        [
            np.column_stack([seconds[direct], graph.arc_metres[direct]]).astype(np.float64),
            cross[both, 0],
            cross[both, 1],
        ]
    )
    finite = np.isfinite(figures[:, 0])
    start, end, figures = start[finite], end[finite], figures[finite]
    order = np.lexsort((figures[:, 0], end, start))
    start, end, figures = start[order], end[order], figures[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
    start, end, figures = start[first], end[first], figures[first]
    shape = (count, count)
    return Weights(
        at=at,
        out_seconds=parts[0],
        out_metres=parts[1],
        in_seconds=parts[2],
        in_metres=parts[3],
        inner_seconds=inner[0],
        inner_metres=inner[1],
        links=csr_array((figures[:, 0], (start, end)), shape=shape),
        back=csr_array((figures[:, 0], (end, start)), shape=shape),
        key=start.astype(np.int64) * count + end,
        metres=figures[:, 1],
        cross=cross,
    )
