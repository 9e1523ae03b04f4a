"""The city lives on the real processes: panels, calls, crews and dispatcher, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from live_field import Field, started

from tocsin.core.terms import Datum
from tocsin.roads.times import Times, metres_between
from tocsin.sim import crews
from tocsin.sim.api import Api, Tally, client
from tocsin.sim.board import Board, Row
from tocsin.sim.city.model import Unit
from tocsin.sim.clock import Clock
from tocsin.sim.crews import Fleet
from tocsin.sim.demo import run
from tocsin.sim.prepare import ROADS
from web_site import site_for

if TYPE_CHECKING:
    from conftest import Server

SPEED = 90.0
CREW_SPEED = 400.0


@pytest.fixture(scope="module")
def field(server: Server, city_folder: Path) -> Iterator[Field]:
    for site in site_for(server, "sim"):
        with started(site, city_folder) as running:
            yield running


class Desk:
    """A person at the desk, for one order to one crew."""

    def __init__(self, field: Field, http: Any) -> None:
        self.tally = Tally()
        self.call_taker = Api(http, field.tokens.call_taker, self.tally)
        self.dispatcher = Api(http, field.tokens.dispatcher, self.tally)
        self.board = Board(Api(http, field.tokens.service, self.tally))
        callers = {unit: Api(http, token, self.tally) for unit, token in field.tokens.crews.items()}
        self.fleet = Fleet(
            field.city,
            Times.load(field.data / ROADS),
            self.board,
            Clock(CREW_SPEED),
            Api(http, field.tokens.service, self.tally),
            callers,
            seed=1,
        )
        self.city = field.city

    async def sends(self, unit: Unit) -> tuple[str, str]:
        """Opens an incident a few streets away and sends the unit: (incident, order)."""
        where = self.city.corners[3]
        opened = await self.call_taker.command(
            "open_incident",
            incident_type="medical",
            level=2,
            place={
                "lat": where.lat,
                "lon": where.lon,
                "datum": Datum.WGS_84.value,
                "address_zh": where.address_zh,
                "address_en": where.address_en,
            },
            district=where.district,
            agency=self.city.agency,
        )
        assert opened.done, opened
        incident = opened.body["facts"][0]["incident"]
        sent = await self.dispatcher.command("send_units", incident=incident, units=[str(unit.id)])
        assert sent.done, sent
        order = next(f["subject"] for f in sent.body["facts"] if f["kind"] == "order.given")
        return incident, order

    async def sees(self, true: Callable[[], bool], seconds: float = 40) -> None:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - the board has no event for each row
                await asyncio.sleep(0.02)

    def order(self, order: str) -> Row:
        return self.board.orders.get(order, {"state": ""})


def with_desk(field: Field, act: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        async with client(field.site.base) as http:
            desk = Desk(field, http)
            tasks = [asyncio.create_task(job) for job in (desk.board.run(), desk.fleet.run())]
            try:
                await asyncio.wait_for(desk.board.ready.wait(), 10)
                await act(desk)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            assert desk.fleet.problems == []

    asyncio.run(main())


@pytest.fixture
def as_hoped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes wrong unless a test says so."""
    for share in ("LOSES_SIGNAL", "REFUSES", "GETS_STUCK", "SLOW_TO_START", "OUT_AFTER_JOB"):
        monkeypatch.setattr(crews, share, 0.0)


def ambulance(field: Field, number: int) -> Unit:
    return [unit for unit in field.city.units if unit.kind == "ambulance"][number]


@pytest.mark.usefixtures("as_hoped")
def test_a_crew_drives_to_the_place_and_then_to_hospital_and_home(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "TRANSPORTS", 1.0)
    unit = ambulance(field, 0)
    seen: list[str] = []

    async def act(desk: Desk) -> None:
        desk.board.listeners.append(
            lambda kind, row: (
                seen.append(row["state"]) if kind == "units" and row["id"] == str(unit.id) else None
            )
        )
        _, order = await desk.sends(unit)
        crew = desk.fleet.crews[str(unit.id)]
        goal = (field.city.corners[3].lat, field.city.corners[3].lon)
        await desk.sees(lambda: desk.order(order)["state"] == "at_scene")
        assert metres_between([crew.where], goal)[0] < 1
        await desk.sees(lambda: desk.order(order)["state"] == "done")
        await desk.sees(lambda: desk.board.units[str(unit.id)]["state"] == "in_station")
        home = next(s for s in field.city.stations if s.id == unit.station)
        assert metres_between([crew.where], (home.lat, home.lon))[0] < 1
        row = desk.order(order)
        steps = ["given_at", "received_at", "accepted_at", "under_way_at", "at_scene_at", "done_at"]
        times = [row[step] for step in steps]
        assert times == sorted(times)
        assert [c["channel"] for c in row["channels"] if c["received_at"]] == ["app"]

    with_desk(field, act)
    assert [state for i, state in enumerate(seen) if seen[i - 1 : i] != [state]] == [
        "ordered",
        "under_way",
        "at_scene",
        "transporting",
        "returning",
        "in_station",
    ]


@pytest.mark.usefixtures("as_hoped")
def test_a_crew_that_refuses_says_why_and_stays(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "REFUSES", 1.0)
    unit = ambulance(field, 1)

    async def act(desk: Desk) -> None:
        incident, order = await desk.sends(unit)
        await desk.sees(lambda: desk.order(order)["state"] == "refused")
        assert desk.order(order)["refusal"]
        await desk.sees(lambda: desk.board.incidents[incident]["units"] == [])
        await desk.sees(lambda: desk.board.units[str(unit.id)]["state"] == "in_station")

    with_desk(field, act)


@pytest.mark.usefixtures("as_hoped")
def test_a_crew_without_signal_receives_late(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "LOSES_SIGNAL", 1.0)
    monkeypatch.setattr(crews, "NO_SIGNAL_S", (1.0 * CREW_SPEED, 1.1 * CREW_SPEED))
    unit = ambulance(field, 2)

    async def act(desk: Desk) -> None:
        loop = asyncio.get_running_loop()
        _, order = await desk.sends(unit)
        given = loop.time()
        await desk.sees(lambda: desk.order(order)["state"] not in ("", "given", "sent"))
        assert loop.time() - given >= 0.95

    with_desk(field, act)


@pytest.mark.usefixtures("as_hoped")
def test_a_crew_that_is_recalled_on_its_way_turns_round(field: Field) -> None:
    unit = ambulance(field, 9)

    async def act(desk: Desk) -> None:
        incident, order = await desk.sends(unit)
        crew = desk.fleet.crews[str(unit.id)]
        await desk.sees(
            lambda: desk.order(order)["state"] == "under_way" and crew.drive is not None
        )
        assert str(unit.id) in {row["unit"] for row in desk.fleet.positions()}
        recalled = await desk.dispatcher.command(
            "recall_units", incident=incident, units=[str(unit.id)], reason=None
        )
        assert recalled.done, recalled
        await desk.sees(lambda: crew.order is None)
        followed = {row["unit"] for row in desk.fleet.positions()}
        assert str(unit.id) not in followed  # nobody follows a crew that has no order
        await desk.sees(lambda: desk.board.units[str(unit.id)]["state"] == "in_station")
        assert desk.order(order)["state"] == "recalled"

    with_desk(field, act)


def test_the_whole_road_is_travelled_and_everything_fits_together(field: Field) -> None:
    said: list[str] = []
    summary = asyncio.run(
        run(
            api_url=field.site.base,
            dc09_host="127.0.0.1",
            dc09_port=field.dc09_port,
            tokens=field.tokens,
            city=field.city,
            roads=field.data / ROADS,
            seed=7,
            speed=SPEED,
            headless=True,
            stop=asyncio.Event(),
            seconds=11,
            tell=said.append,
            language="zh",
        )
    )
    assert summary.problems == (), summary
    assert summary.signals_acked == summary.signals_sent > 10
    assert summary.incidents_opened > 5
    assert summary.incidents_closed > 0
    assert summary.commands["receive_order"] >= summary.commands["accept_order"] > 3
    assert summary.commands["report_status"] > 20
    assert 0 < summary.ack_p50_ms <= summary.ack_p95_ms
    assert said
    assert "报警信号" in said[-1]


def test_a_token_that_is_not_known_ends_the_run_and_is_said(field: Field) -> None:
    wrong = replace(field.tokens, service="tocsin_not_a_token")
    summary = asyncio.run(
        run(
            api_url=field.site.base,
            dc09_host="127.0.0.1",
            dc09_port=field.dc09_port,
            tokens=wrong,
            city=field.city,
            roads=field.data / "nowhere",
            seed=7,
            speed=SPEED,
            headless=False,
            stop=asyncio.Event(),
            seconds=8,
        )
    )
    assert any("token" in problem for problem in summary.problems)
    assert any("without roads" in problem for problem in summary.problems)
