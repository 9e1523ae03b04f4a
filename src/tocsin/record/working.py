"""What `tocsin work` and `tocsin clock` do: signals are judged, facts are reacted to, deadlines
speak. Each item goes through `handle` under a key of its own, so doing it twice does it once."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from msgspec.structs import replace

from tocsin.core.code_tables import looked_up
from tocsin.core.commands import JudgeSignal, TimeIsUp
from tocsin.core.obligations import DEFAULT_OBLIGATIONS, Obligations
from tocsin.core.reactions import reactions
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Actor, Datum, Place, Reason, Refused, Role, SubjectKind
from tocsin.record import code_book
from tocsin.record.arrivals import next_in_turn
from tocsin.record.database import Connection, DatabaseAway
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

CANDIDATES_MAX: Final = 20

_JUDGING: Final = 0x746F6373_6A756467  # advisory lock of who judges

# These say nothing about the item: the connection is gone, and the same item comes again.
_AWAY: Final = (DatabaseAway, OutcomeUnknown, psycopg.OperationalError, psycopg.InterfaceError)


def process_actor(agency: str) -> Actor:
    """Who acts when Tocsin itself does."""
    return Actor(id="tocsin", name="Tocsin", role=Role.SERVICE, agency=agency)


# -- signals ------------------------------------------------------------------------------------

_PENDING: Final = """
SELECT p.signal, p.failures, s.received_at, s.district, s.agency, s.device, s.repeat_of, s.read,
    s.text IS NOT NULL AS has_text, s.source_address AS source,
    t.id AS site, t.name_zh, t.name_en, t.address, t.address_en, t.lat, t.lon, t.datum
FROM unnest(%s::uuid[]) WITH ORDINALITY picked (signal, place)
JOIN heard.pending p USING (signal)
JOIN heard.signal s ON s.id = p.signal
LEFT JOIN ref.device d ON d.id = s.device
LEFT JOIN ref.site t ON t.id = coalesce(s.site, d.site)
ORDER BY picked.place"""

_AT_SITE: Final = """
SELECT id FROM view.incident WHERE site = %s AND (open OR state = 'merged')
ORDER BY opened_at DESC, id DESC LIMIT %s"""

_OF_SOURCE: Final = """
SELECT id FROM (
    SELECT id, opened_at FROM view.incident WHERE open AND source_key <> '' AND source_key = %s
    UNION
    SELECT id, opened_at FROM view.incident
    WHERE open AND source_address <> '' AND source_address = %s
) c ORDER BY opened_at DESC, id DESC LIMIT %s"""


def judge_pending(
    connection: Connection,
    keyring: Keyring,
    now: datetime,
    limit: int = 200,
    *,
    obligations: Obligations = DEFAULT_OBLIGATIONS,
) -> int:
    """Judge up to `limit` signals; returns how many were dealt with.

    One worker at a time: what is open at a site is read before a signal is judged, and two at once
    would both find nothing. One signal of each sender in turn, in the order they were heard; known
    devices first, a share for the others.
    The idempotency key is the signal's id. A signal that cannot be judged is tried again in the
    next rounds and set aside after FAILURES_MAX; it never stops the others. Raises what says that
    the database is away.
    """
    locked = connection.execute("SELECT pg_try_advisory_lock(%s)", (_JUDGING,)).fetchone()
    connection.commit()
    if locked != (True,):
        return 0  # another worker judges
    try:
        picked = next_in_turn(connection, limit)
        waiting = fetch(connection, _PENDING, [picked]) if picked else []
        connection.rollback()
        book = code_book.current(connection)
        for one in waiting:
            try:
                _judge(connection, keyring, book, one, now, obligations)
            except _AWAY:
                raise
            except Exception as error:
                connection.rollback()
                logger.exception("a signal cannot be judged", extra={"signal": str(one["signal"])})
                _failed(connection, one, now, f"{type(error).__name__}: {error}")
        return len(waiting)
    finally:
        with contextlib.suppress(psycopg.Error):  # a connection that is gone holds no lock
            connection.rollback()
            connection.execute("SELECT pg_advisory_unlock(%s)", (_JUDGING,))
            connection.commit()


def _judge(
    connection: Connection,
    keyring: Keyring,
    book: code_book.CodeBook,
    one: Mapping[str, Any],
    now: datetime,
    obligations: Obligations,
) -> None:
    command = _judge_signal(connection, book, one)
    try:
        handle(
            connection,
            keyring,
            command,
            actor=process_actor(command.agency),
            key=f"judge:{command.signal}",
            now=now,
            obligations=obligations,
        )
    except Refused as refusal:
        if refusal.reason is not Reason.ALREADY_SO:
            raise
        connection.execute("DELETE FROM heard.pending WHERE signal = %s", (command.signal,))
        connection.commit()


def _judge_signal(
    connection: Connection, book: code_book.CodeBook, one: Mapping[str, Any]
) -> JudgeSignal:
    read = msgspec.json.decode(one["read"], type=SignalRead)
    if one["has_text"]:
        # That there is a text matters to the rules; what it says is sealed and stays so.
        read = replace(read, text="-")
    site: UUID | None = one["site"]
    if site is not None:
        found = connection.execute(_AT_SITE, (site, CANDIDATES_MAX))
    else:
        key = f"{read.protocol}/{read.account}"
        found = connection.execute(_OF_SOURCE, (key, one["source"], CANDIDATES_MAX))
    candidates = tuple(incident for (incident,) in found.fetchall())
    connection.rollback()
    means, codes_version = looked_up(read, book.tables(one["agency"], site))
    place = None
    if site is not None:
        address_zh, address_en = one["address"], one["address_en"] or one["address"]
        datum = Datum(one["datum"])
        place = Place(one["lat"], one["lon"], datum, address_zh, address_en, "site")
    return JudgeSignal(
        signal=one["signal"],
        read=read,
        received_at=one["received_at"],
        district=one["district"],
        agency=one["agency"],
        source=one["source"],
        device=one["device"],
        site=site,
        site_name_zh=one["name_zh"] or "",
        site_name_en=one["name_en"] or "",
        place=place,
        repeat_of=one["repeat_of"],
        candidates=candidates,
        means=means if codes_version else None,
        codes_version=codes_version,
    )


def _failed(connection: Connection, one: Mapping[str, Any], now: datetime, error: str) -> None:
    error = error.replace("\0", "")[:500]
    failures = one["failures"] + 1
    if failures < FAILURES_MAX:
        connection.execute(
            "UPDATE heard.pending SET failures = %s, error = %s WHERE signal = %s",
            (failures, error, one["signal"]),
        )
    else:
        connection.execute(
            "INSERT INTO heard.quarantined (signal, at, failures, error) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (signal) DO NOTHING",
            (one["signal"], now, failures, error),
        )
        connection.execute("DELETE FROM heard.pending WHERE signal = %s", (one["signal"],))
        logger.error("a signal was set aside", extra={"signal": str(one["signal"])})
    connection.commit()


# -- deadlines ----------------------------------------------------------------------------------

_CLAIM: Final = """
UPDATE log.due SET ring_at = %s WHERE subject IN (
    SELECT subject FROM log.due WHERE ring_at <= %s ORDER BY ring_at LIMIT %s
    FOR UPDATE SKIP LOCKED)
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
        except _AWAY:
            raise
        except Exception:
            connection.rollback()
            logger.exception("a deadline cannot speak", extra={"subject": str(subject)})
            continue
        if not outcome.facts:
            logger.warning("a deadline had nothing to say", extra={"subject": str(subject)})
    return len(claimed)


# -- reactions ----------------------------------------------------------------------------------

_REACTIONS: Final = "reactions"

_AFTER: Final = """
SELECT p.position, f.subject, f.kind, f.kind_version, f.agency, f.body
FROM log.position p JOIN log.fact f ON f.id = p.fact
WHERE p.position > (SELECT coalesce(max(position), 0) FROM log.cursor WHERE name = %s)
ORDER BY p.position LIMIT %s"""

_RETRY: Final = """
SELECT w.position, w.failures, f.subject, f.kind, f.kind_version, f.agency, f.body
FROM log.reaction_waiting w
JOIN log.position p ON p.position = w.position JOIN log.fact f ON f.id = p.fact
WHERE w.failures < %s AND w.at + w.failures * interval '1 second' <= %s
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
    limit: int = 200,
    *,
    obligations: Obligations = DEFAULT_OBLIGATIONS,
) -> int:
    """Send the commands that the next `limit` facts call for; returns the number of facts read.

    Where it has come to is stored; the key of a reaction is the fact's position, so a fact that is
    read twice is reacted to once. What fails is written down before the place moves on: it is tried
    again after some seconds and set aside after FAILURES_MAX. Raises what says that the database is
    away.
    """
    again = fetch(connection, _RETRY, [FAILURES_MAX, now, limit])
    facts = fetch(connection, _AFTER, [_REACTIONS, limit])
    connection.rollback()
    for one in (*again, *facts):
        try:
            _react(connection, keyring, one, now, obligations)
        except _AWAY:
            raise
        except Exception as error:
            connection.rollback()
            logger.exception("a reaction failed", extra={"position": one["position"]})
            _react_again(connection, one["position"], now, f"{type(error).__name__}: {error}")
        else:
            if "failures" in one:
                connection.execute(
                    "DELETE FROM log.reaction_waiting WHERE position = %s", (one["position"],)
                )
                connection.commit()
    if facts:
        connection.execute(_ADVANCE, (_REACTIONS, facts[-1]["position"]))
        connection.commit()
    return len(facts)


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


__all__ = ["counters", "judge_pending", "lag", "process_actor", "react_after", "sound_due"]
