"""A block rule is tried before it mutes anything: what it would have muted in the last 24 hours,
read from what was heard, by the same criteria that then decide."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg.rows import dict_row

from tocsin.core.block_match import ANY, BlockMatch, is_within, matches, source_of
from tocsin.core.blocks import is_grave
from tocsin.core.code_tables import looked_up
from tocsin.core.signals import SignalRead
from tocsin.core.supervision import PROTOCOL as SUPERVISION
from tocsin.core.terms import DryRun, IncidentType, Level, Reason, Refused, Unopened
from tocsin.record import code_book
from tocsin.record.database import Connection
from tocsin.record.ids import first_at

HOURS: Final = 24
SIGNALS_MAX: Final = 500_000
"""The newest so many signals are looked at; a dry run says so when there are more."""
DRY_RUN_S: Final = 20
"""So long may the record be read for it: the desk has the same database."""
INCIDENTS_MAX: Final = 50
"""Incidents that a dry run names, the newest first; all are counted."""
_CHUNK: Final = 5_000

_ACTIVE_DEVICES: Final = """
SELECT count(*) FROM (
    SELECT n.device FROM ref.seen n JOIN ref.device d ON d.id = n.device
    WHERE n.last_seen_at >= %(since)s AND d.district = %(district)s AND d.agency = %(agency)s
    UNION
    SELECT s.device FROM heard.signal s
    WHERE s.id >= %(first)s AND s.received_at >= %(since)s AND s.district = %(district)s
        AND s.agency = %(agency)s AND s.device IS NOT NULL AND s.protocol <> %(own)s) one"""
_ADDRESSES: Final = """
SELECT DISTINCT s.source_address, s.device IS NULL AS is_unknown FROM heard.signal s
WHERE s.id >= %(first)s AND s.received_at >= %(since)s AND s.district = %(district)s
    AND s.agency = %(agency)s AND s.protocol <> %(own)s"""
_OPEN: Final = """
SELECT count(*) FROM view.block WHERE open AND district = %(district)s AND agency = %(agency)s"""

# A repeat is muted with its first. Whether a signal is one of the rule's is asked of its criteria;
# the two conditions only keep out what cannot be.
_HEARD: Final = """
SELECT s.id, s.device, s.source_address AS source, coalesce(s.site, d.site) AS site, s.read,
    s.text IS NOT NULL AS has_text, v.incident, v.verdict
FROM heard.signal s
LEFT JOIN ref.device d ON d.id = s.device
LEFT JOIN view.signal v ON v.id = s.id
WHERE s.id >= %(first)s AND s.received_at >= %(since)s AND s.district = %(district)s
    AND s.agency = %(agency)s AND s.repeat_of IS NULL AND s.protocol <> %(own)s
    AND (%(addresses)s::text[] IS NULL OR s.source_address = ANY(%(addresses)s))
    AND (%(stem)s::text IS NULL OR strpos(lower(convert_from(s.read, 'UTF8')), %(stem)s) > 0)
ORDER BY s.id DESC LIMIT %(limit)s"""

_INCIDENTS: Final = """
SELECT i.id, i.number, i.type, i.level, i.opened_at,
    (SELECT count(*) FROM view.signal x WHERE x.incident = i.id) AS signals
FROM view.incident i WHERE i.id = ANY(%s) ORDER BY i.opened_at DESC, i.number DESC LIMIT %s"""


@dataclass(slots=True)
class _Muted:
    """What has been found so far."""

    signals: int = 0
    sources: set[str] = field(default_factory=set)
    devices: set[UUID] = field(default_factory=set)
    grave: int = 0
    spared: int = 0
    opened: set[UUID] = field(default_factory=set)
    of_incident: dict[UUID, int] = field(default_factory=dict)


def dry_run(
    connection: Connection,
    match: BlockMatch,
    *,
    grave: bool,
    district: str,
    agency: str,
    now: datetime,
) -> DryRun:
    """What the rule would have done in the 24 hours before `now`. Ends the transaction that it
    begins in. Raises `Refused` (DRY_RUN_TOO_SLOW)."""
    book = code_book.current(connection, now)
    until = time.monotonic() + DRY_RUN_S
    since = now - timedelta(hours=HOURS)
    named: dict[str, Any] = {
        "since": since,
        "first": first_at(since),
        "district": district,
        "agency": agency,
        "own": SUPERVISION,
    }
    try:
        connection.execute(f"SET LOCAL statement_timeout = {DRY_RUN_S * 1_000}".encode())
        addresses = connection.execute(_ADDRESSES, named).fetchall()
        devices = _count(connection, _ACTIVE_DEVICES, named)
        muted = _Muted()
        looked_at = 0
        for one in _heard(connection, match, named, [address for address, _ in addresses]):
            looked_at += 1
            if looked_at > SIGNALS_MAX:
                break
            if looked_at % _CHUNK == 0 and time.monotonic() > until:
                raise Refused(Reason.DRY_RUN_TOO_SLOW, seconds_max=DRY_RUN_S)
            _look(muted, match, one, book, agency, is_grave_rule=grave)
        incidents = _incidents(connection, muted)
        open_rules = _count(connection, _OPEN, named)
    except psycopg.errors.QueryCanceled as error:
        raise Refused(Reason.DRY_RUN_TOO_SLOW, seconds_max=DRY_RUN_S) from error
    finally:
        connection.rollback()
    unknown = {source_of(None, address) for address, is_unknown in addresses if is_unknown}
    return DryRun(
        tried_at=now,
        signals=muted.signals,
        sources=len(muted.sources),
        active=devices + len(unknown),
        devices=len(muted.devices),
        active_devices=devices,
        unopened=len(muted.opened),
        grave=muted.grave,
        spared=muted.spared,
        cut=looked_at > SIGNALS_MAX,
        open_rules=open_rules,
        incidents=incidents,
    )


def _heard(
    connection: Connection, match: BlockMatch, named: dict[str, Any], addresses: list[str]
) -> Iterator[dict[str, Any]]:
    """What may be of the rule, the newest first, a part at a time."""
    within = None
    if match.network != ANY:
        within = [one for one in set(addresses) if is_within(match.network, one)]
    stem = match.account.removesuffix(ANY)
    is_plain = stem.isascii() and stem.isprintable() and not set(stem) & set('"\\')
    values = named | {
        "addresses": within,
        "stem": stem.lower() if stem and is_plain else None,
        "limit": SIGNALS_MAX + 1,
    }
    with connection.cursor("block_trial", row_factory=dict_row) as cursor:
        cursor.itersize = _CHUNK
        yield from cursor.execute(_HEARD.encode(), values)


def _look(
    muted: _Muted,
    match: BlockMatch,
    one: dict[str, Any],
    book: code_book.CodeBook,
    agency: str,
    *,
    is_grave_rule: bool,
) -> None:
    try:
        read = msgspec.json.decode(one["read"], type=SignalRead)
    except msgspec.MsgspecError:
        return  # set aside, and judged by nobody
    if not matches(match, read, one["source"]):
        return
    if one["has_text"]:
        read = replace(read, text="-")
    means = looked_up(read, book.tables(agency, one["site"]))[0]
    if is_grave(means.effect, means.type, means.level):
        if one["site"] is not None and not is_grave_rule:
            muted.spared += 1
            return
        muted.grave += 1
    muted.signals += 1
    muted.sources.add(source_of(one["device"], one["source"]))
    if one["device"] is not None:
        muted.devices.add(one["device"])
    if one["incident"] is not None:
        of = one["incident"]
        muted.of_incident[of] = muted.of_incident.get(of, 0) + 1
        if one["verdict"] == "opened":
            muted.opened.add(of)


def _incidents(connection: Connection, muted: _Muted) -> tuple[Unopened, ...]:
    found = connection.execute(_INCIDENTS, (list(muted.opened), INCIDENTS_MAX)).fetchall()
    return tuple(
        Unopened(
            incident=one,
            number=number,
            type=IncidentType(type_),
            level=Level(level),
            opened_at=opened_at,
            others=max(0, signals - muted.of_incident[one]),
        )
        for one, number, type_, level, opened_at, signals in found
    )


def _count(connection: Connection, query: str, named: dict[str, Any]) -> int:
    row = connection.execute(query.encode(), named).fetchone()
    return int(row[0]) if row is not None else 0
