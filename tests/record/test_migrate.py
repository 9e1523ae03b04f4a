"""Migrations and privileges: applied once, refused when the database is newer, least privilege."""

from datetime import timedelta

import psycopg
import pytest
from record_desk import NOW, Desk

from tocsin.core.commands import AddNote
from tocsin.record import migrate as migrating
from tocsin.record.database import Connection, DatabaseAway, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.record.migrate import (
    DatabaseTooNew,
    MigrationChanged,
    MigrationRefused,
    migrate,
    migrations,
    schema_is_current,
)
from tocsin.record.views import list_rows, rebuild

APPEND_ONLY = (
    "log.fact",
    "log.position",
    "log.looked",
    "heard.message",
    "heard.further",
    "heard.rewrapped",
)


def test_every_migration_is_applied_once(empty_urls: Urls) -> None:
    names = [f"{one.number:04d}_{one.name}" for one in migrations()]
    assert migrate(empty_urls.owner) == names
    assert migrate(empty_urls.owner) == []
    with connect(empty_urls.application) as connection:
        assert schema_is_current(connection)


def test_an_empty_database_is_not_current(empty_urls: Urls) -> None:
    with connect(empty_urls.owner) as connection:
        assert not schema_is_current(connection)


def test_a_newer_database_is_refused(empty_urls: Urls) -> None:
    migrate(empty_urls.owner)
    with connect(empty_urls.owner) as connection:
        connection.execute(
            "INSERT INTO migration.applied VALUES (%s, 'from_the_future', 'x')",
            (len(migrations()) + 1,),
        )
    with pytest.raises(DatabaseTooNew, match="later version"):
        migrate(empty_urls.owner)


def test_a_changed_migration_is_refused(empty_urls: Urls) -> None:
    migrate(empty_urls.owner)
    with connect(empty_urls.owner) as connection:
        connection.execute("UPDATE migration.applied SET checksum = 'other' WHERE number = 1")
    with pytest.raises(MigrationChanged, match="0001_log"):
        migrate(empty_urls.owner)


def test_a_failing_migration_leaves_nothing(
    empty_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [*migrations(), migrating.Migration(len(migrations()) + 1, "broken", "SELECT 1/0")]
    monkeypatch.setattr(migrating, "migrations", lambda: broken)
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty_urls.owner)
    with connect(empty_urls.owner) as connection:
        assert connection.execute("SELECT to_regclass('log.fact')").fetchone() == (None,)


def test_an_unknown_role_is_named(empty_urls: Urls) -> None:
    with pytest.raises(MigrationRefused, match="CREATE ROLE nobody_knows LOGIN"):
        migrate(empty_urls.owner, role="nobody_knows")


def test_an_upgrade_from_the_first_schema_keeps_the_facts(
    empty_urls: Urls, urls: Urls, keyring: Keyring
) -> None:
    """Facts written under schema 1 are read under the last, and all is rebuilt from them."""
    with connect(urls.application) as connection:
        desk = Desk(connection, keyring)
        incident = desk.open(note="smoke on the third floor")
        desk.send(incident, desk.unit())
        desk.do(AddNote(incident, "second alarm"))
        facts = connection.execute("SELECT * FROM log.fact ORDER BY id").fetchall()
        expected = connection.execute("SELECT * FROM view.incident").fetchall()
    migrate(empty_urls.owner, up_to=1)
    with connect(empty_urls.owner) as connection:
        assert not schema_is_current(connection)
        for fact in facts:
            marks = ", ".join(["%s"] * len(fact))
            connection.execute(
                f"INSERT INTO log.fact OVERRIDING SYSTEM VALUE VALUES ({marks})".encode(), fact
            )
    assert len(migrate(empty_urls.owner)) == len(migrations()) - 1
    with connect(empty_urls.owner) as connection:
        assert rebuild(connection) == len(facts)
        assert connection.execute("SELECT * FROM view.incident").fetchall() == expected
        assert list_rows(connection, "units")["items"][0]["incident"] == str(incident)


def test_facts_and_what_was_heard_can_only_be_added(owner: Connection) -> None:
    """Read from the catalogue, so that a later grant cannot slip in."""
    rows = owner.execute(
        """SELECT n.nspname || '.' || c.relname, p.privilege_type
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
        LATERAL (SELECT * FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner)))) a
        JOIN LATERAL (SELECT a.privilege_type) p ON true
        WHERE n.nspname IN ('log', 'heard') AND c.relkind IN ('r', 'p')
          AND (a.grantee = 'tocsin_app'::regrole OR a.grantee = 0)"""
    ).fetchall()
    given: dict[str, set[str]] = {}
    for table, privilege in rows:
        given.setdefault(table, set()).add(privilege)
    for table in APPEND_ONLY:
        assert given[table] == {"SELECT", "INSERT"}, table
    # Everything else in the two schemas is a queue or is made from facts, by name.
    assert set(given) - set(APPEND_ONLY) == {
        *(
            "log.reaction_waiting",
            "log.pending",
            "log.head",
            "log.command",
            "log.due",
            "log.number",
            "log.cursor",
        ),
        *("heard.arrived", "heard.pending", "heard.quarantined"),
        # What ends by itself: codes of public reports, where callers are, what was refused.
        *("heard.report", "heard.call_place", "heard.refused"),
    }


def test_the_application_may_not_change_or_create(connection: Connection) -> None:
    for statement in (
        "UPDATE log.fact SET body = ''",
        "DELETE FROM log.position",
        "TRUNCATE heard.message",
        "DELETE FROM heard.further",
        "UPDATE heard.message_default SET answer = ''",
        "CREATE TABLE log.mine (x int)",
        "ALTER TABLE log.fact DISABLE TRIGGER ALL",
        "INSERT INTO migration.applied VALUES (99, 'x', 'x')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
        connection.rollback()


def test_not_even_the_owner_changes_a_fact_by_mistake(
    owner: Connection, connection: Connection, keyring: Keyring
) -> None:
    Desk(connection, keyring).open()
    for statement in (
        "UPDATE log.fact SET actor = 'x'",
        "DELETE FROM log.fact",
        "TRUNCATE log.fact",
        "DELETE FROM log.position",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            owner.execute(statement.encode())
        owner.rollback()


def test_partitions_are_made_ahead_by_the_application(connection: Connection) -> None:
    later = NOW + timedelta(days=400)  # beyond what the migration prepared on its own day
    made = connection.execute("SELECT log.prepare_partitions(%s)", (later,)).fetchone()
    assert made is not None
    assert made[0] > 0
    assert connection.execute("SELECT log.prepare_partitions(%s)", (later,)).fetchone() == (0,)


def test_an_absent_server_is_said_to_be_away() -> None:
    with pytest.raises(DatabaseAway):
        connect("postgresql://tocsin_app@/tocsin?host=/nonexistent")
