"""Simulated crews: they receive orders over the API, answer, drive along streets, work and return.

Each crew speaks with its own token, as a phone in its cab will; some refuse, some get stuck, some
lose the signal and deliver late.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tocsin.core.terms import Datum
from tocsin.roads.datum import to_wgs84
from tocsin.roads.times import Point, Route, Times, along, metres_between, straight_line
from tocsin.sim.api import Answer, Api
from tocsin.sim.board import ORDER_ENDED, Board, Row
from tocsin.sim.city.model import City, Station, Unit
from tocsin.sim.clock import Clock
from tocsin.sim.words import OUT_OF_SERVICE, REFUSALS

# Shares of orders that go wrong, and how; in city time everything below is in seconds.
LOSES_SIGNAL: Final = 0.04
REFUSES: Final = 0.02
GETS_STUCK: Final = 0.04
SLOW_TO_START: Final = 0.04
OUT_AFTER_JOB: Final = 0.03
NO_SIGNAL_S: Final = (50.0, 150.0)
ANSWER_S: Final = (4.0, 18.0)
TURNOUT_S: Final = (15.0, 55.0)
SLOW_TURNOUT_S: Final = (110.0, 180.0)
STUCK_S: Final = (420.0, 900.0)
WORK_S: Final[Mapping[str, tuple[float, float]]] = {
    "fire": (300.0, 900.0),
    "medical": (200.0, 420.0),
    "traffic": (300.0, 720.0),
    "rescue": (300.0, 800.0),
}
WORK_OTHER_S: Final = (180.0, 480.0)
HANDOVER_S: Final = (150.0, 360.0)
TRANSPORTS: Final = 0.65
SIREN: Final = 0.82  # share of ordinary driving time with blue lights
# What a refusal tells us that somebody has done for us already.
SO_ALREADY: Final = frozenset({"already_so", "order_step_impossible"})


class OrderOver(Exception):
    """The order was taken back, or nobody knows it any more."""


@dataclass(slots=True)
class Drive:
    route: Route
    started: float  # city time
    stopped_for: float = 0.0  # city seconds lost on the way


class Crew:
    """One unit's crew. `where` is degrees WGS-84; `order` is the order it acts on."""

    def __init__(
        self, unit: Unit, home: Station, api: Api, fleet: Fleet, dice: random.Random
    ) -> None:
        self.unit = unit
        self.where: Point = (home.lat, home.lon)
        self.heading = 0.0
        self.order: str | None = None
        self.drive: Drive | None = None
        self._home: Point = (home.lat, home.lon)
        self._api, self._fleet, self._dice = api, fleet, dice
        self._changed = asyncio.Event()
        self._orders: dict[str, Row] = {}

    def hears_of(self, order: Row) -> None:
        """A row of one of this unit's orders has changed."""
        if order["state"] in ORDER_ENDED and order["id"] != self.order:
            self._orders.pop(order["id"], None)
        else:
            self._orders[order["id"]] = order
        self._changed.set()

    async def run(self) -> None:
        await self._fleet.board.ready.wait()
        await self._go_on()
        while True:
            order = self._next_order()
            if order is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            self.order = order["id"]
            try:
                await self._act(order)
            except OrderOver:
                self.drive = None
            except (KeyError, TypeError, ValueError) as error:
                # A row that is not as the API promises: said at the end, and the crew goes on.
                self._fleet.problems.append(f"{self.unit.call_sign}: {error!r}")
                await self._fleet.clock.sleep(30)
            finally:
                self._orders.pop(self.order, None)
                self.order = None
            await self._return()

    async def _go_on(self) -> None:
        """What an earlier run of the simulation left behind: a unit on its way, or off duty."""
        row = self._fleet.board.units.get(str(self.unit.id))
        if row is None or row["order"] is not None:
            return
        if row["state"] in ("returning", "available"):
            await self._command("report_status", unit=row["id"], state="in_station")
        elif row["state"] == "out_of_service" and row["out_of_service_reason"] in OUT_OF_SERVICE:
            await self._command("return_to_service", unit=row["id"])

    def _next_order(self) -> Row | None:
        active = [row for row in self._orders.values() if row["state"] not in ORDER_ENDED]
        return max(active, key=lambda row: str(row["given_at"]), default=None)

    async def _act(self, order: Row) -> None:
        """From the step the order has reached to its end."""
        state = order["state"]
        dice = self._dice
        if state in ("given", "sent"):
            lost = dice.random() < LOSES_SIGNAL
            await self._pause(dice.uniform(*NO_SIGNAL_S) if lost else dice.uniform(0.5, 2.5))
            await self._say("receive_order", order=order["id"], channel="app")
            state = "received"
        if state == "received":
            await self._pause(dice.uniform(*ANSWER_S))
            if dice.random() < REFUSES:
                await self._say("refuse_order", order=order["id"], reason=dice.choice(REFUSALS))
                raise OrderOver
            await self._say("accept_order", order=order["id"])
            state = "accepted"
        if state == "accepted":
            slow = dice.random() < SLOW_TO_START
            await self._pause(dice.uniform(*(SLOW_TURNOUT_S if slow else TURNOUT_S)))
            await self._report("under_way")
            state = "under_way"
        incident = await self._incident(order["incident"])
        if state == "under_way":
            await self._drive_to(self._fleet.place_of(incident), SIREN)
            await self._report("at_scene")
        await self._work(str(incident.get("type", "")))

    async def _work(self, incident_type: str) -> None:
        dice = self._dice
        await self._pause(dice.uniform(*WORK_S.get(incident_type, WORK_OTHER_S)))
        if self.unit.kind == "ambulance" and dice.random() < TRANSPORTS:
            await self._report("transporting")
            await self._drive_to(self._fleet.nearest_hospital(self.where), SIREN)
            await self._pause(dice.uniform(*HANDOVER_S))
        await self._report("returning")

    async def _return(self) -> None:
        """Back to the station, free on the way; a new order ends the return."""
        route = self._fleet.route(self.where, self._home)
        self.drive = Drive(route, self._fleet.clock.now())
        while self._next_order() is None:
            left = self.drive.started + route.seconds[-1] - self._fleet.clock.now()
            self._move()
            if left <= 0:
                self.drive = None
                await self._settle()
                return
            await self._wait(min(left, self._fleet.clock.speed))
        self._move()
        self.drive = None

    async def _settle(self) -> None:
        """In station again; now and then the vehicle needs something first."""
        await self._command("report_status", unit=str(self.unit.id), state="in_station")
        if self._dice.random() < OUT_AFTER_JOB and self._next_order() is None:
            reason = self._dice.choice(OUT_OF_SERVICE)
            out = await self._command("take_out_of_service", unit=str(self.unit.id), reason=reason)
            if out.done:
                await self._fleet.clock.sleep(self._dice.uniform(200, 500))
                await self._command("return_to_service", unit=str(self.unit.id))

    async def _drive_to(self, goal: Point, pace: float) -> None:
        dice = self._dice
        route = self._fleet.route(self.where, goal)
        fast = Route(route.points, tuple(s * pace for s in route.seconds), route.km)
        self.drive = Drive(fast, self._fleet.clock.now())
        stuck_at = fast.seconds[-1] * dice.uniform(0.3, 0.8)
        stuck = dice.random() < GETS_STUCK
        while True:
            gone = self._fleet.clock.now() - self.drive.started - self.drive.stopped_for
            if stuck and gone >= stuck_at:
                stuck = False
                self._move()
                before = self._fleet.clock.now()
                await self._pause(dice.uniform(*STUCK_S))
                self.drive.stopped_for += self._fleet.clock.now() - before
                continue
            if gone >= fast.seconds[-1]:
                break
            await self._pause(min(fast.seconds[-1] - gone, self._fleet.clock.speed))
            self._move()
        self.where, self.drive = goal, None

    def _move(self) -> None:
        if self.drive is None:
            return
        gone = self._fleet.clock.now() - self.drive.started - self.drive.stopped_for
        self.where, self.heading = along(self.drive.route, gone)

    async def _wait(self, city_seconds: float) -> None:
        """Until then, or until something about our orders changes."""
        self._changed.clear()
        try:
            async with asyncio.timeout(self._fleet.clock.real(city_seconds)):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _pause(self, city_seconds: float) -> None:
        """Wait; raises OrderOver as soon as the order is taken back."""
        until = self._fleet.clock.now() + city_seconds
        while True:
            self._require_order()
            left = until - self._fleet.clock.now()
            if left <= 0:
                return
            await self._wait(left)

    def _require_order(self) -> None:
        row = self._orders.get(self.order or "")
        if row is None or row["state"] in ORDER_ENDED:
            raise OrderOver

    async def _say(self, kind: str, **fields: Any) -> None:
        """A word about our order. That it is so already is as good as done."""
        answer = await self._command(kind, **fields)
        if not answer.done and answer.reason not in SO_ALREADY:
            raise OrderOver

    async def _report(self, state: str) -> None:
        await self._say("report_status", unit=str(self.unit.id), state=state)

    async def _command(self, kind: str, **fields: Any) -> Answer:
        return await self._api.command(kind, **fields)

    async def _incident(self, incident: str) -> Row:
        """The incident's row; a crew that joined late has to ask for it."""
        row = self._fleet.board.incidents.get(incident)
        if row is not None:
            return row
        answer = await self._api.get(f"/incidents/{incident}")
        return answer.body if answer.done else {}


class Fleet:
    """All crews, the streets they drive on, and their positions once a second."""

    def __init__(
        self,
        city: City,
        times: Times | None,
        board: Board,
        clock: Clock,
        service: Api,
        crews: Mapping[str, Api],
        seed: int,
    ) -> None:
        self.board, self.clock = board, clock
        self._city, self._times, self._service = city, times, service
        self.problems: list[str] = []
        homes = {station.id: station for station in city.stations}
        self.crews: dict[str, Crew] = {}
        for unit in city.units:
            dice = random.Random(f"{seed}/crew/{unit.call_sign}")
            key = str(unit.id)
            self.crews[key] = Crew(unit, homes[unit.station], crews[key], self, dice)
        board.listeners.append(self._hear)

    def _hear(self, kind: str, row: Row) -> None:
        if kind == "orders" and (crew := self.crews.get(row["unit"])) is not None:
            crew.hears_of(row)

    def route(self, start: Point, goal: Point) -> Route:
        """Through the streets; as the crow flies where there is no way or no roads."""
        found = self._times.route(start, goal) if self._times is not None else None
        if found is not None:
            return found
        guess = straight_line([start], goal)
        return Route((start, goal), (0.0, float(guess.minutes[0]) * 60 + 1), float(guess.km[0]))

    def place_of(self, incident: Row) -> Point:
        place = incident.get("place")
        if not place:
            return self._city.center
        return to_wgs84(place["lat"], place["lon"], Datum(place["datum"]))

    def nearest_hospital(self, where: Point) -> Point:
        places = [(h.lat, h.lon) for h in self._city.hospitals]
        distance = metres_between(places, where)
        return places[int(distance.argmin())]

    def positions(self) -> list[dict[str, Any]]:
        """Of units that have an order, and of no others."""
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        return [
            {
                "unit": key,
                "lat": round(crew.where[0], 6),
                "lon": round(crew.where[1], 6),
                "datum": Datum.WGS_84.value,
                "heading": math.floor(crew.heading) % 360,
                "at": now,
            }
            for key, crew in self.crews.items()
            if crew.order is not None
        ]

    async def report_positions(self) -> None:
        """Once a real second, whatever the speed."""
        while True:
            started = asyncio.get_running_loop().time()
            if rows := self.positions():
                await self._service.positions(rows)
            spent = asyncio.get_running_loop().time() - started
            await asyncio.sleep(max(0.05, 1.0 - spent))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.report_positions())
            for crew in self.crews.values():
                group.create_task(crew.run())
