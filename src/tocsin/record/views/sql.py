"""Rows as mappings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.rows import dict_row

from tocsin.record.database import Connection


def fetch(connection: Connection, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Rows of a query with `%s` placeholders."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
