"""`tocsin codes` as a user meets it: a file is read in, tried, put in force, taken back."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tocsin.core.codes import cap, contact_id, sia
from tocsin.record.code_rows import COLUMNS
from tocsin.record.database import Connection, Urls
from tocsin.record.keys import Keyring
from tocsin.record.sites import import_sites
from tocsin.site.command import main, schema

SAMPLE = Path(__file__).parents[2] / "docs" / "operate" / "codes.csv"
CHINESE = {"LC_ALL": "zh_CN.UTF-8"}
SITE = {
    "site": "SHOP-1",
    "name_zh": "门店",
    "name_en": "Shop",
    "address": "1 Mill Road",
    "lat": "31.23",
    "lon": "121.47",
    "datum": "WGS-84",
    "district": "huangpu",
    "protocol": "dc09",
    "account": "C0DE",
    "key": "",
    "key_form": "",
    "interval_s": "",
}
_agencies = itertools.count(1)

Codes = Callable[..., tuple[int, str, str]]


@pytest.fixture
def codes(
    urls: Urls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Codes:
    """Runs `tocsin codes` on this module's database; exit code, output, complaints."""
    # The database is one that was brought up to date already.
    monkeypatch.setattr(schema, "bring_up_to_date", lambda *_: None)
    monkeypatch.setenv("TOCSIN_DATABASE_URL", urls.application)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str | Path, LC_ALL: str = "C.UTF-8") -> tuple[int, str, str]:  # noqa: N803
        monkeypatch.setenv("LC_ALL", LC_ALL)
        code = main(["codes", *map(str, words), "--data", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def agency() -> str:
    return f"command-{next(_agencies)}"


def drafted(codes: Codes, agency: str, file: Path = SAMPLE) -> str:
    code, out, err = codes("import", file, "--agency", agency)
    assert (code, err) == (0, "")
    return out.split()[1]


def test_the_whole_table_is_printed_in_both_languages(codes: Codes) -> None:
    code, out, _ = codes("list")
    lines = out.splitlines()
    assert code == 0
    assert len(lines) == 1 + 3 * len(contact_id.CODES) + len(sia.CODES) + 3 * len(cap.CODES)
    head = "list code q zones effect type level number answer version text_en text_zh"
    assert " ".join(lines[0].split()) == head
    [line] = [one for one in lines if one.startswith("cid   121        1")]
    assert line.split()[:5] == ["cid", "121", "1", "-", "Alarm"]
    assert "user" in line
    assert "Duress alarm" in line
    assert "胁迫报警" in codes("list", **CHINESE)[1]


def test_one_row_is_said_as_one(codes: Codes, agency: str, tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    sample = Path(SAMPLE).read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(sample[:2]) + "\n", encoding="utf-8")
    assert codes("import", file, "--agency", agency, "--dry-run")[1] == "1 row is in order\n"
    assert " has 1 row. Try it" in codes("import", file, "--agency", agency)[1]
    assert " 1 row" in codes("versions", "--agency", agency)[1]
    assert "1 rows" not in codes("versions", "--agency", agency)[1]


def test_the_sample_file_goes_the_whole_road(codes: Codes, agency: str, tmp_path: Path) -> None:
    code, out, _ = codes("import", SAMPLE, "--agency", agency, "--dry-run")
    assert (code, out) == (0, "6 rows are in order\n")
    assert "no versions" in codes("versions", "--agency", agency)[1]
    draft = drafted(codes, agency)
    code, _, err = codes("put-in-force", draft, "--reason", "agreed with the shops")
    assert code == 2
    assert "try it first" in err
    code, out, _ = codes("try", draft, "--sample", "cid:130:1:002", "--days", "365")
    assert code == 0
    assert "CID 1 130, 002: Burglary alarm, zone 2" in out
    assert "-> Counter help button, zone 2" in out
    assert "0 signals of the last 365 days" in out
    assert codes("put-in-force", draft, "--reason", "agreed with the shops")[0] == 0
    changed = codes("list", "--changed", "--agency", agency)[1].splitlines()
    assert len(changed) == 1 + 12
    assert codes("list", "--changed")[1].count("\n") == 1  # another agency's is as it was
    code, out, _ = codes("export", "--agency", agency)
    assert list(csv.DictReader(io.StringIO(out))) != []
    assert out.splitlines()[0] == ",".join(COLUMNS)
    file = tmp_path / "codes.csv"
    assert codes("export", file, "--agency", agency)[0] == 0
    assert codes("export", file, "--agency", agency)[0] == 2  # nothing is written over
    assert codes("import", file, "--agency", agency, "--dry-run")[1] == "6 rows are in order\n"
    code, out, _ = codes("roll-back", "--agency", agency, "--reason", "shops disagree", **CHINESE)
    assert (code, out) == (0, "已恢复使用内置代码表\n")
    said = codes("versions", "--agency", agency)[1]
    for words in ("Retired", "Draft begun", "Tried", "Put in force", "Rolled back"):
        assert words in said
    assert "shops disagree" in said


def test_an_alarm_falls_silent_only_with_a_written_reason(
    codes: Codes, agency: str, tmp_path: Path
) -> None:
    file = tmp_path / "quiet.csv"
    file.write_text(f"{','.join(COLUMNS)}\nsia,FA,,,,test,fire,4,,,no\n", encoding="utf-8")
    draft = drafted(codes, agency, file)
    assert "Would open no incident any more:\n  SIA FA: Fire alarm" in codes("try", draft)[1]
    code, _, err = codes("put-in-force", draft, "--reason", "agreed with all")
    assert code == 2
    assert "SIA FA: Fire alarm" in err
    code, _, _ = codes(
        *("put-in-force", draft, "--reason", "agreed with all", "--silences", "a training school")
    )
    assert code == 0
    assert "agreed with all; a training school" in codes("versions", "--agency", agency)[1]


def test_a_version_is_approved_for_a_time_to_come_and_withdrawn(codes: Codes, agency: str) -> None:
    draft = drafted(codes, agency)
    assert codes("try", draft)[0] == 0
    force = ("put-in-force", draft, "--reason", "from the new year on", "--from")
    code, _, err = codes(*force, "2020-01-01T00:00+08:00")
    assert code == 2
    assert "The time must lie ahead" in err
    for wrong in ("2027-01-01T00:00", "soon"):  # of which place?
        with pytest.raises(SystemExit):
            codes(*force, wrong)
    begins = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M}+00:00"
    code, out, _ = codes(*force, begins)
    assert (code, out.split(";")[0]) == (
        0,
        f"version {draft} comes into force at {begins[:10]} {begins[11:16]} UTC",
    )
    assert "To come into force" in codes("versions", "--agency", agency)[1]
    assert codes("list", "--changed", "--agency", agency)[1].count("\n") == 1  # not yet
    code, out, _ = codes("withdraw", "--agency", agency, "--reason", "the shops asked for time")
    assert (code, out) == (0, f"version {draft} does not come into force; it is now: Draft\n")
    code, _, err = codes("withdraw", "--agency", agency, "--reason", "the shops asked for time")
    assert code == 2
    assert "No version is to come into force." in err


def test_every_mistake_of_a_file_is_named_and_nothing_changes(
    codes: Codes, agency: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    rows = "sia,F,,,,alarm,fire,1,,,\ncid,130,,,,alarm,ghost,9,,,\n"
    file.write_text(",".join(COLUMNS) + "\n" + rows, encoding="utf-8")
    code, _, err = codes("import", file, "--agency", agency)
    assert code == 2
    for where in ("bad.csv:2: code: ", "bad.csv:3: type: ", "bad.csv:3: level: "):
        assert where in err
    assert "3 mistakes; nothing was changed" in err
    assert "no versions" in codes("versions", "--agency", agency)[1]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["try", "999999"], "There is no such version"),
        (["put-in-force", "999999", "--reason", "because so"], "There is no such version"),
        (["roll-back", "--agency", "nobody", "--reason", "because so"], "No version is in force"),
        (["list", "--site", "NOWHERE"], "there is no site 'NOWHERE'"),
        (["import", "/nowhere.csv"], "/nowhere.csv: No such file"),
        (["try", "1", "--days", "0"], "--days: 1 to 365"),
        (["try", "1", "--sample", "cid"], "write it as LIST:CODE:QUALIFIER:ZONE"),
        (["export", "--version", "999999"], "There is no such version"),
    ],
)
def test_what_cannot_be_done_is_said_and_refused(
    codes: Codes, words: list[str], complaint: str
) -> None:
    code, _, err = codes(*words)
    assert code == 2
    assert complaint in err


def test_a_site_has_a_table_of_its_own(
    codes: Codes, connection: Connection, keyring: Keyring, agency: str, tmp_path: Path
) -> None:
    report = import_sites(connection, keyring, [SITE], agency=agency)
    assert report.errors == []
    file = tmp_path / "shop.csv"
    row = "cid,130,,,,alarm,panic,1,求助,Help,yes"
    file.write_text(f"{','.join(COLUMNS)}\n{row}\n", encoding="utf-8")
    code, out, _ = codes("import", file, "--site", "SHOP-1", "--note", "for the shop")
    assert code == 0
    number = out.split()[1]
    assert codes("try", number)[0] == codes("put-in-force", number, "--reason", "agreed")[0] == 0
    assert codes("list", "--changed", "--site", "SHOP-1")[1].count("Help") == 3
    assert "Help" not in codes("list", "--changed", "--agency", agency)[1]
    assert "for the shop" in codes("versions", "--site", "SHOP-1")[1]
