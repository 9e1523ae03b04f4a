"""The database hangs: the intake falls silent, screens say so within 5 s, and all resumes."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from panels import Panel, Panels, Polls
from prepared import Prepared
from record_of import compare, unsorted
from site_under_test import SiteUnderTest, until

PANELS = 10
POLLED = 5
SAID_WITHIN_S = 5.0
POLLS_UNTIL_S = 5.0
"""A device is told for no longer than this that it is heard by who can keep nothing."""

FROZEN_S = 12.0  # longer than any commit is waited for


class Ticks:
    """What the stream's `tick` last said of the database, and when; reconnects by itself."""

    def __init__(self, url: str, token: str) -> None:
        self.state = ""
        self.since = 0.0
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._ending = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                with httpx.stream(
                    "GET", f"{self._url}/api/v1/stream", headers=self._headers, timeout=5
                ) as answer:
                    answer.raise_for_status()
                    for state in database_states(answer.iter_lines()):
                        if state != self.state:
                            self.state, self.since = state, time.monotonic()
                        if self._ending.is_set():
                            return
            except httpx.HTTPError:
                time.sleep(0.2)


def database_states(lines: Iterator[str]) -> Iterator[str]:
    """`ok` or `lost` of each tick in a stream of Server-Sent Events."""
    event = ""
    for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            event = value.strip()
        elif name == "data" and event == "tick":
            yield str(json.loads(value)["database"])


@pytest.mark.faults
@pytest.mark.timeout(180)
def test_a_database_that_hangs_silences_the_intake_and_is_seen(
    prepared: Prepared, tmp_path: Path
) -> None:
    accounts, polled = prepared.accounts[:PANELS], prepared.accounts[PANELS : PANELS + POLLED]
    with SiteUnderTest(prepared.copy_to(tmp_path / "data")) as site:
        panels = Panels(
            [Panel(account) for account in accounts], site.addresses["dc09"], pause_s=0.1, seed=3
        )
        polls = Polls(polled, site.addresses["dc09"], pause_s=0.1)
        panels.start()
        polls.start()
        ticks = Ticks(site.web_url(), prepared.token)
        until(lambda: panels.acknowledged() > PANELS, seconds=30, what="acknowledgements")
        until(lambda: len(polls.answered_at) > POLLED, seconds=30, what="polls acknowledged")
        until(lambda: ticks.state == "ok", seconds=30, what="a tick with the database")

        frozen = freeze_the_database(site)
        began = time.monotonic()
        time.sleep(0.5)  # an answer that had left before the freeze has arrived by now
        before = panels.acknowledged()
        until(lambda: ticks.state == "lost", seconds=15, what="a tick that says lost")
        said_after = ticks.since - began
        until(lambda: not site.is_ready("edge"), seconds=20, what="edge not ready")
        time.sleep(max(0.0, began + FROZEN_S - time.monotonic()))
        during = panels.acknowledged() - before
        thawed = time.monotonic()
        thaw(frozen)

        resumed = until(
            lambda: panels.acknowledged() > before + 20, seconds=45, what="acknowledgements again"
        )
        until(lambda: polls.answered_at[-1] > thawed, seconds=45, what="polls acknowledged again")
        until(lambda: ticks.state == "ok", seconds=30, what="a tick with the database again")
        site.wait_until_ready(seconds=45)
        panels.stop()
        polls.stop()
        ticks.stop()
        until(lambda: unsorted(site) == 0, seconds=30, what="everything sorted in")
        found = compare(site, panels.acknowledged_set())
        assert site.stop() == 0
    untrue = polls.answered_between(began + POLLS_UNTIL_S, thawed)
    last = max(at for at in polls.answered_at if at < thawed) - began
    print(
        f"lost said after {said_after:.1f} s; last poll acknowledged after {last:.1f} s;"
        f" acknowledged again after {resumed:.1f} s"
    )
    assert during == 0
    assert untrue == 0
    assert said_after <= SAID_WITHIN_S
    assert found.lost == set()
    assert found.twice == set()


def freeze_the_database(site: SiteUnderTest) -> list[psutil.Process]:
    """SIGSTOP of every PostgreSQL process: worse than dead, since connections stay open."""
    postmaster = site.processes()["postmaster"]
    frozen = [postmaster, *postmaster.children()]
    for process in frozen:
        with contextlib.suppress(psutil.NoSuchProcess):  # workers come and go
            process.suspend()
    return frozen


def thaw(frozen: list[psutil.Process]) -> None:
    for process in frozen:
        try:
            process.resume()
        except psutil.NoSuchProcess:
            continue
