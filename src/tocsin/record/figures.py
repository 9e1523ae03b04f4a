"""How far behind the record's own work is, and what the intakes counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tocsin.record.database import Connection
from tocsin.record.floods import Lane

# Somebody asks each second: more than 10 000 waiting rows are not counted out. The oldest of what
# is not sorted in yet is found lane by lane, by the key.
_LAG: Final = """
SELECT
    (SELECT count(*) FROM (SELECT FROM heard.pending LIMIT 10001) p)
        + (SELECT coalesce(sum(a.messages), 0) FROM (
            SELECT messages FROM heard.arrived WHERE lane < 3 LIMIT 10001) a)
        AS signals_waiting,
    (SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(at))) FROM (
        SELECT s.received_at AS at
        FROM (SELECT signal FROM heard.pending ORDER BY signal LIMIT 1) p
        JOIN heard.signal s ON s.id = p.signal
        UNION ALL
        SELECT a.oldest_at FROM generate_series(0, 2) AS l (lane), LATERAL (
            SELECT oldest_at FROM heard.arrived WHERE lane = l.lane ORDER BY id LIMIT 1) a) waits
    )::float8 AS oldest_s,
    (SELECT count(*) FROM log.pending) AS sequencer_behind,
    (SELECT count(*) FROM heard.quarantined)
        + (SELECT coalesce(sum(a.messages), 0) FROM (
            SELECT messages FROM heard.arrived WHERE lane = 3 LIMIT 10001) a)
        + (SELECT count(*) FROM log.reaction_waiting WHERE failures >= 5) AS quarantined"""


def lag(connection: Connection) -> dict[str, Any]:
    """`signals_waiting` (to be judged, and messages not sorted in yet), `oldest_s` (seconds since
    the oldest of them was received, 0 if none), `sequencer_behind` (facts without a position),
    `quarantined` (signals, reactions and messages set aside)."""
    row = connection.execute(_LAG).fetchone()
    assert row is not None
    waiting, oldest_s, behind, quarantined = row
    return {
        "signals_waiting": int(waiting),
        "oldest_s": round(oldest_s or 0.0, 3),
        "sequencer_behind": behind,
        "quarantined": quarantined,
    }


# As above: no more rows of a lane are counted out, and its oldest is found by the key.
_LANES: Final = """
SELECT l.lane,
    (SELECT coalesce(sum(a.messages), 0) FROM (
        SELECT messages FROM heard.arrived WHERE lane = l.lane LIMIT 10001) a),
    (SELECT greatest(0, extract(epoch FROM clock_timestamp() - a.oldest_at))
        FROM heard.arrived a WHERE a.lane = l.lane ORDER BY a.id LIMIT 1)::float8
FROM generate_series(0, 3) AS l (lane) ORDER BY l.lane"""


@dataclass(frozen=True, slots=True)
class LaneWait:
    """How many messages of a lane wait to be sorted in, and for how long the first of them does,
    in seconds; 0 where none waits."""

    lane: Lane
    messages: int
    oldest_s: float


def lanes(connection: Connection) -> list[LaneWait]:
    """What waits in each lane, in their order."""
    rows = connection.execute(_LANES).fetchall()
    return [LaneWait(Lane(lane), int(count), round(age or 0.0, 3)) for lane, count, age in rows]


def counters(connection: Connection) -> dict[str, int]:
    """What each intake has counted since the database was made, by name."""
    rows = connection.execute("SELECT name, value FROM ref.intake_counter ORDER BY name")
    return dict(rows.fetchall())
