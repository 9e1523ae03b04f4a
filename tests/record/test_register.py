"""The register of sites as a workbook: every mistake named with sheet, line and column, all or
nothing, out and in again the same, and contacts that only their site's key opens."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from random_history import site_row

from tocsin.record.book import SHEETS, BookReport, import_book
from tocsin.record.contacts import contacts_of, forget_contacts
from tocsin.record.database import Connection
from tocsin.record.exporting import export_sheets
from tocsin.record.keys import Keyring
from tocsin.record.register import partitions_of, steps_of, zones_of
from tocsin.record.retention import forget_old
from tocsin.record.workbooks import Table, read_xlsx, write_xlsx

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAME, PHONE = "Zhang Wei-Secret", "+86 139 0000 1111"

Rows = list[dict[str, str]]


def device(site: str, account: str, **fields: str) -> dict[str, str]:
    return site_row(account, site=site, name_en="House", **fields)


def zone(site: str, account: str, number: str, **fields: str) -> dict[str, str]:
    row = {"site": site, "protocol": "dc09", "account": account, "zone": number}
    row |= {"partition": "", "name_zh": "大厅", "name_en": "Hall", "kind": "smoke"}
    return row | {"location": "1F", "delay": ""} | fields


def contact(site: str, order: str = "1", **fields: str) -> dict[str, str]:
    row = {"site": site, "order": order, "name": NAME, "role": "Caretaker", "phone": PHONE}
    return row | {"language": "zh", "valid_until": "2027-12-31"} | fields


def step(site: str, order: str, **fields: str) -> dict[str, str]:
    row = {"site": site, "protocol": "", "account": "", "zone": "", "order": order}
    return row | {"text_zh": "拨打值班电话", "text_en": "Call the guard"} | fields


def sheets(**rows: Rows) -> dict[str, Table]:
    return {
        name: Table(SHEETS[name], list(enumerate(some, start=2))) for name, some in rows.items()
    }


def take(
    connection: Connection,
    keyring: Keyring,
    dry_run: bool = False,
    language: str = "en",
    **rows: Rows,
) -> BookReport:
    return import_book(
        connection, keyring, sheets(**rows), dry_run, agency="fire", language=language, now=NOW
    )


def site_id(connection: Connection, code: str) -> Any:
    row = connection.execute("SELECT id FROM ref.site WHERE code = %s", (code,)).fetchone()
    return row[0] if row else None


def whole(site: str, account: str) -> dict[str, Rows]:
    """Everything that a site can have, keys included."""
    return {
        "sites": [
            device(site, account, key="0A" * 16, key_form="hex", interval_s="90"),
            device(site, f"{account}b", protocol="mqtt", key="=secret-word", key_form="ascii"),
        ],
        "partitions": [
            {"site": site, "protocol": "dc09", "account": account, "partition": "01"}
            | {"name_zh": "一层", "name_en": "Ground floor"}
        ],
        "zones": [
            zone(site, account, "007", partition="1", delay="entry"),
            zone(site, account, "8", kind="holdup", name_zh="", name_en="=Till"),
        ],
        "contacts": [contact(site), contact(site, "2", name="Li", role="", valid_until="")],
        "steps": [
            step(site, "1"),
            step(site, "1", protocol="dc09", account=account, zone="7", text_zh="", text_en="Look"),
        ],
    }


def test_a_workbook_is_taken_whole(connection: Connection, keyring: Keyring) -> None:
    report = take(connection, keyring, **whole("R-1", "C001"))
    assert report.errors == []
    assert report.rows_ok == {
        "sites": 2,
        "partitions": 1,
        "zones": 2,
        "contacts": 2,
        "steps": 2,
    }
    site = site_id(connection, "R-1")
    zones = zones_of(connection, site)
    assert [(one["number"], one["partition"], one["kind"], one["delay"]) for one in zones] == [
        ("7", "1", "smoke", "entry"),
        ("8", "", "holdup", ""),
    ]
    assert [one["name_en"] for one in partitions_of(connection, site)] == ["Ground floor"]
    steps = steps_of(connection, site)
    assert [(one["zone"], one["order"], one["text_zh"]) for one in steps] == [
        (None, 1, "拨打值班电话"),
        (zones[0]["id"], 1, "Look"),
    ]


def test_what_goes_out_comes_in_the_same(
    connection: Connection, keyring: Keyring, owner: Connection
) -> None:
    take(connection, keyring, **whole("R-2", "C002"))

    def exported(with_keys: bool) -> dict[str, Rows]:
        found = export_sheets(connection, keyring, NOW.date(), with_keys=with_keys)
        connection.rollback()
        return {name: [row for row in rows if row["site"] == "R-2"] for name, rows in found.items()}

    before = exported(with_keys=True)
    assert {row["key"] for row in before["sites"]} == {"0A" * 16, "=secret-word"}
    assert {row["key"] for row in exported(with_keys=False)["sites"]} == {""}
    book = write_xlsx({name: (SHEETS[name], rows) for name, rows in before.items()})
    for table in ("ref.step", "ref.contact", "ref.zone", "ref.partition", "ref.device", "ref.site"):
        owner.execute(f"DELETE FROM {table}".encode())
    owner.commit()
    report = import_book(connection, keyring, read_xlsx(book), agency="other", now=NOW)
    assert report.errors == []
    assert exported(with_keys=True) == before
    # Without keys it can be read over what is there: they stay.
    plain = exported(with_keys=False)
    book = write_xlsx({name: (SHEETS[name], rows) for name, rows in plain.items()})
    assert import_book(connection, keyring, read_xlsx(book), agency="other", now=NOW).errors == []
    assert exported(with_keys=True) == before


def test_a_sheet_says_all_that_a_site_has(connection: Connection, keyring: Keyring) -> None:
    take(connection, keyring, **whole("R-3", "C003"))
    take(connection, keyring, **whole("R-4", "C004"))
    site = site_id(connection, "R-3")
    before = {one["number"]: one["id"] for one in zones_of(connection, site)}
    report = take(connection, keyring, zones=[zone("R-3", "C003", "7"), zone("R-3", "C003", "9")])
    assert report.errors == []
    after = {one["number"]: one["id"] for one in zones_of(connection, site)}
    assert set(after) == {"7", "9"}
    assert after["7"] == before["7"]
    assert len(steps_of(connection, site)) == 2
    take(connection, keyring, contacts=[contact("R-3", name="Only one")])
    assert [one.name for _, one in contacts_of(connection, keyring, site, NOW.date())] == [
        "Only one"
    ]
    other = site_id(connection, "R-4")
    assert len(zones_of(connection, other)) == 2
    assert len(contacts_of(connection, keyring, other, NOW.date())) == 2


def test_a_dry_run_and_a_mistake_change_nothing(connection: Connection, keyring: Keyring) -> None:
    report = take(connection, keyring, dry_run=True, **whole("R-5", "C005"))
    assert report.errors == []
    assert report.rows_ok["zones"] == 2
    assert site_id(connection, "R-5") is None
    connection.rollback()
    rows = whole("R-5", "C005")
    rows["steps"].append(step("R-5", "100"))
    report = take(connection, keyring, **rows)
    assert [(sheet, line, column) for sheet, line, column, _ in report.errors] == [
        ("steps", 4, "order")
    ]
    assert report.rows_ok == {}
    assert site_id(connection, "R-5") is None


MISTAKES = [
    ("sites", {"lat": "91"}, "lat"),
    ("sites", {"account": "C0-1"}, "account"),
    ("sites", {"key": "short", "key_form": "ascii"}, "key"),
    ("partitions", {"partition": "1/2"}, "partition"),
    ("partitions", {"partition": ""}, "partition"),
    ("partitions", {"account": "FFFF"}, "account"),
    ("zones", {"zone": ""}, "zone"),
    ("zones", {"zone": "123456789"}, "zone"),
    ("zones", {"kind": "smok"}, "kind"),
    ("zones", {"kind": ""}, "kind"),
    ("zones", {"delay": "slow"}, "delay"),
    ("zones", {"partition": "2"}, "partition"),
    ("zones", {"site": "nowhere"}, "site"),
    ("zones", {"protocol": "sia"}, "protocol"),
    ("zones", {"protocol": "mqtt"}, "account"),
    ("zones", {"location": "x" * 201}, "location"),
    ("contacts", {"name": ""}, "name"),
    ("contacts", {"name": "x" * 81}, "name"),
    ("contacts", {"name": "a\x01b"}, "name"),
    ("contacts", {"role": "x" * 81}, "role"),
    ("contacts", {"phone": ""}, "phone"),
    ("contacts", {"phone": "call me"}, "phone"),
    ("contacts", {"language": "fr"}, "language"),
    ("contacts", {"order": "0"}, "order"),
    ("contacts", {"order": "first"}, "order"),
    ("contacts", {"valid_until": "31.12.2027"}, "valid_until"),
    ("contacts", {"valid_until": "2026-11-20"}, "valid_until"),
    ("contacts", {"site": "nowhere"}, "site"),
    ("contacts", {"site": ""}, "site"),
    ("steps", {"text_zh": "", "text_en": ""}, "text_zh"),
    ("steps", {"order": "1.5"}, "order"),
    ("steps", {"site": "nowhere"}, "site"),
    ("steps", {"zone": "7"}, "zone"),
    ("steps", {"zone": "99", "protocol": "dc09", "account": "C006"}, "zone"),
]


@pytest.mark.parametrize(("sheet", "change", "column"), MISTAKES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_mistake_is_named_by_sheet_line_and_column(
    connection: Connection,
    keyring: Keyring,
    sheet: str,
    change: dict[str, str],
    column: str,
    language: str,
) -> None:
    rows = whole("R-6", "C006")
    rows[sheet][0] = rows[sheet][0] | change
    report = take(connection, keyring, language=language, **rows)
    found = [(name, line, where) for name, line, where, _ in report.errors]
    assert (sheet, 2, column) in found
    # What follows from it may be said too; nothing else is.
    assert {(name, where) for name, _, where in found} <= {
        (sheet, column),
        *(
            (("zones", "account"), ("partitions", "account"), ("steps", "account"))
            if sheet == "sites"
            else ()
        ),
        *((("steps", "zone"),) if sheet == "zones" else ()),
        *((("zones", "partition"),) if sheet == "partitions" else ()),
    }
    text = next(text for name, _, where, text in report.errors if (name, where) == (sheet, column))
    assert any("一" <= letter <= "鿿" for letter in text) == (language == "zh")
    assert site_id(connection, "R-6") is None


def test_mistakes_in_contacts_never_say_who(connection: Connection, keyring: Keyring) -> None:
    for change in ({"name": "SECRET" * 20}, {"phone": "SECRET"}, {"role": "SECRET\x01"}):
        for language in ("en", "zh"):
            report = take(
                connection, keyring, language=language, contacts=[contact("nowhere", **change)]
            )
            assert report.errors
            assert "SECRET" not in repr(report)


def test_what_stands_twice_is_named(connection: Connection, keyring: Keyring) -> None:
    rows = whole("R-7", "C007")
    for sheet in ("partitions", "zones", "contacts", "steps"):
        rows[sheet].append(dict(rows[sheet][0]))
    report = take(connection, keyring, **rows)
    assert {(sheet, column) for sheet, _, column, _ in report.errors} == {
        ("partitions", "partition"),
        ("zones", "zone"),
        ("contacts", "order"),
        ("steps", "order"),
    }


def test_columns_and_sheets_that_nobody_knows_are_named(
    connection: Connection, keyring: Keyring
) -> None:
    book = {
        "sites": Table((*SHEETS["sites"], "colour"), [(2, device("R-8", "C008"))]),
        "zones": Table(SHEETS["zones"][:-3], []),
        "zonen": Table(("site",), [(2, {"site": "x"})]),
        "sheet3": Table((), []),
    }
    report = import_book(connection, keyring, book, agency="fire")
    assert [(sheet, line, column) for sheet, line, column, _ in report.errors] == [
        ("sites", 1, "colour"),
        ("zones", 1, "kind"),
        ("zonen", 1, ""),
    ]
    empty = {name: Table(SHEETS[name], []) for name in SHEETS}
    assert import_book(connection, keyring, empty, agency="fire").errors != []
    assert import_book(connection, keyring, {}, agency="fire").errors != []


def test_an_importer_touches_only_what_it_manages(connection: Connection, keyring: Keyring) -> None:
    take(connection, keyring, **whole("R-9", "C009"))
    rows = whole("R-9", "C009")
    rows["sites"] = [row | {"district": "north"} for row in rows["sites"]]

    def tried(districts: set[str], **some: Rows) -> set[str]:
        report = import_book(
            connection,
            keyring,
            sheets(**some),
            True,
            agency="fire",
            now=NOW,
            allowed=lambda district, agency: district in districts and agency == "fire",
        )
        return {sheet for sheet, _, column, _ in report.errors if column == "site"}

    assert tried({"north", "huangpu"}, **rows) == set()
    assert tried({"north"}, **rows) == set(SHEETS)
    assert tried({"huangpu"}, **rows) == set(SHEETS)
    assert tried({"north"}, contacts=[contact("R-9")]) == {"contacts"}


def test_contacts_are_sealed_and_open_only_at_their_site(
    connection: Connection, keyring: Keyring
) -> None:
    take(connection, keyring, **whole("R-10", "C010"))
    take(connection, keyring, **whole("R-11", "C011"))
    kept = connection.execute("SELECT c.sealed, row_to_json(c)::text FROM ref.contact c").fetchall()
    assert kept
    for sealed, text in kept:
        for personal in (NAME, PHONE):
            assert personal.encode() not in sealed
            assert personal not in text
    one, other = site_id(connection, "R-10"), site_id(connection, "R-11")
    assert [who.name for _, who in contacts_of(connection, keyring, one, NOW.date())] == [
        NAME,
        "Li",
    ]
    # A row that is moved to another site opens there no more.
    connection.execute("UPDATE ref.contact SET site = %s WHERE site = %s", (other, one))
    assert len(contacts_of(connection, keyring, other, NOW.date())) == 2
    connection.rollback()


def test_contacts_end(connection: Connection, keyring: Keyring) -> None:
    take(connection, keyring, **whole("R-12", "C012"))
    site = site_id(connection, "R-12")
    last, after = date(2027, 12, 31), date(2028, 1, 1)
    assert len(contacts_of(connection, keyring, site, last)) == 2
    assert len(contacts_of(connection, keyring, site, after)) == 1
    mine = "SELECT count(*) FROM ref.contact WHERE site = %s"
    forget_contacts(connection, last)
    assert connection.execute(mine, (site,)).fetchone() == (2,)
    forget_contacts(connection, after)
    assert connection.execute(mine, (site,)).fetchone() == (1,)


def test_retention_forgets_contacts_too(connection: Connection, keyring: Keyring) -> None:
    take(connection, keyring, **whole("R-13", "C013"))
    mine = (
        "SELECT count(*) FROM ref.contact c JOIN ref.site s ON s.id = c.site WHERE s.code = 'R-13'"
    )
    forget_old(connection, NOW)
    assert connection.execute(mine).fetchone() == (2,)
    forget_old(connection, datetime(2028, 1, 1, tzinfo=UTC))
    assert connection.execute(mine).fetchone() == (1,)
