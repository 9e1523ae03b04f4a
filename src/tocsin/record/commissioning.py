"""What a new panel sends, as it is heard: for the installer who waits for it. Messages of unknown
senders and of one account; what they say stays sealed, only what a frame tells of itself is
shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from tocsin.core.signals import SignalRead
from tocsin.record.database import Connection
from tocsin.record.ids import first_at
from tocsin.record.keys import CannotOpen, KeyMissing, Keyring, unseal
from tocsin.record.sealing import message_key, open_body
from tocsin.record.views.sql import fetch

FRAMES_MAX: Final = 200
_LOOKED_AT_MAX: Final = 2_000

_MESSAGES: Final = """
SELECT m.id, m.received_at, m.intake, m.protocol, m.source_address, m.answer, m.problem, m.device,
    m.district, m.agency, m.assurance, m.repeat_of, m.read, m.body, d.dialect
FROM heard.message m LEFT JOIN ref.device d ON d.id = m.device
WHERE m.id >= %s AND m.received_at >= %s AND (m.device IS NULL OR m.device = ANY(%s))
    AND (%s = '' OR m.source_address = %s)
ORDER BY m.id DESC LIMIT %s"""

_SEEN: Final = """
SELECT d.protocol, d.account, d.district, d.agency, s.last_seen_at,
    s.polls > 0 AND NOT EXISTS (
        SELECT FROM heard.message m
        WHERE m.device = d.id AND m.id >= log.first_id(s.last_seen_at - interval '1 minute')
            AND m.received_at = s.last_seen_at) AS is_poll
FROM ref.device d JOIN ref.seen s ON s.device = d.id
WHERE upper(d.account) = %s ORDER BY d.protocol, d.account"""


def frames(
    connection: Connection,
    keyring: Keyring,
    since: datetime,
    *,
    account: str = "",
    address: str = "",
) -> list[dict[str, Any]]:
    """Messages since then, newest first: with `account`, those that name it, known or not; else
    those of unknown senders, of one network `address` where it is given.

    At most 200, of the newest 2,000 that come into question. `read` is the first signal, `raw` the
    bytes as they came (None once their key is gone). Whoever calls this has written down who looks.
    """
    folded = account.upper()
    devices = [
        device
        for (device,) in connection.execute(
            "SELECT id FROM ref.device WHERE upper(account) = %s", (folded,)
        )
    ]
    found = []
    asked = [first_at(since), since, devices, address, address, _LOOKED_AT_MAX]
    for one in fetch(connection, _MESSAGES, asked):
        read = msgspec.json.decode(one["read"], type=SignalRead)
        if folded and read.account.upper() != folded and one["device"] not in devices:
            continue
        raw = _raw(keyring, one["id"], one.pop("body"))
        found.append({**one, "read": read, "raw": raw})
        if len(found) == FRAMES_MAX:
            break
    return found


def last_seen(connection: Connection, account: str) -> list[dict[str, Any]]:
    """The devices of this account that were ever heard, with `last_seen_at`, and whether it was by
    a poll, of which no message is kept."""
    return fetch(connection, _SEEN, [account.upper()])


def key_of(connection: Connection, keyring: Keyring, device: UUID) -> bytes | None:
    """A device's key, to find out why its frames do not open; it is shown to nobody."""
    row = connection.execute("SELECT key FROM ref.device WHERE id = %s", (device,)).fetchone()
    if row is None or row[0] is None:
        return None
    try:
        return unseal(keyring.device(), row[0], device.bytes)
    except CannotOpen:
        return None


def _raw(keyring: Keyring, message: UUID, body: bytes) -> bytes | None:
    try:
        return open_body(message_key(keyring, message), message, body)
    except (KeyMissing, CannotOpen):
        return None
