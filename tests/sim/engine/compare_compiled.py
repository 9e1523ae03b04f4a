"""Runs compiled policies on small cities and prints how far the responses are from the plain
engine's: `compare_compiled.py POLICY,... SEED...`. With policies that the plain engine does not
know, prints the result itself instead."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from made_city import write_city
from reference import Reference

from tocsin.sim.engine.calls import read_calls
from tocsin.sim.engine.city import read_city
from tocsin.sim.engine.loop import simulate
from tocsin.sim.engine.policies import POLICIES
from tocsin.sim.engine.rules import JEMSS_BUSY
from tocsin.sim.engine.run import Simulator

BUSY = {"closest": 0.0, "dmexclp": JEMSS_BUSY}


def main() -> None:
    assert hasattr(simulate, "py_func"), "not compiled"
    for seed in map(int, sys.argv[2:]):
        with TemporaryDirectory() as folder:
            city = read_city(write_city(Path(folder), seed, units=1 + seed % 5))
            calls = read_calls(city, city.calls[0])
            simulator = Simulator(city)
            for name in sys.argv[1].split(","):
                if name not in BUSY:
                    result = simulator.run(calls, POLICIES[name], travel_error=0.3)
                    print("".join(result.lines()), end="")
                    continue
                result = simulator.run(calls, POLICIES[name])
                homes = next(iter(city.fleets.values())).tolist()
                plain = Reference(city, calls, homes, BUSY[name])
                apart = np.abs(result.response_s - np.array(plain.run()) * 86_400).max()
                print(f"{name} {seed} {apart:.9f} {result.redirects.sum() - plain.redirects}")


if __name__ == "__main__":
    main()
