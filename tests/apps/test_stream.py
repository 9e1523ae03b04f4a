"""The stream over real HTTP: what arrives, for whom, and what happens when something is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from listening import listening

from little_city import City, build, call, command
from tocsin.core.terms import Role
from web_site import AGENCY, Site

if TYPE_CHECKING:
    from conftest import Server


@pytest.fixture(scope="module")
def city(running: Site) -> City:
    return build(running, prefix="stream ")


@pytest.fixture
def desk(site: Site, city: City) -> httpx.Client:
    return site.client(Role.DISPATCHER)


def position(client: httpx.Client) -> int:
    return int(client.get("/api/v1/snapshot").json()["position"])


def test_a_change_carries_its_position_facts_and_rows(site: Site, desk: httpx.Client) -> None:
    after = position(desk)
    with listening(desk, after) as screen:
        incident = call(desk)
        site.number_facts()
        identity, change = screen.next("change")
        assert identity == change["position"] == after + 1
        assert [fact["kind"] for fact in change["facts"]] == ["incident.opened"]
        row = change["rows"]["incidents"][0]
        assert row == desk.get(f"/api/v1/incidents/{incident}").json()
        assert "13800000000" not in str(change)
        assert "smoke from the roof" not in str(change)


def test_a_tick_comes_each_second_with_the_state_of_things(desk: httpx.Client) -> None:
    with listening(desk, position(desk)) as screen:
        screen.next("tick")
        ticks = screen.all_within("tick", 3.2)
    assert 2 <= len(ticks) <= 4
    assert ticks[-1]["database"] == "ok"
    assert set(ticks[-1]["lag"]) >= {"signals_waiting", "oldest_s", "sequencer_behind"}
    assert ticks[-1]["counters"]["stream_clients"] == 1
    at = datetime.fromisoformat(ticks[-1]["at"])
    assert abs((datetime.now(UTC) - at).total_seconds()) < 10


def test_a_screen_that_comes_back_misses_nothing(site: Site, desk: httpx.Client) -> None:
    before = position(desk)
    made = [call(desk) for _ in range(3)]
    site.number_facts()
    with listening(desk, before) as screen:
        seen: list[str] = []
        while len(seen) < 3:
            seen += [fact["subject"] for fact in screen.next("change")[1]["facts"]]
        assert seen == made
    # A reconnecting browser sends what it saw last, whatever the address still says.
    with listening(desk, 0, last_event_id=before + 2) as screen:
        _, change = screen.next("change")
        assert change["position"] == before + 3


def test_a_position_from_another_log_is_answered_by_a_reset(desk: httpx.Client) -> None:
    with listening(desk, position(desk) + 1_000_000) as screen:
        screen.next("reset")
        assert screen.ended.wait(2)


def test_other_districts_and_agencies_are_not_sent(site: Site, desk: httpx.Client) -> None:
    south = site.client(Role.DISPATCHER, districts=("south",))
    police = site.client(Role.DISPATCHER, agency="police")
    after = position(desk)
    with listening(south, after) as a_screen, listening(police, after) as another:
        call(desk, "north")
        mine = call(desk, "south")
        site.number_facts()
        _, change = a_screen.next("change")
        assert [row["id"] for row in change["rows"]["incidents"]] == [mine]
        assert [fact["subject"] for fact in change["facts"]] == [mine]
        assert another.all_within("change", 1.5) == []


def test_a_crew_hears_of_its_own_incident_only(site: Site, desk: httpx.Client, city: City) -> None:
    engine = city.units["north"]["engine"]
    crew = site.client(Role.CREW, unit=engine)
    with listening(crew, position(desk)) as phone:
        call(desk)
        mine = call(desk)
        sent = command(desk, "send_units", incident=mine, units=[str(engine)])
        order = next(f["subject"] for f in sent.json()["facts"] if f["kind"] == "order.given")
        site.number_facts()
        _, change = phone.next("change")
        assert [row["id"] for row in change["rows"]["incidents"]] == [mine]
        assert [row["id"] for row in change["rows"]["orders"]] == [order]
        assert [row["id"] for row in change["rows"]["units"]] == [str(engine)]
        command(desk, "recall_units", incident=mine, units=[str(engine)])
        site.number_facts()
        _, change = phone.next("change")
        assert change["rows"]["orders"][0]["state"] == "recalled"
        assert change["rows"]["incidents"][0]["units"] == []


def test_a_unit_on_the_move_is_seen_by_the_desk_only(
    site: Site, desk: httpx.Client, city: City
) -> None:
    ladder = city.units["south"]["ladder"]
    command(desk, "send_units", incident=call(desk, "south"), units=[str(ladder)])
    site.number_facts()
    after = position(desk)
    inspector = site.client(Role.INSPECTOR)
    with listening(desk, after) as screen, listening(inspector, after) as other:
        one = {"unit": str(ladder), "lat": 31.2, "lon": 121.4, "datum": "WGS-84", "heading": 45}
        crew = site.client(Role.CREW, unit=ladder)
        sent = {"positions": [{**one, "at": datetime.now(UTC).isoformat()}]}
        assert crew.post("/api/v1/positions", json=sent).json()["kept"] == 1
        moved = screen.next("positions")[1]["positions"]
        assert [(row["unit"], row["lat"], row["heading"]) for row in moved] == [
            (str(ladder), 31.2, 45.0)
        ]
        assert other.all_within("positions", 1.5) == []


def test_a_revoked_token_ends_its_stream_within_five_seconds(
    site: Site, desk: httpx.Client
) -> None:
    from tocsin.apps.people.accounts import create_token, revoke_token

    row, token = create_token("soon gone", role=Role.DISPATCHER, agency=AGENCY)
    client = site.browser(headers={"Authorization": f"Bearer {token}"})
    with listening(client, position(desk)) as screen:
        screen.next("tick")
        revoke_token(row.pk)
        assert screen.ended.wait(5)
    assert client.get("/api/v1/stream").status_code == 401


def test_the_digest_of_a_token_is_no_session(site: Site) -> None:
    from tocsin.apps.people.accounts import digest_of

    token = site.token(Role.DISPATCHER)
    cookie = {"Cookie": f"sessionid={digest_of(token)}"}
    assert site.browser(headers=cookie).get("/api/v1/stream").status_code == 401


def test_a_change_of_role_starts_the_screen_afresh(site: Site, desk: httpx.Client) -> None:
    from tocsin.apps.people.models import Token

    token = site.token(Role.DISPATCHER)
    client = site.browser(headers={"Authorization": f"Bearer {token}"})
    with listening(client, position(desk)) as screen:
        screen.next("tick")
        from tocsin.apps.people.accounts import digest_of

        Token.objects.filter(digest=digest_of(token)).update(districts=["south"])
        screen.next("reset", 5)


@contextmanager
def frozen(postgres: Any) -> Iterator[None]:
    """Every process of the database stopped: it answers nothing and closes nothing."""
    main = psutil.Process(postgres.pid)
    everyone = [main, *main.children(recursive=True)]
    for process in everyone:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in everyone:
            os.kill(process.pid, signal.SIGCONT)


def test_a_frozen_database_is_said_within_five_seconds_and_heals(
    site: Site, desk: httpx.Client, server: Server
) -> None:
    after = position(desk)
    with listening(desk, after) as screen:
        screen.next("tick", database="ok")
        with frozen(server.postgres):
            screen.next("tick", 5, database="lost")
            started = time.monotonic()
            answer = desk.get("/api/v1/incidents")
            assert time.monotonic() - started < 5  # and not as long as a connection is waited for
            assert (answer.status_code, answer.json()["reason"]) == (503, "database_lost")
            assert answer.headers["retry-after"] == "1"
            assert site.browser().get("/ready").status_code == 503
            assert site.browser().get("/health").status_code == 200
        screen.next("tick", 10, database="ok")
        incident = call(desk)
        site.number_facts()
        _, change = screen.next("change", 15)
        assert change["facts"][0]["subject"] == incident
