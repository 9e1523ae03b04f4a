"""Bad input to `tocsin simulate`: named with its place in both languages, exit code 2, no file."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from run_command import Command

from tocsin.site.command import main


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(city: Path) -> None:
        path = city / name
        text = path.read_text(encoding="utf-8")
        assert old in text, old
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def line(name: str, number: int, new: str) -> Callable[[Path], None]:
    def change(city: Path) -> None:
        path = city / name
        lines = path.read_text(encoding="utf-8").splitlines()
        lines[number - 1] = new
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    return change


def gone(name: str) -> Callable[[Path], None]:
    return lambda city: (city / name).unlink()


def raw(name: str, data: bytes) -> Callable[[Path], None]:
    def change(city: Path) -> None:
        (city / name).write_bytes(data)

    return change


def cut_off(city: Path) -> None:
    path = city / "nodes.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])


def one_way_out(city: Path) -> None:
    """A node that roads lead to and none away from."""
    path = city / "nodes.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    count = sum(row[:1].isdigit() for row in text.splitlines())
    path.write_bytes(gzip.compress(text.replace("\n,,,\n", f"\n{count + 1},2,2,1\n").encode()))
    arcs = city / "arcs.csv"
    last = arcs.read_text().splitlines()[-1]
    number = int(last.split(",")[0]) + 1
    arcs.write_text(arcs.read_text().rstrip("\n") + f"\n{number},1,{count + 1},0.001,0.001\n")


BAD: dict[str, tuple[Callable[[Path], None], list[str], list[str]]] = {
    "not a number": (
        line("calls_1.csv", 3, "2,1,x,1,0.01,0.001,0.001,0,-1,0"),
        ["calls_1.csv, row 3, x", "'x'", "a number"],
        ["calls_1.csv，第 3 行，x", "应为数字"],
    ),
    "a negative duration": (
        line("calls_1.csv", 2, "1,1,1,1,0.0,0.001,-0.5,0,-1,0"),
        ["row 2, onSceneDuration", "'-0.5'", "at least 0"],
        ["第 2 行，onSceneDuration", "不小于 0"],
    ),
    "calls out of order": (
        line("calls_1.csv", 3, "2,1,1,1,0.0,0.001,0.001,0,-1,0"),
        ["row 3, arrivalTime", "no earlier"],
        ["第 3 行，arrivalTime", "不应早于"],
    ),
    "a gap in the numbers": (
        line("calls_1.csv", 3, "7,1,1,1,0.01,0.001,0.001,0,-1,0"),
        ["row 3, index", "expected 2"],
        ["第 3 行，index", "应为 2"],
    ),
    "a priority that is none": (
        line("calls_1.csv", 2, "1,4,1,1,0.0,0.001,0.001,0,-1,0"),
        ["row 2, priority", "1 to 3"],
        ["第 2 行，priority", "1 至 3"],
    ),
    "a place off the map": (
        line("calls_1.csv", 2, "1,1,99,1,0.0,0.001,0.001,0,-1,0"),
        ["row 2, x", "on the map"],
        ["第 2 行，x", "地图范围"],
    ),
    "a station in the sea": (
        line("stations_1.csv", 3, '1,50,1,5,"a, b"'),
        ["stations_1.csv, row 3, x", "on the map"],
        ["stations_1.csv，第 3 行，x"],
    ),
    "a station that is none": (
        line("ambulances_1.csv", 3, "1,9,1,"),
        ["ambulances_1.csv, row 3, stationIndex", "1 to 3"],
        ["第 3 行，stationIndex"],
    ),
    "a short row": (
        line("calls_1.csv", 4, "3,1"),
        ["calls_1.csv, row 4", "a number"],
        ["第 4 行", "应为数字"],
    ),
    "a column that is missing": (
        edit("calls_1.csv", "dispatchDelay", "delay"),
        ["calls_1.csv, row 1", "no column 'dispatchDelay'"],
        ["缺少列“dispatchDelay”"],
    ),
    "a table that is missing": (
        gone("travel_1.csv"),
        ["no file has a table travelModes"],
        ["travelModes"],
    ),
    "a table without rows": (
        raw("hospitals_1.csv", b"hospitals\nindex,x,y\n"),
        ["hospitals_1.csv, row 2", "is empty"],
        ["为空"],
    ),
    "a table without columns": (
        raw("hospitals_1.csv", b"hospitals\n"),
        ["hospitals_1.csv, row 1", "column names"],
        ["缺少列名行"],
    ),
    "a negative time": (
        line("arcs.csv", 7, "1,1,2,-1,0.1"),
        ["arcs.csv, row 7, mode_1", "greater than 0"],
        ["第 7 行，mode_1", "大于 0"],
    ),
    "a road from a node to itself": (
        line("arcs.csv", 7, "1,2,2,0.1,0.1"),
        ["arcs.csv, row 7, toNode", "another node"],
        ["第 7 行，toNode"],
    ),
    "a road to a node that is none": (
        line("arcs.csv", 7, "1,2,9999,0.1,0.1"),
        ["arcs.csv, row 7, toNode", "whole number from 1"],
        ["第 7 行，toNode", "整数"],
    ),
    "a form of roads that is none": (
        edit("arcs.csv", "directed,2", "both,2"),
        ["arcs.csv, row 3, arcForm", "directed or undirected"],
        ["第 3 行，arcForm"],
    ),
    "a disconnected road": (one_way_out, ["not connected", "(2, 2)"], ["不连通"]),
    "an extract cut off": (cut_off, ["nodes.csv.gz", "cut off"], ["nodes.csv.gz", "截断"]),
    "not gzip": (raw("x.csv.gz", b"index,x"), ["x.csv.gz", "gzip"], ["x.csv.gz"]),
    "not text": (raw("x.csv", b"a\n\xff\xfe"), ["x.csv, row 2", "UTF-8"], ["第 2 行", "UTF-8"]),
    "a mode that a set lacks": (
        edit("travel_1.csv", "1,medPriority,1\n", ""),
        ["travel_1.csv", "no row for medPriority"],
        ["缺少 medPriority"],
    ),
    "a name that is none": (
        edit("travel_1.csv", "1,medPriority", "1,midPriority"),
        ["travel_1.csv, row 9, priority", "'midPriority'", "highPriority"],
        ["第 9 行，priority"],
    ),
    "a set twice": (
        edit("travel_1.csv", "1,medPriority,1", "1,highPriority,1"),
        ["travel_1.csv, row 9, priority", "once"],
        ["一次"],
    ),
    "times that go back": (
        edit("travel_1.csv", "0,1,", "0,1,\n0,1,"),
        ["travel_1.csv, row 15, startTime", "later"],
        ["晚于"],
    ),
    "a map without size": (
        edit("map_1.csv", "-1,6,-1", "6,-1,-1"),
        ["map_1.csv, row 3", "xMin below xMax"],
        ["xMin 小于 xMax"],
    ),
    "a list of modes that is none": (
        edit("demand_1.csv", "[1; 2; 3]", "[1; 9]"),
        ["demand_1.csv", "modeIndices", "1 to 3"],
        ["modeIndices"],
    ),
    "a unit taken for a lower priority": (
        edit("redispatch.csv", "lowPriority,highPriority", "highPriority,lowPriority"),
        ["redispatch.csv, row 7, toCallPriority", "higher priority"],
        ["更高的优先级"],
    ),
    "stations of cover that are none": (
        raw("sets.csv", b"coverSets\nstations,demand\n1 9,1\n"),
        ["sets.csv, row 3, stations", "1 to 3"],
        ["站点编号"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_are_named_with_their_place(
    name: str,
    simulate: Command,
    city: Path,
    out: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change, english, chinese = BAD[name]
    change(city)
    calls = ("--calls", str(city / "calls_1.csv"))
    assert simulate(*calls) == 2
    told = capsys.readouterr().err
    assert all(part in told for part in english), told
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert simulate(*calls) == 2
    told = capsys.readouterr().err
    assert all(part in told for part in chinese), told
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("Exponential(1/200)", "Expo(1)", "row 3, interarrivalTime"),
        ("Exponential(1/200)", "Exponential(1/0)", "row 3, interarrivalTime"),
        ("Bernoulli(0.8)", "__import__('os')", "row 7, transport"),
        ("<startTime>0.0", "<startTime>soon", "row 2, startTime"),
        ("</genConfig>", "", "expected XML"),
    ],
)
def test_a_bad_gen_config_is_named_with_its_place(
    old: str,
    new: str,
    place: str,
    simulate: Command,
    city: Path,
    out: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    edit("gen_config_test.xml", old, new)(city)
    assert simulate("--days", "1") == 2
    told = capsys.readouterr().err
    assert "gen_config_test.xml" in told
    assert place in told
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--units", "0"), "--units 0: expected 1 to 5000"),
        (("--units", "5001"), "--units 5001"),
        (("--days", "0"), "--days 0.0"),
        (("--days", "nan"), "--days nan"),
        (("--seed", "-1"), "--seed -1"),
        (("--travel-error", "2.1"), "--travel-error 2.1: expected 0 to 2"),
        (("--redispatch", "nowhere.csv"), "nowhere.csv"),
        (("--calls", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_bad_options_are_refused(
    options: tuple[str, ...],
    said: str,
    simulate: Command,
    out: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert simulate(*options) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_what_is_missing_or_unknown_is_refused(
    simulate: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(policy="nearest") == 2
    assert "there are closest, dmexclp" in capsys.readouterr().err
    assert simulate(place=tmp_path / "nowhere") == 2
    assert "expected a folder" in capsys.readouterr().err
    assert main(["simulate", "--city", str(tmp_path), "--policy", "closest"]) == 2
    assert "--out is missing" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (tmp_path / "none" / "o.csv", tmp_path):
        arguments = ["simulate", "--city", str(city), "--policy", "closest", "--out", str(place)]
        assert main(arguments) == 2
        assert "a folder that exists" in capsys.readouterr().err


def test_without_config_or_calls_the_other_way_is_named(
    simulate: Command, city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (city / "gen_config_test.xml").unlink()
    assert simulate() == 2
    assert "--calls" in capsys.readouterr().err
