"""Following the log: batches in the order of positions, with the rows that they changed. Woken by
the sequencer's NOTIFY within milliseconds, and never dependent on it: a reader has its cursor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from tocsin.record.database import DatabaseAway, connect_async
from tocsin.record.sequencer import CHANNEL
from tocsin.record.views.facts import FACTS_AFTER, fact_row
from tocsin.record.views.overlay import BY_ID, KINDS, subjects_by_kind
from tocsin.record.views.rows import Row

logger = logging.getLogger("tocsin.follow")

BATCH_MAX: Final = 500
BATCH_BYTES_MAX: Final = 500_000
"""Of facts and rows as they are stored, in a batch of more than one fact: an incident of many zones
has a row of many kilobytes, and hundreds of them may change at once."""

LOOK_S: Final = 1.0
"""Without a NOTIFY the log is looked at this often: a lost wake-up costs a second, never a fact."""

PACE_S: Final = 0.05
"""Between two looks while facts keep coming. The first after a quiet moment comes at once; in a
storm many facts share the queries of a batch, and a row that changed often is read once."""

HEAD: Final = "SELECT coalesce(max(position), 0) AS head FROM log.position"
"""Where the log ends."""

_TIMEOUT_S: Final = 10.0
_LOST: Final = (OSError, TimeoutError, DatabaseAway, asyncpg.PostgresError, asyncpg.InterfaceError)

Found = Mapping[str, Any]
Fetch = Callable[..., Awaitable[list[Any]]]
"""A query with its arguments, to its rows."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts up to and with `position`, oldest first, without sealed fields; and by kind
    (`incidents`, `units`, `orders`, `signals`) the present rows of their subjects.

    A row may be newer than the facts: readers keep the one with the greatest `version`.
    """

    position: int
    facts: list[Row]
    rows: dict[str, list[Row]]


async def follow(
    url: str,
    after: int,
    *,
    batch_max: int = BATCH_MAX,
    kinds: Collection[str] = tuple(KINDS),
    on_database: Callable[[bool], None] | None = None,
    until: Callable[[], bool] = lambda: False,
) -> AsyncGenerator[Batch, None]:
    """Every fact of `kinds` after the position `after`, none skipped and none twice, for ever or
    until `until`, which is asked before each look at the log (once in LOOK_S at least).

    A lost database is waited for, then it goes on from where it was; `on_database` is told False
    when it is lost and True when it is back.
    """
    wait_s = 0.05
    is_there: bool | None = None

    def tell(now: bool) -> None:
        nonlocal is_there
        changed, is_there = now is not is_there, now
        if changed and on_database is not None:
            on_database(now)

    while not until():
        connection = None
        try:
            connection = await connect_async(url, name="tocsin follow")
            woken = asyncio.Event()
            await connection.add_listener(CHANNEL, lambda *_, event=woken: event.set())
            connection.add_termination_listener(lambda *_, event=woken: event.set())
            tell(True)
            wait_s = 0.05
            while not until():
                woken.clear()
                before = after
                async with asyncio.timeout(_TIMEOUT_S):
                    batches = await read(connection.fetch, after, batch_max, kinds)
                for batch in batches:
                    after = batch.position
                    yield batch
                if not batches:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_S):
                            await woken.wait()
                elif after - before < batch_max:  # else there is more
                    await asyncio.sleep(PACE_S)
        except _LOST as error:
            if is_there is not False:
                why = str(error) or repr(error)
                logger.warning("the log cannot be followed", extra={"why": why})
            tell(False)
        finally:
            if connection is not None:
                connection.terminate()
                await asyncio.sleep(0)  # the socket is closed in the loop's next turn
        if not until():
            await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, 1.0)


async def read(
    fetch: Fetch, after: int, limit: int, kinds: Collection[str] = tuple(KINDS)
) -> list[Batch]:
    """The next `limit` facts after a position, in batches of at most BATCH_BYTES_MAX; none when
    the log ends there. A row is read once, however often it changed. What is not of `kinds` is not
    decoded and only counts in the positions."""
    found: list[Found] = [dict(one) for one in await fetch(FACTS_AFTER, after, limit)]
    stored: dict[str, dict[UUID, Found]] = {}
    for kind, ids in subjects_by_kind(found).items():
        if ids and kind in kinds:
            stored[kind] = {one["id"]: one for one in await fetch(BY_ID[kind], ids)}
    return [_batch(part, stored) for part in _parts(found, stored)]


def _parts(found: list[Found], stored: dict[str, dict[UUID, Found]]) -> Iterator[list[Found]]:
    """Facts in their order, cut where the rows of a part would be too large together."""
    sizes = {
        (kind, identifier): len(row["row"] or b"")
        for kind, rows in stored.items()
        for identifier, row in rows.items()
    }
    facts = sum(len(one["body"]) for one in found)
    if facts + sum(sizes.values()) <= BATCH_BYTES_MAX:
        if found:
            yield found
        return
    part: list[Found] = []
    held: set[tuple[str, UUID]] = set()
    size = 0
    for fact in found:
        its = {(kind, one) for kind, ids in subjects_by_kind([fact]).items() for one in ids}
        body = len(fact["body"])
        more = body + sum(sizes.get(one, 0) for one in its - held)
        if part and size + more > BATCH_BYTES_MAX:
            yield part
            part, held, size = [], set(), 0
            more = body + sum(sizes.get(one, 0) for one in its)
        part.append(fact)
        held |= its
        size += more
    yield part


def _batch(found: list[Found], stored: dict[str, dict[UUID, Found]]) -> Batch:
    rows: dict[str, list[Row]] = {}
    for kind, ids in subjects_by_kind(found).items():
        of_kind = stored.get(kind, {})
        if some := [of_kind[one] for one in ids if one in of_kind]:
            rows[kind] = KINDS[kind](some)
    shown = [one for one in found if f"{one['subject_kind']}s" in stored]
    return Batch(found[-1]["position"], [fact_row(one) for one in shown], rows)
