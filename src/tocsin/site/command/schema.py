"""Bringing the database to this program's schema: the log's tables first, then Django's."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from psycopg import sql

from tocsin.record.database import Urls, connect
from tocsin.record.migrate import MigrationRefused, migrate, schema_is_current
from tocsin.record.units import Named, put_agencies, put_districts
from tocsin.site.command.options import CommandRefused
from tocsin.site.configuration import Configuration
from tocsin.site.installation import stamp_of_sources


def migrate_all(data: Path, urls: Urls, chosen: Configuration) -> list[str]:
    """Apply what is missing; the names of the log's migrations applied. As the owner.

    Also makes the configuration's district and agency known where they are not.

    Raises `CommandRefused` with the reason when this program may not touch this database.
    """
    _prepare(data, urls)
    from tocsin.apps import schema

    try:
        applied = migrate(urls.owner)
    except MigrationRefused as error:
        raise CommandRefused(str(error)) from None
    schema.migrate(urls.application, urls.owner)
    _name_ours(urls, chosen)
    with connect(urls.owner) as connection:
        note = sql.SQL("COMMENT ON SCHEMA migration IS {}").format(_made_by(chosen))
        connection.execute(note)
        connection.commit()
    return applied


def is_ours(url: str, chosen: Configuration) -> bool:
    """Whether `migrate_all` of this very program, with the same names, was the last to touch the
    schema: then it has nothing to do. Costs one query."""
    with connect(url) as connection:
        row = connection.execute(
            "SELECT obj_description(to_regnamespace('migration'), 'pg_namespace')"
        ).fetchone()
    return row is not None and row[0] == _made_by(chosen)


def _made_by(chosen: Configuration) -> str:
    ours = (chosen.district, chosen.agency, chosen.name_zh, chosen.name_en)
    return hashlib.sha256("\0".join([stamp_of_sources(), *ours]).encode()).hexdigest()


def _name_ours(urls: Urls, chosen: Configuration) -> None:
    names = (chosen.name_zh, chosen.name_en)
    with connect(urls.application) as connection:
        for table, code, put in (
            ("ref.district", chosen.district, put_districts),
            ("ref.agency", chosen.agency, put_agencies),
        ):
            query = f"SELECT 1 FROM {table} WHERE code = %s"  # noqa: S608
            if connection.execute(query.encode(), (code,)).fetchone() is None:
                put(connection, [Named(code, *names)])


def bring_up_to_date(data: Path, urls: Urls, chosen: Configuration) -> None:
    """The same, when the log's schema is behind: for a command before the first `tocsin up`."""
    _prepare(data, urls)
    with connect(urls.application) as connection:
        current = schema_is_current(connection)
    if not current:
        migrate_all(data, urls, chosen)


def _prepare(data: Path, urls: Urls) -> None:
    # Django's settings read both when they are imported.
    os.environ["TOCSIN_DATA"] = str(data)
    os.environ["TOCSIN_DATABASE_URL"] = urls.application
