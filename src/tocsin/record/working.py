"""What `tocsin work` and `tocsin clock` do besides judging: facts are reacted to, deadlines speak.
Each item goes through `handle` under a key of its own, so doing it twice does it once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tocsin.core.commands import TimeIsUp
from tocsin.core.kinds import KIND_OF
from tocsin.core.obligations import DEFAULT_OBLIGATIONS, Obligations
from tocsin.core.reactions import REACTED_TO, reactions
from tocsin.core.terms import Actor, Reason, Refused, Role, SubjectKind
from tocsin.record.database import Connection, is_away
from tocsin.record.facts import decode
from tocsin.record.figures import counters, lag
from tocsin.record.handle import OutcomeUnknown, handle
from tocsin.record.keys import Keyring
from tocsin.record.views.sql import fetch

logger = logging.getLogger("tocsin.work")

FAILURES_MAX: Final = 5
"""After so many failures a signal or reaction is set aside for a person; the others go on."""

RING_AGAIN: Final = timedelta(seconds=10)
"""A clock that claimed a deadline and died leaves it to the next after this long."""


def says_nothing(error: Exception) -> bool:
    """Whether an error says nothing about the item that it met: the database is away, or the keys
    cannot be read or written."""
    return is_away(error) or isinstance(error, OutcomeUnknown | OSError)


def process_actor(agency: str) -> Actor:
    """Who acts when Tocsin itself does."""
    return Actor(id="tocsin", name="Tocsin", role=Role.SERVICE, agency=agency)


# -- deadlines ----------------------------------------------------------------------------------

# ARRAY: the subjects are chosen once; IN lets the planner choose anew for every row it meets.
_CLAIM: Final = """
UPDATE log.due SET ring_at = %s WHERE subject = ANY(ARRAY(
    SELECT subject FROM log.due WHERE ring_at <= %s ORDER BY ring_at LIMIT %s
    FOR UPDATE SKIP LOCKED))
RETURNING subject, kind, due_at"""


def sound_due(
    connection: Connection,
    keyring: Keyring,
    now: datetime,
    limit: int = 200,
    *,
    obligations: Obligations = DEFAULT_OBLIGATIONS,
) -> int:
    """Send `TimeIsUp` to up to `limit` subjects whose deadline has passed; returns how many.

    Several clocks may run: each claims its own. The idempotency key is subject and deadline, so a
    deadline speaks once. Raises what says that the database is away.
    """
    claimed = connection.execute(_CLAIM, (now + RING_AGAIN, now, limit)).fetchall()
    connection.commit()
    for subject, kind, due_at in sorted(claimed, key=lambda one: one[2]):
        try:
            outcome = handle(
                connection,
                keyring,
                TimeIsUp(subject, SubjectKind(kind)),
                actor=process_actor(""),
                key=f"due:{subject}:{due_at.isoformat()}",
                now=now,
                obligations=obligations,
            )
        except Exception as error:
            if says_nothing(error):
                raise
            connection.rollback()
            logger.exception("a deadline cannot speak", extra={"subject": str(subject)})
            continue
        if not outcome.facts:
            logger.warning("a deadline had nothing to say", extra={"subject": str(subject)})
    return len(claimed)


# -- reactions ----------------------------------------------------------------------------------

_REACTIONS: Final = "reactions"
_REACTED_TO: Final = [KIND_OF[one] for one in REACTED_TO]

FACTS_MAX: Final = 2_000
"""Facts among which those that call for something are looked for in one turn."""

# Positions have no gaps.
_REACH: Final = """
SELECT c.position, least(c.position + %s, (SELECT coalesce(max(position), 0) FROM log.position))
FROM (SELECT coalesce(max(position), 0) AS position FROM log.cursor WHERE name = %s) c"""

_AFTER: Final = """
SELECT p.position, f.subject, f.kind, f.kind_version, f.agency, f.body
FROM log.position p JOIN log.fact f ON f.id = p.fact
WHERE p.position > %s AND p.position <= %s AND f.kind = ANY(%s)
ORDER BY p.position"""

_RETRY: Final = """
SELECT w.position, w.failures, f.subject, f.kind, f.kind_version, f.agency, f.body
FROM log.reaction_waiting w
JOIN log.position p ON p.position = w.position JOIN log.fact f ON f.id = p.fact
WHERE w.failures < %s
    AND (w.at + w.failures * interval '1 second' <= %s
        OR w.at > %s)  -- the clock was set back
ORDER BY w.position LIMIT %s"""

_WAITING: Final = """
INSERT INTO log.reaction_waiting AS w (position, failures, error, at) VALUES (%s, 1, %s, %s)
ON CONFLICT (position) DO UPDATE
SET failures = w.failures + 1, error = excluded.error, at = excluded.at
RETURNING w.failures"""

_ADVANCE: Final = """
INSERT INTO log.cursor AS c (name, position) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET position = greatest(c.position, excluded.position)"""


def react_after(
    connection: Connection,
    keyring: Keyring,
    now: datetime,
    limit: int = FACTS_MAX,
    *,
    obligations: Obligations = DEFAULT_OBLIGATIONS,
) -> int:
    """Send the commands that the next facts call for; returns how many facts were looked at.

    Where it has come to is stored; the key of a reaction is the fact's position, so a fact that is
    read twice is reacted to once. What fails is written down before the place moves on: it is tried
    again after some seconds and set aside after FAILURES_MAX. Raises what says that the database is
    away.
    """
    again = fetch(connection, _RETRY, [FAILURES_MAX, now, now, limit])
    ((before, reach),) = connection.execute(_REACH, (limit, _REACTIONS)).fetchall()
    facts = fetch(connection, _AFTER, [before, reach, _REACTED_TO]) if reach > before else []
    connection.rollback()
    for one in (*again, *facts):
        try:
            _react(connection, keyring, one, now, obligations)
        except Exception as error:
            if says_nothing(error):
                raise
            connection.rollback()
            logger.exception("a reaction failed", extra={"position": one["position"]})
            _react_again(connection, one["position"], now, f"{type(error).__name__}: {error}")
        else:
            if "failures" in one:
                connection.execute(
                    "DELETE FROM log.reaction_waiting WHERE position = %s", (one["position"],)
                )
                connection.commit()
    if reach > before:
        connection.execute(_ADVANCE, (_REACTIONS, reach))
        connection.commit()
    return int(reach - before)


def _react(
    connection: Connection,
    keyring: Keyring,
    one: Mapping[str, Any],
    now: datetime,
    obligations: Obligations,
) -> None:
    """Raises whatever leaves a reaction undone."""
    commands = reactions(one["subject"], decode(one["kind"], one["kind_version"], one["body"]))
    for place, command in enumerate(commands):
        try:
            handle(
                connection,
                keyring,
                command,
                actor=process_actor(one["agency"]),
                key=f"reaction:{one['position']}:{place}",
                now=now,
                obligations=obligations,
            )
        except Refused as refusal:
            if refusal.reason is Reason.LOST_RACE:
                raise
            # The world has moved on: an order may have ended before it was handed over.
            logger.info("no reaction", extra={"why": refusal.reason.value})


def _react_again(connection: Connection, position: int, now: datetime, error: str) -> None:
    row = connection.execute(_WAITING, (position, error.replace("\0", "")[:500], now)).fetchone()
    connection.commit()
    if row is not None and row[0] >= FAILURES_MAX:
        logger.error("a reaction was set aside", extra={"position": position})


__all__ = ["counters", "lag", "process_actor", "react_after", "sound_due"]
