"""Messages and signals as columns: built once per batch, sealed on the way, written by one
statement. Kept apart from the flusher because every microsecond here is paid per message."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg
import msgspec
from asyncpg.pgproto import pgproto
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace

from tocsin.core.signals import SignalRead
from tocsin.record.ids import OrderedIds, first_at, milliseconds
from tocsin.record.keys import NONCE_BYTES
from tocsin.record.sealing import DayKeys, body_binding, seal_text

if TYPE_CHECKING:
    from tocsin.record.heard import Heard

REPEAT_WINDOW: Final = timedelta(minutes=3)
"""A plain message equal to one heard at most this long ago repeats it; later it is news."""

NOTHING_READ: Final = SignalRead(protocol="", token="", account="")
_ID_RANDOM_BYTES: Final = 8

# One statement, so one round trip and one transaction; NOTIFY once per batch wakes `tocsin work`.
# Rows, not an array per column: asyncpg looks twice at each element of an array and not at the
# fields of a row, which halves what a message costs here.
WRITE: Final = """
WITH message AS (
    INSERT INTO heard.message SELECT * FROM unnest($1::heard.message[])
), further AS (
    INSERT INTO heard.further SELECT * FROM unnest($2::heard.further[])
), arrived AS (
    INSERT INTO heard.arrived (id, signals, devices, sources)
    SELECT ($3::uuid[])[1], $3, $4::uuid[], $5::text[] WHERE cardinality($3) > 0 RETURNING id
)
SELECT pg_notify('heard', '') FROM arrived"""

_RECENT: Final = """
SELECT m.repeat_key, m.id, m.received_at,
    m.id || (SELECT array_agg(f.id ORDER BY f.id) FROM heard.further f WHERE f.message = m.id)
        AS signals
FROM heard.message m
WHERE m.id >= $1 AND m.repeat_key IS NOT NULL AND m.repeat_of IS NULL
ORDER BY m.id"""


class Known(msgspec.Struct, frozen=True, gc=False):
    """A message that others may repeat, with its signals."""

    message: UUID
    at: datetime
    signals: tuple[UUID, ...]


async def recent(connection: asyncpg.Connection) -> dict[bytes, Known]:
    """What was heard in the last minutes and may be repeated, by repeat key."""
    now = await connection.fetchval("SELECT now()")
    rows = await connection.fetch(_RECENT, first_at(now - REPEAT_WINDOW - timedelta(seconds=10)))
    return {
        row["repeat_key"]: Known(row["id"], row["received_at"], tuple(row["signals"]))
        for row in rows
    }


class Batch:
    """The rows of one commit of at most `size` messages. `originals` are the messages in it that
    later ones may repeat."""

    def __init__(self, keys: DayKeys, ids: OrderedIds, size: int) -> None:
        self.originals: dict[bytes, Known] = {}
        self._cipher = keys.cipher
        self._ids = ids
        self._random = os.urandom(size * (_ID_RANDOM_BYTES + NONCE_BYTES))
        self._used = 0
        self._messages: list[tuple[Any, ...]] = []
        self._further: list[tuple[Any, ...]] = []
        self._signals: list[UUID] = []
        self._devices: list[UUID | None] = []
        self._sources: list[str] = []

    def add(self, message: Heard, repeated: Known | None) -> UUID:
        """Seal `message` under a key of its own and note its signals; returns its id.

        The first signal has its message's id: one thing heard, one name. A message without one has
        a signal too, which says nothing and is not decided on. Raises `ValueError`, and adds
        nothing, for text that is not Unicode (a lone surrogate).
        """
        begin = self._used
        self._used = end = begin + _ID_RANDOM_BYTES + NONCE_BYTES
        random = self._random[begin : begin + _ID_RANDOM_BYTES]
        bound = self._ids.next(milliseconds(message.received_at), random)
        nonce = self._random[begin + _ID_RANDOM_BYTES : end]
        identifier: UUID = pgproto.UUID(bound)  # a uuid.UUID, made ten times as fast
        cipher = self._cipher(bound)
        reads = message.signals
        read, text = _read_columns(reads[0], cipher, identifier) if reads else (_NOTHING, None)
        row = (
            identifier,
            message.received_at,
            message.intake,
            message.protocol,
            message.source,
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
            read,
            text,
        )
        signals = [identifier] if reads else []
        further = []
        for place in range(1, len(reads)):
            one_more = self._one_more(message, identifier, cipher, repeated, place)
            further.append(one_more)
            signals.append(one_more[0])
        self._messages.append(row)
        self._further += further
        if repeated is None:
            for signal in signals:
                self._signals.append(signal)
                self._devices.append(message.device)
                self._sources.append(message.source)
            if message.repeat_key is not None:
                known = Known(identifier, message.received_at, tuple(signals))
                self.originals[message.repeat_key] = known
        return identifier

    def _one_more(
        self,
        message: Heard,
        identifier: UUID,
        cipher: AESGCM,
        repeated: Known | None,
        place: int,
    ) -> tuple[Any, ...]:
        ms = milliseconds(message.received_at)
        signal = pgproto.UUID(self._ids.next(ms, os.urandom(_ID_RANDOM_BYTES)))
        return (
            signal,
            identifier,
            message.received_at,
            message.intake,
            message.protocol,
            message.source,
            message.problem,
            message.district,
            message.agency,
            message.device,
            message.site,
            message.assurance,
            None if repeated is None else _repeated(repeated, place),
            *_read_columns(message.signals[place], cipher, signal),
        )

    def __len__(self) -> int:
        return len(self._messages)

    def rows(self) -> tuple[list[Any], ...]:
        """The arguments of `WRITE`."""
        return self._messages, self._further, self._signals, self._devices, self._sources


_encode = msgspec.json.Encoder().encode
_NOTHING: Final = _encode(NOTHING_READ)


def _repeated(known: Known, place: int) -> UUID:
    return known.signals[place] if place < len(known.signals) else known.message


def _read_columns(read: SignalRead, cipher: AESGCM, signal: UUID) -> tuple[bytes, bytes | None]:
    """JSON of what was read, and its text, which may name a person, sealed apart."""
    if not read.text:
        return _encode(read), None
    return _encode(replace(read, text="")), seal_text(cipher, signal, read.text)
