"""How long a panel waits for its ACK at 1,000 alarms a second offered: p50 10 ms, p99 50 ms, and as
multiples of what this disk takes to make a few kilobytes durable, measured in the same run.

Tocsin is its real edge process with the embedded PostgreSQL; 200 panels on TCP, each frame at its
appointed time, whatever is answered. The load generator is a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from intake import AFTERWARDS, PANELS, PEERS, tocsin
from machine import machine

RATE = 1_000
SECONDS = 20
P50_MS, P99_MS = 10.0, 50.0
SYNCS = 300


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def sync_ms(directory: Path) -> list[float]:
    """Times of writing 8 KiB and making it durable, as a commit does."""
    taken = []
    descriptor = os.open(directory / "sync", os.O_WRONLY | os.O_CREAT)
    try:
        os.write(descriptor, bytes(SYNCS * 8192))
        os.fsync(descriptor)
        for place in range(SYNCS):
            began = time.perf_counter()
            os.pwrite(descriptor, os.urandom(8192), place * 8192)
            os.fdatasync(descriptor)
            taken.append((time.perf_counter() - began) * 1e3)
    finally:
        os.close(descriptor)
    return taken


def offer(address: str, panels: int, rate: float, seconds: float) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    done = subprocess.run(
        [
            *(sys.executable, str(PEERS / "dc09_offered.py"), host, port),
            *(str(panels), str(rate), str(seconds)),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def main() -> int:
    print(machine())
    with tempfile.TemporaryDirectory(prefix="tocsin-b-") as temporary:
        directory = Path(temporary)
        syncs = sync_ms(directory)
        with tocsin(directory) as receiver:
            told = offer(receiver.address, PANELS, RATE, SECONDS)
    p50, p99 = percentile(told["ms"], 0.5), percentile(told["ms"], 0.99)
    disk50, disk99 = percentile(syncs, 0.5), percentile(syncs, 0.99)
    kept, _ = AFTERWARDS[-1]
    print(
        f"{told['acknowledged']:,} of {told['sent']:,} acknowledged at {RATE:,}/s offered;"
        f" {kept:,} of {told['ever_sent']:,} in the record;"
        f" the load generator used {told['cpu']:.0%} of a core"
    )
    print(f"ACK after p50 {p50:.2f} ms (limit {P50_MS:.0f}), p99 {p99:.2f} ms (limit {P99_MS:.0f})")
    print(
        f"this disk makes 8 KiB durable in p50 {disk50:.2f} ms, p99 {disk99:.2f} ms:"
        f" the ACK takes {p50 / disk50:.1f} and {p99 / disk99:.1f} times as long"
    )
    whole = told["acknowledged"] == told["sent"] and kept == told["ever_sent"]
    return 0 if whole and p50 <= P50_MS and p99 <= P99_MS and not told["wrong"] else 1


if __name__ == "__main__":
    sys.exit(main())
