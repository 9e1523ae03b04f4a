"""What a way in refused and kept nowhere: the newest of it, for the installer whose panel is not
heard. What came is sealed like all that is heard, and gone after an hour."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from tocsin.record.database import Connection
from tocsin.record.ids import uuid7
from tocsin.record.keys import CannotOpen, KeyMissing, Keyring, seal
from tocsin.record.networks import network_of
from tocsin.record.sealing import DayKeys, body_binding, message_key, open_body
from tocsin.record.views.sql import fetch

KEPT_FOR: Final = timedelta(hours=1)
KEPT_MAX: Final = 200
"""Of each way in: the newest."""

KEPT_OF_SENDER_MAX: Final = 50
"""Of them so many may be of one network address: who floods does not drive out everybody else."""

BYTES_MAX: Final = 64

Row = tuple[Any, ...]

logger = logging.getLogger("tocsin.heard")


@dataclass(slots=True)
class Refusal:
    """One of them. `raw`: its first BYTES_MAX bytes; `size`: how many came. `further`: how many
    more were refused in the same second, and are not shown."""

    at: datetime
    address: str
    reason: str
    raw: bytes
    size: int
    further: int = 0


class Waiting:
    """Those that are not written yet, sealed; of each way in the newest KEPT_MAX."""

    def __init__(self) -> None:
        self._rows: dict[str, deque[Row]] = {}

    def __bool__(self) -> bool:
        return bool(self._rows)

    def add(
        self, keys: DayKeys, intake: str, refusals: Iterable[Refusal], district: str, agency: str
    ) -> None:
        """Seals them under the key of their day. Where that cannot be had they are gone, and the
        log says so: they are worth no intake."""
        try:
            for one in refusals:
                row = sealed(keys, intake, one, district, agency)
                self._rows.setdefault(intake, deque(maxlen=KEPT_MAX)).append(row)
        except (KeyMissing, OSError) as error:
            logger.warning("what was refused cannot be sealed", extra={"why": str(error)})

    def take(self) -> dict[str, deque[Row]]:
        """All of them; they wait no more."""
        rows, self._rows = self._rows, {}
        return rows

    def put_back(self, rows: dict[str, deque[Row]]) -> None:
        """They could not be written; newer ones win."""
        for intake, older in rows.items():
            self._rows[intake] = deque([*older, *self._rows.get(intake, ())], KEPT_MAX)


def sealed(keys: DayKeys, intake: str, one: Refusal, district: str, agency: str) -> Row:
    """Its row. Raises `KeyMissing`, OSError."""
    identifier = uuid7(one.at)
    body = seal(keys.cipher(identifier.bytes), one.raw[:BYTES_MAX], body_binding(identifier.bytes))
    return (
        *(identifier, one.at, intake, one.address, network_of(one.address), one.reason),
        *(one.size, one.further, district, agency, body),
    )


async def write(connection: asyncpg.Connection, rows: dict[str, deque[Row]], now: datetime) -> None:
    """Writes what was taken, and removes what is too much or too old of these ways in."""
    await connection.execute(_WRITE, [row for some in rows.values() for row in some])
    await connection.execute(_PRUNE, list(rows), KEPT_MAX, KEPT_OF_SENDER_MAX, now - KEPT_FOR)


def forget(connection: Connection, now: datetime) -> int:
    """Removes what is older than an hour; returns how many. Commits."""
    gone = connection.execute("DELETE FROM heard.refused WHERE at < %s", (now - KEPT_FOR,)).rowcount
    connection.commit()
    return gone


def refused(
    connection: Connection, keyring: Keyring, since: datetime, now: datetime, *, address: str = ""
) -> list[dict[str, Any]]:
    """Since then, and of the last hour at most; newest first, of one network `address` where it is
    given. `raw`: its first bytes, None once their key is gone. `is_full`: its way in or its sender
    has as many as are kept, so older ones are gone. Whoever calls this has written down who looks.
    """
    found = fetch(
        connection,
        _NEWEST,
        [KEPT_MAX, KEPT_OF_SENDER_MAX, max(since, now - KEPT_FOR), address, address],
    )
    for one in found:
        body = one.pop("body")
        try:
            one["raw"] = open_body(message_key(keyring, one["id"]), one["id"], body)
        except (KeyMissing, CannotOpen):
            one["raw"] = None
    return found


_WRITE: Final = "INSERT INTO heard.refused SELECT * FROM unnest($1::heard.refused[])"

_PRUNE: Final = """
DELETE FROM heard.refused WHERE at < $4 OR id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER newest AS place,
            row_number() OVER (PARTITION BY intake, network ORDER BY at DESC, id DESC) AS of_sender
        FROM heard.refused WHERE intake = ANY($1)
        WINDOW newest AS (PARTITION BY intake ORDER BY at DESC, id DESC)) r
    WHERE place > $2 OR of_sender > $3)"""

_NEWEST: Final = """
SELECT * FROM (
    SELECT id, at, intake, source_address, reason, size, further, district, agency, body,
        count(*) OVER (PARTITION BY intake) >= %s
            OR count(*) OVER (PARTITION BY intake, network) >= %s AS is_full
    FROM heard.refused) r
WHERE at >= %s AND (%s = '' OR source_address = %s)
ORDER BY at DESC, id DESC"""
