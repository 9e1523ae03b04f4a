"""kill -9 of any process under load: nothing acknowledged is lost, nothing is decided on twice."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import psutil
import pytest
from desk import Desk
from panels import Panel, Panels
from prepared import Prepared
from record_of import compare, story, undecided
from site_under_test import SiteUnderTest, until

OWN = ("edge", "work", "clock", "web", "postmaster")
OF_DATABASE = ("backend", "checkpointer", "walwriter", "background writer", "io worker")
VICTIMS = (*OWN, *OF_DATABASE, "supervisor")
LEFT_BEHIND = (("edge",), ("work", "web"), ())
"""Children of a killed supervisor that stay where they stand, with their ports and connections."""

ROUNDS = 3
ROUNDS_LONG = 28
PANELS = 24
RECOVERY_S_MAX = 90.0  # a busy machine needs long to start Python; the figures are printed


def kill_one(site: SiteUnderTest, victim: str, turn: int, dice: random.Random) -> bool:
    """kill -9 of the named process; False when there is none to kill now."""
    if victim == "supervisor":
        if site.processes().keys() < set(OWN):
            return False
        site.kill_supervisor(frozen=LEFT_BEHIND[turn % len(LEFT_BEHIND)])
        site.spawn()
        return True
    if victim in OF_DATABASE:
        running = site.database_processes(victim)
        found = dice.choice(running) if running else None
    else:
        found = site.processes().get(victim)
    if found is None:
        return False
    try:
        found.kill()
    except psutil.NoSuchProcess:  # a backend whose client has just left
        return False
    return True


def kill_in_turn(
    site: SiteUnderTest, panels: Panels, order: list[str], dice: random.Random
) -> list[tuple[float, str]]:
    """Kill one after the other; after each, seconds until alarms are acknowledged again."""
    seconds: list[tuple[float, str]] = []
    for number, victim in enumerate(order):
        turn = number // len(VICTIMS)
        until(
            lambda victim=victim, turn=turn: kill_one(site, victim, turn, dice),
            seconds=RECOVERY_S_MAX,
            what=victim,
        )
        time.sleep(0.1)  # what was answered before the kill has arrived by now
        before = panels.acknowledged()
        waited = until(
            lambda before=before: panels.acknowledged() > before + 5,
            seconds=RECOVERY_S_MAX,
            what=f"acknowledgements after the kill of {victim}",
        )
        seconds.append((waited, victim))
        # Not until all is well again: the next kill may hit while another is starting.
        time.sleep(dice.uniform(0, 0.6))
    return sorted(seconds)


def run_kills(prepared: Prepared, tmp_path: Path, rounds: int, seed: int) -> None:
    """`rounds` kills of each victim in a random order, then the comparison."""
    dice = random.Random(seed)
    accounts = prepared.accounts[:PANELS]
    order = [victim for _ in range(rounds) for victim in dice.sample(VICTIMS, len(VICTIMS))]
    with SiteUnderTest(prepared.copy_to(tmp_path / "data")) as site:
        panels = Panels(
            [Panel(account) for account in accounts], site.addresses["dc09"], pause_s=0.2, seed=seed
        )
        desk = Desk(site.web_url(), prepared.token, pause_s=0.05, seed=seed)
        panels.start()
        until(lambda: panels.acknowledged() > PANELS, seconds=20, what="first acknowledgements")
        desk.start()
        until(lambda: len(desk.closed) > 1, seconds=20, what="incidents closed")
        seconds = kill_in_turn(site, panels, order, dice)
        site.wait_until_ready(seconds=RECOVERY_S_MAX)
        # Closed and opened again: a doubled opening had its chance to show at every site.
        until(lambda: len(desk.closed) > PANELS, seconds=60, what="enough incidents closed")
        panels.stop()
        desk.stop()
        wait_until_all_decided(site)
        found = compare(site, panels.acknowledged_set())
        told = story(site, desk.closed)
        again = sum(panel.sent_again for panel in panels.panels)
        assert site.stop() == 0
    print(
        f"{len(order)} kills: {panels.acknowledged()} acknowledged, {len(found.lost)} lost,"
        f" {len(found.twice)} twice; {len(desk.closed)} incidents closed; {again} alarms and"
        f" {desk.sent_again} requests sent again; acknowledging again after"
        f" {seconds[len(seconds) // 2][0]:.1f} s (median), {seconds[-1][0]:.1f} s (longest,"
        f" {seconds[-1][1]})"
    )
    assert len(order) == len(VICTIMS) * rounds
    assert found.lost == set()
    assert found.twice == set()
    assert found.undecided == 0
    assert told.judged_twice == set()
    assert told.doubled == set()
    assert told.closings_lost == set()
    assert desk.problems == []
    assert sum(told.openings.values()) >= len(desk.closed) > PANELS
    assert all(told.openings[account] for account in accounts)


def wait_until_all_decided(site: SiteUnderTest) -> None:
    """Until every signal has its verdict; fails when none gets one for 30 s."""
    while left := undecided(site):
        until(lambda left=left: undecided(site) < left, seconds=30, what="another signal decided")


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_thirty_kills_lose_nothing_and_double_nothing(prepared: Prepared, tmp_path: Path) -> None:
    assert ROUNDS * len(VICTIMS) >= 30
    run_kills(prepared, tmp_path, ROUNDS, seed=1)


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_three_hundred_kills_lose_nothing_and_double_nothing(
    prepared: Prepared, tmp_path: Path
) -> None:
    assert ROUNDS_LONG * len(VICTIMS) >= 300
    run_kills(prepared, tmp_path, ROUNDS_LONG, seed=2)


class Recorded(SiteUnderTest):
    """Answers from `rows`, by a word of the question."""

    def __init__(self, data: Path, rows: dict[str, list[tuple[object, ...]]]) -> None:
        super().__init__(data)
        self._rows = rows

    def ask(self, query: str, *_: object) -> list[tuple[object, ...]]:
        return next(rows for word, rows in self._rows.items() if word in query)


def test_the_comparison_sees_a_lost_signal_and_a_doubled_one(tmp_path: Path) -> None:
    """The guard itself: an invented acknowledgement and a repeated row must be found."""
    row = b'{"account": "F001", "zone": "0001"}'
    rows: dict[str, list[tuple[object, ...]]] = {
        "signal.judged": [(3,)],
        "heard.arrived": [(4,)],
        "heard.signal": [(row, True), (row, True)],
    }
    site = Recorded(tmp_path, rows)
    found = compare(site, {("F001", 1), ("F001", 2)})
    site.kill()
    assert found.lost == {("F001", 2)}
    assert found.twice == {("F001", 1)}
    assert found.undecided == 3 + 4


def opened(incident: str, signal: str, site: str) -> tuple[str, str, bytes]:
    return "incident.opened", incident, json.dumps({"signal": signal, "site": site}).encode()


def test_the_story_shows_doubled_openings_and_lost_closings(tmp_path: Path) -> None:
    """The guard itself: each way in which a decision can be doubled, or an answer untrue."""
    facts = [
        *(("signal.judged", "s1", b""), opened("i1", "s1", "a"), ("incident.closed", "i1", b"")),
        *(("signal.judged", "s2", b""), opened("i2", "s2", "a"), ("incident.closed", "i2", b"")),
        *(opened("j1", "t1", "b"), opened("j2", "t2", "b")),  # two open at once
        *(opened("k1", "u1", "c"), ("incident.closed", "k1", b""), opened("k2", "u1", "c")),
        *(("signal.judged", "v1", b""), ("signal.judged", "v1", b"")),
        *(("incident.closed", "k2", b""), ("incident.closed", "k2", b"")),
    ]
    places = [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]
    site = Recorded(tmp_path, {"ref.site": places, "log.fact": list(facts)})
    told = story(site, ["i1", "i2", "j1", "k2"])
    site.kill()
    assert told.doubled == {"B", "C"}
    assert told.judged_twice == {"v1"}
    assert told.closings_lost == {"j1", "k2"}
    assert told.openings == {"A": 2, "B": 2, "C": 2, "D": 0}
