"""The road graph on disk and in memory: junctions, and arcs with their seconds and metres.

`roads.json` names the folder of plain .npy arrays that is in force; they are memory-mapped, so
several processes share one copy. A new graph is written beside the old one, then named.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Mode = Literal["emergency", "ordinary"]

FORMAT: Final = 2
FORMAT_FLAT: Final = 1  # the six arrays beside roads.json; still read
MODES: Final[tuple[Mode, Mode]] = ("emergency", "ordinary")
DESCRIPTION: Final = "roads.json"
_NEEDED: Final = ("node_lat", "node_lon", "arc_from", "arc_to", "arc_seconds", "arc_metres")


class RoadsUnavailable(Exception):
    """There are no usable roads; the text says why, for an administrator."""


class RoadsMissing(RoadsUnavailable):
    """No road graph has been built in this folder."""


class RoadsBroken(RoadsUnavailable):
    """The folder holds something that is not a usable road graph."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Directed streets. Node arrays have shape (n,), degrees WGS-84; arc arrays shape (m,):
    node indices, seconds and metres, all above zero. A two-way street is two arcs.

    `arc_seconds` is with lights and sirens; `arc_ordinary` without, infinite where an arc is open
    to emergency vehicles only (absent: the same seconds). `node_same` is the node that stands at
    the same place and that a turn restriction split off its copies (absent: no copies).
    `node_access` is false where nobody lives beside the road: expressways, tunnels."""

    node_lat: Floats
    node_lon: Floats
    arc_from: Ints
    arc_to: Ints
    arc_seconds: Floats32
    arc_metres: Floats32
    arc_ordinary: Floats32 | None = None
    arc_class: NDArray[np.uint8] | None = None
    arc_way: NDArray[np.int64] | None = None
    node_same: Ints | None = None
    node_access: Bools | None = None

    @property
    def nodes(self) -> int:
        return len(self.node_lat)

    @property
    def arcs(self) -> int:
        return len(self.arc_from)

    def seconds(self, mode: Mode) -> Floats32:
        """Seconds of each arc in `mode`, infinite where it is not open."""
        if mode == "emergency" or self.arc_ordinary is None:
            return self.arc_seconds
        return self.arc_ordinary


def save(
    graph: Graph,
    folder: Path,
    source: Mapping[str, Any] | None = None,
    names: Mapping[int, str] | None = None,
    beside: Callable[[Path], None] | None = None,
) -> str:
    """Write `graph` with what it was made of, the ways' names and what `beside` writes, and put it
    in force as a whole; returns its version. Readers see the old graph or the new one, never a
    mixture."""
    check(graph)
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder):
        _sweep(folder)
        unfinished = folder / f"{secrets.token_hex(6)}.unfinished"
        unfinished.mkdir()
        try:
            version = _save(graph, unfinished, source or {}, names or {}, beside)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        _sweep(folder)
    return version


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """One process at a time changes what is in force in `folder`; others wait."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _save(
    graph: Graph,
    unfinished: Path,
    source: Mapping[str, Any],
    names: Mapping[int, str],
    beside: Callable[[Path], None] | None,
) -> str:
    folder = unfinished.parent
    written = write_arrays(graph, unfinished, [one.name for one in fields(Graph)])
    version = _digest(unfinished, written)
    if (folder / version).exists():  # the same once more, for one whose files are broken
        version = f"{version}-{secrets.token_hex(2)}"
    if names:
        _write(unfinished / "names.json", {str(way): name for way, name in names.items()})
    if beside is not None:
        beside(unfinished)
    unfinished.rename(folder / version)
    said = {"format": FORMAT, "version": version, "nodes": graph.nodes, "arcs": graph.arcs}
    put_in_force(folder / DESCRIPTION, said | {"arrays": written, "source": dict(source)})
    return version


def _digest(folder: Path, names: list[str]) -> str:
    content = hashlib.sha256()
    for name in names:
        content.update((folder / f"{name}.npy").read_bytes())
    return content.hexdigest()[:12]


def load(folder: Path) -> Graph:
    """The graph of `folder`, memory-mapped read-only. Raises RoadsMissing or RoadsBroken."""
    return load_described(folder)[0]


def load_described(folder: Path) -> tuple[Graph, dict[str, Any]]:
    """The graph of `folder` and its description. Raises RoadsMissing or RoadsBroken."""
    said = describe(folder)
    while True:
        try:
            return _load(folder, said), said
        except RoadsBroken:
            # Its folder goes once another graph is in force: then that one is read.
            again = describe(folder)
            if again.get("version") == said.get("version"):
                raise
            said = again


def describe(folder: Path) -> dict[str, Any]:
    """What is in force in `folder`. Raises RoadsMissing or RoadsBroken."""
    description = folder / DESCRIPTION
    if not description.is_file():
        raise RoadsMissing(f"there is no road graph in {folder}")
    try:
        said: dict[str, Any] = json.loads(description.read_text(encoding="utf-8"))
        found = said["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RoadsBroken(f"the road graph in {folder} cannot be read: {error}") from error
    if found not in (FORMAT, FORMAT_FLAT):
        raise RoadsBroken(
            f"the road graph in {folder} has format {found}, not {FORMAT}: build it again"
        )
    return said


def arrays_folder(folder: Path, said: Mapping[str, Any]) -> Path:
    """Where the arrays of a described graph are."""
    return folder if said["format"] == FORMAT_FLAT else folder / str(said["version"])


def way_names(folder: Path) -> dict[int, str]:
    """Names of the ways of the graph in force, by the number in `arc_way`."""
    said = describe(folder)
    try:
        text = (arrays_folder(folder, said) / "names.json").read_text(encoding="utf-8")
        return {int(way): str(name) for way, name in json.loads(text).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise RoadsBroken(f"the road names in {folder} cannot be read: {error}") from error


def _load(folder: Path, said: Mapping[str, Any]) -> Graph:
    try:
        where = arrays_folder(folder, said)
        names = said["arrays"] if said["format"] == FORMAT else _NEEDED
        graph = Graph(**read_arrays(where, names))
        if (graph.nodes, graph.arcs) != (said["nodes"], said["arcs"]):
            raise RoadsBroken(f"the road graph in {folder} is not the one its description names")
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise RoadsBroken(f"the road graph in {folder} cannot be read: {error}") from error
    check(graph)
    return graph


def read_arrays(folder: Path, names: Any) -> dict[str, NDArray[Any]]:
    """The named .npy files, memory-mapped read-only."""
    return {
        # A plain view: each look into an np.memmap itself takes microseconds more.
        str(name): np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False).view(
            np.ndarray
        )
        for name in names
    }


def write_arrays(source: object, folder: Path, names: list[str]) -> list[str]:
    """Write those attributes that are there, durably; returns their names."""
    written = []
    for name in names:
        values = getattr(source, name)
        if values is None:
            continue
        with (folder / f"{name}.npy").open("wb") as file:
            np.save(file, np.ascontiguousarray(values))
            file.flush()
            os.fsync(file.fileno())
        written.append(name)
    return written


def put_in_force(description: Path, said: Mapping[str, Any]) -> None:
    """Replace a description at once and durably; all it names must be on disk."""
    new = description.with_suffix(f".{secrets.token_hex(4)}")
    _write(new, said)
    new.replace(description)
    directory = os.open(description.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def _sweep(folder: Path) -> None:
    """Remove what is not in force: earlier graphs, their tables, what a build left unfinished."""
    in_force: set[str] = set()
    with contextlib.suppress(RoadsUnavailable):
        in_force = {str(describe(folder).get("version"))}
    for one in folder.iterdir():
        if one.is_dir() and one.name.partition(".")[0] not in in_force:
            shutil.rmtree(one, ignore_errors=True)


def check(graph: Graph) -> None:
    """Raise RoadsBroken unless every array fits the others and every figure is possible."""
    for one in fields(Graph):
        values = getattr(graph, one.name)
        size = graph.nodes if one.name.startswith("node") else graph.arcs
        if values is not None and values.shape != (size,):
            raise RoadsBroken("the road graph's arrays differ in length")
    if not graph.nodes or not graph.arcs:
        raise RoadsBroken("the road graph is empty")
    _check_nodes("an arc to", np.concatenate([graph.arc_from, graph.arc_to]), graph.nodes)
    if graph.node_same is not None:
        _check_nodes("a copy of", graph.node_same, graph.nodes)
        if not np.array_equal(graph.node_same[graph.node_same], graph.node_same):
            raise RoadsBroken("the road graph has a copy of a copy")
    for name in ("arc_seconds", "arc_metres"):
        values = getattr(graph, name)
        # A zero would be read as "no road" by the sparse matrix, or as "already there" by a person.
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise RoadsBroken(f"the road graph has an {name} that is not above zero")
    if graph.arc_ordinary is not None and not (graph.arc_ordinary > 0).all():
        raise RoadsBroken("the road graph has an arc_ordinary that is not above zero")
    if not (np.abs(graph.node_lat) <= 90).all() or not (np.abs(graph.node_lon) <= 180).all():
        raise RoadsBroken("the road graph has a node that is nowhere on Earth")


def _check_nodes(what: str, nodes: Ints, count: int) -> None:
    if nodes.min() < 0 or nodes.max() >= count:
        raise RoadsBroken(f"the road graph has {what} a node that does not exist")
