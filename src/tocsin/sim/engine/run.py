"""One city, made ready once, and runs of policies over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.sim.engine.calls import Calls, read_calls
from tocsin.sim.engine.city import DAY_S, City
from tocsin.sim.engine.cover import Cover, cover_of
from tocsin.sim.engine.loop import simulate
from tocsin.sim.engine.moving import gains
from tocsin.sim.engine.policies import Policy
from tocsin.sim.engine.roads import build_roads
from tocsin.sim.engine.tables import Flags, Floats, Ints
from tocsin.sim.engine.town import state_of, town_of, work_of

COLUMNS: Final = "call,priority,arrival_s,response_s,late,unit,moves,redirects"
SPREAD_BUSY: Final = 0.5
"""The share of time that units are taken to be busy when a fleet is spread over stations."""


@dataclass(frozen=True)
class Result:
    """What each call got. Moves and redirects are those since the call before."""

    priority: Ints
    arrival_s: Floats
    response_s: Floats
    late: Flags
    unit: Ints
    moves: Ints
    redirects: Ints

    def lines(self) -> Iterator[str]:
        """The result as CSV, line by line; calls, priorities and units count from 1."""
        yield COLUMNS + "\n"
        rows = zip(
            self.priority.tolist(),
            self.arrival_s.tolist(),
            self.response_s.tolist(),
            self.late.tolist(),
            self.unit.tolist(),
            self.moves.tolist(),
            self.redirects.tolist(),
            strict=True,
        )
        for number, (priority, arrival, response, late, unit, moves, redirects) in enumerate(rows):
            yield (
                f"{number + 1},{priority + 1},{arrival:.6f},{response:.6f},{late:d},{unit + 1},"
                f"{moves},{redirects}\n"
            )


class Simulator:
    """A city with its road tables. The tables are built once; runs share them."""

    def __init__(self, city: City) -> None:
        """Raises `InputRefused` where the roads are not connected."""
        self.city = city
        self.town = town_of(city, build_roads(city))
        self._cover: Cover | None = None

    def homes(self, units: int | None, calls: Calls) -> Ints:
        """Home station of each unit. A fleet of another size than the tables give is the city's
        own, less or more one unit after the other: where it takes least, or adds most, expected
        cover; of equals the first."""
        fleets = self.city.fleets
        homes = next(iter(fleets.values()))
        if units is None or units in fleets:
            return homes if units is None else fleets[units]
        cover = self.cover(calls)
        while len(homes) > units:
            held = np.bincount(homes, minlength=len(self.city.stations))
            lost = [_without(cover, held, station) for station in homes]
            homes = np.delete(homes, int(np.argmin(lost)))
        while len(homes) < units:
            held = np.bincount(homes, minlength=len(self.city.stations))
            homes = np.append(homes, np.argmax(gains(cover, _none(held), SPREAD_BUSY)))
        return homes

    def run(
        self,
        calls: Calls,
        policy: Policy,
        *,
        units: int | None = None,
        seed: int = 1,
        travel_error: float = 0.0,
    ) -> Result:
        """The calls under a policy. `travel_error` is the sigma of a lognormal of mean one by
        which drives take longer or shorter than the policy knows."""
        work = work_of(self.city, self.town, calls)
        state = state_of(self.town, work, self.homes(units, calls))
        cover = self.cover(calls) if policy.covers else None
        with np.errstate(over="ignore"):  # the noise's words wrap, as they are meant to
            simulate(self.town, work, state, cover, policy.rules, seed, travel_error)
        state.moved[-2] += state.moved[-1]
        state.redirected[-2] += state.redirected[-1]
        return Result(
            calls.priority,
            calls.arrival * DAY_S,
            state.response * DAY_S,
            state.response > self.city.target[calls.priority],
            state.served,
            state.moved[:-1],
            state.redirected[:-1],
        )

    def cover(self, calls: Calls) -> Cover:
        """Cover of the demand, whose places are those of the city's own calls; `calls` stand in
        where it has none. The lowest priority does not count, as in JEMSS' examples."""
        if self._cover is not None:
            return self._cover
        urgent = np.arange(len(self.city.priorities)) < max(1, len(self.city.priorities) - 1)
        own = read_calls(self.city, self.city.calls[0]) if self.city.calls else calls
        cover = cover_of(self.city, self.town, own, urgent)
        if self.city.calls:
            self._cover = cover
        return cover


def _none(held: Ints) -> Floats:
    """By station, the chance that none of so many units answers."""
    return np.power(SPREAD_BUSY, held.astype(np.float64))


def _without(cover: Cover, held: Ints, station: int) -> float:
    """The expected cover that is lost without one unit of this station."""
    fewer = held.copy()
    fewer[station] -= 1
    return float(gains(cover, _none(fewer), SPREAD_BUSY)[station])
