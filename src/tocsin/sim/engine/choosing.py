"""Which unit goes to a call: compiled."""

from __future__ import annotations

import math

import numpy as np

from tocsin.sim.engine.compiled import inner, making
from tocsin.sim.engine.cover import Cover
from tocsin.sim.engine.moving import MINUTES, gains, missed, presence
from tocsin.sim.engine.routes import FACTOR, ahead, between
from tocsin.sim.engine.rules import Rules
from tocsin.sim.engine.tables import Floats
from tocsin.sim.engine.town import FREE, TO_CALL, State, Town, Work, mode_at


@making
def choose(
    town: Town,
    work: Work,
    state: State,
    cover: Cover | None,
    rules: Rules | None,
    call: int,
    at: float,
) -> int:
    """The unit to send, or -1 to let the call wait."""
    if rules is None:  # numba leaves out what comes after where the type is that of None
        return closest(town, work, state, call, at)
    if cover is None:
        return closest(town, work, state, call, at)
    bare = laid_bare(town, work, state, cover, rules, at)
    free, cost = cheapest(town, work, state, rules, bare, call, at, -1)
    if not rules.takes_rolling:
        return free
    for unit in range(len(state.status)):
        if state.status[unit] != TO_CALL:
            continue
        other = state.call[unit]
        if work.priority[other] <= work.priority[call]:
            continue
        price = (
            rules.switch
            + weighed(town, work, rules, call, days_to(town, work, state, unit, call, at), at)
            - weighed(town, work, rules, other, left_of(state, unit, at), at)
        )
        if price >= cost:
            continue
        then, more = cheapest(town, work, state, rules, bare, other, at, -1)
        if then >= 0 and price + more < cost:
            free, cost = unit, price + more
        elif then < 0 and free < 0:
            free = unit
    return free


@inner
def closest(town: Town, work: Work, state: State, call: int, at: float) -> int:
    """The free unit, or the one that may be taken from a lower priority, that is there first by
    the table; of equals the first."""
    best, least = -1, np.inf
    for unit in range(len(state.status)):
        status = state.status[unit]
        if status != FREE and not (
            status == TO_CALL and town.bump[work.priority[state.call[unit]], work.priority[call]]
        ):
            continue
        took = days_to(town, work, state, unit, call, at)
        if took < least:
            best, least = unit, took
    return best


@inner
def days_to(town: Town, work: Work, state: State, unit: int, call: int, at: float) -> float:
    """Days until the unit could be at the call, by the table."""
    mode = mode_at(town, town.drives_as[work.priority[call]], at)
    node, first = ahead(town.roads, state.routes, town.speed, unit, mode, at)
    road = between(town.roads, mode, node, work.node[call])[0]
    return road + (first + work.off_km[call] / town.speed[mode])


@inner
def left_of(state: State, unit: int, at: float) -> float:
    """Days by the table that a rolling unit still has to go."""
    return (state.event[unit] - at) / state.routes.real[unit, FACTOR]


@inner
def weighed(town: Town, work: Work, rules: Rules, call: int, took: float, at: float) -> float:
    """What a drive of so many days to a call weighs: its minutes, and the chance to be late."""
    left = town.target[work.priority[call]] - (at - work.arrival[call])
    late = 1.0
    if left > 0.0:
        late = 0.5 * math.erfc(-math.log(max(took, 1e-9) / left) / (rules.doubt * math.sqrt(2.0)))
    return late + rules.minute * took * MINUTES


@making
def laid_bare(
    town: Town, work: Work, state: State, cover: Cover, rules: Rules, at: float
) -> Floats:
    """What the cover weighs that is lost when each unit is sent."""
    bare = np.zeros(len(state.status))
    none = missed(town, work, state, rules, -1, at)
    for unit in range(len(bare)):
        if state.status[unit] == FREE:
            home = state.station[unit]
            share, near = presence(town, state, rules, unit, at)
            without = none.copy()
            without[home] /= 1.0 - (1.0 - rules.busy) * share
            if share < 1.0:
                without[near] /= 1.0 - (1.0 - rules.busy) * (1.0 - share)
            gain = gains(cover, without, rules.busy)
            bare[unit] = rules.cover * gain[home] * share
            if share < 1.0:
                bare[unit] += rules.cover * gain[near] * (1.0 - share)
    return bare


@inner
def cheapest(
    town: Town,
    work: Work,
    state: State,
    rules: Rules,
    bare: Floats,
    call: int,
    at: float,
    but: int,
) -> tuple[int, float]:
    """The free unit that weighs least for this call, with its weight; -1 where none is free."""
    best, least = -1, np.inf
    for unit in range(len(state.status)):
        if state.status[unit] == FREE and unit != but:
            took = days_to(town, work, state, unit, call, at)
            price = bare[unit] + weighed(town, work, rules, call, took, at)
            if price < least:
                best, least = unit, price
    return best, least


@inner
def relieved(town: Town, work: Work, state: State, rules: Rules, unit: int, at: float) -> int:
    """The rolling unit that stands down because this one, just free, is so much nearer; or -1."""
    best, most = -1, rules.switch
    for other in range(len(state.status)):
        if state.status[other] != TO_CALL:
            continue
        call = state.call[other]
        took = days_to(town, work, state, unit, call, at)
        left = left_of(state, other, at)
        if took >= left:
            continue
        more = weighed(town, work, rules, call, left, at)
        more -= weighed(town, work, rules, call, took, at)
        if more > most:
            best, most = other, more
    return best
