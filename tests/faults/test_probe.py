"""The built-in probe finds what no process says of itself: an intake that hangs, a `work` that has
stopped; once, by name, through nothing that has failed, and it falls silent where it is told to."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import psutil
import pytest
from panels import Panel, Panels
from prepared import Prepared
from site_under_test import SiteUnderTest, until

from apps.listening import listening

INTERVAL_S = 10
TWO_MISSES_S = 3 * INTERVAL_S + 15  # one begun round, two whole ones, and a busy machine
SETTINGS = f"""
[probe]
interval_s = {INTERVAL_S}
off = {{"dc09.udp" = "one transport is enough here"}}
[edge.webhook]
enabled = true
port = 0
"""
EDGE = ("dc09.tcp", "webhook.http")
CALLS = ("call", "report")


def states(site: SiteUnderTest) -> dict[str, tuple[int, str | None, bool]]:
    """Of each way in: misses, stage, and whether the last one was counted as arrived."""
    rows = site.ask(
        "SELECT intake, misses, stage, arrived_at IS NOT NULL AND arrived_at = settled_at"
        " FROM ref.probe"
    )
    return {str(name): (misses, stage, arrived) for name, misses, stage, arrived in rows}


def titles(site: SiteUnderTest) -> list[str]:
    """Of all incidents, in English."""
    found = site.ask("SELECT row FROM view.incident ORDER BY id")
    return [str(json.loads(bytes(row))["title_en"]) for (row,) in found]


def all_arrive(site: SiteUnderTest) -> bool:
    now = states(site)
    return all(now.get(name, (1, None, False))[2] for name in (*EDGE, *CALLS))


def missed(site: SiteUnderTest, name: str) -> bool:
    return states(site)[name][0] >= 2


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_what_hangs_is_found_named_once_and_told_when_it_is_back(
    prepared: Prepared, tmp_path: Path
) -> None:
    with SiteUnderTest(prepared.copy_to(tmp_path / "data"), settings=SETTINGS) as site:
        until(lambda: all_arrive(site), seconds=TWO_MISSES_S, what="the first test alarms")
        # Nothing is left of them but a row each: no fact, no incident, no number, no key.
        assert site.ask("SELECT count(*) FROM log.fact") == [(0,)]
        assert site.ask("SELECT count(*) FROM log.number") == [(0,)]
        assert not list((site.data / "keys" / "incidents").glob("*/*.key"))
        problems = site.ask("SELECT DISTINCT problem, device, site FROM heard.signal")
        assert problems == [("synthetic", None, None)]
        assert site.ask("SELECT count(*) FROM ref.seen") == [(0,)]

        edge = site.processes()["edge"]
        edge.suspend()
        took = until(lambda: bool(titles(site)), seconds=TWO_MISSES_S, what="the incident")
        assert took > INTERVAL_S
        assert titles(site) == ["All intakes: two test alarms not recorded (not acknowledged)"]
        now = states(site)
        assert [now[name][0] for name in CALLS] == [0, 0]  # the others go on
        edge.resume()
        until(lambda: all_arrive(site), seconds=TWO_MISSES_S, what="test alarms arrive again")
        noted = "SELECT count(*) FROM log.fact WHERE kind = 'incident.noted'"
        until(lambda: site.ask(noted) != [(0,)], seconds=5, what="it is told")
        assert len(titles(site)) == 1


@pytest.mark.faults
@pytest.mark.timeout(200)
def test_that_work_hangs_is_told_on_a_screen_that_is_open(
    prepared: Prepared, tmp_path: Path
) -> None:
    """All it needs is done by `clock`, also the place in the log. It is told before the supervisor
    ends a process that hangs."""
    with SiteUnderTest(prepared.copy_to(tmp_path / "data"), settings=SETTINGS) as site:
        until(lambda: all_arrive(site), seconds=TWO_MISSES_S, what="the first test alarms")
        headers = {"Authorization": f"Bearer {prepared.token}"}
        with (
            httpx.Client(base_url=site.web_url(), headers=headers) as screen,
            listening(screen, after=0) as stream,
        ):
            work = site.processes()["work"]
            work.suspend()
            _, change = stream.next("change", seconds=TWO_MISSES_S)
            assert work.status() == psutil.STATUS_STOPPED
        [row] = change["rows"]["incidents"]
        assert row["title_en"] == (
            "All intakes: two test alarms not recorded (on record, not judged)"
        )
        assert site.ask("SELECT count(*) FROM log.pending") == [(0,)]
        assert [states(site)[name][1] for name in EDGE] == ["not_judged"] * len(EDGE)
        assert not any(missed(site, name) for name in CALLS)
        work.resume()
        until(lambda: all_arrive(site), seconds=TWO_MISSES_S, what="work is back")
        # On that incident, and on no other; and what waited meanwhile is known again.
        noted = "SELECT count(*) FROM log.fact WHERE kind = 'incident.noted'"
        # Each way in is counted as soon as its own has arrived, so they may be told of apart.
        assert 1 <= site.ask(noted)[0][0] <= len(EDGE)
        assert len(titles(site)) == 1


@pytest.mark.faults
@pytest.mark.timeout(180)
def test_switched_off_it_finds_nothing(prepared: Prepared, tmp_path: Path) -> None:
    """The control: what the test above sees is the probe's work."""
    settings = SETTINGS.replace("[probe]", "[probe]\nenabled = false")
    with SiteUnderTest(prepared.copy_to(tmp_path / "data"), settings=settings) as site:
        site.processes()["edge"].suspend()
        began = time.monotonic()
        until(
            lambda: time.monotonic() - began > 3 * INTERVAL_S,
            seconds=4 * INTERVAL_S,
            what="three rounds",
        )
        assert titles(site) == []
        assert site.ask("SELECT count(*) FROM heard.signal") == [(0,)]
        skipped = site.ask("SELECT count(*) FROM ref.probe WHERE skipped = ''")
        assert skipped == [(0,)]


@pytest.mark.faults
@pytest.mark.timeout(180)
def test_nobody_else_sends_what_counts_as_synthetic(prepared: Prepared, tmp_path: Path) -> None:
    """An account of the probe's form that is not expected; a call that shows another secret."""
    with SiteUnderTest(prepared.copy_to(tmp_path / "data")) as site:
        account = "9E0B0123456789AB"
        panels = Panels([Panel(account)], site.addresses["dc09"], pause_s=0.1, seed=3)
        panels.start()
        until(lambda: len(titles(site)) == 1, seconds=30, what="it alarms")
        panels.stop()
        assert account in titles(site)[0]
        answer = httpx.post(
            f"{site.web_url()}/api/v1/commands",
            json={"type": "open_incident"},
            headers={"Authorization": f"Bearer tp.0123456789ab.{'0' * 64}"},
        )
        assert answer.status_code == 401
