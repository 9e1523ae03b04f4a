"""What a site or an agency says a code means, instead of the built-in tables.

Rows are of versions: a version is a draft, then in force, then retired, and never changed once it
has been in force. Which one is in force is known to `tocsin.record.code_tables`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tocsin.core.codes.meaning import NEW, Meaning, by_qualifier
from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level

LISTS: Final = ("cid", "sia")
"""The lists that may be overridden. CAP categories are the source's own and have their level."""

EFFECTS: Final = (Effect.ALARM, Effect.TROUBLE, Effect.RESTORE, Effect.TEST, Effect.STATUS)

OVERRIDES_MAX: Final = 2_000
"""Rows of one version."""

ZONE_MAX: Final = 99_999


@dataclass(frozen=True, slots=True)
class CodeOverride:
    """What `code` of `list` means: with `qualifier` where there is one (`cid` only), for zones
    `zone_from` to `zone_to` where there are any. An empty text leaves the built-in one."""

    list: str
    code: str
    effect: Effect
    type: IncidentType
    level: Level
    qualifier: str = ""
    zone_from: int | None = None
    zone_to: int | None = None
    text_zh: str = ""
    text_en: str = ""
    needs_answer: bool = False

    def applies(self, qualifier: str, zone: int | None) -> bool:
        """Whether it speaks of this qualifier and zone."""
        if self.qualifier not in ("", qualifier):
            return False
        if self.zone_from is None or self.zone_to is None:
            return True
        return zone is not None and self.zone_from <= zone <= self.zone_to


class CodeTable:
    """The rows of one version, found by their code."""

    __slots__ = ("_rows", "rows", "version")

    def __init__(self, version: int, rows: Iterable[CodeOverride]) -> None:
        self.version = version
        self.rows = tuple(rows)
        self._rows: dict[tuple[str, str], list[CodeOverride]] = {}
        # Rows for some zones come before those for all, rows for a qualifier before those for any.
        for row in sorted(self.rows, key=lambda one: (one.zone_from is None, one.qualifier == "")):
            self._rows.setdefault((row.list, row.code), []).append(row)

    def row_for(self, listed: str, code: str, qualifier: str, zone: str) -> CodeOverride | None:
        """The row that decides, None where none does. `zone` is a number as the device wrote it."""
        rows = self._rows.get((listed, code))
        if not rows:
            return None
        number = int(zone) if zone.isascii() and zone.isdecimal() and len(zone) < 10 else None
        return next((row for row in rows if row.applies(qualifier, number)), None)

    def rows_of(self, listed: str, code: str) -> list[CodeOverride]:
        """Every row of a code, in the order in which they are asked."""
        return self._rows.get((listed, code), [])


def overridden(
    row: CodeOverride, qualifier: str, built_in: Callable[[str, str, str], Meaning]
) -> Meaning:
    """What a row makes of its code with this qualifier, without its number. `built_in` is
    `code_tables.built_in`.

    A row without a qualifier describes the event: its restore and its repetition follow from it, as
    they do from a built-in row.
    """
    derives = not row.qualifier and row.effect in (Effect.ALARM, Effect.TROUBLE)
    standard = built_in(row.list, row.code, NEW if derives else qualifier)
    event = Meaning(
        effect=row.effect,
        type=row.type,
        level=row.level,
        text_zh=row.text_zh or standard.text_zh,
        text_en=row.text_en or standard.text_en,
        number=standard.number,
        needs_answer=row.needs_answer,
    )
    return by_qualifier(event, qualifier) if derives else event
