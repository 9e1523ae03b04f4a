"""Seconds and metres from every decision node to one goal: read from a table, or by one search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from tocsin.roads.tables import Table, follow, lengths
from tocsin.roads.weights import Weights

Rows = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a journey ends: its node with the node's copies, and the decision nodes from which it
    is reached, with seconds and metres on from each, what is off the road included."""

    nodes: tuple[int, ...]
    off_seconds: float
    off_metres: float
    entries: tuple[tuple[int, float, float], ...]

    @classmethod
    def at(
        cls, nodes: NDArray[Any], weights: Weights, off_seconds: float, off_metres: float
    ) -> Self:
        """The goal at a node and its copies."""
        best: dict[int, tuple[float, float]] = {}
        for node in nodes.tolist():
            for side in (0, 1):
                seconds = float(weights.in_seconds[node, side]) + off_seconds
                metres = float(weights.in_metres[node, side]) + off_metres
                entry = int(weights.at[node, side])
                if np.isfinite(seconds) and seconds < best.get(entry, (np.inf, 0.0))[0]:
                    best[entry] = (seconds, metres)
        entries = tuple((entry, *figures) for entry, figures in best.items())
        return cls(tuple(nodes.tolist()), off_seconds, off_metres, entries)


def rows_of_table(table: Table, goal: Goal) -> Rows:
    """From every decision node to the goal, by the table."""
    seconds: NDArray[Any] | None = None
    metres: NDArray[Any] = np.empty(0)
    for entry, on_seconds, on_metres in goal.entries:
        here = table.seconds[entry] + on_seconds
        length = table.metres[entry] + on_metres
        if seconds is None:
            seconds, metres = here, length
        else:
            nearer = here < seconds
            seconds, metres = np.where(nearer, here, seconds), np.where(nearer, length, metres)
    if seconds is None:
        return _nowhere(table.seconds.shape[1])
    return seconds, metres


def seconds_of_table(table: Table, goal: Goal) -> NDArray[Any]:
    """The seconds of `rows_of_table` alone."""
    rows = [table.seconds[entry] + on_seconds for entry, on_seconds, _ in goal.entries]
    if not rows:
        return _nowhere(table.seconds.shape[1])[0]
    seconds: NDArray[Any] = rows[0]
    for row in rows[1:]:
        seconds = np.minimum(seconds, row)
    return seconds


def rows_by_search(weights: Weights, goal: Goal) -> Rows:
    """From every decision node to the goal, by one search."""
    count = len(weights.back.indptr) - 1
    if not goal.entries:
        return _nowhere(count)
    if len(goal.entries) == 1:
        entry, on_seconds, on_metres = goal.entries[0]
        seconds, metres = follow(weights, np.array([entry]))
        return seconds[0] + on_seconds, metres[0] + on_metres
    # The goal becomes one more node, from which the search backwards starts.
    back = weights.back
    at = np.array([entry for entry, _, _ in goal.entries], dtype=back.indices.dtype)
    data = np.concatenate([back.data, [seconds for _, seconds, _ in goal.entries]])
    indptr = np.append(back.indptr, back.indptr[-1] + len(at))
    indices = np.concatenate([back.indices, at])
    wider: csr_array[Any] = csr_array((data, indices, indptr), shape=(count + 1, count + 1))
    seconds, before = dijkstra(wider, directed=True, indices=[count], return_predecessors=True)
    seconds, before = seconds[:, :count], before[:, :count]
    last = before[0] == count
    length = lengths(weights, np.where(before == count, -1, before), seconds)
    on = np.zeros(count)
    on[at] = [metres for _, _, metres in goal.entries]
    # Metres on from the decision node through which each way reaches the goal.
    end = np.where(last, np.arange(count), before[0])
    end = np.where(end < 0, np.arange(count), end)
    while not np.array_equal(end[end], end):
        end = end[end]
    return seconds[0], length[0] + on[end]


def _nowhere(count: int) -> Rows:
    return np.full(count, np.inf), np.full(count, np.inf)
