"""Code tables of agencies and sites: drafts, in force, roll back, what is refused, and what the
worker makes of a signal while a version is in force."""

import psycopg
import pytest
from code_desk import AGENCIES, CALL, LI, TEXTS, WANG, WHY, a_signal, a_site, begun, enforced, row
from record_desk import NOW

from tocsin.core.codes.overrides import OVERRIDES_MAX
from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level
from tocsin.record import code_book, code_tables
from tocsin.record.code_force import put_in_force, roll_back
from tocsin.record.code_tables import (
    CodesReason,
    CodesRefused,
    Scope,
    changes,
    drop_draft,
    of_state,
    save_draft,
    table_of,
    version,
)
from tocsin.record.code_trial import try_version
from tocsin.record.database import Connection
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.views import get_row, rebuild


@pytest.fixture
def agency() -> str:
    """An agency that no other test knows."""
    return f"agency-{next(AGENCIES)}"


def refused(connection: Connection, number: int, **more: str) -> CodesReason:
    with pytest.raises(CodesRefused) as caught:
        put_in_force(connection, number, WANG, NOW, **{"reason": WHY} | more)
    assert version(connection, number).state != "in_force"
    return caught.value.reason


def test_a_draft_is_edited_tried_and_put_in_force_by_a_second_act(
    connection: Connection, agency: str
) -> None:
    scope = Scope(agency)
    number = begun(connection, scope, CALL, tried=False)
    assert save_draft(connection, scope, [CALL, row("PA")], LI, NOW) == number
    assert code_tables.in_force(connection, scope) == ()
    assert refused(connection, number) is CodesReason.NOT_TRIED
    try_version(connection, version(connection, number), LI, NOW)
    put_in_force(connection, number, WANG, NOW, reason=WHY)
    now = version(connection, number)
    assert (now.state, now.approved_by, now.in_force_from) == ("in_force", "Wang Fang", NOW)
    assert [one.rows for one in code_tables.in_force(connection, scope)] == [(CALL, row("PA"))]
    acts = [(one["act"], one["by_name"], one["reason"]) for one in changes(connection, scope)]
    assert acts == [
        ("put_in_force", "Wang Fang", WHY),
        ("tried", "Li Wei", ""),
        ("edited", "Li Wei", ""),
        ("created", "Li Wei", ""),
    ]


def test_an_edit_after_the_trial_asks_for_another(connection: Connection, agency: str) -> None:
    scope = Scope(agency)
    number = begun(connection, scope, CALL)
    seen = version(connection, number)
    save_draft(connection, scope, [CALL, row("PA")], LI, NOW)
    assert refused(connection, number) is CodesReason.NOT_TRIED
    # A trial of what the draft was before somebody edited it counts for nothing either.
    code_tables.was_tried(connection, seen, LI, NOW, {})
    assert refused(connection, number) is CodesReason.NOT_TRIED
    try_version(connection, version(connection, number), LI, NOW)
    put_in_force(connection, number, WANG, NOW, reason=WHY)


def test_what_somebody_else_edited_meanwhile_is_not_lost(
    connection: Connection, agency: str
) -> None:
    scope = Scope(agency)
    seen = version(connection, begun(connection, scope, CALL))
    save_draft(connection, scope, [CALL, row("PA")], LI, NOW, reason="one more", seen=seen)
    for later in ([row("MA")], []):
        with pytest.raises(CodesRefused) as caught:
            save_draft(connection, scope, later, WANG, NOW, seen=seen)
        assert caught.value.reason is CodesReason.EDITED
    assert table_of(connection, seen.version).rows == (CALL, row("PA"))
    assert changes(connection, scope)[0]["reason"] == "one more"
    drop_draft(connection, scope, LI, NOW)
    with pytest.raises(CodesRefused):
        save_draft(connection, scope, [CALL], WANG, NOW, seen=seen)


def test_a_reason_is_always_needed(connection: Connection, agency: str) -> None:
    number = begun(connection, Scope(agency), CALL)
    for reason in ("", "   ", "abcd", "x" * 1_001):
        assert refused(connection, number, reason=reason) is CodesReason.REASON_NEEDED
    put_in_force(connection, number, WANG, NOW, reason="abcde")
    with pytest.raises(CodesRefused) as caught:
        put_in_force(connection, number, WANG, NOW, reason=WHY)
    assert caught.value.reason is CodesReason.IN_FORCE_ALREADY


@pytest.mark.parametrize("code", ["FA", "MA", "HA", "PA", "GA"])
def test_a_call_for_help_falls_silent_only_with_a_written_reason(
    connection: Connection, agency: str, code: str
) -> None:
    scope = Scope(agency)
    number = begun(connection, scope, row(code, Effect.TEST, type=IncidentType.UNKNOWN))
    assert refused(connection, number) is CodesReason.SILENCES
    assert refused(connection, number, silences="  no ") is CodesReason.SILENCES
    put_in_force(connection, number, WANG, NOW, reason=WHY, silences="the detector is a dummy")
    [act] = [one for one in changes(connection, scope) if one["act"] == "put_in_force"]
    assert (act["silences"], act["by"]) == ("the detector is a dummy", "user:wang")


def test_what_silences_nothing_needs_no_such_reason(connection: Connection, agency: str) -> None:
    rows = [row("BA", Effect.TEST), row("FA", Effect.TROUBLE), row("MA", level=Level.P4)]
    enforced(connection, Scope(agency), *rows)


def test_the_older_version_comes_back_and_then_the_built_in_tables(
    connection: Connection, agency: str
) -> None:
    scope = Scope(agency)
    first = enforced(connection, scope, CALL)
    second = enforced(connection, scope, row("PA"))
    assert version(connection, first).state == "retired"
    assert table_of(connection, first).rows == (CALL,)  # it stays readable
    assert roll_back(connection, scope, LI, NOW, reason=WHY) == first
    assert version(connection, second).state == "retired"
    assert roll_back(connection, scope, LI, NOW, reason=WHY) == 0
    assert code_tables.in_force(connection, scope) == ()
    with pytest.raises(CodesRefused) as caught:
        roll_back(connection, scope, LI, NOW, reason=WHY)
    assert caught.value.reason is CodesReason.NOTHING_IN_FORCE
    put_in_force(connection, second, LI, NOW, reason=WHY)  # and again, without another trial
    acts = [(one["version"], one["act"]) for one in changes(connection, scope)][:3]
    assert acts == [(second, "rolled_back"), (first, "rolled_back"), (first, "rolled_back")]


def test_going_back_may_silence_and_is_refused_too(connection: Connection, agency: str) -> None:
    scope = Scope(agency)
    enforced(connection, scope, row("458", **TEXTS))  # user on premises: here a call for help
    with pytest.raises(CodesRefused) as caught:
        roll_back(connection, scope, LI, NOW, reason=WHY)
    assert caught.value.reason is CodesReason.SILENCES
    assert [one.code for one in caught.value.silences] == ["458", "458"]
    assert roll_back(connection, scope, LI, NOW, reason=WHY, silences="buttons removed") == 0


_COPY = """INSERT INTO ref.code_override SELECT version, list, 'PA', qualifier, zone_from, zone_to,
effect, type, level, text_zh, text_en, needs_answer FROM ref.code_override WHERE version = %s"""


def test_what_was_in_force_cannot_be_changed_even_by_hand(
    connection: Connection, agency: str
) -> None:
    number = enforced(connection, Scope(agency), CALL)
    for statement in (
        "UPDATE ref.code_override SET level = 4 WHERE version = %s",
        "DELETE FROM ref.code_override WHERE version = %s",
        _COPY,
        "UPDATE ref.code_table SET state = 'draft' WHERE version = %s",
        "UPDATE ref.code_table SET in_force_from = now() - interval '1 year' WHERE version = %s",
        "UPDATE ref.code_table SET state = 'dropped', in_force_from = NULL WHERE version = %s",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute(statement.encode(), (number,))
        connection.rollback()
    for statement in (
        "DELETE FROM ref.code_table WHERE version = %s",
        "DELETE FROM ref.code_change WHERE version = %s",
        "UPDATE ref.code_change SET reason = '' WHERE version = %s",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode(), (number,))
        connection.rollback()


def test_a_draft_is_given_up_and_another_begun(connection: Connection, agency: str) -> None:
    scope = Scope(agency)
    number = begun(connection, scope, CALL)
    drop_draft(connection, scope, LI, NOW)
    assert of_state(connection, scope, "draft") is None
    assert refused(connection, number) is CodesReason.NOT_FOUND
    with pytest.raises(CodesRefused) as caught:
        drop_draft(connection, scope, LI, NOW)
    assert caught.value.reason is CodesReason.NO_DRAFT
    assert begun(connection, scope, CALL) != number


def test_a_table_has_so_many_rows_and_no_more(connection: Connection, agency: str) -> None:
    most = [row("750", zone_from=zone, zone_to=zone, **TEXTS) for zone in range(OVERRIDES_MAX)]
    number = save_draft(connection, Scope(agency), most, LI, NOW)
    assert version(connection, number).rows == OVERRIDES_MAX
    with pytest.raises(CodesRefused) as caught:
        save_draft(connection, Scope(agency), [*most, CALL], LI, NOW)
    assert caught.value.reason is CodesReason.TOO_MANY


def test_a_site_has_its_own_and_its_agencys_table(
    connection: Connection, keyring: Keyring, agency: str
) -> None:
    site, _, _ = a_site(connection, keyring, agency)
    of_agency = enforced(connection, Scope(agency), CALL, row("PA"))
    of_site = enforced(connection, Scope(agency, site), row("BA", level=Level.P3))
    other = Scope(agency + "-other")
    book = code_book.current(connection, NOW)
    assert [one.version for one in book.tables(agency, site)] == [of_site, of_agency]
    assert [one.version for one in book.tables(agency, None)] == [of_agency]
    assert book.tables(other.agency, None) == ()
    # The copy follows what is put in force.
    later = enforced(connection, Scope(agency, site), CALL)
    again = code_book.current(connection, NOW)
    assert [one.version for one in again.tables(agency, site)] == [later, of_agency]


def test_signals_are_judged_by_the_table_in_force_and_say_so(
    connection: Connection, keyring: Keyring, agency: str
) -> None:
    at = a_site(connection, keyring, agency)

    def judged(code: str = "BA") -> tuple[object, ...]:
        one = a_signal(connection, keyring, agency, at, code)
        judge_pending(connection, keyring, NOW)
        found = get_row(connection, "signals", one)
        fact = connection.execute(
            "SELECT body FROM log.fact WHERE subject = %s AND kind = 'signal.judged'", (one,)
        ).fetchone()
        connection.rollback()
        assert found is not None
        assert fact is not None
        kept = f'"codes_version":{number}'.encode() in fact[0]
        return found["text_en"], found["effect"], found["verdict"], kept

    number = 0
    assert judged() == ("Burglary alarm, zone 7", "alarm", "opened", True)
    number = enforced(connection, Scope(agency, at[0]), row("OP", **TEXTS))
    # The number of an opening is a user's: it is in no text, whatever the table makes of the code.
    assert judged("OP") == ("Staff call", "alarm", "opened", True)
    rows = connection.execute("SELECT row FROM view.incident WHERE site = %s", (at[0],)).fetchall()
    assert sorted(b'"type":"panic"' in one for (one,) in rows) == [False, True]
    connection.rollback()
    roll_back(connection, Scope(agency, at[0]), LI, NOW, reason=WHY, silences="button removed")
    number = 0
    assert judged("OP") == ("Opened (disarmed)", "status", "joined", True)
    # What was judged before keeps the meaning that it had.
    kept = connection.execute("SELECT row FROM view.signal").fetchall()
    connection.rollback()
    assert len([one for (one,) in kept if b"Staff call" in one]) == 1


def test_the_read_tables_are_the_same_when_made_anew(
    connection: Connection, owner: Connection
) -> None:
    query = b"SELECT id, row FROM view.signal ORDER BY id"
    before = connection.execute(query).fetchall()
    connection.rollback()
    assert any(b"Staff call" in row for _, row in before)
    rebuild(owner)
    assert connection.execute(query).fetchall() == before


def test_a_row_shows_a_zone_as_a_zone_and_a_user_not_at_all(
    connection: Connection, keyring: Keyring, agency: str
) -> None:
    at = a_site(connection, keyring, agency)

    def shown(code: str, number: str) -> tuple[str, str]:
        one = a_signal(connection, keyring, agency, at, code, number)
        found = get_row(connection, "signals", one)
        connection.rollback()
        assert found is not None
        assert number not in found["text_en"] or code != "CL"
        return found["zone"], found["partition"]

    assert shown("BA", "7") == ("7", "")
    assert shown("CL", "501") == ("", "")
    assert shown("NL", "2") == ("", "2")
    assert shown("DF", "3") == ("", "")


def test_a_table_that_cannot_be_read_stops_nothing(
    connection: Connection, agency: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = enforced(connection, Scope(agency), CALL)
    bad = begun(connection, Scope(agency + "-bad"), CALL)
    connection.execute("UPDATE ref.code_override SET type = 'ghost' WHERE version = %s", (bad,))
    connection.execute(
        "UPDATE ref.code_table SET state = 'in_force', in_force_from = now(), approved_by = ''"
        " WHERE version = %s",
        (bad,),
    )
    connection.commit()
    book = code_book.CodeBook()
    book.refresh(connection, NOW)
    assert [one.version for one in book.tables(agency, None)] == [good]
    assert book.tables(agency + "-bad", None) == ()
    assert "a code table cannot be read" in caplog.text
    connection.execute("UPDATE ref.code_table SET state = 'retired' WHERE version = %s", (bad,))
    connection.commit()
