"""Makes the roads of an installation from an extract or from two tables: reads, checks, divides,
puts in force as a whole, then fills the travel-time tables. The old roads serve until then."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from tocsin.roads.build import Connected, Piece, connected, draw
from tocsin.roads.division import divided, load_division, write_division
from tocsin.roads.extract import LICENCE, ExtractRefused, Progress, read_extract
from tocsin.roads.graph import Graph, arrays_folder, load_described, save
from tocsin.roads.plain import BadRow, TablesRefused, read_tables
from tocsin.roads.rules import Rules
from tocsin.roads.tables import NODES_MAX, OPEN, TableTooLarge, build_tables
from tocsin.roads.turns import Turns

KEPT_SHARE_MIN: Final = 0.5
"""Roads of which less than this hangs together are refused: the extract is torn."""


@dataclass(frozen=True, slots=True)
class Made:
    """What was put in force: counts, kilometres of arcs, what was left out, and why."""

    version: str
    nodes: int
    arcs: int
    km: float
    ordinary_km: float
    turns: int
    left_out: Mapping[str, int]
    cut_nodes: int
    cut_km: float
    pieces: tuple[Piece, ...]
    names: Mapping[int, str]
    decision_nodes: int
    relations: int
    timestamp: str


def digest(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_from_extract(
    path: Path,
    folder: Path,
    rules: Rules,
    progress: Progress,
    *,
    built_at: str,
    sha256: str | None = None,
) -> Made:
    """The roads of an OpenStreetMap extract, in force in `folder`. `sha256`: what the file must be.

    Raises ExtractRefused; then the roads before are in force as they were."""
    if not path.is_file():
        raise ExtractRefused("missing", str(path))
    found_digest = digest(path)
    if sha256 is not None and found_digest != sha256.lower():
        raise ExtractRefused("other_file", str(path), found_digest)
    found = read_extract(path, rules, progress)
    progress("drawing", None)
    draft, node_of = draw(found, rules)
    turns = Turns(draft, found, rules).apply(node_of)
    whole = draft.graph()
    progress("connecting", None)
    if not whole.arcs:
        raise ExtractRefused("no_roads", str(path))
    kept = connected(whole)
    _check_share(kept, str(path))
    names = {way.id: way.name for way in found.ways if way.name}
    source = {
        "file": path.name,
        "sha256": found_digest,
        "timestamp": found.timestamp,
        "licence": LICENCE,
        "rules": msgspec.to_builtins(rules),
        "built_at": built_at,
    }
    version, decisions = _put_in_force(kept.graph, folder, source, names, progress)
    return _made(
        version, kept, decisions, turns, found.left_out, names, found.relations, found.timestamp
    )


def make_from_tables(
    nodes: Path,
    arcs: Path,
    folder: Path,
    progress: Progress,
    *,
    built_at: str,
    drop_cut_off: bool = False,
) -> Made:
    """The roads of two plain tables, in force in `folder`. Raises TablesRefused; arcs that are not
    connected with the rest are refused unless they may be dropped."""
    progress("reading", None)
    for path in (nodes, arcs):
        if not path.is_file():
            raise TablesRefused([BadRow(str(path), 0, "", "missing")])
    whole = read_tables(nodes, arcs)
    progress("connecting", None)
    kept = connected(whole)
    if kept.cut_nodes and not drop_cut_off:
        rows = [BadRow(arcs.name, piece.way, "", "not_connected") for piece in kept.pieces]
        rows = [row for row in rows if row.line] or [BadRow(nodes.name, 0, "", "not_connected")]
        raise TablesRefused(rows, max(0, kept.cut_pieces - len(rows)))
    source = {
        "file": f"{nodes.name}, {arcs.name}",
        "sha256": f"{digest(nodes)} {digest(arcs)}",
        "built_at": built_at,
    }
    version, decisions = _put_in_force(kept.graph, folder, source, {}, progress)
    return _made(version, kept, decisions, 0, {}, {}, 0, "")


def fill_tables(
    folder: Path, progress: Callable[[float], None], nodes_max: int = NODES_MAX
) -> int | None:
    """Search all pairs of the graph in force without closures; its decision nodes, or None where
    they are too many for a table, and every time comes from a search.

    Raises RoadsUnavailable."""
    graph, said = load_described(folder)
    where = arrays_folder(folder, said)
    division = load_division(where, graph)
    if division is None:
        return None
    try:
        build_tables(folder, division.weights, OPEN, str(said["version"]), progress, nodes_max)
    except TableTooLarge:
        return None
    return len(division.islands.decision)


def _check_share(kept: Connected, place: str) -> None:
    km = float(kept.graph.arc_metres.sum()) / 1000
    if km < KEPT_SHARE_MIN * (km + kept.cut_km):
        largest = "; ".join(
            f"{one.lat:.5f} {one.lon:.5f}: {one.km:.1f} km" for one in kept.pieces[:3]
        )
        raise ExtractRefused("torn", place, largest)


def _put_in_force(
    graph: Graph,
    folder: Path,
    source: Mapping[str, Any],
    names: Mapping[int, str],
    progress: Progress,
) -> tuple[str, int]:
    progress("dividing", None)
    division = divided(graph)
    kept_names = {}
    if graph.arc_way is not None:
        used = set(np.unique(graph.arc_way).tolist())
        kept_names = {way: name for way, name in names.items() if way in used}
    progress("writing", None)
    version = save(graph, folder, source, kept_names, lambda where: write_division(where, division))
    return version, len(division.islands.decision)


def _made(
    version: str,
    kept: Connected,
    decisions: int,
    turns: int,
    left_out: Mapping[str, int],
    names: Mapping[int, str],
    relations: int,
    timestamp: str,
) -> Made:
    graph = kept.graph
    usual = graph.arc_metres[np.isfinite(graph.seconds("ordinary"))]
    return Made(
        version=version,
        nodes=graph.nodes,
        arcs=graph.arcs,
        km=float(graph.arc_metres.sum()) / 1000,
        ordinary_km=float(usual.sum()) / 1000,
        turns=turns,
        left_out=left_out,
        cut_nodes=kept.cut_nodes,
        cut_km=kept.cut_km,
        pieces=kept.pieces,
        names={one.way: names.get(one.way, "") for one in kept.pieces},
        decision_nodes=decisions,
        relations=relations,
        timestamp=timestamp,
    )
