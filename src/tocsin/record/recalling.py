"""What was heard before, for an intake that has to know after a restart: what a device said last on
each of its lines, and which messages of the last minutes may be sent again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from tocsin.core.signals import SignalRead
from tocsin.record.database import DatabaseAway, connect_async
from tocsin.record.floods import Lane
from tocsin.record.ids import first_at
from tocsin.record.repeats import REPEAT_WINDOW

logger = logging.getLogger("tocsin.recalling")

MESSAGES_MAX: Final = 500
"""Of one device, the newest: what it said before them is not known."""

KEYS_MAX: Final = 100_000
SORTED_S_MAX: Final = 2.0
"""So long `tocsin work` may take to sort in what was kept before; then it is not known."""

ANSWER_S_MAX: Final = 5.0
_LOOK_S: Final = 0.05

Message = tuple[SignalRead, ...]
T = TypeVar("T")
_read = msgspec.json.Decoder(SignalRead).decode


class NotKnown(Exception):
    """The record cannot say: it is away, or does not hold yet what was kept before."""


class Recall:
    """Reads the record on one connection of its own, one question at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        self._sorted_until = datetime.min.replace(tzinfo=UTC)
        self._looked_at = -1.0

    async def messages(self, protocol: str, device: UUID) -> list[Message]:
        """The device's last MESSAGES_MAX messages, the newest first, as what was read from them
        without the texts. Raises `NotKnown`."""
        rows, further = await self._ask(
            (_MESSAGES, device, protocol, MESSAGES_MAX), (_FURTHER, device, protocol, MESSAGES_MAX)
        )
        more: dict[UUID, list[SignalRead]] = {}
        for row in further:
            more.setdefault(row["message"], []).append(_read(row["read"]))
        return [(_read(row["read"]), *more.get(row["id"], ())) for row in rows]

    async def repeat_keys(self, protocol: str) -> set[bytes]:
        """Those of the messages that a new one may repeat. Raises `NotKnown`, also where there are
        more than KEYS_MAX."""
        since = first_at(datetime.now(UTC) - REPEAT_WINDOW)
        (rows,) = await self._ask((_KEYS, since, protocol, KEYS_MAX + 1))
        if len(rows) > KEYS_MAX:
            raise NotKnown(f"more than {KEYS_MAX} messages may be repeated")
        return {row["repeat_key"] for row in rows}

    async def close(self) -> None:
        """Lets go of the connection; another question opens one again."""
        async with self._lock:
            self._drop()

    async def _ask(self, *questions: tuple[Any, ...]) -> list[list[asyncpg.Record]]:
        await self._sorted_in()

        async def ask(connection: asyncpg.Connection) -> list[list[asyncpg.Record]]:
            return [await connection.fetch(*one) for one in questions]

        return await self._with_connection(ask)

    async def _with_connection(self, act: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        async with self._lock:
            try:
                async with asyncio.timeout(ANSWER_S_MAX):
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await connect_async(self._url, name="tocsin recall")
                    return await act(self._connection)
            except (
                *(OSError, TimeoutError, DatabaseAway),
                *(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError),
            ) as error:
                self._drop()
                raise NotKnown(str(error) or type(error).__name__) from error

    async def _sorted_in(self) -> None:
        """Returns when everything that was kept before now is in the tables. However many wait for
        that, one of them looks."""
        loop = asyncio.get_running_loop()
        now, until = datetime.now(UTC), loop.time() + SORTED_S_MAX
        while self._sorted_until <= now:
            if loop.time() > until:
                raise NotKnown("what was kept before is not sorted in yet")
            if loop.time() - self._looked_at >= _LOOK_S:
                self._looked_at = loop.time()
                self._sorted_until = await self._with_connection(_until)
            else:
                await asyncio.sleep(_LOOK_S)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


async def _until(connection: asyncpg.Connection) -> datetime:
    """Everything that was kept before this time is in the tables."""
    now = datetime.now(UTC)
    oldest: datetime | None = await connection.fetchval(_OLDEST)
    return now if oldest is None else oldest


# Lane 3 is what cannot be sorted in: nobody waits for that.
_OLDEST: Final = "SELECT min(oldest_at) FROM ({}) first".format(  # noqa: S608
    " UNION ALL ".join(
        f"(SELECT oldest_at FROM heard.arrived WHERE lane = {lane} ORDER BY id LIMIT 1)"  # noqa: S608
        for lane in (Lane.KNOWN, Lane.UNKNOWN, Lane.FLOOD)
    )
)
_NEWEST: Final = """
SELECT id, read FROM heard.message WHERE device = $1 AND protocol = $2 ORDER BY id DESC LIMIT $3"""
_MESSAGES: Final = _NEWEST
_FURTHER: Final = f"""
SELECT f.message, f.read FROM heard.further f JOIN ({_NEWEST}) m ON m.id = f.message
ORDER BY f.id"""  # noqa: S608
_KEYS: Final = """
SELECT repeat_key FROM heard.message
WHERE id >= $1 AND protocol = $2 AND repeat_key IS NOT NULL AND repeat_of IS NULL LIMIT $3"""
