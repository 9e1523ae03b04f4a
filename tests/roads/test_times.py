"""Road times against a brute-force search, and what is said when roads are missing or broken."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest

from tocsin.roads.graph import Graph, RoadsBroken, RoadsMissing, load, save, way_names
from tocsin.roads.times import SNAP_METRES_MAX, Times, along, metres_between, straight_line

SIDE = 6
STEP = 0.002  # degrees, about 200 m


def small_graph(seed: int, arcs: int = 90) -> Graph:
    """A 6 x 6 field of junctions with random one-way arcs: some pairs are not connected."""
    dice = random.Random(seed)
    lat = [30 + STEP * (i // SIDE) for i in range(SIDE * SIDE)]
    lon = [115 + STEP * (i % SIDE) for i in range(SIDE * SIDE)]
    pairs = [dice.sample(range(SIDE * SIDE), 2) for _ in range(arcs)]
    pairs += [pairs[0], pairs[0]]  # parallel arcs
    return Graph(
        np.array(lat),
        np.array(lon),
        np.array([a for a, _ in pairs], dtype=np.int32),
        np.array([b for _, b in pairs], dtype=np.int32),
        np.array([dice.uniform(10, 300) for _ in pairs], dtype=np.float32),
        np.array([dice.uniform(100, 3000) for _ in pairs], dtype=np.float32),
    )


def brute_force(graph: Graph) -> list[list[tuple[float, float]]]:
    """Floyd-Warshall: (seconds, metres along the fastest way) for every pair of nodes."""
    n = graph.nodes
    best = [[(math.inf, math.inf)] * n for _ in range(n)]
    for a, b, s, m in zip(
        graph.arc_from, graph.arc_to, graph.arc_seconds, graph.arc_metres, strict=True
    ):
        best[a][b] = min(best[a][b], (float(s), float(m)))
    for i in range(n):
        best[i][i] = (0.0, 0.0)
    for k, i, j in itertools.product(range(n), repeat=3):
        through = best[i][k][0] + best[k][j][0]
        if through < best[i][j][0]:
            best[i][j] = (through, best[i][k][1] + best[k][j][1])
    return best


@pytest.mark.parametrize("seed", range(4))
def test_minutes_and_km_equal_a_brute_force_search(seed: int) -> None:
    graph = small_graph(seed)
    times = Times(graph)
    expected = brute_force(graph)
    points = np.column_stack([graph.node_lat, graph.node_lon])
    unreachable = 0
    for goal in range(graph.nodes):
        ways = times.ways(points, (float(graph.node_lat[goal]), float(graph.node_lon[goal])))
        assert ways.basis == "road"
        assert not ways.degraded
        for node in range(graph.nodes):
            seconds, metres = expected[node][goal]
            if math.isinf(seconds):
                unreachable += 1
                assert math.isnan(ways.minutes[node])
                assert math.isnan(ways.km[node])
            else:
                assert ways.minutes[node] * 60 == pytest.approx(seconds, rel=1e-9, abs=1e-6)
                assert ways.km[node] * 1000 == pytest.approx(metres, rel=1e-6, abs=1e-6)
    assert unreachable > 0


def test_a_route_follows_arcs_and_takes_the_time_it_says() -> None:
    graph = small_graph(1)
    times = Times(graph)
    arcs = set(zip(graph.arc_from.tolist(), graph.arc_to.tolist(), strict=True))
    index = {
        (float(a), float(b)): i
        for i, (a, b) in enumerate(zip(graph.node_lat, graph.node_lon, strict=True))
    }
    points = list(index)
    found = 0
    for start, goal in itertools.product(points[::5], points[::7]):
        route = times.route(start, goal)
        minutes = times.minutes([start], goal)[0]
        if route is None:
            assert math.isnan(minutes)
            continue
        found += 1
        nodes = [index[p] for p in route.points[1:-1]]
        assert set(itertools.pairwise(nodes)) <= arcs
        assert route.seconds[-1] / 60 == pytest.approx(minutes, abs=1e-6)
        assert route.km == pytest.approx(times.ways([start], goal).km[0], abs=1e-6)
        assert along(route, 0)[0] == pytest.approx(start)
        assert along(route, route.seconds[-1] + 1)[0] == pytest.approx(goal)
    assert found > 5


def test_the_road_to_a_place_off_the_streets_takes_longer() -> None:
    graph = small_graph(2)
    times = Times(graph)
    node = int(graph.arc_to[0])
    goal = (float(graph.node_lat[node]), float(graph.node_lon[node]))
    beside = (goal[0] - STEP / 10, goal[1])
    assert times.minutes([beside], goal)[0] > times.minutes([goal], goal)[0] == 0.0


def test_what_cannot_be_reached_is_nan_and_never_zero() -> None:
    graph = small_graph(0)
    times = Times(graph)
    goal = (float(graph.node_lat[0]), float(graph.node_lon[0]))
    far = (goal[0] + 1, goal[1])
    assert metres_between([far], goal)[0] > SNAP_METRES_MAX
    assert math.isnan(times.minutes([far], goal)[0])
    assert math.isnan(times.minutes([(math.nan, math.nan)], goal)[0])
    assert math.isnan(times.minutes([goal], far)[0])
    assert times.route(far, goal) is None
    assert times.minutes([], goal).shape == (0,)
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        times.minutes([1.0, 2.0, 3.0], goal)


def test_the_straight_line_is_a_labelled_guess() -> None:
    ways = straight_line([(30.0, 115.0)], (30.0, 115.1))
    assert ways.degraded
    assert ways.basis == "straight_line"
    assert ways.km[0] == pytest.approx(9.63 * 1.35, rel=0.01)
    assert ways.minutes[0] == pytest.approx(ways.km[0] * 2)


def test_a_saved_graph_is_loaded_again_memory_mapped(tmp_path: Path) -> None:
    graph = small_graph(3)
    save(graph, tmp_path / "roads")
    again = load(tmp_path / "roads")
    assert isinstance(again.node_lat.base, np.memmap)
    for name in Graph.__dataclass_fields__:
        assert np.array_equal(getattr(again, name), getattr(graph, name))
    Times.load(tmp_path / "roads")


def test_missing_and_broken_roads_are_said(tmp_path: Path) -> None:
    with pytest.raises(RoadsMissing, match="no road graph"):
        Times.load(tmp_path / "none")
    folder = tmp_path / "roads"
    save(small_graph(0), folder)
    (folder / "roads.json").write_text('{"format": 99, "nodes": 1, "arcs": 1}')
    with pytest.raises(RoadsBroken, match="format 99"):
        load(folder)
    version = save(small_graph(0), folder)
    (folder / version / "arc_to.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(RoadsBroken, match="cannot be read"):
        load(folder)
    (folder / version / "arc_to.npy").unlink()
    with pytest.raises(RoadsBroken, match="cannot be read"):
        load(folder)
    save(small_graph(0), folder)
    said = json.loads((folder / "roads.json").read_text())
    (folder / "roads.json").write_text(json.dumps(said | {"nodes": 35}))
    with pytest.raises(RoadsBroken, match="not the one"):
        load(folder)
    (folder / "roads.json").write_text("[]")
    with pytest.raises(RoadsBroken, match="cannot be read"):
        load(folder)


def test_a_graph_of_the_format_before_is_still_read(tmp_path: Path) -> None:
    graph = small_graph(0)
    for name in ("node_lat", "node_lon", "arc_from", "arc_to", "arc_seconds", "arc_metres"):
        np.save(tmp_path / f"{name}.npy", getattr(graph, name))
    (tmp_path / "roads.json").write_text('{"format": 1, "nodes": 36, "arcs": 92}')
    assert np.array_equal(load(tmp_path).arc_seconds, graph.arc_seconds)
    save(small_graph(1), tmp_path)
    assert np.array_equal(load(tmp_path).arc_seconds, small_graph(1).arc_seconds)


def test_a_new_graph_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    """What is being written when the power goes is never read, and goes with the next build."""
    first = save(small_graph(0), tmp_path)
    held = load(tmp_path)
    (tmp_path / "0123456789ab.unfinished").mkdir()
    broken = small_graph(1)
    broken.arc_seconds[3] = -1
    with pytest.raises(RoadsBroken):
        save(broken, tmp_path)
    assert np.array_equal(load(tmp_path).arc_seconds, small_graph(0).arc_seconds)
    second = save(small_graph(2), tmp_path, names={7: "Mill Road"})
    assert first != second
    assert {one.name for one in tmp_path.iterdir() if one.is_dir()} == {second}
    assert way_names(tmp_path) == {7: "Mill Road"}
    # Who had the old one open keeps it until it looks again.
    assert np.array_equal(held.arc_seconds, small_graph(0).arc_seconds)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("arc_seconds", 0.0, "not above zero"),
        ("arc_metres", math.nan, "not above zero"),
        ("arc_to", 36, "does not exist"),
        ("node_lat", 91.0, "nowhere"),
    ],
)
def test_a_graph_with_an_impossible_figure_is_refused(
    tmp_path: Path, name: str, value: float, said: str
) -> None:
    graph = small_graph(0)
    getattr(graph, name)[0] = value
    with pytest.raises(RoadsBroken, match=said):
        save(graph, tmp_path)
