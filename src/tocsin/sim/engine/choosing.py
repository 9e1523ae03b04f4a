"""Which unit goes to a call: compiled."""

from __future__ import annotations

import numpy as np

from tocsin.sim.engine.compiled import compiled
from tocsin.sim.engine.routes import ahead, between
from tocsin.sim.engine.town import FREE, TO_CALL, State, Town, Work, mode_at


@compiled
def closest(town: Town, work: Work, state: State, call: int, at: float) -> int:
    """The free unit, or the one that may be taken from a lower priority, that is there first by
    the table; of equals the first."""
    mode = mode_at(town, town.drives_as[work.priority[call]], at)
    best, least = -1, np.inf
    for unit in range(len(state.status)):
        status = state.status[unit]
        if status != FREE and not (
            status == TO_CALL and town.bump[work.priority[state.call[unit]], work.priority[call]]
        ):
            continue
        took = days_to(town, work, state, unit, call, mode, at)
        if took < least:
            best, least = unit, took
    return best


@compiled
def days_to(
    town: Town, work: Work, state: State, unit: int, call: int, mode: int, at: float
) -> float:
    """Days until the unit could be at the call, by the table."""
    node, first = ahead(town.roads, state.routes, town.speed, unit, mode, at)
    road = between(town.roads, mode, node, work.node[call])[0]
    return road + (first + work.off_km[call] / town.speed[mode])
