"""Ways in that Tocsin goes to itself: how each fares, in the edge's memory, and in a table when it
changes and once a minute. Nothing of an address is kept that could be a secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import asyncpg

from tocsin.core.fetching import Fetch
from tocsin.record.database import Connection
from tocsin.record.networks import at_port
from tocsin.record.views.sql import fetch

NOTED_EVERY_S: Final = 60.0
ADDRESS_CHARS_MAX: Final = 300
PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Way:
    """One of the configuration. `address` is shown: see `address_of_url`, `address_of_host`.
    `checks_signatures`: what comes from there may be signed by somebody who is trusted."""

    name: str
    address: str
    is_tls: bool
    checks_signatures: bool = False


@dataclass(slots=True)
class _Faring:
    """`lasts`: it is good for as long as nothing else is said, as an open connection is."""

    way: Way
    state: Fetch = Fetch.WAITING
    good_at: datetime | None = None
    failing_since: datetime | None = None
    problem: str = ""
    lasts: bool = False


class Taken(NamedTuple):
    """What is to be written: of which intakes other ways are gone, and how each way fares."""

    begun: dict[str, list[str]]
    rows: list[tuple[Any, ...]]


class Fetching:
    """All such ways of one process. Not for several threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ways: dict[str, dict[str, _Faring]] = {}
        self._begun: set[str] = set()
        self._has_changed = False
        self._written_at = 0.0

    def begin(self, intake: str, ways: Iterable[Way]) -> None:
        """These are the ways of an intake from now on, and no others. One that is known already
        stays as it is."""
        before = self._ways.get(intake, {})
        self._ways[intake] = {}
        for way in ways:
            known = before.get(way.name)
            is_same = known is not None and known.way == way
            self._ways[intake][way.name] = known if known and is_same else _Faring(way)
        self._begun.add(intake)

    def good(self, intake: str, name: str, *, lasts: bool = False) -> None:
        """It was heard, or with `lasts`: it is heard from now on."""
        one = self._ways[intake][name]
        self._has_changed |= one.state is not Fetch.GOOD
        one.state, one.good_at, one.lasts = Fetch.GOOD, datetime.now(UTC), lasts
        one.failing_since, one.problem = None, ""

    def failing(self, intake: str, name: str, problem: str) -> None:
        """It was not heard. `problem`: the name under which that is counted."""
        one = self._ways[intake][name]
        now = datetime.now(UTC)
        if one.state is Fetch.GOOD and one.lasts:
            one.good_at = now
        if one.state is not Fetch.FAILING:
            one.failing_since = now
        self._has_changed |= (one.state, one.problem) != (Fetch.FAILING, problem)
        one.state, one.problem, one.lasts = Fetch.FAILING, problem, False

    @property
    def is_due(self) -> bool:
        """Whether something is to be written: what changed at once, else each minute."""
        if self._begun or self._has_changed:
            return True
        return any(self._ways.values()) and self._age_s >= NOTED_EVERY_S

    @property
    def _age_s(self) -> float:
        return self._monotonic() - self._written_at

    def take(self) -> Taken | None:
        """What is to be written now, None for nothing."""
        if not self.is_due:
            return None
        begun = {intake: list(self._ways[intake]) for intake in sorted(self._begun)}
        self._begun, self._has_changed = set(), False
        self._written_at = self._monotonic()
        now = datetime.now(UTC)
        return Taken(begun, [_row(*place, now) for place in self._in_order()])

    def put_back(self, taken: Taken | None) -> None:
        """It could not be written; what is known by then is, the next time."""
        if taken is not None:
            self._begun |= set(taken.begun)
            self._has_changed = True

    def _in_order(self) -> list[tuple[str, _Faring]]:
        """By their key, so that two processes never wait for each other's rows."""
        return [
            (intake, self._ways[intake][name])
            for intake in sorted(self._ways)
            for name in sorted(self._ways[intake])
        ]


def _row(intake: str, one: _Faring, now: datetime) -> tuple[Any, ...]:
    good_at = now if one.lasts and one.state is Fetch.GOOD else one.good_at
    way = one.way
    return (
        *(intake, way.name, way.address, way.is_tls, way.checks_signatures),
        *(one.state.value, good_at, one.failing_since, one.problem, now),
    )


def address_of_url(url: str) -> str:
    """Scheme, host and port, and nothing else: user, path and query may hold what opens it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    if port == PORTS.get(parts.scheme):
        where = f"[{host}]" if ":" in host else host
    else:
        where = at_port(host, port)
    return f"{parts.scheme}://{where}".replace("\0", "")[:ADDRESS_CHARS_MAX]


def address_of_host(host: str, port: int) -> str:
    """Host and port, without a user and password that somebody put before it."""
    shown = host.rpartition("@")[2].replace("\0", "")  # which PostgreSQL does not take
    return at_port(shown[: ADDRESS_CHARS_MAX - 10], port)


async def write(connection: asyncpg.Connection, taken: Taken) -> None:
    """Writes what was taken; ways that are not configured any more are gone."""
    for intake, names in taken.begun.items():
        await connection.execute(_FORGET, intake, names)
    if taken.rows:
        await connection.executemany(_WRITE, taken.rows)


def fetched(connection: Connection) -> list[dict[str, Any]]:
    """Every such way as the edge noted it last, feeds first, by name. Ends the transaction."""
    rows = fetch(connection, "SELECT * FROM ref.fetched ORDER BY intake, name", [])
    connection.rollback()
    return rows


_FORGET: Final = "DELETE FROM ref.fetched WHERE intake = $1 AND name <> ALL($2::text[])"

# After a restart of the edge what it knew before goes on, as long as the way leads to the same
# place: what failed is failing until it is good, since when it was, and when it was good last.
_WRITE: Final = """
INSERT INTO ref.fetched AS f VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (intake, name) DO UPDATE SET
    address = excluded.address, is_tls = excluded.is_tls,
    checks_signatures = excluded.checks_signatures, noted_at = excluded.noted_at,
    good_at = coalesce(excluded.good_at,
        CASE WHEN f.address = excluded.address THEN f.good_at END),
    state = CASE WHEN f.address = excluded.address AND excluded.state = 'waiting'
            AND f.state = 'failing'
        THEN 'failing' ELSE excluded.state END,
    problem = CASE WHEN f.address = excluded.address AND excluded.state = 'waiting'
        THEN f.problem ELSE excluded.problem END,
    failing_since = CASE WHEN f.address = excluded.address AND f.state = 'failing'
            AND excluded.state <> 'good' AND excluded.good_at IS NULL
        THEN f.failing_since ELSE excluded.failing_since END"""
