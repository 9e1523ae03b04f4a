"""Which alarms a code table would silence: a fire that opens no incident any more is said, and only
a person's written reason lets it pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tocsin.core.code_tables import built_in, looked_up
from tocsin.core.codes.meaning import NEW, STILL_PRESENT, Meaning
from tocsin.core.codes.overrides import CodeTable
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import IncidentType

PROTECTED: Final = frozenset(
    {
        IncidentType.FIRE,
        IncidentType.MEDICAL,
        IncidentType.HOLDUP,
        IncidentType.PANIC,
        IncidentType.GAS,
    }
)
"""Types whose alarms call for help for somebody: none of them falls silent by itself."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """An alarm that would open no incident. `zone` is an example, empty for every zone."""

    list: str
    code: str
    qualifier: str
    zone: str
    before: Meaning
    after: Meaning


def silenced(now: Sequence[CodeTable], then: Sequence[CodeTable]) -> list[Silenced]:
    """What opens an incident now (or would by the built-in tables) and would not by `then`.

    Each a sequence of tables as `code_tables.meaning` takes it: the site's, then the agency's.
    """
    codes = sorted({(row.list, row.code) for table in (*now, *then) for row in table.rows})
    found = []
    for listed, code in codes:
        for qualifier, zone in _cases(listed, code, (*now, *then)):
            read = sample(listed, code, qualifier, zone)
            after = looked_up(read, then)[0]
            standard = built_in(listed, code, qualifier)
            before = next((one for one in (looked_up(read, now)[0], standard) if _calls(one)), None)
            if before is not None and not after.needs_answer:
                found.append(Silenced(listed, code, qualifier, zone, before, after))
    return found


def sample(listed: str, code: str, qualifier: str, zone: str) -> SignalRead:
    """A signal as a device would send it, to see what it would mean."""
    return SignalRead("", "", "", code=code, qualifier=qualifier, zone=zone, codes=listed)


def _calls(one: Meaning) -> bool:
    return one.effect is Effect.ALARM and one.needs_answer and one.type in PROTECTED


def _cases(listed: str, code: str, tables: Sequence[CodeTable]) -> Iterator[tuple[str, str]]:
    """Every qualifier with an alarm in it, with no zone and with those at which rows begin, end,
    and no longer apply."""
    zones = {""}
    for table in tables:
        for row in table.rows_of(listed, code):
            if row.zone_from is not None and row.zone_to is not None:
                edges = (row.zone_from - 1, row.zone_from, row.zone_to, row.zone_to + 1)
                zones |= {str(edge) for edge in edges if edge >= 0}
    for qualifier in (NEW, STILL_PRESENT) if listed == "cid" else ("",):
        for zone in sorted(zones):
            yield qualifier, zone
