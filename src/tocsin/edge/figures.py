"""What every tick tells besides the time: the lag of our own work, the intakes' counters, and which
units moved since the last look."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.record.database import Connection, connect
from tocsin.record.figures import counters, lag
from tocsin.record.tracks import latest


@dataclass(frozen=True, slots=True)
class Figures:
    """One look. `moved` are the newest positions of units that moved since the look before."""

    lag: dict[str, Any] = field(
        default_factory=lambda: {
            "signals_waiting": 0,
            "oldest_s": 0.0,
            "sequencer_behind": 0,
            "quarantined": 0,
        }
    )
    counters: dict[str, int] = field(default_factory=dict)
    moved: list[dict[str, Any]] = field(default_factory=list)


class Looker:
    """Reads the figures on one connection of its own; used by one thread at a time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: Connection | None = None
        self._seen: dict[UUID, datetime] = {}

    def look(self) -> Figures:
        """The figures now. Raises `DatabaseAway` or psycopg's errors; the next look reconnects."""
        if self._connection is None:
            self._connection = connect(self.url, name="tocsin figures")
            self._connection.autocommit = True
        try:
            now_at = latest(self._connection)
            figures = Figures(
                lag(self._connection),
                counters(self._connection),
                [row for row in now_at if self._seen.get(row["unit"]) != row["at"]],
            )
        except BaseException:
            self.close()
            raise
        self._seen = {row["unit"]: row["at"] for row in now_at}
        return figures

    def close(self) -> None:
        """Lets go of the connection; `look` may be called again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
