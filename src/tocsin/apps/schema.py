"""Creating and upgrading Django's own tables, as the owner; the application gets rows, no DDL."""

from __future__ import annotations

import os

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tocsin.apps.setup import django_database, start_django


def migrate(application_url: str, owner_url: str) -> None:
    """Brings Django's tables (schema public) up to date and grants the application role its rows.

    Both are libpq URLs; `TOCSIN_DATA` must be set; the log's schemas must exist already. Raises
    what Django or psycopg raises; a migration that fails leaves the version before it standing.
    """
    os.environ.setdefault("TOCSIN_DATABASE_URL", application_url)
    start_django()
    from django.core.management import call_command
    from django.db import connections

    owner = connections.configure_settings({"default": django_database(owner_url)})["default"]
    # Building an index on a grown table takes longer than a request may.
    owner["OPTIONS"]["options"] = "-c lock_timeout=10s"
    connections.settings["owner"] = owner
    try:
        call_command("migrate", database="owner", interactive=False, verbosity=0)
        call_command("createcachetable", database="owner", verbosity=0)
    finally:
        connections["owner"].close()
        del connections["owner"]
        del connections.settings["owner"]
    with psycopg.connect(owner_url) as connection:
        grant_rows(connection, str(conninfo_to_dict(application_url)["user"]))


def grant_rows(owner: psycopg.Connection, application_role: str) -> None:
    """Reading and writing rows of the public tables, and nothing else."""
    role = sql.Identifier(application_role)
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {}",
        "REVOKE CREATE ON SCHEMA public FROM {}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
        "REVOKE INSERT, UPDATE, DELETE ON public.django_migrations FROM {}",
    ):
        owner.execute(sql.SQL(statement).format(role))
