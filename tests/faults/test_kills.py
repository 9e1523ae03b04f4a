"""kill -9 of any process under load: nothing acknowledged is lost, nothing is decided on twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import psutil
import pytest
from panels import Panel, Panels
from record_of import compare
from site_under_test import SiteUnderTest, tocsin, until, write_sites

VICTIMS = ("edge", "work", "clock", "web", "postmaster", "backend")
ROUNDS = 5
ROUNDS_LONG = 50
PANELS = 24
RECOVERY_S_MAX = 45.0  # a busy machine needs long to start Python; the figures are printed


def kill_one(site: SiteUnderTest, victim: str, dice: random.Random) -> bool:
    """kill -9 of the named process; False when there is none to kill now."""
    if victim == "backend":
        backends = site.backends()
        found = dice.choice(backends) if backends else None
    else:
        found = site.processes().get(victim)
    if found is None:
        return False
    try:
        found.kill()
    except psutil.NoSuchProcess:  # a backend whose client has just left
        return False
    return True


def run_kills(tmp_path: Path, rounds: int, seed: int) -> None:
    """`rounds` kills of each victim in a random order, then the comparison."""
    dice = random.Random(seed)
    accounts = [f"{0xF000 + number:04X}" for number in range(PANELS)]
    write_sites(tmp_path / "sites.csv", accounts)
    data = tmp_path / "data"
    tocsin("import", "sites", str(tmp_path / "sites.csv"), data=data)
    with SiteUnderTest(data) as site:
        panels = Panels(
            [Panel(account) for account in accounts], site.addresses["dc09"], pause_s=0.4, seed=seed
        )
        panels.start()
        until(lambda: panels.acknowledged() > PANELS, seconds=20, what="first acknowledgements")
        seconds: list[tuple[float, str]] = []
        order = [victim for _ in range(rounds) for victim in dice.sample(VICTIMS, len(VICTIMS))]
        for victim in order:
            until(lambda victim=victim: kill_one(site, victim, dice), seconds=20, what=victim)
            time.sleep(0.1)  # what was answered before the kill has arrived by now
            before = panels.acknowledged()
            waited = until(
                lambda before=before: panels.acknowledged() > before + 5,
                seconds=RECOVERY_S_MAX,
                what=f"acknowledgements after the kill of {victim}",
            )
            seconds.append((waited, victim))
            # Not until all is well again: the next kill may hit while another is starting.
            time.sleep(dice.uniform(0, 1.0))
        site.wait_until_ready(seconds=RECOVERY_S_MAX)
        panels.stop()
        acknowledged = panels.acknowledged_set()
        wait_until_all_decided(site)
        found = compare(site, acknowledged)
        again = sum(panel.sent_again for panel in panels.panels)
        assert site.stop() == 0
    seconds.sort()
    print(
        f"{len(order)} kills: {len(acknowledged)} acknowledged, {len(found.lost)} lost,"
        f" {len(found.twice)} twice; {again} sent again; acknowledging again after"
        f" {seconds[len(seconds) // 2][0]:.1f} s (median), {seconds[-1][0]:.1f} s (longest,"
        f" {seconds[-1][1]})"
    )
    assert len(order) >= 6 * rounds
    assert found.lost == set()
    assert found.twice == set()
    assert found.undecided == 0
    assert found.incidents_of_site == dict.fromkeys(accounts, 1)


def wait_until_all_decided(site: SiteUnderTest) -> None:
    """Until no signal waits for a decision; fails when none is decided for 30 s."""

    def waiting() -> int:
        return int(site.ask("SELECT count(*) FROM heard.pending")[0][0])

    while left := waiting():
        until(lambda left=left: waiting() < left, seconds=30, what="another signal decided")


@pytest.mark.faults
@pytest.mark.timeout(240)
def test_thirty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    run_kills(tmp_path, ROUNDS, seed=1)


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_three_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    run_kills(tmp_path, ROUNDS_LONG, seed=2)


def test_the_comparison_sees_a_lost_signal_and_a_doubled_one(tmp_path: Path) -> None:
    """The guard itself: an invented acknowledgement and a repeated row must be found."""

    class Recorded(SiteUnderTest):
        def ask(self, query: str, *_: object) -> list[tuple[object, ...]]:
            if "heard.signal" in query:
                row = b'{"account": "F001", "zone": "0001"}'
                return [(row, True), (row, True)]
            return [(0,)] if "heard.pending" in query else [("F001", 2)]

    site = Recorded(tmp_path)
    found = compare(site, {("F001", 1), ("F001", 2)})
    site.kill()
    assert found.lost == {("F001", 2)}
    assert found.twice == {("F001", 1)}
    assert found.incidents_of_site == {"F001": 2}
