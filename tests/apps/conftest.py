"""The running web process of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from web_site import Site, site_for

if TYPE_CHECKING:
    from conftest import Server


@pytest.fixture(scope="session")
def running(server: Server) -> Iterator[Site]:
    yield from site_for(server, "apps")


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    yield running
    running.close()
