"""The worker's copy of the code tables in force: read again when one was put in force, and right to
the moment for one that was to come into force."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from tocsin.core.codes.overrides import CodeTable
from tocsin.record.code_tables import table_of
from tocsin.record.database import Connection

logger = logging.getLogger("tocsin.codes")

# Every act writes a row there, one act at a time, so the greatest id says whether a copy is old.
_STAMP: Final = "SELECT coalesce(max(id), 0) FROM ref.code_change"
_IN_FORCE: Final = """
SELECT version, agency, site, pending_from FROM ref.code_table
WHERE state IN ('in_force', 'pending') ORDER BY pending_from NULLS FIRST"""


class CodeBook:
    """The tables in force, by agency and site."""

    def __init__(self) -> None:
        self._stamp = -1
        self._tables: dict[tuple[str, UUID | None], CodeTable] = {}
        self._pending: list[tuple[datetime, str, UUID | None, CodeTable]] = []

    def refresh(self, connection: Connection, now: datetime) -> None:
        """Reads the tables again if any act was done since; what was to come into force by `now`
        decides, whether or not it has been said yet. Leaves no transaction open."""
        row = connection.execute(_STAMP).fetchone()
        stamp = row[0] if row is not None else 0
        if stamp != self._stamp:
            scopes = connection.execute(_IN_FORCE).fetchall()
            self._tables, self._pending = {}, []
            for number, agency, site, begins in scopes:
                try:
                    table = table_of(connection, number)
                except ValueError:
                    # Written by another program: the built-in tables decide, and nothing waits.
                    logger.exception("a code table cannot be read", extra={"version": number})
                    continue
                if begins is None:
                    self._tables[agency, site] = table
                else:
                    self._pending.append((begins, agency, site, table))
            self._stamp = stamp
        connection.rollback()
        while self._pending and self._pending[0][0] <= now:
            _, agency, site, table = self._pending.pop(0)
            self._tables[agency, site] = table

    def tables(self, agency: str, site: UUID | None) -> tuple[CodeTable, ...]:
        """What decides for a signal: its site's table, then its agency's, where there are any."""
        keys = ((agency, site), (agency, None)) if site is not None else ((agency, None),)
        return tuple(self._tables[key] for key in keys if key in self._tables)


_BOOKS: WeakKeyDictionary[Connection, CodeBook] = WeakKeyDictionary()


def current(connection: Connection, now: datetime) -> CodeBook:
    """The copy of this connection, as it is at `now`."""
    book = _BOOKS.setdefault(connection, CodeBook())
    book.refresh(connection, now)
    return book
