"""What an earlier start of the same program did for good is not done again; anything else is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from tocsin.core.commands import RegisterUnit
from tocsin.core.terms import Capability, Datum, Place
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.record.units import register_units
from tocsin.site import installation
from tocsin.site.command import schema
from tocsin.site.command.demo import BUILT, LOGINS, is_built
from tocsin.site.configuration import Configuration
from tocsin.site.postgres import Postgres

PLACE = Place(31.2304, 121.4737, Datum.WGS_84, "南京东路 1 号", "1 Nanjing Road East")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("second") / "data"


@pytest.fixture(scope="module")
def urls(data: Path) -> Iterator[Urls]:
    with Postgres(data) as running:
        yield running.urls()


def test_the_schema_is_left_alone_by_the_program_that_made_it(
    data: Path, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not schema.is_ours(urls.application, Configuration())
    subprocess.run(
        [sys.executable, "-m", "tocsin.site.command", "db", "migrate", "--data", str(data)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert schema.is_ours(urls.application, Configuration())
    assert not schema.is_ours(urls.application, Configuration(district="north"))
    assert not schema.is_ours(urls.application, Configuration(name_en="Elsewhere"))
    monkeypatch.setattr(schema, "stamp_of_sources", lambda: "another")
    assert not schema.is_ours(urls.application, Configuration())


def test_the_stamp_is_another_for_other_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tocsin").mkdir()
    source = tmp_path / "tocsin" / "one.sql"
    source.write_text("SELECT 1")
    monkeypatch.setattr(installation, "import_path", lambda: [tmp_path])
    before = installation.stamp_of_sources()
    assert installation.stamp_of_sources() == before
    source.write_text("SELECT 12")
    assert installation.stamp_of_sources() != before


def test_a_city_is_built_once_for_each_database(data: Path, urls: Urls) -> None:
    (data / "run").mkdir(exist_ok=True)
    assert not is_built(data, urls.application, "seed 7\n")
    (data / BUILT).write_text("seed 7\n")
    (data / LOGINS).write_text("{}")
    assert not is_built(data, urls.application, "seed 7\n"), "the database has no units"
    unit = RegisterUnit(uuid4(), "1-1", "engine", (Capability.PUMP,), uuid4(), PLACE, "d", "a")
    with connect(urls.application) as connection:
        register_units(connection, Keyring(data / "keys"), [unit], now=datetime.now(UTC))
    assert is_built(data, urls.application, "seed 7\n")
    assert not is_built(data, urls.application, "seed 8\n")
    (data / LOGINS).unlink()
    assert not is_built(data, urls.application, "seed 7\n")
