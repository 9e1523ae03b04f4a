"""Repeats of what was muted: judged all the same, since nobody has heard of it, and what muted it
may be over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from tocsin.core.signals import MUTED, VerdictReason
from tocsin.record.arrays import Uuids
from tocsin.record.database import Connection
from tocsin.record.heard_rows import SIGNALS_MAX
from tocsin.record.ids import following

REMEMBERED_MAX: Final = 10_000
"""Muted messages whose last repeat is remembered. Where it is forgotten, as by another worker, one
more repeat is judged as new: it joins the card that is there."""


class _Row(msgspec.Struct):
    reason: VerdictReason


class OnceMuted:
    """Of the repeats of one muted message, one of each transaction is judged: so many of them as
    come, few wait, and the first after the mute's end is among those or before one of them."""

    def __init__(self) -> None:
        self._last: dict[UUID, UUID] = {}  # of a muted message, the repeat that was let through

    def look(self, connection: Connection, repeats: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
        """What is to be judged of `repeats`, which are messages with those that they repeat, in the
        order heard; each with the one that it repeats."""
        if not repeats:
            return {}
        newest = {original: one for one, original in repeats.items()}
        asked = {*newest, *(self._last[one] for one in newest if one in self._last)}
        reasons = _reasons(connection, asked)
        chosen = {}
        for original, one in newest.items():
            if not reasons.get(original, set()) & MUTED:
                continue
            before = reasons.get(self._last.get(original, original), set())
            if before - MUTED - {VerdictReason.REPEAT}:
                continue  # one was judged as new: this repeats that
            chosen[one] = original
            self._last.pop(original, None)
            self._last[original] = one
        for original in list(self._last)[: max(0, len(self._last) - REMEMBERED_MAX)]:
            del self._last[original]
        return chosen


def _reasons(connection: Connection, messages: set[UUID]) -> dict[UUID, set[VerdictReason]]:
    """The verdicts' reasons of the signals of each message."""
    first = sorted(messages)
    last = [following(one, SIGNALS_MAX - 1) for one in first]
    found: dict[UUID, set[VerdictReason]] = {}
    for message, row in connection.execute(_VERDICTS, (Uuids.of(first), Uuids.of(last))):
        found.setdefault(message, set()).add(msgspec.json.decode(row, type=_Row).reason)
    return found


_VERDICTS: Final = """
SELECT m.first, v.row FROM unnest(%b::uuid[], %b::uuid[]) AS m (first, last), LATERAL (
    SELECT row FROM view.signal WHERE id BETWEEN m.first AND m.last OFFSET 0) v"""
