"""The engine against the plain one, call by call, on small cities drawn by seed; and what
every policy keeps to."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_city import write_city
from reference import Reference

from tocsin.sim.engine.calls import Calls, read_calls
from tocsin.sim.engine.choosing import left_of
from tocsin.sim.engine.city import read_city
from tocsin.sim.engine.loop import _send
from tocsin.sim.engine.policies import POLICIES
from tocsin.sim.engine.rules import JEMSS_BUSY
from tocsin.sim.engine.run import Simulator
from tocsin.sim.engine.town import state_of, work_of


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    units=st.integers(1, 5),
    policy=st.sampled_from(["closest", "dmexclp"]),
)
def test_every_call_is_as_in_the_plain_engine(seed: int, units: int, policy: str) -> None:
    with TemporaryDirectory() as folder:
        city = read_city(write_city(Path(folder), seed, units=units))
        calls = read_calls(city, city.calls[0])
        simulator = Simulator(city)
        result = simulator.run(calls, POLICIES[policy])
    homes = next(iter(city.fleets.values())).tolist()
    plain = Reference(city, calls, homes, JEMSS_BUSY if policy == "dmexclp" else 0.0)
    expected = np.array(plain.run()) * 86_400
    assert np.abs(result.response_s - expected).max() < 1e-3
    assert int(result.redirects.sum()) == plain.redirects


@pytest.fixture(scope="module")
def busy_city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulator, Calls]:
    city = read_city(write_city(tmp_path_factory.mktemp("busy"), 7, calls=100, units=6))
    return Simulator(city), read_calls(city, city.calls[0])


@pytest.mark.parametrize("name", POLICIES)
def test_every_call_is_answered_and_counts_are_sane(
    busy_city: tuple[Simulator, Calls], name: str
) -> None:
    simulator, calls = busy_city
    result = simulator.run(calls, POLICIES[name], travel_error=0.3)
    assert (result.response_s > 0).all()
    assert set(result.unit.tolist()) <= set(range(6))
    assert (result.moves >= 0).all()
    if not POLICIES[name].redirects:
        assert result.redirects.sum() == 0
    if POLICIES[name].rules is None:
        assert result.moves.sum() == 0
    else:
        assert result.moves.sum() > 0


@pytest.mark.parametrize("name", POLICIES)
def test_the_same_seed_gives_the_same_bytes(busy_city: tuple[Simulator, Calls], name: str) -> None:
    simulator, calls = busy_city

    def run(seed: int) -> str:
        return "".join(simulator.run(calls, POLICIES[name], seed=seed, travel_error=0.3).lines())

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_policy_cannot_see_how_late_a_drive_will_be(
    busy_city: tuple[Simulator, Calls],
) -> None:
    """The first call finds all units at home, so whoever goes was chosen by the table alone; the
    drive then takes the factor of its own luck."""
    simulator, calls = busy_city
    first = Calls(*(column[:1] for column in vars(calls).values()))
    sure = simulator.run(first, POLICIES["closest"])
    ratios = []
    for seed in range(40):
        result = simulator.run(first, POLICIES["closest"], seed=seed, travel_error=0.3)
        assert result.unit.tolist() == sure.unit.tolist()
        wait = float(first.delay[0]) * 86_400
        ratios.append((result.response_s[0] - wait) / (sure.response_s[0] - wait))
    assert 0.8 < float(np.mean(ratios)) < 1.25
    assert 0.15 < float(np.std(np.log(ratios))) < 0.45


def test_fleets_of_other_sizes_are_spread(busy_city: tuple[Simulator, Calls]) -> None:
    simulator, calls = busy_city
    own = simulator.homes(None, calls)
    assert simulator.homes(6, calls).tolist() == own.tolist()
    more = simulator.homes(9, calls)
    assert more[:6].tolist() == own.tolist()
    assert len(more) == 9
    fewer = simulator.homes(2, calls)
    assert len(fewer) == 2
    assert not set(fewer.tolist()) - set(own.tolist())


def test_late_is_later_than_the_target_of_the_priority(
    busy_city: tuple[Simulator, Calls],
) -> None:
    simulator, calls = busy_city
    result = simulator.run(calls, POLICIES["closest"])
    target_s = simulator.city.target[calls.priority] * 86_400
    assert (result.late == (result.response_s > target_s)).all()
    assert 0 < result.late.mean() < 1
    assert result.redirects.sum() > 0


def test_what_is_left_of_a_drive_is_as_the_table_has_it(
    busy_city: tuple[Simulator, Calls],
) -> None:
    """A rolling unit may be late by its luck; a policy learns only what the table says."""
    simulator, calls = busy_city
    work = work_of(simulator.city, simulator.town, calls)
    at = float(work.decide[0])
    left, events = [], []
    for sigma in (0.0, 0.4):
        state = state_of(simulator.town, work, simulator.homes(None, calls))
        with np.errstate(over="ignore"):
            _send(simulator.town, work, state, 0, 0, at, 5, sigma)
        left.append(left_of(state, 0, at))
        events.append(float(state.event[0]))
    assert events[0] != pytest.approx(events[1], abs=1e-6)
    assert left[0] == pytest.approx(left[1], rel=1e-9)
    assert left[0] == pytest.approx(events[0] - at, rel=1e-9)
