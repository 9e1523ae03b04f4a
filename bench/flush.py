"""1,000 panels that were cut off each tell 1,000 events that they kept: a million signals, all
late, are on disk, sorted in and judged within 15 minutes, and no unit is sent.

The whole site runs as `tocsin up` starts it. `--events N` for each panel (default 1,000). The rate
is set beside that of the same frames only acknowledged, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from intake import PEERS
from machine import machine
from storm import PANELS, Site, kept, register
from tocsin.record.database import connect

WITHIN_S = 15 * 60
HOURS = 12


def verdicts(url: str) -> tuple[int, int, int, int]:
    """Signals judged, how many of them late, open incidents, and orders ever given."""
    with connect(url) as connection:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE convert_from(row, 'UTF8')::jsonb ->> 'late'"
            " = 'true'), (SELECT count(*) FROM view.incident WHERE open),"
            ' (SELECT count(*) FROM view."order") FROM view.signal'
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2]), int(row[3])


def cpu_s(pid: int) -> dict[str, float]:
    """Processor seconds used so far, of each of the site's processes and of its database."""
    used = {"PostgreSQL": 0.0}
    for one in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            words = one.cmdline()
            is_ours = "tocsin.site.command" in words
            name = words[words.index("tocsin.site.command") + 1] if is_ours else "PostgreSQL"
            used[name] = used.get(name, 0.0) + sum(one.cpu_times()[:2])
    return used


async def flush(address: str, events: int) -> dict[str, float]:
    host, _, port = address.rpartition(":")
    load = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PEERS / "dc09_flush.py"), host, port),
        *(str(PANELS), str(events), str(HOURS)),
        stdout=subprocess.PIPE,
    )
    out, _ = await load.communicate()
    told: dict[str, float] = json.loads(out)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000)
    events = parser.parse_args().events
    print(machine())
    with tempfile.TemporaryDirectory(prefix="tocsin-b-") as temporary:
        directory = Path(temporary)
        site = Site(directory / "data")
        try:
            register(site, directory)
            url = site.run("db", "url")
            before, began = cpu_s(site.running.pid), time.perf_counter()
            told = asyncio.run(flush(site.addresses["dc09 tcp"], events))
            count, waiting, _ = kept(url)
            while waiting and time.perf_counter() - began < 2 * WITHIN_S:
                time.sleep(2)
                count, waiting, _ = kept(url)
            took = time.perf_counter() - began
            after = cpu_s(site.running.pid)
            judged, late, incidents, orders = verdicts(url)
        finally:
            site.stop()
    total = PANELS * events
    print(
        f"{told['acknowledged']:,.0f} of {total:,} acknowledged in {told['seconds']:.1f} s"
        f" ({total / told['seconds']:,.0f}/s, the load generator used {told['cpu']:.0%} of a core)"
    )
    print(
        f"{count:,} in the record, {judged:,} judged in {took:.0f} s ({judged / took:,.0f}/s,"
        f" {judged / took / (total / told['seconds']):.2f} of the rate of acknowledging),"
        f" {late:,} of them late; {incidents:,} incidents open, {orders} orders given"
    )
    costs = {name: 1e6 * (after[name] - before.get(name, 0.0)) / total for name in sorted(after)}
    print(
        "microseconds of processor time for each: "
        + ", ".join(f"{name} {cost:.0f}" for name, cost in costs.items())
    )
    if total < 1_000_000:
        print(f"a million at this rate: {1_000_000 / judged * took:.0f} s (limit {WITHIN_S})")
    whole = count == judged == late == total and told["acknowledged"] == total
    in_time = took <= WITHIN_S * total / 1_000_000
    return 0 if whole and in_time and not orders and not told["wrong"] else 1


if __name__ == "__main__":
    sys.exit(main())
