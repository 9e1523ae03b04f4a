"""How fast the simulator is, on one thread: closest + home over the stored calls of a city, five
runs, the median; its memory; and how long a process takes from its start until it is ready, with
nothing compiled before. Beside it what a bare heap of as many events reaches in the same compiled
code and run, and JEMSS 1.3.6's stored figures, measured elsewhere.

Usage: simulator_speed.py CITY. Exit code 1 when a figure misses its target.
"""

from __future__ import annotations

import heapq
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numba
import numpy as np

from machine import machine
from tocsin.sim.engine.calls import Calls, read_calls
from tocsin.sim.engine.city import City, read_city
from tocsin.sim.engine.loop import simulate
from tocsin.sim.engine.policies import POLICIES
from tocsin.sim.engine.run import Simulator
from tocsin.sim.engine.town import state_of, work_of

RUNS = 5
CALLS_S_MIN, MEMORY_GB_MAX, COLD_S_MAX = 50_000, 1.0, 20.0
EVENTS = 3  # of a call: it is decided, its unit comes, its unit is free again


@numba.njit
def bare_heap(times: np.ndarray, pending: int) -> float:
    """Every event pushed and popped once, as many pending as units; nothing happens."""
    heap = [(times[place], place) for place in range(pending)]
    heapq.heapify(heap)
    last = 0.0
    for place in range(pending, len(times)):
        last, _ = heapq.heappop(heap)
        heapq.heappush(heap, (last + times[place], place))
    return last


def calls_a_second(simulator: Simulator, city: City, calls: Calls, name: str, runs: int) -> float:
    """The median of the runs, after one that compiles."""
    work = work_of(city, simulator.town, calls)
    cover = simulator.cover(calls)
    homes = simulator.homes(None, calls)
    took = []
    for run in range(runs + 1):
        state = state_of(simulator.town, work, homes)
        began = time.perf_counter()
        policy = POLICIES[name]
        chosen = cover if policy.covers else None
        simulate(simulator.town, work, state, chosen, policy.rules, 1, 0.0)
        if run:
            took.append(time.perf_counter() - began)
    return len(calls) / statistics.median(took)


def cold_s(folder: Path) -> float:
    """Seconds of a whole process that reads the city, builds its tables, compiles, and simulates
    one call, with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        began = time.perf_counter()
        subprocess.run([sys.executable, __file__, "--cold", folder], env=environment, check=True)
        return time.perf_counter() - began


def cold(folder: Path) -> None:
    city = read_city(folder)
    calls = read_calls(city, city.calls[0])
    first = Calls(*(column[:1] for column in vars(calls).values()))
    Simulator(city).run(first, POLICIES["closest"])


def main() -> int:
    if sys.argv[1:2] == ["--cold"]:
        cold(Path(sys.argv[2]))
        return 0
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "CITY")
    if not folder.is_dir():
        print(f"{folder}: no city here; give its folder")
        return 2
    print(machine())
    ready_s = cold_s(folder)
    city = read_city(folder)
    calls = read_calls(city, city.calls[0])
    simulator = Simulator(city)
    speed = calls_a_second(simulator, city, calls, "closest", RUNS)
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    times = np.random.default_rng(1).exponential(size=EVENTS * len(calls))
    bare_heap(times, 16)
    began = time.perf_counter()
    bare_heap(times, 16)
    limit = len(calls) / (time.perf_counter() - began)
    print(f"{folder.name}, {city.calls[0].name}, {len(calls):,} calls, one thread")
    print(f"closest: {speed:,.0f} simulated calls/s (median of {RUNS}; target {CALLS_S_MIN:,})")
    print(f"limit, a bare heap of {EVENTS} events a call: {limit:,.0f} calls/s")
    print(f"memory: {memory_gb:.2f} GB at most (target {MEMORY_GB_MAX:g})")
    print(f"cold, from nothing to the first call: {ready_s:.1f} s (target {COLD_S_MAX:g})")
    print("JEMSS 1.3.6, stored: 6,000 to 47,000 calls/s warm, 3.5 to 5.2 GB, 30 to 50 s to start")
    for name in POLICIES:
        if name != "closest":
            print(
                f"{name}: {calls_a_second(simulator, city, calls, name, 1):,.0f} calls/s (one run)"
            )
    well = speed >= CALLS_S_MIN and memory_gb <= MEMORY_GB_MAX and ready_s <= COLD_S_MAX
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
