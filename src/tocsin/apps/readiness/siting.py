"""Sites and devices from the screens into the record: the same road as `tocsin import sites`, with
the administrator's own limits put in front of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import get_language

from tocsin.apps.log import connection, keyring
from tocsin.core.access import may
from tocsin.core.terms import Actor
from tocsin.record import learnt, workbooks
from tocsin.record.book import BookReport, import_book
from tocsin.record.devices import CHANNEL
from tocsin.record.exporting import columns_of, export_sheets
from tocsin.record.looked import Looked, record_look
from tocsin.record.views import get_row, list_rows
from tocsin.record.workbooks import Table, read_csv, read_xlsx, write_xlsx

Row = dict[str, Any]


class NotReadable(ValueError):
    """The uploaded file cannot be taken; the text says why and what to do, in the reader's
    language."""


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """The rows of an uploaded CSV file. Raises `NotReadable`."""
    try:
        return [row for _, row in read_csv(content).lines]
    except workbooks.NotReadable as error:
        raise NotReadable(error.of(get_language() or "zh")) from None


def take_file(
    actor: Actor, name: str, content: bytes, *, dry_run: bool, language: str
) -> BookReport:
    """Imports a CSV file or a workbook, all or nothing, within what the actor may manage. Raises
    `NotReadable`."""
    is_book = name.lower().endswith((".xlsx", ".xlsm", ".xls"))
    try:
        sheets = read_xlsx(content) if is_book else {"sites": read_csv(content)}
    except workbooks.NotReadable as error:
        raise NotReadable(error.of(language)) from None
    with connection() as opened:
        return import_book(
            opened,
            keyring(),
            sheets,
            dry_run,
            agency=actor.agency,
            language=language,
            allowed=lambda district, agency: may(
                actor, "manage:sites", district=district, agency=agency
            ),
            other_columns=not is_book,
        )


def take_row(actor: Actor, row: Mapping[str, Any], *, language: str) -> list[tuple[str, str]]:
    """Adds or changes one device of a site; what is wrong with it, by column."""
    table = Table(tuple(row), [(2, dict(row))])
    with connection() as opened:
        report = import_book(
            opened,
            keyring(),
            {"sites": table},
            agency=actor.agency,
            language=language,
            allowed=lambda district, agency: may(
                actor, "manage:sites", district=district, agency=agency
            ),
        )
    return [(column, text) for _, _, column, text in report.errors]


def exported(actor: Actor, name: str) -> bytes:
    """The register that the actor manages, as a workbook without keys; written down first."""
    now = datetime.now(UTC)
    with connection() as opened:
        record_look(opened, actor, Looked.EXPORT, name, now=now)
        sheets = export_sheets(
            opened, keyring(), now.date(), agency=actor.agency, districts=actor.districts
        )
        opened.rollback()
    return write_xlsx({sheet: (columns_of(sheet), rows) for sheet, rows in sheets.items()})


def listed(actor: Actor, cursor: str | None) -> dict[str, Any]:
    """A page of the sites that the actor manages, by their code."""
    with connection() as opened:
        return list_rows(
            opened,
            "register",
            limit=100,
            cursor=cursor,
            districts=actor.districts,
            agency=actor.agency,
        )


def district_names(language: str) -> dict[str, str]:
    """The districts' names in one language, `zh` or `en`, by code; the other where one is empty."""
    with connection() as opened:
        rows = opened.execute("SELECT code, name_zh, name_en FROM ref.district").fetchall()
    return {code: (en or zh) if language == "en" else (zh or en) for code, zh, en in rows}


def one(actor: Actor, site: UUID) -> tuple[Row, list[Row]] | None:
    """A site and its devices; None if there is none or it is somebody else's."""
    with connection() as opened:
        row = get_row(opened, "sites", site)
        if row is None or not may(
            actor, "manage:sites", district=row["district"], agency=row["agency"]
        ):
            return None
        devices: list[Row] = []
        cursor = None
        while True:
            page = list_rows(opened, "devices", limit=500, cursor=cursor, filters={"site": site})
            devices += page["items"]
            cursor = page["next"]
            if cursor is None:
                return row, [_with_time(device) for device in devices]


def forget_recognised(device: UUID) -> None:
    """What was recognised of a device is forgotten, and every way in told so. Whether the actor may
    has been asked (`one`)."""
    with connection() as opened:
        learnt.forget(opened, device)
        opened.execute(f"NOTIFY {CHANNEL}".encode())
        opened.commit()


def _with_time(device: Row) -> Row:
    """The device with its times as times, which a template can show."""
    recognised = device["recognised"]
    if recognised is not None:
        recognised = {**recognised, "clock_since": _time(recognised["clock_since"])}
    return {**device, "last_seen_at": _time(device["last_seen_at"]), "recognised": recognised}


def _time(at: str | None) -> datetime | None:
    return None if at is None else datetime.fromisoformat(at)


def by_code(actor: Actor, code: str) -> Row | None:
    """The site of that name, as far as the actor manages it."""
    with connection() as opened:
        page = list_rows(
            opened,
            "sites",
            filters={"code": code},
            districts=actor.districts,
            agency=actor.agency,
        )
    return page["items"][0] if page["items"] else None
