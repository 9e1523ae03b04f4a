"""A whole Tocsin for the simulation's tests: the real web process, edge, work and clock on one
database that holds the synthetic city."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seed_seven import SEED

from tocsin.core.terms import Role
from tocsin.record.database import connect
from tocsin.sim.city.model import City
from tocsin.sim.demo import Tokens
from tocsin.sim.prepare import prepare
from web_site import Site


@dataclass(frozen=True)
class Field:
    site: Site
    city: City
    tokens: Tokens
    dc09_port: int
    data: Path


class Process:
    """One of Tocsin's own processes; `port` waits for the socket that it announces."""

    def __init__(self, site: Site, *arguments: str) -> None:
        environment = {
            **os.environ,
            "TOCSIN_DATABASE_URL": site.urls.application,
            "TOCSIN_DATA": str(site.data),
        }
        command = [sys.executable, "-m", "tocsin.site.command", *arguments]
        command += ["--data", str(site.data)]
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._found = threading.Event()
        self._port = 0
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line)
            if found := re.match(r"listening dc09 (?:\S+) \S+:(\d+)", line):
                self._port = int(found[1])
                self._found.set()

    def port(self) -> int:
        assert self._found.wait(30), "".join(self.said)
        return self._port

    def ask_to_stop(self) -> None:
        self._process.terminate()

    def stop(self) -> None:
        self.ask_to_stop()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def started(site: Site, city_folder: Path) -> Iterator[Field]:
    shutil.copytree(city_folder, site.data, dirs_exist_ok=True)
    with connect(site.urls.application) as connection:
        city = prepare(site.data, SEED, connection, site.keyring)
    edge = Process(site, "edge", "--listen", "dc09=127.0.0.1:0")
    others = [Process(site, "work"), Process(site, "clock")]

    def token(role: Role, **scope: object) -> str:
        return site.token(role, agency=city.agency, **scope)  # type: ignore[arg-type]

    try:
        tokens = Tokens(
            call_taker=token(Role.CALL_TAKER),
            dispatcher=token(Role.DISPATCHER),
            service=token(Role.SERVICE),
            crews={str(u.id): token(Role.CREW, unit=u.id) for u in city.units},
        )
        yield Field(site, city, tokens, edge.port(), site.data)
    finally:
        for process in (edge, *others):
            process.ask_to_stop()
        for process in (edge, *others):
            process.stop()
