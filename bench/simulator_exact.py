"""The simulator against JEMSS 1.3.6, call by call: closest + home and closest + DMEXCLP (q = 0.5),
Auckland, test set 1 (70,182 calls), 16 units. JEMSS' responses are stored beside the city.

Usage: simulator_exact.py CITY. Exit code 1 when a call differs by more than 1 ms.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from machine import machine
from tocsin.sim.engine.calls import read_calls
from tocsin.sim.engine.city import DAY_S, read_city
from tocsin.sim.engine.policies import POLICIES
from tocsin.sim.engine.run import Simulator
from tocsin.sim.engine.tables import read_tables

STORED = {"closest": "jemss_out_none_1.csv.gz", "dmexclp": "jemss_out_dmexclp_1.csv.gz"}
WITHIN_S = 0.001


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "CITY")
    if not folder.is_dir():
        print(f"{folder}: no city here; give its folder")
        return 2
    print(machine())
    city = read_city(folder)
    calls = read_calls(city, city.calls[0])
    simulator = Simulator(city)
    units = len(simulator.homes(None, calls))
    exact = True
    for name, file in STORED.items():
        if not (folder / file).is_file():
            print(f"{name}: no stored {file}, not compared")
            exact = False
            continue
        result = simulator.run(calls, POLICIES[name])
        (stored,) = read_tables(folder / file)[0].numbers("responseDuration")
        apart = np.abs(result.response_s - stored * DAY_S)
        share = float((apart <= WITHIN_S).mean())
        print(
            f"{name}: {folder.name}, {units} units, test set {city.calls[0].name}, {len(calls):,}"
            f" calls: {share:.4%} within {WITHIN_S * 1e3:g} ms of JEMSS 1.3.6,"
            f" largest difference {apart.max():.2e} s"
        )
        exact = exact and share == 1.0
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
