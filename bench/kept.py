"""What a signal costs when ten million are kept, against ten thousand: within 1.2 times, in
processor time and by the clock; and how long a desk waits for what reads them.

Two records, each with its PostgreSQL. Tocsin itself keeps, sorts in and judges the first ten
thousand signals of both; in the larger one all that became of them is copied again and again with
the ids and times of earlier days, thirty in all, into every table and index. Then both do the same
work in turn, in short rounds, and the median round counts. `--kept N`, `--quick`: 200,000.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psutil

from intake import device
from kept_rows import DAYS, SETTINGS, Days, copy_back, kept_bytes, require_room
from machine import machine
from tocsin.core.commands import CloseIncident
from tocsin.core.terms import Actor, Disposition, Role
from tocsin.record import judging, retention, sequencer, working
from tocsin.record.arrivals import Sorter
from tocsin.record.database import Connection, connect
from tocsin.record.handle import handle
from tocsin.record.heard import HeardLog
from tocsin.record.heard_rows import Heard
from tocsin.record.keys import Keyring
from tocsin.record.migrate import migrate
from tocsin.record.sites import import_sites
from tocsin.record.views import list_rows, snapshot
from tocsin.site.command.processes import GARBAGE_AFTER
from tocsin.site.postgres import Postgres
from tocsin.site.tasks import READERS
from tocsin.wire.dc09.frames import Frame, encode

KEPT, QUICK, SMALL = 10_000_000, 200_000, 10_000
PANELS = 1_000
ROUND = 2_000
ROUNDS = 7
RATIO_MAX = 1.2
READ_MS_MAX = 1_000.0
SIGNAL_BYTES = 4_500
"""On the disk, with its facts, rows and index entries; what is asked for before it is filled."""

DESK = Actor("bench", "Bench", Role.DISPATCHER, "main")
# What panels say: opening, closing and tests; a tenth is of alarms, with a second zone and restore.
SAID = (*("OP", "CL", "RP") * 5, "OP", "CL", "BA", "BA", "BR")


class Cost(NamedTuple):
    """Of one signal, in microseconds."""

    wall_us: float
    ours_us: float
    database_us: float


def sites() -> list[dict[str, str]]:
    """A site for each panel, spread over a city of 30 km."""
    rows = []
    for number in range(PANELS):
        east, north = divmod(number, 32)
        place = {"lat": f"{31.1 + north / 100:.4f}", "lon": f"{121.3 + east / 100:.4f}"}
        rows.append(device(number) | place)
    return rows


class Record:
    """A record with its PostgreSQL, and what the processes of Tocsin do to it, in this one."""

    def __init__(self, directory: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.directory, self._loop = directory, loop
        self.postgres = Postgres(directory)
        self.postgres.start()
        self.urls = self.postgres.urls()
        migrate(self.urls.owner)
        self.keyring = Keyring(directory / "keys")
        with connect(self.urls.application) as connection:
            report = import_sites(connection, self.keyring, sites(), agency="main")
            if report.errors:
                raise RuntimeError(f"the sites were not taken: {report.errors[:3]}")
            found = connection.execute("SELECT account, id, site FROM ref.device").fetchall()
            retention.prepare_partitions(connection, datetime.now(UTC))
        self._panels = sorted(found)
        self._said = 0
        self.open()

    def open(self) -> None:
        self.connection: Connection = connect(self.urls.application)
        self._log = HeardLog(name="bench")
        self._loop.run_until_complete(self._begin())
        self._sorter = Sorter(self.keyring, READERS)

    async def _begin(self) -> None:
        await self._log.start(self.urls, self.keyring)
        await self._log.connected()

    def close(self) -> None:
        self.connection.close()
        self._loop.run_until_complete(self._log.stop())

    def end(self) -> None:
        self.close()
        self.postgres.stop()

    def messages(self, count: int) -> list[Heard]:
        """The next that the panels say, one panel after the other, as the edge hears them."""
        now = datetime.now(UTC)
        made = []
        for _ in range(count):
            turn, place = divmod(self._said, PANELS)
            account, identifier, site = self._panels[place]
            code = SAID[(turn + place) % len(SAID)]
            data = f"#{account}|Nri1/{code}{place % 64 + 1}".encode()
            frame = Frame("SIA-DCS", f"{turn % 9999 + 1:04d}", "1", "1", account, data)
            made.append(
                Heard(
                    received_at=now,
                    intake="dc09.tcp",
                    protocol="dc09",
                    source="127.0.0.1",
                    body=encode(frame),
                    answer="ack",
                    district="main",
                    agency="main",
                    device=identifier,
                    site=site,
                    signals=None,
                )
            )
            self._said += 1
        return made

    async def _keep(self, messages: list[Heard]) -> None:
        await asyncio.gather(*(self._log.keep(one) for one in messages))

    def keep(self, messages: list[Heard]) -> None:
        self._loop.run_until_complete(self._keep(messages))

    def sort(self) -> None:
        while self._sorter.sort(self.connection):
            pass

    def judge(self) -> int:
        judged = 0
        while done := judging.judge_pending(self.connection, self.keyring, datetime.now(UTC)):
            judged += done
        return judged

    def follow(self) -> None:
        while sequencer.assign(self.connection):
            pass
        while working.react_after(self.connection, self.keyring, datetime.now(UTC)):
            pass

    def parts(self, count: int) -> dict[str, Callable[[], Any]]:
        """What becomes of the next `count` signals, in the order in which it is done."""
        messages = self.messages(count)
        return {
            "keep": lambda: self.keep(messages),
            "sort in": self.sort,
            "judge": self.judge,
            "number, react": self.follow,
        }

    def round(self, count: int = ROUND) -> dict[str, Cost]:
        """What each part costs a signal."""
        return {name: self._cost(part, count) for name, part in self.parts(count).items()}

    def _cost(self, part: Callable[[], Any], count: int) -> Cost:
        database, ours, began = self._database_s(), time.process_time(), time.perf_counter()
        part()
        wall, ours = time.perf_counter() - began, time.process_time() - ours
        database = self._database_s() - database
        return Cost(*(1e6 * seconds / count for seconds in (wall, ours, database)))

    def _database_s(self) -> float:
        """Processor seconds of the server's processes that work for a client."""
        assert self.postgres.pid is not None
        total = 0
        for one in psutil.Process(self.postgres.pid).children():
            if "tocsin_app" in " ".join(one.cmdline()):
                total += int(Path(f"/proc/{one.pid}/schedstat").read_text().split()[0])
        return total / 1e9

    def close_incidents(self) -> None:
        """As desks do, so that alarms open incidents again: not part of what is measured."""
        rows = self.connection.execute("SELECT id FROM view.incident WHERE open").fetchall()
        self.connection.rollback()
        for (incident,) in rows:
            command = CloseIncident(incident, Disposition.FALSE_ALARM)
            now = datetime.now(UTC)
            handle(self.connection, self.keyring, command, actor=DESK, key=str(uuid4()), now=now)

    def fill(self, count: int) -> None:
        """Signals that Tocsin itself keeps and judges."""
        for _ in range(0, count, ROUND):
            for part in self.parts(min(ROUND, count)).values():
                part()
            self.close_incidents()
        self.follow()


def enlarge(record: Record, kept: int) -> None:
    """Up to `kept` signals by copies of those that are there; the server is started anew."""
    copies = kept // SMALL - 1
    if copies < 1:
        return
    record.close()
    record.postgres.stop()
    began = time.perf_counter()
    with Postgres(record.directory, settings=SETTINGS) as filling:
        days = Days(copies, timedelta(days=DAYS) / copies)
        copy_back(filling.administrator_url(), record.directory / "keys", days)
        size = kept_bytes(filling.administrator_url())
    print(
        f"{copies:,} copies of {SMALL:,} signals over {DAYS} days, in"
        f" {time.perf_counter() - began:.0f} s: {size / 2**30:.1f} GiB of tables and indexes,"
        f" {size / kept:,.0f} bytes for a signal",
        flush=True,
    )
    record.postgres.start()
    record.urls = record.postgres.urls()
    record.open()


def pages(record: Record) -> dict[str, Callable[[], Any]]:
    """What desks read."""
    connection = record.connection
    row = connection.execute(
        "SELECT s.device, s.site, v.incident FROM heard.signal s JOIN view.signal v USING (id)"
        " WHERE v.verdict = 'joined' ORDER BY s.id DESC LIMIT 1"
    ).fetchone()
    connection.rollback()
    assert row is not None
    device_id, site, incident = row

    def listed(kind: str, **filters: Any) -> Callable[[], Any]:
        return lambda: list_rows(
            connection, kind, filters=filters, keyring=record.keyring, districts=["main"]
        )

    day = datetime.now(UTC) - timedelta(days=1)
    return {
        "snapshot of the console": lambda: snapshot(connection, DESK),
        "lag, each second": lambda: working.lag(connection),
        "signals": listed("signals"),
        "signals of a device": listed("signals", device=device_id),
        "signals of a site": listed("signals", site=site),
        "signals of an incident": listed("signals", incident=incident),
        "signals that opened one": listed("signals", verdict="opened"),
        "signals with a problem": listed("signals", problem=True),
        "signals of a day": listed("signals", since=day, until=day + timedelta(hours=12)),
        "incidents": listed("incidents"),
        "incidents of a site": listed("incidents", site=site),
        "facts": listed("facts"),
        "facts of an incident": listed("facts", incident=incident),
    }


def read_ms(record: Record, times: int = 5) -> dict[str, float]:
    """The median time of each page, in milliseconds."""
    taken = {}
    for name, page in pages(record).items():
        samples = []
        for _ in range(times):
            began = time.perf_counter()
            page()
            record.connection.rollback()
            samples.append((time.perf_counter() - began) * 1e3)
            if samples[-1] > READ_MS_MAX:
                break
        taken[name] = statistics.median(samples)
    return taken


def compare(small: Record, large: Record, rounds: int) -> float:
    """Both do the same in turn; the greater of the two ratios."""
    told: dict[str, list[dict[str, Cost]]] = {"small": [], "large": []}
    for turn in range(rounds + 1):
        for name, record in (("small", small), ("large", large)):
            costs = record.round()
            record.close_incidents()
            if turn:  # the first warms up
                told[name].append(costs)
    print(f"{'us a signal':16}{'few: cpu':>10}{'wall':>8}{'many: cpu':>11}{'wall':>8}")
    sums = {name: [0.0, 0.0] for name in told}
    for part in told["small"][0]:
        cells = []
        for name, costs in told.items():
            cpu = statistics.median(one[part].ours_us + one[part].database_us for one in costs)
            wall = statistics.median(one[part].wall_us for one in costs)
            sums[name][0] += cpu
            sums[name][1] += wall
            cells += [cpu, wall]
        print(f"{part:16}{cells[0]:10,.0f}{cells[1]:8,.0f}{cells[2]:11,.0f}{cells[3]:8,.0f}")
    few, many = sums["small"], sums["large"]
    print(f"{'together':16}{few[0]:10,.0f}{few[1]:8,.0f}{many[0]:11,.0f}{many[1]:8,.0f}")
    print(f"ratio: {many[0] / few[0]:.2f} in processor time, {many[1] / few[1]:.2f} by the clock")
    return max(many[0] / few[0], many[1] / few[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=int, default=KEPT)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} kept")
    arguments = parser.parse_args()
    kept = QUICK if arguments.quick else arguments.kept
    print(machine())
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
    with ExitStack() as stack:
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        records = []
        for place in range(2):
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-b-")))
            if not place and not require_room(directory, kept * SIGNAL_BYTES):
                return 2
            record = Record(directory, loop)
            stack.callback(record.end)
            record.fill(SMALL)
            records.append(record)
        small, large = records
        enlarge(large, kept)
        ratio = compare(small, large, arguments.rounds)
        few, many = read_ms(small), read_ms(large)
    print(f"{'ms a page':26}{'few kept':>10}{'many':>10}")
    for name, ms in many.items():
        print(f"{name:26}{few[name]:10.1f}{ms:10.1f}")
    slow = [name for name, ms in many.items() if ms > READ_MS_MAX]
    print(f"a signal costs {ratio:.2f} times as much (limit {RATIO_MAX}) with {kept:,} kept")
    if slow:
        print(f"FAILED: slower than {READ_MS_MAX:,.0f} ms: {', '.join(slow)}")
    return 0 if ratio <= RATIO_MAX and not slow else 1


if __name__ == "__main__":
    sys.exit(main())
