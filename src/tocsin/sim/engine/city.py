"""A city as its tables give it: roads, stations, hospitals, units, priorities, travel and demand.
Times are days and speeds km a day, as in the tables; places are counted from 0."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tocsin.sim.engine.demand import (
    CoverSets,
    Demand,
    misc_beside,
    read_bump,
    read_cover,
    read_cover_sets,
    read_demand,
)
from tocsin.sim.engine.refusal import refused
from tocsin.sim.engine.tables import Flags, Floats, Ints, Table, natural, read_tables

DAY_S: Final = 86_400.0
UNITS_MAX: Final = 5_000
STATIONS_MAX: Final = 2_000
NODES_MAX: Final = 5_000_000


@dataclass(frozen=True)
class Places:
    """Points of the map: x and y as in the tables."""

    x: Floats
    y: Floats

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Travel:
    """Which travel mode a priority drives in, and from when on."""

    off_road_speed: Floats
    set_from: Floats
    set_index: Ints
    mode: Ints
    """mode[set, priority]"""


@dataclass(frozen=True)
class City:
    """Everything but the calls."""

    path: Path
    nodes: Places
    access: Flags
    arc_from: Ints
    arc_to: Ints
    arc_time: Floats
    """arc_time[mode, arc], days"""
    scale: tuple[float, float]
    bounds: tuple[float, float, float, float]
    stations: Places
    hospitals: Places
    fleets: dict[int, Ints]
    """Home station of each unit, by fleet size; the first is the city's own."""
    priorities: list[str]
    target: Floats
    drives_as: Ints
    """The priority whose travel mode a priority's response uses."""
    travel: Travel
    demand: Demand | None
    cover_time: Floats
    """Days of travel within which a station covers a place, by priority."""
    cover_sets: CoverSets | None
    """The demand by which stations cover it, where a table tells it."""
    bump: Flags
    """bump[from, to]: a unit on its way to priority `from` may be taken for `to`."""
    calls: list[Path]
    """The files of calls in the folder, in natural order."""

    @property
    def plain(self) -> int:
        """The priority in whose mode units drive to hospitals and stations: the lowest."""
        return len(self.priorities) - 1


def read_city(folder: Path, redispatch: Path | None = None) -> City:
    """The city of a folder. Raises `InputRefused`."""
    found, calls = _catalogue(folder)
    if redispatch is not None:
        _take_redispatch(found, redispatch)
    priorities, target, drives_as = _priorities(_one(folder, found, "priorities"))
    travel = _travel(
        _one(folder, found, "travelModes"),
        _one(folder, found, "travelSets"),
        _one(folder, found, "travelSetsTiming"),
        priorities,
    )
    scale, bounds = _map(_one(folder, found, "map"))
    nodes, access = _nodes(_one(folder, found, "nodes"), bounds)
    arcs = _one(folder, found, "arcs")
    arc_from, arc_to, arc_time = _arcs(
        arcs, misc_beside(found, arcs), len(nodes), len(travel.off_road_speed)
    )
    stations = _places(_one(folder, found, "stations"), bounds, STATIONS_MAX)
    return City(
        folder,
        nodes,
        access,
        arc_from,
        arc_to,
        arc_time,
        scale,
        bounds,
        stations,
        _places(_one(folder, found, "hospitals"), bounds, STATIONS_MAX),
        _fleets(folder, found, len(stations)),
        priorities,
        target,
        drives_as,
        travel,
        read_demand(found, priorities),
        read_cover(found, priorities, target),
        read_cover_sets(found, len(stations)),
        read_bump(found, priorities),
        calls,
    )


def _catalogue(folder: Path) -> tuple[dict[str, list[Table]], list[Path]]:
    if not folder.is_dir():
        raise refused(None, f"{folder}: expected a folder", f"{folder}：应为文件夹")
    found: dict[str, list[Table]] = {}
    calls = []
    files = [path for path in folder.iterdir() if re.search(r"\.csv(\.gz)?$", path.name)]
    for path in sorted(files, key=natural):
        for table in read_tables(path):
            if table.name == "calls":
                calls.append(path)
            elif table.name:
                found.setdefault(table.name, []).append(table)
    return found, calls


def _take_redispatch(found: dict[str, list[Table]], path: Path) -> None:
    """This file's table alone, whatever the folder has."""
    name = "redispatchConditions"
    tables = read_tables(path)
    found[name] = [table for table in tables if table.name == name]
    if not found[name]:
        raise refused(path, f"expected a table {name}", f"应含有表 {name}")
    found.setdefault("miscData", []).extend(table for table in tables if table.name == "miscData")


def _one(folder: Path, found: dict[str, list[Table]], name: str) -> Table:
    """The first table of this name, in natural order of the files."""
    for table in found.get(name, []):
        if len(table):
            return table
        raise refused(table.path, f"table {name} is empty", f"表 {name} 为空", row=table.header_row)
    raise refused(
        None,
        f"{folder}: no file has a table {name}",
        f"{folder}：没有文件含有表 {name}",
    )


def _priorities(table: Table) -> tuple[list[str], Floats, Ints]:
    table.numbered("priority")
    names = table.cells("name")
    column = (
        "targetResponseDuration" if table.has("targetResponseDuration") else "targetResponseTime"
    )
    (target,) = table.numbers(column, above=0)
    drives_as = np.arange(len(names))
    if table.has("responseTravelPriority"):
        drives_as = table.named("responseTravelPriority", names)
    return names, target, drives_as


def _travel(modes: Table, sets: Table, timing: Table, priorities: list[str]) -> Travel:
    count = modes.numbered("travelModeIndex")
    (speed,) = modes.numbers("offRoadSpeed", above=0)
    index = sets.integers("travelSetIndex", 1, len(sets)) - 1
    priority = sets.named("priority", priorities)
    mode = sets.integers("travelModeIndex", 1, count) - 1
    lookup = np.full((int(index.max()) + 1, len(priorities)), -1)
    for place, (one, wanted) in enumerate(zip(index, priority, strict=True)):
        if lookup[one, wanted] >= 0:
            raise sets.bad(
                place, "priority", "expected once in each travel set", "每个出行组合中应只出现一次"
            )
        lookup[one, wanted] = mode[place]
    if (lookup < 0).any():
        one, wanted = (int(value) for value in np.argwhere(lookup < 0)[0])
        raise refused(
            sets.path,
            f"travel set {one + 1} has no row for {priorities[wanted]}",
            f"出行组合 {one + 1} 缺少 {priorities[wanted]} 一行",
            row=sets.header_row,
        )
    begins, order = timing.starts("travelSetIndex", len(lookup))
    return Travel(speed, begins, order, lookup)


def _map(table: Table) -> tuple[tuple[float, float], tuple[float, float, float, float]]:
    x_min, x_max, y_min, y_max = (
        float(values[0]) for values in table.numbers("xMin", "xMax", "yMin", "yMax")
    )
    scale_x, scale_y = (float(values[0]) for values in table.numbers("xScale", "yScale", above=0))
    if not (x_min < x_max and y_min < y_max):
        raise refused(
            table.path,
            "expected xMin below xMax and yMin below yMax",
            "应满足 xMin 小于 xMax、yMin 小于 yMax",
            row=table.row(0),
        )
    return (scale_x, scale_y), (x_min, x_max, y_min, y_max)


def places_of(table: Table, bounds: tuple[float, float, float, float]) -> Places:
    """The x and y of a table, each within the map."""
    x, y = table.numbers("x", "y")
    for column, values, least, most in (("x", x, *bounds[:2]), ("y", y, *bounds[2:])):
        out = np.flatnonzero((values < least) | (values > most))
        if out.size:
            en = f"expected a place on the map, {least:g} to {most:g}"
            raise table.bad(int(out[0]), column, en, f"应在地图范围 {least:g} 至 {most:g} 之内")
    return Places(x, y)


def _places(table: Table, bounds: tuple[float, float, float, float], most: int) -> Places:
    if table.numbered() > most:
        raise refused(
            table.path,
            f"table {table.name} has {len(table)} rows; expected at most {most}",
            f"表 {table.name} 有 {len(table)} 行，最多 {most} 行",
        )
    return places_of(table, bounds)


def _nodes(table: Table, bounds: tuple[float, float, float, float]) -> tuple[Places, Flags]:
    places = _places(table, bounds, NODES_MAX)
    access = np.ones(len(places), np.bool_)
    if table.has("offRoadAccess"):
        access = table.integers("offRoadAccess", 0, 1) > 0
    if not access.any():
        raise refused(
            table.path,
            "no node has offRoadAccess 1: no place can be reached",
            "没有 offRoadAccess 为 1 的节点：任何地点都无法到达",
        )
    return places, access


def _arcs(table: Table, misc: Table | None, nodes: int, modes: int) -> tuple[Ints, Ints, Floats]:
    begin = table.integers("fromNode", 1, nodes) - 1
    end = table.integers("toNode", 1, nodes) - 1
    same = np.flatnonzero(begin == end)
    if same.size:
        raise table.bad(
            int(same[0]), "toNode", "expected another node than fromNode", "应与 fromNode 不同"
        )
    times = np.array(table.numbers(*(f"mode_{mode + 1}" for mode in range(modes)), above=0))
    form = misc.cells("arcForm")[0] if misc is not None and misc.has("arcForm") else "directed"
    if form == "undirected":
        return np.r_[begin, end], np.r_[end, begin], np.c_[times, times]
    if form != "directed" and misc is not None:
        raise misc.bad(
            0, "arcForm", "expected directed or undirected", "应为 directed 或 undirected"
        )
    return begin, end, times


def _fleets(folder: Path, found: dict[str, list[Table]], stations: int) -> dict[int, Ints]:
    _one(folder, found, "ambulances")
    fleets: dict[int, Ints] = {}
    for table in found["ambulances"]:
        size = table.numbered()
        if not 1 <= size <= UNITS_MAX:
            raise refused(
                table.path,
                f"expected 1 to {UNITS_MAX} units",
                f"力量应为 1 至 {UNITS_MAX} 支",
                row=table.header_row,
            )
        fleets.setdefault(size, table.integers("stationIndex", 1, stations) - 1)
    return fleets
