"""Where callers were: sealed as what is heard is, listed for minutes, forgotten within an hour, and
sealed anew under the key of an incident that uses one as evidence. None can be looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin.core.caller_places import KEPT_FOR, SHOWN_FOR, CallerPlace
from tocsin.record.database import Connection
from tocsin.record.keys import CannotOpen, KeyMissing, Keyring, seal, unseal
from tocsin.record.sealing import message_key

LISTED_MAX: Final = 200
REPEAT_S: Final = 180
"""The same place without a time, within this, is the same message sent again."""

_BOUND_TO: Final = b"place"
_FORGOTTEN_MAX: Final = 10_000

Row = tuple[Any, ...]


class Kept(msgspec.Struct, frozen=True):
    """What is sealed: the place, and the message that said it without who the caller is."""

    place: CallerPlace
    message: bytes


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A place as the desk reads it. `incident`: whose evidence it is."""

    id: UUID
    received_at: datetime
    district: str
    agency: str
    assurance: str
    incident: UUID | None
    place: CallerPlace


def row(
    cipher: AESGCM,
    fingerprint: Callable[[bytes], bytes],
    identifier: UUID,
    received_at: datetime,
    owner: tuple[str, str, str],
    kept: Kept,
) -> Row:
    """The columns of one place. `owner`: district, agency, assurance; `fingerprint` is keyed, so
    that what it makes of a place tells nobody where that is."""
    place = kept.place
    when = place.at or datetime.fromtimestamp(
        received_at.timestamp() // REPEAT_S * REPEAT_S, received_at.tzinfo
    )
    same = msgspec.json.encode((place.lat, place.lon, place.radius_m, when))
    sealed = seal(cipher, msgspec.msgpack.encode(kept), _BOUND_TO + identifier.bytes)
    return (identifier, received_at, *owner, fingerprint(same)[:16], sealed)


def write(connection: Connection, rows: Sequence[Row]) -> None:
    """In the transaction that is open. A message that came twice has one row."""
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_WRITE, rows)


def recent(
    connection: Connection,
    keyring: Keyring,
    *,
    agency: str,
    districts: Sequence[str],
    now: datetime,
) -> list[Listed]:
    """Those of the last SHOWN_FOR of the agency's districts (none: of all), newest first, at most
    LISTED_MAX."""
    wanted = (agency, list(districts), list(districts), now - SHOWN_FOR, LISTED_MAX)
    found = [_opened(keyring, one) for one in connection.execute(_RECENT, wanted).fetchall()]
    return [one for one in found if one is not None]


def find(
    connection: Connection, keyring: Keyring, identifier: UUID, now: datetime
) -> Listed | None:
    """One that is still kept, None for one that is gone or never was."""
    one = connection.execute(_ONE, (identifier, now - KEPT_FOR)).fetchone()
    return None if one is None else _opened(keyring, one)


def join(connection: Connection, keyring: Keyring, identifier: UUID, incident: UUID) -> bool:
    """Makes a place evidence of an incident: from now on it is sealed under the incident's key and
    stays as long. False for one that is gone, or is another's. In the transaction that is open."""
    one = connection.execute(_LOCK, (identifier,)).fetchone()
    if one is None or one[1] is not None:
        return one is not None and one[1] == incident
    bound_to = _BOUND_TO + identifier.bytes
    plain = unseal(message_key(keyring, identifier), one[0], bound_to)
    sealed = seal(keyring.incident(incident, create=True), plain, bound_to)
    connection.execute(_JOIN, (sealed, incident, identifier))
    return True


def forget(connection: Connection, now: datetime, *, kept_for: timedelta = KEPT_FOR) -> int:
    """Deletes what is older and no incident's; returns how many. Commits."""
    gone = connection.execute(_FORGET, (now - kept_for, _FORGOTTEN_MAX)).rowcount
    connection.commit()
    return gone


def _opened(keyring: Keyring, columns: Row) -> Listed | None:
    """None where the key has been destroyed: then there is nothing to read any more."""
    identifier, received_at, district, agency, assurance, incident, sealed = columns
    try:
        cipher = (
            message_key(keyring, identifier) if incident is None else keyring.incident(incident)
        )
        plain = unseal(cipher, sealed, _BOUND_TO + identifier.bytes)
    except (KeyMissing, CannotOpen):
        return None
    return Listed(
        id=identifier,
        received_at=received_at,
        district=district,
        agency=agency,
        assurance=assurance,
        incident=incident,
        place=msgspec.msgpack.decode(plain, type=Kept).place,
    )


_WRITE: Final = """
INSERT INTO heard.call_place (id, received_at, district, agency, assurance, repeat_key, sealed)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (repeat_key) DO NOTHING"""
_COLUMNS: Final = "id, received_at, district, agency, assurance, incident, sealed"
_RECENT: Final = f"""
SELECT {_COLUMNS} FROM heard.call_place
WHERE agency = %s AND (%s::text[] = '{{}}' OR district = ANY(%s)) AND received_at > %s
ORDER BY received_at DESC, id DESC LIMIT %s"""  # noqa: S608
_ONE: Final = f"""
SELECT {_COLUMNS} FROM heard.call_place
WHERE id = %s AND (incident IS NOT NULL OR received_at > %s)"""  # noqa: S608
_LOCK: Final = "SELECT sealed, incident FROM heard.call_place WHERE id = %s FOR UPDATE"
_JOIN: Final = "UPDATE heard.call_place SET sealed = %s, incident = %s WHERE id = %s"
_FORGET: Final = """
DELETE FROM heard.call_place WHERE id IN (
    SELECT id FROM heard.call_place WHERE incident IS NULL AND received_at <= %s LIMIT %s)"""
