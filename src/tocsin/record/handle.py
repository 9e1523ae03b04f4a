"""One command, one transaction: lock the subjects, decide, append the facts, update the read
tables, remember the outcome under the caller's key. The only way anything enters the log."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg

from tocsin.core.commands import (
    Command,
    JudgeSignal,
    RecallUnits,
    RefuseOrder,
    ReportStatus,
    SendUnits,
    SplitIncident,
    Subject,
    fresh_ids_needed,
    subjects,
)
from tocsin.core.incidents.facts import IncidentOpened
from tocsin.core.obligations import DEFAULT_OBLIGATIONS, Obligations
from tocsin.core.rules import decide, further
from tocsin.core.states import Decided, State
from tocsin.core.terms import (
    Actor,
    Context,
    Reason,
    Refused,
    SubjectKind,
)
from tocsin.record.appending import Head, append
from tocsin.record.blocks import tried_by
from tocsin.record.database import Connection, DatabaseAway, is_away, send_all
from tocsin.record.facts import NotStorable, StoredFact, canonical, data_of, decode_state
from tocsin.record.ids import milliseconds, uuid7_of
from tocsin.record.keys import Keyring
from tocsin.record.leaving import leaving_of
from tocsin.record.on_test import watched_by
from tocsin.record.opening import opening
from tocsin.record.plans import step_of

__all__ = [
    "KeyInvalid",
    "KeyReused",
    "NotStorable",
    "Outcome",
    "OutcomeUnknown",
    "StoredFact",
    "handle",
    "key_of_caller",
    "outcome_of",
]

KEY_CHARS_MAX: Final = 400
"""A caller's key has at most 200; the rest is for whose it is."""

Also = Callable[[Connection, list[StoredFact]], None]

ATTEMPTS_MAX: Final = 5
"""How often a command that lost a race for rows is decided anew before the caller is told."""

# Commands whose subjects depend on the state of those they name: read first, then lock all.
_REACHING: Final = (RefuseOrder, ReportStatus, RecallUnits, SendUnits, SplitIncident, JudgeSignal)


class KeyReused(Exception):
    """The idempotency key was used before, for another command or by another actor."""


class KeyInvalid(ValueError):
    """An idempotency key has 1 to 400 printable characters."""


class OutcomeUnknown(Exception):
    """The connection was lost during the commit: it may have happened or not.

    Send the same command with the same key again; the answer then is the truth.
    """


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did. `replayed`: it was done before, under the same key."""

    facts: list[StoredFact]
    replayed: bool


def handle(
    connection: Connection,
    keyring: Keyring,
    command: Command,
    *,
    actor: Actor,
    key: str,
    now: datetime,
    obligations: Obligations = DEFAULT_OBLIGATIONS,
    also: Also | None = None,
    is_rehearsal: bool = False,
) -> Outcome:
    """Do `command` for `actor` once, however often it is sent with `key`; commits.

    Whether the actor may is asked before, of `tocsin.core.access`. `now` is aware and UTC. `also`
    sends what is to be committed together with new facts, and waits for no answer. A rehearsal is
    taken back in place of the commit: nothing is left of it, not even a number.
    Raises core's `Refused` (nothing was changed), `KeyReused`, `KeyInvalid`, `NotStorable`,
    `DatabaseAway` (nothing was changed), `OutcomeUnknown` (ask again with the same key).
    """
    if not 0 < len(key) <= KEY_CHARS_MAX or not key.isprintable():
        raise KeyInvalid(f"an idempotency key has 1 to {KEY_CHARS_MAX} printable characters")
    request = _Request(
        command=command,
        actor=actor,
        key=key,
        now=now,
        obligations=obligations,
        fingerprint=fingerprint_of(keyring, actor, command),
        also=also,
        is_rehearsal=is_rehearsal,
    )
    for _ in range(ATTEMPTS_MAX):
        try:
            return _attempt(connection, keyring, request)
        except RACES as error:
            connection.rollback()
            if getattr(error.diag, "constraint_name", None) == "call_sign_taken":
                raise Refused(Reason.CALL_SIGN_TAKEN) from error
        except psycopg.DataError as error:
            connection.rollback()
            raise NotStorable(str(error).strip()) from error
        except psycopg.OperationalError as error:
            if not connection.closed:
                connection.rollback()
            if not is_away(error):
                raise NotStorable(str(error).strip()) from error
            raise DatabaseAway(str(error).strip()) from error
        except BaseException:
            if not connection.closed:
                connection.rollback()
            raise
    raise _lost_race(connection, request)


def key_of_caller(actor: Actor, key: str) -> str:
    """The key under which a caller's command is stored: each has its own, apart from those of
    others and from the keys of Tocsin's own processes, which never begin like this."""
    return f"api:{actor.id}:{key}"


def outcome_of(
    connection: Connection, keyring: Keyring, command: Command, *, actor: Actor, key: str
) -> Outcome | None:
    """What `handle` did for `actor` under `key` before; None if nothing. Raises `KeyReused`."""
    fingerprint = fingerprint_of(keyring, actor, command)
    before = connection.execute(_DONE, (key,)).fetchone()
    if before is None:
        return None
    return _replayed(connection, fingerprint, *before)


RACES: Final = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


@dataclass(frozen=True, slots=True)
class _Request:
    command: Command
    actor: Actor
    key: str
    now: datetime
    obligations: Obligations
    fingerprint: bytes
    also: Also | None
    is_rehearsal: bool


def fingerprint_of(keyring: Keyring, actor: Actor, command: Command) -> bytes:
    """What tells a command sent again from another. Raises `NotStorable`."""
    try:
        return keyring.fingerprint(f"{actor.id}\n".encode() + canonical(command))
    except UnicodeError as error:
        raise NotStorable(f"text that is not Unicode: {error}") from error


LOCK: Final = """
SELECT subject, kind, version, state FROM log.head
WHERE subject = ANY(%b::uuid[]) ORDER BY subject FOR UPDATE"""
READ: Final = "SELECT subject, kind, version, state FROM log.head WHERE subject = ANY(%b::uuid[])"
_DONE: Final = "SELECT body_hash, outcome FROM log.command WHERE key = %s"
# Between the first and the last of them, so that only the partitions of their days are looked into.
HEARD: Final = """
SELECT id, message FROM heard.signal WHERE id = ANY(%b::uuid[]) AND id BETWEEN %s AND %s"""


def _attempt(connection: Connection, keyring: Keyring, request: _Request) -> Outcome:
    command = request.command
    tried = tried_by(connection, command, request.actor.agency, request.now)
    named = subjects(command)
    if isinstance(command, _REACHING):
        named = _reached(connection, command, named)
    leaving = leaving_of(connection, command)
    if leaving is not None:
        named += tuple((SubjectKind.SIGNAL, one) for one in leaving.signals)
    # Row locks in id order, so that two commands never wait for each other. The key is looked up
    # after the locks are held: whoever sent it first has then committed or is gone.
    ids = sorted({subject for _, subject in named})
    signals = sorted({one for kind, one in named if kind is SubjectKind.SIGNAL})
    with connection.pipeline():
        locked = connection.execute(LOCK, (ids,)) if ids else None
        done = connection.execute(_DONE, (request.key,))
        heard = (
            connection.execute(HEARD, (signals, min(signals), max(signals))) if signals else None
        )
    before = done.fetchone()
    if before is not None:
        return _replayed(connection, request.fingerprint, *before)
    heads = heads_of(locked.fetchall()) if locked else {}
    states = {subject: head.state for subject, head in heads.items()}
    if set(further(states, command)) - set(named):
        raise psycopg.errors.SerializationFailure("the subjects moved on between read and lock")
    if leaving_of(connection, command) != leaving:
        raise psycopg.errors.SerializationFailure("the sender said more between read and lock")

    context = Context(
        now=request.now,
        actor=request.actor,
        fresh_ids=fresh_ids(request.now, fresh_ids_needed(command)),
        obligations=request.obligations,
        watched=watched_by(connection, states, command),
        tried=tried,
        step=step_of(connection, keyring, command),
        leaving=leaving,
    )
    decided = decide(states, command, context)
    opened = next((fact for _, _, fact in decided if isinstance(fact, IncidentOpened)), None)
    if opened is not None:
        # Only now: a number is taken from the agency's sequence only by who opens.
        context = opening(connection, context, opened)
        decided = decide(states, command, context)
    return _write(connection, keyring, request, heads, decided, heard)


def _reached(
    connection: Connection, command: Command, named: tuple[Subject, ...]
) -> tuple[Subject, ...]:
    """All subjects of the command, found by reading without locks; checked again under them."""
    states: dict[UUID, State] = {}
    asked: dict[UUID, Subject] = {}
    more: Sequence[Subject] = named
    while more:
        asked |= {one[1]: one for one in more}
        rows = connection.execute(READ, ([subject for _, subject in more],)).fetchall()
        states |= {subject: head.state for subject, head in heads_of(rows).items()}
        more = [one for one in further(states, command) if one[1] not in asked]
    return tuple(asked.values())


def heads_of(
    rows: list[tuple[Any, ...]], read: Mapping[UUID, Head] | None = None
) -> dict[UUID, Head]:
    """The heads that LOCK and READ select. Those that stand as they were `read` before are not
    read once more."""
    found = {}
    for subject, kind, version, state in rows:
        head = read.get(subject) if read else None
        if head is None or head.version != version:
            head = Head(version, decode_state(kind, state))
        found[subject] = head
    return found


def fresh_ids(now: datetime, count: int) -> tuple[UUID, ...]:
    """So many new ids made at `now`."""
    ms = milliseconds(now)
    return tuple(uuid7_of(ms, os.urandom(10)) for _ in range(count))


def _write(
    connection: Connection,
    keyring: Keyring,
    request: _Request,
    heads: dict[UUID, Head],
    decided: list[Decided],
    heard: psycopg.Cursor[Any] | None,
) -> Outcome:
    (command_id,) = fresh_ids(request.now, 1)
    # From here on a lost connection may have lost only the answer. Everything is sent in one go,
    # COMMIT included; if any statement fails, the server skips the rest and rolls back.
    try:
        with connection.pipeline():
            facts = append(
                connection,
                keyring,
                heads,
                decided,
                actor=request.actor,
                commands=[command_id] * len(decided),
                now=request.now,
                heard=dict(heard.fetchall()) if heard else {},
            )
            connection.execute(
                "INSERT INTO log.command (key, id, actor, body_hash, outcome, at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (
                    request.key,
                    command_id,
                    request.actor.id,
                    request.fingerprint,
                    canonical([[fact.subject, fact.version] for fact in facts]),
                    request.now,
                ),
            )
            if request.also is not None:
                request.also(connection, facts)
            if not request.is_rehearsal:
                send_all(connection)
                connection.commit()
    except psycopg.OperationalError as error:
        if connection.closed or connection.broken:
            raise OutcomeUnknown(str(error).strip()) from error
        raise
    finally:
        if request.is_rehearsal:
            _take_back(connection, keyring, decided)
    return Outcome(facts=facts, replayed=False)


def _take_back(connection: Connection, keyring: Keyring, decided: list[Decided]) -> None:
    if not connection.closed:
        connection.rollback()
    for _, incident, fact in decided:
        if isinstance(fact, IncidentOpened):
            keyring.never_was(incident)


def _replayed(
    connection: Connection, fingerprint: bytes, body_hash: bytes, outcome: bytes
) -> Outcome:
    if body_hash != fingerprint:
        connection.rollback()
        raise KeyReused(
            "this idempotency key was used before for another command; a new command needs a new"
            " key, and a repeated one must be sent unchanged"
        )
    wanted = [(UUID(subject), version) for subject, version in msgspec.json.decode(outcome)]
    rows = connection.execute(
        "SELECT f.kind, f.subject, f.subject_kind, f.version, f.incident, f.body"
        " FROM unnest(%s::uuid[], %s::bigint[]) WITH ORDINALITY AS w (subject, version, place)"
        " JOIN log.fact f ON f.subject = w.subject AND f.version = w.version ORDER BY w.place",
        ([subject for subject, _ in wanted], [version for _, version in wanted]),
    ).fetchall()
    connection.rollback()
    facts = [
        StoredFact(kind, subject, SubjectKind(subject_kind), version, incident, data_of(body))
        for kind, subject, subject_kind, version, incident, body in rows
    ]
    return Outcome(facts=facts, replayed=True)


def _lost_race(connection: Connection, request: _Request) -> Refused:
    """Others changed the same subjects faster each time: say who was last, and when."""
    ids = [subject for _, subject in subjects(request.command)]
    row = connection.execute(
        "SELECT actor_name, recorded_at FROM log.fact WHERE subject = ANY(%s)"
        " ORDER BY id DESC LIMIT 1",
        (ids,),
    ).fetchone()
    connection.rollback()
    by, at = row if row is not None else ("", request.now)
    return Refused(Reason.LOST_RACE, by=by, at=at)
