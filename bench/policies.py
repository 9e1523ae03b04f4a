"""What dispatch policies gain: paired with closest + home on the same calls, 20 units, 30 days
after a day to warm up, seeds 1 to 20 (policies are tuned on seeds 101 to 106 only), with the 95 %
interval of the paired difference. Each again with travel times that are off by sigma 0.3, unknown
to it.

Usage: policies.py CITY [--seeds N] [--days D] [--units N] [--policies A,B]. Exit code 1 when a
policy misses its target or what it may cost.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from machine import machine
from tocsin.sim.engine.calls import Calls, generate_calls
from tocsin.sim.engine.city import DAY_S, read_city
from tocsin.sim.engine.distributions import read_config
from tocsin.sim.engine.policies import POLICIES
from tocsin.sim.engine.run import Simulator

WARM_UP_DAYS = 1.0
MOVES_MAX, REDIRECTS_MAX = 650.0, 60.0  # per 1,000 calls
TARGETS = {("no", 0.0): -0.16, ("yes", 0.0): -0.25, ("yes", 0.3): -0.17}


@dataclass(frozen=True)
class Figures:
    """One seed: shares in per cent, minutes, and counts per 1,000 calls."""

    late: float
    urgent_late: float
    mean_min: float
    moves: float
    redirects: float


def figures(
    simulator: Simulator, calls: Calls, name: str, units: int, seed: int, sigma: float
) -> Figures:
    result = simulator.run(calls, POLICIES[name], units=units, seed=seed, travel_error=sigma)
    kept = result.arrival_s >= WARM_UP_DAYS * DAY_S
    return Figures(
        100 * float(result.late[kept].mean()),
        100 * float(result.late[kept & (result.priority == 0)].mean()),
        float(result.response_s[kept].mean()) / 60,
        1000 * float(result.moves[kept].sum() / kept.sum()),
        1000 * float(result.redirects[kept].sum() / kept.sum()),
    )


def told(name: str, found: list[Figures], usual: list[Figures], sigma: float) -> bool:
    """One line, and whether target and limits hold."""
    column = {field: np.array([getattr(one, field) for one in found]) for field in vars(found[0])}
    beside = {field: np.array([getattr(one, field) for one in usual]) for field in vars(usual[0])}
    apart = column["late"] - beside["late"]
    half = float(student.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / np.sqrt(len(apart)))
    share = apart.mean() / beside["late"].mean()
    redirects = "yes" if POLICIES[name].redirects else "no"
    target = TARGETS.get((redirects, sigma)) if name not in ("closest", "dmexclp") else None
    held = (
        column["mean_min"].mean() <= beside["mean_min"].mean()
        and column["urgent_late"].mean() <= beside["urgent_late"].mean()
        and column["moves"].mean() <= MOVES_MAX
        and column["redirects"].mean() <= REDIRECTS_MAX
    )
    print(
        f"{name:12} sigma {sigma:.1f}: late {column['late'].mean():6.2f} %,"
        f" {apart.mean():+6.2f} ± {half:.2f} points ({share:+.1%}"
        + (f", target {target:+.0%}" if target is not None else "")
        + f"); P1 late {column['urgent_late'].mean():.2f} %"
        f" ({column['urgent_late'].mean() - beside['urgent_late'].mean():+.2f}),"
        f" mean {column['mean_min'].mean():.2f} min"
        f" ({column['mean_min'].mean() - beside['mean_min'].mean():+.2f}),"
        f" {column['moves'].mean():.0f} moves and {column['redirects'].mean():.0f} redirects per"
        " 1,000 calls",
        flush=True,
    )
    return target is None or bool(held and share <= target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("city", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--units", type=int, default=20)
    parser.add_argument("--policies", default=",".join(name for name in POLICIES))
    chosen = parser.parse_args()
    if not chosen.city.is_dir():
        print(f"{chosen.city}: no city here; give its folder")
        return 2
    print(machine())
    city = read_city(chosen.city)
    config = read_config(chosen.city)
    simulator = Simulator(city)
    seeds = range(1, chosen.seeds + 1)
    drawn = [generate_calls(city, config, seed, chosen.days + WARM_UP_DAYS) for seed in seeds]
    print(
        f"{chosen.city.name}, {chosen.units} units, seeds 1 to {chosen.seeds},"
        f" {chosen.days:g} days, {sum(map(len, drawn)):,} calls with the day of warm-up"
    )
    well = True
    for sigma in (0.0, 0.3):
        runs = {
            name: [
                figures(simulator, calls, name, chosen.units, seed, sigma)
                for seed, calls in zip(seeds, drawn, strict=True)
            ]
            for name in ("closest", *chosen.policies.split(","))
        }
        for name, found in runs.items():
            well = told(name, found, runs["closest"], sigma) and well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
