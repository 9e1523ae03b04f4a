"""Import of sites: every mistake named with line and column, all or nothing, keys sealed; and the
edge's copy of the register."""

import asyncio
import csv
import io
from datetime import date
from uuid import uuid4

import pytest
from random_history import site_row

from tocsin.core.supervision import REPORTING_S
from tocsin.record import devices as registered
from tocsin.record.database import Connection, Urls
from tocsin.record.devices import DeviceBook
from tocsin.record.exporting import export_sheets
from tocsin.record.keys import Keyring
from tocsin.record.site_rows import INTERVAL_S_MAX
from tocsin.record.sites import import_sites
from tocsin.record.views import get_row, list_rows

HEADER = (
    "site,name_zh,name_en,address,lat,lon,datum,district,protocol,account,key,key_form,interval_s"
)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def errors_of(
    connection: Connection, keyring: Keyring, *rows: dict[str, str], language: str = "en"
) -> list[tuple[int, str]]:
    report = import_sites(connection, keyring, rows, agency="fire", language=language)
    assert report.rows_ok == 0
    return [(line, column) for line, column, _ in report.errors]


def test_sites_and_devices_are_imported(connection: Connection, keyring: Keyring) -> None:
    site = 'M-1,磨坊,Mill,"Mill Road, 4",31.2,121.4,GCJ-02,huangpu,dc09'
    key = "A" * 16
    text = f"\ufeff{HEADER}\n{site},10aF,{key},ascii,90\n{site},10B0,,,\n"
    report = import_sites(connection, keyring, rows_of(text), agency="fire")
    assert report.errors == []
    assert report.rows_ok == 2
    devices = list_rows(connection, "devices", filters={"account": "10AF"})["items"]
    assert [(one["has_key"], one["interval_s"]) for one in devices] == [(True, 90)]
    assert "key" not in devices[0]
    site = get_row(connection, "sites", devices[0]["site"])
    assert site is not None
    assert (site["place"]["datum"], site["address"]) == ("GCJ-02", "Mill Road, 4")
    assert len(site["devices"]) == 2


def test_importing_again_changes_and_keeps_ids_and_keys(
    connection: Connection, keyring: Keyring
) -> None:
    row = site_row("20A0", key="00112233445566778899AABBCCDDEEFF", key_form="hex")
    assert import_sites(connection, keyring, [row], agency="fire").rows_ok == 1
    before = list_rows(connection, "devices", filters={"account": "20A0"})["items"][0]
    changed = row | {"name_en": "New name", "key": "", "key_form": "", "interval_s": "60"}
    assert import_sites(connection, keyring, [changed], agency="fire").rows_ok == 1
    after = list_rows(connection, "devices", filters={"account": "20A0"})["items"][0]
    assert (after["id"], after["site"]) == (before["id"], before["site"])
    assert (after["has_key"], after["interval_s"]) == (True, 60)
    site = get_row(connection, "sites", after["site"])
    assert site is not None
    assert site["name_en"] == "New name"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("site", ""),
        ("site", "a\0b"),
        ("name_en", "x" * 201),
        ("lat", "ninety"),
        ("lat", "90.1"),
        ("lat", "nan"),
        ("lon", "-180.5"),
        ("lon", ""),
        ("datum", "WGS84"),
        ("datum", ""),
        ("district", ""),
        ("protocol", "dc-09"),
        ("account", "0123456789ABCDEF0"),
        ("account", "12345678901234567"),
        ("account", "12 4"),
        ("interval_s", "0"),
        ("interval_s", "1.5"),
        ("interval_s", "99999999999999999999"),
        ("key_form", "base64"),
    ],
)
def test_each_mistake_is_named(
    connection: Connection, keyring: Keyring, column: str, value: str
) -> None:
    good, bad = site_row("30A0"), site_row("30A1") | {column: value}
    assert errors_of(connection, keyring, good, bad) == [(3, column)]
    assert list_rows(connection, "devices", filters={"account": "30A0"})["items"] == []


@pytest.mark.parametrize(
    ("key", "form", "ok"),
    [
        *((("a" * length), "ascii", length in (16, 24, 32)) for length in (15, 16, 17, 24, 32, 33)),
        *((("0" * length), "hex", length in (32, 48, 64)) for length in (16, 32, 33, 48, 64, 65)),
        ("g" * 32, "hex", False),
        ("密" * 16, "ascii", False),
        ("a" * 16, "", False),
    ],
)
def test_forms_of_keys(
    connection: Connection, keyring: Keyring, key: str, form: str, ok: bool
) -> None:
    row = site_row("40A0", key=key, key_form=form)
    report = import_sites(connection, keyring, [row], True, agency="fire")
    assert (report.errors == []) is ok
    for _, column, text in report.errors:
        assert column in ("key", "key_form")
        assert key not in text


def test_contradictions_between_rows_and_with_what_is_there(
    connection: Connection, keyring: Keyring
) -> None:
    assert import_sites(connection, keyring, [site_row("50A0")], agency="fire").rows_ok == 1
    errors = errors_of(
        connection,
        keyring,
        site_row("50B0"),
        site_row("50b0", site="other"),
        site_row("50B1", site="S-50B0", name_en="Another name"),
        site_row("50A0", site="elsewhere"),
    )
    assert errors == [(3, "account"), (4, "name_en"), (5, "account")]


def test_an_account_twice_is_named_also_where_a_row_has_another_mistake(
    connection: Connection, keyring: Keyring
) -> None:
    """Or the second mistake would be found in a second round only."""
    errors = errors_of(
        connection,
        keyring,
        site_row("51A0", datum="x"),
        site_row("51a0", site="other"),
        site_row("51A0", site="third", lat="north"),
        site_row("51/0"),
        site_row("51/0"),
    )
    twice = [(3, "account"), (4, "account"), (4, "lat")]
    assert sorted(errors) == [(2, "datum"), *twice, (5, "account"), (6, "account")]
    report = import_sites(
        connection, keyring, [site_row("51A0", datum="x"), site_row("51A0")], agency="fire"
    )
    assert "already in line 2" in report.errors[1][2]


def test_missing_columns_extra_fields_and_an_empty_file(
    connection: Connection, keyring: Keyring
) -> None:
    row = site_row("60A0")
    del row["datum"]
    assert errors_of(connection, keyring, row) == [(1, "datum")]
    assert errors_of(connection, keyring) == [(1, "site")]
    extra = rows_of(f"{HEADER}\n" + ",".join(site_row("60A1").values()) + ",more\n")
    assert (2, "interval_s") in errors_of(connection, keyring, *extra)


def test_messages_are_in_the_readers_language(connection: Connection, keyring: Keyring) -> None:
    bad = site_row("70A0", datum="x")
    texts = [
        import_sites(connection, keyring, [bad], agency="fire", language=language).errors[0][2]
        for language in ("en", "zh")
    ]
    assert texts[0] == "'x' is no datum: give one of WGS-84, GCJ-02, BD-09, CGCS2000"
    assert texts[1] == "'x' 不是坐标系：请填写 WGS-84, GCJ-02, BD-09, CGCS2000 之一"


def test_a_dry_run_writes_nothing(connection: Connection, keyring: Keyring) -> None:
    report = import_sites(connection, keyring, [site_row("80A0")], dry_run=True, agency="fire")
    assert (report.rows_ok, report.errors) == (1, [])
    assert list_rows(connection, "devices", filters={"account": "80A0"})["items"] == []


def test_the_edges_copy_follows_an_import_at_once(
    urls: Urls,
    connection: Connection,
    keyring: Keyring,
    administrator: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registered, "REFRESH_S", 600)  # only a wake-up can bring what is new

    async def run() -> None:
        book = DeviceBook()
        await book.start(urls.application, keyring)
        try:
            assert book.find("dc09", "90A0") is None
            row = site_row("90A0", key="a" * 16, key_form="ascii", interval_s="30")
            await asyncio.to_thread(import_sites, connection, keyring, [row], agency="fire")
            async with asyncio.timeout(10):
                while (device := book.find("dc09", "90A0")) is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            assert (device.key, device.interval_s) == (b"a" * 16, 30)
            assert (device.district, device.agency) == ("huangpu", "fire")

            # The connection is lost: the copy stays, and follows again by itself.
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'tocsin devices'"
            )
            assert book.find("dc09", "90A0") is not None
            row = site_row("90A1")
            await asyncio.to_thread(import_sites, connection, keyring, [row], agency="fire")
            async with asyncio.timeout(10):
                while book.find("dc09", "90A1") is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            await book.stop()

    asyncio.run(run())


def test_a_device_with_a_key_that_does_not_open_is_known_without_it(
    urls: Urls, connection: Connection, keyring: Keyring
) -> None:
    row = site_row("A0A0", key="a" * 16, key_form="ascii")
    import_sites(connection, keyring, [row], agency="fire")
    other = Keyring(keyring.directory.with_name(f"other-{uuid4().hex}"))

    async def run() -> None:
        book = DeviceBook()
        await book.start(urls.application, other)
        device = book.find("dc09", "A0A0")
        assert device is not None
        assert device.key is None
        await book.stop()

    asyncio.run(run())


def test_a_dialect_is_delivered_and_kept_by_files_without_the_column(
    urls: Urls, connection: Connection, keyring: Keyring
) -> None:
    def delivered() -> str:
        async def run() -> str:
            book = DeviceBook()
            await book.start(urls.application, keyring)
            device = book.find("dc09", "B0A0")
            await book.stop()
            assert device is not None
            return device.dialect

        return asyncio.run(run())

    row = site_row("B0A0", dialect="eldes;duh")
    assert import_sites(connection, keyring, [row], agency="fire").errors == []
    assert delivered() == "eldes;duh"
    del row["dialect"]
    assert import_sites(connection, keyring, [row], agency="fire").errors == []
    assert delivered() == "eldes;duh"
    assert import_sites(connection, keyring, [row | {"dialect": ""}], agency="fire").errors == []
    assert delivered() == ""


def test_a_device_that_must_have_a_key_may_keep_the_one_it_has(
    connection: Connection, keyring: Keyring
) -> None:
    row = site_row("hook", protocol="webhook")
    assert errors_of(connection, keyring, row) == [(2, "key")]
    keyed = row | {"key": "k" * 16, "key_form": "ascii"}
    assert import_sites(connection, keyring, [keyed], agency="fire").errors == []
    assert import_sites(connection, keyring, [row], agency="fire").errors == []


def test_a_class_stands_for_the_interval_where_that_is_empty(
    connection: Connection, keyring: Keyring
) -> None:
    """And goes out as it came in, so that another class has its own time."""

    def taken(**more: str) -> tuple[str, int | None]:
        row = site_row("20C5") | more
        assert import_sites(connection, keyring, [row], agency="fire").errors == []
        [device] = list_rows(connection, "devices", filters={"account": "20C5"})["items"]
        return device["supervision_class"], device["interval_s"]

    def exported() -> tuple[str, str]:
        rows = export_sheets(connection, keyring, date(2026, 11, 22))["sites"]
        connection.rollback()
        [row] = [one for one in rows if one["account"] == "20C5"]
        return row["supervision_class"], row["interval_s"]

    assert taken() == ("", None)
    for name, seconds in REPORTING_S.items():
        assert taken(supervision_class=name.lower()) == (name, seconds)
        assert exported() == (name, "")
    assert taken(interval_s="") == ("DP4", 90)  # a file without the column
    assert taken(interval_s="600") == ("DP4", 600)
    assert exported() == ("DP4", "600")
    assert taken(supervision_class="SP1", interval_s="2764800") == ("SP1", INTERVAL_S_MAX)
    assert taken(supervision_class="") == ("", None)
    for wrong in ("SP0", "SP7", "DP5", "4"):
        row = site_row("20C5", supervision_class=wrong)
        assert errors_of(connection, keyring, row) == [(2, "supervision_class")]
