"""From when to when each way in could hear, as read again and again by who watches for silence:
each turn reads the spans that may still grow, however many are over."""

from __future__ import annotations

import time
from typing import Final

from tocsin.core.supervision import Hearing
from tocsin.record.database import Connection

GROWING_S_MAX: Final = 60.0
"""Who hears says so each second, and begins a new span after a pause of ten: one that was said
nothing of for so long is over."""

ALL_EVERY_S: Final = 60.0
"""Where a clock was set back a span may begin before those that are over; and old ones are
forgotten. Both show when all are read."""

Span = tuple[float, float]
"""When it began and until when it is known to last, in seconds since 1970."""


class Spans:
    """Those of all ways in: what is over is kept in memory."""

    def __init__(self) -> None:
        self._over: dict[str, tuple[float, Hearing]] = {}
        self._all_at = 0.0

    def forget(self) -> None:
        """Read all of them the next time."""
        self._all_at = 0.0

    def read(self, connection: Connection) -> dict[str, Hearing]:
        """As they are now, by way in. Ends the transaction."""
        is_all = time.monotonic() >= self._all_at
        if is_all:
            rows = connection.execute(_ALL).fetchall()
        else:
            ways = (list(self._over), [since for since, _ in self._over.values()])
            rows = connection.execute(_SINCE, ways).fetchall()
        connection.rollback()
        spans: dict[str, list[Span]] = {}
        for intake, began, until in rows:
            spans.setdefault(intake, []).append((began, until))
        if is_all:
            self._over = {}
            for intake, some in spans.items():
                over, spans[intake], since = divided(some)
                self._over[intake] = (since, Hearing(over, are_over=True))
            self._all_at = time.monotonic() + ALL_EVERY_S
        return {
            intake: Hearing([one for one in spans.get(intake, ()) if one[0] >= since], over)
            for intake, (since, over) in self._over.items()
        }


def divided(spans: list[Span]) -> tuple[list[Span], list[Span], float]:
    """Spans that are over, those that may still grow with all that reach into them, and when the
    first of these began: all of the others had ended by then."""
    by_end = sorted(spans, key=lambda one: one[1], reverse=True)
    growing = by_end[0][1] - GROWING_S_MAX
    since = by_end[0][0]
    for place, (began, until) in enumerate(by_end):
        if until < min(growing, since):
            return by_end[place:], by_end[:place], since
        since = min(since, began)
    return [], by_end, since


_COLUMNS: Final = """
h.intake, extract(epoch FROM h.began_at)::float8, extract(epoch FROM h.until_at)::float8"""
_ALL: Final = f"SELECT {_COLUMNS} FROM ref.hearing h"  # noqa: S608
# A little earlier: the time loses its last digits on its way here and back.
_SINCE: Final = f"""
SELECT {_COLUMNS} FROM unnest(%s::text[], %s::float8[]) w (intake, since)
JOIN ref.hearing h ON h.intake = w.intake AND h.began_at >= to_timestamp(w.since - 0.001)"""  # noqa: S608
