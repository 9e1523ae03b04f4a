"""What the compiled loop works on: a city with its calls as arrays, and the state of a run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tocsin.sim.engine.calls import Calls
from tocsin.sim.engine.city import City
from tocsin.sim.engine.compiled import compiled, inner
from tocsin.sim.engine.roads import Roads, nearest
from tocsin.sim.engine.routes import Routes, between
from tocsin.sim.engine.tables import Flags, Floats, Ints

FREE, TO_CALL, BUSY = range(3)


class Town(NamedTuple):
    """A city for the loop. Days, km, numbers from 0."""

    roads: Roads
    speed: Floats
    set_from: Floats
    set_index: Ints
    mode: Ints
    drives_as: Ints
    target: Floats
    bump: Flags
    station_node: Ints
    station_km: Floats
    hospital_node: Ints
    hospital_km: Floats
    station_days: Floats
    """station_days[mode, from, to]: from station to station."""
    hospital_station: Ints
    """The station that is nearest to each hospital."""


class Work(NamedTuple):
    """The calls of a run; `order` is that in which they are decided."""

    priority: Ints
    arrival: Floats
    decide: Floats
    order: Ints
    on_scene: Floats
    transport: Flags
    hospital: Ints
    handover: Floats
    node: Ints
    off_km: Floats


class State(NamedTuple):
    """A run as it goes. `moved` and `redirected` count for the call that arrives next."""

    routes: Routes
    status: NDArray[np.int8]
    call: Ints
    station: Ints
    event: Floats
    """When the unit is at its call, or free again; infinite while it is free."""
    trips: Ints
    served: Ints
    """The unit that came, by call."""
    response: Floats
    sent: Ints
    """How often a unit was sent, by call."""
    queue: Ints
    waiting: Ints
    """waiting[0]: how many calls stand in the queue; waiting[1]: the last call that arrived."""
    moved: Ints
    redirected: Ints


def town_of(city: City, roads: Roads) -> Town:
    """The city as the loop wants it."""
    station_node, station_km = nearest(city, city.stations.x, city.stations.y)
    hospital_node, hospital_km = nearest(city, city.hospitals.x, city.hospitals.y)
    speed = city.travel.off_road_speed
    return Town(
        roads,
        speed,
        city.travel.set_from,
        city.travel.set_index,
        city.travel.mode,
        city.drives_as,
        city.target,
        city.bump,
        station_node,
        station_km,
        hospital_node,
        hospital_km,
        between_stations(roads, speed, station_node, station_km),
        _nearest_stations(city),
    )


def _nearest_stations(city: City) -> Ints:
    scale = np.array(city.scale)
    stations = np.c_[city.stations.x, city.stations.y] * scale
    hospitals = np.c_[city.hospitals.x, city.hospitals.y] * scale
    return np.asarray(cKDTree(stations).query(hospitals)[1])


def work_of(city: City, town: Town, calls: Calls) -> Work:
    """The calls as the loop wants them, each with its nearest node and its hospital."""
    node, off_km = nearest(city, calls.x, calls.y)
    decide = calls.arrival + calls.delay
    hospital = calls.hospital.copy()
    nearest_hospitals(town, node, calls.transport & (hospital < 0), decide, hospital)
    return Work(
        calls.priority,
        calls.arrival,
        decide,
        np.argsort(decide, kind="stable"),
        calls.on_scene,
        calls.transport,
        hospital,
        calls.handover,
        node,
        off_km,
    )


def state_of(town: Town, work: Work, homes: Ints) -> State:
    """The state before the first call: every unit free at its home."""
    units, calls = len(homes), len(work.arrival)
    whole = np.full((units, 7), -1, np.int32)
    whole[:, 0] = whole[:, 1] = town.station_node[homes]
    whole[:, 4] = 0
    real = np.zeros((units, 7))
    real[:, :4] = -1.0
    real[:, 4] = 1.0
    real[:, 5] = town.station_km[homes]
    return State(
        Routes(whole, real),
        np.zeros(units, np.int8),
        np.full(units, -1),
        homes.copy(),
        np.full(units, np.inf),
        np.zeros(units, np.int64),
        np.full(calls, -1),
        np.full(calls, np.nan),
        np.zeros(calls, np.int64),
        np.zeros(calls, np.int64),
        np.zeros(2, np.int64),
        np.zeros(calls + 1, np.int64),
        np.zeros(calls + 1, np.int64),
    )


@inner
def mode_at(town: Town, priority: int, at: float) -> int:
    """The travel mode of a priority at this time."""
    place = 0
    while place + 1 < len(town.set_from) and town.set_from[place + 1] <= at:
        place += 1
    return town.mode[town.set_index[place], priority]


@compiled
def between_stations(roads: Roads, speed: Floats, node: Ints, off_km: Floats) -> Floats:
    """Days from station to station in each mode."""
    days = np.zeros((len(speed), len(node), len(node)))
    for mode in range(len(speed)):
        for start in range(len(node)):
            for end in range(len(node)):
                road = between(roads, mode, node[start], node[end])[0]
                days[mode, start, end] = road + (off_km[start] + off_km[end]) / speed[mode]
    return days


@compiled
def nearest_hospitals(town: Town, node: Ints, wanted: Flags, at: Floats, hospital: Ints) -> None:
    """Fills in the hospital that is nearest by road in the mode of the lowest priority."""
    for call in range(len(node)):
        if not wanted[call]:
            continue
        mode = mode_at(town, len(town.target) - 1, at[call])
        least = np.inf
        for one in range(len(town.hospital_node)):
            took = between(town.roads, mode, node[call], town.hospital_node[one])[0]
            took += town.hospital_km[one] / town.speed[mode]
            if took < least:
                least = took
                hospital[call] = one
