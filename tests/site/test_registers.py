"""`tocsin import sites` and `tocsin export sites` as a person types them: a CSV file of the
contract's columns, a workbook, a trial run, and what comes out again."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tocsin.record.database import Connection, Urls
from tocsin.record.keys import Keyring
from tocsin.record.workbooks import read_csv, read_xlsx
from tocsin.site.command import main

ROOT = Path(__file__).parents[2]
CONTRACT = (
    "site,name_zh,name_en,address,lat,lon,datum,district,protocol,account,key,key_form,interval_s"
)
KEY = "00112233445566778899AABBCCDDEEFF"
ROW = f"S-1,大楼,House,1 Mill Road,31.2,121.4,WGS-84,main,dc09,1234,{KEY},hex,60"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def tocsin(
    urls: Urls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Ran]:
    for name in [name for name in os.environ if name.startswith("TOCSIN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TOCSIN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TOCSIN_DATABASE_URL", urls.application)
    monkeypatch.setenv("TOCSIN_DATABASE_OWNER_URL", urls.owner)
    # The schema is there: what brings it up to date is tested by itself.
    monkeypatch.setattr("tocsin.site.command.schema.bring_up_to_date", lambda *_: None)

    def run(*words: str | Path) -> Ran:
        try:
            code = main([*map(str, words)])
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


def clear(owner: Connection) -> None:
    for table in ("ref.step", "ref.contact", "ref.zone", "ref.partition", "ref.device", "ref.site"):
        owner.execute(f"DELETE FROM {table}".encode())
    owner.commit()


@pytest.fixture(autouse=True)
def _empty(owner: Connection) -> None:
    clear(owner)


def accounts(connection: Connection) -> list[str]:
    found = [one for (one,) in connection.execute("SELECT account FROM ref.device ORDER BY 1")]
    connection.rollback()
    return found


def test_a_file_of_the_contracts_columns_is_taken(
    tocsin: Callable[..., Ran], tmp_path: Path, connection: Connection
) -> None:
    file = tmp_path / "sites.csv"
    file.write_text(f"{CONTRACT}\n{ROW}\n", encoding="utf-8")
    tried = tocsin("import", "sites", file, "--dry-run")
    assert tried == (0, "1 device can be imported\n", "")
    assert accounts(connection) == []
    assert tocsin("import", "sites", file) == (0, "1 device imported\n", "")
    assert accounts(connection) == ["1234"]


def test_every_bad_row_is_named_and_nothing_is_taken(
    tocsin: Callable[..., Ran], tmp_path: Path, connection: Connection
) -> None:
    file = tmp_path / "sites.csv"
    bad = ROW.replace("31.2", "91").replace("1234", "12 4")
    file.write_text(f"{CONTRACT}\n{ROW}\n\n{bad}\n", encoding="utf-8")
    ran = tocsin("import", "sites", file)
    assert ran.code == 2
    assert f"{file}:4: lat: '91' is no number from -90 to 90" in ran.err
    assert f"{file}:4: account: '12 4' is no account" in ran.err
    assert "2 mistakes; nothing was imported" in ran.err
    assert KEY not in ran.err
    assert accounts(connection) == []


@pytest.mark.parametrize("sample", sorted((ROOT / "docs/operate").glob("sites*.[cx]*")))
def test_the_samples_can_be_imported(
    tocsin: Callable[..., Ran], sample: Path, connection: Connection
) -> None:
    ran = tocsin("import", "sites", sample)
    assert (ran.code, ran.err) == (0, "")
    assert accounts(connection)


def test_a_workbook_goes_out_and_comes_in_the_same(
    tocsin: Callable[..., Ran], tmp_path: Path, connection: Connection, owner: Connection
) -> None:
    assert tocsin("import", "sites", ROOT / "docs/operate/sites.xlsx").code == 0
    first, second = tmp_path / "first.xlsx", tmp_path / "second.xlsx"
    assert tocsin("export", "sites", first, "--with-keys").code == 0
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    clear(owner)
    assert accounts(connection) == []
    assert tocsin("import", "sites", first).code == 0
    assert tocsin("export", "sites", second, "--with-keys").code == 0
    assert read_xlsx(first.read_bytes()) == read_xlsx(second.read_bytes())
    assert all(table.lines for table in read_xlsx(first.read_bytes()).values())


def test_keys_stay_unless_asked_for_and_every_export_is_written_down(
    tocsin: Callable[..., Ran], tmp_path: Path, connection: Connection
) -> None:
    file = tmp_path / "sites.csv"
    file.write_text(f"{CONTRACT}\n{ROW}\n", encoding="utf-8")
    tocsin("import", "sites", file)
    plain, keyed = tmp_path / "plain.csv", tmp_path / "keyed.csv"
    assert tocsin("export", "sites", plain).code == 0
    assert KEY not in plain.read_text("utf-8")
    assert tocsin("export", "sites", keyed, "--with-keys").code == 0
    assert [row["key"] for _, row in read_csv(keyed.read_bytes()).lines] == [KEY]
    found = connection.execute("SELECT what, about FROM log.looked ORDER BY id DESC LIMIT 2")
    assert found.fetchall() == [("export_keys", "keyed.csv"), ("export", "plain.csv")]
    connection.rollback()
    assert tocsin("import", "sites", plain).code == 0
    again = tmp_path / "again.csv"
    assert tocsin("export", "sites", again, "--with-keys").code == 0
    assert again.read_bytes() == keyed.read_bytes()


def test_what_cannot_be_done_is_refused(tocsin: Callable[..., Ran], tmp_path: Path) -> None:
    there = tmp_path / "there.xlsx"
    there.write_bytes(b"PK")
    assert "File exists" in tocsin("export", "sites", there).err
    assert there.read_bytes() == b"PK"
    assert "name it .csv or .xlsx" in tocsin("export", "sites", tmp_path / "x.ods").err
    refused = tocsin("import", "sites", there)
    assert (refused.code, "is no .xlsx workbook" in refused.err) == (2, True)
    assert tocsin("import", "sites", tmp_path / "none.csv").code == 2


def test_ten_thousand_devices_are_taken_within_seconds(
    tocsin: Callable[..., Ran], tmp_path: Path, connection: Connection
) -> None:
    file = tmp_path / "many.csv"
    rows = (
        f"S-{n // 4},大楼,House,1 Mill Road,31.2,121.4,WGS-84,main,dc09,{n:05d},{KEY},hex,60"
        for n in range(10_000)
    )
    file.write_text("\n".join([CONTRACT, *rows]) + "\n", encoding="utf-8")
    begun = time.monotonic()
    assert tocsin("import", "sites", file).code == 0
    took_s = time.monotonic() - begun
    print(f"10,000 devices imported in {took_s:.1f} s")
    assert len(accounts(connection)) == 10_000
    assert took_s < 20
    assert Keyring(tmp_path / "data" / "keys").directory.is_dir()
