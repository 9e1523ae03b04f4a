"""A graph's decision nodes, islands and weights together, kept beside the graph's own arrays so
that a process that starts has them at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_array

from tocsin.roads.graph import (
    MODES,
    Graph,
    Mode,
    RoadsBroken,
    put_in_force,
    read_arrays,
    write_arrays,
)
from tocsin.roads.islands import Islands, divide
from tocsin.roads.weights import Weights, weigh

FILE: Final = "division.json"
_MATRICES: Final = ("links", "back")
_ISLANDS: Final = [one.name for one in fields(Islands)]
_WEIGHTS: Final = [one.name for one in fields(Weights) if one.name not in _MATRICES]
_PARTS: Final = ("data", "indices", "indptr")


@dataclass(frozen=True, slots=True)
class Division:
    """Decision nodes and islands of a graph, and what they weigh in each mode."""

    islands: Islands
    weights: Mapping[Mode, Weights]


def undivided(graph: Graph) -> Division:
    """Every node a decision node: for a graph whose division has not been made."""
    every = np.arange(graph.nodes, dtype=np.int32)
    none = np.empty(0, dtype=np.int32)
    islands = Islands(
        decision=every,
        number=every,
        island=np.full(graph.nodes, -1, dtype=np.int32),
        place=np.zeros(graph.nodes, dtype=np.int32),
        size=none,
        border=np.empty((0, 2), dtype=np.int32),
        members=none,
        first=none.astype(np.int64),
        begin=none.astype(np.int64),
        arc_island=np.full(graph.arcs, -1, dtype=np.int32),
    )
    return Division(islands, _weigh_all(graph, islands))


def divided(graph: Graph) -> Division:
    """The division of a graph; seconds to make, for 50,000 nodes about two."""
    islands = divide(graph)
    return Division(islands, _weigh_all(graph, islands))


def _weigh_all(graph: Graph, islands: Islands) -> dict[Mode, Weights]:
    usual = weigh(graph, islands, graph.seconds("emergency"))
    if graph.arc_ordinary is None:
        return {"emergency": usual, "ordinary": usual}
    return {"emergency": usual, "ordinary": weigh(graph, islands, graph.arc_ordinary)}


def write_division(where: Path, division: Division) -> None:
    """Keep a division beside its graph's arrays."""
    inside = where / "islands"
    inside.mkdir()
    write_arrays(division.islands, inside, _ISLANDS)
    for mode in MODES:
        weights = division.weights[mode]
        inside = where / f"weights-{mode}"
        inside.mkdir()
        write_arrays(weights, inside, _WEIGHTS)
        for name in _MATRICES:
            matrix = inside / name
            matrix.mkdir()
            write_arrays(getattr(weights, name), matrix, list(_PARTS))
    put_in_force(where / FILE, {"format": 1, "decision_nodes": len(division.islands.decision)})


def load_division(where: Path, graph: Graph) -> Division | None:
    """The division kept beside a graph's arrays, memory-mapped; None where there is none.

    Raises RoadsBroken."""
    if not (where / FILE).is_file():
        return None
    try:
        islands = Islands(**read_arrays(where / "islands", _ISLANDS))
        weights = {mode: _load_weights(where / f"weights-{mode}", islands) for mode in MODES}
        whole = islands.number.shape == (graph.nodes,) and islands.arc_island.shape == (graph.arcs,)
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise RoadsBroken(
            f"the division of the graph in {where} cannot be read: {error}"
        ) from error
    if not whole:
        raise RoadsBroken(f"the division in {where} is of another graph")
    return Division(islands, weights)


def _load_weights(where: Path, islands: Islands) -> Weights:
    arrays: dict[str, Any] = read_arrays(where, _WEIGHTS)
    count = len(islands.decision)
    for name in _MATRICES:
        parts = read_arrays(where / name, _PARTS)
        arrays[name] = csr_array(tuple(parts[one] for one in _PARTS), shape=(count, count))
    return Weights(**arrays)
