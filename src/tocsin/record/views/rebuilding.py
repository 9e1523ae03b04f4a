"""Heads, read tables and deadlines, dropped and replayed from the facts. Run as the owner."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from tocsin.core.states import State, due, evolve
from tocsin.core.terms import SubjectKind
from tocsin.record.database import Connection
from tocsin.record.facts import decode, encode_state
from tocsin.record.views.writing import Written, columns

CHUNK: Final = 1_000

_FACTS: Final = """
SELECT id, subject, subject_kind, version, kind, kind_version, body FROM log.fact
WHERE id > %s ORDER BY id LIMIT %s"""


class LogBroken(Exception):
    """A subject's facts are not numbered 1, 2, 3, ...: one is missing from the log."""


def rebuild(connection: Connection) -> int:
    """Drop and replay everything that is made from facts; returns the number of facts. Commits.

    Commands wait meanwhile; readers see the old tables until the commit. `connection` must have
    the owner's role. Raises `LogBroken`, or `UnknownFact` for facts of a later version; then
    nothing was changed.
    """
    connection.rollback()
    try:
        # Commands lock head rows and write to them: this waits for the running, holds the next.
        connection.execute("LOCK TABLE log.head IN EXCLUSIVE MODE")
        heads, count = _replay(connection)
        for table in ("log.head", "log.due", *_VIEWS):
            connection.execute(f"DELETE FROM {table}".encode())  # noqa: S608
        written = list(heads.values())
        for start in range(0, len(written), CHUNK):
            _write(connection, written[start : start + CHUNK])
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return count


_VIEWS: Final = ("view.incident", 'view."order"', "view.unit", "view.signal")


def _replay(connection: Connection) -> tuple[dict[UUID, Written], int]:
    heads: dict[UUID, Written] = {}
    last = count = 0
    while True:
        facts = connection.execute(_FACTS, (last, CHUNK)).fetchall()
        if not facts:
            return heads, count
        for fact_id, subject, subject_kind, version, kind, kind_version, body in facts:
            last, count = fact_id, count + 1
            known = heads.get(subject)
            if version != (known.version + 1 if known else 1):
                raise LogBroken(
                    f"{subject_kind} {subject}: fact {version} follows"
                    f" {known.version if known else 0}; restore the log from a backup"
                )
            before: State | None = known.state if known else None
            name = SubjectKind(subject_kind)
            state = evolve(name, before, decode(kind, kind_version, body))
            heads[subject] = Written(name, subject, version, state)


def _write(connection: Connection, written: list[Written]) -> None:
    with connection.pipeline(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO log.head (subject, kind, version, state, district, agency)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (
                    *(one.subject, one.kind.value, one.version, encode_state(one.state)),
                    *(one.state.district, one.state.agency),
                )
                for one in written
            ],
        )
        running = [(one, at) for one in written if (at := due(one.state)) is not None]
        if running:
            cursor.executemany(
                "INSERT INTO log.due (subject, kind, due_at, ring_at) VALUES (%s, %s, %s, %s)",
                [(one.subject, one.kind.value, at, at) for one, at in running],
            )
        statements: dict[str, list[tuple[object, ...]]] = {}
        for one in written:
            statement, values = columns(one)
            statements.setdefault(statement, []).append(values)
        for statement, rows in statements.items():
            cursor.execute(
                statement.encode(), tuple(list(column) for column in zip(*rows, strict=True))
            )
