"""From hand-written extracts to minutes: turns, gates, walls, private roads, what is cut off; and
files that are no whole extract, which change nothing."""

from __future__ import annotations

import math
from pathlib import Path

import osmium
import pytest
from little_map import LAT, LON, STEP, over, place, write_map

from tocsin.roads.build import STEP_METRES_MAX
from tocsin.roads.extract import ExtractRefused
from tocsin.roads.graph import RoadsMissing, describe, load
from tocsin.roads.make import Made, digest, fill_tables, make_from_extract
from tocsin.roads.rules import Emergency, Rules
from tocsin.roads.times import Times

BLOCK = {1: ([0, 1, 2], {}), 2: ([2, 12, 22], {}), 3: ([22, 21, 20], {}), 4: ([20, 10, 0], {})}
"""A block of four streets: ways 1 to 4 east, north, west and south."""
SPOKE = {5: ([2, 3, 4], {}), 6: ([2, -8], {})}


def make(path: Path, folder: Path, rules: Rules | None = None, **options: str) -> Made:
    return make_from_extract(
        path, folder, rules or Rules(), lambda *_: None, built_at="2026-05-01T12:00:00", **options
    )


def seconds(folder: Path, start: int, end: int, mode: str = "ordinary") -> float:
    times = Times.load(folder, mode)  # type: ignore[arg-type]
    return float(times.minutes([place(start)], place(end))[0] * 60)


def test_streets_become_arcs_with_the_seconds_of_their_class(tmp_path: Path) -> None:
    result = make(write_map(tmp_path / "a.osm", BLOCK), tmp_path / "roads")
    graph = load(tmp_path / "roads")
    side = 2 * STEP * 111_195
    assert graph.arc_metres.max() <= STEP_METRES_MAX
    assert result.km == pytest.approx(
        2 * (2 * side + 2 * side * math.cos(math.radians(LAT))) / 1000, rel=1e-3
    )
    assert result.cut_nodes == 0
    assert seconds(tmp_path / "roads", 0, 20) == pytest.approx(side / (25 / 3.6), rel=1e-3)
    assert seconds(tmp_path / "roads", 0, 20, "emergency") == pytest.approx(
        side / (25 * 1.3 / 3.6), rel=1e-3
    )


def test_one_way_streets_lead_round_the_block(tmp_path: Path) -> None:
    ways = {way: (on, {"oneway": "yes"}) for way, (on, _) in BLOCK.items()}
    make(write_map(tmp_path / "a.osm", ways), tmp_path / "roads")
    there, back = seconds(tmp_path / "roads", 0, 2), seconds(tmp_path / "roads", 2, 0)
    assert back > 2.5 * there
    rules = Rules(emergency=Emergency(observes_one_way=False, against_one_way=1.0))
    make(tmp_path / "a.osm", tmp_path / "roads", rules)
    assert seconds(tmp_path / "roads", 2, 0, "emergency") == pytest.approx(there / 1.3)
    assert seconds(tmp_path / "roads", 2, 0) == pytest.approx(back)


# Way 1 comes from the west to node 2; way 2 goes north from there, way 5 goes on to the east.
TOWN = BLOCK | {5: ([2, 3, 4], {})}


@pytest.mark.parametrize(
    ("tags", "allowed", "forbidden"),
    [
        ({"restriction": "no_left_turn"}, (1, 4), (1, 12)),
        ({"restriction": "only_straight_on"}, (1, 4), (1, 12)),
    ],
)
def test_a_forbidden_turn_is_not_taken_nor_by_turning_in_the_street(
    tmp_path: Path, tags: dict[str, str], allowed: tuple[int, int], forbidden: tuple[int, int]
) -> None:
    folder = tmp_path / "roads"
    make(write_map(tmp_path / "a.osm", TOWN), folder)
    free = {pair: seconds(folder, *pair) for pair in (allowed, forbidden)}
    target = 5 if tags["restriction"].startswith("only") else 2
    result = make(write_map(tmp_path / "b.osm", TOWN, [(tags, over(1, 2, target))]), folder)
    assert result.turns == 1
    assert seconds(folder, *allowed) == pytest.approx(free[allowed])
    # To the dead end's last house and back, or round the block the other way; never a turn at
    # node 3, where no street begins.
    detour = seconds(folder, *forbidden)
    to_the_end = free[forbidden] + 2 * seconds(folder, 2, 4)
    assert detour == pytest.approx(to_the_end)
    assert detour > free[forbidden] + 2 * seconds(folder, 2, 3) + 1
    # The other directions are as before.
    assert seconds(folder, 4, 12) == pytest.approx(seconds(folder, 12, 4))


def test_turns_of_crews_and_of_others(tmp_path: Path) -> None:
    folder = tmp_path / "roads"
    make(write_map(tmp_path / "a.osm", TOWN), folder)
    free = {mode: seconds(folder, 1, 12, mode) for mode in ("ordinary", "emergency")}
    excepted = {"restriction": "no_left_turn", "except": "bus;emergency"}
    make(write_map(tmp_path / "b.osm", TOWN, [(excepted, over(1, 2, 2))]), folder)
    assert seconds(folder, 1, 12, "emergency") == pytest.approx(free["emergency"])
    assert seconds(folder, 1, 12) > free["ordinary"] + 1
    for_all = {"restriction": "no_left_turn"}
    path = write_map(tmp_path / "c.osm", TOWN, [(for_all, over(1, 2, 2))])
    make(path, folder)
    assert seconds(folder, 1, 12, "emergency") > free["emergency"] + 1
    make(path, folder, Rules(emergency=Emergency(observes_turns=False)))
    assert seconds(folder, 1, 12, "emergency") == pytest.approx(free["emergency"])
    cars = {"restriction": "no_left_turn", "except": "motorcar"}
    make(write_map(tmp_path / "d.osm", TOWN, [(cars, over(1, 2, 2))]), folder)
    assert seconds(folder, 1, 12) == pytest.approx(free["ordinary"])


def test_a_place_at_a_forbidden_turn_is_reached_from_all_sides(tmp_path: Path) -> None:
    """Every way in has a forbidden turn: all arrive at copies, and still all arrive."""
    folder = tmp_path / "roads"
    make(write_map(tmp_path / "a.osm", TOWN), folder)
    pairs = [(1, 2), (12, 2), (4, 2), (2, 1), (2, 12), (2, 4)]
    free = [seconds(folder, *pair) for pair in pairs]
    no = {"restriction": "no_left_turn"}
    turns = [(no, over(1, 2, 2)), (no, over(2, 2, 5)), (no, over(5, 2, 1))]
    result = make(write_map(tmp_path / "b.osm", TOWN, turns), folder)
    assert (result.turns, result.cut_nodes) == (3, 0)
    assert [seconds(folder, *pair) for pair in pairs] == pytest.approx(free)
    assert fill_tables(folder, lambda _: None) == result.decision_nodes
    assert Times.load(folder).from_table
    assert [seconds(folder, *pair) for pair in pairs] == pytest.approx(free)


def test_restrictions_that_cannot_be_kept_are_counted(tmp_path: Path) -> None:
    no = {"restriction": "no_left_turn"}
    through = TOWN | {7: ([1, 2, 3], {})}  # goes through node 2 and on
    turns: list[tuple[dict[str, str], list[tuple[str, str, int]]]] = [
        ({"restriction:conditional": "no_left_turn @ (07:00-09:00)"}, over(1, 2, 2)),
        ({"restriction:hgv": "no_left_turn"}, over(1, 2, 2)),
        (no, [("from", "way", 1), ("via", "way", 2), ("to", "way", 3)]),
        (no, [("from", "way", 1), ("to", "way", 2)]),
        ({"restriction": "beware"}, over(1, 2, 2)),
        (no, over(7, 2, 2)),
        (no, over(1, 999, 2)),
        ({"restriction": "only_left_turn"}, over(1, 2, 999)),
    ]
    result = make(write_map(tmp_path / "a.osm", through, turns), tmp_path / "roads")
    assert result.turns == 0
    assert result.left_out == {
        "turn_conditional": 1,
        "turn_of_others": 1,
        "turn_over_ways": 1,
        "turn_unclear": 3,
        "turn_off_the_roads": 1,
        "turn_needless": 1,
    }


def test_walls_part_a_street_and_gates_delay_crews_on_it(tmp_path: Path) -> None:
    folder = tmp_path / "roads"
    make(write_map(tmp_path / "a.osm", BLOCK), folder)
    direct = seconds(folder, 0, 2, "emergency")
    make(write_map(tmp_path / "b.osm", BLOCK, nodes={1: {"barrier": "bollard"}}), folder)
    assert seconds(folder, 0, 2, "emergency") > 2.5 * direct
    gate = {1: {"barrier": "gate", "access": "private"}}
    make(write_map(tmp_path / "c.osm", BLOCK, nodes=gate), folder)
    for pair in ((0, 2), (2, 0)):
        assert seconds(folder, *pair, "emergency") == pytest.approx(direct + 15)
        assert seconds(folder, *pair) > 2.5 * direct


def test_a_private_road_is_for_crews_and_others_join_at_the_next_street(tmp_path: Path) -> None:
    folder = tmp_path / "roads"
    ways = BLOCK | {5: ([12, 13, 14], {"access": "private", "highway": "service"})}
    make(write_map(tmp_path / "a.osm", ways), folder)
    fast, slow = seconds(folder, 0, 14, "emergency"), seconds(folder, 0, 14)
    assert math.isfinite(slow)
    graph = load(folder)
    assert graph.arc_ordinary is not None
    assert not math.isfinite(float(graph.arc_ordinary[graph.arc_way == 5].min()))
    assert fast < slow


def test_an_expressway_is_not_where_people_live(tmp_path: Path) -> None:
    """A house between a motorway and a street belongs to the street, though farther away."""
    folder = tmp_path / "roads"
    ways = BLOCK | {5: ([0, 1, 2], {"highway": "motorway", "oneway": "no"})}
    ways[1] = ([0, 30, 2], {})
    make(write_map(tmp_path / "a.osm", ways), folder)
    house = (LAT + STEP * 0.4, LON + STEP)  # 44 m north of the motorway
    on_it = (LAT + STEP * 0.05, LON + STEP)
    times = Times.load(folder)
    from_house, from_it = times.minutes([house, on_it], place(1)) * 60
    # 44 m on foot to the motorway would be 8 s; the way over the next street is longer.
    assert from_house > 15
    assert from_it < 5


def test_what_is_not_connected_is_left_out_and_named(tmp_path: Path) -> None:
    far = {8: ([77, 78, 79], {"name": "Mill Road"}), 9: ([55, 56], {"oneway": "yes"})}
    result = make(write_map(tmp_path / "a.osm", BLOCK | far), tmp_path / "roads")
    assert [(piece.way, result.names[piece.way]) for piece in result.pieces] == [
        (8, "Mill Road"),
        (9, ""),
    ]
    piece = result.pieces[0]
    assert (piece.lat, piece.lon) == pytest.approx(place(77))
    assert piece.km == pytest.approx(4 * STEP * 111.195 * math.cos(math.radians(LAT)), rel=1e-2)
    assert result.cut_nodes == 5 == sum(one.nodes for one in result.pieces)


def test_nodes_outside_of_the_extract_end_a_street(tmp_path: Path) -> None:
    ways = BLOCK | {5: ([2, 3, 4, 5, 6], {})}
    result = make(write_map(tmp_path / "a.osm", ways, outside=[4]), tmp_path / "roads")
    assert result.left_out["node_outside"] == 1
    assert result.cut_nodes == 2
    assert math.isfinite(seconds(tmp_path / "roads", 0, 3))


def pbf(path: Path, source: Path) -> Path:
    with osmium.SimpleWriter(str(path)) as writer:
        for one in osmium.FileProcessor(str(source)):
            writer.add(one)
    return path


def test_what_is_no_whole_extract_is_named_and_the_old_roads_stay(tmp_path: Path) -> None:
    folder = tmp_path / "roads"
    good = pbf(tmp_path / "good.osm.pbf", write_map(tmp_path / "a.osm", BLOCK))
    whole = good.read_bytes()
    first = make(good, folder, sha256=digest(good).upper()).version
    footpaths = write_map(tmp_path / "paths.osm", {1: ([0, 1], {"highway": "footway"})})
    apart = {way: ([10 * way, 10 * way + 1], {}) for way in range(1, 6)}
    files = {
        "missing": None,
        "empty": b"",
        "cut": whole[:-10],
        "not_an_extract": b"Not a map at all. " * 99,
        "no_roads": footpaths.read_bytes(),
        "torn": write_map(tmp_path / "apart.osm", apart).read_bytes(),
    }
    for reason, content in files.items():
        xml = reason in ("no_roads", "torn")
        bad = tmp_path / (f"{reason}.osm" if xml else f"{reason}.osm.pbf")
        if content is not None:
            bad.write_bytes(content)
        with pytest.raises(ExtractRefused) as refused:
            make(bad, folder)
        assert refused.value.reason == reason
        assert refused.value.place == str(bad)
        if reason == "cut":
            assert f"byte {len(whole) - 10}" in refused.value.detail
    with pytest.raises(ExtractRefused) as refused:
        make(good, folder, sha256="0" * 64)
    assert refused.value.reason == "other_file"
    with pytest.raises(ExtractRefused) as refused:
        make(tmp_path / "a.osm.pbf", folder)
    assert refused.value.reason == "missing"
    assert describe(folder)["version"] == first
    assert math.isfinite(seconds(folder, 0, 22))


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    """Wherever a small extract ends early, nothing is built from what was read before."""
    good = pbf(tmp_path / "good.osm.pbf", write_map(tmp_path / "a.osm", BLOCK))
    whole = good.read_bytes()
    for end in range(0, len(whole), max(1, len(whole) // 40)):
        bad = tmp_path / "bad.osm.pbf"
        bad.write_bytes(whole[:end])
        with pytest.raises(ExtractRefused):
            make(bad, tmp_path / "roads")
    with pytest.raises(RoadsMissing):
        describe(tmp_path / "roads")


def test_where_the_roads_come_from_is_kept_with_them(tmp_path: Path) -> None:
    path = write_map(tmp_path / "a.osm", BLOCK)
    make(path, tmp_path / "roads", Rules(maxspeed_share=0.7))
    source = describe(tmp_path / "roads")["source"]
    assert source["file"] == "a.osm"
    assert source["sha256"] == digest(path)
    assert "OpenStreetMap contributors" in source["licence"]
    assert source["rules"]["maxspeed_share"] == 0.7
    assert source["built_at"] == "2026-05-01T12:00:00"
