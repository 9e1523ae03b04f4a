"""One built city for all tests of the simulation: building it takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
from seed_seven import SEED, Built

from tocsin.sim.city.build import build
from tocsin.sim.city.model import City
from tocsin.sim.prepare import write_city


@pytest.fixture(scope="session")
def built() -> Built:
    return build(SEED)


@pytest.fixture(scope="session")
def city_folder(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which the city stands. To be copied by who changes it."""
    folder = tmp_path_factory.mktemp("city")
    write_city(folder, *built)
    return folder


@pytest.fixture(scope="session")
def city(built: Built) -> City:
    return built[0]
