"""The meaning of the events once more, plainly: no chains, no tables, no compiler. Ways are whole
lists of nodes, events a sorted list, and every rule is written as it would be told."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field

from tocsin.sim.engine.calls import Calls
from tocsin.sim.engine.city import City

Point = tuple[float, float]


@dataclass
class Way:
    """Where a unit drives: nodes with the times it is there, then a place off the road."""

    nodes: list[int]
    times: list[float]
    mode: int
    there: float
    place: Point


@dataclass
class Unit:
    station: int
    way: Way
    status: str = "free"
    call: int = -1
    event: int = -1
    """The number of its pending event; others of it are void."""


@dataclass
class Reference:
    """A run of `closest` (`busy` 0) or of DMEXCLP with this busy fraction."""

    city: City
    calls: Calls
    homes: list[int]
    busy: float = 0.0
    response: dict[int, float] = field(default_factory=dict)
    redirects: int = 0

    def __post_init__(self) -> None:
        city = self.city
        self.number = itertools.count()
        self.events: list[tuple[float, int, int, str, int]] = []
        self.queue: list[tuple[int, float, int]] = []
        self.arcs: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
        for start, end, *times in zip(
            city.arc_from.tolist(), city.arc_to.tolist(), *city.arc_time.tolist(), strict=True
        ):
            self.arcs.setdefault(start, []).append((end, tuple(times)))
        self.found: dict[tuple[int, int], tuple[dict[int, float], dict[int, int]]] = {}
        places = zip(city.stations.x.tolist(), city.stations.y.tolist(), strict=True)
        self.stations = list(places)
        self.hospitals = list(
            zip(city.hospitals.x.tolist(), city.hospitals.y.tolist(), strict=True)
        )
        self.scene = list(zip(self.calls.x.tolist(), self.calls.y.tolist(), strict=True))
        self.near: dict[Point, tuple[int, float]] = {}
        self.units = []
        for home in self.homes:
            node, _ = self.nearest(self.stations[home])
            self.units.append(Unit(home, Way([node], [-1.0], 0, -1.0, self.stations[home])))

    # Roads

    def nearest(self, place: Point) -> tuple[int, float]:
        if place not in self.near:
            self.near[place] = min(
                (self.apart(place, node), node)
                for node in range(len(self.city.nodes))
                if self.city.access[node]
            )[::-1]
        return self.near[place]

    def apart(self, place: Point, node: int) -> float:
        dx = (place[0] - float(self.city.nodes.x[node])) * self.city.scale[0]
        dy = (place[1] - float(self.city.nodes.y[node])) * self.city.scale[1]
        return (dx * dx + dy * dy) ** 0.5

    def road(self, mode: int, start: int) -> tuple[dict[int, float], dict[int, int]]:
        """Days from a node to all others, and the node before each."""
        if (mode, start) not in self.found:
            best, before, heap = {start: 0.0}, {}, [(0.0, start)]
            while heap:
                at, node = heapq.heappop(heap)
                if at > best[node]:
                    continue
                for other, times in self.arcs.get(node, []):
                    if at + times[mode] < best.get(other, float("inf")):
                        best[other] = at + times[mode]
                        before[other] = node
                        heapq.heappush(heap, (best[other], other))
            self.found[mode, start] = best, before
        return self.found[mode, start]

    def turn(self, way: Way, mode: int, at: float) -> tuple[int, float]:
        """The node at which a unit on this way can turn off, and the days until then."""
        speed = self.city.travel.off_road_speed
        if at >= way.there:
            node = way.nodes[-1]
            return node, self.apart(way.place, node) / float(speed[mode])
        for node, when in zip(way.nodes, way.times, strict=True):
            if when > at or (when == at and node == way.nodes[0]):
                return node, when - at
        back = at - way.times[-1]
        return way.nodes[-1], back * float(speed[way.mode]) / float(speed[mode])

    def reach(self, unit: Unit, mode: int, at: float, place: Point) -> float:
        node, first = self.turn(unit.way, mode, at)
        goal, off_km = self.nearest(place)
        return (
            first
            + self.road(mode, node)[0][goal]
            + off_km / float(self.city.travel.off_road_speed[mode])
        )

    def drive(self, unit: Unit, mode: int, at: float, place: Point) -> float:
        node, first = self.turn(unit.way, mode, at)
        goal, off_km = self.nearest(place)
        best, before = self.road(mode, node)
        nodes = [goal]
        while nodes[0] != node:
            nodes.insert(0, before[nodes[0]])
        times = [at + first + best[one] for one in nodes]
        there = times[-1] + off_km / float(self.city.travel.off_road_speed[mode])
        unit.way = Way(nodes, times, mode, there, place)
        return there

    # Events

    def add(self, at: float, kind: str, who: int) -> int:
        number = next(self.number)
        rank = who if kind != "decide" else 10_000 + who
        heapq.heappush(self.events, (at, rank, number, kind, who))
        return number

    def run(self) -> list[float]:
        """The response of each call, in days."""
        for call in range(len(self.calls)):
            self.add(float(self.calls.arrival[call] + self.calls.delay[call]), "decide", call)
        while self.events:
            at, _, number, kind, who = heapq.heappop(self.events)
            if kind == "decide":
                self.decide(who, at)
            elif self.units[who].event == number:
                getattr(self, kind)(self.units[who], who, at)
        return [self.response[call] for call in range(len(self.calls))]

    def mode(self, priority: int) -> int:
        return int(self.city.travel.mode[0, self.city.drives_as[priority]])

    def decide(self, call: int, at: float) -> None:
        priority = int(self.calls.priority[call])
        able = [
            (self.reach(unit, self.mode(priority), at, self.scene[call]), number)
            for number, unit in enumerate(self.units)
            if unit.status == "free" or (unit.status == "rolling" and self.may_take(unit, priority))
        ]
        if not able:
            self.queue.append((priority, float(self.calls.arrival[call]), call))
            return
        number = min(able)[1]
        unit = self.units[number]
        bumped = unit.call if unit.status == "rolling" else -1
        self.send(unit, number, call, at)
        if bumped >= 0:
            self.redirects += 1
            self.decide(bumped, at)

    def may_take(self, unit: Unit, priority: int) -> bool:
        return bool(self.city.bump[self.calls.priority[unit.call], priority])

    def send(self, unit: Unit, number: int, call: int, at: float) -> None:
        mode = self.mode(int(self.calls.priority[call]))
        unit.status, unit.call = "rolling", call
        unit.event = self.add(self.drive(unit, mode, at, self.scene[call]), "comes", number)

    def comes(self, unit: Unit, number: int, at: float) -> None:
        call = unit.call
        self.response[call] = at - float(self.calls.arrival[call])
        unit.status = "busy"
        done = at + float(self.calls.on_scene[call])
        if self.calls.transport[call]:
            mode = self.mode(self.city.plain)
            speed = float(self.city.travel.off_road_speed[mode])
            node, _ = self.nearest(self.scene[call])
            best = self.road(mode, node)[0]
            hospital = min(
                (best[self.nearest(place)[0]] + self.nearest(place)[1] / speed, place)
                for place in self.hospitals
            )[1]
            done = self.drive(unit, mode, done, hospital) + float(self.calls.handover[call])
        unit.event = self.add(done, "freed", number)

    def freed(self, unit: Unit, number: int, at: float) -> None:
        if self.queue:
            head = min(self.queue)
            self.queue.remove(head)
            self.send(unit, number, head[2], at)
            return
        unit.status = "free"
        if self.busy:
            unit.station = self.best_station(unit)
        self.drive(unit, self.mode(self.city.plain), at, self.stations[unit.station])

    def best_station(self, freed: Unit) -> int:
        """DMEXCLP over every call's place as a point of demand, lowest priority left out."""
        gain = [0.0] * len(self.stations)
        for place in self.scene:
            for priority in range(self.city.plain):
                within = [self.covers(s, place, priority) for s in range(len(self.stations))]
                count = sum(
                    unit.status == "free" and within[unit.station]
                    for unit in self.units
                    if unit is not freed
                )
                demand = self.city.demand
                weight = float(demand.rate[0, priority]) if demand else 1.0
                for station, covered in enumerate(within):
                    gain[station] += covered * weight * (1 - self.busy) * self.busy**count
        best = max(gain)
        return next(s for s, value in enumerate(gain) if value >= best * (1 - 1e-9))

    def covers(self, station: int, place: Point, priority: int) -> bool:
        mode = self.mode(priority)
        speed = float(self.city.travel.off_road_speed[mode])
        start, out = self.nearest(self.stations[station])
        goal, off = self.nearest(place)
        took = out / speed + self.road(mode, start)[0][goal] + off / speed
        return took <= float(self.city.cover_time[priority])
