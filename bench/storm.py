"""A storm: 10,000 alarms in 10 s over DC-09 while 20 calls a second are entered. Every alarm is on
disk, the ACK's p99 is 500 ms, the p99 of writing a call 250 ms.

The whole site runs as `tocsin up` starts it: the storm is judged while it lasts. 1,000 panels on
TCP in a load generator of its own; calls are entered through the API, each under a key of its own.
The same calls without the storm, in the same run, are what the figure is compared with. The probe
is off: its own test alarms would be counted among the storm's messages.
"""

from __future__ import annotations

import asyncio
import csv
import json
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import httpx

from intake import PEERS, device
from latency import percentile
from machine import machine
from tocsin.record.database import connect

PANELS = 1_000
ALARMS = 10_000
STORM_S = 10
CALLS_PER_S = 20
ACK_P99_MS, CALL_P99_MS = 500.0, 250.0
COMMAND = [sys.executable, "-m", "tocsin.site.command"]
NO_PROBE = "[probe]\nenabled = false\n"
PLACE = {"lat": 31.23, "lon": 121.47, "datum": "WGS-84"}


class Site:
    """`tocsin up` on a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.data = ["--data", str(directory)]
        settings = directory.with_name("tocsin.toml")
        settings.write_text(NO_PROBE, encoding="utf-8")
        listen = ["--listen", "dc09=127.0.0.1:0", "--listen", "web=localhost:0"]
        self.running = subprocess.Popen(
            [*COMMAND, "up", *self.data, "--config", str(settings), *listen],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.addresses: dict[str, str] = {}
        assert self.running.stdout is not None
        for line in self.running.stdout:
            words = line.split()
            if words[:1] == ["listening"]:
                self.addresses[f"{words[1]} {words[2]}"] = words[3]
            if {"dc09 udp", "web http"} <= self.addresses.keys():
                return
        raise RuntimeError("tocsin up ended without listening")

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, *arguments, *self.data], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def stop(self) -> None:
        self.running.terminate()
        try:
            self.running.wait(20)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()


def register(site: Site, directory: Path, panels: int = PANELS) -> None:
    rows = [device(number) for number in range(panels)]
    file = directory / "sites.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    site.run("import", "sites", str(file))


async def calls(url: str, token: str, seconds: float) -> tuple[list[float], int]:
    """Milliseconds from each call's appointed time to its answer, and how many were not taken."""
    taken: list[float] = []
    refused = 0
    limits = httpx.Limits(max_connections=40, max_keepalive_connections=40)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as http:

        async def enter(number: int, at: float) -> None:
            nonlocal refused
            answer = await http.post(
                "/api/v1/commands",
                json={
                    "type": "open_incident",
                    "incident_type": "medical",
                    "level": 2,
                    "district": "main",
                    "agency": "main",
                    "place": PLACE | {"lat": 31.0 + number / 1_000, "lon": 121.0},
                },
                headers={
                    "Authorization": f"Bearer {token}",
                    "Idempotency-Key": str(uuid.uuid4()),
                },
            )
            taken.append((time.perf_counter() - at) * 1e3)
            refused += answer.status_code != 200

        await enter(0, time.perf_counter())  # the connection and the process are warm
        taken.clear()
        began = time.perf_counter()
        waiting = []
        for number in range(int(seconds * CALLS_PER_S)):
            at = began + number / CALLS_PER_S
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            waiting.append(asyncio.create_task(enter(number + 1, at)))
        await asyncio.gather(*waiting)
    return taken, refused


async def storm(site: Site, token: str) -> tuple[dict[str, Any], list[float], int]:
    host, _, port = site.addresses["dc09 tcp"].rpartition(":")
    load = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PEERS / "dc09_offered.py"), host, port),
        *(str(PANELS), str(ALARMS / STORM_S), str(STORM_S)),
        stdout=subprocess.PIPE,
    )
    await asyncio.sleep(2.0)  # the panels connect, and each is heard once
    taken, refused = await calls(f"http://{site.addresses['web http']}", token, STORM_S)
    out, _ = await load.communicate()
    return json.loads(out), taken, refused


def kept(url: str) -> tuple[int, int, int]:
    """Messages in the record, signals that wait to be judged, and open incidents."""
    with connect(url) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM heard.message)"
            " + (SELECT coalesce(sum(messages), 0) FROM heard.arrived),"
            " (SELECT count(*) FROM heard.pending)"
            " + (SELECT coalesce(sum(messages), 0) FROM heard.arrived),"
            " (SELECT count(*) FROM view.incident WHERE open)"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


def main() -> int:
    print(machine())
    with tempfile.TemporaryDirectory(prefix="tocsin-b-") as temporary:
        directory = Path(temporary)
        site = Site(directory / "data")
        try:
            register(site, directory)
            token = site.run("token", "create", "--role", "call_taker", "--name", "bench")
            url = site.run("db", "url")
            calm, no = asyncio.run(
                calls(f"http://{site.addresses['web http']}", token, STORM_S / 2)
            )
            told, taken, refused = asyncio.run(storm(site, token))
            count, waiting, incidents = kept(url)
            began = time.perf_counter()
            while waiting and time.perf_counter() - began < 120:
                time.sleep(0.5)
                count, waiting, incidents = kept(url)
            judged_s = time.perf_counter() - began
        finally:
            site.stop()
    ack, call = percentile(told["ms"], 0.99), percentile(taken, 0.99)
    still = percentile(calm, 0.99)
    print(
        f"{told['acknowledged']:,} of {told['sent']:,} alarms acknowledged in"
        f" {told['seconds']:.1f} s, {count:,} of {told['ever_sent']:,} messages in the record;"
        f" all judged {judged_s:.1f} s after the storm: {incidents:,} incidents open;"
        f" the load generator used {told['cpu']:.0%} of a core"
    )
    print(
        f"ACK p50 {percentile(told['ms'], 0.5):.1f} ms, p99 {ack:.1f} ms (limit {ACK_P99_MS:.0f})"
    )
    print(
        f"{len(taken)} calls entered meanwhile, p50 {percentile(taken, 0.5):.1f} ms,"
        f" p99 {call:.1f} ms (limit {CALL_P99_MS:.0f}), {call / still:.1f} x the p99 without the"
        f" storm ({still:.1f} ms); {refused} refused, {no} before it; {waiting} signals wait"
    )
    whole = told["acknowledged"] == told["sent"] and count == told["ever_sent"]
    in_time = ack <= ACK_P99_MS and call <= CALL_P99_MS
    return 0 if whole and in_time and not (refused or no or waiting) else 1


if __name__ == "__main__":
    sys.exit(main())
