"""Journeys over the decision nodes of a graph with the weights of one mode and moment: from places
on its islands to the borders, over the rows of a table or search, and to a goal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

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
    each (-1: none near), its island (-2: none near) and the metres to it. The rest is for the roads
    that they were placed on: both borders of each one's island, the first of all, then the second
    of all, with what is to be driven to them."""

    nodes: NDArray[np.int64]
    island: NDArray[np.int64]
    off_metres: Floats
    weights: Weights
    at: NDArray[np.int64]
    out_seconds: Floats
    out_metres: Floats
    opened: Placed | None = None
    """The same on the open roads, where closures are in force."""


class Journeys:
    """What is the same for all goals. Safe to share between threads: nothing is changed."""

    def __init__(self, islands: Islands, weights: Weights) -> None:
        self.islands, self.weights = islands, weights

    def place(self, nodes: NDArray[np.int64], off: Floats) -> Placed:
        """Places whose nodes are known (-1: none near), with the metres to them."""
        weights = self.weights
        known = nodes >= 0
        node = np.where(known, nodes, 0)
        metres = np.where(known, off, np.inf)
        twice = np.concatenate([metres, metres])
        return Placed(
            nodes,
            np.where(known, self.islands.island[node], -2),
            off,
            weights,
            weights.at[node].T.astype(np.int64).ravel(),
            weights.out_seconds[node].T.ravel() + twice / PACE,
            weights.out_metres[node].T.ravel() + twice,
        )

    def to(self, goal: Goal, placed: Placed, rows: Rows) -> tuple[Floats, Floats]:
        """Seconds and metres from places to a goal over the borders of their islands, or within
        the island of both; infinite where no way is."""
        count = len(placed.nodes)
        seconds = rows[0].take(placed.at) + placed.out_seconds
        metres = rows[1].take(placed.at) + placed.out_metres
        one, other = seconds[:count], seconds[count:]
        metres = np.where(other < one, metres[count:], metres[:count])
        seconds = np.minimum(one, other)
        for beside, cell in self._beside(goal, placed):
            off = placed.off_metres[beside]
            direct = self.weights.inner_seconds[cell] + off / PACE + goal.off_seconds
            length = self.weights.inner_metres[cell] + off + goal.off_metres
            better = direct < seconds[beside]
            seconds[beside[better]] = direct[better]
            metres[beside[better]] = length[better]
        return seconds, metres

    def seconds(self, goal: Goal, placed: Placed, row: NDArray[Any]) -> Floats:
        """The seconds of `to` alone, in half of the time."""
        count = len(placed.nodes)
        both = row.take(placed.at) + placed.out_seconds
        seconds = np.minimum(both[:count], both[count:])
        for beside, cell in self._beside(goal, placed):
            off = placed.off_metres[beside]
            direct = self.weights.inner_seconds[cell] + off / PACE + goal.off_seconds
            seconds[beside] = np.minimum(seconds[beside], direct)
        return seconds

    def seconds_of_some(
        self, goal: Goal, placed: Placed, row: NDArray[Any], some: NDArray[np.int64]
    ) -> Floats:
        """The seconds of `to` for some of the places, by ascending number."""
        second = some + len(placed.nodes)
        seconds = np.minimum(
            row.take(placed.at.take(some)) + placed.out_seconds.take(some),
            row.take(placed.at.take(second)) + placed.out_seconds.take(second),
        )
        for beside, cell in self._beside(goal, placed):
            wanted = np.isin(beside, some)
            off = placed.off_metres[beside[wanted]]
            direct = self.weights.inner_seconds[cell[wanted]] + off / PACE + goal.off_seconds
            at = np.searchsorted(some, beside[wanted])
            seconds[at] = np.minimum(seconds[at], direct)
        return seconds

    def _beside(
        self, goal: Goal, placed: Placed
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Places on the island of the goal, and where the islands' squares have the way to it."""
        islands = self.islands
        for node in goal.nodes:
            home = int(islands.island[node])
            if home < 0:
                continue
            beside = np.flatnonzero(placed.island == home)
            if len(beside):
                place = islands.place[placed.nodes[beside]].astype(np.int64)
                cell = islands.begin[home] + place * islands.size[home] + islands.place[node]
                yield beside, cell

    def goal(self, nodes: NDArray[np.int64], off_metres: float) -> Goal:
        """The goal at a node and its copies, so far off the road."""
        return Goal.at(nodes, self.weights, off_metres / PACE, off_metres)
