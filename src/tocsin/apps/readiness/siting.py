"""Sites and devices from the screens into the record: the same road as `tocsin import sites`, with
the administrator's own limits put in front of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from tocsin.apps.log import connection, keyring
from tocsin.core.access import may
from tocsin.core.terms import Actor
from tocsin.record.database import Connection
from tocsin.record.importing import ImportReport
from tocsin.record.sites import import_sites
from tocsin.record.views import get_row, list_rows

Row = dict[str, Any]


class NotReadable(ValueError):
    """The uploaded file is no CSV in UTF-8; the text says what to do."""


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """The rows of an uploaded CSV file. Raises `NotReadable`."""
    try:
        text = content.decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))
    except UnicodeDecodeError:
        raise NotReadable(gettext("The file is not UTF-8: save it as CSV UTF-8.")) from None
    except csv.Error as error:
        raise NotReadable(gettext("The file is not CSV: %(why)s") % {"why": error}) from None


def take(
    actor: Actor, rows: Sequence[Mapping[str, Any]], *, dry_run: bool, language: str
) -> ImportReport:
    """Imports rows of the sites file, all or nothing, within what the actor may manage."""
    with connection() as opened:
        foreign = _foreign(opened, actor, rows)
        if foreign:
            return ImportReport(errors=foreign)
        return import_sites(
            opened, keyring(), rows, dry_run, agency=actor.agency, language=language
        )


def _foreign(
    opened: Connection, actor: Actor, rows: Sequence[Mapping[str, Any]]
) -> list[tuple[int, str, str]]:
    """Rows for a district that the actor does not manage, or for a site of somebody else."""
    codes = [str(row.get("site") or "").strip() for row in rows]
    known = {
        code: (district, agency)
        for code, district, agency in opened.execute(
            "SELECT code, district, agency FROM ref.site WHERE code = ANY(%s)",
            ([code for code in codes if "\0" not in code],),
        )
    }
    opened.rollback()
    errors = []
    for line, (row, code) in enumerate(zip(rows, codes, strict=True), start=2):
        district = str(row.get("district") or "").strip()
        if district and not may(actor, "manage:sites", district=district, agency=actor.agency):
            errors.append((line, "district", gettext("You do not manage this district.")))
        elif code in known:
            owner_district, owner_agency = known[code]
            if not may(actor, "manage:sites", district=owner_district, agency=owner_agency):
                errors.append((line, "site", gettext("This name belongs to another site.")))
    return errors


def listed(actor: Actor, cursor: str | None) -> dict[str, Any]:
    """A page of the sites that the actor manages."""
    with connection() as opened:
        return list_rows(
            opened,
            "sites",
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


def _with_time(device: Row) -> Row:
    """The device with `last_seen_at` as a time, which a template can show."""
    at = device["last_seen_at"]
    return {**device, "last_seen_at": datetime.fromisoformat(at) if isinstance(at, str) else at}
