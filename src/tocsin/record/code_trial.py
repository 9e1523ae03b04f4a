"""A code table is tried before it decides: what was heard in the last days, and what each of it
would have meant, beside what it means now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from tocsin.core.code_tables import list_of, looked_up, zone_of
from tocsin.core.codes.meaning import Meaning
from tocsin.core.codes.overrides import CodeTable
from tocsin.core.codes.silencing import Silenced
from tocsin.core.signals import SignalRead
from tocsin.record.code_tables import (
    CodesReason,
    CodesRefused,
    Version,
    Who,
    in_force,
    table_of,
    tables,
    was_tried,
    with_own,
    would_silence,
)
from tocsin.record.database import Connection
from tocsin.record.ids import first_at
from tocsin.record.views.sql import fetch

DAYS_MAX: Final = 365
DAYS: Final = 30
SIGNALS_MAX: Final = 200_000
"""The newest so many signals are looked at; a trial says so when there are more."""
STATEMENT_MS: Final = 20_000
"""So long may the record be read for a trial: the desk has the same database."""
DIFFERING_MAX: Final = 500
"""Rows of a trial's answer, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Differing:
    """A kind of signal that would mean something else. `count` were heard, the last `last_at`."""

    list: str
    code: str
    qualifier: str
    zone: str
    count: int
    last_at: datetime
    now: Meaning
    then: Meaning


@dataclass(frozen=True, slots=True)
class Trial:
    """What `signals` heard in `days` would have meant. `needing_now`, `needing_then`: how many of
    them need an answer; `cut`: there were more than SIGNALS_MAX."""

    version: int
    days: int
    signals: int
    cut: bool
    changed: int
    needing_now: int
    needing_then: int
    differing: tuple[Differing, ...]
    differing_kinds: int
    silences: tuple[Silenced, ...]


@dataclass(frozen=True, slots=True)
class Sampled:
    """A code typed by a person: what it means now, and what it would mean."""

    read: SignalRead
    now: Meaning
    then: Meaning


_HEARD: Final = """
WITH heard AS (
    SELECT convert_from(s.read, 'UTF8')::jsonb AS read, s.text IS NOT NULL AS has_text,
        coalesce(s.site, d.site) AS site, s.received_at
    FROM heard.signal s LEFT JOIN ref.device d ON d.id = s.device
    WHERE s.id >= %s AND s.agency = %s AND s.repeat_of IS NULL
        {scope}
    ORDER BY s.id DESC LIMIT %s)
SELECT read->>'token' AS token, coalesce(read->>'codes', '') AS codes,
    coalesce(read->>'code', '') AS code, coalesce(read->>'qualifier', '') AS qualifier,
    coalesce(read->>'zone', '') AS zone, (read->>'level')::int AS level, has_text, site,
    count(*) AS count, max(received_at) AS last_at
FROM heard GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"""

# Each half by its own index.
_OF_SITE: Final = "AND (s.site = %s OR (s.site IS NULL AND s.device = ANY(%s)))"

_SITES: Final = """
SELECT site, version FROM ref.code_table
WHERE state = 'in_force' AND agency = %s AND site IS NOT NULL"""


def try_version(
    connection: Connection, chosen: Version, who: Who, now: datetime, days: int = DAYS
) -> Trial:
    """Tries a version on what its scope heard in the last `days`, and notes that it was tried.
    Commits. Raises `ValueError` for days outside 1 to DAYS_MAX, `CodesRefused` (TOO_SLOW)."""
    if not 1 <= days <= DAYS_MAX:
        raise ValueError(f"{days} days: 1 to {DAYS_MAX}")
    deciding = _Deciding(connection, chosen)
    heard = _heard(connection, chosen, first_at(now - timedelta(days=days)))
    trial = _compared(chosen, days, heard, deciding, would_silence(connection, chosen))
    detail = {
        "days": days,
        "signals": trial.signals,
        "changed": trial.changed,
        "needing_now": trial.needing_now,
        "needing_then": trial.needing_then,
    }
    was_tried(connection, chosen, who, now, detail)
    return trial


def _heard(connection: Connection, chosen: Version, since: UUID) -> list[dict[str, Any]]:
    """What the scope has heard since that id, counted by kind. Raises `CodesRefused` (TOO_SLOW)."""
    scope: list[Any] = []
    if chosen.site is not None:
        found = connection.execute("SELECT id FROM ref.device WHERE site = %s", (chosen.site,))
        scope = [chosen.site, [device for (device,) in found.fetchall()]]
    query = _HEARD.format(scope=_OF_SITE if scope else "")
    try:
        connection.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
        heard = fetch(connection, query, [since, chosen.agency, *scope, SIGNALS_MAX + 1])
        connection.execute("SET LOCAL statement_timeout TO DEFAULT")
    except psycopg.errors.QueryCanceled as error:
        connection.rollback()
        raise CodesRefused(CodesReason.TOO_SLOW) from error
    return heard


def sampled(connection: Connection, chosen: Version, read: SignalRead) -> Sampled:
    """What a typed code means now, and what it would mean by this version."""
    deciding = _Deciding(connection, chosen)
    before, after = (looked_up(read, one)[0] for one in deciding.of(chosen.site))
    return Sampled(read, before, after)


class _Deciding:
    """What decides now and what would decide then, for each site of a scope."""

    def __init__(self, connection: Connection, chosen: Version) -> None:
        self._now = in_force(connection, chosen.scope)
        own = table_of(connection, chosen.version)
        self._then = with_own(connection, chosen.scope, own)
        self._sites: dict[UUID, CodeTable] = {}
        if chosen.site is None:
            rows = connection.execute(_SITES, (chosen.agency,)).fetchall()
            found = tables(connection, [number for _, number in rows])
            self._sites = {site: found[number] for site, number in rows}

    def of(self, site: UUID | None) -> tuple[tuple[CodeTable, ...], tuple[CodeTable, ...]]:
        """Now and then, for a signal of `site`."""
        if site is None or site not in self._sites:
            return self._now, self._then
        own = self._sites[site]
        return (own, *self._now), (own, *self._then)


def _compared(
    chosen: Version,
    days: int,
    heard: list[dict[str, Any]],
    deciding: _Deciding,
    silences: list[Silenced],
) -> Trial:
    kinds: dict[tuple[str, ...], Differing] = {}
    signals = changed = needing_now = needing_then = 0
    for one in heard:
        read = SignalRead(
            "",
            one["token"] or "",
            "",
            code=one["code"],
            qualifier=one["qualifier"],
            zone=one["zone"],
            text="-" if one["has_text"] else "",
            codes=one["codes"],
            level=one["level"],
        )
        before, after = (looked_up(read, each)[0] for each in deciding.of(one["site"]))
        count = one["count"]
        signals += count
        needing_now += count * before.needs_answer
        needing_then += count * after.needs_answer
        if before == after:
            continue
        changed += count
        # A zone is named; a user's number is not, and its signals are counted together.
        zone = zone_of(read)
        key = (list_of(read), read.code, read.qualifier, zone, before.text_en, after.text_en)
        found = kinds.get(key)
        kinds[key] = Differing(
            *(list_of(read), read.code, read.qualifier, zone),
            count=count + (found.count if found else 0),
            last_at=max(one["last_at"], found.last_at) if found else one["last_at"],
            now=before,
            then=after,
        )
    differing = sorted(kinds.values(), key=lambda one: (-one.count, one.list, one.code, one.zone))
    return Trial(
        version=chosen.version,
        days=days,
        signals=min(signals, SIGNALS_MAX),
        cut=signals > SIGNALS_MAX,
        changed=changed,
        needing_now=needing_now,
        needing_then=needing_then,
        differing=tuple(differing[:DIFFERING_MAX]),
        differing_kinds=len(differing),
        silences=tuple(silences),
    )
