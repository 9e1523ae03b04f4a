"""Signals between the intake and their judging: handed over a commit at a time, sorted here into
the queues from which `working` takes them."""

from __future__ import annotations

from typing import Final

from tocsin.record.database import Connection

BATCHES_MAX: Final = 20
"""Commits of the intake that are sorted in at once, of at most 1,000 messages each."""

_SORT: Final = """
WITH taken AS ( -- a second worker waits here, and finds them gone
    DELETE FROM heard.arrived WHERE id IN (
        SELECT id FROM heard.arrived ORDER BY id LIMIT %s)
    RETURNING signals, devices, sources
)
INSERT INTO heard.pending (signal, known, queue)
SELECT one.signal, one.device IS NOT NULL, coalesce(one.device::text, one.source)
FROM taken, unnest(taken.signals, taken.devices, taken.sources) AS one (signal, device, source)"""


def sort_arrivals(connection: Connection) -> int:
    """Sort what the intake handed over into the queues; returns how many signals. Commits."""
    sorted_in = connection.execute(_SORT, (BATCHES_MAX,)).rowcount
    connection.commit()
    return sorted_in
