"""Following the log: batches in the order of positions, with the rows that they changed. Woken by
the sequencer's NOTIFY within milliseconds, and never dependent on it: a reader has its cursor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from tocsin.record.database import DatabaseAway, connect_async
from tocsin.record.sequencer import CHANNEL
from tocsin.record.views.facts import FACTS_AFTER, fact_row
from tocsin.record.views.overlay import BY_ID, KINDS, subjects_by_kind
from tocsin.record.views.rows import Row

logger = logging.getLogger("tocsin.follow")

BATCH_MAX: Final = 500
LOOK_S: Final = 1.0
"""Without a NOTIFY the log is looked at this often: a lost wake-up costs a second, never a fact."""

_TIMEOUT_S: Final = 10.0


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
    on_database: Callable[[bool], None] | None = None,
) -> AsyncIterator[Batch]:
    """Every fact after the position `after`, for ever, none skipped and none twice.

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

    while True:
        connection = None
        try:
            connection = await connect_async(url, name="tocsin follow")
            woken = asyncio.Event()
            await connection.add_listener(CHANNEL, lambda *_, event=woken: event.set())
            connection.add_termination_listener(lambda *_, event=woken: event.set())
            tell(True)
            wait_s = 0.05
            while True:
                woken.clear()
                async with asyncio.timeout(_TIMEOUT_S):
                    batch = await _read(connection, after, batch_max)
                if batch is not None:
                    after = batch.position
                    yield batch
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await woken.wait()
        except (
            *(OSError, TimeoutError, DatabaseAway),
            *(asyncpg.PostgresError, asyncpg.InterfaceError),
        ) as error:
            if is_there is not False:
                why = str(error) or repr(error)
                logger.warning("the log cannot be followed", extra={"why": why})
            tell(False)
        finally:
            if connection is not None:
                connection.terminate()
                await asyncio.sleep(0)  # the socket is closed in the loop's next turn
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, 1.0)


async def _read(connection: asyncpg.Connection, after: int, limit: int) -> Batch | None:
    found = [dict(one) for one in await connection.fetch(FACTS_AFTER, after, limit)]
    if not found:
        return None
    rows: dict[str, list[Row]] = {}
    for kind, ids in subjects_by_kind(found).items():
        records = await connection.fetch(BY_ID[kind], ids)
        rows[kind] = KINDS[kind]([dict(one) for one in records])
    return Batch(position=found[-1]["position"], facts=[fact_row(one) for one in found], rows=rows)
