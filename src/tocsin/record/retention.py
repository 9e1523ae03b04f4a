"""What must be there in time, and what must be gone in time: partitions made ahead, what was heard
long ago, positions of units, outcomes of old commands, contacts that are no longer valid."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from tocsin.record.contacts import forget_contacts
from tocsin.record.database import Connection
from tocsin.record.report_following import forget_expired

POSITIONS_KEPT_FOR: Final = timedelta(hours=24)
OUTCOMES_KEPT_FOR: Final = timedelta(days=30)
HEARD_DAYS: Final = 400
"""What was heard is kept so long, where nobody has said otherwise."""

HELD_BY: Final = ("waiting", "set_aside", "open_incident")
"""Why a day may not go yet, whatever its age."""

HEARD_DAYS_MIN: Final = 36
HEARD_DAYS_MAX: Final = 36_500
STRAYS_COUNTED_MAX: Final = 10_001
_CHUNK: Final = 10_000
_DAYS_AT_ONCE: Final = 8

logger = logging.getLogger("tocsin.retention")


def prepare_partitions(connection: Connection, now: datetime) -> int:
    """Make the partitions of the next days of messages and hours of positions; returns how many
    were made. Nothing fails without them: a default partition takes the rows. Commits."""
    row = connection.execute("SELECT log.prepare_partitions(%s)", (now,)).fetchone()
    connection.commit()
    return int(row[0]) if row else 0


def forget_old(connection: Connection, now: datetime) -> int:
    """Remove positions of units after 24 hours, outcomes of commands after 30 days, contacts that
    are no longer valid, and codes of public reports that ended; returns the number of outcomes
    removed (at most 10,000 at a time). Commits."""
    connection.execute("SELECT log.forget_positions(%s)", (now - POSITIONS_KEPT_FOR,))
    connection.commit()
    gone = connection.execute(
        "DELETE FROM log.command WHERE key IN (SELECT key FROM log.command WHERE at < %s LIMIT %s)",
        (now - OUTCOMES_KEPT_FOR, _CHUNK),
    ).rowcount
    connection.commit()
    forget_contacts(connection, now.date())
    forget_expired(connection, now)
    return gone


def forget_heard(connection: Connection, now: datetime, days: int) -> int:
    """Drop the days of what was heard that ended more than `days` days ago, oldest first; returns
    how many went (at most 8 at a time), and messages of days that have no partition of their own.
    Commits after each.

    A day stays while a signal of it waits to be judged, was set aside, or belongs to an incident
    that is not over; also while somebody holds a lock. Raises `ValueError` outside of
    HEARD_DAYS_MIN to HEARD_DAYS_MAX.
    """
    if not HEARD_DAYS_MIN <= days <= HEARD_DAYS_MAX:
        raise ValueError(f"{days} days: what was heard is kept for {HEARD_DAYS_MIN} at least")
    before = now - timedelta(days=days)
    gone = 0
    for _ in range(_DAYS_AT_ONCE):
        row = connection.execute("SELECT log.forget_messages(%s)", (before,)).fetchone()
        dropped = int(row[0]) if row else 0
        if dropped:
            connection.execute(_COUNT, ("heard.days_forgotten", dropped))
        connection.commit()
        if not dropped:
            break
        gone += dropped
    if gone:
        logger.info("days of what was heard are gone", extra={"days": gone, "before": before})
    return gone + _forget_strays(connection, before)


def _forget_strays(connection: Connection, before: datetime) -> int:
    """The same for what has no day of its own, since it was heard while a clock was wrong or none
    was prepared: row by row, at most _CHUNK of them; returns how many went. Commits."""
    row = connection.execute("SELECT log.forget_stray_messages(%s, %s)", (before, _CHUNK))
    (strays,) = row.fetchone() or (0,)
    if strays:
        connection.execute(_COUNT, ("heard.strays_forgotten", strays))
        logger.info("stray messages are gone", extra={"messages": strays, "before": before})
    connection.commit()
    return int(strays)


@dataclass(frozen=True, slots=True)
class HeardDay:
    """One day (UTC) of what was heard. `held_by`: one of HELD_BY, or None. `is_stray`: it has no
    partition of its own, and its size is not known."""

    day: datetime
    size_bytes: int
    held_by: str | None
    is_stray: bool = False


@dataclass(frozen=True, slots=True)
class HeardKept:
    """What is kept of what was heard: how many days, from which on, how large, and those that are
    past their time and still there.

    `strays`: messages of days without a partition, which are `stray_days`: a clock
    jumped, or no day was prepared; at most STRAYS_COUNTED_MAX are counted.
    """

    days: int
    oldest: datetime | None
    size_bytes: int
    overdue: tuple[HeardDay, ...]
    strays: int = 0
    stray_days: tuple[datetime, ...] = ()


def heard_kept(connection: Connection, now: datetime, days: int) -> HeardKept:
    """What is kept at `now`, where `days` days are asked for."""
    found = connection.execute(_DAYS).fetchall()
    before = now - timedelta(days=days)
    overdue = [
        HeardDay(day, size, _held(connection, first, end))
        for day, size, first, end in found
        if day + timedelta(days=1) <= before
    ]
    past = [day for day, *_ in found if day <= now]
    astray = connection.execute(_STRAY_DAYS).fetchall()
    overdue += [
        HeardDay(day, 0, _held(connection, first, end), is_stray=True)
        for day, first, end in astray
        if day + timedelta(days=1) <= before
    ]
    row = connection.execute(_STRAYS, (STRAYS_COUNTED_MAX,)).fetchone()
    strays, stray_bytes = row or (0, 0)
    return HeardKept(
        len(past),
        min(past, default=None),
        sum(size for _, size, *_ in found) + stray_bytes,
        tuple(sorted(overdue, key=lambda one: one.day)),
        strays,
        tuple(day for day, *_ in astray),
    )


def _held(connection: Connection, first: UUID, end: UUID) -> str | None:
    row = connection.execute("SELECT heard.held_by(%s, %s)", (first, end)).fetchone()
    return None if row is None else row[0]


_DAYS: Final = """
SELECT day, pg_total_relation_size(oid), first_id, end_id FROM heard.day ORDER BY day"""
_STRAY_DAYS: Final = "SELECT day, first_id, end_id FROM heard.stray_day ORDER BY day"
_STRAYS: Final = """
SELECT (SELECT count(*) FROM (SELECT FROM heard.stray LIMIT %s) counted),
    pg_total_relation_size('heard.message_default')"""
_COUNT: Final = """
INSERT INTO ref.intake_counter AS c (name, value, last_at) VALUES (%s, %s, now())
ON CONFLICT (name) DO UPDATE SET value = c.value + excluded.value, last_at = excluded.last_at"""
