"""One prepared data directory for all faults, to be copied by each: making it takes seconds."""

from __future__ import annotations

import pytest
from prepared import Prepared, prepare


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("prepared"))
