"""Following a public report by its code: how far the answer to it has come, what its sender adds,
and that help is no longer needed. Nothing of units, places or other people is shown here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg

from tocsin.core.reports import AddToReport, WithdrawReport
from tocsin.core.terms import Actor
from tocsin.record.database import Connection
from tocsin.record.facts import StoredFact
from tocsin.record.handle import KeyReused, handle
from tocsin.record.keys import Keyring
from tocsin.record.reports import digest_of, sender

KEPT_FOR: Final = timedelta(days=30)
"""How long after its incident was closed a report can be followed."""

ADDITIONS_MAX: Final = 10
_MERGES_MAX: Final = 20
_CHUNK: Final = 1_000
_KNOWN: Final = """
SELECT report, incident, received_at, collected, additions, withdrawn_at
FROM heard.report WHERE code_digest = %s"""

# Of what is merged only a look at where it lives on tells.
_OVER_PERHAPS: Final = """
SELECT r.code_digest, r.incident FROM heard.report r
LEFT JOIN view.incident i ON i.id = r.incident
WHERE r.code_digest > %s AND (i.id IS NULL OR i.state = 'merged' OR i.closed_at < %s)
ORDER BY r.code_digest LIMIT %s"""


class Stage(StrEnum):
    """How far the answer to a report has come, as coarse as its sender may know it."""

    RECEIVED = "received"
    LOOKED_AT = "looked_at"
    ON_THE_WAY = "on_the_way"
    AT_WORK = "at_work"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Followed:
    """What the sender of a report may know: stages with their times, and nothing of anybody else.

    `steps` are those that hold now, in order; the last one is where it stands. `disposition` is the
    stored name of how it ended.
    """

    steps: tuple[tuple[Stage, datetime], ...]
    collected: bool
    additions: int
    withdrawn_at: datetime | None
    disposition: str | None = None

    @property
    def stage(self) -> Stage:
        return self.steps[-1][0]


class TooManyAdditions(Exception):
    """The sender of the report has added ADDITIONS_MAX times."""


class NoReport(Exception):
    """No report has this code, or it can be followed no longer."""


@dataclass(frozen=True, slots=True)
class _Known:
    report: UUID
    incident: UUID  # where it lives on now
    received_at: datetime
    collected: bool
    additions: int
    withdrawn_at: datetime | None
    row: dict[str, Any]


def standing(connection: Connection, keyring: Keyring, code: str, now: datetime) -> Followed:
    """How the report of this code stands. Raises `NoReport`."""
    known = _find(connection, keyring, code, now)
    orders = [
        msgspec.json.decode(row)
        for (row,) in connection.execute(
            'SELECT row FROM view."order" WHERE incident = %s', (known.incident,)
        )
    ]
    connection.rollback()
    return Followed(
        tuple(_steps(known, orders)),
        known.collected,
        known.additions,
        known.withdrawn_at,
        known.row["disposition"],
    )


def add(
    connection: Connection,
    keyring: Keyring,
    code: str,
    text: str,
    *,
    token: bytes,
    now: datetime,
) -> None:
    """What the sender says further, on the incident's timeline; the same `token` only once.

    Raises `NoReport`, `TooManyAdditions`, and what `handle` raises (`Refused` where it is closed).
    """
    known = _find(connection, keyring, code, now)
    digest = digest_of(keyring, code)

    def also(opened: Connection, facts: list[StoredFact]) -> None:  # noqa: ARG001
        opened.execute(
            "UPDATE heard.report SET additions = additions + 1 WHERE code_digest = %s", (digest,)
        )

    command = AddToReport(known.incident, known.report, text)
    key = f"report-added:{known.report.hex}:{token.hex()}"
    try:
        handle(connection, keyring, command, actor=_of(known), key=key, now=now, also=also)
    except psycopg.errors.CheckViolation as error:
        raise TooManyAdditions from error


def withdraw(connection: Connection, keyring: Keyring, code: str, *, now: datetime) -> None:
    """The sender no longer needs help; once for each report. Raises `NoReport`, and what `handle`
    raises (`Refused` where it is closed)."""
    known = _find(connection, keyring, code, now)
    if known.withdrawn_at is not None:
        return
    digest = digest_of(keyring, code)

    def also(opened: Connection, facts: list[StoredFact]) -> None:  # noqa: ARG001
        opened.execute(
            "UPDATE heard.report SET withdrawn_at = %s WHERE code_digest = %s", (now, digest)
        )

    command = WithdrawReport(known.incident, known.report)
    key = f"report-withdrawn:{known.report.hex}"
    try:
        handle(connection, keyring, command, actor=_of(known), key=key, now=now, also=also)
    except KeyReused:
        return  # withdrawn before its incident was merged into another


def forget_expired(connection: Connection, now: datetime) -> int:
    """Remove codes that can be followed no longer, also those whose incident is gone; returns how
    many. All are gone through, 1,000 at a time. Commits each."""
    count, after = 0, b""
    while True:
        rows = connection.execute(_OVER_PERHAPS, (after, now - KEPT_FOR, _CHUNK)).fetchall()
        gone = []
        for digest, incident in rows:
            found = _living(connection, incident)
            if found is None or _is_over(found[1], now):
                gone.append(digest)
        connection.execute("DELETE FROM heard.report WHERE code_digest = ANY(%s)", (gone,))
        connection.commit()
        count += len(gone)
        if len(rows) < _CHUNK:
            return count
        after = rows[-1][0]


def _find(connection: Connection, keyring: Keyring, code: str, now: datetime) -> _Known:
    row = connection.execute(_KNOWN, (digest_of(keyring, code),)).fetchone()
    found = None if row is None else _living(connection, row[1])
    connection.rollback()
    if row is None or found is None or _is_over(found[1], now):
        raise NoReport
    report, _, received_at, collected, additions, withdrawn_at = row
    return _Known(report, found[0], received_at, collected, additions, withdrawn_at, found[1])


def _living(connection: Connection, incident: UUID) -> tuple[UUID, dict[str, Any]] | None:
    """The incident, or the one that it was merged into, with its row."""
    for _ in range(_MERGES_MAX):
        found = connection.execute(
            "SELECT row FROM view.incident WHERE id = %s", (incident,)
        ).fetchone()
        if found is None:
            return None
        row = msgspec.json.decode(found[0])
        if row["merged_into"] is None:
            return incident, row
        incident = UUID(row["merged_into"])
    return None


def _is_over(row: dict[str, Any], now: datetime) -> bool:
    closed_at = row["closed_at"]
    return closed_at is not None and datetime.fromisoformat(closed_at) + KEPT_FOR < now


def _of(known: _Known) -> Actor:
    return sender(known.row["agency"])


def _steps(known: _Known, orders: list[dict[str, Any]]) -> list[tuple[Stage, datetime]]:
    """The stages that hold, each with when it began. An order that was refused or recalled before
    it arrived was no help."""
    row = known.row
    steps = [(Stage.RECEIVED, known.received_at)]
    helping = [
        one for one in orders if one["at_scene_at"] or one["state"] not in ("refused", "recalled")
    ]
    for stage, time in (
        (Stage.LOOKED_AT, row["taken_at"]),
        (Stage.ON_THE_WAY, min((one["given_at"] for one in helping), default=None)),
        (Stage.AT_WORK, min((t for one in helping if (t := one["at_scene_at"])), default=None)),
        (Stage.CLOSED, row["closed_at"]),
    ):
        if time is not None:
            # A report may join what is being dealt with already.
            steps.append((stage, max(known.received_at, datetime.fromisoformat(time))))
    return steps
