"""A real `tocsin up` as a test sees it from outside: its lines, its processes, its database."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import httpx
import psutil
import psycopg

COLUMNS = (
    *("site", "name_zh", "name_en", "address", "lat", "lon", "datum", "district"),
    *("protocol", "account", "key", "key_form", "interval_s"),
)
PROCESSES = ("edge", "web", "work", "clock")
NO_PROBE = "[probe]\nenabled = false\n"
"""What the record holds is counted, and faults are made on purpose: nobody is to tell of them."""


def until(fact: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Seconds until `fact` is true; fails after `seconds`, saying `what` was waited for."""
    began = time.monotonic()
    while not fact():
        waited = time.monotonic() - began
        assert waited < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def tocsin(*arguments: str, data: Path) -> str:
    """Run one short `tocsin` command on `data`; its standard output."""
    command = [sys.executable, "-m", "tocsin.site.command", *arguments, "--data", str(data)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def write_sites(file: Path, accounts: list[str]) -> None:
    """A CSV for `tocsin import sites`: one site with one plain panel per account."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for number, account in enumerate(accounts):
            lat, lon = 31.2 + 0.01 * number, 121.4 + 0.01 * number
            names = (f"场所{account}", f"Site {account}", f"{number} Mill Road")
            place = (f"{lat:.4f}", f"{lon:.4f}", "WGS-84", "main")
            writer.writerow((account, *names, *place, "dc09", account, "", "", "3600"))


class SiteUnderTest:
    """`tocsin up` on `data`, every port chosen by the system. Ends with the test, whatever happens.

    Its log goes to a file; `said` holds the lines of its standard output.
    """

    def __init__(
        self,
        data: Path,
        *,
        environment: Mapping[str, str] | None = None,
        settings: str = NO_PROBE,
    ) -> None:
        self.data = data
        self._settings = data.with_name(f"{data.name}.toml")
        self._settings.write_text(settings, encoding="utf-8")
        self.said: list[str] = []
        self.addresses: dict[str, tuple[str, int]] = {}
        self._environment = {**os.environ, **(environment or {})}
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._left: list[psutil.Process] = []
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            print(self.log()[-6_000:])
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            print(self.log()[-6_000:])
        self.kill()

    def start(self, *, seconds: float = 90) -> None:
        """Start it and wait until every process says that it is ready."""
        self.spawn()
        self.wait_until_ready(seconds=seconds)

    def spawn(self) -> None:
        """Start it; again on the sockets that it had, as a configured one does."""
        known = [f"{name}={host}:{port}" for name, (host, port) in self.addresses.items()]
        options = ["--data", str(self.data), "--config", str(self._settings)]
        for one in known or ["web=localhost:0", "dc09=127.0.0.1:0"]:
            options += ["--listen", one]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tocsin.site.command", "up", *options],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=self._environment,
        )
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                self.said.append(line.rstrip("\n"))
                words = line.split()
                if words[:1] == ["listening"]:
                    host, _, port = words[3].rpartition(":")
                    self.addresses.setdefault(words[1], (host, int(port)))

    def log(self) -> str:
        """What it logged so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def wait_until_ready(self, *, seconds: float = 60) -> float:
        """Seconds until all four processes answer /ready with 200."""
        began = time.monotonic()
        while waiting := [name for name in PROCESSES if not self.is_ready(name)]:
            assert time.monotonic() - began < seconds, f"{waiting} not ready within {seconds} s"
            time.sleep(0.02)
        return time.monotonic() - began

    def is_ready(self, name: str) -> bool:
        """Whether the process `name` says that it can do its job."""
        assert self.process is not None
        assert self.process.poll() is None, "tocsin up has ended"
        if {"web", "dc09", f"health-{name}"} - self.addresses.keys():
            return False
        host, port = self.addresses[f"health-{name}"]
        try:
            return httpx.get(f"http://{host}:{port}/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def web_url(self) -> str:
        """Where its API and screens are."""
        return "http://{}:{}".format(*self.addresses["web"])

    # -- its processes --------------------------------------------------------------------------

    def processes(self) -> dict[str, psutil.Process]:
        """edge, web, work, clock and postmaster, as far as they run now."""
        assert self.process is not None
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                line = child.cmdline()
            except psutil.Error:
                continue
            name = next((one for one in PROCESSES if one in line[:4]), None)
            if name is None and line and line[0].endswith("postgres"):
                name = "postmaster"
            if name is not None:
                found[name] = child
        return found

    def database_processes(self, named: str) -> list[psutil.Process]:
        """PostgreSQL's own processes of that name; `backend` for those that serve a connection."""
        postmaster = self.processes().get("postmaster")
        if postmaster is None:
            return []
        title = "tocsin_app " if named == "backend" else named
        found = []
        for child in postmaster.children():
            with contextlib.suppress(psutil.Error):  # a backend whose client has just left
                if " ".join(child.cmdline()).rpartition(": ")[2].startswith(title):
                    found.append(child)
        return found

    def kill_supervisor(self, *, frozen: Collection[str]) -> None:
        """kill -9 of `tocsin up` itself. The kernel asks its children to stop; those of `frozen`
        stay where they are on the way to it. Start it again with `spawn`."""
        assert self.process is not None
        self._left += self.everything()[1:]
        running = self.processes()
        self.process.kill()
        self.process.wait()
        # Only now: the kernel wakes what is stopped when its parent dies, and hangs it up.
        for name in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                running[name].suspend()

    def everything(self) -> list[psutil.Process]:
        """All its processes, the supervisor and PostgreSQL's among them."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def stop(self, *, seconds: float = 40) -> int:
        """SIGTERM; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End all of it at once; nothing of it is left."""
        try:
            self._kill()
        finally:
            self._log.close()

    def _kill(self) -> None:
        if self.process is None:
            return
        victims, self._left = self._left, []
        if self.process.poll() is None:
            victims += self.everything()[1:]
            self.process.kill()
            self.process.wait()
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        psutil.wait_procs(victims, timeout=10)

    # -- its record -----------------------------------------------------------------------------

    def administrator_url(self) -> str:
        """URL of the superuser."""
        text = (self.data / "run" / "database.json").read_text()
        return str(json.loads(text)["administrator"])

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of one query, as the superuser."""
        with psycopg.connect(self.administrator_url(), connect_timeout=5) as connection:
            return connection.execute(query.encode(), values).fetchall()
