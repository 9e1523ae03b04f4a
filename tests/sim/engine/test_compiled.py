"""The compiled engine, in a process of its own: call by call as the plain one, and as the same
code uncompiled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from made_city import write_city

from tocsin.sim.engine.calls import read_calls
from tocsin.sim.engine.city import read_city
from tocsin.sim.engine.policies import POLICIES
from tocsin.sim.engine.run import Simulator

SCRIPT = Path(__file__).parent / "compare_compiled.py"


def compiled(policies: str, *seeds: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, SCRIPT, policies, *map(str, seeds)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def agree(lines: list[str], count: int) -> None:
    assert len(lines) == count
    for line in lines:
        _, _, apart_s, redirects = line.split()
        assert float(apart_s) < 1e-3, line
        assert redirects == "0", line


def test_closest_is_as_in_the_plain_engine() -> None:
    agree(compiled("closest", *range(20)), 20)


@pytest.mark.long
def test_dmexclp_is_as_in_the_plain_engine() -> None:
    agree(compiled("closest,dmexclp", *range(200)), 400)


@pytest.mark.long
@pytest.mark.parametrize("name", ["cover", "late-aware"])
def test_policies_are_as_uncompiled(name: str, tmp_path: Path) -> None:
    expected: list[str] = []
    for seed in range(5):
        city = read_city(write_city(tmp_path / str(seed), seed, units=1 + seed % 5))
        calls = read_calls(city, city.calls[0])
        result = Simulator(city).run(calls, POLICIES[name], travel_error=0.3)
        expected += "".join(result.lines()).splitlines()
    assert compiled(name, *range(5)) == expected
