"""UUID version 7 (RFC 9562): ids that sort by time, so new rows land at the end of an index and an
id alone finds its time partition."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ORDER_MAX = 0xFFF
_RANDOM_MAX = (1 << 46) - 1


def uuid7(at: datetime) -> UUID:
    """A fresh id made at `at` (aware; kept to the millisecond)."""
    return uuid7_of(milliseconds(at), os.urandom(10))


def uuid7_of(ms: int, random: bytes) -> UUID:
    """The id of `ms` milliseconds since 1970 and 10 random bytes, of which 74 bits are used."""
    number = (ms << 80) | int.from_bytes(random, "big")
    return UUID(int=number & ~(0xF000 << 64) & ~(0xC000 << 48) | (7 << 76) | (2 << 62))


class OrderedIds:
    """Ids of one writer that sort in the order they were asked for (RFC 9562, 6.2 method 1): those
    of one millisecond count up, and where there are more than 4,096 of them, or the clock is set
    back, the time in the id runs ahead of the clock until that has caught up."""

    def __init__(self) -> None:
        self._ms = 0
        self._order = 0

    def next(self, ms: int, random: bytes) -> bytes:
        """The 16 bytes of the next id, made at `ms` milliseconds since 1970, with 6 random bytes of
        which 46 bits are used. It ends in 16 zero bits: see `following`."""
        if ms > self._ms:
            self._ms, self._order = ms, 0
        elif self._order < _ORDER_MAX:
            self._order += 1
        else:
            self._ms, self._order = self._ms + 1, 0
        low = (2 << 62) | (int.from_bytes(random, "big") & _RANDOM_MAX) << 16
        return (self._ms << 80 | (0x7000 | self._order) << 64 | low).to_bytes(16, "big")


PLACES: Final = 1 << 16
"""Ids that belong to one that `OrderedIds` made: itself and those that follow it."""


def following(identifier: UUID, places: int) -> UUID:
    """The id so many places behind `identifier`, among those that belong to the same one. Raises
    ValueError where there is none left."""
    if (identifier.int & (PLACES - 1)) + places >= PLACES:
        raise ValueError(f"{identifier} has no {places} ids behind it")
    return UUID(int=identifier.int + places)


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def time_of(identifier: UUID) -> datetime:
    """When a version 7 id was made, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)


def first_at(at: datetime) -> UUID:
    """The smallest id of this millisecond: everything since `at` is not less than it."""
    return UUID(int=(max(0, milliseconds(at)) << 80) | (7 << 76) | (2 << 62))
