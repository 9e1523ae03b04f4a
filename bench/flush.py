"""1,000 panels that were cut off each tell 1,000 events that they kept, half of them burglary
alarms, half restores: a million signals, all late, are on disk, sorted in and judged within 15
minutes, and no unit is sent. Meanwhile panels that were quiet each send an alarm of now: every one
has its card within two seconds of its ACK.

The whole site runs as `tocsin up` starts it. `--events N` for each panel (default 1,000), an alarm
of now each `--every S` seconds (default 5). The rate is set beside that of the same frames only
acknowledged, in the same run; of the slowest alarms it is told where they waited.
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
from typing import NamedTuple

import psutil

from intake import PEERS
from latency import percentile
from machine import machine
from storm import PANELS, Site, kept, register
from tocsin.record.database import connect
from tocsin.wire.dc09.frames import Frame, encode

WITHIN_S = 15 * 60
HOURS = 12
ALARMS_MAX, CARD_WITHIN_S = 200, 2.0
_SLOWEST = 5
# What has become of a panel's alarm: sorted in, judged, on a card.
_STAGES = """
SELECT EXISTS (SELECT FROM heard.message m WHERE m.device = d.id),
    EXISTS (SELECT FROM view.incident i JOIN view.signal s ON s.incident = i.id
        WHERE i.site = d.site),
    EXISTS (SELECT FROM view.incident i WHERE i.open AND NOT i.watch AND i.site = d.site)
FROM ref.device d WHERE d.account = %s"""
_UNSORTED = "SELECT coalesce(sum(messages), 0) FROM heard.arrived"


class Alarm(NamedTuple):
    """Of a quiet panel's alarm: when it was acknowledged, in seconds of the run; how many messages
    waited to be sorted in then; and the seconds from there to each stage."""

    at_s: float
    unsorted: int
    sorted_s: float
    judged_s: float
    card_s: float


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


def waits(url: str) -> bool:
    """Whether anything waits to be sorted in or judged."""
    with connect(url) as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM heard.arrived) OR EXISTS (SELECT FROM heard.pending)"
        ).fetchone()
    return row == (True,)


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


async def alarms(address: str, url: str, every_s: float, heard: list[Alarm]) -> None:
    """One quiet panel after the other raises the alarm. Ends when it is cancelled."""
    host, _, port = address.rpartition(":")
    began = time.perf_counter()
    with connect(url) as connection:
        connection.autocommit = True
        for number in range(PANELS, PANELS + ALARMS_MAX):
            await asyncio.sleep(every_s)
            reader, writer = await asyncio.open_connection(host, int(port))
            account = f"{0xA000 + number:X}"
            data = f"#{account}|Nri1/FA1".encode()
            writer.write(encode(Frame("SIA-DCS", "0001", "1", "1", account, data)))
            answer = await reader.readuntil(b"\r")
            assert b'"ACK"' in answer, answer
            acknowledged = time.perf_counter()
            ((unsorted,),) = connection.execute(_UNSORTED).fetchall()
            stages: list[float] = []
            while len(stages) < len(Alarm._fields) - 2:
                (seen,) = connection.execute(_STAGES, (account,)).fetchall()
                after = time.perf_counter() - acknowledged
                assert after < WITHIN_S
                stages += [after] * (sum(seen) - len(stages))
                await asyncio.sleep(0.02)
            heard.append(Alarm(acknowledged - began, unsorted, *stages))
            writer.close()


async def run(
    address: str, url: str, events: int, every_s: float
) -> tuple[dict[str, float], float, list[Alarm]]:
    """What the load generator tells, the seconds until nothing waited any more, and the alarms of
    now."""
    heard: list[Alarm] = []
    began = time.perf_counter()
    beside = asyncio.create_task(alarms(address, url, every_s, heard))
    told = await flush(address, events)
    while time.perf_counter() - began < 2 * WITHIN_S:
        if beside.done() or not await asyncio.to_thread(waits, url):
            break
        await asyncio.sleep(2)
    took = time.perf_counter() - began
    beside.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beside
    return told, took, heard


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--every", type=float, default=5.0)
    asked = parser.parse_args()
    events: int = asked.events
    print(machine())
    with tempfile.TemporaryDirectory(prefix="tocsin-b-") as temporary:
        directory = Path(temporary)
        site = Site(directory / "data")
        try:
            register(site, directory, PANELS + ALARMS_MAX)
            url = site.run("db", "url")
            before = cpu_s(site.running.pid)
            told, took, heard = asyncio.run(
                run(site.addresses["dc09 tcp"], url, events, asked.every)
            )
            after = cpu_s(site.running.pid)
            count = kept(url)[0]
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
    cards_s = [alarm.card_s for alarm in heard]
    print(
        f"meanwhile {len(cards_s)} quiet panels raised the alarm: the card was there"
        f" {percentile(cards_s, 0.5) * 1e3:.0f} ms (p50), {max(cards_s) * 1e3:.0f} ms (max)"
        f" after the ACK (limit {CARD_WITHIN_S * 1e3:.0f} ms)"
    )
    for alarm in sorted(heard, key=lambda one: one.card_s, reverse=True)[:_SLOWEST]:
        print(
            f"  acknowledged after {alarm.at_s:.1f} s with {alarm.unsorted:,} messages to sort in:"
            f" sorted in {alarm.sorted_s * 1e3:.0f} ms, judged {alarm.judged_s * 1e3:.0f} ms,"
            f" card {alarm.card_s * 1e3:.0f} ms after the ACK"
        )
    costs = {name: 1e6 * (after[name] - before.get(name, 0.0)) / total for name in sorted(after)}
    print(
        "microseconds of processor time for each: "
        + ", ".join(f"{name} {cost:.0f}" for name, cost in costs.items())
    )
    if total < 1_000_000:
        print(f"a million at this rate: {1_000_000 / judged * took:.0f} s (limit {WITHIN_S})")
    whole = count - len(cards_s) == judged - len(cards_s) == late == total
    whole = whole and told["acknowledged"] == total and max(cards_s) <= CARD_WITHIN_S
    in_time = took <= WITHIN_S * total / 1_000_000
    return 0 if whole and in_time and not orders and not told["wrong"] else 1


if __name__ == "__main__":
    sys.exit(main())
