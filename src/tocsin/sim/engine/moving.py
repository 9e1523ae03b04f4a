"""Where a free unit goes, and which idle unit moves: compiled. A unit covers from the station that
it stands at or drives to."""

from __future__ import annotations

import numpy as np

from tocsin.sim.engine.compiled import compiled, inner, making
from tocsin.sim.engine.cover import Cover
from tocsin.sim.engine.routes import FACTOR, LEFT, THERE, ahead, between
from tocsin.sim.engine.rules import JEMSS_BUSY, Rules
from tocsin.sim.engine.tables import Floats
from tocsin.sim.engine.town import BUSY, FREE, State, Town, Work, mode_at

MINUTES = 1440.0


@making
def station_for(
    town: Town,
    work: Work,
    state: State,
    cover: Cover | None,
    rules: Rules | None,
    unit: int,
    at: float,
) -> int:
    """The station that a unit which has become free drives to. Without `cover` its own; without
    `rules` as DMEXCLP has it: where it adds most cover, of equals the first."""
    if cover is None:
        return state.station[unit]
    if rules is None:
        return _first_most(gains(cover, _idle(town, state, unit), JEMSS_BUSY))
    gain = gains(cover, missed(town, work, state, rules, unit, at), rules.busy)
    took = minutes_to_stations(town, state, unit, at)
    for station in range(len(gain)):
        gain[station] *= worth(rules.release_horizon, took[station])
    return int(np.argmax(gain))


@inner
def _first_most(gain: Floats) -> int:
    """The place of the greatest; of equals, but for rounding, the first."""
    best = 0
    for place in range(1, len(gain)):
        if gain[place] > gain[best] * (1.0 + 1e-12):
            best = place
    return best


@making
def _idle(town: Town, state: State, but: int) -> Floats:
    """By station, the chance that none of its free units answers, each as if it stood there."""
    none = np.ones(len(town.station_node))
    for unit in range(len(state.status)):
        if unit != but and state.status[unit] == FREE:
            none[state.station[unit]] *= JEMSS_BUSY
    return none


@inner
def worth(horizon: float, minutes: float) -> float:
    """What a unit that is so far from its station is worth there."""
    if horizon <= 0.0:
        return 1.0
    return max(0.0, 1.0 - minutes / horizon)


@making
def missed(town: Town, work: Work, state: State, rules: Rules, but: int, at: float) -> Floats:
    """By station, the chance that none of its free units answers, without the unit `but`. A unit
    on its way counts at its station as far as it is there within the horizon, and for the rest at
    the station that it is nearest to now. One at or on its way to a hospital counts there a
    little: it will soon be free."""
    open_ = 1.0 - rules.busy
    none = np.ones(len(town.station_node))
    for unit in range(len(state.status)):
        if state.status[unit] == BUSY and rules.soon > 0.0:
            call = state.call[unit]
            if work.transport[call] and at >= state.routes.real[unit, LEFT]:
                none[town.hospital_station[work.hospital[call]]] *= 1.0 - open_ * rules.soon
            continue
        if unit == but or state.status[unit] != FREE:
            continue
        share, near = presence(town, state, rules, unit, at)
        none[state.station[unit]] *= 1.0 - open_ * share
        if share < 1.0:
            none[near] *= 1.0 - open_ * (1.0 - share)
    return none


@making
def presence(town: Town, state: State, rules: Rules, unit: int, at: float) -> tuple[float, int]:
    """How far a free unit counts at its station, and the station where the rest of it counts."""
    left = (state.routes.real[unit, THERE] - at) / state.routes.real[unit, FACTOR] * MINUTES
    if rules.horizon <= 0.0 or left <= 0.0:
        return 1.0, -1
    return worth(rules.horizon, left), int(np.argmin(minutes_to_stations(town, state, unit, at)))


@compiled
def gains(cover: Cover, none: Floats, busy: float) -> Floats:
    """The share of all demand that one more unit covers, in expectation, by its station."""
    sets, stations = cover.covers.shape
    gain = np.zeros(stations)
    for one in range(sets):
        more = cover.weight[one] * (1.0 - busy)
        for station in range(stations):
            if cover.covers[one, station]:
                more *= none[station]
        for station in range(stations):
            if cover.covers[one, station]:
                gain[station] += more
    return gain


@making
def minutes_to_stations(town: Town, state: State, unit: int, at: float) -> Floats:
    """Minutes by the table from where the unit is to each station."""
    mode = mode_at(town, len(town.target) - 1, at)
    if state.status[unit] == FREE and at >= state.routes.real[unit, THERE]:
        return town.station_days[mode, state.station[unit]] * MINUTES
    node, first = ahead(town.roads, state.routes, town.speed, unit, mode, at)
    took = np.zeros(len(town.station_node))
    for station in range(len(took)):
        road = between(town.roads, mode, node, town.station_node[station])[0]
        took[station] = (first + road + town.station_km[station] / town.speed[mode]) * MINUTES
    return took


@making
def best_move(
    town: Town, work: Work, state: State, cover: Cover, rules: Rules, at: float
) -> tuple[int, int]:
    """The idle unit that moves now, and where to; -1 when all stay. The move that adds most cover
    for its drive."""
    none = missed(town, work, state, rules, -1, at)
    best, goal, most = -1, -1, rules.move_gain
    for unit in range(len(state.status)):
        if state.status[unit] != FREE:
            continue
        home = state.station[unit]
        share, near = presence(town, state, rules, unit, at)
        without = none.copy()
        without[home] /= 1.0 - (1.0 - rules.busy) * share
        if share < 1.0:
            without[near] /= 1.0 - (1.0 - rules.busy) * (1.0 - share)
        gain = gains(cover, without, rules.busy)
        held = gain[home] * share
        if gain.max() - held <= most:
            continue
        took = minutes_to_stations(town, state, unit, at)
        for station in range(len(gain)):
            more = gain[station] * worth(rules.horizon, took[station]) - held
            more -= rules.move_minute * took[station]
            if station != home and more > most:
                best, goal, most = unit, station, more
    return best, goal
