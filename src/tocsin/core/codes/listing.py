"""The whole table that decides for a site or an agency: every row, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin.core.code_tables import built_in
from tocsin.core.codes import cap, contact_id, sia
from tocsin.core.codes.meaning import QUALIFIERS, Meaning
from tocsin.core.codes.overrides import CodeTable, overridden


@dataclass(frozen=True, slots=True)
class Listed:
    """What a code means. `zones` is `10-19` where the row is for those only, `version` that of the
    table that gives it, 0 for the built-in ones."""

    list: str
    code: str
    qualifier: str
    zones: str
    means: Meaning
    version: int


def listed(tables: Sequence[CodeTable] = ()) -> Iterator[Listed]:
    """Every known code with every qualifier, Contact ID first. `tables` as `code_tables.meaning`
    takes them: the site's, then the agency's."""
    own = {(row.list, row.code) for table in tables for row in table.rows}
    for name, codes, qualifiers in (
        ("cid", contact_id.CODES, QUALIFIERS),
        ("sia", sia.CODES, ("",)),
        ("cap", cap.CODES, QUALIFIERS),
    ):
        for code in sorted({*codes, *(code for listed, code in own if listed == name)}):
            for qualifier in qualifiers:
                yield from _rows(name, code, qualifier, tables)


def _rows(name: str, code: str, qualifier: str, tables: Sequence[CodeTable]) -> Iterator[Listed]:
    """The row for every zone, then those for some."""
    general = Listed(name, code, qualifier, "", built_in(name, code, qualifier), 0)
    some: dict[str, Listed] = {}
    for table in reversed(tables):
        for row in reversed(table.rows_of(name, code)):
            if row.qualifier not in ("", qualifier):
                continue
            means = overridden(row, qualifier, built_in)
            if row.zone_from is None:
                general = Listed(name, code, qualifier, "", means, table.version)
                some = {}  # a site's row for every zone comes before its agency's for some
            else:
                zones = f"{row.zone_from}-{row.zone_to}"
                some[zones] = Listed(name, code, qualifier, zones, means, table.version)
    yield general
    yield from reversed(some.values())
