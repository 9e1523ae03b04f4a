"""PostgreSQL processes that an earlier, killed run left on a data directory. They are ended before
a new server starts, because a second server on the same files would destroy them."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FAST_S: Final = 30.0
"""Seconds an orphaned server gets to write out and end after SIGINT, before SIGQUIT."""

QUIT_S: Final = 5.0
"""Seconds after SIGQUIT before SIGKILL. Safe: recovery replays the log at the next start."""

logger = logging.getLogger("tocsin.postgres")


def end_leftovers(cluster: Path) -> int:
    """End every PostgreSQL process that still works in `cluster`, then remove a stale
    `postmaster.pid`. Returns how many processes there were.

    A process counts when its working directory is `cluster` (PostgreSQL changes to it) and it is
    not a zombie: a number in `postmaster.pid` alone proves nothing, since it may have been given
    to another program, or belong to a dead server that nobody has waited for.
    """
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return 0
    found = list(working_in(cluster))
    if found:
        logger.warning(
            "an earlier server still runs on this data; ending it",
            extra={"pids": found, "directory": str(cluster)},
        )
        _end(cluster, found, pid_file)
    pid_file.unlink(missing_ok=True)
    return len(found)


def working_in(cluster: Path) -> Iterator[int]:
    """Process ids of the living PostgreSQL processes whose working directory is `cluster`."""
    try:
        place = cluster.stat()
    except FileNotFoundError:
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            directory = (entry / "cwd").stat()  # refused for zombies and other people's processes
            name = (entry / "comm").read_text().strip()
        except OSError:
            continue
        if name == "postgres" and os.path.samestat(directory, place):
            yield int(entry.name)


def _end(cluster: Path, found: list[int], pid_file: Path) -> None:
    try:
        postmaster = int(pid_file.read_text().split("\n", 1)[0])
    except (ValueError, FileNotFoundError):
        postmaster = 0
    # A living postmaster ends its own processes; without one each is told by itself.
    asked = [postmaster] if postmaster in found else found
    for ask, patience_s in (
        (signal.SIGINT, FAST_S if postmaster in found else 0.5),
        (signal.SIGQUIT, QUIT_S),
        (signal.SIGKILL, QUIT_S),
    ):
        for pid in asked:
            _send(pid, ask)
        until = time.monotonic() + patience_s
        while found and time.monotonic() < until:
            found = list(working_in(cluster))
            time.sleep(0.01)
        if not found:
            return
        asked = [postmaster] if postmaster in found and ask is signal.SIGINT else found
    raise TimeoutError(f"processes {found} of an earlier server on {cluster} do not end")


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
