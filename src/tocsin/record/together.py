"""Many signals judged in one transaction: each is decided as if it came alone, after the one before
it, and all are written at once. What cannot go together is left to be handled one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg

from tocsin.core.commands import JudgeSignal, fresh_ids_needed, subjects
from tocsin.core.crowds import Meanwhile
from tocsin.core.incidents.facts import IncidentOpened
from tocsin.core.incidents.state import Incident
from tocsin.core.obligations import Obligations
from tocsin.core.rules import decide, further
from tocsin.core.states import Decided, State, evolve
from tocsin.core.terms import Actor, Context, Nearby, Reason, Refused, SubjectKind
from tocsin.core.verdicts import source_key
from tocsin.record.appending import Head, append
from tocsin.record.arrays import Byteas, Texts, Uuids
from tocsin.record.database import Connection, is_away
from tocsin.record.facts import canonical
from tocsin.record.handle import (
    HEARD,
    LOCK,
    READ,
    OutcomeUnknown,
    fingerprint_of,
    fresh_ids,
    heads_of,
)
from tocsin.record.keys import Keyring
from tocsin.record.opening import opening

HOLD_S: Final = 0.02
"""A batch that has opened an incident takes up no more signals after this long."""

_COMMANDS: Final = """
INSERT INTO log.command (key, id, actor, body_hash, outcome, at)
SELECT c.key, c.id, %s, c.body_hash, c.outcome, %s
FROM unnest(%b::text[], %b::uuid[], %b::bytea[], %b::bytea[]) AS c (key, id, body_hash, outcome)"""
_KNOWN: Final = "DELETE FROM heard.pending WHERE signal = ANY(%s)"


class _NumberTaken(Exception):
    """One failed that had a number already: the batch goes, so that no number is missing."""


@dataclass(slots=True)
class _Batch:
    """What has been decided so far, and the world as it is after that."""

    states: dict[UUID, State]
    opened: list[UUID]  # newest first
    decided: list[Decided]
    after: list[State]  # each of them
    ids: list[UUID]  # the command of each of them
    judged: list[tuple[JudgeSignal, UUID]]
    known: list[UUID]  # signals that were judged before
    meanwhile: Meanwhile


def judge_together(
    connection: Connection,
    keyring: Keyring,
    commands: Sequence[JudgeSignal],
    *,
    actor: Actor,
    key: Callable[[JudgeSignal], str],
    now: datetime,
    obligations: Obligations,
) -> tuple[list[JudgeSignal], list[JudgeSignal]]:
    """Judge `commands` in their order in one transaction, as `handle` would one by one; commits.

    Returns those that are to be handled singly: all of them where somebody changed the same
    subjects meanwhile, and any whose judging failed; they have changed nothing. And those that it
    did not come to: who enters a call waits for the number that an incident opened here has taken,
    so a batch that opens some is a short one. Each command's `candidates` are those found before;
    what the batch itself opens is added to them.
    Raises `OutcomeUnknown`, and what says that the database is away.
    """
    named, read = _reached(connection, commands)
    signals = [command.signal for command in commands]
    with connection.pipeline():
        locked = connection.execute(LOCK, (Uuids.of(sorted(named)),))
        heard = connection.execute(HEARD, (Uuids.of(signals), min(signals), max(signals)))
    heads = heads_of(locked.fetchall(), read)
    states = {subject: head.state for subject, head in heads.items()}
    # What judging asks for besides depends on the states alone, so one command asks for all.
    if any(one not in named for _, one in further(states, commands[0])):
        connection.rollback()  # they moved on between reading and locking
        return list(commands), []
    batch = _Batch(states, [], [], [], [], [], [], Meanwhile())
    try:
        singly, later = _decide_all(connection, batch, commands, actor, now, obligations)
    except (psycopg.Error, _NumberTaken) as error:
        if is_away(error):
            raise
        connection.rollback()
        return list(commands), []
    try:
        # Not in a pipeline: what is written here fills the socket's buffer, the server answers none
        # of it before the end, and a driver that waits for an answer sends the rest no more.
        _write(connection, keyring, batch, heads, dict(heard.fetchall()), actor, key, now)
        connection.commit()
    except psycopg.OperationalError as error:
        if connection.closed or connection.broken:
            raise OutcomeUnknown(str(error).strip()) from error
        connection.rollback()
        return list(commands), []
    except Exception:  # noqa: BLE001 - one of them; which, is found out singly
        connection.rollback()
        return list(commands), []
    return singly, later


def _decide_all(
    connection: Connection,
    batch: _Batch,
    commands: Sequence[JudgeSignal],
    actor: Actor,
    now: datetime,
    obligations: Obligations,
) -> tuple[list[JudgeSignal], list[JudgeSignal]]:
    """Those that cannot be decided, and those that there was no time for."""
    singly: list[JudgeSignal] = []
    until = time.monotonic() + HOLD_S
    for place, command in enumerate(commands):
        if batch.opened and time.monotonic() > until:
            return singly, list(commands[place:])
        try:
            _decide(connection, batch, command, actor, now, obligations)
        except (psycopg.Error, _NumberTaken):
            raise
        except Exception:  # noqa: BLE001 - handled singly, where it is said what it is
            singly.append(command)
    return singly, []


def _decide(
    connection: Connection,
    batch: _Batch,
    command: JudgeSignal,
    actor: Actor,
    now: datetime,
    obligations: Obligations,
) -> None:
    """Adds what follows from one signal to the batch, or nothing if it raises."""
    mine = tuple(one for one in batch.opened if _is_candidate(batch.states[one], command))
    if mine:
        command = replace(command, candidates=mine + command.candidates)
    command = batch.meanwhile.known_to(command)
    context = Context(
        now=now,
        actor=actor,
        fresh_ids=fresh_ids(now, fresh_ids_needed(command)),
        obligations=obligations,
    )
    try:
        decided = decide(batch.states, command, context)
    except Refused as refusal:
        if refusal.reason is not Reason.ALREADY_SO:
            raise
        batch.known.append(command.signal)
        return
    opened = next((fact for _, _, fact in decided if isinstance(fact, IncidentOpened)), None)
    if opened is not None:
        try:
            context = opening(connection, context, opened)
            nearby = (*_opened_here(batch), *context.nearby)
            decided = decide(batch.states, command, replace(context, nearby=nearby))
        except psycopg.Error:
            raise
        except Exception as error:
            raise _NumberTaken from error
    after: dict[UUID, State] = {}
    states: list[State] = []
    for kind, subject, fact in decided:
        after[subject] = evolve(kind, after.get(subject, batch.states.get(subject)), fact)
        states.append(after[subject])
    (identifier,) = fresh_ids(now, 1)
    batch.states |= after
    batch.decided += decided
    batch.after += states
    batch.meanwhile.note(decided)
    batch.ids += [identifier] * len(decided)
    batch.judged.append((command, identifier))
    if opened is not None:
        new = [one for kind, one, _ in decided if kind is SubjectKind.INCIDENT]
        batch.opened.insert(0, new[0])


def _write(
    connection: Connection,
    keyring: Keyring,
    batch: _Batch,
    heads: dict[UUID, Head],
    heard: dict[UUID, UUID],
    actor: Actor,
    key: Callable[[JudgeSignal], str],
    now: datetime,
) -> None:
    facts = append(
        connection,
        keyring,
        heads,
        batch.decided,
        actor=actor,
        commands=batch.ids,
        now=now,
        heard=heard,
        states=batch.after,
    )
    outcomes: dict[UUID, list[list[object]]] = {}
    for identifier, fact in zip(batch.ids, facts, strict=True):
        outcomes.setdefault(identifier, []).append([fact.subject, fact.version])
    if batch.judged:
        connection.execute(
            _COMMANDS,
            (
                *(actor.id, now),
                Texts.of(key(command) for command, _ in batch.judged),
                Uuids.of(identifier for _, identifier in batch.judged),
                Byteas.of(fingerprint_of(keyring, actor, command) for command, _ in batch.judged),
                Byteas.of(canonical(outcomes[identifier]) for _, identifier in batch.judged),
            ),
        )
    if batch.known:
        connection.execute(_KNOWN, (batch.known,))


def _is_candidate(incident: State, command: JudgeSignal) -> bool:
    """Whether an incident that this batch has opened is one that the signal may belong to."""
    if not isinstance(incident, Incident):
        return False
    if command.site is not None:
        return incident.site == command.site
    if (incident.district, incident.agency) != (command.district, command.agency):
        return False
    return incident.site is None and (
        incident.source_key == source_key(command)
        or (command.network != "" and incident.source_address == command.network)
    )


def _opened_here(batch: _Batch) -> list[Nearby]:
    found = []
    for one in batch.opened:
        incident = batch.states[one]
        if isinstance(incident, Incident) and incident.place is not None:
            found.append(Nearby(one, incident.type, incident.place, incident.opened_at))
    return found


def _reached(
    connection: Connection, commands: Sequence[JudgeSignal]
) -> tuple[set[UUID], dict[UUID, Head]]:
    """All subjects of the commands and what those point to, and how they stand; read without
    locks."""
    heads: dict[UUID, Head] = {}
    asked: set[UUID] = set()
    more: set[UUID] = {one for command in commands for _, one in subjects(command)}
    while more:
        asked |= more
        rows = connection.execute(READ, (Uuids.of(more),)).fetchall()
        heads |= heads_of(rows)
        states = {subject: head.state for subject, head in heads.items()}
        more = {one for _, one in further(states, commands[0])} - asked
    return asked, heads
