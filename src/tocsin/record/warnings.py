"""Warnings to the public as they are kept: drafts that are edited, and what two people let go out.
Every act is written down with who, when and what it said then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg

from tocsin.core.terms import Actor
from tocsin.core.warnings import LISTED_FOR, LISTED_MAX, Content, Kind, may_approve, mistakes
from tocsin.record.database import Connection
from tocsin.record.ids import uuid7
from tocsin.record.views.sql import fetch

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(Content).decode


class WarningReason(StrEnum):
    """Why a warning is not written or does not go out."""

    NOT_FOUND = "not_found"
    NOT_A_DRAFT = "not_a_draft"
    OWN_WORDS = "own_words"
    EDITED = "edited"
    FOLLOWED = "followed"
    NOT_PUBLISHED = "not_published"
    OVER = "over"
    MISTAKES = "mistakes"


class WarningRefused(Exception):
    """Nothing was changed."""

    def __init__(self, reason: WarningReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning. `followed_by`: the published message that updates or cancels it."""

    id: UUID
    agency: str
    district: str
    incident: UUID
    kind: Kind
    refers_to: UUID | None
    state: str
    content: Content
    edits: int
    written_by: str
    written_name: str
    written_at: datetime
    approved_name: str | None
    sent_at: datetime | None
    expires_at: datetime | None
    followed_by: UUID | None


_COLUMNS: Final = """
SELECT w.id, w.agency, w.district, w.incident, w.kind, w.refers_to, w.state, w.content, w.edits,
    w.written_by, w.written_name, w.written_at, w.approved_name, w.sent_at, w.expires_at,
    (SELECT f.id FROM ref.warning f WHERE f.refers_to = w.id AND f.state = 'published')
        AS followed_by
FROM ref.warning w"""


def _warned(row: dict[str, Any]) -> Warned:
    return Warned(**row | {"kind": Kind(row["kind"]), "content": _decode(bytes(row["content"]))})


def warning(connection: Connection, identifier: UUID) -> Warned:
    """One warning. Raises `WarningRefused` (NOT_FOUND)."""
    found = fetch(connection, f"{_COLUMNS} WHERE w.id = %s", [identifier])
    if not found:
        raise WarningRefused(WarningReason.NOT_FOUND)
    return _warned(found[0])


def warnings(
    connection: Connection, agency: str, districts: Sequence[str], limit: int = 100
) -> list[Warned]:
    """An agency's warnings, the newest first; of `districts`, where there are any."""
    query = (
        f"{_COLUMNS} WHERE w.agency = %s AND (%s OR w.district = ANY(%s))"
        " ORDER BY w.written_at DESC LIMIT %s"
    )
    values = [agency, not districts, list(districts), limit]
    return [_warned(row) for row in fetch(connection, query, values)]


def chain(connection: Connection, one: Warned) -> list[Warned]:
    """What it refers to, and what that refers to, the nearest first."""
    found: list[Warned] = []
    while one.refers_to is not None:
        one = warning(connection, one.refers_to)
        found.append(one)
    return found


def acts(connection: Connection, identifier: UUID) -> list[dict[str, Any]]:
    """Who did what to it, the newest first."""
    query = "SELECT at, by_name, act FROM ref.warning_act WHERE warning = %s ORDER BY id DESC"
    return fetch(connection, query, [identifier])


def listed(connection: Connection, now: datetime) -> tuple[list[UUID], int]:
    """What the feed names at `now`, the newest first, and how many it has no place for: LISTED_MAX
    at most, and what still holds comes before what is over."""
    rows = connection.execute(
        "SELECT id, count(*) OVER () FROM ref.warning WHERE state = 'published'"
        " AND expires_at > %s AND sent_at <= %s"
        " ORDER BY expires_at > %s DESC, sent_at DESC, id DESC LIMIT %s",
        (now - LISTED_FOR, now, now, LISTED_MAX),
    ).fetchall()
    return [identifier for identifier, _ in rows], rows[0][1] - len(rows) if rows else 0


def documents(connection: Connection, identifiers: Sequence[UUID]) -> list[tuple[UUID, bytes]]:
    """Published documents, each with its id, in no order."""
    rows = connection.execute(
        "SELECT id, document FROM ref.warning WHERE state = 'published' AND id = ANY(%s)",
        (list(identifiers),),
    ).fetchall()
    return [(identifier, bytes(document)) for identifier, document in rows]


def document(connection: Connection, identifier: UUID) -> tuple[bytes, datetime] | None:
    """A published document, and when it was sent."""
    row = connection.execute(
        "SELECT document, sent_at FROM ref.warning WHERE id = %s AND state = 'published'",
        (identifier,),
    ).fetchone()
    return None if row is None else (bytes(row[0]), row[1])


# -- acts ---------------------------------------------------------------------------------------


@contextmanager
def _one_act(connection: Connection) -> Iterator[None]:
    connection.rollback()
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def write(
    connection: Connection,
    actor: Actor,
    content: Content,
    now: datetime,
    *,
    incident: UUID,
    district: str,
) -> UUID:
    """A new draft about an incident. Commits. Raises `WarningRefused` (MISTAKES)."""
    if mistakes(content):
        raise WarningRefused(WarningReason.MISTAKES)
    with _one_act(connection):
        return _begin(connection, actor, content, now, (actor.agency, district, incident), None)


def follow(
    connection: Connection, actor: Actor, before: UUID, kind: Kind, content: Content, now: datetime
) -> UUID:
    """A draft that updates or cancels a published warning. Commits. Raises `WarningRefused`:
    NOT_PUBLISHED; OVER, once it has expired or was cancelled; FOLLOWED, where another message
    follows it already, as a draft too; MISTAKES."""
    if mistakes(content):
        raise WarningRefused(WarningReason.MISTAKES)
    first = warning(connection, before)
    if first.state != "published" or first.expires_at is None:
        raise WarningRefused(WarningReason.NOT_PUBLISHED)
    if first.kind is Kind.CANCEL or first.expires_at <= now:
        raise WarningRefused(WarningReason.OVER)
    of = (first.agency, first.district, first.incident)
    try:
        with _one_act(connection):
            return _begin(connection, actor, content, now, of, (kind, before))
    except psycopg.errors.UniqueViolation:
        raise WarningRefused(WarningReason.FOLLOWED) from None


def _begin(
    connection: Connection,
    actor: Actor,
    content: Content,
    now: datetime,
    of: tuple[str, str, UUID],
    refers: tuple[Kind, UUID] | None,
) -> UUID:
    identifier = uuid7(now)
    kind, before = (Kind.ALERT, None) if refers is None else refers
    connection.execute(
        "INSERT INTO ref.warning (id, agency, district, incident, kind, refers_to, state, content,"
        " written_by, written_name, written_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, 'draft', %s, %s, %s, %s)",
        (identifier, *of, kind.value, before, _encode(content), actor.id, actor.name, now),
    )
    _note(connection, identifier, actor, now, "written", content)
    return identifier


def edit(
    connection: Connection, actor: Actor, seen: Warned, content: Content, now: datetime
) -> None:
    """The draft says `content` from now on, in the words of `actor`. Commits. Raises
    `WarningRefused`: NOT_A_DRAFT, EDITED where it is not what was `seen`, MISTAKES."""
    if mistakes(content):
        raise WarningRefused(WarningReason.MISTAKES)
    with _one_act(connection):
        _locked(connection, seen)
        connection.execute(
            "UPDATE ref.warning SET content = %s, edits = edits + 1, written_by = %s,"
            " written_name = %s, written_at = %s WHERE id = %s",
            (_encode(content), actor.id, actor.name, now, seen.id),
        )
        _note(connection, seen.id, actor, now, "edited", content)


def drop(connection: Connection, actor: Actor, seen: Warned, now: datetime) -> None:
    """The draft is given up; it stays readable. Commits. Raises `WarningRefused`."""
    with _one_act(connection):
        _locked(connection, seen)
        connection.execute("UPDATE ref.warning SET state = 'dropped' WHERE id = %s", (seen.id,))
        _note(connection, seen.id, actor, now, "dropped", seen.content)


def publish(
    connection: Connection,
    actor: Actor,
    seen: Warned,
    now: datetime,
    written: Callable[[Warned, list[Warned], datetime], bytes],
) -> None:
    """A second person lets it go out, as it was `seen`. `written` makes the document of it, of
    what it refers to, and of the time. Commits. Raises `WarningRefused`: NOT_A_DRAFT, EDITED,
    OWN_WORDS; and whatever `written` raises."""
    at = now.replace(microsecond=0)  # CAP knows no fractions
    with _one_act(connection):
        one = _locked(connection, seen)
        if not may_approve(one.written_by, actor.id):
            raise WarningRefused(WarningReason.OWN_WORDS)
        before = chain(connection, one)
        if before and (before[0].expires_at is None or before[0].expires_at <= at):
            raise WarningRefused(WarningReason.OVER)
        connection.execute(
            "UPDATE ref.warning SET state = 'published', approved_by = %s, approved_name = %s,"
            " sent_at = %s, expires_at = %s, document = %s WHERE id = %s",
            (
                *(actor.id, actor.name, at, at + timedelta(minutes=one.content.valid_min)),
                *(written(one, before, at), one.id),
            ),
        )
        _note(connection, one.id, actor, now, "published", one.content)


def _locked(connection: Connection, seen: Warned) -> Warned:
    connection.execute("SELECT FROM ref.warning WHERE id = %s FOR UPDATE", (seen.id,))
    one = warning(connection, seen.id)
    if one.state != "draft":
        raise WarningRefused(WarningReason.NOT_A_DRAFT)
    if one.edits != seen.edits:
        raise WarningRefused(WarningReason.EDITED)
    return one


def _note(
    connection: Connection, identifier: UUID, actor: Actor, now: datetime, act: str, said: Content
) -> None:
    connection.execute(
        "INSERT INTO ref.warning_act (warning, at, by, by_name, act, content)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (identifier, now, actor.id, actor.name, act, _encode(said)),
    )
