"""The engine's functions run uncompiled here, which is the same code: to compile all of them takes
longer than to run these tests. The compiled ones run in a process of their own (test_compiled)."""

from __future__ import annotations

from pathlib import Path

import numba
import pytest
from made_city import write_city
from run_command import Command

from tocsin.site.command import main

before = numba.config.DISABLE_JIT
numba.config.DISABLE_JIT = 1
import tocsin.sim.engine.run  # noqa: E402

numba.config.DISABLE_JIT = before
assert not hasattr(tocsin.sim.engine.run.simulate, "py_func")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A made city in a folder of its own."""
    return write_city(tmp_path / "city", 3, calls=80, units=4)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the result goes, in a folder in which nothing else is."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "result.csv"


@pytest.fixture
def simulate(city: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`tocsin simulate` over the made city, in English."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(*options: str, policy: str = "closest", place: Path = city) -> int:
        return main(
            ["simulate", "--city", str(place), "--policy", policy, "--out", str(out), *options]
        )

    return run
