"""The embedded PostgreSQL: started as our own child, watched, started again when it dies, ended
with us. With TOCSIN_DATABASE_URL set an external server serves the same code instead."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from tocsin.record.database import Urls
from tocsin.site import cluster as files
from tocsin.site.cluster import ADMINISTRATOR, APPLICATION, DATABASE, HERE, OWNER, DatabaseRefused
from tocsin.site.files import write_durably
from tocsin.site.language import say
from tocsin.site.leftovers import end_leftovers
from tocsin.site.places import (
    SOCKET_NAME,
    DirectoryInUse,
    forget_old_sockets,
    lock_directory,
    running_urls,
    socket_directory,
)
from tocsin.site.privilege import (
    Account,
    NoAccount,
    accounts_for,
    dies_with_us,
    drop_to,
    postgres_programs,
)

STOP_S: Final = 60.0
"""Seconds a server gets to write out and end (SIGINT, "fast") before SIGQUIT."""


logger = logging.getLogger("tocsin.postgres")


class Postgres:
    """One embedded server on `data`/pg. `start` returns when it answers; `stop` ends it.

    `settings` are PostgreSQL settings that replace those of `tocsin.site.cluster.SETTINGS`. With
    `owned` the caller holds the lock of `data`, until after `stop`.
    Between the two a thread of its own waits for the server (so it leaves no zombie) and starts it
    again, after whatever crash recovery takes, when it is killed.
    """

    def __init__(
        self,
        data: Path | str,
        *,
        settings: Mapping[str, str] | None = None,
        owned: bool = False,
    ) -> None:
        self.data = Path(data).expanduser().resolve()
        self.cluster = self.data / "pg"
        self.restarts = 0
        self._note = self.data / "run" / "database.json"
        self._settings = dict(settings or {})
        self._sockets: Path | None = None
        self._owned = owned
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._failure: str | None = None
        self._said: deque[str] = deque(maxlen=40)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # -- what others need to know -------------------------------------------------------------

    def urls(self) -> Urls:
        """libpq URLs of the application's and the owner's role."""
        return Urls(application=self._url(APPLICATION), owner=self._url(OWNER))

    def administrator_url(self) -> str:
        """libpq URL of the superuser, for `tocsin db url`; nothing else uses it."""
        return self._url(ADMINISTRATOR)

    @property
    def pid(self) -> int | None:
        """Process id of the postmaster, None while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def _url(self, role: str) -> str:
        if self._sockets is None:
            raise DatabaseRefused(say("the database has not been started", "数据库尚未启动"))
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(self._sockets), safe='/')}"

    # -- start and stop -----------------------------------------------------------------------

    def start(self) -> None:
        """Make the data directory if need be, start the server, wait until it answers.

        Crash recovery may take minutes after a power cut: it is waited for, and said each 10 s.
        Raises `DirectoryInUse`, or `DatabaseRefused` with the server's own words.
        """
        self._stopping.clear()
        self._failure, self.restarts = None, 0
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._owned:
            self._lock = lock_directory(self.data)
        try:
            accounts = accounts_for(self.cluster)
            account = accounts.server
            if not files.check_version(self.cluster):
                files.create(self.data, self.cluster, account)
            forget_old_sockets(self.data)
            self._note.unlink(missing_ok=True)
            self._sockets = socket_directory(self.data, accounts)
            files.configure(self.cluster, accounts, sockets=self._sockets, settings=self._settings)
            self._thread = threading.Thread(
                target=self._watch, args=(account,), name="postgres", daemon=True
            )
            self._thread.start()
            self._wait_until_ready()
            create_roles(self.administrator_url())
            self._publish()
        except NoAccount as error:
            self.stop()
            raise DatabaseRefused(str(error)) from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server: open transactions are rolled back, the rest is on disk."""
        self._stopping.set()
        process = self._process
        if process is not None:
            end(process)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._note.unlink(missing_ok=True)
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _wait_until_ready(self) -> None:
        began = said = time.monotonic()
        while not self._ready.wait(0.002):
            if self._failure is not None:
                raise DatabaseRefused(
                    say(
                        f"PostgreSQL on {self.cluster} failed: {self._failure}",
                        f"{self.cluster} 上的 PostgreSQL 启动失败：{self._failure}",
                    )
                )
            if time.monotonic() - said > 10:
                said = time.monotonic()
                logger.info("database recovers", extra={"seconds": round(said - began)})

    def _publish(self) -> None:
        # Peer authentication: these say where, and give nothing to who is not let in anyway.
        urls = self.urls()
        text = {
            "administrator": self.administrator_url(),
            "owner": urls.owner,
            "application": urls.application,
        }
        self._note.parent.mkdir(mode=0o755, exist_ok=True)
        write_durably(self._note, json.dumps(text, indent=1) + "\n", mode=0o644)

    # -- the watching thread ------------------------------------------------------------------

    def _watch(self, account: Account) -> None:
        wait_s = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                end_leftovers(self.cluster)
                code = self._run(account)
            except (OSError, subprocess.SubprocessError) as error:
                self._said.append(str(error))
                code = -1
            was_ready = self._ready.is_set()
            self._ready.clear()
            if self._stopping.is_set():
                return
            if not was_ready and self.restarts == 0:
                self._failure = "; ".join(list(self._said)[-5:]) or f"exit code {code}"
                return
            self.restarts += 1
            wait_s = next_wait_s(wait_s, ran_s=time.monotonic() - began)
            logger.error(
                "database ended; starting it again",
                extra={"exit_code": code, "wait_s": wait_s, "restarts": self.restarts},
            )
            self._stopping.wait(wait_s)

    def _run(self, account: Account) -> int:
        """One life of the server: start, wait until ready, wait until it ends; its exit code."""
        assert self._sockets is not None
        for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            (self._sockets / name).unlink(missing_ok=True)
        process = subprocess.Popen(
            [
                *(str(postgres_programs(account) / "postgres"), "-D", HERE),
                *("-c", f"cluster_name={self.data}"),
            ],
            cwd=self.cluster,
            env=files.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C in a terminal is for us; we end the server last
            preexec_fn=dies_with_us(signal.SIGINT),  # noqa: PLW1509
            **drop_to(account),
        )
        self._process = process
        listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        listener.start()
        if self._stopping.is_set():
            process.send_signal(signal.SIGINT)
        while process.poll() is None and not self._says_ready(process.pid):
            time.sleep(0.005)
        if process.poll() is None:
            self._ready.set()
            logger.info("database ready", extra={"pid": process.pid})
        code = process.wait()
        listener.join(0.5)  # no longer: an orphaned backend would hold the pipe open
        return code

    def _says_ready(self, pid: int) -> bool:
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, UnicodeDecodeError):
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                text = line.strip()
                self._said.append(text)
                ended_by_us = self._stopping.is_set() and _ENDED.search(text) is not None
                logger.log(logging.DEBUG if ended_by_us else _level(text), "postgres: %s", text)


def next_wait_s(last_s: float, *, ran_s: float) -> float:
    """Seconds to wait before a restart: none after a good run, else 0.1 doubling up to 5."""
    return 0.0 if ran_s > 10 else min(max(0.1, last_s * 2), 5.0)


_ENDED: Final = re.compile(r"\bFATAL:\s+(terminating\b|the database system is shutting down)")
"""What the server says of connections that are open while it is told to end: no trouble then."""


def _level(line: str) -> int:
    found = re.search(r"\b(PANIC|FATAL|ERROR|WARNING):", line)
    if found is None:
        return logging.DEBUG
    return logging.ERROR if found[1] == "PANIC" else logging.WARNING


def end(process: subprocess.Popen[str]) -> None:
    """SIGINT (fast shutdown), after `STOP_S` SIGQUIT (recovery at the next start)."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        logger.error("database does not end; ending it at once", extra={"pid": process.pid})  # noqa: TRY400
        process.send_signal(signal.SIGQUIT)
        process.wait()


def create_roles(administrator_url: str) -> None:
    """Create the two roles and the database where they are missing; a killed run may leave some."""
    with psycopg.connect(
        administrator_url, dbname="postgres", autocommit=True, connect_timeout=10
    ) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in (OWNER, APPLICATION):
            if role not in roles:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        if DATABASE not in databases:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(OWNER)
                )
            )
        for statement in (
            sql.SQL("REVOKE ALL ON DATABASE {0} FROM PUBLIC"),
            sql.SQL("GRANT CONNECT ON DATABASE {0} TO {1}"),
        ):
            connection.execute(
                statement.format(sql.Identifier(DATABASE), sql.Identifier(APPLICATION))
            )


def external_urls(environment: Mapping[str, str]) -> Urls | None:
    """The URLs of an external server from the environment, None when there are none.

    TOCSIN_DATABASE_OWNER_URL is needed for migrations only and defaults to TOCSIN_DATABASE_URL.
    """
    application = environment.get("TOCSIN_DATABASE_URL")
    if not application:
        return None
    owner = environment.get("TOCSIN_DATABASE_OWNER_URL") or application
    return Urls(application=application, owner=owner)


@contextlib.contextmanager
def database(data: Path, environment: Mapping[str, str]) -> Iterator[Urls]:
    """The database for one short command: external, the one that runs, else our own meanwhile."""
    external = external_urls(environment)
    if external is not None:
        yield external
        return
    server = Postgres(data)
    try:
        server.start()
    except DirectoryInUse:
        running = running_urls(data)
        if running is None:
            raise
        yield Urls(application=running["application"], owner=running["owner"])
        return
    try:
        yield server.urls()
    finally:
        server.stop()
