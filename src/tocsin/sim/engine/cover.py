"""Which stations cover which demand in time: places that the same stations cover are one set, with
the calls a day that come from them. Places are those of the given calls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin.sim.engine.calls import Calls
from tocsin.sim.engine.city import City
from tocsin.sim.engine.compiled import compiled
from tocsin.sim.engine.roads import nearest
from tocsin.sim.engine.routes import between
from tocsin.sim.engine.tables import Flags, Floats, Ints
from tocsin.sim.engine.town import Town


class Cover(NamedTuple):
    """covers[set, station], and the share of demand that each set has."""

    covers: NDArray[np.bool_]
    weight: Floats


def cover_of(city: City, town: Town, calls: Calls, urgent: Flags) -> Cover:
    """The sets of the priorities marked `urgent`, which weigh by their calls a day; a station
    covers a place when the drive in the priority's mode is within its cover time. Sets that the
    city tells itself hold, if they are these."""
    node, off_km = nearest(city, calls.x, calls.y)
    masks, weights = [], []
    for priority in np.flatnonzero(urgent):
        chosen = _places(city, calls, int(priority))
        mode = int(town.mode[town.set_index[0], town.drives_as[priority]])
        limit = city.cover_time[priority]
        masks.append(_covered(town, mode, limit, node[chosen], off_km[chosen]))
        rate = float((calls.priority == priority).sum())
        if city.demand is not None:
            rate = float(city.demand.rate[city.demand.set_index[0], priority])
        weights.append(np.full(chosen.size, rate / max(1, chosen.size)))
    sets, group = np.unique(np.concatenate(masks), axis=0, return_inverse=True)
    known = city.cover_sets
    if known is not None and {one.tobytes() for one in sets} <= {
        one.tobytes() for one in known.covers
    } | {np.zeros(len(city.stations), np.bool_).tobytes()}:
        return Cover(known.covers, known.demand / known.demand.sum())
    weight = np.bincount(group.ravel(), np.concatenate(weights), len(sets))
    return Cover(sets, weight / weight.sum())


def _places(city: City, calls: Calls, priority: int) -> Ints:
    if city.demand is None:
        return np.arange(len(calls))
    raster = city.demand.raster[city.demand.set_index[0]]
    found = np.flatnonzero(np.isin(calls.priority, np.flatnonzero(raster == raster[priority])))
    return found if found.size else np.arange(len(calls))


@compiled
def _covered(town: Town, mode: int, limit: float, node: Ints, off_km: Floats) -> NDArray[np.bool_]:
    covered = np.zeros((len(node), len(town.station_node)), np.bool_)
    for station in range(len(town.station_node)):
        start = town.station_km[station] / town.speed[mode]
        for place in range(len(node)):
            road = between(town.roads, mode, town.station_node[station], node[place])[0]
            covered[place, station] = start + road + off_km[place] / town.speed[mode] <= limit
    return covered
