"""The worker's copy of the code tables in force: read again when one was put in force."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from tocsin.core.codes.overrides import CodeTable
from tocsin.record.code_tables import table_of
from tocsin.record.database import Connection

logger = logging.getLogger("tocsin.codes")

# Every act writes a row there, one act at a time, so the greatest id says whether a copy is old.
_STAMP: Final = "SELECT coalesce(max(id), 0) FROM ref.code_change"
_IN_FORCE: Final = "SELECT version, agency, site FROM ref.code_table WHERE state = 'in_force'"


class CodeBook:
    """The tables in force, by agency and site."""

    def __init__(self) -> None:
        self._stamp = -1
        self._tables: dict[tuple[str, UUID | None], CodeTable] = {}

    def refresh(self, connection: Connection) -> None:
        """Reads the tables again if any act was done since. Leaves no transaction open."""
        row = connection.execute(_STAMP).fetchone()
        stamp = row[0] if row is not None else 0
        if stamp != self._stamp:
            scopes = connection.execute(_IN_FORCE).fetchall()
            self._tables = {}
            for number, agency, site in scopes:
                try:
                    self._tables[agency, site] = table_of(connection, number)
                except ValueError:
                    # Written by another program: the built-in tables decide, and nothing waits.
                    logger.exception("a code table cannot be read", extra={"version": number})
            self._stamp = stamp
        connection.rollback()

    def tables(self, agency: str, site: UUID | None) -> tuple[CodeTable, ...]:
        """What decides for a signal: its site's table, then its agency's, where there are any."""
        keys = ((agency, site), (agency, None)) if site is not None else ((agency, None),)
        return tuple(self._tables[key] for key in keys if key in self._tables)


_BOOKS: WeakKeyDictionary[Connection, CodeBook] = WeakKeyDictionary()


def current(connection: Connection) -> CodeBook:
    """The copy of this connection, as it is now."""
    book = _BOOKS.setdefault(connection, CodeBook())
    book.refresh(connection)
    return book
