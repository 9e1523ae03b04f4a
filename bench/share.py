"""What share of the limit Tocsin reaches: signals made durable a second over 200 TCP connections,
against the same rows written from memory by one process with the same batching: 0.5.

The edge process runs as in intake.py, with frames in clear. The limit is a process of its own that
has the messages ready, and packs, seals and commits them as the edge does; it reads no socket,
decodes no frame and answers nobody. Both write to the same database, in turn, in short rounds: the
ratio is that of each round's two sides, and the median counts. `--quick`: three rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from intake import PANELS, PEERS, Running, ceiling, load, tocsin
from machine import machine
from tocsin.record.database import connect
from tocsin.site.places import running_urls

RATIO_MIN = 0.5
ROUNDS, QUICK = 9, 3
ROUND_S = 1.5


def written(directory: Path) -> dict[str, Any]:
    """A round of the limit."""
    command = [sys.executable, str(PEERS / "rows_writer.py"), str(directory)]
    done = subprocess.run(
        [*command, str(PANELS), str(ROUND_S)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def heard(receiver: Running, turn: int) -> dict[str, Any]:
    """A round of ours; nothing of it may be missing on the disk."""
    edge = psutil.Process(receiver.process)
    before = sum(edge.cpu_times()[:2])
    told = load(receiver.address, ROUND_S, 1_000 * turn, "", any_answer=False)
    told["cpu_us"] = 1e6 * (sum(edge.cpu_times()[:2]) - before) / told["sent"]
    return told


def kept(directory: Path) -> int:
    """Messages on the disk, which are removed: both sides find the same table."""
    urls = running_urls(directory)
    assert urls is not None
    with connect(urls["application"]) as connection:
        row = connection.execute(
            "WITH gone AS (DELETE FROM heard.arrived RETURNING messages)"
            " SELECT coalesce(sum(messages), 0) FROM gone"
        ).fetchone()
        connection.commit()
    assert row is not None
    return int(row[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} rounds")
    rounds = QUICK if parser.parse_args().quick else ROUNDS
    print(machine())
    ours: list[dict[str, Any]] = []
    limit: list[dict[str, Any]] = []
    missing = 0
    with tempfile.TemporaryDirectory(prefix="tocsin-b-") as temporary:
        directory = Path(temporary)
        with tocsin(directory) as receiver:
            with ceiling(directory, "") as answering:
                most = load(answering.address, ROUND_S, 0, "", any_answer=True)["rate"]
            for turn in range(rounds):
                ours.append(heard(receiver, turn))
                missing += max(0, ours[-1]["acknowledged"] - kept(directory))
                limit.append(written(directory))
                kept(directory)
    print(f"{'':14}{'durable/s':>10}{'least':>9}{'most':>9}{'CPU us':>8}")
    for name, results in (("tocsin", ours), ("from memory", limit)):
        rates = sorted(result["rate"] for result in results)
        cpu = statistics.median(result["cpu_us"] for result in results)
        print(
            f"{name:14}{statistics.median(rates):10,.0f}{rates[0]:9,.0f}{rates[-1]:9,.0f}{cpu:8.1f}"
        )
    ratios = sorted(a["rate"] / b["rate"] for a, b in zip(ours, limit, strict=True))
    ratio = statistics.median(ratios)
    print(
        f"share of the limit: {ratio:.2f} (must reach {RATIO_MIN}), in single rounds"
        f" {ratios[0]:.2f} to {ratios[-1]:.2f}"
    )
    print(f"the same load has {most:,.0f} acks/s of a receiver that only answers")
    if missing:
        print(f"FAILED: {missing} frames were acknowledged that are not kept")
    return 0 if ratio >= RATIO_MIN and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
