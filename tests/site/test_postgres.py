"""The embedded PostgreSQL with real processes: start, stop, kill -9, other people's directories."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import psycopg
import pytest
from as_nobody import as_nobody
from servers import answers, lost_within, processes_of

from tocsin.site import places
from tocsin.site.cluster import SETTINGS, DatabaseRefused
from tocsin.site.leftovers import working_in
from tocsin.site.places import DirectoryInUse, running_urls
from tocsin.site.postgres import Postgres, database, external_urls, next_wait_s
from tocsin.site.privilege import accounts_for, drop_to, postgres_programs


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("site") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that initdb has made, to be copied."""
    with Postgres(tmp_path_factory.mktemp("made") / "data") as running:
        pass
    return running.data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy of it; owners and modes are kept."""
    subprocess.run(["cp", "-a", str(made), str(tmp_path / "data")], check=True, timeout=60)
    return tmp_path / "data"


def wait_for(state: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not state():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_has_two_roles_that_own_nothing_of_each_other(server: Postgres) -> None:
    with psycopg.connect(server.urls().owner) as owner:
        owner.execute("CREATE TABLE of_owner (x int)")
        owner.execute("INSERT INTO of_owner VALUES (1)")
        owner.commit()
        assert owner.info.parameter_status("is_superuser") == "off"
    with psycopg.connect(server.urls().application) as application:
        assert application.execute("SELECT current_user").fetchone() == ("tocsin_app",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("SELECT * FROM of_owner")
        application.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("CREATE TABLE public.mine (x int)")


def test_asyncpg_takes_the_same_url(server: Postgres) -> None:
    async def who() -> object:
        connection = await asyncpg.connect(server.urls().application)
        try:
            return await connection.fetchval("SELECT current_user")
        finally:
            await connection.close()

    assert asyncio.run(who()) == "tocsin_app"


def test_it_listens_on_a_private_socket_only_and_keeps_what_is_written(server: Postgres) -> None:
    with psycopg.connect(server.administrator_url()) as connection:

        def shown(name: str) -> str:
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            assert row is not None
            return str(row[0])

        assert shown("listen_addresses") == ""
        assert [shown(n) for n in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
        assert shown("data_checksums") == "on"
        assert shown("server_version").startswith("18.")
        collation = connection.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'tocsin'"
        ).fetchone()
        assert collation == ("b", "C.UTF-8")
        sockets = Path(shown("unix_socket_directories"))
    assert sockets.stat().st_mode & 0o767 == 0o700  # nobody lists it, and others do not enter
    assert server.cluster.stat().st_mode & 0o077 == 0
    assert psutil.Process(server.pid).net_connections("inet") == []


def test_the_server_never_runs_as_root(server: Postgres) -> None:
    owner = accounts_for(server.cluster).server
    assert owner.uid != 0
    for process in processes_of(server).values():
        assert set(process.uids()) == {owner.uid}


@pytest.mark.faults
@pytest.mark.parametrize(
    "victim", ["postmaster", "checkpointer", "background writer", "walwriter", "backend"]
)
def test_it_comes_back_after_kill_9(server: Postgres, victim: str) -> None:
    with psycopg.connect(server.urls().owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS kept (x text)")
        owner.execute("INSERT INTO kept VALUES (%s)", (victim,))
        if victim == "backend":
            os.kill(owner.info.backend_pid, signal.SIGKILL)
        else:
            processes_of(server)[victim].kill()
        assert lost_within(owner, seconds=5)
    seconds = answers(server.urls().application, within_s=10)
    print(f"kill -9 {victim}: answers again after {seconds:.2f} s")
    with psycopg.connect(server.urls().owner) as owner:
        kept = owner.execute("SELECT count(*) FROM kept WHERE x = %s", (victim,)).fetchone()
        assert kept == (1,)


def test_no_zombie_stays_behind(server: Postgres) -> None:
    before = server.restarts
    assert server.pid is not None
    killed = server.pid
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while server.restarts == before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    answers(server.urls().application, within_s=10)
    assert not psutil.pid_exists(killed)


def test_a_second_owner_is_refused(server: Postgres) -> None:
    with pytest.raises(DirectoryInUse, match=str(os.getpid())):
        Postgres(server.data).start()
    answers(server.urls().application, within_s=1)


def test_a_short_command_uses_the_server_that_runs(server: Postgres) -> None:
    with database(server.data, {}) as urls:
        assert urls == server.urls()
    answers(server.urls().application, within_s=1)


def test_a_short_command_starts_and_ends_its_own_server(tmp_path: Path) -> None:
    with database(tmp_path / "data", {}) as urls:
        answers(urls.application, within_s=1)
        assert running_urls(tmp_path / "data") is not None
    assert running_urls(tmp_path / "data") is None
    assert list(working_in(tmp_path / "data" / "pg")) == []


def test_an_external_server_comes_from_the_environment(server: Postgres, tmp_path: Path) -> None:
    environment = {"TOCSIN_DATABASE_URL": server.urls().application}
    with database(tmp_path / "unused", environment) as urls:
        assert urls.application == urls.owner == server.urls().application
    assert not (tmp_path / "unused").exists()
    environment["TOCSIN_DATABASE_OWNER_URL"] = server.urls().owner
    assert external_urls(environment) == server.urls()
    assert external_urls({}) is None


def test_a_start_on_existing_data_is_fast(tmp_path: Path) -> None:
    running = Postgres(tmp_path / "data")
    seconds = []
    for _ in range(4):
        began = time.monotonic()
        running.start()
        seconds.append(time.monotonic() - began)
        running.stop()
    print("starts, the first with initdb:", ", ".join(f"{one:.3f} s" for one in seconds))
    assert min(seconds[1:]) < 0.5


def test_settings_are_written_whole_and_replace_ours(data: Path) -> None:
    with Postgres(data, settings={"synchronous_commit": "off"}) as running:
        with psycopg.connect(running.administrator_url()) as connection:
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)
        text = (running.cluster / "postgresql.conf").read_text()
    assert all(f"{name} = " in text for name in SETTINGS)
    assert [path.name for path in (data / "pg").glob(".*")] == []


def test_data_of_another_major_version_are_refused_untouched(tmp_path: Path) -> None:
    data = tmp_path / "data"
    old = data / "pg"
    old.mkdir(parents=True, mode=0o700)
    account = accounts_for(old).server
    os.chown(old, *account.owner)
    subprocess.run(
        [
            *(str(postgres_programs(account, 16) / "initdb"), "-D", "/proc/self/cwd"),
            *("--auth", "peer", "--locale", "C", "--encoding", "UTF8"),
        ],
        cwd=old,
        check=True,
        capture_output=True,
        **drop_to(account),
    )
    before = (old / "postgresql.conf").read_bytes()
    with pytest.raises(DatabaseRefused, match=r"written by PostgreSQL 16.*runs PostgreSQL 18"):
        Postgres(data).start()
    assert (old / "postgresql.conf").read_bytes() == before


def test_a_directory_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data" / "pg").mkdir(parents=True)
    (tmp_path / "data" / "pg" / "holiday.jpg").write_text("x")
    with pytest.raises(DatabaseRefused, match="no PG_VERSION"):
        Postgres(tmp_path / "data").start()


def test_an_initdb_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    cut = tmp_path / "data" / "pg.new"
    cut.mkdir(parents=True)
    (cut / "PG_VERSION").write_text("18\n")
    with Postgres(tmp_path / "data") as running:
        answers(running.urls().application, within_s=1)


def test_ending_it_over_open_connections_is_no_warning(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Or a short command would end with a FATAL of the server although all went well."""

    def said() -> list[logging.LogRecord]:
        return [one for one in caplog.records if "terminating connection" in one.getMessage()]

    caplog.set_level(logging.DEBUG, "tocsin.postgres")
    with Postgres(data) as running:
        left = psycopg.connect(running.urls().application)
        one, two = (psycopg.connect(running.urls().application) for _ in range(2))
        two.execute("SELECT pg_terminate_backend(%s)", (one.info.backend_pid,))
        wait_for(lambda: len(said()) == 1)
    wait_for(lambda: len(said()) == 3)
    assert [one.levelno for one in said()] == [logging.WARNING, logging.DEBUG, logging.DEBUG]
    for opened in (left, one, two):
        opened.close()


def test_damaged_settings_are_replaced(data: Path) -> None:
    with Postgres(data) as running:
        pass
    (running.cluster / "postgresql.conf").write_bytes(b"\0" * 4096)  # what a power cut can leave
    with running:
        answers(running.urls().application, within_s=1)


def test_a_server_that_cannot_start_says_why(data: Path) -> None:
    with pytest.raises(DatabaseRefused, match="no_such_setting"):
        Postgres(data, settings={"no_such_setting": "1"}).start()
    assert list(working_in(data / "pg")) == []


RUN = """
import sys, time
from tocsin.site.postgres import Postgres
server = Postgres(sys.argv[1]); server.start()
print(server.pid, server.urls().application, flush=True)
time.sleep(600)
"""


def runner(data: Path, wrap: Callable[[list[str]], list[str]]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        wrap([sys.executable, "-c", RUN, str(data)]), stdout=subprocess.PIPE, text=True
    )


@pytest.mark.faults
def test_it_does_not_outlive_us_and_the_next_start_recovers(data: Path) -> None:
    process = runner(data, list)
    assert process.stdout is not None
    with process.stdout as lines:
        postmaster = int(lines.readline().split()[0])
        process.kill()
        process.wait()
    # At once: the orphan may still be writing out. It is waited for, never doubled.
    with Postgres(data) as running:
        assert running.pid != postmaster
        answers(running.urls().application, within_s=1)
        assert postmaster not in working_in(running.cluster)


@pytest.mark.faults
def test_a_stopped_orphan_is_ended_before_a_new_server(data: Path) -> None:
    process = runner(data, list)
    assert process.stdout is not None
    with process.stdout as lines:
        postmaster = psutil.Process(int(lines.readline().split()[0]))
        victims = [postmaster, *postmaster.children()]
        for one in victims[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.suspend()
        postmaster.kill()  # its children are left behind, frozen, attached to its memory
        process.kill()
        process.wait()
    with Postgres(data) as running:
        answers(running.urls().application, within_s=1)
        assert not {one.pid for one in victims} & set(working_in(running.cluster))


def test_a_pid_file_that_names_a_living_stranger_is_no_hindrance(data: Path) -> None:
    with Postgres(data) as running:
        pass
    stranger = subprocess.Popen(["sleep", "60"])
    zombie = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # has ended, and stays a zombie
        for pid in (stranger.pid, zombie.pid):
            (running.cluster / "postmaster.pid").write_text(
                f"{pid}\n/proc/self/cwd\n1700000000\n5432\n/tmp\n\n  1 1\nready   \n"
            )
            with running:
                answers(running.urls().application, within_s=1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        zombie.wait()


@pytest.mark.parametrize("depth", ["short", "x" * 120])
def test_an_ordinary_user_runs_it_directly(depth: str) -> None:
    place = Path("/tmp") / f"tocsin-nobody-{os.getpid()}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    if os.geteuid() == 0:
        shutil.chown(place, "nobody")
    process = runner(place / depth, as_nobody)
    try:
        assert process.stdout is not None
        with process.stdout as lines:
            postmaster, url = lines.readline().split()
            user = psutil.Process(int(postmaster)).username()
            assert user == psutil.Process(process.pid).username() != "root"
            answers(url, within_s=1)
            socket = Path(url.split("host=")[1]) / places.SOCKET_NAME
            assert len(str(socket)) <= 107
            process.kill()
            process.wait()
        postmaster_gone = time.monotonic() + 10
        while psutil.pid_exists(int(postmaster)):
            assert time.monotonic() < postmaster_gone
            time.sleep(0.01)
        shutil.rmtree(socket.parent, ignore_errors=True)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(place)


def test_a_directory_of_someone_else_is_refused(data: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("not run: needs root to make a directory of someone else")
    with Postgres(data) as running:
        text = json.loads((running.data / "run" / "database.json").read_text())
        assert sorted(text) == ["administrator", "application", "owner"]
    place = Path("/tmp") / f"tocsin-foreign-{os.getpid()}"
    try:
        shutil.copytree(data, place)
        shutil.chown(place, "nobody")
        for path in place.rglob("*"):
            os.chown(path, 1, 1)
        os.chown(place / "lock", 65534, 65534)
        os.chown(place / "run", 65534, 65534)
        ran = subprocess.run(
            as_nobody([sys.executable, "-c", RUN, str(place)]),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "belongs to user id 1" in ran.stderr
    finally:
        shutil.rmtree(place)


def test_restarts_wait_longer_while_they_fail() -> None:
    waits = [0.0]
    for _ in range(8):
        waits.append(next_wait_s(waits[-1], ran_s=0.1))
    assert waits[1:] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert next_wait_s(5.0, ran_s=60) == 0.0
