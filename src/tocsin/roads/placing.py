"""Where a place joins the roads: the nearest node that a vehicle can drive from in one mode."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from tocsin.roads.graph import Bools, Floats, Graph, Mode
from tocsin.roads.sphere import plane

SNAP_METRES_MAX: Final = 1_500.0  # farther from every road than this is not reachable by road
EXPRESSWAY_METRES_MAX: Final = 15.0
"""A place this near to an expressway or a tunnel is on it; others are reached by their street."""


class Places:
    """Finds nodes of one graph for one mode. Safe to share between threads."""

    def __init__(self, graph: Graph, mode: Mode) -> None:
        self._middle_lat = float(np.mean(graph.node_lat))
        self._flat = plane(graph.node_lat, graph.node_lon, self._middle_lat)
        usable = _usable(graph, mode)
        access = usable if graph.node_access is None else usable & graph.node_access
        self._streets = _Tree(self._flat, access if access.any() else usable)
        # Only where there is a road without houses: else each place would be looked for twice.
        self._all = _Tree(self._flat, usable) if (usable & ~access).any() else None

    def nearest(self, points: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Node of each point (n, 2) in degrees WGS-84, -1 where none is near or the point is not a
        number, and the metres to it (NaN there)."""
        nodes = np.full(len(points), -1, dtype=np.int64)
        off = np.full(len(points), np.nan)
        known = np.isfinite(points).all(axis=1)
        if not known.any():
            return nodes, off
        flat = plane(points[known, 0], points[known, 1], self._middle_lat)
        distance, nearest = self._streets.query(flat)
        if self._all is not None:
            close, on = self._all.query(flat)
            there = close <= EXPRESSWAY_METRES_MAX
            distance, nearest = np.where(there, close, distance), np.where(there, on, nearest)
        nodes[known] = np.where(distance <= SNAP_METRES_MAX, nearest, -1)
        off[known] = distance
        return nodes, off

    def flat(self, points: Floats) -> Floats:
        """Metres east and north of points (n, 2), in the plane of `nodes_flat`."""
        return plane(points[:, 0], points[:, 1], self._middle_lat)

    @property
    def nodes_flat(self) -> Floats:
        """Metres east and north of each node."""
        return self._flat


class _Tree:
    def __init__(self, flat: Floats, use: Bools) -> None:
        self._nodes = np.flatnonzero(use)
        self._tree = KDTree(flat[self._nodes])

    def query(self, flat: Floats) -> tuple[Floats, NDArray[np.int64]]:
        distance, number = self._tree.query(flat)
        return np.asarray(distance), self._nodes[np.asarray(number)]


def _usable(graph: Graph, mode: Mode) -> Bools:
    """Nodes from which a vehicle gets anywhere: no copies, and in ordinary mode none where only
    emergency vehicles may drive."""
    usable = np.ones(graph.nodes, dtype=np.bool_)
    if graph.node_same is not None:
        usable = graph.node_same == np.arange(graph.nodes)
    if mode == "emergency" or graph.arc_ordinary is None:
        return usable
    open_arcs = np.isfinite(graph.arc_ordinary)
    ends = (graph.arc_from[open_arcs], graph.arc_to[open_arcs])
    shape = (graph.nodes, graph.nodes)
    links: csr_array[Any] = csr_array((np.ones(int(open_arcs.sum()), dtype=np.int8), ends), shape)
    part = connected_components(links, directed=True, connection="strong")[1]
    largest: Bools = part == np.argmax(np.bincount(part))
    if graph.node_same is not None:
        together = np.zeros(graph.nodes, dtype=np.bool_)
        np.logical_or.at(together, graph.node_same, largest)
        largest = largest | together
    return usable & largest
