"""What decides of the code tables, and from when on: a version is put in force, at once or at a
time that is to come, withdrawn before that, or taken back for the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tocsin.core.codes.silencing import Silenced, silenced
from tocsin.record.code_tables import (
    AHEAD_MAX,
    REASON_CHARS_MAX,
    REASON_CHARS_MIN,
    CodesReason,
    CodesRefused,
    Scope,
    Version,
    Who,
    in_force,
    of_state,
    one_act,
    version,
    versions,
    with_own,
    would_silence,
    write_change,
)
from tocsin.record.database import Connection

CLOCK = Who("process:clock", "Tocsin")


def put_in_force(
    connection: Connection,
    number: int,
    who: Who,
    now: datetime,
    *,
    reason: str,
    silences: str = "",
    begins: datetime | None = None,
) -> None:
    """The version decides from `begins` on (None: from `now`); the one before is retired then.
    Until then it is pending, and no other of its scope is put in force. Commits.

    `reason`: why. `silences`: why alarms may fall silent, needed where any does. Raises
    `CodesRefused`; BAD_TIME where `begins` is over, or more than AHEAD_MAX ahead.
    """
    with one_act(connection):
        chosen = version(connection, number)
        if chosen.state == "in_force":
            raise CodesRefused(CodesReason.IN_FORCE_ALREADY)
        if chosen.state == "dropped":
            raise CodesRefused(CodesReason.NOT_FOUND)
        if chosen.state == "draft" and not chosen.tried:
            raise CodesRefused(CodesReason.NOT_TRIED)
        _require_none_pending(connection, chosen.scope)
        if begins is not None and not now < begins <= now + AHEAD_MAX:
            raise CodesRefused(CodesReason.BAD_TIME)
        act = "put_in_force" if chosen.state == "draft" else "rolled_back"
        _require(reason)
        quiet = _silences(would_silence(connection, chosen), silences)
        if begins is None:
            _retire(connection, chosen.scope)
            _enforce(connection, number, now, who.name)
            write_change(connection, number, who, now, act, reason, quiet)
            return
        connection.execute(
            "UPDATE ref.code_table SET state = 'pending', pending_from = %s, approved_by = %s"
            " WHERE version = %s",
            (begins, who.name, number),
        )
        detail = {"from": begins.isoformat()}
        write_change(connection, number, who, now, "scheduled", reason, quiet, detail=detail)


def withdraw(
    connection: Connection, scope: Scope, who: Who, now: datetime, *, reason: str
) -> Version:
    """The scope's pending version does not come into force: it is a draft again, or retired as it
    was before, or dropped where another draft has been begun. Commits; the version as it is then.
    Raises `CodesRefused`: NOT_PENDING, also where it has come into force by `now`."""
    with one_act(connection):
        _require(reason)
        _come_into_force(connection, scope, now)
        pending = of_state(connection, scope, "pending")
        if pending is None:
            connection.commit()  # what came into force just now
            raise CodesRefused(CodesReason.NOT_PENDING)
        state = "draft" if pending.in_force_from is None else "retired"
        if state == "draft" and of_state(connection, scope, "draft") is not None:
            state = "dropped"
        connection.execute(
            "UPDATE ref.code_table SET state = %s, pending_from = NULL WHERE version = %s",
            (state, pending.version),
        )
        write_change(connection, pending.version, who, now, "withdrawn", reason)
    return version(connection, pending.version)


def come_into_force(connection: Connection, now: datetime) -> int:
    """Versions whose time has come decide, as they do for judging from that moment on
    (record/code_book.py); returns how many. Commits."""
    due = connection.execute(
        "SELECT agency, site FROM ref.code_table WHERE state = 'pending' AND pending_from <= %s",
        (now,),
    ).fetchall()
    connection.rollback()
    came = 0
    for agency, site in due:
        with one_act(connection):
            came += _come_into_force(connection, Scope(agency, site), now)
    return came


def _come_into_force(connection: Connection, scope: Scope, now: datetime) -> int:
    pending = of_state(connection, scope, "pending")
    if pending is None or pending.pending_from is None or pending.pending_from > now:
        return 0
    _retire(connection, scope)
    _enforce(connection, pending.version, pending.pending_from, pending.approved_by or "")
    write_change(connection, pending.version, CLOCK, now, "came_into_force", "")
    return 1


def _enforce(connection: Connection, number: int, begins: datetime, approved_by: str) -> None:
    connection.execute(
        "UPDATE ref.code_table SET state = 'in_force', in_force_from = %s, pending_from = NULL,"
        " approved_by = %s WHERE version = %s",
        (begins, approved_by, number),
    )


def _require_none_pending(connection: Connection, scope: Scope) -> None:
    if of_state(connection, scope, "pending") is not None:
        raise CodesRefused(CodesReason.PENDING)


def roll_back(
    connection: Connection,
    scope: Scope,
    who: Who,
    now: datetime,
    *,
    reason: str,
    silences: str = "",
) -> int:
    """The version that was in force before decides again, or, where there was none, the built-in
    tables (0). Commits. Raises `CodesRefused`."""
    known = versions(connection, scope)
    current = next((one for one in known if one.state == "in_force"), None)
    if current is None:
        raise CodesRefused(CodesReason.NOTHING_IN_FORCE)
    _require_none_pending(connection, scope)
    before = [
        one
        for one in known
        if one.state == "retired" and one.version < current.version and one.in_force_from
    ]
    if before:
        newest = max(before, key=lambda one: one.version)
        put_in_force(connection, newest.version, who, now, reason=reason, silences=silences)
        return newest.version
    with one_act(connection):
        _require(reason)
        gone = silenced(in_force(connection, scope), with_own(connection, scope, None))
        quiet = _silences(gone, silences)
        _retire(connection, scope)
        detail = {"to": 0}
        write_change(
            connection, current.version, who, now, "rolled_back", reason, quiet, detail=detail
        )
    return 0


def _silences(found: Sequence[Silenced], why: str) -> str:
    """Why alarms fall silent, empty where none does. Raises `CodesRefused` (SILENCES)."""
    if not found:
        return ""
    if len(why.strip()) < REASON_CHARS_MIN or len(why) > REASON_CHARS_MAX:
        raise CodesRefused(CodesReason.SILENCES, found)
    return why.strip()


def _require(reason: str) -> None:
    if not REASON_CHARS_MIN <= len(reason.strip()) <= REASON_CHARS_MAX or "\0" in reason:
        raise CodesRefused(CodesReason.REASON_NEEDED)


def _retire(connection: Connection, scope: Scope) -> None:
    connection.execute(
        "UPDATE ref.code_table SET state = 'retired' WHERE state = 'in_force' AND agency = %s"
        " AND site IS NOT DISTINCT FROM %s",
        (scope.agency, scope.site),
    )
