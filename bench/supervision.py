"""How many devices one machine supervises: each polls over UDP once a minute, some fall silent, and
each of those must be told of within its interval and a tenth of it.

Tocsin is its real edge and clock processes with the embedded PostgreSQL. The load generator is a
process of its own. The limit beside it: the rate at which the same polls come back from a receiver
that answers without reading. Passes when every poll is answered, every silence is told of in time,
and no device that polls is said to be silent. `--devices N` (default 1,000,000), `--seconds N`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from intake import PEERS, process
from machine import machine
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.record.migrate import migrate
from tocsin.site.postgres import Postgres

INTERVAL_S = 60
SILENT = 100
GRACE = 0.10
SITES = 1_000
CEILING_TIMES, CEILING_S = 5, 10.0


def fill(urls: Urls, devices: int) -> None:
    """A register of so many devices on a thousand sites, as it stands there since yesterday, which
    last reported just now."""
    with connect(urls.application) as connection:
        connection.execute(
            "INSERT INTO ref.site (id, code, name_zh, name_en, address, lat, lon, datum, district,"
            " agency) SELECT gen_random_uuid(), 'S' || n, 'S' || n, 'S' || n, '', 31, 121,"
            " 'WGS-84', 'main', 'main' FROM generate_series(1, %s) n",
            (SITES,),
        )
        connection.execute(
            "INSERT INTO ref.device (id, site, protocol, account, interval_s, district, agency,"
            " changed_at) SELECT gen_random_uuid(), s.id, 'dc09', upper(to_hex(1048576 + n)), %s,"
            " 'main', 'main', now() - interval '1 day' FROM generate_series(0, %s) n"
            " JOIN (SELECT id, row_number() OVER () AS place FROM ref.site) s"
            " ON s.place = n %% %s + 1",
            (INTERVAL_S, devices - 1, SITES),
        )
        connection.execute("INSERT INTO ref.seen SELECT id, now(), 0 FROM ref.device")
        connection.commit()
    with connect(urls.owner) as owner:
        owner.autocommit = True
        owner.execute("VACUUM ANALYZE ref.device")
        owner.execute("VACUUM ANALYZE ref.seen")


class Process:
    """One of our processes, with what it costs."""

    def __init__(self, name: str, directory: Path, url: str) -> None:
        self.name = name
        options = ["--listen", "dc09=127.0.0.1:0"] if name == "edge" else []
        self.running = subprocess.Popen(
            [sys.executable, "-m", "tocsin.site.command", name, "--data", directory, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"TOCSIN_DATABASE_URL": url, "TOCSIN_DATABASE_OWNER_URL": ""},
        )

    def address(self) -> str:
        assert self.running.stdout is not None
        for line in self.running.stdout:
            if line.startswith("listening dc09 udp "):
                return line.split()[-1]
        raise RuntimeError(f"{self.name} ended without listening")

    def stop(self) -> None:
        self.running.terminate()
        try:
            self.running.wait(15)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()


def used(pids: list[int]) -> tuple[float, float]:
    """CPU seconds and MiB of memory that is theirs alone (PostgreSQL shares its pages)."""
    seconds = size = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            one = psutil.Process(pid)
            times = one.cpu_times()
            seconds += times.user + times.system
            size += one.memory_full_info().uss / 2**20
    return seconds, size


def family(pid: int) -> list[int]:
    return [pid, *(one.pid for one in psutil.Process(pid).children(recursive=True))]


@contextlib.contextmanager
def started(devices: int) -> Iterator[tuple[Postgres, Any, dict[str, Process], str]]:
    with tempfile.TemporaryDirectory(prefix="tocsin-b-") as temporary:
        directory = Path(temporary)
        postgres = Postgres(directory)
        postgres.start()
        processes: dict[str, Process] = {}
        try:
            urls = postgres.urls()
            migrate(urls.owner)
            Keyring(directory / "keys")
            fill(urls, devices)
            began = time.perf_counter()
            processes["edge"] = Process("edge", directory, urls.application)
            address = processes["edge"].address()
            print(f"the edge knows {devices:,} devices {time.perf_counter() - began:.1f} s after")
            processes["clock"] = Process("clock", directory, urls.application)
            yield postgres, urls, processes, address
        finally:
            for process in processes.values():
                process.stop()
            postgres.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=3 * INTERVAL_S)
    arguments = parser.parse_args()
    devices, seconds = arguments.devices, arguments.seconds
    print(machine())
    limit = polled(PEERS / "udp_ack_server.py", devices)
    with started(devices) as (postgres, urls, processes, address):
        host, _, port = address.rpartition(":")
        pids = {name: [process.running.pid] for name, process in processes.items()}
        pids["PostgreSQL"] = family(postgres.pid)
        before = {name: used(some)[0] for name, some in pids.items()}
        done = subprocess.run(
            [
                *(sys.executable, str(PEERS / "dc09_polls.py"), host, port, str(devices)),
                *(str(INTERVAL_S), str(seconds), str(SILENT), str(INTERVAL_S * 1.2)),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        told = json.loads(done.stdout)
        pids["PostgreSQL"] = family(postgres.pid)
        after = {name: used(some) for name, some in pids.items()}
        with connect(urls.application) as connection:
            silences = connection.execute(
                "SELECT d.account, extract(epoch FROM s.told_at)::float8 FROM ref.silence s"
                " JOIN ref.device d ON d.id = s.device"
            ).fetchall()
    print(
        f"the same load at {CEILING_TIMES} times the pace has {limit:,.0f} answers/s of a receiver"
        " that answers without reading"
    )
    return report(devices, seconds, told, silences, before, after)


def polled(receiver: Path, devices: int) -> float:
    """Answers a second of a receiver that prints where it listens."""
    with process(sys.executable, str(receiver)) as answering:
        done = subprocess.run(
            [
                *(sys.executable, str(PEERS / "dc09_polls.py")),
                *answering.address.rsplit(":", 1),
                *(str(devices), str(INTERVAL_S / CEILING_TIMES), str(CEILING_S), "0", "0"),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    return float(json.loads(done.stdout)["answered"]) / CEILING_S


def report(
    devices: int,
    seconds: float,
    told: dict[str, Any],
    silences: list[tuple[str, float]],
    before: dict[str, float],
    after: dict[str, tuple[float, float]],
) -> int:
    print(
        f"{devices:,} devices, one poll in {INTERVAL_S} s each: {told['sent'] / seconds:,.0f}"
        f" polls/s sent, {told['answered']:,} of {told['sent']:,} answered,"
        f" p50 {told['p50_ms']:.1f} ms, p99 {told['p99_ms']:.1f} ms;"
        f" the load generator used {told['cpu']:.0%} of a core"
    )
    for name, (cpu, size) in after.items():
        print(f"{name:12}{(cpu - before.get(name, 0.0)) / seconds:6.0%} of a core {size:8,.0f} MiB")
    last = told["last_of_silent"]
    late = sorted(at - last[account] for account, at in silences if account in last)
    wrong = [account for account, _ in silences if account not in last]
    if late:
        print(
            f"{len(late)} of {SILENT} that fell silent were told of, {late[0]:.1f} to"
            f" {late[-1]:.1f} s after their last poll (limit {INTERVAL_S * (1 + GRACE):.0f} s);"
            f" {len(wrong)} that polled were said to be silent"
        )
    in_time = len(late) == SILENT and late[-1] <= INTERVAL_S * (1 + GRACE)
    return 0 if in_time and not wrong and told["answered"] >= told["sent"] * 0.9999 else 1


if __name__ == "__main__":
    sys.exit(main())
