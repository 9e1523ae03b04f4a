"""How sure a travel time is: tenth to ninetieth percentile, from its length and the classes of its
roads, and factors learnt from how long vehicles took. Nothing here names a vehicle or a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin.roads.graph import Floats, Graph, Mode
from tocsin.roads.rules import CLASSES

Z: Final = 1.2815515655446004
"""The ninetieth percentile of the standard normal distribution."""

HALF: Final = 0.6744897501960817
"""Half of a standard normal distribution is nearer to its middle than this."""

# Our own assumptions until vehicles' times are known, in a lognormal distribution. That short
# journeys vary more than long ones: Budge, Ingolfsson and Zerom on ambulances in Calgary (2010).
WHOLE: Final = 0.15
"""Standard deviation, of the logarithm, of what lasts for the whole journey: weather, traffic."""
PIECE_S: Final = 60.0
"""So many seconds of road vary together; the pieces are independent."""
PIECE_ANY: Final = 0.5
"""Standard deviation of one piece, where the classes of the roads are not known."""
PIECE: Final[Mapping[str, float]] = {
    "motorway": 0.25,
    "motorway_link": 0.35,
    "trunk": 0.3,
    "trunk_link": 0.35,
    "primary": 0.45,
    "primary_link": 0.45,
    "secondary": 0.45,
    "secondary_link": 0.45,
    "tertiary": 0.5,
    "tertiary_link": 0.5,
}
PIECE_SMALL: Final = 0.6
"""Of all lesser roads: doors, parked cars, narrow places."""

LEARNT_MIN: Final = 20
"""Fewer journeys than this teach nothing by themselves."""
TRUST: Final = 30.0
"""So many journeys weigh as much as what is known without them."""
RATIO_BOUNDS: Final = (0.2, 5.0)
"""A vehicle that took less or more than this was not driving there: it is left out."""
FACTOR_BOUNDS: Final = (0.5, 2.0)
SIGMA_BOUNDS: Final = (0.05, 0.8)


class Band(StrEnum):
    """The hours that differ on the roads."""

    NIGHT = "night"
    PEAK = "peak"
    DAY = "day"
    WEEKEND = "weekend"


@dataclass(frozen=True, slots=True)
class Journey:
    """One journey of some vehicle: what was estimated for it and how long it took, in seconds, with
    the area it went to and its hours. Which vehicle it was, is not part of it."""

    estimated_s: float
    taken_s: float
    area: str
    band: Band


@dataclass(frozen=True, slots=True)
class Factor:
    """Times the estimate, the standard deviation of the logarithm of what lasts for the whole
    journey, and how many journeys taught it."""

    ratio: float = 1.0
    whole: float = WHOLE
    journeys: int = 0


@dataclass(frozen=True, slots=True)
class Factors:
    """What was learnt, by area and hours; where too little was, what holds for all."""

    overall: Factor = Factor()
    by_band: Mapping[Band, Factor] = field(default_factory=dict)
    by_area: Mapping[tuple[str, Band], Factor] = field(default_factory=dict)

    def of(self, area: str, band: Band) -> Factor:
        """The factor for a journey to an area in these hours."""
        return self.by_area.get((area, band)) or self.by_band.get(band) or self.overall


@dataclass(frozen=True, slots=True)
class Spread:
    """Minutes, shape (n,) each: one journey in ten is faster than `p10`, one slower than `p90`."""

    p10: Floats
    p50: Floats
    p90: Floats


def band(hour: int, *, weekend: bool) -> Band:
    """The hours that local `hour` (0 to 23) belongs to."""
    if hour >= 22 or hour < 6:
        return Band.NIGHT
    if weekend:
        return Band.WEEKEND
    return Band.PEAK if hour in (7, 8, 16, 17, 18) else Band.DAY


def spread(minutes: ArrayLike, factor: Factor = Factor()) -> Spread:
    """The spread of journeys of so many minutes, whatever their roads; NaN stays NaN."""
    middle = np.asarray(minutes, dtype=np.float64)
    pieces = np.maximum(middle * 60 / PIECE_S, 1e-9)
    return _spread(middle, np.minimum(PIECE_ANY**2 / pieces, PIECE_ANY**2), factor)


def spread_of_route(
    graph: Graph, arcs: Iterable[int], off_road_s: float, mode: Mode, factor: Factor = Factor()
) -> Spread:
    """The spread of one journey over these arcs, by the classes of their roads."""
    chosen = np.fromiter(arcs, dtype=np.int64)
    seconds = graph.seconds(mode)[chosen].astype(np.float64)
    piece = np.full(len(chosen), PIECE_ANY)
    if graph.arc_class is not None:
        piece = np.array([PIECE.get(name, PIECE_SMALL) for name in CLASSES])[
            graph.arc_class[chosen]
        ]
    total = float(seconds.sum()) + off_road_s
    squares = float((piece**2 * seconds).sum()) + PIECE_SMALL**2 * off_road_s
    # Of one piece or less, the whole of it varies.
    share = min(PIECE_S / total, 1.0) if total > 0 else 1.0
    variance = squares / total * share if total > 0 else 0.0
    return _spread(np.array([total / 60]), np.array([variance]), factor)


def _spread(minutes: Floats, variance: NDArray[Any], factor: Factor) -> Spread:
    middle = minutes * factor.ratio
    width = Z * np.sqrt(variance + factor.whole**2)
    return Spread(middle * np.exp(-width), middle, middle * np.exp(width))


def learn(journeys: Iterable[Journey]) -> Factors:
    """Factors by area and hours from how long vehicles took: the median ratio of observed to
    estimated, drawn towards what holds more widely where there are few journeys, so that a handful
    of odd ones, or a third of them wrong, moves it little."""
    usable = [one for one in journeys if _usable(one)]
    overall = _factor(usable, Factor())
    if overall is None:
        return Factors()
    by_band: dict[Band, Factor] = {}
    for hours in Band:
        found = _factor([one for one in usable if one.band is hours], overall)
        if found is not None:
            by_band[hours] = found
    groups: dict[tuple[str, Band], list[Journey]] = {}
    for one in usable:
        groups.setdefault((one.area, one.band), []).append(one)
    by_area = {}
    for key, group in groups.items():
        found = _factor(group, by_band.get(key[1], overall))
        if found is not None:
            by_area[key] = found
    return Factors(overall, by_band, by_area)


def _usable(one: Journey) -> bool:
    if not (one.estimated_s > 0 and one.taken_s > 0):
        return False
    low, high = RATIO_BOUNDS
    return low <= one.taken_s / one.estimated_s <= high


def _factor(journeys: list[Journey], wider: Factor) -> Factor | None:
    """What these journeys teach beside what is known more widely; None where they are too few."""
    if len(journeys) < LEARNT_MIN:
        return None
    estimated = np.array([one.estimated_s for one in journeys])
    logs = np.log(np.array([one.taken_s for one in journeys]) / estimated)
    middle = float(np.median(logs))
    whole = _whole(
        np.abs(logs - middle), np.minimum(PIECE_ANY**2 * PIECE_S / estimated, PIECE_ANY**2)
    )
    weight = len(journeys) / (len(journeys) + TRUST)
    ratio = float(np.exp(weight * middle + (1 - weight) * np.log(wider.ratio)))
    whole = weight * whole + (1 - weight) * wider.whole
    return Factor(
        float(np.clip(ratio, *FACTOR_BOUNDS)), float(np.clip(whole, *SIGMA_BOUNDS)), len(journeys)
    )


def _whole(deviation: Floats, pieces: Floats) -> float:
    """The standard deviation that, beside that of the pieces of each journey, makes half of the
    deviations as large as a normal distribution has them; found by halving."""
    low, high = 0.0, SIGMA_BOUNDS[1]
    for _ in range(30):
        middle = (low + high) / 2
        if float(np.median(deviation / np.sqrt(pieces + middle**2))) > HALF:
            low = middle
        else:
            high = middle
    return (low + high) / 2
