"""`tocsin roads`: exit codes, and what a person reads, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from little_map import write_map

from tocsin.roads import make as making
from tocsin.site.command import main

BLOCK = {1: ([0, 1, 2], {"name": "Mill Road"}), 2: ([2, 12, 22], {}), 3: ([22, 20, 0], {})}


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["roads", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


def test_an_extract_is_built_shown_and_its_tables_searched_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_map(tmp_path / "a.osm", BLOCK | {8: ([77, 78], {"name": "Far Lane"})})
    data = tmp_path / "data"
    code, out, err = run(capsys, "build", path, "--data", data)
    assert (code, err) == (0, "")
    assert "roads in force: " in out
    assert "Far Lane" in out
    assert "travel-time tables in force: " in out
    code, out, _ = run(capsys, "tables", "--data", data)
    assert code == 0
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    code, out, _ = run(capsys, "show", "--data", data)
    assert code == 0
    assert "行车时间: 时间表" in out
    assert "OpenStreetMap contributors" in out
    code, out, _ = run(capsys, "build", path, "--data", data)
    assert "路网已启用" in out
    assert "Far Lane" in out


def test_bad_files_are_refused_with_their_place_in_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    good = write_map(tmp_path / "a.osm", BLOCK)
    assert run(capsys, "build", good, "--data", data)[0] == 0
    before = run(capsys, "show", "--data", data)[1]
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(b"\0\0\0\x0d\x0a\x09OSMHeader")
    code, out, err = run(capsys, "build", cut, "--data", data)
    assert (code, out) == (2, "")
    assert f"{cut}: the extract is cut off in the middle (byte 15" in err
    assert "Nothing was changed." in err
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    code, _, err = run(capsys, "build", cut, "--data", data)
    assert (code, "在中途截断" in err) == (2, True)
    (tmp_path / "n.csv").write_text("node,lat,lon\n1,30,115\n2,30.1,115\n")
    (tmp_path / "s.csv").write_text("from,to,metres,seconds\n1,2,9,-1\n")
    code, _, err = run(capsys, "build", tmp_path / "n.csv", tmp_path / "s.csv", "--data", data)
    assert (code, "s.csv 第 2 行, seconds: 必须大于零: -1" in err) == (2, True)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    code, _, err = run(capsys, "build", tmp_path / "n.csv", tmp_path / "s.csv", "--data", data)
    assert (code, "s.csv, line 2, seconds: must be above zero: -1" in err) == (2, True)
    assert run(capsys, "show", "--data", data)[1] == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["build", "a.osm", "b.csv", "c.csv"], "one extract"),
        (["build", "a.csv", "b.csv", "--sha256", "00"], "one extract"),
        (["build", "a.osm", "--drop-cut-off"], "for tables"),
        (["build", "a.osm", "--rules", "none.toml"], "none.toml"),
        (["show"], "no road graph"),
        (["tables"], "no road graph"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, out, err = run(capsys, *words, "--data", tmp_path / "data")
    assert (code, out) == (2, "")
    assert said in err


def test_roads_without_a_table_are_in_force_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = making.fill_tables
    monkeypatch.setattr(making, "fill_tables", lambda folder, told: fill(folder, told, nodes_max=0))
    path = write_map(tmp_path / "a.osm", BLOCK)
    code, out, _ = run(capsys, "build", path, "--data", tmp_path / "data")
    assert code == 0
    assert "no travel-time table: more than 8000 decision nodes" in out
    assert "direct search" in run(capsys, "show", "--data", tmp_path / "data")[1]
