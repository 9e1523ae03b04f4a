"""`tocsin up` from outside, on data of an earlier schema: it comes up migrated, with what was there
before; its lines, its ports, health, clean stop, refusals, restarts."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from psycopg import sql

from tocsin.core.commands import OpenIncident
from tocsin.core.terms import Actor, IncidentType, Level, Role
from tocsin.record.database import Connection, connect
from tocsin.record.handle import handle
from tocsin.record.keys import Keyring
from tocsin.record.migrate import migrate, migrations, schema_is_current
from tocsin.site.postgres import Postgres, database

EARLIER = 4  # before the positions of units had their tables
NAMES = {"web", "dc09", "health-web", "health-edge", "health-work", "health-clock"}
START_S = 60


class Up:
    """A running `tocsin up`; `lines` are those of its standard output."""

    def __init__(self, data: Path, log: Path, *options: str, by: Sequence[str] = ()) -> None:
        """`by`: a program that starts it, such as nohup(1)."""
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [
                    *(*by, sys.executable, "-m", "tocsin.site.command", "up"),
                    *("--data", str(data), *options),
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.lines: list[str] = []

    def listening(self) -> dict[str, tuple[str, int]]:
        """Waits for the lines of all sockets; (host, port) by name."""
        assert self.process.stdout is not None
        found: dict[str, tuple[str, int]] = {}
        deadline = time.monotonic() + START_S
        while found.keys() != NAMES or len(self.lines) < len(NAMES) + 1:
            line = self.process.stdout.readline()
            assert line, f"ended with {self.process.wait()}: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline
            self.lines.append(line.rstrip("\n"))
            said = re.fullmatch(r"listening (\S+) (tcp|udp|http|https) (\S+):(\d+)", line.strip())
            assert said is not None, line
            found[said[1]] = (said[3], int(said[4]))
        return found

    def end(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)  # the same again when it has ended
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            family = [psutil.Process(self.process.pid)]
            family += family[0].children(recursive=True)
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass(frozen=True)
class Before:
    """What an earlier Tocsin left: its facts as rows, and the incident that they are about."""

    data: Path
    facts: list[tuple[Any, ...]]
    incident: UUID


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Before:
    """Rows as that schema has them: of a database of today, in the columns that there were then."""
    data, today = tmp_path_factory.mktemp("up") / "data", tmp_path_factory.mktemp("today") / "data"
    with Postgres(data) as server, Postgres(today) as newer:
        migrate(newer.urls().owner)
        migrate(server.urls().owner, up_to=EARLIER)
        with connect(newer.urls().owner) as source, connect(server.urls().owner) as connection:
            assert not schema_is_current(connection)
            done = handle(
                source,
                Keyring(data / "keys"),
                OpenIncident(IncidentType.FIRE, Level.P1, "main", "main", note="smoke"),
                actor=Actor("user:li", "Li Wei", Role.DISPATCHER, "main"),
                key="before the upgrade",
                now=datetime.now(UTC),
            )
            for schema in ("log", "view", "ref"):
                copy_rows(source, connection, schema)
            connection.commit()
            facts = connection.execute("SELECT * FROM log.fact ORDER BY id").fetchall()
    assert facts
    return Before(data, facts, done.facts[0].subject)


def copy_rows(source: Connection, into: Connection, schema: str) -> None:
    """Those of all tables of `into`, which are empty."""
    columns = into.execute(
        "SELECT c.table_name, array_agg(c.column_name::text) FROM information_schema.columns c"
        " JOIN pg_class t ON t.relname = c.table_name AND t.relnamespace = %s::regnamespace"
        " WHERE c.table_schema = %s AND t.relkind IN ('r', 'p') AND NOT t.relispartition"
        " AND c.is_generated = 'NEVER' GROUP BY c.table_name",
        (schema, schema),
    ).fetchall()
    for table, names in columns:
        there = source.execute("SELECT to_regclass(%s)", (f"{schema}.{table}",)).fetchone()
        if there == (None,):
            continue
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        name = sql.Identifier(schema, table)
        rows = source.execute(sql.SQL("SELECT {} FROM {}").format(listed, name)).fetchall()
        if into.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(name)).fetchone() or not rows:
            continue
        places = sql.SQL(", ").join(sql.Placeholder() * len(names))
        into.cursor().executemany(
            sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
                name, listed, places
            ),
            rows,
        )


@pytest.fixture(scope="module")
def data(before: Before) -> Path:
    return before.data


@pytest.fixture(scope="module")
def up(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    log = tmp_path_factory.mktemp("log") / "log"
    running = Up(data, log, "--port", "0", "--listen", "dc09=127.0.0.1:0", by=["nohup"])
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture(scope="module")
def addresses(up: Up) -> dict[str, tuple[str, int]]:
    return up.listening()


def ready(addresses: dict[str, tuple[str, int]], name: str) -> bool:
    host, port = addresses[f"health-{name}"]
    try:
        return httpx.get(f"http://{host}:{port}/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def wait_ready(addresses: dict[str, tuple[str, int]]) -> None:
    deadline = time.monotonic() + START_S
    while not all(ready(addresses, name) for name in ("web", "edge", "work", "clock")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_each_socket_has_one_line_and_all_become_ready(
    up: Up, addresses: dict[str, tuple[str, int]]
) -> None:
    assert addresses.keys() == NAMES
    assert len(up.lines) == len(set(up.lines)) == len(NAMES) + 1  # dc09: TCP and UDP
    assert addresses["web"][0] == "localhost"
    assert addresses["dc09"][0] == "127.0.0.1"
    kinds = {line.split()[2] for line in up.lines if line.startswith("listening dc09 ")}
    assert kinds == {"tcp", "udp"}
    wait_ready(addresses)


def test_every_process_serves_health_and_metrics(addresses: dict[str, tuple[str, int]]) -> None:
    wait_ready(addresses)
    for name in ("web", "edge", "work", "clock"):
        host, port = addresses[f"health-{name}"]
        assert httpx.get(f"http://{host}:{port}/health").status_code == 200
        assert "tocsin_ready 1.0" in httpx.get(f"http://{host}:{port}/metrics").text
    host, port = addresses["health-work"]
    metrics = httpx.get(f"http://{host}:{port}/metrics").text
    assert "tocsin_database_up 1.0" in metrics
    assert 'tocsin_lag{name="signals_waiting"} 0.0' in metrics
    assert 'tocsin_lag{name="lane_flood"} 0.0' in metrics
    assert 'tocsin_lag{name="lane_flood_oldest_s"} 0.0' in metrics


def test_the_web_answers_on_both_address_families(addresses: dict[str, tuple[str, int]]) -> None:
    port = addresses["web"][1]
    assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    assert httpx.get(f"http://localhost:{port}/health").status_code == 200


def test_an_earlier_schema_is_migrated_and_its_data_are_kept(
    before: Before, addresses: dict[str, tuple[str, int]]
) -> None:
    with database(before.data, {}) as urls, connect(urls.owner) as connection:
        assert schema_is_current(connection)
        applied = connection.execute("SELECT count(*) FROM migration.applied").fetchone()
        assert applied == (len(migrations()),)
        kept = connection.execute(
            "SELECT * FROM log.fact WHERE id <= %s ORDER BY id", (before.facts[-1][0],)
        ).fetchall()
        row = connection.execute("SELECT open FROM view.incident WHERE id = %s", (before.incident,))
        assert row.fetchone() == (True,)
    assert kept == before.facts


def run(data: Path, *words: str) -> str:
    """Runs one short command; its standard output."""
    ran = subprocess.run(
        [sys.executable, "-m", "tocsin.site.command", *words, "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def said(data: Path, addresses: dict[str, tuple[str, int]]) -> dict[str, str]:
    """What the short commands say while it runs, all started at once."""
    commands = {
        "url": ("db", "url"),
        "status": ("db", "status"),
        "admin": ("admin", "create", "first"),
        "token": ("token", "create", "--role", "inspector", "--name", "outside"),
    }
    with ThreadPoolExecutor() as threads:
        running = {name: threads.submit(run, data, *words) for name, words in commands.items()}
        return {name: one.result() for name, one in running.items()}


def test_short_commands_work_beside_it(
    before: Before, said: dict[str, str], addresses: dict[str, tuple[str, int]]
) -> None:
    assert said["url"].startswith("postgresql://postgres@/tocsin?host=")
    assert "running: PostgreSQL 18" in said["status"]
    assert "password: " in said["admin"]
    url = f"http://localhost:{addresses['web'][1]}/api/v1/incidents"
    assert httpx.get(url).status_code == 401
    answer = httpx.get(url, headers={"Authorization": f"Bearer {said['token'].strip()}"})
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["items"]] == [str(before.incident)]


def test_under_nohup_it_outlives_its_terminal(
    up: Up, addresses: dict[str, tuple[str, int]]
) -> None:
    wait_ready(addresses)
    up.process.send_signal(signal.SIGHUP)
    asked = time.monotonic()
    while time.monotonic() < asked + 0.5:  # the supervisor looks each 0.02 s whether to stop
        assert "process stopped" not in up.log.read_text()
        time.sleep(0.05)
    assert ready(addresses, "edge")
    assert up.process.poll() is None


def test_a_second_one_on_the_same_data_is_refused(
    data: Path, up: Up, addresses: dict[str, tuple[str, int]]
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tocsin.site.command", "up", "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 2
    assert f"another tocsin (process {up.process.pid}) already runs" in ran.stderr
    assert up.process.poll() is None


def test_a_process_whose_port_is_taken_names_it_and_refuses(
    data: Path, addresses: dict[str, tuple[str, int]]
) -> None:
    """So it ends the whole site, where it never ran: the supervisor's own tests show that."""
    host, port = addresses["dc09"]
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "tocsin.site.command", "edge", "--data", str(data)),
            *("--listen", f"dc09={host}:{port}", "--listen", "health-edge=127.0.0.1:0"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 2
    assert f"{host}:{port}" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_killed_process_comes_back_on_its_port_also_when_that_was_taken_meanwhile(
    up: Up, addresses: dict[str, tuple[str, int]]
) -> None:
    wait_ready(addresses)
    children = psutil.Process(up.process.pid).children()
    edge = next(child for child in children if "edge" in child.cmdline())
    edge.kill()
    psutil.wait_procs([edge], timeout=10)
    deadline = time.monotonic() + START_S
    with socket.create_server(addresses["dc09"]):
        while '"why": "exit code 2"' not in up.log.read_text():
            assert time.monotonic() < deadline
            assert up.process.poll() is None
            time.sleep(0.02)
        assert ready(addresses, "web")
        assert not ready(addresses, "edge")
    wait_ready(addresses)


def test_it_stops_cleanly_in_order_and_leaves_nothing(
    said: dict[str, str], up: Up, addresses: dict[str, tuple[str, int]]
) -> None:
    wait_ready(addresses)
    family = psutil.Process(up.process.pid).children(recursive=True)
    token = said["token"].strip()
    address = f"http://localhost:{addresses['web'][1]}/api/v1/stream"
    with httpx.stream("GET", address, headers={"Authorization": f"Bearer {token}"}) as stream:
        assert next(stream.iter_raw())
        assert up.end() == 0
    assert not any(process.is_running() for process in family)
    lines = up.log.read_text().splitlines()
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    assert [line for line in lines if "Traceback" in line] == []
    stopped = [one["child"] for one in entries if one["message"] == "process stopped"]
    assert stopped == ["edge", "web", "work", "clock"]
    ends = [one["why"] for one in entries if one["message"] == "process stopped"]
    assert ends == ["exit code 0"] * 4
    for name in stopped:
        said_last = [one["message"] for one in entries if one["process"] == name]
        assert said_last[-1] == "process ends"
    assert entries[-1]["message"] == "stopped"
    assert not (addresses.keys() - NAMES)
