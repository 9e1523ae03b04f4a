"""Journeys over the decision nodes of a graph with the weights of one mode and moment: from places
on its islands to the borders, over the rows of a table or search, and to a goal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.roads.graph import Floats
from tocsin.roads.islands import Islands
from tocsin.roads.search import Goal, Rows
from tocsin.roads.weights import Weights

OFF_ROAD_KMH: Final = 20.0
PACE: Final = OFF_ROAD_KMH / 3.6


@dataclass(frozen=True, slots=True)
class Placed:
    """Places that have been looked up on the roads, to be asked about again and again: the node of
    each (-1: none near) and the metres to it. The rest is for the roads that it was placed on."""

    nodes: NDArray[np.int64]
    off_metres: Floats
    weights: Weights
    at: tuple[NDArray[np.int64], NDArray[np.int64]]
    out_seconds: tuple[Floats, Floats]
    out_metres: tuple[Floats, Floats]


class Journeys:
    """What is the same for all goals. Safe to share between threads: nothing is changed."""

    def __init__(self, islands: Islands, weights: Weights) -> None:
        self.islands, self.weights = islands, weights

    def place(self, nodes: NDArray[np.int64], off: Floats) -> Placed:
        weights = self.weights
        """Places whose nodes are known (-1: none near), with the metres to them."""
        known = nodes >= 0
        node = np.where(known, nodes, 0)
        metres = np.where(known, off, np.inf)
        seconds = metres / PACE
        at = weights.at[node].astype(np.int64).T
        out, length = weights.out_seconds[node].T, weights.out_metres[node].T
        return Placed(
            nodes,
            off,
            weights,
            (at[0].copy(), at[1].copy()),
            (out[0] + seconds, out[1] + seconds),
            (length[0] + metres, length[1] + metres),
        )

    def to(self, goal: Goal, placed: Placed, rows: Rows) -> tuple[Floats, Floats]:
        """Seconds and metres from places to a goal over the borders of their islands, or within
        the island of both; infinite where no way is."""
        (first, second), (one, other) = placed.at, placed.out_seconds
        seconds = rows[0][first] + one
        by_other = rows[0][second] + other
        nearer = by_other < seconds
        metres = np.where(
            nearer, rows[1][second] + placed.out_metres[1], rows[1][first] + placed.out_metres[0]
        )
        seconds = np.where(nearer, by_other, seconds)
        islands = self.islands
        for node in goal.nodes:
            home = int(islands.island[node])
            if home < 0:
                continue
            # An unknown place has node -1, which is some node's island: it stays infinite.
            beside = np.flatnonzero((islands.island[placed.nodes] == home) & (placed.nodes >= 0))
            size = int(islands.size[home])
            cell = islands.begin[home] + islands.place[placed.nodes[beside]] * size
            cell = cell + islands.place[node]
            off = placed.off_metres[beside]
            direct = self.weights.inner_seconds[cell] + off / PACE
            direct = direct + goal.off_seconds
            length = self.weights.inner_metres[cell] + off + goal.off_metres
            better = direct < seconds[beside]
            seconds[beside[better]] = direct[better]
            metres[beside[better]] = length[better]
        return seconds, metres

    def goal(self, nodes: NDArray[np.int64], off_metres: float) -> Goal:
        """The goal at a node and its copies, so far off the road."""
        return Goal.at(nodes, self.weights, off_metres / PACE, off_metres)
