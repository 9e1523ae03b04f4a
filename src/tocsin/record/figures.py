"""How far behind the record's own work is, and what the intakes counted."""

from __future__ import annotations

from typing import Any, Final

from tocsin.record.database import Connection

# Somebody asks each second: more than 10 000 waiting signals are not counted out.
_LAG: Final = """
SELECT
    (SELECT count(*) FROM (SELECT FROM heard.pending LIMIT 10001) p)
        + (SELECT coalesce(sum(a.messages), 0)
           FROM (SELECT messages FROM heard.arrived LIMIT 100) a) AS signals_waiting,
    (SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(at))) FROM (
        (SELECT s.received_at AS at
         FROM (SELECT signal FROM heard.pending ORDER BY signal LIMIT 1) p
         JOIN heard.signal s ON s.id = p.signal)
        UNION ALL
        (SELECT min(oldest_at) FROM (SELECT oldest_at FROM heard.arrived LIMIT 1000) a)) waits
    )::float8 AS oldest_s,
    (SELECT count(*) FROM log.pending) AS sequencer_behind,
    (SELECT count(*) FROM heard.quarantined)
        + (SELECT count(*) FROM log.reaction_waiting WHERE failures >= 5) AS quarantined"""


def lag(connection: Connection) -> dict[str, Any]:
    """`signals_waiting`, `oldest_s` (seconds since the oldest of them was received, 0 if none),
    `sequencer_behind` (facts without a position), `quarantined` (signals and
    reactions set aside)."""
    row = connection.execute(_LAG).fetchone()
    assert row is not None
    waiting, oldest_s, behind, quarantined = row
    return {
        "signals_waiting": int(waiting),
        "oldest_s": round(oldest_s or 0.0, 3),
        "sequencer_behind": behind,
        "quarantined": quarantined,
    }


def counters(connection: Connection) -> dict[str, int]:
    """What each intake has counted since the database was made, by name."""
    rows = connection.execute("SELECT name, value FROM ref.intake_counter ORDER BY name")
    return dict(rows.fetchall())
