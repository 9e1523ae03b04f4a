"""The real PostgreSQL for tests: one embedded server per run, a migrated template, and a database
of its own for each test module, cloned from the template in some 50 ms."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.record.migrate import migrate
from tocsin.site.postgres import Postgres

TEMPLATE = "tocsin_template"


@dataclass(frozen=True)
class Server:
    """The running server: `administrator` is the superuser's URL, `postgres` the supervisor."""

    postgres: Postgres
    administrator: str
    urls: Urls

    def named(self, database: str) -> Urls:
        return Urls(
            in_database(self.urls.application, database), in_database(self.urls.owner, database)
        )

    def create(self, database: str, template: str | None = None) -> Urls:
        """A new database, empty or a copy of `template`."""
        with psycopg.connect(self.administrator, autocommit=True) as connection:
            connection.execute(
                sql.SQL(
                    "CREATE DATABASE {} OWNER tocsin_owner TEMPLATE {} STRATEGY FILE_COPY"
                ).format(sql.Identifier(database), sql.Identifier(template or "template0"))
            )
        return self.named(database)

    def drop(self, database: str) -> None:
        with psycopg.connect(self.administrator, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
            )


def in_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One embedded PostgreSQL for the whole run, with a migrated template database."""
    data = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
    postgres = Postgres(data)
    postgres.start()
    try:
        running = Server(postgres, postgres.administrator_url(), postgres.urls())
        migrate(running.create(TEMPLATE).owner)
        yield running
    finally:
        postgres.stop()
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="module")
def urls(server: Server, request: pytest.FixtureRequest) -> Iterator[Urls]:
    """A migrated database of this module's own."""
    name = "test_" + request.module.__name__.rsplit(".", 1)[-1].removeprefix("test_")[:50]
    server.drop(name)
    yield server.create(name, TEMPLATE)
    server.drop(name)


@pytest.fixture
def fresh_urls(server: Server, request: pytest.FixtureRequest) -> Iterator[Urls]:
    """A migrated database of this test's own."""
    name = "fresh_" + str(abs(hash(request.node.nodeid)))
    yield server.create(name, TEMPLATE)
    server.drop(name)


@pytest.fixture
def empty_urls(server: Server, request: pytest.FixtureRequest) -> Iterator[Urls]:
    """An empty database of this test's own, before any migration."""
    name = "empty_" + str(abs(hash(request.node.nodeid)))
    yield server.create(name)
    server.drop(name)


@pytest.fixture
def connection(urls: Urls) -> Iterator[Connection]:
    """A connection with the application's privileges."""
    with connect(urls.application) as opened:
        yield opened


@pytest.fixture
def owner(urls: Urls) -> Iterator[Connection]:
    """A connection with the owner's privileges."""
    with connect(urls.owner) as opened:
        yield opened


@pytest.fixture
def administrator(server: Server, urls: Urls) -> Iterator[Connection]:
    """A superuser's connection to this module's database: for faults, and to look everywhere."""
    database = urlsplit(urls.owner).path.removeprefix("/")
    with connect(in_database(server.administrator, database)) as opened:
        opened.autocommit = True
        yield opened


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys")
