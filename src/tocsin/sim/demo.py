"""The living city: panels, callers, crews and, if wanted, an automatic dispatcher, on real sockets.

Runs beside a started Tocsin and talks to it as the world does: DC-09 and the HTTP API.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tocsin.core.terms import Datum
from tocsin.roads.graph import RoadsUnavailable
from tocsin.roads.times import Times
from tocsin.sim import crews
from tocsin.sim.api import Api, NotSignedIn, Tally, client
from tocsin.sim.board import Board
from tocsin.sim.city.model import City
from tocsin.sim.clock import Clock
from tocsin.sim.crews import Fleet
from tocsin.sim.dispatcher import Dispatcher
from tocsin.sim.events import PanelSpeaks, Rhythm, SomebodyCalls
from tocsin.sim.panels import Line, PanelLine
from tocsin.sim.report import Summary, Watch, status_line, summarise

STATUS_S: Final = 5.0
TYPING_S: Final = (3.0, 9.0)  # city seconds from a call to its entry
LAST_WORD_S: Final = 8.0  # real seconds at the end for what is still under way


@dataclass(frozen=True, slots=True)
class Tokens:
    """API tokens by role. `crews`: unit id to the token of that unit's crew; `service` follows
    the stream for the whole fleet and reports positions."""

    call_taker: str
    dispatcher: str
    service: str
    crews: Mapping[str, str]


async def run(
    *,
    api_url: str,
    dc09_host: str,
    dc09_port: int,
    tokens: Tokens,
    city: City,
    roads: Path,
    seed: int,
    speed: float,
    headless: bool,
    stop: asyncio.Event,
    seconds: float | None = None,
    automatic: asyncio.Event | None = None,
    tell: Callable[[str], None] | None = None,
    language: str = "en",
) -> Summary:
    """Let the city live until `stop` is set or `seconds` (real) have passed.

    `roads` is the folder of the road graph. `headless` switches the automatic dispatcher on from
    the start; `automatic` switches it while running. `tell` gets a status line every few seconds.
    The clients repeat what is not answered, so the services may be restarted meanwhile.
    """
    automatic = automatic or asyncio.Event()
    if headless:
        automatic.set()
    clock, tally, line = Clock(speed), Tally(), Line()
    problems: list[str] = []
    times = _times(roads, problems)
    async with client(api_url) as http:
        service = Api(http, tokens.service, tally)
        board = Board(service)
        watch = Watch(board)
        callers = {unit: Api(http, token, tally) for unit, token in tokens.crews.items()}
        fleet = Fleet(city, times, board, clock, service, callers, seed)
        desk = Dispatcher(Api(http, tokens.dispatcher, tally), board, clock, seed)
        call_taker = Api(http, tokens.call_taker, tally)
        panels = {
            panel.account: PanelLine(panel, dc09_host, dc09_port, line, seed)
            for site in city.sites
            for panel in site.panels
        }
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(panel.run()) for panel in panels.values()]
                life = group.create_task(_live(city, seed, clock, panels, call_taker))
                tasks += [group.create_task(fleet.run()), group.create_task(board.run()), life]
                tasks.append(group.create_task(desk.run()))
                tasks.append(group.create_task(_switch(desk, automatic)))
                if tell is not None:
                    tasks.append(group.create_task(_tell(tell, clock, line, watch, language)))
                await _end(stop, seconds)
                life.cancel()
                if seconds is not None:
                    await _last_words(line)
                for task in tasks:
                    task.cancel()
        except* NotSignedIn as group_error:
            problems.extend(str(error) for error in group_error.exceptions)
    silence_s = clock.real(crews.NO_SIGNAL_S[1])
    return summarise(clock, line, watch, tally, [*problems, *fleet.problems], silence_s)


def _times(roads: Path, problems: list[str]) -> Times | None:
    """The streets; without them crews go as the crow flies, and that is said."""
    try:
        return Times.load(roads)
    except RoadsUnavailable as error:
        problems.append(f"crews drive without roads: {error}")
        return None


async def _live(
    city: City,
    seed: int,
    clock: Clock,
    panels: Mapping[str, PanelLine],
    call_taker: Api,
) -> None:
    """Let happen what happens, at its time."""
    dice = random.Random(f"{seed}/call-taker")
    async with asyncio.TaskGroup() as entries:
        for event in Rhythm(city, seed):
            await clock.until(event.at)
            if isinstance(event.what, PanelSpeaks):
                panels[event.what.panel.account].say(event.what)
            else:
                typing_s = dice.uniform(*TYPING_S)
                entries.create_task(_enter(event.what, call_taker, city.agency, clock, typing_s))


async def _enter(
    call: SomebodyCalls, call_taker: Api, agency: str, clock: Clock, typing_s: float
) -> None:
    """The call-taker types what the caller says."""
    await clock.sleep(typing_s)
    corner = call.corner
    await call_taker.command(
        "open_incident",
        incident_type=call.incident_type,
        level=call.level,
        place={
            "lat": corner.lat,
            "lon": corner.lon,
            "datum": Datum.WGS_84.value,
            "address_zh": corner.address_zh,
            "address_en": corner.address_en,
        },
        district=corner.district,
        agency=agency,
        caller_name=call.caller_name or None,
        caller_phone=call.caller_phone,
        note=call.note,
    )


async def _switch(desk: Dispatcher, automatic: asyncio.Event) -> None:
    while True:
        desk.switched_on = automatic.is_set()
        await asyncio.sleep(0.2)


async def _tell(
    tell: Callable[[str], None], clock: Clock, line: Line, watch: Watch, language: str
) -> None:
    while True:
        await asyncio.sleep(STATUS_S)
        tell(status_line(clock, line, watch, language))


async def _end(stop: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _last_words(line: Line) -> None:
    """Nothing new happens, but what was said is given the time to be acknowledged."""
    for _ in range(int(LAST_WORD_S * 10)):
        if not line.waiting:
            return
        await asyncio.sleep(0.1)
