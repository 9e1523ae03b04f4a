"""Where a free unit goes, and which idle unit moves: compiled."""

from __future__ import annotations

import numpy as np

from tocsin.sim.engine.compiled import compiled
from tocsin.sim.engine.cover import Cover
from tocsin.sim.engine.rules import MARGINAL, Rules
from tocsin.sim.engine.town import FREE, State


@compiled
def station_for(state: State, cover: Cover, rules: Rules, unit: int) -> int:
    """The station that a unit which has become free drives to."""
    if rules.release == MARGINAL:
        return marginal(state, cover, rules.busy, unit)
    return state.station[unit]


@compiled
def marginal(state: State, cover: Cover, busy: float, unit: int) -> int:
    """DMEXCLP: the station at which one more unit adds most expected cover; of equals the first."""
    sets, stations = cover.covers.shape
    units = np.zeros(stations, np.int64)
    for other in range(len(state.status)):
        if other != unit and state.status[other] == FREE:
            units[state.station[other]] += 1
    gain = np.zeros(stations)
    for one in range(sets):
        covering = 0
        for station in range(stations):
            if cover.covers[one, station]:
                covering += units[station]
        more = cover.weight[one] * (1.0 - busy) * busy**covering
        for station in range(stations):
            if cover.covers[one, station]:
                gain[station] += more
    return int(np.argmax(gain))
