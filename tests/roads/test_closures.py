"""Closures and delays by area, road and line: which arcs they touch, when they count, what is
refused; and the roads as they are now, from the first minute of a closure to its expiry."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tocsin.roads.closures import (
    AREA_KM2_MAX,
    DELAY_S_MAX,
    LASTS_MAX,
    LINE_KM_MAX,
    POINTS_MAX,
    SLOWER_MAX,
    WAYS_MAX,
    Area,
    Closure,
    ClosureRefused,
    Flaw,
    Line,
    Road,
    Touched,
    check,
    in_force,
    next_change,
    token,
)
from tocsin.roads.division import divided, write_division
from tocsin.roads.graph import Graph, RoadsMissing, describe, save
from tocsin.roads.live import Roads
from tocsin.roads.tables import OPEN, TableTooLarge

SIDE = 5
STEP = 0.002
LAT, LON = 30.0, 115.0
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(row: float, column: float) -> tuple[float, float]:
    return LAT + STEP * row, LON + STEP * column


def grid() -> Graph:
    """5 x 5 junctions, all streets both ways, 20 s each; way 100 + row runs east, 200 + column
    north."""
    lat = [at(n // SIDE, 0)[0] for n in range(SIDE * SIDE)]
    lon = [at(0, n % SIDE)[1] for n in range(SIDE * SIDE)]
    arcs, ways = [], []
    for row in range(SIDE):
        for column in range(SIDE):
            here = row * SIDE + column
            if column + 1 < SIDE:
                arcs += [(here, here + 1), (here + 1, here)]
                ways += [100 + row] * 2
            if row + 1 < SIDE:
                arcs += [(here, here + SIDE), (here + SIDE, here)]
                ways += [200 + column] * 2
    both = np.array(arcs, dtype=np.int32)
    count = len(both)
    return Graph(
        np.array(lat),
        np.array(lon),
        both[:, 0].copy(),
        both[:, 1].copy(),
        np.full(count, 20, dtype=np.float32),
        np.full(count, 200, dtype=np.float32),
        np.full(count, 30, dtype=np.float32),
        arc_way=np.array(ways, dtype=np.int64),
    )


def closure(shape: Any, **changes: Any) -> Closure:
    return replace(Closure("one", shape, NOON, NOON + HOUR), **changes)


def ends(graph: Graph, arcs: Any) -> set[frozenset[int]]:
    pairs = zip(graph.arc_from[arcs].tolist(), graph.arc_to[arcs].tolist(), strict=True)
    return {frozenset(pair) for pair in pairs}


def test_an_area_touches_what_is_in_it_and_what_leads_into_it() -> None:
    graph = grid()
    around = Area((at(1.5, 1.5), at(1.5, 2.5), at(2.5, 2.5), at(2.5, 1.5)))
    arcs = Touched(graph).arcs(closure(around))
    assert ends(graph, arcs) == {frozenset({12, other}) for other in (7, 11, 13, 17)}
    assert len(arcs) == 8  # both directions


def test_a_line_touches_what_it_crosses_and_what_it_was_drawn_along() -> None:
    graph = grid()
    touched = Touched(graph)
    across = Line((at(0.5, -0.5), at(0.5, 1.5)))
    assert ends(graph, touched.arcs(closure(across))) == {frozenset({0, 5}), frozenset({1, 6})}
    beside = at(2 + 10 / 222, 0)[0]  # ten metres north of row 2
    along = Line(((beside, at(0, -0.04)[1]), (beside, at(0, 2.04)[1])))
    found = ends(graph, touched.arcs(closure(along)))
    assert {frozenset({10, 11}), frozenset({11, 12})} <= found
    assert frozenset({12, 13}) not in found
    assert frozenset({5, 6}) not in found


def test_a_road_touches_all_of_its_way_and_nothing_else() -> None:
    graph = grid()
    arcs = Touched(graph).arcs(closure(Road((102, 203))))
    assert set(graph.arc_way[arcs].tolist()) == {102, 203}  # type: ignore[index]
    assert len(arcs) == 16


def test_closures_delays_and_factors_make_the_seconds() -> None:
    graph = grid()
    touched = Touched(graph)
    line = Line((at(0.5, -0.5), at(0.5, 0.5)))  # crosses the street between 0 and 5
    cases = [
        closure(Road((102,)), id="a", slower=2.0),
        closure(Road((102,)), id="b", delay_s=40.0),
        closure(line, id="c", delay_s=7.0),
        closure(Road((201,)), id="d"),
        closure(Road((203,)), id="e", modes=("ordinary",)),
    ]
    arcs = {one.id: touched.arcs(one) for one in cases}
    seconds = touched.seconds("emergency", cases, arcs)
    # 20 s twice as slow, and a quarter of 40 s on each of the four stretches.
    assert set(seconds[graph.arc_way == 102].tolist()) == {50.0}
    assert set(seconds[arcs["c"]].tolist()) == {27.0}
    assert np.isinf(seconds[arcs["d"]]).all()
    assert set(seconds[arcs["e"]].tolist()) == {20.0}
    ordinary = touched.seconds("ordinary", cases, arcs)
    assert np.isinf(ordinary[arcs["e"]]).all()
    assert touched.seconds("emergency", cases[4:], arcs) is graph.arc_seconds


def test_a_closure_counts_from_its_start_until_before_its_expiry() -> None:
    early, late = (
        closure(Road((101,)), id="b"),
        closure(Road((102,)), id="a", start=NOON + HOUR / 2),
    )
    both = (early, late)
    second = timedelta(microseconds=1)
    assert in_force(both, NOON - second) == ()
    assert in_force(both, NOON) == (early,)
    assert in_force(both, NOON + HOUR / 2) == (late, early)
    assert in_force(both, NOON + HOUR - second) == (late, early)
    assert in_force(both, NOON + HOUR) == ()
    assert next_change(both, NOON - HOUR) == NOON
    assert next_change(both, NOON) == NOON + HOUR / 2
    assert next_change(both, NOON + HOUR) is None
    assert token(()) == OPEN
    assert token(both) == token(reversed(both)) != token((early,))
    assert token((early,)) == token((replace(early, id="z", expiry=NOON + 2 * HOUR),))
    assert token((early,)) != token((replace(early, slower=2.0),))


FAR = at(0, 0)
CIRCLE = tuple(
    (LAT + 0.003 * math.sin(n / 100), LON + 0.003 * math.cos(n / 100))
    for n in range(POINTS_MAX + 1)
)
DEGREE_KM = 111.195
WIDE = math.sqrt(AREA_KM2_MAX) / DEGREE_KM


def square(side: float) -> Area:
    half = side / 2
    across = half / math.cos(math.radians(LAT))
    return Area(
        (
            (LAT - half, LON - across),
            (LAT - half, LON + across),
            (LAT + half, LON + across),
            (LAT + half, LON - across),
        )
    )


def straight(km: float) -> Line:
    return Line(((LAT, LON), (LAT + km / DEGREE_KM, LON)))


@pytest.mark.parametrize(
    ("good", "bad", "flaw"),
    [
        ({}, {"expiry": NOON}, Flaw.ENDS_BEFORE_IT_STARTS),
        (
            {"expiry": NOON + LASTS_MAX},
            {"expiry": NOON + LASTS_MAX + timedelta(seconds=1)},
            Flaw.LASTS_TOO_LONG,
        ),
        ({"slower": SLOWER_MAX}, {"slower": SLOWER_MAX + 0.1}, Flaw.DELAY_OUT_OF_BOUNDS),
        ({"slower": 1.0}, {"slower": 0.9}, Flaw.DELAY_OUT_OF_BOUNDS),
        ({}, {"slower": math.nan}, Flaw.DELAY_OUT_OF_BOUNDS),
        ({"delay_s": DELAY_S_MAX}, {"delay_s": DELAY_S_MAX + 1}, Flaw.DELAY_OUT_OF_BOUNDS),
        ({"delay_s": 0.0}, {"delay_s": -1.0}, Flaw.DELAY_OUT_OF_BOUNDS),
        ({"modes": ("ordinary",)}, {"modes": ()}, Flaw.NO_MODE),
        ({}, {"modes": ("walking",)}, Flaw.NO_MODE),
        ({"shape": Road((1,))}, {"shape": Road(())}, Flaw.TOO_FEW_POINTS),
        (
            {"shape": Road(tuple(range(WAYS_MAX)))},
            {"shape": Road(tuple(range(WAYS_MAX + 1)))},
            Flaw.TOO_MANY_POINTS,
        ),
        ({"shape": Line((FAR, at(1, 1)))}, {"shape": Line((FAR, FAR))}, Flaw.TOO_FEW_POINTS),
        (
            {"shape": Area((FAR, at(1, 1), at(0, 1)))},
            {"shape": Area((FAR, at(1, 1), FAR))},
            Flaw.TOO_FEW_POINTS,
        ),
        ({"shape": Line(CIRCLE[:-1])}, {"shape": Line(CIRCLE)}, Flaw.TOO_MANY_POINTS),
        ({}, {"shape": Line((FAR, (math.nan, LON)))}, Flaw.NOWHERE),
        (
            {"shape": Line(((89.5, LON), (90, LON)))},
            {"shape": Line((FAR, (90.1, LON)))},
            Flaw.NOWHERE,
        ),
        (
            {"shape": Area((at(0, 0), at(0, 1), at(1, 1), at(1, 0)))},
            {"shape": Area((at(0, 0), at(1, 1), at(0, 1), at(1, 0)))},
            Flaw.CROSSES_ITSELF,
        ),
        ({"shape": square(WIDE * 0.999)}, {"shape": square(WIDE * 1.002)}, Flaw.TOO_LARGE),
        (
            {"shape": straight(LINE_KM_MAX * 0.999)},
            {"shape": straight(LINE_KM_MAX * 1.001)},
            Flaw.TOO_LARGE,
        ),
        ({}, {"shape": square(0.01), "delay_s": 5.0}, Flaw.DELAY_OF_AN_AREA),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    good: dict[str, Any], bad: dict[str, Any], flaw: Flaw
) -> None:
    check(closure(**{"shape": Road((101,))} | good))
    given = {"shape": Road((101,))} | bad
    with pytest.raises(ClosureRefused) as refused:
        check(closure(**given))
    assert refused.value.flaw is flaw


@pytest.mark.parametrize(
    ("shape", "flaw", "place"),
    [
        (Area((at(9, 9), at(9, 10), at(10, 10))), Flaw.NO_ROADS, "30.018 115.018"),
        (Line((at(0.2, 0.2), at(0.8, 0.8))), Flaw.NO_ROADS, "30.0004 115.0004"),
        (Road((101, 999)), Flaw.NO_SUCH_WAY, "999"),
    ],
)
def test_what_touches_no_road_is_refused_with_its_place(shape: Any, flaw: Flaw, place: str) -> None:
    with pytest.raises(ClosureRefused) as refused:
        Touched(grid()).arcs(closure(shape))
    assert (refused.value.flaw, refused.value.place) == (flaw, place)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    graph = grid()
    save(graph, tmp_path, beside=lambda where: write_division(where, divided(graph)))
    return tmp_path


def test_a_closure_is_effective_at_once_labelled_and_expires(folder: Path) -> None:
    """The story of one closure: table, search, rebuilt table, expiry, rebuilt table."""
    roads = Roads(folder)
    assert roads.rebuild((), NOON, lambda _: None)
    assert not roads.rebuild((), NOON, lambda _: None)
    shut = (closure(Road((200,)), start=NOON, expiry=NOON + HOUR),)
    start, goal, elsewhere = at(0, 0), at(3, 0), at(0, 4)

    def minutes(now: datetime) -> tuple[list[float], list[bool]]:
        ways = roads.times(shut, now).ways([start, elsewhere], goal)
        assert ways.searched is not None
        assert ways.basis == "road"
        assert not ways.degraded
        return (ways.minutes * 60).round(3).tolist(), ways.searched.tolist()

    before, later = NOON - HOUR, NOON + HOUR
    assert minutes(before) == ([60.0, 140.0], [False, False])
    # Two streets more for the one whose way is closed; the other has another way as long.
    assert minutes(NOON) == ([100.0, 140.0], [True, False])
    assert roads.rebuild(shut, NOON, lambda _: None)
    assert minutes(NOON) == ([100.0, 140.0], [False, False])
    # The table of the open roads has stayed.
    assert minutes(later) == ([60.0, 140.0], [False, False])
    assert not roads.rebuild(shut, later, lambda _: None)
    # Without one, what is open again is searched for, too.
    next((folder / describe(folder)["version"]).glob("open.json")).unlink()
    roads = Roads(folder)
    assert minutes(later) == ([60.0, 140.0], [True, False])
    assert roads.rebuild(shut, later, lambda _: None)
    assert minutes(later) == ([60.0, 140.0], [False, False])


def test_nobody_is_left_without_a_time_by_a_closure(folder: Path) -> None:
    roads = Roads(folder)
    corner = Area((at(3.5, 3.5), at(3.5, 4.5), at(4.5, 4.5), at(4.5, 3.5)))
    shut = (closure(corner),)
    ways = roads.times(shut, NOON).ways([at(0, 0), at(4, 4)], at(4, 4))
    assert ways.through_closure is not None
    assert ways.through_closure.tolist() == [True, False]
    assert (ways.minutes * 60).round(3).tolist() == [160.0, 0.0]
    assert roads.times(shut, NOON).route(at(0, 0), at(4, 4)) is None


def test_a_route_goes_round_a_closure(folder: Path) -> None:
    roads = Roads(folder)
    route = roads.times((closure(Road((200,))),), NOON).route(at(0, 0), at(4, 0))
    assert route is not None
    assert route.seconds[-1] == pytest.approx(120.0)
    assert route.km == pytest.approx(1.2)
    assert len(route.arcs) == 6
    assert 200 not in set(grid().arc_way[list(route.arcs)].tolist())  # type: ignore[index]


def test_modes_have_times_and_closures_of_their_own(folder: Path) -> None:
    roads = Roads(folder)
    for_others = (closure(Road((200,)), modes=("ordinary",)),)
    fast = roads.times(for_others, NOON).minutes([at(0, 0)], at(4, 0))
    slow = roads.times(for_others, NOON, "ordinary").minutes([at(0, 0)], at(4, 0))
    assert fast[0] * 60 == pytest.approx(80)
    assert slow[0] * 60 == pytest.approx(180)


def test_a_closure_of_an_earlier_graph_is_passed_over_and_named(folder: Path) -> None:
    roads = Roads(folder)
    both = (closure(Road((999,)), id="gone"), closure(Road((200,)), id="here"))
    assert roads.times(both, NOON).minutes([at(0, 0)], at(4, 0))[0] * 60 == pytest.approx(120)
    unknown = roads.unknown(both)
    assert set(unknown) == {"gone"}
    assert unknown["gone"].place == "999"
    # Changed under the same id, it counts as it is now.
    moved = (both[0], replace(both[1], shape=Road((201,))))
    assert roads.times(moved, NOON).minutes([at(0, 0)], at(4, 0))[0] * 60 == pytest.approx(80)


def test_a_new_graph_is_taken_up_and_a_missing_one_is_said(folder: Path, tmp_path: Path) -> None:
    roads = Roads(folder)
    assert roads.times().minutes([at(0, 0)], at(4, 0))[0] * 60 == pytest.approx(80)
    slower = replace(grid(), arc_seconds=grid().arc_seconds * 2)
    save(slower, folder)
    assert roads.times().minutes([at(0, 0)], at(4, 0))[0] * 60 == pytest.approx(160)
    assert not roads.rebuild((), NOON, lambda _: None)  # it has no division
    with pytest.raises(RoadsMissing):
        Roads(tmp_path / "none").times()


def test_too_large_a_table_leaves_the_search(folder: Path) -> None:
    roads = Roads(folder)
    shut = (closure(Road((200,))),)
    with pytest.raises(TableTooLarge):
        roads.rebuild(shut, NOON, lambda _: None, nodes_max=3)
    assert roads.times(shut, NOON).minutes([at(0, 0)], at(4, 0))[0] * 60 == pytest.approx(120)
