"""`tocsin up`: the database, its migrations, then edge, web, work and clock, supervised."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tocsin.record.database import Urls
from tocsin.record.networks import at_port
from tocsin.site.command.options import (
    CommandFailed,
    CommandRefused,
    configuration,
    data_directory,
    listening_host,
)
from tocsin.site.command.schema import is_ours
from tocsin.site.configuration import Configuration
from tocsin.site.files import write_durably
from tocsin.site.language import say
from tocsin.site.launch import Launch, as_product, as_server, settle, take_back
from tocsin.site.logs import start_logging
from tocsin.site.places import lock_directory
from tocsin.site.postgres import Postgres, external_urls
from tocsin.site.privilege import Accounts, NoAccount, accounts_for
from tocsin.site.sockets import print_line
from tocsin.site.supervisor import Child, Supervisor, child_environment, stop_signals
from tocsin.site.supervisor_watch import Commits, Watch

PROCESSES: Final = ("edge", "web", "work", "clock")

LAST_SOCKET: Final = {"edge": "dc09", "web": "web", "work": "health-work", "clock": "health-clock"}
"""Of each process the socket that it announces last: then it runs as it is configured."""

logger = logging.getLogger("tocsin.supervisor")


class _StopAsked(BaseException):
    """SIGTERM or Ctrl-C before the children run."""


class Announced:
    """The sockets that the children said they listen on; each is said once on our own output.

    Each child is heard by a thread of its own: one line at a time is taken, and said whole.
    """

    def __init__(self, chosen: Configuration, said: Callable[[str], None]) -> None:
        self.ports: dict[str, int] = {}
        self._chosen = chosen
        self._said = said
        self._lines: set[str] = set()
        self._lock = threading.Lock()

    def listener(self, child: Callable[[], Child]) -> Callable[[str], None]:
        """What hears `child`: keeps its sockets where they are when it is started again."""

        def heard(line: str) -> None:
            with self._lock:
                self._heard(line, child())

        return heard

    def _heard(self, line: str, child: Child) -> None:
        words = line.split()
        if len(words) == 4 and words[0] == "listening":
            _, name, _, address = words
            if name not in self.ports:
                self.ports[name] = int(address.rpartition(":")[2])
                child.command += ["--listen", self._pinned(name)]
            if line in self._lines:
                return
            self._lines.add(line)
        self._said(line)

    def _pinned(self, name: str) -> str:
        return f"{name}={at_port(listening_host(self._chosen, name), self.ports[name])}"


def run_up(arguments: argparse.Namespace) -> int:
    """The command. Returns the exit code."""
    chosen = configuration(arguments)
    data = data_directory(arguments)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_directory(data):
        return run_site(data, chosen, child_environment(TOCSIN_DATA=str(data)))


def run_site(
    data: Path,
    chosen: Configuration,
    environment: Mapping[str, str],
    *,
    shared: bool = False,
    prepare: Callable[[Launch], None] = lambda _: None,
    each_turn: Callable[[Supervisor, Announced], None] = lambda *_: None,
    said: Callable[[str], None] = print_line,
) -> int:
    """Run everything on `data` until SIGTERM or SIGINT; the exit code. The caller holds the lock of
    `data`: nobody else runs on it.

    `prepare` is called once the database is up to date, with how our processes are started;
    `each_turn` is called some 50 times a second; `said` gets the `listening` lines. With `shared`
    they may write in `data` itself.
    """
    try:
        accounts = accounts_for(data / "pg")
        settle(data, accounts, chosen, shared=shared)
    except NoAccount as error:
        raise CommandRefused(str(error)) from None
    start_logging("supervisor", chosen.log)
    supervisor = Supervisor([])
    take_back(data)
    try:
        with _stoppable(), _database(data, chosen) as urls:
            file = _keep(data, chosen)
            environment = {**environment, "TOCSIN_DATABASE_URL": urls.application}
            if not is_ours(urls.application, chosen):
                _migrate(data, file, _migrator(data, accounts, environment), urls)
            launch = as_product(data, accounts, chosen, environment)
            prepare(launch)
            announced = Announced(chosen, said)
            for name in PROCESSES:
                options = ("--data", str(data), "--config", str(file))
                supervisor.children.append(_child(name, launch, options, announced))
            for number in stop_signals():
                signal.signal(number, supervisor.ask_to_stop)
            with Watch(supervisor.children, Commits(urls.application)).running():
                code = supervisor.run(each_turn=lambda: each_turn(supervisor, announced))
            logger.info("stopping the database")
            return code
    except _StopAsked:
        return 0
    except NoAccount as error:
        raise CommandRefused(str(error)) from None
    finally:
        take_back(data)
        logger.info("stopped")


def _child(name: str, launch: Launch, options: Sequence[str], announced: Announced) -> Child:
    child = Child(
        name,
        launch.command(name, *options),
        launch.environment,
        heard=announced.listener(lambda: child),
        says_up=f"listening {LAST_SOCKET[name]} ",
        options=launch.options,
    )
    return child


def _migrator(data: Path, accounts: Accounts, environment: Mapping[str, str]) -> Launch:
    """The one process with the owner's URL; it opens nothing sealed and gets no key."""
    return as_server(data, accounts, {**environment, "TOCSIN_KEYLESS": "1"})


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """While the block starts up, SIGTERM and Ctrl-C leave it at once, cleaning up on the way."""

    def leave(*_: object) -> None:
        raise _StopAsked

    for number in stop_signals():
        signal.signal(number, leave)
    yield


@contextlib.contextmanager
def _database(data: Path, chosen: Configuration) -> Iterator[Urls]:
    external = external_urls(os.environ)
    if external is not None:
        yield external
        return
    settings = {
        "shared_buffers": f"{chosen.database.shared_buffers_mb}MB",
        "max_connections": str(chosen.database.max_connections),
        "max_wal_size": f"{chosen.database.max_wal_size_mb}MB",
    }
    with Postgres(data, settings=settings, owned=True) as server:
        yield server.urls()


def _keep(data: Path, chosen: Configuration) -> Path:
    """The configuration in force, for the children and for `tocsin check-config`."""
    file = data / "run" / "configuration.json"
    text = msgspec.json.format(msgspec.json.encode(chosen).decode()) + "\n"
    write_durably(file, text, mode=0o644)  # it holds no secret, and is read under two accounts
    return file


def _migrate(data: Path, file: Path, launch: Launch, urls: Urls) -> None:
    # A process of its own: Django stays out of the supervisor's memory, and the owner's URL out
    # of the other processes.
    migrated = subprocess.run(
        launch.command("db", "migrate", "--data", str(data), "--config", str(file)),
        env={**launch.environment, "TOCSIN_DATABASE_OWNER_URL": urls.owner},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
        **launch.options,
    )
    if migrated.returncode != 0:
        raise CommandFailed(
            say(
                "the database could not be brought up to date (see above)",
                "数据库升级失败（原因见上）",
            )
        )
