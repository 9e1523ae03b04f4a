"""Rows as mappings, from either kind of placeholder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import RawCursor
from psycopg.rows import dict_row

from tocsin.record.database import Connection


def fetch(connection: Connection, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Rows of a query with `%s` placeholders."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def fetch_raw(connection: Connection, query: str, *values: Any) -> list[dict[str, Any]]:
    """Rows of a query with `$1` placeholders, which asyncpg takes too."""
    with RawCursor(connection, row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
