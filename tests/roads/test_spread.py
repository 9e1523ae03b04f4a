"""How sure travel times are, and what vehicles' own times teach, also where a third is wrong."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from tocsin.roads.graph import Graph
from tocsin.roads.rules import CLASSES
from tocsin.roads.spread import (
    FACTOR_BOUNDS,
    LEARNT_MIN,
    PIECE_ANY,
    PIECE_S,
    RATIO_BOUNDS,
    WHOLE,
    Band,
    Factor,
    Factors,
    Journey,
    band,
    learn,
    spread,
    spread_of_route,
)


def journeys(count: int, ratio: float, area: str = "north", whole: float = 0.1) -> list[Journey]:
    dice = np.random.default_rng(count)
    estimated = dice.uniform(120, 1200, count)
    sigma = np.sqrt(whole**2 + PIECE_ANY**2 * PIECE_S / estimated)
    taken = estimated * ratio * np.exp(dice.normal(0, sigma))
    return [
        Journey(float(e), float(t), area, Band.DAY) for e, t in zip(estimated, taken, strict=True)
    ]


def test_a_spread_holds_the_estimate_and_is_narrower_for_long_journeys() -> None:
    found = spread([0.5, 2.0, 10.0, 60.0, np.nan, 0.0])
    assert np.isnan(found.p10[4])
    assert np.isnan(found.p90[4])
    assert (found.p10[5], found.p90[5]) == (0.0, 0.0)
    width = found.p90[:4] / found.p10[:4]
    assert (found.p10[:4] < found.p50[:4]).all()
    assert (found.p50[:4] < found.p90[:4]).all()
    assert (np.diff(width) < 0).all()
    longest = np.exp(2 * 1.2816 * WHOLE)
    assert longest < width[3] < longest * 1.05


def test_eight_journeys_of_ten_fall_into_the_spread_that_was_learnt() -> None:
    taught = learn(journeys(4000, 1.2)).of("north", Band.DAY)
    fresh = journeys(3000, 1.2)
    found = spread([one.estimated_s / 60 for one in fresh], taught)
    taken = np.array([one.taken_s / 60 for one in fresh])
    inside = ((found.p10 <= taken) & (taken <= found.p90)).mean()
    assert 0.76 < inside < 0.84
    assert taught.ratio == pytest.approx(1.2, rel=0.03)


def test_classes_of_roads_make_a_route_more_or_less_sure() -> None:
    kinds = np.array([CLASSES.index("motorway"), CLASSES.index("residential")], dtype=np.uint8)
    graph = Graph(
        np.array([30.0, 30.1, 30.2]),
        np.array([115.0, 115.0, 115.0]),
        np.array([0, 1], dtype=np.int32),
        np.array([1, 2], dtype=np.int32),
        np.array([300, 300], dtype=np.float32),
        np.array([9000, 2000], dtype=np.float32),
        arc_class=kinds,
    )
    fast, slow, both = (
        spread_of_route(graph, arcs, 0.0, "emergency") for arcs in ([0], [1], [0, 1])
    )
    assert fast.p50[0] == slow.p50[0] == 5.0
    assert fast.p90[0] < slow.p90[0]
    assert both.p50[0] == 10.0
    assert slow.p90[0] - slow.p10[0] > fast.p90[0] - fast.p10[0]
    assert spread_of_route(graph, [0], 60.0, "emergency").p50[0] == 6.0
    assert spread_of_route(graph, [], 0.0, "emergency").p90[0] == 0.0


def test_a_third_of_wrong_times_moves_a_factor_little() -> None:
    good = journeys(400, 1.3)
    wrong = [Journey(300, 300 * RATIO_BOUNDS[1], "north", Band.DAY) for _ in range(100)]
    wrong += [Journey(300, 300 * RATIO_BOUNDS[0], "north", Band.DAY) for _ in range(100)]
    assert learn(good + wrong).overall.ratio == pytest.approx(1.3, rel=0.05)
    # What no vehicle can have driven is not even looked at.
    absurd = [Journey(300, 9_000, "north", Band.DAY), Journey(300, 0, "north", Band.DAY)]
    absurd += [Journey(0, 300, "north", Band.DAY), Journey(300, float("nan"), "north", Band.DAY)]
    assert learn(good + absurd * 500) == learn(good)


def test_few_journeys_teach_nothing_and_some_teach_a_little() -> None:
    assert learn([]) == Factors()
    assert learn(journeys(LEARNT_MIN - 1, 2.0)) == Factors()
    little = learn(journeys(LEARNT_MIN, 2.0)).overall
    assert little.journeys == LEARNT_MIN
    assert 1.0 < little.ratio < 1.6
    assert learn(journeys(5000, 4.0)).overall.ratio == FACTOR_BOUNDS[1]


def test_areas_and_hours_have_factors_of_their_own() -> None:
    taught = learn(journeys(600, 1.0) + journeys(601, 1.5, "harbour"))
    assert taught.of("north", Band.DAY).ratio == pytest.approx(1.0, abs=0.05)
    assert taught.of("harbour", Band.DAY).ratio == pytest.approx(1.5, abs=0.08)
    assert taught.of("elsewhere", Band.DAY) == taught.by_band[Band.DAY]
    assert taught.of("elsewhere", Band.NIGHT) == taught.overall
    assert Factors().of("north", Band.DAY) == Factor()


def test_what_is_learnt_from_names_no_vehicle_and_no_person() -> None:
    assert {one.name for one in fields(Journey)} == {"estimated_s", "taken_s", "area", "band"}


@pytest.mark.parametrize(
    ("hour", "weekend", "expected"),
    [
        (0, False, Band.NIGHT),
        (5, True, Band.NIGHT),
        (6, False, Band.DAY),
        (7, False, Band.PEAK),
        (9, False, Band.DAY),
        (18, False, Band.PEAK),
        (18, True, Band.WEEKEND),
        (22, True, Band.NIGHT),
    ],
)
def test_hours_belong_to_a_band(hour: int, weekend: bool, expected: Band) -> None:
    assert band(hour, weekend=weekend) is expected
