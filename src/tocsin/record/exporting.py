"""The register of sites as the sheets that an import reads: what goes out comes in the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from tocsin.record.book import SHEETS
from tocsin.record.contacts import contacts_of
from tocsin.record.credentials import RULES
from tocsin.record.database import Connection
from tocsin.record.keys import CannotOpen, Keyring, unseal
from tocsin.record.site_rows import shown_interval
from tocsin.record.views.sql import fetch

Rows = list[dict[str, str]]

_REACH: Final = "(%s::text IS NULL OR s.agency = %s) AND (%s OR s.district = ANY(%s))"

_SITES: Final = f"""
SELECT s.code AS site, s.name_zh, s.name_en, s.address, s.address_en, s.lat, s.lon, s.datum,
    s.district, s.agency, d.protocol, d.account, d.interval_s, d.dialect, d.supervision_class,
    d.key, d.id, s.confirm, s.confirm_window_s, s.abort_s, s.two_trip_s
FROM ref.site s JOIN ref.device d ON d.site = s.id
WHERE {_REACH} ORDER BY s.code, d.protocol, d.account"""  # noqa: S608

_PARTITIONS: Final = f"""
SELECT s.code AS site, d.protocol, d.account, p.number AS partition, p.name_zh, p.name_en
FROM ref.partition p JOIN ref.device d ON d.id = p.device JOIN ref.site s ON s.id = d.site
WHERE {_REACH} ORDER BY s.code, d.protocol, d.account, length(p.number), p.number"""  # noqa: S608

_ZONES: Final = f"""
SELECT s.code AS site, d.protocol, d.account, z.number AS zone, z.partition, z.name_zh, z.name_en,
    z.kind, z.location, z.delay
FROM ref.zone z JOIN ref.device d ON d.id = z.device JOIN ref.site s ON s.id = d.site
WHERE {_REACH} ORDER BY s.code, d.protocol, d.account, length(z.number), z.number"""  # noqa: S608

_WITH_CONTACTS: Final = f"""
SELECT s.id, s.code FROM ref.site s
WHERE EXISTS (SELECT FROM ref.contact c WHERE c.site = s.id) AND {_REACH} ORDER BY s.code"""  # noqa: S608

_STEPS: Final = f"""
SELECT s.code AS site, coalesce(d.protocol, '') AS protocol, coalesce(d.account, '') AS account,
    coalesce(z.number, '') AS zone, t.place AS "order", t.text_zh, t.text_en
FROM ref.step t JOIN ref.site s ON s.id = t.site
LEFT JOIN ref.zone z ON z.id = t.zone LEFT JOIN ref.device d ON d.id = z.device
WHERE {_REACH}
ORDER BY s.code, d.protocol NULLS FIRST, d.account, length(z.number), z.number, t.place"""  # noqa: S608


def export_sheets(
    connection: Connection,
    keyring: Keyring,
    today: date,
    *,
    agency: str | None = None,
    districts: Sequence[str] = (),
    with_keys: bool = False,
) -> dict[str, Rows]:
    """The rows of each sheet, of one agency (None: of all) and of `districts` (none: all).

    Keys are left empty unless `with_keys`; an import takes an empty one as "as it is". The contacts
    are personal data. Whoever calls this has written down who asked (`tocsin.record.looked`).
    Leaves the transaction open on `connection`, so that all is of about one moment.
    """
    reach = [agency, agency, not districts, list(districts)]
    sites = fetch(connection, _SITES, reach)
    return {
        "sites": [_site(one, keyring if with_keys else None) for one in sites],
        "partitions": [_texts(one) for one in fetch(connection, _PARTITIONS, reach)],
        "zones": [_texts(one) for one in fetch(connection, _ZONES, reach)],
        "contacts": list(_contacts(connection, keyring, reach, today)),
        "steps": [_texts(one) for one in fetch(connection, _STEPS, reach)],
    }


def columns_of(sheet: str) -> tuple[str, ...]:
    """The columns of a sheet."""
    return SHEETS[sheet]


def _site(one: dict[str, Any], keyring: Keyring | None) -> dict[str, str]:
    sealed, device, protocol = one.pop("key"), one.pop("id"), one["protocol"]
    interval_s = shown_interval(one["interval_s"], one["supervision_class"])
    row = _texts(one) | {"key": "", "key_form": "", "interval_s": interval_s}
    if keyring is None or sealed is None:
        return row
    key = _opened(keyring, sealed, device)
    if key is None:
        return row
    if RULES[protocol].hex_too:
        return row | {"key": key.hex().upper(), "key_form": "hex"}
    return row | {"key": key.decode("ascii"), "key_form": "ascii"}


def _opened(keyring: Keyring, sealed: bytes, device: UUID) -> bytes | None:
    try:
        return unseal(keyring.device(), sealed, device.bytes)
    except CannotOpen:
        return None


def _contacts(
    connection: Connection, keyring: Keyring, reach: list[Any], today: date
) -> Iterator[dict[str, str]]:
    for site in fetch(connection, _WITH_CONTACTS, reach):
        for _, contact in contacts_of(connection, keyring, site["id"], today):
            until = contact.valid_until
            yield {
                "site": site["code"],
                "order": str(contact.place),
                "name": contact.name,
                "role": contact.role,
                "phone": contact.phone,
                "language": contact.language,
                "valid_until": "" if until is None else until.isoformat(),
            }


def _texts(row: dict[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}
