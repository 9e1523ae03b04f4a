"""Counts what a person or a page brought in, in the transaction that keeps it: beside what the
edge's processes count of their wires (`tocsin.record.notes`)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tocsin.record.database import Connection

CALL: Final = "call.received"

_COUNT: Final = """
INSERT INTO ref.intake_counter AS c (name, value, last_at) VALUES (%s, 1, %s)
ON CONFLICT (name) DO UPDATE SET value = c.value + 1,
    last_at = greatest(c.last_at, excluded.last_at)"""


def count_one(connection: Connection, name: str, now: datetime) -> None:
    """One more of `name`, the newest at `now`. Does not commit."""
    connection.execute(_COUNT, (name, now))
