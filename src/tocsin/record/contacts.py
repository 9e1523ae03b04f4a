"""Whom to call at a site. Personal data: sealed under a key outside the database, opened one site
at a time, found by nothing but the site, and gone when it is no longer valid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin.record.database import Connection
from tocsin.record.keys import CannotOpen, Keyring, seal, unseal

_CHUNK: Final = 10_000


@dataclass(frozen=True, slots=True)
class Contact:
    """`place` 1 is called first; `language` is `zh`, `en` or empty; valid to the end of
    `valid_until` (UTC)."""

    place: int
    name: str
    role: str
    phone: str
    language: str
    valid_until: date | None = None


def put_contacts(
    connection: Connection, keyring: Keyring, sites: Mapping[UUID, Iterable[tuple[UUID, Contact]]]
) -> None:
    """The contacts of each of these sites are these, under these ids, and no others. The caller
    commits."""
    rows = []
    for site, contacts in sites.items():
        cipher = keyring.contacts(site)
        rows += [
            (one, site, contact.place, contact.valid_until, _sealed(cipher, one, contact))
            for one, contact in contacts
        ]
    connection.execute("DELETE FROM ref.contact WHERE site = ANY(%s)", (list(sites),))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ref.contact (id, site, place, valid_until, sealed)"
            " VALUES (%s, %s, %s, %s, %s)",
            rows,
        )


def contacts_of(
    connection: Connection, keyring: Keyring, site: UUID, today: date
) -> list[tuple[UUID, Contact]]:
    """The site's contacts that are valid today, in the order in which they are called.

    One whose key does not fit (another installation's) is left out. Whoever shows them has asked
    `tocsin.core.access` first and writes down that they were looked at (`tocsin.record.looked`).
    """
    rows = connection.execute(
        "SELECT id, place, valid_until, sealed FROM ref.contact"
        " WHERE site = %s AND (valid_until IS NULL OR valid_until >= %s) ORDER BY place, id",
        (site, today),
    ).fetchall()
    cipher = keyring.contacts(site)
    found = []
    for one, place, valid_until, sealed in rows:
        try:
            plain = unseal(cipher, sealed, one.bytes)
        except CannotOpen:
            continue
        said: dict[str, Any] = msgspec.json.decode(plain)
        found.append((one, Contact(place=place, valid_until=valid_until, **said)))
    return found


def forget_contacts(connection: Connection, today: date) -> int:
    """Remove contacts that are no longer valid; returns how many (at most 10,000 at a time).
    Commits."""
    gone = connection.execute(
        "DELETE FROM ref.contact WHERE id IN"
        " (SELECT id FROM ref.contact WHERE valid_until < %s LIMIT %s)",
        (today, _CHUNK),
    ).rowcount
    connection.commit()
    return gone


def _sealed(cipher: AESGCM, one: UUID, contact: Contact) -> bytes:
    said = {
        "name": contact.name,
        "role": contact.role,
        "phone": contact.phone,
        "language": contact.language,
    }
    return seal(cipher, msgspec.json.encode(said), one.bytes)
