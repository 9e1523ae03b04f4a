"""Where a unit on the road is, and how long it takes to a place: compiled. A unit that is sent
elsewhere goes on to the next node of its way; off the road it turns back to the last one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin.sim.engine.compiled import inner
from tocsin.sim.engine.roads import Roads
from tocsin.sim.engine.tables import Floats

START, END, SIDE_FROM, SIDE_TO, MODE, CHAIN, PLACE = range(7)
LEFT, ON_ROAD, OFF_ROAD, THERE, FACTOR, OFF_KM, CHAIN_AT = range(7)


class Routes(NamedTuple):
    """The way that each unit is on, or was on when it came where it is.

    whole[unit]: first node, last node, side of the chain by which it leaves the first and comes to
    the last, travel mode, and the chain it is on with the place of the next node there.
    real[unit]: days at which it left, is at its first node, at its last, and at the place itself;
    how much longer than the table the way takes; km from last node to place; when it came on the
    chain that it is on.
    """

    whole: NDArray[np.int32]
    real: Floats


@inner
def between(roads: Roads, mode: int, start: int, end: int) -> tuple[float, int, int]:
    """Days by road from node to node, with the sides by which the way leaves and arrives."""
    if start == end:
        return 0.0, -1, -1
    best, side_from, side_to = _along(roads, mode, start, end)
    for one in range(2):
        ahead, out = _out(roads, mode, start, one)
        if ahead < 0:
            break
        for two in range(2):
            behind, on = _in(roads, mode, end, two)
            if behind < 0:
                break
            took = roads.time[mode, behind, ahead] + out + on
            if took < best:
                best, side_from, side_to = took, one, two
    return best, side_from, side_to


@inner
def _along(roads: Roads, mode: int, start: int, end: int) -> tuple[float, int, int]:
    """From a plain node to one further on in the same chain; infinite where there is none."""
    best, side = np.inf, -1
    if roads.decision[start] < 0 and roads.decision[end] < 0:
        for one in range(2):
            chain = roads.chain_of[start, one]
            for two in range(2):
                if chain >= 0 and roads.chain_of[end, two] == chain:
                    begin, goal = roads.place_of[start, one], roads.place_of[end, two]
                    if begin < goal:
                        base = roads.chain_begin[chain]
                        times = roads.chain_time[mode]
                        best, side = times[base + goal] - times[base + begin], one
    return best, side, -1


@inner
def _out(roads: Roads, mode: int, node: int, side: int) -> tuple[int, float]:
    """The decision node ahead on this side of a node, and how far; -1 where there is no side."""
    if roads.decision[node] >= 0:
        return (-1 if side else roads.decision[node]), 0.0
    chain = roads.chain_of[node, side]
    if chain < 0:
        return -1, 0.0
    whole = roads.chain_time[mode, roads.chain_begin[chain + 1] - 1]
    on = roads.chain_time[mode, roads.chain_begin[chain] + roads.place_of[node, side]]
    return roads.chain_to[chain], whole - on


@inner
def _in(roads: Roads, mode: int, node: int, side: int) -> tuple[int, float]:
    """The decision node behind this side of a node, and how far; -1 where there is no side."""
    if roads.decision[node] >= 0:
        return (-1 if side else roads.decision[node]), 0.0
    chain = roads.chain_of[node, side]
    if chain < 0:
        return -1, 0.0
    return (
        roads.chain_from[chain],
        roads.chain_time[mode, roads.chain_begin[chain] + roads.place_of[node, side]],
    )


@inner
def put(routes: Routes, unit: int, node: int, off_km: float, mode: int, at: float) -> None:
    """The unit stands at a place that lies `off_km` from this node."""
    routes.whole[unit, START] = routes.whole[unit, END] = node
    routes.whole[unit, MODE] = mode
    routes.real[unit, :THERE] = at
    routes.real[unit, THERE] = at
    routes.real[unit, FACTOR] = 1.0
    routes.real[unit, OFF_KM] = off_km


@inner
def ahead(
    roads: Roads, routes: Routes, speed: Floats, unit: int, mode: int, at: float
) -> tuple[int, float]:
    """The node that the unit can next turn off at, and the days until it is there in `mode`, as
    the table has it."""
    real, whole = routes.real[unit], routes.whole[unit]
    if at >= real[THERE]:
        return whole[END], real[OFF_KM] / speed[mode]
    if at <= real[ON_ROAD]:
        return whole[START], (real[ON_ROAD] - at) / real[FACTOR]
    if at >= real[OFF_ROAD]:
        back = (at - real[OFF_ROAD]) / real[FACTOR]
        if whole[MODE] != mode:
            back *= speed[whole[MODE]] / speed[mode]
        return whole[END], back
    node, when = _next_node(roads, whole, real, at)
    return node, (when - at) / real[FACTOR]


@inner
def _next_node(
    roads: Roads, whole: NDArray[np.int32], real: Floats, at: float
) -> tuple[int, float]:
    times = roads.chain_time[whole[MODE]]
    factor = real[FACTOR]
    if whole[CHAIN] < 0:
        _first_chain(roads, whole, real)
    while True:
        chain = whole[CHAIN]
        base, past = roads.chain_begin[chain], roads.chain_begin[chain + 1]
        place = base + whole[PLACE]
        while place < past:
            node = roads.chain_node[place]
            if node == whole[END]:
                return node, real[OFF_ROAD]
            when = real[CHAIN_AT] + factor * times[place]
            if when > at:
                whole[PLACE] = place - base
                return node, when
            place += 1
        real[CHAIN_AT] += factor * times[past - 1]
        whole[CHAIN] = _onward(roads, whole, roads.chain_to[chain])
        whole[PLACE] = 1


@inner
def _first_chain(roads: Roads, whole: NDArray[np.int32], real: Floats) -> None:
    junction = roads.decision[whole[START]]
    real[CHAIN_AT] = real[ON_ROAD]
    if junction >= 0:
        whole[CHAIN] = _onward(roads, whole, junction)
        whole[PLACE] = 1
        return
    chain = roads.chain_of[whole[START], whole[SIDE_FROM]]
    place = roads.place_of[whole[START], whole[SIDE_FROM]]
    on = roads.chain_time[whole[MODE], roads.chain_begin[chain] + place]
    real[CHAIN_AT] -= real[FACTOR] * on
    whole[CHAIN] = chain
    whole[PLACE] = place + 1


@inner
def _onward(roads: Roads, whole: NDArray[np.int32], junction: int) -> int:
    """The chain that the way takes out of this decision node."""
    mode = whole[MODE]
    last = roads.decision[whole[END]]
    if last < 0:
        chain = roads.chain_of[whole[END], whole[SIDE_TO]]
        last = roads.chain_from[chain]
        if junction == last:
            return chain
    then = roads.onward[mode, last, junction]
    best, least = -1, np.inf
    for chain in range(roads.out_begin[junction], roads.out_begin[junction + 1]):
        if roads.chain_to[chain] == then:
            took = roads.chain_time[mode, roads.chain_begin[chain + 1] - 1]
            if took < least:
                best, least = chain, took
    return best


@inner
def drive(
    roads: Roads,
    routes: Routes,
    speed: Floats,
    unit: int,
    mode: int,
    at: float,
    node: int,
    off_km: float,
    factor: float,
) -> float:
    """Sends the unit from where it is to a place `off_km` from `node`; the day it is there. The
    way takes `factor` times what the table says."""
    start, first = ahead(roads, routes, speed, unit, mode, at)
    road, side_from, side_to = between(roads, mode, start, node)
    real, whole = routes.real[unit], routes.whole[unit]
    whole[START], whole[END] = start, node
    whole[SIDE_FROM], whole[SIDE_TO] = side_from, side_to
    whole[MODE] = mode
    whole[CHAIN] = -1
    real[LEFT] = at
    real[ON_ROAD] = at + factor * first
    real[OFF_ROAD] = real[ON_ROAD] + factor * road
    real[THERE] = real[OFF_ROAD] + factor * (off_km / speed[mode])
    real[FACTOR] = factor
    real[OFF_KM] = off_km
    return real[THERE]
