"""Brings a database to this program's schema: numbered SQL files, each applied once, in order, as
the owner; then states anew what the application role may do. Run before anything else starts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Final

import psycopg
from psycopg import sql

from tocsin.record.database import Connection, connect

APPLICATION_ROLE: Final = "tocsin_app"
_LOCK: Final = 0x746F6373696E  # "tocsin": one migration at a time


class MigrationRefused(Exception):
    """The database was left as it was; the text says why and what to do."""


class DatabaseTooNew(MigrationRefused):
    """A later version of Tocsin has already migrated this database."""


class MigrationChanged(MigrationRefused):
    """A migration that this database has applied is not the one this program carries."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations this program carries, in order; numbers are 1, 2, 3, ... without gaps."""
    folder = resources.files("tocsin.record.migrations")
    found = [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".sql")
    ]
    if [one.number for one in found] != list(range(1, len(found) + 1)):
        raise MigrationRefused("the migration files are not numbered 0001, 0002, ... without gaps")
    return found


def migrate(owner_url: str, *, role: str = APPLICATION_ROLE, up_to: int | None = None) -> list[str]:
    """Apply what is missing; returns the names applied, empty when up to date.

    Safe to run at each start and by several processes at once. `up_to` stops after that number
    (an upgrade is tested from an older schema). Raises `MigrationRefused` or a subclass.
    """
    with connect(owner_url, name="tocsin migrate") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("SET LOCAL lock_timeout = '30s'")
        _require_role(connection, role)
        done = _applied(connection)
        known = migrations()
        _check(done, known)
        applied = []
        for migration in known[len(done) : up_to]:
            connection.execute(migration.text)
            connection.execute(
                "INSERT INTO migration.applied (number, name, checksum) VALUES (%s, %s, %s)",
                (migration.number, migration.name, migration.checksum),
            )
            applied.append(f"{migration.number:04d}_{migration.name}")
        grant(connection, role)
        if len(done) + len(applied) == len(known):
            connection.execute("SELECT log.prepare_partitions(now())")
        return applied


def schema_is_current(connection: Connection) -> bool:
    """Whether this program and this database fit: what `/ready` asks."""
    row = connection.execute("SELECT to_regclass('migration.applied')").fetchone()
    if row is None or row[0] is None:
        return False
    found = connection.execute("SELECT number, checksum FROM migration.applied ORDER BY number")
    return found.fetchall() == [(one.number, one.checksum) for one in migrations()]


def _require_role(connection: Connection, role: str) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        return
    try:
        with connection.transaction():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    except psycopg.errors.InsufficientPrivilege:
        raise MigrationRefused(
            f"the role {role} does not exist and the owner may not create it: run"
            f" `CREATE ROLE {role} LOGIN` as an administrator of the server, then start again"
        ) from None


def _applied(connection: Connection) -> list[tuple[int, str, str]]:
    connection.execute("CREATE SCHEMA IF NOT EXISTS migration")
    connection.execute(
        """CREATE TABLE IF NOT EXISTS migration.applied (
             number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
             at timestamptz NOT NULL DEFAULT now())"""
    )
    rows = connection.execute(
        "SELECT number, name, checksum FROM migration.applied ORDER BY number"
    )
    return [(number, name, checksum) for number, name, checksum in rows]


def _check(done: list[tuple[int, str, str]], known: list[Migration]) -> None:
    if len(done) > len(known):
        raise DatabaseTooNew(
            f"this database is at schema {done[-1][0]} ({done[-1][1]}), this program knows up to"
            f" {len(known)}: a later version of Tocsin has used it. Start that version or a newer"
            " one, or restore a backup made before the upgrade."
        )
    for (number, name, checksum), migration in zip(done, known, strict=False):
        if (number, checksum) != (migration.number, migration.checksum):
            raise MigrationChanged(
                f"the database applied {number:04d}_{name}, but this program's"
                f" {migration.number:04d}_{migration.name} differs from it: the installation is"
                " damaged or comes from another line of development. Install Tocsin again."
            )


# What the application role may do, table by table. Facts, positions and what was heard: read and
# append, nothing else. Whatever is not named here it may not touch.
_PRIVILEGES: Final = {
    "SELECT, INSERT": (
        *("log.fact", "log.position", "heard.message", "heard.further", "heard.rewrapped"),
        *("tracks.position", "ref.code_change", "ref.warning_act"),
        "log.looked",
    ),
    "SELECT, INSERT, UPDATE, DELETE": (
        *("log.pending", "log.head", "log.command", "log.due", "log.number", "log.cursor"),
        "log.reaction_waiting",
        *("heard.report", "heard.refused"),
        *("heard.pending", "view.incident", "view.order", "view.unit", "view.signal"),
        *("ref.hearing", "ref.silence", "ref.outage", "ref.probe", "ref.listening"),
        "ref.probe_expected",
        *("ref.intake_counter", "ref.seen", "ref.district", "ref.agency", "ref.station"),
        *("ref.learnt", "ref.fetched"),
        *("ref.site", "ref.device", "ref.zone", "ref.partition", "ref.contact", "ref.step"),
        *("view.on_test", "view.block", "tracks.latest", "heard.call_place"),
        *("ref.code_override", "ref.cap_alert"),
    ),
    "SELECT, INSERT, UPDATE": ("ref.code_table", "ref.warning"),
    "SELECT, INSERT, DELETE": ("heard.arrived", "heard.quarantined"),
    "SELECT": (
        "migration.applied",
        "heard.signal",
        "heard.day",
        "view.living",
        "heard.stray",
        "heard.stray_day",
    ),
}
_FUNCTIONS: Final = (
    *("log.prepare_partitions(timestamptz)", "log.forget_positions(timestamptz)"),
    *("log.forget_messages(timestamptz)", "log.first_id(timestamptz)"),
    *("log.forget_stray_messages(timestamptz,integer)", "log.time_of(uuid)"),
    "heard.held_by(uuid,uuid)",
)


def grant(connection: Connection, role: str = APPLICATION_ROLE) -> None:
    """Give `role` exactly the privileges above, and ordinary ones on the tables of `public`."""
    name = sql.Identifier(role)
    schemas = [
        schema
        for (schema,) in connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)",
            (["log", "heard", "view", "ref", "tracks", "migration"],),
        )
    ]
    for schema in schemas:
        place = sql.Identifier(schema)
        for statement in (
            "REVOKE ALL ON ALL TABLES IN SCHEMA {0} FROM PUBLIC, {1}",
            "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {0} FROM PUBLIC, {1}",
            "GRANT USAGE ON SCHEMA {0} TO {1}",
        ):
            connection.execute(sql.SQL(statement).format(place, name))
    for privileges, tables in _PRIVILEGES.items():
        for table in tables:
            schema, relation = table.split(".")
            found = connection.execute(
                "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = %s AND c.relname = %s",
                (schema, relation),
            ).fetchone()
            if found:
                connection.execute(
                    sql.SQL("GRANT {} ON {} TO {}").format(
                        sql.SQL(privileges), sql.Identifier(schema, relation), name
                    )
                )
    for function in _FUNCTIONS:
        if connection.execute("SELECT to_regprocedure(%s) IS NOT NULL", (function,)).fetchone() == (
            True,
        ):
            connection.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(function), name)
            )
    for statement in (  # the tables of accounts and the like, made by the web shell's migrations
        "GRANT USAGE ON SCHEMA public TO {0}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {0}",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {0}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO {0}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT UPDATE, DELETE ON TABLES TO {0}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {0}",
    ):
        connection.execute(sql.SQL(statement).format(name))
