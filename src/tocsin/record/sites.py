"""Import of sites and their devices from rows of text: every mistake is named with line and column,
and either all rows are taken or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from tocsin.core.supervision import reporting_s
from tocsin.record.credentials import RULES
from tocsin.record.database import Connection
from tocsin.record.devices import CHANNEL
from tocsin.record.ids import uuid7
from tocsin.record.importing import (
    HEADER_LINE,
    Error,
    ImportReport,
    add_districts,
    header_errors,
    only_agency,
    read_lines,
)
from tocsin.record.keys import CannotOpen, Keyring, seal, unseal
from tocsin.record.site_rows import (
    COLUMNS,
    SITE_COLUMNS,
    SiteRow,
    named_device,
    read_row,
    said_of_sites,
    site_contradictions,
)


def import_sites(
    connection: Connection,
    keyring: Keyring,
    rows: Sequence[Mapping[Any, Any]],
    dry_run: bool = False,
    *,
    agency: str | None = None,
    language: str = "en",
) -> ImportReport:
    """Add or change sites and devices from `rows` (as `csv.DictReader` gives them, one a device).

    A site is known by its `site` column, a device by protocol and account. `agency` is that of
    sites without an `agency` column; None: the only agency there is. An empty `key` leaves a
    device's key as it is. Commits, unless there are errors or it is a `dry_run`. `language` is
    `en` or `zh`.
    """
    report = ImportReport(errors=header_errors(rows, COLUMNS, language))
    if report.errors:
        return report
    try:
        lock_register(connection)
        lines = enumerate(rows, start=HEADER_LINE + 1)
        good, report.errors = check_sites(connection, lines, agency=agency, language=language)
        if report.errors or dry_run:
            connection.rollback()
        else:
            write_sites(connection, keyring, good, datetime.now(UTC))
            connection.commit()
    except BaseException:
        connection.rollback()
        raise
    report.rows_ok = 0 if report.errors else len(good)
    return report


def lock_register(connection: Connection) -> None:
    """One import at a time, so that nobody takes an account between our look and our write.
    Readers do not wait."""
    connection.execute("LOCK TABLE ref.device IN SHARE ROW EXCLUSIVE MODE")


def check_sites(
    connection: Connection,
    lines: Iterable[tuple[int, Mapping[Any, Any]]],
    *,
    agency: str | None,
    language: str,
) -> tuple[list[SiteRow], list[Error]]:
    """The rows that can be written, and what is wrong with the others or with all together."""
    agency = agency if agency is not None else only_agency(connection)
    lines = list(lines)
    good, errors = read_lines(lines, partial(read_row, agency=agency, language=language))
    wrong = {line for line, _, _ in errors}
    named = [named_device(line, row, language=language) for line, row in lines if line in wrong]
    errors += site_contradictions(good, language, filter(None, named))
    errors += _taken_accounts(connection, good, language)
    errors += _missing_keys(connection, good, language)
    errors.sort(key=lambda error: error[0])
    return good, errors


def _taken_accounts(connection: Connection, rows: list[SiteRow], language: str) -> list[Error]:
    """Accounts that belong to a device of another site already."""
    known = connection.execute(
        "SELECT d.protocol, d.account, s.code FROM ref.device d JOIN ref.site s ON s.id = d.site"
        " WHERE d.account = ANY(%s)",
        ([row.account for row in rows],),
    ).fetchall()
    owner = {(protocol, account): code for protocol, account, code in known}
    errors = []
    for row in rows:
        code = owner.get((row.protocol, row.account), row.site)
        if code != row.site:
            text = said_of_sites(language, "account_taken", account=row.account, site=code)
            errors.append((row.line, "account", text))
    return errors


def _missing_keys(connection: Connection, rows: list[SiteRow], language: str) -> list[Error]:
    """Rows without a key for a device that must have one and has none yet."""
    lacking = [row for row in rows if row.key is None and RULES[row.protocol].key_needed]
    if not lacking:
        return []
    known = set(
        connection.execute(
            "SELECT protocol, account FROM ref.device WHERE key IS NOT NULL AND account = ANY(%s)",
            ([row.account for row in lacking],),
        ).fetchall()
    )
    return [
        (
            row.line,
            "key",
            said_of_sites(language, "key_needed", protocol=RULES[row.protocol].name),
        )
        for row in lacking
        if (row.protocol, row.account) not in known
    ]


_SITE: Final = """
INSERT INTO ref.site AS s (
    id, code, name_zh, name_en, address, address_en, lat, lon, datum, district, agency,
    confirm, confirm_window_s, abort_s, two_trip_s
) VALUES (%(id)s, %(code)s, %(name_zh)s, %(name_en)s, %(address)s, %(address_en)s, %(lat)s,
    %(lon)s, %(datum)s, %(district)s, %(agency)s, coalesce(%(confirm)s, 'none'),
    coalesce(%(confirm_window_s)s::integer, 1800), coalesce(%(abort_s)s::integer, 0),
    coalesce(%(two_trip_s)s::integer, 0))
ON CONFLICT (code) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en,
    address = excluded.address, address_en = excluded.address_en,
    lat = excluded.lat, lon = excluded.lon, datum = excluded.datum,
    district = excluded.district, agency = excluded.agency,
    confirm = coalesce(%(confirm)s, s.confirm),
    confirm_window_s = coalesce(%(confirm_window_s)s::integer, s.confirm_window_s),
    abort_s = coalesce(%(abort_s)s::integer, s.abort_s),
    two_trip_s = coalesce(%(two_trip_s)s::integer, s.two_trip_s), changed_at = now()"""

_DEVICE: Final = """
INSERT INTO ref.device AS d (
    id, site, protocol, account, key, interval_s, dialect, supervision_class, district, agency
) VALUES (%(id)s, %(site)s, %(protocol)s, %(account)s, %(key)s, %(interval_s)s,
    coalesce(%(dialect)s, ''), coalesce(%(supervision_class)s, ''), %(district)s, %(agency)s)
ON CONFLICT (id) DO UPDATE SET site = excluded.site, key = coalesce(excluded.key, d.key),
    interval_s = excluded.interval_s, dialect = coalesce(%(dialect)s, d.dialect),
    supervision_class = coalesce(%(supervision_class)s, d.supervision_class),
    district = excluded.district, agency = excluded.agency, changed_at = clock_timestamp(),
    panel = d.panel + (excluded.site <> d.site OR excluded.key IS NOT NULL
        OR coalesce(%(dialect)s, d.dialect) <> d.dialect)::integer,
    supervised_since = CASE WHEN d.interval_s IS NOT DISTINCT FROM excluded.interval_s
        THEN d.supervised_since ELSE now() END"""


def write_sites(
    connection: Connection, keyring: Keyring, rows: list[SiteRow], now: datetime
) -> None:
    """Add or change sites and devices by rows that `check_sites` found good. The caller commits;
    then the edge follows."""
    add_districts(connection, (row.district for row in rows))
    with connection.cursor() as cursor:
        described = {row.site: row for row in rows}
        cursor.executemany(_SITE, [_site_values(row, now) for row in described.values()])
        sites = _ids(connection, "SELECT code, id FROM ref.site WHERE code = ANY(%s)", described)
        devices = _ids(
            connection,
            "SELECT protocol || ' ' || account, id FROM ref.device"
            " WHERE protocol || ' ' || account = ANY(%s)",
            {f"{row.protocol} {row.account}": row for row in rows},
        )
        classes: dict[UUID, str] = dict(
            connection.execute(
                "SELECT id, supervision_class FROM ref.device WHERE id = ANY(%s)",
                (list(devices.values()),),
            ).fetchall()
        )
        same = _same_keys(connection, keyring, rows, devices)
        values = [_device_values(row, keyring, sites, devices, now) for row in rows]
        for one in values:
            if one["id"] in same:
                one["key"] = None
            if one["interval_s"] is None:
                kept = classes.get(one["id"], "")
                named = one["supervision_class"]
                one["interval_s"] = reporting_s(kept if named is None else named)
        cursor.executemany(_DEVICE, values)
    connection.execute(f"NOTIFY {CHANNEL}".encode())


def _same_keys(
    connection: Connection, keyring: Keyring, rows: list[SiteRow], devices: Mapping[str, UUID]
) -> set[UUID]:
    """Devices whose row has the key that they have already. Another one means another panel, or one
    that was set up anew: what was learnt of it is forgotten then (`tocsin.record.learnt`)."""
    given = {
        device: row.key
        for row in rows
        if row.key is not None
        and (device := devices.get(f"{row.protocol} {row.account}")) is not None
    }
    found = connection.execute(
        "SELECT id, key FROM ref.device WHERE key IS NOT NULL AND id = ANY(%s)", (list(given),)
    )
    return {device for device, sealed in found if _opened(keyring, sealed, device) == given[device]}


def _opened(keyring: Keyring, sealed: bytes, device: UUID) -> bytes | None:
    try:
        return unseal(keyring.device(), sealed, device.bytes)
    except CannotOpen:
        return None


def _ids(connection: Connection, query: str, names: Mapping[str, SiteRow]) -> dict[str, UUID]:
    return dict(connection.execute(query.encode(), (list(names),)).fetchall())


def _site_values(row: SiteRow, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid7(now),
        "code": row.site,
        **{name: getattr(row, name) for name in SITE_COLUMNS},
    }


def _device_values(
    row: SiteRow,
    keyring: Keyring,
    sites: Mapping[str, UUID],
    devices: Mapping[str, UUID],
    now: datetime,
) -> dict[str, Any]:
    device = devices.get(f"{row.protocol} {row.account}") or uuid7(now)
    return {
        "id": device,
        "site": sites[row.site],
        "protocol": row.protocol,
        "account": row.account,
        "key": None if row.key is None else seal(keyring.device(), row.key, device.bytes),
        "interval_s": row.interval_s,
        "dialect": row.dialect,
        "supervision_class": row.supervision_class,
        "district": row.district,
        "agency": row.agency,
    }
