"""The roads of an installation as they are now: loaded once, again when a new graph or table is in
force, with the closures that are in force at the moment of asking."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin.roads.closures import Closure, ClosureRefused, Touched, in_force, token
from tocsin.roads.division import Division, load_division
from tocsin.roads.graph import (
    MODES,
    Graph,
    Mode,
    RoadsMissing,
    arrays_folder,
    load_described,
)
from tocsin.roads.tables import NODES_MAX, OPEN, Tables, build_tables, load_tables
from tocsin.roads.times import Times


@dataclass(frozen=True, slots=True)
class _Loaded:
    """One graph with one table, and what was worked out from them."""

    stamp: int
    version: str
    graph: Graph
    division: Division | None
    tables: dict[Mode, Tables]
    touched: Touched
    opened: dict[Mode, Times]
    arcs: dict[str, tuple[Closure, NDArray[np.int64]]] = field(default_factory=dict)
    closed: dict[tuple[Mode, str], Times] = field(default_factory=dict)


class Roads:
    """The roads in one folder. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    def times(
        self,
        closures: Iterable[Closure] = (),
        now: datetime | None = None,
        mode: Mode = "emergency",
    ) -> Times:
        """Times with the closures in force at `now`; without `now` all of them count.

        Those that touch no road of this graph are passed over: `unknown` tells which. Raises
        RoadsMissing and RoadsBroken."""
        chosen = tuple(closures) if now is None else in_force(closures, now)
        with self._lock:
            loaded = self._load()
            usable = _usable(loaded, chosen)
            name = token(usable)
            if name == OPEN:
                return loaded.opened[mode]
            times = loaded.closed.get((mode, name))
            if times is None:
                arcs = {one.id: loaded.arcs[one.id][1] for one in usable}
                seconds = loaded.touched.seconds(mode, usable, arcs)
                times = loaded.opened[mode].with_seconds(seconds, name)
                # Only what is in force is kept: the closures of the past never come back.
                for old in [key for key in loaded.closed if key[1] != name]:
                    del loaded.closed[old]
                loaded.closed[mode, name] = times
            return times

    def unknown(self, closures: Iterable[Closure]) -> dict[str, ClosureRefused]:
        """Closures that touch no road of the graph in force, by id, and why: one that was commanded
        on an earlier graph may name a way that is no more."""
        found = {}
        with self._lock:
            loaded = self._load()
            for one in closures:
                try:
                    loaded.touched.arcs(one)
                except ClosureRefused as error:
                    found[one.id] = error
        return found

    def rebuild(
        self,
        closures: Iterable[Closure],
        now: datetime | None,
        progress: Callable[[float], None],
        nodes_max: int = NODES_MAX,
    ) -> bool:
        """Search the tables anew where those in force do not know the closures at `now`, and swap
        them in as a whole; whether that was needed. Meant for a process of the background.

        Raises RoadsUnavailable, TableTooLarge among them."""
        chosen = tuple(closures)
        times = {mode: self.times(chosen, now, mode) for mode in MODES}
        with self._lock:
            loaded = self._load()
        if loaded.division is None or all(one.from_table for one in times.values()):
            return False
        weights = {mode: one.weights for mode, one in times.items()}
        name = times["emergency"].token
        build_tables(self._folder, weights, name, loaded.version, progress, nodes_max)
        return True

    def _load(self) -> _Loaded:
        try:
            stamp = self._folder.stat().st_mtime_ns
        except OSError as error:
            raise RoadsMissing(f"there is no road graph in {self._folder}") from error
        if self._loaded is not None and self._loaded.stamp == stamp:
            return self._loaded
        graph, said = load_described(self._folder)
        division = load_division(arrays_folder(self._folder, said), graph)
        tables = {mode: Tables() for mode in MODES}
        if division is not None:
            tables = load_tables(self._folder, said, len(division.islands.decision))
        before, version = self._loaded, str(said.get("version", ""))
        if before is not None and before.version == version != "":
            # The same graph with new tables: nothing but the tables is looked at again.
            opened = {mode: one.with_tables(tables[mode]) for mode, one in before.opened.items()}
            touched, arcs = before.touched, before.arcs
            closed = {key: one.with_tables(tables[key[0]]) for key, one in before.closed.items()}
        else:
            opened = {
                mode: Times(graph, mode, division=division, tables=tables[mode]) for mode in MODES
            }
            touched, arcs, closed = Touched(graph), {}, {}
        self._loaded = _Loaded(
            stamp, version, graph, division, tables, touched, opened, arcs, closed
        )
        return self._loaded


def _usable(loaded: _Loaded, closures: tuple[Closure, ...]) -> tuple[Closure, ...]:
    """Those that touch roads of this graph; their arcs are looked up once."""
    found = []
    for one in closures:
        known = loaded.arcs.get(one.id)
        if known is None or known[0] != one:
            with contextlib.suppress(ClosureRefused):
                loaded.arcs[one.id] = (one, loaded.touched.arcs(one))
        if one.id in loaded.arcs and loaded.arcs[one.id][0] == one:
            found.append(one)
    for gone in loaded.arcs.keys() - {one.id for one in closures}:
        del loaded.arcs[gone]
    return tuple(found)
