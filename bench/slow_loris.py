"""A slow loris: 2,000 connections that send half a frame and then nothing, opened anew whenever
they are closed, while 1,000 alarms a second are offered from the same address: their p99 is 500 ms,
and an idle connection takes 64 KiB at most. The same alarms without them, in the same run, are what
the figure is compared with.

Tocsin is its real edge process with the embedded PostgreSQL. The idle connections and the alarms
are processes of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from intake import AFTERWARDS, PANELS, PEERS, tocsin
from latency import RATE, offer, percentile
from machine import machine

IDLE = 2_000
SECONDS = 15.0
P99_MS, CONNECTION_KIB = 500.0, 64.0


def resident_kib(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 1024


def main() -> int:
    print(machine())
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-b-") as temporary,
        tocsin(Path(temporary)) as receiver,
    ):
        calm = offer(receiver.address, PANELS, RATE, SECONDS / 3)
        before = resident_kib(receiver.process)
        idle = subprocess.Popen(
            [
                *(sys.executable, str(PEERS / "dc09_idle.py")),
                *receiver.address.rsplit(":", 1),
                *(str(IDLE), str(SECONDS + 5)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert idle.stdout is not None
            assert idle.stdout.readline().split() == ["open", str(IDLE)]
            cost = (resident_kib(receiver.process) - before) / IDLE
            told = offer(receiver.address, PANELS, RATE, SECONDS)
            held: dict[str, Any] = json.loads(idle.communicate(timeout=60)[0])
        finally:
            idle.kill()
            idle.wait()
    sent = calm["ever_sent"] + told["ever_sent"]
    kept, _ = AFTERWARDS[-1]
    p99, still = percentile(told["ms"], 0.99), percentile(calm["ms"], 0.99)
    print(
        f"{told['acknowledged']:,} of {told['sent']:,} alarms acknowledged at {RATE:,}/s beside"
        f" {IDLE:,} idle connections, of which {held['closed']:,} were closed and opened anew;"
        f" {kept:,} of {sent:,} in the record; the load generator used {told['cpu']:.0%} of a core"
    )
    print(
        f"ACK p99 {p99:.1f} ms (limit {P99_MS:.0f}), {p99 / still:.1f} x the p99 without them"
        f" ({still:.1f} ms); an idle connection takes {cost:.1f} KiB (limit {CONNECTION_KIB:.0f})"
    )
    whole = told["acknowledged"] == told["sent"] and kept == sent and not told["wrong"]
    return 0 if whole and p99 <= P99_MS and 0 < cost <= CONNECTION_KIB and held["closed"] else 1


if __name__ == "__main__":
    sys.exit(main())
