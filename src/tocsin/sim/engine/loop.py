"""The events of a run, compiled: a call is decided, a unit comes, a unit is free again. At the same
instant units go before calls, and units and calls by their number."""

from __future__ import annotations

import numpy as np

from tocsin.sim.engine.choosing import choose, relieved
from tocsin.sim.engine.compiled import compiled, inner, making
from tocsin.sim.engine.cover import Cover
from tocsin.sim.engine.moving import best_move, station_for
from tocsin.sim.engine.noise import HOSPITAL, RESPONSE, STATION, factor
from tocsin.sim.engine.routes import drive, put
from tocsin.sim.engine.rules import Rules
from tocsin.sim.engine.town import BUSY, FREE, TO_CALL, State, Town, Work, mode_at

RELIEFS = 4  # a unit that is relieved may relieve the next


@compiled
def simulate(
    town: Town,
    work: Work,
    state: State,
    cover: Cover | None,
    rules: Rules | None,
    seed: int,
    sigma: float,
) -> None:
    """Runs until every call is answered and every unit free."""
    decided, calls = 0, len(work.order)
    while True:
        unit = 0
        for other in range(1, len(state.event)):
            if state.event[other] < state.event[unit]:
                unit = other
        at = state.event[unit]
        if decided < calls and work.decide[work.order[decided]] < at:
            call = work.order[decided]
            decided += 1
            at = work.decide[call]
            _count_arrivals(work, state, at)
            _decide(town, work, state, cover, rules, call, at, seed, sigma)
        elif at == np.inf:
            break
        elif state.status[unit] == TO_CALL:
            _arrive(town, work, state, unit, at, seed, sigma)
            continue
        else:
            _count_arrivals(work, state, at)
            _free(town, work, state, cover, rules, unit, at, seed, sigma)
        if rules is not None:  # noqa: SIM102 - numba sees one test at a time
            if cover is not None:
                _move(town, work, state, cover, rules, at, seed, sigma)


@making
def _move(
    town: Town,
    work: Work,
    state: State,
    cover: Cover,
    rules: Rules,
    at: float,
    seed: int,
    sigma: float,
) -> None:
    """Idle units move to what has become bare."""
    for _ in range(rules.moves):
        unit, station = best_move(town, work, state, cover, rules, at)
        if unit < 0:
            break
        state.moved[state.waiting[1]] += 1
        _to_station(town, state, unit, station, at, seed, sigma)


@inner
def _relieve(
    town: Town,
    work: Work,
    state: State,
    rules: Rules,
    unit: int,
    at: float,
    seed: int,
    sigma: float,
) -> int:
    """The unit takes the call of one that is much further from it, and so on; who is free then."""
    if rules.takes_rolling:
        for _ in range(RELIEFS):
            other = relieved(town, work, state, rules, unit, at)
            if other < 0:
                break
            state.redirected[state.waiting[1]] += 1
            _send(town, work, state, unit, state.call[other], at, seed, sigma)
            unit = other
    return unit


@inner
def _count_arrivals(work: Work, state: State, at: float) -> None:
    """What happens from now on counts for the next call that arrives."""
    while state.waiting[1] < len(work.arrival) and work.arrival[state.waiting[1]] <= at:
        state.waiting[1] += 1


@making
def _decide(
    town: Town,
    work: Work,
    state: State,
    cover: Cover | None,
    rules: Rules | None,
    call: int,
    at: float,
    seed: int,
    sigma: float,
) -> None:
    """Sends a unit to the call; the call that lost its unit is decided at the same instant."""
    while call >= 0:
        unit = choose(town, work, state, cover, rules, call, at)
        if unit < 0:
            state.queue[state.waiting[0]] = call
            state.waiting[0] += 1
            return
        lost = -1
        if state.status[unit] == TO_CALL:
            lost = state.call[unit]
            state.redirected[state.waiting[1]] += 1
        _send(town, work, state, unit, call, at, seed, sigma)
        call = lost


@inner
def _send(
    town: Town, work: Work, state: State, unit: int, call: int, at: float, seed: int, sigma: float
) -> None:
    mode = mode_at(town, town.drives_as[work.priority[call]], at)
    slower = factor(sigma, seed, RESPONSE, call, state.sent[call])
    state.sent[call] += 1
    state.status[unit] = TO_CALL
    state.call[unit] = call
    state.event[unit] = drive(
        town.roads,
        state.routes,
        town.speed,
        unit,
        mode,
        at,
        work.node[call],
        work.off_km[call],
        slower,
    )


@inner
def _arrive(
    town: Town, work: Work, state: State, unit: int, at: float, seed: int, sigma: float
) -> None:
    """The unit is at its call; all that follows until it is free again is known."""
    call = state.call[unit]
    state.served[call] = unit
    state.response[call] = at - work.arrival[call]
    state.status[unit] = BUSY
    free = at + work.on_scene[call]
    if work.transport[call]:
        mode = mode_at(town, len(town.target) - 1, free)
        put(state.routes, unit, work.node[call], work.off_km[call], mode, free)
        hospital = work.hospital[call]
        slower = factor(sigma, seed, HOSPITAL, call, 0)
        there = drive(
            town.roads,
            state.routes,
            town.speed,
            unit,
            mode,
            free,
            town.hospital_node[hospital],
            town.hospital_km[hospital],
            slower,
        )
        free = there + work.handover[call]
    state.event[unit] = free


@making
def _free(
    town: Town,
    work: Work,
    state: State,
    cover: Cover | None,
    rules: Rules | None,
    unit: int,
    at: float,
    seed: int,
    sigma: float,
) -> None:
    """The unit takes the head of the queue, by priority and then by arrival, or a station."""
    state.call[unit] = -1
    head = -1
    for place in range(state.waiting[0]):
        call = state.queue[place]
        if head < 0:
            head = place
        first = state.queue[head]
        if (work.priority[call], work.arrival[call], call) < (
            work.priority[first],
            work.arrival[first],
            first,
        ):
            head = place
    if head >= 0:
        call = state.queue[head]
        state.waiting[0] -= 1
        state.queue[head] = state.queue[state.waiting[0]]
        _send(town, work, state, unit, call, at, seed, sigma)
        return
    if rules is not None:
        unit = _relieve(town, work, state, rules, unit, at, seed, sigma)
    state.status[unit] = FREE
    state.call[unit] = -1
    state.event[unit] = np.inf
    station = station_for(town, work, state, cover, rules, unit, at)
    _to_station(town, state, unit, station, at, seed, sigma)


@inner
def _to_station(
    town: Town, state: State, unit: int, station: int, at: float, seed: int, sigma: float
) -> None:
    mode = mode_at(town, len(town.target) - 1, at)
    slower = factor(sigma, seed, STATION, unit, state.trips[unit])
    state.trips[unit] += 1
    state.station[unit] = station
    drive(
        town.roads,
        state.routes,
        town.speed,
        unit,
        mode,
        at,
        town.station_node[station],
        town.station_km[station],
        slower,
    )
