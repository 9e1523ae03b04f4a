"""Heads, read tables and deadlines, dropped and replayed from the facts. Run as the owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tocsin.core.states import State, due, evolve
from tocsin.core.terms import SubjectKind
from tocsin.record.database import Connection
from tocsin.record.facts import decode, encode_state
from tocsin.record.views.writing import Written, columns

CHUNK: Final = 1_000
"""Facts read, and subjects written, at once: the memory it takes, however long the log is."""

# Subject by subject, so that no more than one is held here; the index of the key has this order.
_FACTS: Final = b"""
SELECT subject, subject_kind, version, kind, kind_version, body FROM log.fact
ORDER BY subject, version"""


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
        for table in ("log.head", "log.due", *_VIEWS):
            connection.execute(f"DELETE FROM {table}".encode())  # noqa: S608
        count = 0
        written: list[Written] = []
        for one, facts in _replayed(connection):
            count += facts
            written.append(one)
            if len(written) == CHUNK:
                _write(connection, written)
                written.clear()
        _write(connection, written)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return count


_VIEWS: Final = (
    "view.incident",
    'view."order"',
    "view.unit",
    "view.signal",
    "view.on_test",
    "view.block",
)


def _replayed(connection: Connection) -> Iterator[tuple[Written, int]]:
    """Each subject as its facts leave it, with their number; one subject at a time in memory."""
    one: Written | None = None
    with connection.cursor("facts") as facts:
        facts.itersize = CHUNK
        for subject, subject_kind, version, kind, kind_version, body in facts.execute(_FACTS):
            if one is not None and one.subject != subject:
                yield one, one.version
                one = None
            if version != (one.version + 1 if one else 1):
                raise LogBroken(
                    f"{subject_kind} {subject}: fact {version} follows"
                    f" {one.version if one else 0}; restore the log from a backup"
                )
            before: State | None = one.state if one else None
            name = SubjectKind(subject_kind)
            state = evolve(name, before, decode(kind, kind_version, body))
            one = Written(name, subject, version, state)
    if one is not None:
        yield one, one.version


def _write(connection: Connection, written: list[Written]) -> None:
    if not written:
        return
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
