"""Arrays of a statement as PostgreSQL takes them, made at once: a driver asks of each value what it
is, and a batch of signals has ten thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from struct import Struct
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD: Final = Struct("!iiIii").pack  # dimensions, whether one is NULL, type, how many, the first
_LENGTH: Final = Struct("!i").pack
_NULL: Final = _LENGTH(-1)
_UUID: Final = _LENGTH(16)


class Uuids(bytes):
    """A `uuid[]`."""

    oid: Final = 2950

    @classmethod
    def of(cls, items: Iterable[UUID | None]) -> Uuids:
        return cls(_array(cls.oid, [_NULL if one is None else _UUID + one.bytes for one in items]))


class Texts(bytes):
    """A `text[]`. A lone surrogate raises UnicodeEncodeError, U+0000 the server's DataError."""

    oid: Final = 25

    @classmethod
    def of(cls, items: Iterable[str | None]) -> Texts:
        return cls(
            _array(cls.oid, [_NULL if one is None else _counted(one.encode()) for one in items])
        )


class Byteas(bytes):
    """A `bytea[]`."""

    oid: Final = 17

    @classmethod
    def of(cls, items: Iterable[bytes | None]) -> Byteas:
        return cls(_array(cls.oid, [_NULL if one is None else _counted(one) for one in items]))


def _counted(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _array(oid: int, parts: list[bytes]) -> bytes:
    if not parts:
        return _HEAD(0, 0, oid, 0, 0)[:12]
    return _HEAD(1, _NULL in parts, oid, len(parts), 1) + b"".join(parts)


PACKED: Final[Mapping[str, Callable[[Iterable[Any]], Any]]] = {
    "uuid": Uuids.of,
    "text": Texts.of,
    "bytea": Byteas.of,
}
"""By the type of a column; the driver packs the others."""


def packed(kind: str, items: Iterable[Any]) -> Any:
    """The values of a column of this type, for a parameter `%b::kind[]`."""
    return PACKED.get(kind, list)(items)


def _as_it_is(array: type[Uuids | Texts | Byteas]) -> type[Dumper]:
    class AsItIs(Dumper):
        format = Format.BINARY
        # Of the array, not of what is in it.
        oid = {2950: 2951, 25: 1009, 17: 1001}[array.oid]

        def dump(self, obj: Any) -> bytes:
            return bytes(obj)

    return AsItIs


for _one in (Uuids, Texts, Byteas):
    psycopg.adapters.register_dumper(_one, _as_it_is(_one))
