"""Fastest ways from everywhere to one place, compiled: Dijkstra's search with a binary heap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tocsin.sim.engine.compiled import compiled, inner
from tocsin.sim.engine.tables import Floats


@compiled
def search_back(
    begin: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    length: Floats,
    time: Floats,
    onward: NDArray[np.int16],
) -> None:
    """Fills time[to, from] and onward[to, from]. `neighbour[begin[v]:begin[v + 1]]` are the
    decision nodes from which an arc leads to `v`, `length` how long it takes."""
    count = len(begin) - 1
    heap = np.empty(count, np.int32)
    place = np.empty(count, np.int32)  # where a node stands in the heap; -1 when not there
    for goal in range(count):
        best = time[goal]
        before = onward[goal]
        best[:] = np.inf
        before[:] = -1
        place[:] = -1
        best[goal] = 0.0
        heap[0] = goal
        place[goal] = 0
        size = 1
        while size:
            node = heap[0]
            size -= 1
            place[node] = -1
            if size:
                _sink(heap, place, best, size, heap[size])
            reached = best[node]
            for arc in range(begin[node], begin[node + 1]):
                other = neighbour[arc]
                least = reached + length[arc]
                if least < best[other]:
                    best[other] = least
                    before[other] = node
                    hole = place[other]
                    if hole < 0:
                        hole = size
                        size += 1
                    _rise(heap, place, best, hole, other)


@inner
def _sink(
    heap: NDArray[np.int32], place: NDArray[np.int32], best: Floats, size: int, node: int
) -> None:
    """Puts `node` in from the top of the heap."""
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= size:
            break
        if child + 1 < size and best[heap[child + 1]] < best[heap[child]]:
            child += 1
        if best[heap[child]] >= best[node]:
            break
        heap[hole] = heap[child]
        place[heap[hole]] = hole
        hole = child
    heap[hole] = node
    place[node] = hole


@inner
def _rise(
    heap: NDArray[np.int32], place: NDArray[np.int32], best: Floats, hole: int, node: int
) -> None:
    """Puts `node` in from this hole upwards."""
    while hole:
        parent = (hole - 1) >> 1
        if best[heap[parent]] <= best[node]:
            break
        heap[hole] = heap[parent]
        place[heap[hole]] = hole
        hole = parent
    heap[hole] = node
    place[node] = hole
