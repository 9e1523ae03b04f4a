"""Travel-time tables: seconds and metres from every decision node to every other in each mode,
float32, memory-mapped. They are written beside the old ones and put in force as a whole."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from tocsin.roads.graph import (
    MODES,
    Floats,
    Floats32,
    Mode,
    RoadsBroken,
    RoadsUnavailable,
    arrays_folder,
    describe,
    put_in_force,
    writing,
)
from tocsin.roads.weights import Weights

FILES: Final = ("open.json", "closed.json")
"""What names the tables in force: those of the open roads, which stay, and those with closures."""
FORMAT: Final = 1
NODES_MAX: Final = 8_000
"""With more decision nodes no table is made, and every time comes from a direct search: tables of
8,000 take 1 GB on disk."""
AT_ONCE: Final = 64
OPEN: Final = "open"
"""The token of roads without closures."""


class TableTooLarge(RoadsUnavailable):
    """The graph has more decision nodes than a table may have."""

    def __init__(self, nodes: int, most: int) -> None:
        super().__init__(f"{nodes} decision nodes; a table has at most {most}")
        self.nodes, self.most = nodes, most


@dataclass(frozen=True, slots=True)
class Table:
    """`seconds` and `metres` (goal, origin) over decision nodes, infinite where there is no way;
    `token` names the closures that it knows."""

    token: str
    seconds: Floats32
    metres: Floats32


def follow(weights: Weights, goals: NDArray[Any]) -> tuple[Floats, Floats]:
    """Seconds and metres (goal, origin) by direct search to some decision nodes."""
    seconds, before = dijkstra(weights.back, directed=True, indices=goals, return_predecessors=True)
    return seconds, lengths(weights, before, seconds)


def lengths(weights: Weights, before: NDArray[Any], seconds: Floats) -> Floats:
    """Metres along the fastest ways of a search, by pointer doubling; infinite where no way is."""
    count = before.shape[1]
    here = np.broadcast_to(np.arange(count), before.shape)
    onward = np.where(before >= 0, before, here)
    moves = onward != here
    length = np.zeros(before.shape)
    key = here[moves].astype(np.int64) * count + onward[moves]
    length[moves] = weights.metres[np.searchsorted(weights.key, key)]
    while True:
        further = np.take_along_axis(onward, onward, axis=1)
        if np.array_equal(further, onward):
            return np.where(np.isfinite(seconds), length, np.inf)
        length = length + np.take_along_axis(length, onward, axis=1)
        onward = further


def build_tables(
    folder: Path,
    weights: Mapping[Mode, Weights],
    token: str,
    version: str,
    progress: Callable[[float], None],
    nodes_max: int = NODES_MAX,
) -> None:
    """Search all pairs and put the tables in force for the graph `version` in `folder`.

    Raises TableTooLarge, and RoadsUnavailable where another graph has come meanwhile."""
    count = len(weights["emergency"].links.indptr) - 1
    if count > nodes_max:
        raise TableTooLarge(count, nodes_max)
    new = folder / version / f"tables-{secrets.token_hex(4)}"
    try:
        new.mkdir()
        for number, mode in enumerate(MODES):
            _search_all(new, mode, weights[mode], _half(progress, number))
        with writing(folder):
            _put_in_force(folder, version, new, token, count)
    except FileNotFoundError as error:
        raise _superseded(folder) from error
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _half(progress: Callable[[float], None], number: int) -> Callable[[float], None]:
    return lambda done: progress((number + done) / len(MODES))


def _put_in_force(folder: Path, version: str, new: Path, token: str, count: int) -> None:
    if describe(folder).get("version") != version:
        raise _superseded(folder)
    said = {"format": FORMAT, "token": token, "nodes": count, "folder": new.name}
    put_in_force(folder / version / _file(token), said)
    kept = {json.loads(one.read_text())["folder"] for one in _files(folder / version)}
    for old in new.parent.glob("tables-*"):
        if old.name not in kept:
            shutil.rmtree(old, ignore_errors=True)
    os.utime(folder)  # who looks whether the roads have changed sees it


def _superseded(folder: Path) -> RoadsUnavailable:
    return RoadsUnavailable(f"another road graph came into force in {folder} meanwhile")


def _search_all(
    where: Path, mode: Mode, weights: Weights, progress: Callable[[float], None]
) -> None:
    count = len(weights.links.indptr) - 1
    paths = [where / f"{mode}-{name}.npy" for name in ("seconds", "metres")]
    files = [
        np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, count))
        for path in paths
    ]
    for start in range(0, count, AT_ONCE):
        goals = np.arange(start, min(start + AT_ONCE, count))
        for file, rows in zip(files, follow(weights, goals), strict=True):
            file[goals] = rows
        progress(goals[-1] / count)
    for file, path in zip(files, paths, strict=True):
        file.flush()
        with path.open("rb") as written:
            os.fsync(written.fileno())


def _file(token: str) -> str:
    return FILES[token != OPEN]


def _files(where: Path) -> list[Path]:
    return [where / name for name in FILES if (where / name).is_file()]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one mode: of the open roads, and with the closures that the last ones knew."""

    open: Table | None = None
    closed: Table | None = None

    def knowing(self, token: str) -> Table | None:
        """The table that knows these closures, None where none does."""
        one = self.open if token == OPEN else self.closed
        return one if one is not None and one.token == token else None


def load_tables(folder: Path, said: Mapping[str, Any], nodes: int) -> dict[Mode, Tables]:
    """The tables in force for a described graph, memory-mapped.

    Raises RoadsBroken."""
    where = arrays_folder(folder, said)
    found = [_load_file(where / name, nodes) for name in FILES]
    return {mode: Tables(*(one.get(mode) for one in found)) for mode in MODES}


def _load_file(path: Path, nodes: int) -> dict[Mode, Table]:
    while True:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        try:
            return _load(path.parent, json.loads(text), nodes)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            # The old ones go once others are in force: then those are read.
            if path.read_text(encoding="utf-8") == text:
                raise RoadsBroken(f"the tables of {path} cannot be read: {error}") from error


def _load(where: Path, said: Mapping[str, Any], nodes: int) -> dict[Mode, Table]:
    if said["format"] != FORMAT or said["nodes"] != nodes:
        raise ValueError("they are of another graph or format")
    tables: dict[Mode, Table] = {}
    for mode in MODES:
        arrays = [
            np.load(where / said["folder"] / f"{mode}-{name}.npy", mmap_mode="r").view(np.ndarray)
            for name in ("seconds", "metres")
        ]
        if any(one.shape != (nodes, nodes) or one.dtype != np.float32 for one in arrays):
            raise ValueError("they have another shape")
        tables[mode] = Table(str(said["token"]), arrays[0], arrays[1])
    return tables
