"""What waits of exceptions, and in which crowds their senders are: read once for all signals that
are judged together (`tocsin.core.crowds`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from tocsin.core.crowds import WITHIN
from tocsin.core.incidents.crowd import NO_EXCEPTIONS, ExceptionKind, Exceptions
from tocsin.record.database import Connection

Place = tuple[str, str]
"""District and agency."""

_WAITING: Final = """
SELECT i.district, i.agency, i.exception, count(*) FILTER (WHERE NOT i.crowd),
    array_agg(i.id ORDER BY i.id) FILTER (WHERE i.crowd)
FROM unnest(%s::text[], %s::text[]) AS p (district, agency)
JOIN view.incident i ON i.agency = p.agency AND i.district = p.district AND i.exception <> ''
WHERE i.crowd OR i.opened_at > %s
GROUP BY i.district, i.agency, i.exception"""

_CROWDS_OF: Final = """
SELECT DISTINCT s.sender, s.incident FROM view.signal s JOIN view.incident i ON i.id = s.incident
WHERE s.sender = ANY(%s) AND s.sender <> '' AND (i.open OR i.state = 'merged')"""


class Crowds:
    """What waits in some districts, and the crowds of some senders."""

    def __init__(
        self, connection: Connection, of: Iterable[tuple[Place, str]], now: datetime
    ) -> None:
        """`of`: where each signal is, and its sender (`tocsin.core.crowds.sender_of`)."""
        asked = set(of)
        places = {place for place, _ in asked}
        self._waiting: dict[Place, Exceptions] = {}
        self._crowds_of: dict[str, tuple[UUID, ...]] = {}
        if not asked:
            return
        columns = (list(column) for column in zip(*places, strict=True))
        with connection.pipeline():
            waiting = connection.execute(_WAITING, (*columns, now - WITHIN))
            crowds_of = connection.execute(_CROWDS_OF, ([sender for _, sender in asked],))
        for district, agency, kind, count, crowds in waiting.fetchall():
            before = self._waiting.get((district, agency), NO_EXCEPTIONS)
            own = ((ExceptionKind(kind), count),) if count else ()
            self._waiting[district, agency] = Exceptions(
                before.own + own, before.crowds + tuple(crowds or ())
            )
        for sender, incident in crowds_of.fetchall():
            self._crowds_of[sender] = (*self._crowds_of.get(sender, ()), incident)

    def waiting(self, place: Place) -> Exceptions:
        return self._waiting.get(place, NO_EXCEPTIONS)

    def of_sender(self, sender: str) -> tuple[UUID, ...]:
        """Crowds that the sender went into, which are open or live on in another incident."""
        return self._crowds_of.get(sender, ())
