"""QoS 1 messages acknowledged per second: Tocsin's acceptor, which has each on disk first, against
the broker mosquitto, which acknowledges first, with the same devices, on this machine, in this run.

The two do not promise the same: a PUBACK of mosquitto's says that the message was read, one of
Tocsin's that it is sealed and committed in PostgreSQL. The ratio is the price of that promise, and
must be a tenth. Measured with this script on 2 cores of an AMD EPYC, others at work (load 3.8):
Tocsin 10,675/s, mosquitto 61,224/s, storing 69,495/s, so 0.17 and 0.15.

200 connections, each publishes an alarm, waits for the PUBACK, publishes the next. Tocsin is its
real edge process with the embedded PostgreSQL. mosquitto runs twice: without persistence, and with
it, for a client that is away, so that it has something to store; it writes its store each second
and acknowledges before. The load generator is a process of its own, and its ceiling is measured
against a receiver that answers without reading. The receivers take turns in short rounds, and the
best round of each counts: what else runs on the machine can only take away. `--quick`: one round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from machine import machine
from tocsin.record.arrivals import Sorter
from tocsin.record.database import connect
from tocsin.record.keys import Keyring
from tocsin.record.migrate import migrate
from tocsin.record.sites import import_sites
from tocsin.site.postgres import Postgres
from tocsin.site.tasks import READERS

PEERS = Path(__file__).parent / "peers"
DEVICES = 200
RATIO_MIN = 0.1  # of a broker that acknowledges before it has kept anything
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

Receiver = Callable[[Path], contextlib.AbstractContextManager[str]]
AFTERWARDS: list[tuple[int, float]] = []
"""Messages in the record when Tocsin has ended, and the seconds that sorting them in took."""


@contextlib.contextmanager
def process(*command: str, **environment: str) -> Iterator[str]:
    """Runs a receiver; gives the HOST:PORT that it prints, and ends it afterwards."""
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | environment,
    )
    assert running.stdout is not None
    try:
        for line in running.stdout:
            if line.startswith(("listening mqtt tcp ", "listening 127.")):
                yield line.split()[-1]
                return
        raise RuntimeError(f"{command[0]} ended without listening")
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        running.stdout.close()


@contextlib.contextmanager
def ceiling(_: Path) -> Iterator[str]:
    with process(sys.executable, str(PEERS / "puback_server.py")) as address:
        yield address


@contextlib.contextmanager
def mosquitto(directory: Path, *lines: str) -> Iterator[str]:
    if MOSQUITTO is None:
        raise RuntimeError("mosquitto is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = directory / "mosquitto.conf"
    said = [f"listener {port} 127.0.0.1", "allow_anonymous true", "log_type none", *lines]
    if os.geteuid() == 0:
        said.append("user root")
    file.write_text("\n".join(said) + "\n")
    running = subprocess.Popen([MOSQUITTO, "-c", str(file)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)


@contextlib.contextmanager
def storing(directory: Path) -> Iterator[str]:
    lines = ["persistence true", f"persistence_location {directory}/", "autosave_interval 1"]
    with mosquitto(directory, *lines, "max_queued_messages 0") as address:
        host, _, port = address.rpartition(":")
        away = ["mosquitto_sub", "-h", host, "-p", port, "-q", "1", "-c", "-i", "away", "-E"]
        subprocess.run([*away, "-t", "#"], check=True, timeout=10)
        yield address


@contextlib.contextmanager
def tocsin(directory: Path) -> Iterator[str]:
    """The edge process as `tocsin up` starts it, its PostgreSQL, and 200 devices that it knows."""
    postgres = Postgres(directory)
    postgres.start()
    try:
        urls = postgres.urls()
        migrate(urls.owner)
        keyring = Keyring(directory / "keys")
        with connect(urls.application) as connection:
            rows = [device(n) for n in range(DEVICES)]
            report = import_sites(connection, keyring, rows, agency="main")
        if report.errors:
            raise RuntimeError(f"the devices were not taken: {report.errors[:3]}")
        with process(
            *(sys.executable, "-m", "tocsin.site.command", "edge", "--data", str(directory)),
            *("--listen", "mqtt=127.0.0.1:0", "--listen", "dc09=127.0.0.1:0"),
            TOCSIN_DATABASE_URL=urls.application,
            TOCSIN_DATABASE_OWNER_URL="",
        ) as address:
            yield address
        began = time.perf_counter()
        with connect(urls.application) as connection:
            sorter = Sorter(keyring, READERS)
            while sorter.sort(connection):
                pass
            row = connection.execute("SELECT count(*) FROM heard.message").fetchone()
        AFTERWARDS.append((0 if row is None else int(row[0]), time.perf_counter() - began))
    finally:
        postgres.stop()


def device(number: int) -> dict[str, str]:
    return {
        "site": f"S{number}",
        "name_zh": f"点位{number}",
        "name_en": f"Site {number}",
        "address": f"Mill Road {number + 1}",
        "lat": "31.2",
        "lon": "121.4",
        "datum": "WGS-84",
        "district": "main",
        "protocol": "mqtt",
        "account": f"dev-{number}",
        "key": "a long password",
        "key_form": "ascii",
        "interval_s": "",
    }


def load(address: str, seconds: float) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    command = [sys.executable, str(PEERS / "mqtt_load.py"), host, port, str(DEVICES), str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    told: dict[str, Any] = json.loads(done.stdout)
    if told["wrong"]:
        raise RuntimeError(f"{told['wrong']} wrong answers, the first: {told['wrong_first']!r}")
    return told


def measure(
    receivers: dict[str, Receiver], rounds: int, seconds: float
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Rounds of all receivers in turn, so that a busy moment of the machine meets them all.
    Also: who was absent and why."""
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in receivers}
    absent: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        addresses = {}
        for name, receiver in receivers.items():
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-b-")))
            try:
                addresses[name] = stack.enter_context(receiver(directory))
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                if name == "tocsin":
                    raise
                absent[name] = str(error)
        for _ in range(rounds):
            for name, address in addresses.items():
                try:
                    told[name].append(load(address, seconds))
                except RuntimeError as error:
                    raise RuntimeError(f"{name}: {error}") from error
    return told, absent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round")
    quick = parser.parse_args().quick
    receivers: dict[str, Receiver] = {
        "ceiling": ceiling,
        "mosquitto": mosquitto,
        "mosquitto, storing": storing,
        "tocsin": tocsin,
    }
    told, absent = measure(receivers, 1 if quick else 5, 1.5)
    print(machine())
    print(f"{'':20}{'acks/s':>9}{'median':>9}{'p50 ms':>9}{'p99 ms':>9}  on disk when told")
    rates = {}
    for name, results in told.items():
        if not results:
            print(f"{name:20}   absent: {absent[name]}")
            continue
        best = max(results, key=lambda result: result["rate"])
        middle = statistics.median(result["rate"] for result in results)
        rates[name] = best["rate"]
        print(
            f"{name:20}{best['rate']:9,.0f}{middle:9,.0f}{best['p50_ms']:9.1f}"
            f"{best['p99_ms']:9.1f}  {'every one' if name == 'tocsin' else 'none'}"
        )
    kept, seconds = AFTERWARDS[-1]
    sent = sum(result["sent"] for result in told["tocsin"])
    print(
        f"tocsin was sent {sent:,} messages and kept {kept:,}; tocsin work sorts"
        f" {kept / seconds:,.0f}/s of them into the tables, by itself on the machine"
    )
    if (
        sent - DEVICES * len(told["tocsin"]) > kept
    ):  # each's last may be on its way at a round's end
        print("FAILED: messages were acknowledged that are not kept")
        return 1
    for name in ("mosquitto", "mosquitto, storing"):
        if name in rates:
            print(f"ratio to {name}: {rates['tocsin'] / rates[name]:.2f}")
    if absent:
        print(f"NOT RUN: the comparison with {', '.join(absent)}, which could not be had")
        return 2
    ratio = rates["tocsin"] / rates["mosquitto"]
    print(f"must reach {RATIO_MIN} of mosquitto, which keeps nothing")
    return 0 if ratio >= RATIO_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
