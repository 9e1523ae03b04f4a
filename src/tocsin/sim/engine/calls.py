"""The calls of a run: read from a table, or drawn by seed from the distributions that the city's
gen_config file names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tocsin.sim.engine.city import City, places_of
from tocsin.sim.engine.distributions import CallConfig
from tocsin.sim.engine.refusal import refused
from tocsin.sim.engine.tables import Flags, Floats, Ints, Table, read_tables

CALLS_MAX: Final = 10_000_000


@dataclass(frozen=True)
class Calls:
    """Calls in order of arrival; days, map coordinates, numbers from 0 (hospital -1: nearest)."""

    priority: Ints
    x: Floats
    y: Floats
    arrival: Floats
    delay: Floats
    """From arrival to the decision whom to send."""
    on_scene: Floats
    transport: Flags
    hospital: Ints
    handover: Floats

    def __len__(self) -> int:
        return len(self.priority)


def read_calls(city: City, path: Path) -> Calls:
    """The calls of a file. Raises `InputRefused`."""
    for table in read_tables(path):
        if table.name == "calls":
            return _calls(city, table)
    raise refused(path, "expected a table calls", "应含有表 calls")


def _calls(city: City, table: Table) -> Calls:
    if not 0 < len(table) <= CALLS_MAX:
        raise refused(
            table.path,
            f"expected 1 to {CALLS_MAX} calls",
            f"呼叫应为 1 至 {CALLS_MAX} 条",
            row=table.header_row,
        )
    if table.has("index"):
        table.numbered()
    places = places_of(table, city.bounds)
    arrival, delay, on_scene = table.numbers(
        "arrivalTime", "dispatchDelay", "onSceneDuration", least=0
    )
    back = np.flatnonzero(np.diff(arrival) < 0)
    if back.size:
        raise table.bad(
            int(back[0]) + 1,
            "arrivalTime",
            "expected no earlier than the row before",
            "不应早于上一行",
        )
    if arrival[0] < city.travel.set_from[0]:
        raise table.bad(
            0,
            "arrivalTime",
            f"expected no earlier than the first travel set, {city.travel.set_from[0]:g}",
            f"不应早于首个出行组合的开始时间 {city.travel.set_from[0]:g}",
        )
    hospital = np.full(len(table), -1)
    if table.has("hospitalIndex"):
        hospital = table.integers("hospitalIndex", -1, len(city.hospitals))
        hospital = np.where(hospital > 0, hospital - 1, -1)
    old = not table.has("transport")  # as JEMSS before 1.3 called them
    transport = table.integers("transfer" if old else "transport", 0, 1) > 0
    (handover,) = table.numbers("transferDuration" if old else "handoverDuration", least=0)
    return Calls(
        table.integers("priority", 1, len(city.priorities)) - 1,
        places.x,
        places.y,
        arrival,
        delay,
        on_scene,
        transport,
        hospital,
        np.where(transport, handover, 0.0),
    )


def generate_calls(city: City, config: CallConfig, seed: int, days: float) -> Calls:
    """Calls of `days` days by PCG64 with this seed. The raster of the city's demand is not among
    its tables: each call lies where one of the given calls of the same priority lies, drawn with
    replacement (priorities of one raster share their places). Raises `InputRefused`."""
    if not city.calls:
        raise refused(
            None,
            f"{city.path}: no file of calls to take the places of calls from",
            f"{city.path}：没有可用于抽取地点的呼叫文件",
        )
    if days * config.rate > CALLS_MAX:
        raise refused(None, f"more than {CALLS_MAX} calls", f"呼叫超过 {CALLS_MAX} 条")
    given = read_calls(city, city.calls[0])
    streams = np.random.SeedSequence(seed).spawn(7)
    draw = [np.random.Generator(np.random.PCG64(stream)) for stream in streams]
    begin = config.start
    arrival = np.zeros(0)
    while not arrival.size or arrival[-1] < begin + days:
        since = arrival[-1] if arrival.size else begin
        gaps = config.interarrival.draw(draw[0], max(64, int(days * config.rate * 0.2)))
        arrival = np.concatenate([arrival, since + np.cumsum(gaps)])
    arrival = arrival[arrival < begin + days]
    if not arrival.size:
        raise refused(None, "no call arrives in this time", "该时段内没有呼叫")
    count = len(arrival)
    priority = np.minimum(
        config.priority.draw(draw[1], count).astype(np.int64), len(city.priorities)
    )
    priority = np.maximum(priority, 1) - 1
    transport = config.transport.draw(draw[4], count) > 0
    chosen = _chosen(city, given, priority, draw[6])
    return Calls(
        priority,
        given.x[chosen],
        given.y[chosen],
        arrival,
        config.delay.draw(draw[2], count),
        config.on_scene.draw(draw[3], count),
        transport,
        np.full(count, -1),
        np.where(transport, config.handover.draw(draw[5], count), 0.0),
    )


def _chosen(city: City, given: Calls, priority: Ints, draw: np.random.Generator) -> Ints:
    raster = np.zeros(len(city.priorities))
    if city.demand is not None:
        raster = city.demand.raster[city.demand.set_index[0]]
    chosen = np.zeros(len(priority), np.int64)
    for one in np.unique(raster):
        of_it = np.flatnonzero(raster == one)
        pool = np.flatnonzero(np.isin(given.priority, of_it))
        wanted = np.flatnonzero(np.isin(priority, of_it))
        if not wanted.size:
            continue
        if not pool.size:
            pool = np.arange(len(given))
        chosen[wanted] = pool[draw.integers(0, len(pool), wanted.size)]
    return chosen
