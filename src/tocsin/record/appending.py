"""The writing half of a command's transaction: facts with salt and sealed part, heads, read tables,
deadlines. Sends statements, waits for none: the caller's pipeline commits them as one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from tocsin.core.incidents.facts import SignalJoined
from tocsin.core.states import Decided, State, due, evolve, incident_of
from tocsin.core.terms import Actor, SubjectKind
from tocsin.record.arrays import Byteas, Texts, Uuids
from tocsin.record.database import Connection
from tocsin.record.facts import (
    StoredFact,
    bound_to,
    data_of,
    kind_of,
    new_salt,
    parts,
    readable_state,
    require_readable,
    sealed_part,
)
from tocsin.record.keys import KeyMissing, Keyring
from tocsin.record.sealing import DayKeys
from tocsin.record.views.writing import Written, write_rows

logger = logging.getLogger("tocsin.record")


@dataclass(slots=True)
class Head:
    """A subject's present version and state; version 0 before its first fact."""

    version: int
    state: State


# Arrays go as PostgreSQL keeps them (%b): as text, each of a thousand values is looked through for
# what has to be quoted.
# The facts take their ids in the order they were decided; the sequencer will find them waiting.
_FACTS: Final = """
WITH written AS (
    INSERT INTO log.fact (subject, subject_kind, version, kind, kind_version, recorded_at,
        district, agency, actor, actor_name, incident, command, body, salt, sealed)
    SELECT f.subject, f.subject_kind, f.version, f.kind, f.kind_version, %s, f.district, f.agency,
        %s, %s, f.incident, f.command, f.body, f.salt, f.sealed
    FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::text[], %b::int[], %b::text[],
        %b::text[], %b::uuid[], %b::uuid[], %b::bytea[], %b::bytea[], %b::bytea[])
        WITH ORDINALITY AS f (subject, subject_kind, version, kind, kind_version, district,
        agency, incident, command, body, salt, sealed, place)
    ORDER BY f.place
    RETURNING id)
INSERT INTO log.pending (fact) SELECT id FROM written"""

_HEADS: Final = """
INSERT INTO log.head (subject, kind, version, state, district, agency)
SELECT * FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::bytea[], %b::text[], %b::text[])
ON CONFLICT (subject) DO UPDATE SET version = excluded.version, state = excluded.state,
    district = excluded.district, agency = excluded.agency"""

_DUE: Final = """
INSERT INTO log.due (subject, kind, due_at, ring_at)
SELECT d.subject, d.kind, d.due_at, d.due_at
FROM unnest(%b::uuid[], %b::text[], %b::timestamptz[]) AS d (subject, kind, due_at)
ON CONFLICT (subject) DO UPDATE SET due_at = excluded.due_at, ring_at = excluded.ring_at"""

_REWRAPPED: Final = """
INSERT INTO heard.rewrapped (message, incident, wrapped_key, at)
SELECT r.message, r.incident, r.wrapped_key, %s
FROM unnest(%b::uuid[], %b::uuid[], %b::bytea[]) AS r (message, incident, wrapped_key)
ON CONFLICT (message, incident) DO NOTHING"""


def append(
    connection: Connection,
    keyring: Keyring,
    heads: Mapping[UUID, Head],
    decided: list[Decided],
    *,
    actor: Actor,
    commands: Sequence[UUID],
    now: datetime,
    heard: Mapping[UUID, UUID],
    states: Sequence[State] | None = None,
) -> list[StoredFact]:
    """Write what was decided on `heads` (the locked ones; others begin here).

    `commands` has the id of the command that each was decided by; `heard` gives the messages of
    signals that may join an incident; `states` are those after each fact, for a caller that has
    them already. Every key that seals anything is on disk when this returns, before the caller
    commits.
    """
    after = {subject: Head(head.version, head.state) for subject, head in heads.items()}
    keys = _Keys(keyring)
    kinds: dict[UUID, SubjectKind] = {}
    facts: list[StoredFact] = []
    bodies: list[bytes] = []
    sealed: list[bytes | None] = []
    versions: list[int] = []
    places: list[tuple[str, str]] = []
    joined: list[tuple[UUID, UUID, bytes]] = []
    for place, (subject_kind, subject, fact) in enumerate(decided):
        known = after.get(subject)
        before = known.state if known else None
        state = evolve(subject_kind, before, fact) if states is None else states[place]
        version = known.version + 1 if known else 1
        if known is None and subject_kind is SubjectKind.INCIDENT:
            keys.begun.add(subject)
        after[subject] = Head(version, state)
        kinds[subject] = subject_kind
        incident = incident_of(subject, before, state)
        kind, kind_version = kind_of(fact)
        body, plain = parts(fact)
        require_readable(kind, kind_version, body)
        bodies.append(body)
        sealed.append(keys.sealed(incident, plain, bound_to(subject, version, kind)))
        versions.append(kind_version)
        places.append((state.district, state.agency))
        facts.append(StoredFact(kind, subject, subject_kind, version, incident, data_of(body)))
        if isinstance(fact, SignalJoined) and fact.signal in heard:
            joined += keys.rewrapped(heard[fact.signal], subject)
    if not facts:
        return facts
    _write_facts(connection, facts, versions, places, commands, bodies, sealed, actor, now)
    if joined:
        messages, incidents, wrapped = zip(*joined, strict=True)
        wraps = (now, Uuids.of(messages), Uuids.of(incidents), Byteas.of(wrapped))
        connection.execute(_REWRAPPED, wraps)
    written = [Written(kind, subject, *_head(after[subject])) for subject, kind in kinds.items()]
    _write_heads(connection, written)
    _write_due(connection, heads, written)
    write_rows(connection, written, {fact.kind for fact in facts})
    return facts


def _write_facts(
    connection: Connection,
    facts: Sequence[StoredFact],
    versions: Sequence[int],
    places: Sequence[tuple[str, str]],
    commands: Sequence[UUID],
    bodies: Sequence[bytes],
    sealed: Sequence[bytes | None],
    actor: Actor,
    now: datetime,
) -> None:
    connection.execute(
        _FACTS,
        (
            *(now, actor.id, actor.name),
            Uuids.of(fact.subject for fact in facts),
            Texts.of(fact.subject_kind.value for fact in facts),
            [fact.version for fact in facts],
            Texts.of(fact.kind for fact in facts),
            list(versions),
            Texts.of(district for district, _ in places),
            Texts.of(agency for _, agency in places),
            Uuids.of(fact.incident for fact in facts),
            Uuids.of(commands),
            Byteas.of(bodies),
            Byteas.of(new_salt() for _ in facts),
            Byteas.of(sealed),
        ),
    )


def _head(head: Head) -> tuple[int, State]:
    return head.version, head.state


def _write_heads(connection: Connection, written: list[Written]) -> None:
    connection.execute(
        _HEADS,
        (
            Uuids.of(one.subject for one in written),
            Texts.of(one.kind.value for one in written),
            [one.version for one in written],
            Byteas.of(readable_state(one.kind.value, one.state) for one in written),
            Texts.of(one.state.district for one in written),
            Texts.of(one.state.agency for one in written),
        ),
    )


def _write_due(connection: Connection, heads: Mapping[UUID, Head], written: list[Written]) -> None:
    running = []
    ended = []
    for one in written:
        known = heads.get(one.subject)
        before, now = due(known.state) if known else None, due(one.state)
        if now == before:
            continue
        if now is None:
            ended.append(one.subject)
        else:
            running.append((one.subject, one.kind.value, now))
    if running:
        subjects, kinds, times = zip(*running, strict=True)
        connection.execute(_DUE, (Uuids.of(subjects), Texts.of(kinds), list(times)))
    if ended:
        connection.execute("DELETE FROM log.due WHERE subject = ANY(%s)", (ended,))


class _Keys:
    """The keys that one transaction seals under."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._days = DayKeys(keyring, create=False)
        self.begun: set[UUID] = set()
        """Incidents that this transaction opens, which have no key yet."""

    def sealed(self, incident: UUID | None, plain: bytes | None, binding: bytes) -> bytes | None:
        if plain is None:
            return None
        self.require(incident)
        return sealed_part(self._keyring, incident, plain, binding)

    def require(self, incident: UUID | None) -> None:
        if incident is not None and incident in self.begun:
            self.begun.remove(incident)
            self._keyring.begin(incident)

    def rewrapped(self, message: UUID, incident: UUID) -> list[tuple[UUID, UUID, bytes]]:
        """What was heard lives and dies with the incident from now on. A key that is gone already
        must not stop an incident: the bytes are lost either way, and the log says so."""
        self.require(incident)
        try:
            return [(message, incident, self._days.rewrapped(message, incident))]
        except KeyMissing as error:
            logger.error(  # noqa: TRY400 - the reason is known, a trace says no more
                "what was heard cannot be opened",
                extra={"message_id": str(message), "incident": str(incident), "error": str(error)},
            )
            return []
