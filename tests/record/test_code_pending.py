"""A version of a code table that is approved for a time to come: until then it decides nothing and
can be withdrawn; from that moment on signals are judged by it, whoever has said so."""

from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from code_desk import AGENCIES, CALL, LI, TEXTS, WANG, WHY, a_signal, a_site, begun, enforced, row
from record_desk import NOW

from tocsin.core.signals import Effect
from tocsin.record import code_book, code_tables
from tocsin.record.code_force import come_into_force, put_in_force, roll_back, withdraw
from tocsin.record.code_tables import (
    AHEAD_MAX,
    CodesReason,
    CodesRefused,
    Scope,
    changes,
    save_draft,
    table_of,
    version,
)
from tocsin.record.database import Connection
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.views import get_row

LATER = NOW + timedelta(hours=8)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def scope() -> Scope:
    return Scope(f"pending-{next(AGENCIES)}")


def approved(connection: Connection, scope: Scope, at: datetime = LATER) -> int:
    number = begun(connection, scope, CALL)
    put_in_force(connection, number, WANG, NOW, reason=WHY, begins=at)
    return number


def refused(connection: Connection, number: int, **more: object) -> CodesReason:
    with pytest.raises(CodesRefused) as caught:
        put_in_force(connection, number, WANG, NOW, reason=WHY, **more)  # type: ignore[arg-type]
    return caught.value.reason


def decides(connection: Connection, scope: Scope, at: datetime) -> list[int]:
    return [one.version for one in code_book.current(connection, at).tables(scope.agency, None)]


def test_it_decides_from_its_moment_on_whether_or_not_it_has_been_said(
    connection: Connection, scope: Scope
) -> None:
    before = enforced(connection, scope, row("PA"))
    number = approved(connection, scope)
    one = version(connection, number)
    assert (one.state, one.pending_from, one.approved_by) == ("pending", LATER, "Wang Fang")
    assert come_into_force(connection, LATER - MOMENT) == 0
    assert decides(connection, scope, LATER - MOMENT) == [before]
    assert decides(connection, scope, LATER) == [number]  # nobody has said it yet
    assert come_into_force(connection, LATER + timedelta(seconds=1)) == 1
    assert come_into_force(connection, LATER + timedelta(seconds=1)) == 0
    assert decides(connection, scope, LATER + timedelta(seconds=1)) == [number]
    one = version(connection, number)
    assert (one.state, one.in_force_from, one.pending_from) == ("in_force", LATER, None)
    assert version(connection, before).state == "retired"
    acts = [(act["act"], act["by_name"]) for act in changes(connection, scope)][:2]
    assert acts == [("came_into_force", "Tocsin"), ("scheduled", "Wang Fang")]
    assert roll_back(connection, scope, LI, LATER + timedelta(hours=1), reason=WHY) == before


def test_signals_are_judged_by_the_version_in_force_at_the_time_of_judging(
    connection: Connection, keyring: Keyring, scope: Scope
) -> None:
    """Whenever they were heard."""
    at = a_site(connection, keyring, scope.agency)
    number = begun(connection, Scope(scope.agency, at[0]), row("OP", **TEXTS))
    put_in_force(connection, number, WANG, NOW, reason=WHY, begins=LATER)

    def judged(when: datetime) -> tuple[str, bool]:
        signal: UUID = a_signal(connection, keyring, scope.agency, at, "OP")
        judge_pending(connection, keyring, when)
        found = get_row(connection, "signals", signal)
        fact = connection.execute(
            "SELECT body FROM log.fact WHERE subject = %s AND kind = 'signal.judged'", (signal,)
        ).fetchone()
        connection.rollback()
        assert found is not None
        assert fact is not None
        return found["text_en"], f'"codes_version":{number}'.encode() in fact[0]

    assert judged(LATER - MOMENT) == ("Opened (disarmed)", False)
    assert judged(LATER) == ("Staff call", True)


def test_it_is_withdrawn_until_its_moment_and_is_what_it_was_before(
    connection: Connection, scope: Scope
) -> None:
    number = approved(connection, scope)
    assert withdraw(connection, scope, LI, LATER - MOMENT, reason=WHY).state == "draft"
    assert version(connection, number).tried
    assert code_tables.changes(connection, scope)[0]["act"] == "withdrawn"
    assert decides(connection, scope, LATER) == []
    assert save_draft(connection, scope, [CALL, row("PA")], LI, NOW) == number
    older, newer = enforced(connection, scope, CALL), enforced(connection, scope, row("PA"))
    put_in_force(connection, older, WANG, NOW, reason=WHY, begins=LATER)  # an old one again
    again = withdraw(connection, scope, LI, NOW, reason=WHY)
    assert (again.version, again.state, again.in_force_from) == (older, "retired", NOW)
    assert decides(connection, scope, LATER) == [newer]
    second = approved(connection, scope)
    begun(connection, scope, row("MA"))  # the scope has another draft now
    assert withdraw(connection, scope, LI, NOW, reason=WHY).state == "dropped"
    assert table_of(connection, second).rows == (CALL,)  # it stays readable
    for reason, expected in (("", CodesReason.REASON_NEEDED), (WHY, CodesReason.NOT_PENDING)):
        with pytest.raises(CodesRefused) as caught:
            withdraw(connection, scope, LI, NOW, reason=reason)
        assert caught.value.reason is expected


def test_from_its_moment_on_it_is_not_withdrawn_but_taken_back(
    connection: Connection, scope: Scope
) -> None:
    number = approved(connection, scope)
    with pytest.raises(CodesRefused) as caught:
        withdraw(connection, scope, LI, LATER, reason=WHY)
    assert caught.value.reason is CodesReason.NOT_PENDING
    assert version(connection, number).state == "in_force"


def test_its_time_lies_ahead_and_not_too_far(connection: Connection, scope: Scope) -> None:
    number = begun(connection, scope, CALL)
    for at in (NOW, NOW - MOMENT, NOW + AHEAD_MAX + MOMENT):
        assert refused(connection, number, begins=at) is CodesReason.BAD_TIME
    assert version(connection, number).state == "draft"
    put_in_force(connection, number, WANG, NOW, reason=WHY, begins=NOW + AHEAD_MAX)
    assert version(connection, number).state == "pending"


def test_nothing_else_is_put_in_force_or_edited_meanwhile(
    connection: Connection, scope: Scope
) -> None:
    enforced(connection, scope, row("MA"))
    number = approved(connection, scope)
    other = begun(connection, scope, row("PA"))
    assert refused(connection, other) is CodesReason.PENDING
    assert refused(connection, other, begins=LATER) is CodesReason.PENDING
    assert refused(connection, number) is CodesReason.PENDING
    with pytest.raises(CodesRefused) as caught:
        roll_back(connection, scope, LI, NOW, reason=WHY)
    assert caught.value.reason is CodesReason.PENDING
    for statement in (
        "DELETE FROM ref.code_override WHERE version = %s",
        "UPDATE ref.code_table SET pending_from = now() WHERE version = %s",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute(statement.encode(), (number,))
        connection.rollback()


def test_one_that_is_to_silence_alarms_needs_its_reason_now(
    connection: Connection, scope: Scope
) -> None:
    number = begun(connection, scope, row("FA", Effect.TEST))
    assert refused(connection, number, begins=LATER) is CodesReason.SILENCES
    put_in_force(
        connection, number, WANG, NOW, reason=WHY, silences="the detector is a dummy", begins=LATER
    )
    assert changes(connection, scope)[0]["silences"] == "the detector is a dummy"
