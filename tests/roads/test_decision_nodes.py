"""Times over decision nodes, by table and by search, against a search on the whole graph: random
streets with dead ends, rings, one-way streets, forbidden turns and closures."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.roads.division import Division, divided, load_division, write_division
from tocsin.roads.graph import Graph, RoadsBroken, RoadsUnavailable, save
from tocsin.roads.islands import ISLAND_NODES_MAX, divide
from tocsin.roads.tables import (
    OPEN,
    Table,
    Tables,
    TableTooLarge,
    build_tables,
    follow,
    load_tables,
)
from tocsin.roads.times import Times

STEP = 0.001


def streets(draw: st.DrawFn) -> Graph:
    """Junctions with streets of several nodes between them, some one-way, dead ends off both."""
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    junctions = draw(st.integers(1, 6))
    lat, lon = list(dice.uniform(30, 30.02, junctions)), list(dice.uniform(115, 115.02, junctions))
    arcs: list[tuple[int, int]] = []

    def road(start: int, end: int | None, length: int, *, one_way: bool) -> None:
        before = start
        for _ in range(length):
            lat.append(float(dice.uniform(30, 30.02)))
            lon.append(float(dice.uniform(115, 115.02)))
            here = len(lat) - 1
            arcs.append((before, here))
            if not one_way:
                arcs.append((here, before))
            before = here
        if end is not None and end != before:
            arcs.append((before, end))
            if not one_way:
                arcs.append((end, before))

    for _ in range(draw(st.integers(1, 9))):
        length = draw(st.sampled_from([0, 1, 2, 5, 90]))
        ends = [int(one) for one in dice.integers(0, junctions, 2)]
        if length or ends[0] != ends[1]:
            road(ends[0], ends[1], length, one_way=draw(st.booleans()))
    for _ in range(draw(st.integers(0, 5))):
        at = int(dice.integers(0, len(lat)))
        road(at, None, draw(st.sampled_from([1, 3, 70])), one_way=False)
    if not arcs:
        road(0, None, 2, one_way=False)
    count = len(arcs)
    ordinary = np.where(dice.random(count) < 0.1, np.inf, dice.uniform(5, 90, count))
    return Graph(
        np.array(lat),
        np.array(lon),
        np.array([a for a, _ in arcs], dtype=np.int32),
        np.array([b for _, b in arcs], dtype=np.int32),
        dice.uniform(1, 60, count).astype(np.float32),
        dice.uniform(5, 900, count).astype(np.float32),
        ordinary.astype(np.float32),
    )


graphs = st.composite(streets)()


def table_of(times: Times, token: str = OPEN) -> Table:
    count = len(times.weights.links.indptr) - 1
    seconds, metres = follow(times.weights, np.arange(count))
    return Table(token, seconds.astype(np.float32), metres.astype(np.float32))


def same_times(one: Times, other: Times, graph: Graph) -> None:
    points = np.column_stack([graph.node_lat, graph.node_lon])
    placed = one.place(points)
    for goal in range(0, graph.nodes, max(1, graph.nodes // 12)):
        at = (float(graph.node_lat[goal]), float(graph.node_lon[goal]))
        expected, found = other.ways(points, at), one.ways(placed, at)
        np.testing.assert_allclose(found.minutes * 60, expected.minutes * 60, atol=1e-3, rtol=0)
        np.testing.assert_allclose(found.km, expected.km, atol=1e-4, rtol=1e-5)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs, mode=st.sampled_from(["emergency", "ordinary"]))
def test_tables_and_decision_nodes_equal_a_search_on_the_whole_graph(
    graph: Graph, mode: str
) -> None:
    division = divided(graph)
    assert division.islands.size.max(initial=0) <= ISLAND_NODES_MAX
    whole = Times(graph, mode)  # type: ignore[arg-type]
    searched = Times(graph, mode, division=division)  # type: ignore[arg-type]
    same_times(searched, whole, graph)
    same_times(searched.with_tables(Tables(table_of(searched))), whole, graph)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs, data=st.data())
def test_closures_count_at_once_and_are_labelled(graph: Graph, data: st.DataObject) -> None:
    """With a table of the open road, of the closed one and of another closure; and after expiry."""
    division = divided(graph)
    chosen = data.draw(st.lists(st.integers(0, graph.arcs - 1), min_size=1, max_size=8))
    seconds = np.array(graph.arc_seconds, dtype=np.float64)
    seconds[chosen] = data.draw(st.sampled_from([np.inf, 2000.0]))
    opened = Times(graph, division=division)
    opened = opened.with_tables(Tables(table_of(opened)))
    closed = opened.with_seconds(seconds, "closed")
    whole = Times(graph).with_seconds(seconds, "closed")
    same_times(closed, whole, graph)
    rebuilt = closed.with_tables(Tables(table_of(opened), table_of(closed, "closed")))
    assert rebuilt.from_table
    assert not closed.from_table
    same_times(rebuilt, whole, graph)
    reopened = rebuilt.with_seconds(graph.arc_seconds, OPEN)
    same_times(reopened, Times(graph), graph)
    other = np.array(graph.arc_seconds, dtype=np.float64)
    other[chosen[:1]] = 500.0
    for tables in (Tables(None, table_of(closed, "closed")), Tables(table_of(opened))):
        slow = rebuilt.with_tables(tables).with_seconds(other, "other")
        same_times(slow, Times(graph).with_seconds(other, "other"), graph)
    points = np.column_stack([graph.node_lat, graph.node_lon])
    for goal in range(0, graph.nodes, max(1, graph.nodes // 8)):
        at = (float(graph.node_lat[goal]), float(graph.node_lon[goal]))
        before, now = opened.ways(points, at), closed.ways(points, at)
        assert before.searched is not None
        assert not before.searched.any()
        assert now.searched is not None
        through = now.through_closure
        differs = ~np.isclose(before.minutes, now.minutes, equal_nan=True, atol=1e-4)
        if through is not None:
            differs = differs | through
            assert np.isfinite(now.minutes[through]).all()
        # Whatever the closure changes is said to come from a search, not from the table.
        assert (now.searched | ~differs).all()
        assert (np.isnan(now.minutes) == np.isnan(before.minutes)).all()


def ring(nodes: int, spurs: int = 0) -> Graph:
    """A ring road without a junction, and a dead end of so many nodes off its first node."""
    angle = np.linspace(0, 2 * np.pi, nodes, endpoint=False)
    lat = np.concatenate([30 + 0.01 * np.sin(angle), 30.02 + 0.0005 * np.arange(spurs)])
    lon = np.concatenate([115 + 0.01 * np.cos(angle), np.full(spurs, 115.0)])
    around = [(one, (one + 1) % nodes) for one in range(nodes)]
    off = [0, *range(nodes, nodes + spurs)]
    around += list(itertools.pairwise(off))
    both = np.array(around + [(b, a) for a, b in around], dtype=np.int32)
    size = len(both)
    dice = np.random.default_rng(nodes)
    return Graph(
        lat,
        lon,
        both[:, 0].copy(),
        both[:, 1].copy(),
        dice.uniform(1, 9, size).astype(np.float32),
        dice.uniform(10, 90, size).astype(np.float32),
    )


@pytest.mark.parametrize(("nodes", "spurs"), [(3, 0), (200, 0), (5, 200), (150, 3)])
def test_rings_and_long_dead_ends_are_divided(nodes: int, spurs: int) -> None:
    graph = ring(nodes, spurs)
    islands = divide(graph)
    assert 0 < islands.size.max(initial=0) <= ISLAND_NODES_MAX
    assert len(islands.decision) < graph.nodes / 3 + 2
    same_times(Times(graph, division=divided(graph)), Times(graph), graph)


def kept(tmp_path: Path, graph: Graph) -> tuple[str, Division]:
    division = divided(graph)
    version = save(graph, tmp_path, beside=lambda where: write_division(where, division))
    return version, division


def test_division_and_tables_are_kept_and_loaded_memory_mapped(tmp_path: Path) -> None:
    graph = ring(40, 100)
    version, division = kept(tmp_path, graph)
    shares: list[float] = []
    build_tables(tmp_path, division.weights, OPEN, version, shares.append)
    assert shares == sorted(shares)
    times = Times.load(tmp_path)
    assert times.from_table
    assert isinstance(times.weights.out_seconds.base, np.memmap)
    same_times(times, Times(graph), graph)
    first = {one.name for one in (tmp_path / version).glob("tables-*")}
    build_tables(tmp_path, division.weights, "closed", version, shares.append)
    again = Times.load(tmp_path)
    assert again.from_table  # the tables of the open roads stay
    assert not again.with_seconds(np.array(graph.arc_seconds), "other").from_table
    assert again.with_seconds(np.array(graph.arc_seconds), "closed").from_table
    second = {one.name for one in (tmp_path / version).glob("tables-*")}
    assert first < second
    assert len(second) == 2
    build_tables(tmp_path, division.weights, "later", version, shares.append)
    third = {one.name for one in (tmp_path / version).glob("tables-*")}
    assert len(third) == 2
    assert third & second == first


def test_a_table_is_refused_where_it_would_be_too_large(tmp_path: Path) -> None:
    graph = ring(40, 100)
    version, division = kept(tmp_path, graph)
    count = len(division.islands.decision)
    build_tables(tmp_path, division.weights, OPEN, version, lambda _: None, nodes_max=count)
    assert Times.load(tmp_path).from_table
    with pytest.raises(TableTooLarge) as refused:
        build_tables(tmp_path, division.weights, "x", version, lambda _: None, nodes_max=count - 1)
    assert (refused.value.nodes, refused.value.most) == (count, count - 1)
    assert Times.load(tmp_path).from_table  # the earlier one stays


def test_a_table_of_another_graph_never_comes_into_force(tmp_path: Path) -> None:
    graph = ring(40, 100)
    version, division = kept(tmp_path, graph)
    save(ring(41, 7), tmp_path)
    with pytest.raises(RoadsUnavailable, match="another road graph"):
        build_tables(tmp_path, division.weights, OPEN, version, lambda _: None)
    (tmp_path / version).mkdir()  # as if the old folder were still there when the search is done
    with pytest.raises(RoadsUnavailable, match="another road graph"):
        build_tables(tmp_path, division.weights, OPEN, version, lambda _: None)
    assert list((tmp_path / version).iterdir()) == []
    assert not Times.load(tmp_path).from_table


def test_broken_tables_and_divisions_are_said(tmp_path: Path) -> None:
    graph = ring(40, 100)
    version, division = kept(tmp_path, graph)
    build_tables(tmp_path, division.weights, OPEN, version, lambda _: None)
    said = {"format": 2, "version": version}
    count = len(division.islands.decision)
    with pytest.raises(RoadsBroken, match="cannot be read"):
        load_tables(tmp_path, said, count + 1)
    assert load_tables(tmp_path, said, count)["ordinary"].open is not None
    for path in (tmp_path / version).glob("tables-*/ordinary-metres.npy"):
        path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(RoadsBroken, match="cannot be read"):
        Times.load(tmp_path)
    with pytest.raises(RoadsBroken, match="another graph"):
        load_division(tmp_path / version, ring(39, 100))
    (tmp_path / version / "islands" / "size.npy").unlink()
    with pytest.raises(RoadsBroken, match="cannot be read"):
        Times.load(tmp_path)


def test_within_an_island_the_way_back_over_its_border_may_be_the_faster() -> None:
    """Two neighbours on a street that is fast only the other way round the block."""
    graph = ring(6)
    graph.arc_seconds[:] = 1.0
    graph.arc_seconds[2] = 500.0  # from node 2 to node 3
    times = Times(graph, division=divided(graph))
    where = [(float(graph.node_lat[node]), float(graph.node_lon[node])) for node in (2, 3)]
    assert times.minutes([where[0]], where[1])[0] * 60 == pytest.approx(5.0)
    assert math.isclose(times.minutes([where[1]], where[0])[0] * 60, 1.0, abs_tol=1e-6)
