"""Code tables of agencies and sites: their versions, and the draft that is edited and tried before
it is put in force (record/code_force.py). Every act is written down with who, when and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from tocsin.core.codes.overrides import OVERRIDES_MAX, CodeOverride, CodeTable
from tocsin.core.codes.silencing import Silenced, silenced
from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level
from tocsin.record.database import Connection
from tocsin.record.views.sql import fetch

REASON_CHARS_MIN: Final = 5
REASON_CHARS_MAX: Final = 1_000
AHEAD_MAX: Final = timedelta(days=366)
"""So far ahead a version may be put in force."""

_CHANGING: Final = 0x746F6373_636F6465  # advisory lock: one change of code tables at a time


class CodesReason(StrEnum):
    """Why a change of a code table is refused. The texts are in `record.code_texts`."""

    NOT_FOUND = "not_found"
    NO_DRAFT = "no_draft"
    NOT_A_DRAFT = "not_a_draft"
    IN_FORCE_ALREADY = "in_force_already"
    NOTHING_IN_FORCE = "nothing_in_force"
    NOT_TRIED = "not_tried"
    REASON_NEEDED = "reason_needed"
    SILENCES = "silences"
    TOO_MANY = "too_many"
    EDITED = "edited"
    PENDING = "pending"
    NOT_PENDING = "not_pending"
    BAD_TIME = "bad_time"
    TOO_SLOW = "too_slow"


class CodesRefused(Exception):
    """A change of a code table that cannot be done; nothing was changed. `silences` names the
    alarms that would fall silent."""

    def __init__(self, reason: CodesReason, silences: Sequence[Silenced] = ()) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.silences = tuple(silences)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose codes: an agency's, or (with `site`) one of its sites'."""

    agency: str
    site: UUID | None = None


@dataclass(frozen=True, slots=True)
class Who:
    """The person who acts: an id that stays, and the name to show."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a scope's table. `tried`: it was tried since its last edit."""

    version: int
    agency: str
    site: UUID | None
    state: str
    note: str
    created_by: str
    created_at: datetime
    edits: int
    tried: bool
    in_force_from: datetime | None
    pending_from: datetime | None
    approved_by: str | None
    rows: int

    @property
    def scope(self) -> Scope:
        return Scope(self.agency, self.site)

    def is_still(self, later: Version) -> bool:
        """Whether `later` is this version, not edited since."""
        return (self.version, self.edits) == (later.version, later.edits)


_VERSIONS: Final = """
SELECT t.version, t.agency, t.site, t.state, t.note, t.created_by, t.created_at, t.edits,
    coalesce(t.tried_edits = t.edits, false) AS tried, t.in_force_from,
    t.pending_from, t.approved_by,
    (SELECT count(*) FROM ref.code_override o WHERE o.version = t.version) AS rows
FROM ref.code_table t"""


def versions(connection: Connection, scope: Scope) -> list[Version]:
    """All versions of a scope, newest first."""
    query = f"{_VERSIONS} WHERE agency = %s AND site IS NOT DISTINCT FROM %s ORDER BY version DESC"
    return [Version(**row) for row in fetch(connection, query, [scope.agency, scope.site])]


def version(connection: Connection, number: int) -> Version:
    """One version. Raises `CodesRefused` (NOT_FOUND)."""
    found = fetch(connection, f"{_VERSIONS} WHERE version = %s", [number])
    if not found:
        raise CodesRefused(CodesReason.NOT_FOUND)
    return Version(**found[0])


def of_state(connection: Connection, scope: Scope, state: str) -> Version | None:
    """The scope's version of a state that only one can have: `draft`, `pending`, `in_force`."""
    return next((one for one in versions(connection, scope) if one.state == state), None)


_ROWS: Final = """
SELECT version, list, code, qualifier, zone_from, zone_to, effect, type, level, text_zh, text_en,
    needs_answer
FROM ref.code_override WHERE version = ANY(%s)
ORDER BY version, list, code, qualifier, zone_from NULLS FIRST"""


def tables(connection: Connection, numbers: Sequence[int]) -> dict[int, CodeTable]:
    """The tables of these versions."""
    rows: dict[int, list[CodeOverride]] = {number: [] for number in numbers}
    for row in fetch(connection, _ROWS, [list(numbers)]):
        number = row.pop("version")
        row["effect"], row["type"] = Effect(row["effect"]), IncidentType(row["type"])
        rows[number].append(CodeOverride(**row | {"level": Level(row["level"])}))
    return {number: CodeTable(number, found) for number, found in rows.items()}


def table_of(connection: Connection, number: int) -> CodeTable:
    """The table of one version; empty where there is none of that number."""
    return tables(connection, [number])[number]


def in_force(connection: Connection, scope: Scope) -> tuple[CodeTable, ...]:
    """What decides for a scope: its site's table, then its agency's, where there are any."""
    scopes = [scope] if scope.site is None else [scope, Scope(scope.agency)]
    found = [of_state(connection, one, "in_force") for one in scopes]
    return tuple(table_of(connection, one.version) for one in found if one is not None)


def with_own(connection: Connection, scope: Scope, own: CodeTable | None) -> tuple[CodeTable, ...]:
    """What would decide for the scope with `own` as its table, or with none of its own."""
    agency = in_force(connection, Scope(scope.agency)) if scope.site is not None else ()
    return (*((own,) if own is not None else ()), *agency)


_CHANGES: Final = """
SELECT c.version, c.at, c.by, c.by_name, c.act, c.reason, c.silences, c.detail
FROM ref.code_change c JOIN ref.code_table t USING (version)
WHERE t.agency = %s AND t.site IS NOT DISTINCT FROM %s
ORDER BY c.id DESC LIMIT %s"""


def changes(connection: Connection, scope: Scope, limit: int = 200) -> list[dict[str, Any]]:
    """Who did what to the scope's versions, newest first."""
    return fetch(connection, _CHANGES, [scope.agency, scope.site, limit])


# -- acts ---------------------------------------------------------------------------------------


def save_draft(
    connection: Connection,
    scope: Scope,
    rows: Sequence[CodeOverride],
    who: Who,
    now: datetime,
    *,
    note: str = "",
    reason: str = "",
    seen: Version | None = None,
) -> int:
    """The scope's draft holds exactly `rows` from now on, and must be tried anew; it is begun where
    there is none. Commits; its version.

    `seen`: the draft that `rows` were made from. Raises `CodesRefused`: TOO_MANY, or EDITED where
    the draft is not that any more.
    """
    if len(rows) > OVERRIDES_MAX:
        raise CodesRefused(CodesReason.TOO_MANY)
    with one_act(connection):
        draft = of_state(connection, scope, "draft")
        if seen is not None and (draft is None or not seen.is_still(draft)):
            raise CodesRefused(CodesReason.EDITED)
        act = "edited" if draft else "created"
        number = draft.version if draft else _begin(connection, scope, who, now)
        before = table_of(connection, number).rows if draft else ()
        connection.execute(
            "UPDATE ref.code_table SET edits = edits + 1,"
            " note = CASE WHEN %s = '' THEN note ELSE %s END WHERE version = %s",
            (note, note, number),
        )
        connection.execute("DELETE FROM ref.code_override WHERE version = %s", (number,))
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, [_values(number, row) for row in rows])
        detail = {
            "rows": len(rows),
            "added": [_named(row) for row in rows if row not in before][:50],
            "removed": [_named(row) for row in before if row not in rows][:50],
        }
        write_change(connection, number, who, now, act, reason, detail=detail)
    return number


def drop_draft(connection: Connection, scope: Scope, who: Who, now: datetime) -> None:
    """The scope's draft is given up; it stays readable. Commits. Raises `CodesRefused`."""
    with one_act(connection):
        draft = of_state(connection, scope, "draft")
        if draft is None:
            raise CodesRefused(CodesReason.NO_DRAFT)
        connection.execute(
            "UPDATE ref.code_table SET state = 'dropped' WHERE version = %s", (draft.version,)
        )
        write_change(connection, draft.version, who, now, "dropped", "")


def was_tried(
    connection: Connection, tried: Version, who: Who, now: datetime, detail: dict[str, Any]
) -> None:
    """Notes that a version was tried as it stood when `tried` was read. Commits."""
    with one_act(connection):
        connection.execute(
            "UPDATE ref.code_table SET tried_edits = %s WHERE version = %s",
            (tried.edits, tried.version),
        )
        write_change(connection, tried.version, who, now, "tried", "", detail=detail)


def would_silence(connection: Connection, chosen: Version) -> list[Silenced]:
    """Which alarms would open no incident any more if this version were in force."""
    now = in_force(connection, chosen.scope)
    return silenced(now, with_own(connection, chosen.scope, table_of(connection, chosen.version)))


@contextmanager
def one_act(connection: Connection) -> Iterator[None]:
    """A transaction of its own, no other act meanwhile; committed unless something is raised."""
    connection.rollback()
    try:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_CHANGING,))
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _begin(connection: Connection, scope: Scope, who: Who, now: datetime) -> int:
    row = connection.execute(
        "INSERT INTO ref.code_table (agency, site, state, created_by, created_at)"
        " VALUES (%s, %s, 'draft', %s, %s) RETURNING version",
        (scope.agency, scope.site, who.name, now),
    ).fetchone()
    assert row is not None
    return int(row[0])


_INSERT: Final = """
INSERT INTO ref.code_override (version, list, code, qualifier, zone_from, zone_to, effect, type,
    level, text_zh, text_en, needs_answer)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""


def _values(number: int, row: CodeOverride) -> tuple[Any, ...]:
    return (
        *(number, row.list, row.code, row.qualifier, row.zone_from, row.zone_to),
        *(row.effect.value, row.type.value, row.level.value, row.text_zh, row.text_en),
        row.needs_answer,
    )


def _named(row: CodeOverride) -> str:
    """How a change names a row: `SIA BA`, `CID 1 750 (10-19)`."""
    zones = "" if row.zone_from is None else f" ({row.zone_from}-{row.zone_to})"
    return " ".join(part for part in (row.list.upper(), row.qualifier, row.code) if part) + zones


def write_change(
    connection: Connection,
    number: int,
    who: Who,
    now: datetime,
    act: str,
    reason: str,
    silences: str = "",
    *,
    detail: dict[str, Any] | None = None,
) -> None:
    """Who did what to a version, when and why."""
    connection.execute(
        "INSERT INTO ref.code_change (version, at, by, by_name, act, reason, silences, detail)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (number, now, who.id, who.name, act, reason.strip(), silences, Jsonb(detail or {})),
    )
