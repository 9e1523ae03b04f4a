"""Import of the whole register of sites from the sheets of a workbook (or one CSV file): every
mistake is named with sheet, line and column, and either everything is taken or nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from tocsin.record.database import Connection
from tocsin.record.importing import HEADER_LINE, Error, header_errors, read_lines, said
from tocsin.record.keys import Keyring
from tocsin.record.register import Register, write_register
from tocsin.record.register_rows import (
    CONTACT_COLUMNS,
    OPTIONAL,
    PARTITION_COLUMNS,
    STEP_COLUMNS,
    TEXTS,
    ZONE_COLUMNS,
    ContactRow,
    PartitionRow,
    StepRow,
    ZoneRow,
    read_contact,
    read_partition,
    read_step,
    read_zone,
)
from tocsin.record.site_rows import COLUMNS, OPTIONAL_COLUMNS, SiteRow
from tocsin.record.sites import check_sites, lock_register, write_sites
from tocsin.record.workbooks import Lines, Table

SHEETS: Final[dict[str, tuple[str, ...]]] = {
    "sites": (*COLUMNS, *OPTIONAL_COLUMNS),
    "partitions": PARTITION_COLUMNS,
    "zones": ZONE_COLUMNS,
    "contacts": CONTACT_COLUMNS,
    "steps": STEP_COLUMNS,
}
"""The sheets of a workbook and their columns, in the order in which they are written."""

ERRORS_MAX: Final = 1_000
"""More mistakes than this are counted, not named: nobody corrects them one by one."""

_OPTIONAL: Final = {"sites": frozenset(OPTIONAL_COLUMNS), **OPTIONAL}

BookError = tuple[str, int, str, str]


@dataclass(slots=True)
class BookReport:
    """How many rows of each sheet are (or with dry_run would be) imported: all, or none with
    `errors`, each (sheet, line, column, what is wrong and what to do)."""

    rows_ok: dict[str, int] = field(default_factory=dict)
    errors: list[BookError] = field(default_factory=list)
    more_errors: int = 0


class _Row(Protocol):
    @property
    def line(self) -> int: ...


R = TypeVar("R", bound=_Row)


def import_book(
    connection: Connection,
    keyring: Keyring,
    sheets: Mapping[str, Table],
    dry_run: bool = False,
    *,
    agency: str | None = None,
    language: str = "en",
    now: datetime | None = None,
    allowed: Callable[[str, str], bool] | None = None,
    other_columns: bool = False,
) -> BookReport:
    """Add or change sites and devices by the sheet `sites`, as `import_sites`; and for each site
    that stands in one of the other sheets, make its partitions, zones, contacts or steps those of
    that sheet and no others.

    `allowed` (district, agency) says which sites the importer may touch; None: all. Columns that
    nobody knows are mistakes, unless `other_columns`. Commits, unless there are errors or it is a
    `dry_run`. `language` is `en` or `zh`.
    """
    now = now or datetime.now(UTC)
    found = _Found(language)
    _headers(found, sheets, other_columns=other_columns)
    if found.report.errors:
        return found.report
    lines = {name: sheets[name].lines if name in sheets else [] for name in SHEETS}
    try:
        lock_register(connection)
        good, errors = check_sites(connection, lines["sites"], agency=agency, language=language)
        found.wrong("sites", errors)
        register = _read(found, lines, now)
        known = _Known(connection, good, register)
        _check(found, register, known)
        if allowed is not None:
            _check_reach(found, register, good, known, allowed)
        if not found.report.errors and not dry_run:
            if good:
                write_sites(connection, keyring, good, now)
            write_register(connection, keyring, register, now)
            connection.commit()
        else:
            connection.rollback()
    except BaseException:
        connection.rollback()
        raise
    return found.finished({name: len(rows) for name, rows in lines.items() if rows})


class _Found:
    """The report in the making."""

    def __init__(self, language: str) -> None:
        self.report = BookReport()
        self.language = language

    def wrong(self, sheet: str, errors: Iterable[Error]) -> None:
        self.report.errors += [(sheet, *error) for error in errors]

    def say(self, sheet: str, line: int, column: str, what: str, **values: object) -> None:
        text = said(self.language, what, {**TEXTS, **_TEXTS}, **values)
        self.report.errors.append((sheet, line, column, text))

    def finished(self, counts: dict[str, int]) -> BookReport:
        order = list(SHEETS)
        self.report.errors.sort(key=lambda one: (order.index(one[0]), one[1]))
        self.report.more_errors = max(0, len(self.report.errors) - ERRORS_MAX)
        del self.report.errors[ERRORS_MAX:]
        if not self.report.errors:
            self.report.rows_ok = counts
        return self.report


_TEXTS: Final = {
    "no_sheet": (
        "the workbook has no rows in any of the sheets {sheets}: fill one of them",
        "工作簿的工作表 {sheets} 均无数据行：请至少填写其中之一",
    ),
    "sheet": (
        "{value!r} is no sheet of a register: name it one of {sheets}, or remove it",
        "{value!r} 不是登记表的工作表：请改名为 {sheets} 之一，或删除",
    ),
    "column": (
        "{value!r} is no column of this sheet: correct it, or remove it; the columns are {columns}",
        "{value!r} 不是此工作表的列：请更正或删除；应有的列为 {columns}",
    ),
    "not_yours": ("you do not manage this site", "您不管理该联网单位"),
}


def _headers(found: _Found, sheets: Mapping[str, Table], *, other_columns: bool) -> None:
    names = ", ".join(SHEETS)
    for name, table in sheets.items():
        if name not in SHEETS:
            if table.header:
                found.report.errors.append(
                    (
                        name,
                        HEADER_LINE,
                        "",
                        said(found.language, "sheet", _TEXTS, value=name, sheets=names),
                    )
                )
            continue
        if not table.header and len(sheets) > 1:  # a sheet that nobody has filled
            continue
        columns = [one for one in SHEETS[name] if one not in _OPTIONAL[name]]
        row: dict[Any, Any] = dict.fromkeys(table.header, "")
        found.wrong(name, header_errors([row], columns, found.language))
        listed = ",".join(SHEETS[name])
        for one in table.header:
            if one and one not in SHEETS[name] and not other_columns:
                found.say(name, HEADER_LINE, one, "column", value=one, columns=listed)
    filled = [name for name, table in sheets.items() if table.lines]
    if found.report.errors or filled:
        return
    if len(sheets) == 1 and "sites" in sheets:
        found.say("sites", HEADER_LINE, "site", "no_rows")
    else:
        found.say("sites", HEADER_LINE, "site", "no_sheet", sheets=names)


def _read(found: _Found, lines: Mapping[str, Lines], now: datetime) -> Register:
    language = found.language

    def read(sheet: str, rule: Callable[..., R | list[Error]]) -> list[R]:
        rows, errors = read_lines(lines[sheet], rule)
        found.wrong(sheet, errors)
        return rows

    return Register(
        partitions=read("partitions", partial(read_partition, language=language)),
        zones=read("zones", partial(read_zone, language=language)),
        contacts=read("contacts", partial(read_contact, language=language, today=now.date())),
        steps=read("steps", partial(read_step, language=language)),
    )


class _Known:
    """What the register holds of what the sheets name, with what the sheet `sites` adds."""

    def __init__(self, connection: Connection, rows: list[SiteRow], register: Register) -> None:
        sites = register.sites
        self.place = {
            code: (district, agency)
            for code, district, agency in connection.execute(
                "SELECT code, district, agency FROM ref.site WHERE code = ANY(%s)",
                ([*sites, *(row.site for row in rows)],),
            )
        }
        self.sites = {*self.place, *(row.site for row in rows)}
        devices: dict[tuple[str, str, str], UUID] = {
            (site, protocol, account): device
            for site, protocol, account, device in connection.execute(
                "SELECT s.code, d.protocol, d.account, d.id FROM ref.device d"
                " JOIN ref.site s ON s.id = d.site WHERE s.code = ANY(%s)",
                (list(sites),),
            )
        }
        self.devices = {*devices, *((row.site, row.protocol, row.account) for row in rows)}
        self.zones = _numbers(connection, devices, "zone", register.zones)
        self.partitions = _numbers(connection, devices, "partition", register.partitions)


def _numbers(
    connection: Connection,
    devices: Mapping[tuple[str, str, str], UUID],
    table: str,
    rows: Iterable[ZoneRow | PartitionRow],
) -> set[tuple[str, str, str, str]]:
    """The zones or partitions as they will be: a site that stands in the sheet has those of the
    sheet only."""
    by_id = {device: key for key, device in devices.items()}
    replaced = {row.site for row in rows}
    found = connection.execute(
        f"SELECT device, number FROM ref.{table} WHERE device = ANY(%s)".encode(),  # noqa: S608
        (list(by_id),),
    ).fetchall()
    return {
        *((*by_id[device], number) for device, number in found if by_id[device][0] not in replaced),
        *(
            (
                row.site,
                row.protocol,
                row.account,
                row.zone if isinstance(row, ZoneRow) else row.partition,
            )
            for row in rows
        ),
    }


def _check(found: _Found, register: Register, known: _Known) -> None:
    """What the rows point to is there, and nothing stands there twice."""
    for partition in register.partitions:
        _check_device(found, "partitions", partition, known)
    for zone in register.zones:
        if _check_device(found, "zones", zone, known) and zone.partition:
            key = (zone.site, zone.protocol, zone.account, zone.partition)
            if key not in known.partitions:
                found.say(
                    "zones",
                    zone.line,
                    "partition",
                    "no_partition",
                    account=zone.account,
                    partition=zone.partition,
                )
    for contact in register.contacts:
        _check_site(found, "contacts", contact, known)
    for step in register.steps:
        if not step.zone:
            _check_site(found, "steps", step, known)
        elif _check_device(found, "steps", step, known):
            key = (step.site, step.protocol, step.account, step.zone)
            if key not in known.zones:
                found.say(
                    "steps", step.line, "zone", "no_zone", account=step.account, zone=step.zone
                )
    _once(
        found,
        "partitions",
        "partition",
        register.partitions,
        lambda row: (row.protocol, row.account, row.partition),
    )
    _once(found, "zones", "zone", register.zones, lambda row: (row.protocol, row.account, row.zone))
    _once(found, "contacts", "order", register.contacts, lambda row: (row.site, row.order))
    _once(
        found,
        "steps",
        "order",
        register.steps,
        lambda row: (row.site, row.protocol, row.account, row.zone, row.order),
    )


def _check_site(
    found: _Found, sheet: str, row: ContactRow | StepRow | ZoneRow | PartitionRow, known: _Known
) -> bool:
    if row.site in known.sites:
        return True
    found.say(sheet, row.line, "site", "no_site", site=row.site)
    return False


def _check_device(
    found: _Found, sheet: str, row: StepRow | ZoneRow | PartitionRow, known: _Known
) -> bool:
    if not _check_site(found, sheet, row, known):
        return False
    if (row.site, row.protocol, row.account) in known.devices:
        return True
    found.say(
        sheet,
        row.line,
        "account",
        "no_device",
        site=row.site,
        protocol=row.protocol,
        account=row.account,
    )
    return False


def _once(
    found: _Found, sheet: str, column: str, rows: Iterable[R], key: Callable[[R], Hashable]
) -> None:
    first: dict[Hashable, int] = {}
    for row in rows:
        line = first.setdefault(key(row), row.line)
        if line != row.line:
            found.say(sheet, row.line, column, "twice", first=line)


def _check_reach(
    found: _Found,
    register: Register,
    rows: list[SiteRow],
    known: _Known,
    allowed: Callable[[str, str], bool],
) -> None:
    """Rows about a site that the importer does not manage, as it is or as it would become."""
    becomes = {row.site: (row.district, row.agency) for row in rows}
    for sheet, some in (
        ("sites", rows),
        ("partitions", register.partitions),
        ("zones", register.zones),
        ("contacts", register.contacts),
        ("steps", register.steps),
    ):
        for row in some:
            places = [
                place for place in (known.place.get(row.site), becomes.get(row.site)) if place
            ]
            if not all(allowed(*place) for place in places):
                found.say(sheet, row.line, "site", "not_yours")
