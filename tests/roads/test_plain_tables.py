"""Road graphs from two tables: ours, those of JEMSS's cities, and rows that are refused by line."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tocsin.roads.graph import RoadsMissing, describe, load
from tocsin.roads.make import Made, fill_tables, make_from_tables
from tocsin.roads.plain import NAMED_MAX, TablesRefused, read_tables
from tocsin.roads.times import Times

NODES = "node,lat,lon\n7,30.0,115.0\n8,30.001,115.0\n9,30.002,115.0\n"
ARCS = (
    "from,to,metres,seconds,seconds_ordinary\n"
    "7,8,111,10,15\n8,7,111,10,15\n8,9,111,20,\n9,8,111,20,30\n"
)


def files(folder: Path, nodes: str = NODES, arcs: str = ARCS) -> tuple[Path, Path]:
    (folder / "nodes.csv").write_text(nodes, encoding="utf-8")
    (folder / "arcs.csv").write_text(arcs, encoding="utf-8")
    return folder / "nodes.csv", folder / "arcs.csv"


def make(tables: tuple[Path, Path], folder: Path, **options: Any) -> Made:
    return make_from_tables(
        *tables, folder, lambda *_: None, built_at="2026-05-01T12:00:00", **options
    )


def test_two_tables_become_roads_in_force(tmp_path: Path) -> None:
    result = make(files(tmp_path), tmp_path / "roads")
    assert (result.nodes, result.arcs, result.cut_nodes) == (3, 4, 0)
    assert result.km == pytest.approx(0.444)
    assert result.ordinary_km == pytest.approx(0.333)
    assert fill_tables(tmp_path / "roads", lambda _: None) is not None
    times = Times.load(tmp_path / "roads")
    assert times.from_table
    assert times.minutes([(30.0, 115.0)], (30.002, 115.0))[0] * 60 == pytest.approx(30)
    graph = load(tmp_path / "roads")
    assert graph.arc_ordinary is not None
    assert math.isinf(graph.arc_ordinary[2])
    assert graph.arc_way is not None
    assert graph.arc_way.tolist() == [2, 3, 4, 5]  # the lines of the table


def test_columns_are_found_by_name_whatever_their_order_and_what_is_above(tmp_path: Path) -> None:
    nodes = "\ufeffa city,,\n\nlon,note,lat,node\n115.0,x,30.0,a\n115.0,,30.001,b\n\n"
    arcs = "seconds,metres,to,from\n5,100,b,a\n6,100,a,b\n"
    graph = read_tables(*files(tmp_path, nodes, arcs))
    assert graph.arc_seconds.tolist() == [5, 6]
    assert graph.arc_ordinary is None
    assert graph.arc_way is not None
    assert graph.arc_way.tolist() == [2, 3]


def test_the_tables_of_jemss_cities_are_read_in_their_own_measures(tmp_path: Path) -> None:
    """Kilometres and days, numbers written as 1.0, packed; the first node is on an expressway."""
    nodes = "nodes,,,\nindex,x,y,offRoadAccess,\n1.0,174.7,-36.76,0.0\n2.0,174.701,-36.76,1.0\n,\n"
    arcs = (
        "miscData,,,\narcForm,numModes,\ndirected,2\n,\narcs,,,\n"
        "index,fromNode,toNode,distance,mode_1,mode_2,\n"
        "1.0,1.0,2.0,0.089,1e-4,2e-4\n2.0,2.0,1.0,0.089,1e-4,2e-4\n,\n"
    )
    paths = tmp_path / "nodes.csv.gz", tmp_path / "arcs.csv.gz"
    for path, text in zip(paths, (nodes, arcs), strict=True):
        path.write_bytes(gzip.compress(text.encode()))
    graph = read_tables(*paths)
    assert graph.arc_seconds.tolist() == pytest.approx([8.64, 8.64])
    assert graph.seconds("ordinary").tolist() == pytest.approx([17.28, 17.28])
    assert graph.arc_metres.tolist() == pytest.approx([89, 89])
    assert graph.node_access is not None
    assert graph.node_access.tolist() == [False, True]
    paths[1].write_bytes(paths[1].read_bytes()[:-20])
    with pytest.raises(TablesRefused) as refused:
        read_tables(*paths)
    assert refused.value.rows[0].reason == "unreadable"


@pytest.mark.parametrize(
    ("nodes", "arcs", "expected"),
    [
        ("", ARCS, ("nodes.csv", 1, "", "no_header")),
        ("node,lat\n1,2\n", ARCS, ("nodes.csv", 1, "", "no_header")),
        ("node,lat,lon\n", ARCS, ("nodes.csv", 1, "", "no_rows")),
        (NODES + "9,30,115\n", ARCS, ("nodes.csv", 5, "node", "twice")),
        (NODES + "10,91,115\n", ARCS, ("nodes.csv", 5, "lat", "nowhere")),
        (NODES + "10,30,east\n", ARCS, ("nodes.csv", 5, "lon", "nowhere")),
        (NODES + "10,nan,115\n", ARCS, ("nodes.csv", 5, "lat", "nowhere")),
        (NODES + "10,30\n", ARCS, ("nodes.csv", 5, "", "too_short")),
        (NODES, "from,to\n7,8\n", ("arcs.csv", 1, "", "no_header")),
        (NODES, "from,to,metres,seconds\n", ("arcs.csv", 1, "", "no_rows")),
        (NODES, ARCS + "7,99,1,1,1\n", ("arcs.csv", 6, "to", "no_such_node")),
        (NODES, ARCS + "7,9,1,-5,1\n", ("arcs.csv", 6, "seconds", "not_above_zero")),
        (NODES, ARCS + "7,9,1,0,1\n", ("arcs.csv", 6, "seconds", "not_above_zero")),
        (NODES, ARCS + "7,9,1,inf,1\n", ("arcs.csv", 6, "seconds", "not_above_zero")),
        (NODES, ARCS + "7,9,1,,1\n", ("arcs.csv", 6, "seconds", "not_above_zero")),
        (NODES, ARCS + "7,9,zero,1,1\n", ("arcs.csv", 6, "metres", "not_above_zero")),
        (NODES, ARCS + "7,9,1,1,-1\n", ("arcs.csv", 6, "seconds_ordinary", "not_above_zero")),
        (NODES + "10,30.1,115\n", ARCS, ("nodes.csv", 0, "", "not_connected")),
        (
            NODES + "10,30.1,115\n11,30.1,115.1\n",
            ARCS + "10,11,9,9,9\n",
            ("arcs.csv", 6, "", "not_connected"),
        ),
        (NODES + "10,30.1,115\n", ARCS + "9,10,9,9,9\n", ("arcs.csv", 6, "", "not_connected")),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_built(
    tmp_path: Path, nodes: str, arcs: str, expected: tuple[str, int, str, str]
) -> None:
    with pytest.raises(TablesRefused) as refused:
        make(files(tmp_path, nodes, arcs), tmp_path / "roads")
    row = refused.value.rows[0]
    assert (row.table, row.line, row.column, row.reason) == expected
    with pytest.raises(RoadsMissing):
        describe(tmp_path / "roads")


def test_all_bad_rows_are_named_up_to_a_number(tmp_path: Path) -> None:
    bad = ARCS + "7,9,1,-1,1\n" * NAMED_MAX
    with pytest.raises(TablesRefused) as refused:
        read_tables(*files(tmp_path, NODES, bad))
    assert [row.line for row in refused.value.rows] == list(range(6, 6 + NAMED_MAX))
    assert refused.value.more == 0
    with pytest.raises(TablesRefused) as refused:
        read_tables(*files(tmp_path, NODES, bad + "7,99,1,1,1\n"))
    assert (len(refused.value.rows), refused.value.more) == (NAMED_MAX, 1)


def test_what_is_not_connected_may_be_left_out_when_asked(tmp_path: Path) -> None:
    tables = files(tmp_path, NODES + "10,30.1,115\n", ARCS + "9,10,9,9,9\n")
    result = make(tables, tmp_path / "roads", drop_cut_off=True)
    assert (result.nodes, result.cut_nodes) == (3, 1)
    assert [piece.way for piece in result.pieces] == [6]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    nodes, arcs = files(tmp_path)
    arcs.unlink()
    with pytest.raises(TablesRefused) as refused:
        make((nodes, arcs), tmp_path / "roads")
    assert (refused.value.rows[0].table, refused.value.rows[0].reason) == (str(arcs), "missing")


def test_parallel_arcs_and_loops_do_no_harm(tmp_path: Path) -> None:
    arcs = ARCS + "7,8,500,3,4\n7,7,5,5,5\n"
    make(files(tmp_path, NODES, arcs), tmp_path / "roads")
    ways = Times.load(tmp_path / "roads").ways([(30.0, 115.0)], (30.001, 115.0))
    assert ways.minutes[0] * 60 == pytest.approx(3)
    assert np.isclose(ways.km[0], 0.5)
