"""What a city's tables say of demand: calls a day, cover, and which priority may take a unit from
which."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tocsin.sim.engine.tables import Flags, Floats, Ints, Table


@dataclass(frozen=True)
class Demand:
    """Calls a day by demand set and priority, and when which set holds."""

    rate: Floats
    raster: Ints
    """raster[set, priority]: priorities with the same raster have the same places."""
    set_from: Floats
    set_index: Ints


@dataclass(frozen=True)
class CoverSets:
    """Demand that the same stations cover in time: covers[set, station], and how much it is."""

    covers: Flags
    demand: Floats


def misc_beside(found: dict[str, list[Table]], beside: Table) -> Table | None:
    """The table miscData of the same file, where there is one."""
    for table in found.get("miscData", []):
        if table.path == beside.path and len(table):
            return table
    return None


def read_demand(found: dict[str, list[Table]], priorities: list[str]) -> Demand | None:
    """Calls a day by set and priority; None without such tables."""
    if "demandModes" not in found:
        return None
    modes, sets = found["demandModes"][0], found.get("demandSets", [None])[0]
    timing = found.get("demandSetsTiming", [None])[0]
    modes.numbered("modeIndex")
    priority = modes.named("priority", priorities)
    (rate,) = modes.numbers("arrivalRate", least=0)
    raster = modes.integers("rasterIndex", 1, 1_000_000)
    chosen = [list(range(len(modes)))]
    if sets is not None:
        sets.numbered("setIndex")
        chosen = [_indices(sets, place, len(modes)) for place in range(len(sets))]
    rates = np.zeros((len(chosen), len(priorities)))
    rasters = np.full((len(chosen), len(priorities)), -1)
    for one, members in enumerate(chosen):
        for member in members:
            rates[one, priority[member]] += rate[member]
            rasters[one, priority[member]] = raster[member]
    begins, order = np.zeros(1), np.zeros(1, np.int64)
    if timing is not None:
        begins, order = timing.starts("setIndex", len(chosen))
    return Demand(rates, rasters, begins, order)


def _indices(table: Table, place: int, modes: int) -> list[int]:
    """`[1; 2; 3]`, as JEMSS writes a list."""
    cell = table.cells("modeIndices")[place]
    parts = re.findall(r"\d+", cell)
    if (
        not parts
        or re.search(r"[^\d\s\[\];,]", cell)
        or not all(1 <= int(p) <= modes for p in parts)
    ):
        en = f"expected a list of demand modes, 1 to {modes}, as in [1; 2]"
        raise table.bad(place, "modeIndices", en, f"应为 1 至 {modes} 的需求模式列表，如 [1; 2]")
    return [int(part) - 1 for part in parts]


def read_cover(found: dict[str, list[Table]], priorities: list[str], target: Floats) -> Floats:
    """Days of travel within which a station covers a place: the target, unless a table says."""
    cover = target.copy()
    for table in found.get("coverTimes", [])[:1]:
        (times,) = table.numbers("coverTime", least=0)
        cover[table.named("demandPriority", priorities)] = times
    return cover


def read_cover_sets(found: dict[str, list[Table]], stations: int) -> CoverSets | None:
    """The city's table coverSets: its demand, where the raster that it names is not beside it."""
    tables = found.get("coverSets")
    return _read_cover_sets(tables[0], stations) if tables else None


def _read_cover_sets(table: Table, stations: int) -> CoverSets:
    (demand,) = table.numbers("demand", least=0)
    covers = np.zeros((len(table), stations), np.bool_)
    for place, cell in enumerate(table.cells("stations")):
        for part in cell.split():
            if not part.isdigit() or not 1 <= int(part) <= stations:
                en = f"expected numbers of stations, 1 to {stations}"
                raise table.bad(place, "stations", en, f"应为 1 至 {stations} 的站点编号")
            covers[place, int(part) - 1] = True
    return CoverSets(covers, demand)


def read_bump(found: dict[str, list[Table]], priorities: list[str]) -> Flags:
    """Which priorities may lose a rolling unit to which. Of several tables the one that lets the
    highest priority take from every other holds (JEMSS' own default); else the first."""
    usual = np.zeros((len(priorities), len(priorities)), np.bool_)
    usual[1:, 0] = True
    given = []
    for table in found.get("redispatchConditions", []):
        bump = np.zeros_like(usual)
        allowed = table.integers("allowRedispatch", 0, 1) > 0
        begin, end = (table.named(f"{side}CallPriority", priorities) for side in ("from", "to"))
        up = np.flatnonzero(allowed & (begin <= end))
        if up.size:
            raise table.bad(
                int(up[0]), "toCallPriority", "expected a higher priority", "应为更高的优先级"
            )
        bump[begin, end] = allowed
        misc = misc_beside(found, table)
        if misc is not None and misc.integers("allowRedispatch", 0, 1)[0] == 0:
            bump[:] = False
        given.append(bump)
    if not given or any((bump == usual).all() for bump in given):
        return usual
    return given[0]
