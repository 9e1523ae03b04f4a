"""The road graph on disk and in memory: junctions, and arcs with their seconds and metres.

A folder of plain .npy arrays is memory-mapped, so several processes share one copy of it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int32]

FORMAT: Final = 1
_ARRAYS: Final = ("node_lat", "node_lon", "arc_from", "arc_to", "arc_seconds", "arc_metres")


class RoadsUnavailable(Exception):
    """There are no usable roads; the text says why, for an administrator."""


class RoadsMissing(RoadsUnavailable):
    """No road graph has been built in this folder."""


class RoadsBroken(RoadsUnavailable):
    """The folder holds something that is not a usable road graph."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Directed streets. Node arrays have shape (n,), degrees WGS-84; arc arrays shape (m,):
    node indices, seconds and metres, both above zero. A two-way street is two arcs."""

    node_lat: Floats
    node_lon: Floats
    arc_from: Ints
    arc_to: Ints
    arc_seconds: Floats32
    arc_metres: Floats32

    @property
    def nodes(self) -> int:
        return len(self.node_lat)

    @property
    def arcs(self) -> int:
        return len(self.arc_from)


def save(graph: Graph, folder: Path) -> None:
    """Write `graph` into `folder`; the description goes last, so half a write is never loaded."""
    check(graph)
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / "roads.json"
    description.unlink(missing_ok=True)
    for name in _ARRAYS:
        with (folder / f"{name}.npy").open("wb") as file:
            np.save(file, getattr(graph, name))
            file.flush()
            os.fsync(file.fileno())
    written = folder / "roads.json.new"
    written.write_text(
        json.dumps({"format": FORMAT, "nodes": graph.nodes, "arcs": graph.arcs}), encoding="ascii"
    )
    written.replace(description)


def load(folder: Path) -> Graph:
    """The graph of `folder`, memory-mapped read-only. Raises RoadsMissing or RoadsBroken."""
    description = folder / "roads.json"
    if not description.is_file():
        raise RoadsMissing(f"there is no road graph in {folder}")
    try:
        said = json.loads(description.read_text(encoding="ascii"))
        found = said["format"]
        if found != FORMAT:
            raise RoadsBroken(f"the road graph in {folder} has format {found}, not {FORMAT}")
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in _ARRAYS
        }
        graph = Graph(**arrays)
        if (graph.nodes, graph.arcs) != (said["nodes"], said["arcs"]):
            raise RoadsBroken(f"the road graph in {folder} is not the one its description names")
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise RoadsBroken(f"the road graph in {folder} cannot be read: {error}") from error
    check(graph)
    return graph


def check(graph: Graph) -> None:
    """Raise RoadsBroken unless every array fits the others and every figure is possible."""
    shapes = {len(getattr(graph, name)) for name in _ARRAYS[2:]}
    if len(shapes) != 1 or len(graph.node_lat) != len(graph.node_lon):
        raise RoadsBroken("the road graph's arrays differ in length")
    if not graph.nodes or not graph.arcs:
        raise RoadsBroken("the road graph is empty")
    ends = np.concatenate([graph.arc_from, graph.arc_to])
    if ends.min() < 0 or ends.max() >= graph.nodes:
        raise RoadsBroken("the road graph has an arc to a node that does not exist")
    for name in ("arc_seconds", "arc_metres"):
        values = getattr(graph, name)
        # A zero would be read as "no road" by the sparse matrix, or as "already there" by a person.
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise RoadsBroken(f"the road graph has an {name} that is not above zero")
    if not (np.abs(graph.node_lat) <= 90).all() or not (np.abs(graph.node_lon) <= 180).all():
        raise RoadsBroken("the road graph has a node that is nowhere on Earth")
