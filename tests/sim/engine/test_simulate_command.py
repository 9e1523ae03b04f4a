"""`tocsin simulate` as a person runs it, and what it writes."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest
from run_command import Command

from tocsin.sim.engine.policies import POLICIES
from tocsin.site.command import main


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_list_names_every_policy_and_whether_it_redirects(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["simulate", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "closest redirects=yes" in lines
    assert "cover redirects=no" in lines
    assert [line.split()[0] for line in lines] == list(POLICIES)


def test_one_row_for_each_call_of_a_file(simulate: Command, city: Path, out: Path) -> None:
    assert simulate("--calls", str(city / "calls_1.csv")) == 0
    found = rows(out)
    assert list(found[0]) == [
        "call", "priority", "arrival_s", "response_s", "late", "unit", "moves", "redirects",
    ]  # fmt: skip
    assert [row["call"] for row in found] == [str(number) for number in range(1, 81)]
    given = rows(city / "calls_1.csv")
    for row, call in zip(found, given, strict=True):
        assert row["priority"] == call["priority"]
        assert float(row["arrival_s"]) == pytest.approx(float(call["arrivalTime"]) * 86_400)
        target_s = int(row["priority"]) * 0.004 * 86_400
        assert (row["late"] == "1") == (float(row["response_s"]) > target_s)
        assert 1 <= int(row["unit"]) <= 4
    assert [path.name for path in out.parent.iterdir()] == ["result.csv"]


def test_generated_calls_are_the_seed_s(simulate: Command, out: Path) -> None:
    texts = []
    for seed in ("5", "5", "6"):
        assert simulate("--days", "1", "--seed", seed, "--units", "6") == 0
        texts.append(out.read_bytes())
    assert texts[0] == texts[1] != texts[2]
    found = rows(out)
    assert 120 < len(found) < 290  # 200 a day
    assert max(float(row["arrival_s"]) for row in found) < 86_400
    assert {row["priority"] for row in found} == {"1", "2", "3"}


def test_a_city_may_be_packed_and_have_more_columns(
    simulate: Command, city: Path, out: Path
) -> None:
    assert simulate("--calls", str(city / "calls_1.csv")) == 0
    plain = out.read_bytes()
    for path in (city / "calls_1.csv", city / "stations_1.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        packed = "\r\n".join(line + ",,more" for line in lines)
        other = path.with_name(f"other name of {path.name}.gz")
        other.write_bytes(gzip.compress(packed.encode("utf-8-sig")))
        path.unlink()
    assert simulate("--calls", str(city / "other name of calls_1.csv.gz")) == 0
    assert out.read_bytes() == plain


def test_other_redispatch_tables_give_other_results(
    simulate: Command, city: Path, out: Path
) -> None:
    assert simulate("--calls", str(city / "calls_1.csv")) == 0
    assert sum(int(row["redirects"]) for row in rows(out)) > 0
    off = city.parent / "off.csv"
    off.write_text((city / "redispatch.csv").read_text().replace("Redispatch\n1", "Redispatch\n0"))
    assert simulate("--calls", str(city / "calls_1.csv"), "--redispatch", str(off)) == 0
    assert sum(int(row["redirects"]) for row in rows(out)) == 0


def test_a_city_may_tell_its_own_cover(simulate: Command, city: Path, out: Path) -> None:
    calls = ("--calls", str(city / "calls_1.csv"))
    assert simulate(*calls, policy="dmexclp") == 0
    usual = out.read_bytes()
    sets = [f"{a} {b} {c}".split() for a in ("", 1) for b in ("", 2) for c in ("", 3)]
    lines = [f"{' '.join(one)},{1000 if one == ['3'] else 1}" for one in sets if one]
    (city / "sets.csv").write_text("coverSets\nstations,demand\n" + "\n".join(lines) + "\n")
    assert simulate(*calls, policy="dmexclp") == 0
    assert out.read_bytes() != usual
