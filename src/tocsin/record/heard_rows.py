"""Messages and signals as columns: built once per batch, sealed on the way, written by one
statement. Kept apart from the flusher because every microsecond here is paid per message."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin.core.signals import SignalRead
from tocsin.record.ids import OrderedIds
from tocsin.record.keys import KEY_BYTES, NONCE_BYTES
from tocsin.record.sealing import body_binding, seal_text

if TYPE_CHECKING:
    from tocsin.record.heard import Heard

REPEAT_WINDOW: Final = timedelta(minutes=3)
"""A plain message equal to one heard at most this long ago repeats it; later it is news."""

NOTHING_READ: Final = SignalRead(protocol="", token="", account="")

# One statement, so one round trip and one transaction; NOTIFY once per batch wakes `tocsin work`.
# A message has one signal nearly always: it travels in the message's columns, the others apart.
# What could not be understood is listed among the signals too, but not decided on.
# Rows, not an array per column: asyncpg looks twice at each element of an array and not at the
# fields of a row, which halves what a message costs here.
WRITE: Final = """
WITH given AS (
    SELECT * FROM unnest($1::heard.given[])
), signals AS (
    SELECT id AS signal, id AS message, repeat_of, read, text FROM given
    WHERE read IS NOT NULL OR problem IS NOT NULL
    UNION ALL
    SELECT * FROM unnest($2::heard.further[])
), message AS (
    INSERT INTO heard.message (id, received_at, intake, protocol, source_address, wrapped_key, body,
        answer, problem, repeat_key)
    SELECT id, received_at, intake, protocol, source_address, wrapped_key, body, answer, problem,
        repeat_key
    FROM given
), signal AS (
    INSERT INTO heard.signal (id, message, received_at, district, agency, device, site, assurance,
        repeat_of, read, text)
    SELECT s.signal, s.message, g.received_at, g.district, g.agency, g.device, g.site, g.assurance,
        s.repeat_of, coalesce(s.read, $3), s.text
    FROM signals s JOIN given g ON g.id = s.message
), pending AS (
    INSERT INTO heard.pending (signal, known, queue)
    SELECT s.signal, g.device IS NOT NULL, coalesce(g.device::text, g.source_address)
    FROM signals s JOIN given g ON g.id = s.message
    WHERE s.read IS NOT NULL AND s.repeat_of IS NULL RETURNING signal
)
SELECT pg_notify('heard', '') FROM (SELECT FROM pending LIMIT 1) woken"""

_RECENT: Final = """
SELECT m.repeat_key, m.id, m.received_at,
    (SELECT array_agg(s.id ORDER BY s.id) FROM heard.signal s WHERE s.message = m.id) AS signals
FROM heard.message m
WHERE m.received_at > now() - $1::interval AND m.repeat_key IS NOT NULL
  AND NOT EXISTS (SELECT FROM heard.signal s WHERE s.message = m.id AND s.repeat_of IS NOT NULL)
ORDER BY m.received_at"""


class Known(msgspec.Struct, frozen=True, gc=False):
    """A message that others may repeat, with its signals."""

    message: UUID
    at: datetime
    signals: tuple[UUID, ...]


async def recent(connection: asyncpg.Connection) -> dict[bytes, Known]:
    """What was heard in the last minutes and may be repeated, by repeat key."""
    rows = await connection.fetch(_RECENT, REPEAT_WINDOW + timedelta(seconds=10))
    return {
        row["repeat_key"]: Known(row["id"], row["received_at"], tuple(row["signals"] or ()))
        for row in rows
    }


class Batch:
    """The rows of one commit. `originals` are the messages in it that later ones may repeat."""

    def __init__(self, epoch_cipher: AESGCM, epoch: str, ids: OrderedIds) -> None:
        self.originals: dict[bytes, Known] = {}
        self._wrap = epoch_cipher.encrypt
        self._epoch = epoch.encode()
        self._ids = ids
        self._messages: list[tuple[Any, ...]] = []
        self._further: list[tuple[Any, ...]] = []

    def add(self, message: Heard, repeated: Known | None) -> UUID:
        """Seal `message` under a key of its own and note its signals; returns its id.

        The first signal has its message's id: one thing heard, one name. Raises `ValueError`, and
        adds nothing, for text that is not Unicode (a lone surrogate).
        """
        random = os.urandom(KEY_BYTES + 2 * NONCE_BYTES + 8)
        key, nonce, wrap_nonce = random[:32], random[32:44], random[44:56]
        identifier = self._ids.next(message.received_at, random[56:])
        bound = identifier.bytes
        cipher = AESGCM(key)
        reads = message.signals
        row = (
            identifier,
            message.received_at,
            message.intake,
            message.protocol,
            message.source,
            self._epoch + wrap_nonce + self._wrap(wrap_nonce, key, bound),
            nonce + cipher.encrypt(nonce, message.body, body_binding(bound)),
            message.answer,
            message.problem,
            message.repeat_key,
            message.district,
            message.agency,
            message.device,
            message.site,
            message.assurance,
            None if repeated is None else _repeated(repeated, 0),
            *(_read_columns(reads[0], cipher, identifier) if reads else (None, None)),
        )
        further = [
            self._one_more(message, identifier, cipher, repeated, place)
            for place in range(1, len(reads))
        ]
        self._messages.append(row)
        self._further += further
        if repeated is None and message.repeat_key is not None:
            ids = (identifier, *(one[0] for one in further))
            self.originals[message.repeat_key] = Known(identifier, message.received_at, ids)
        return identifier

    def _one_more(
        self,
        message: Heard,
        identifier: UUID,
        cipher: AESGCM,
        repeated: Known | None,
        place: int,
    ) -> tuple[Any, ...]:
        signal = self._ids.next(message.received_at, os.urandom(8))
        repeat_of = None if repeated is None else _repeated(repeated, place)
        columns = _read_columns(message.signals[place], cipher, signal)
        return (signal, identifier, repeat_of, *columns)

    def __len__(self) -> int:
        return len(self._messages)

    def rows(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], bytes]:
        """The arguments of `WRITE`."""
        return self._messages, self._further, _NOTHING


_encode = msgspec.json.Encoder().encode
_NOTHING: Final = _encode(NOTHING_READ)


def _repeated(known: Known, place: int) -> UUID:
    return known.signals[place] if place < len(known.signals) else known.message


def _read_columns(read: SignalRead, cipher: AESGCM, signal: UUID) -> tuple[bytes, bytes | None]:
    """JSON of what was read, and its text, which may name a person, sealed apart."""
    if not read.text:
        return _encode(read), None
    return _encode(replace(read, text="")), seal_text(cipher, signal, read.text)
