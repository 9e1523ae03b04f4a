"""Which alerts of which source have been heard: so that each is heard once, also after a restart,
and one whose time is over is said to be over. A row is written after its alert is kept: where that
fails between the two, the alert is heard again, and never lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from tocsin.record.database import DatabaseAway, connect_async

STATEMENT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """One alert that was heard. `key`: 16 bytes that stand for it (`wire.cap.signals.key`);
    `expires_at` None: it does not expire, or is over."""

    key: bytes
    source: str
    account: str
    code: str
    level: int | None
    assurance: str
    expires_at: datetime | None


class CapAlerts:
    """The table of them. One at a time; each method raises `DatabaseAway` where the database does
    not answer, and is tried again by its caller."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """The connection is given back; the next use makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
            await asyncio.sleep(0)  # the socket is closed in the loop's next turn

    async def known(self, source: str) -> set[bytes]:
        """The keys of all alerts heard from `source`."""
        return {row["key"] for row in await self._ask(_KNOWN, source)}

    async def find(self, keys: Iterable[bytes]) -> list[KnownAlert]:
        """Those of `keys` that were heard."""
        return [_alert(row) for row in await self._ask(_FIND, list(keys))]

    async def remember(self, alert: KnownAlert, over: Sequence[bytes], at: datetime) -> None:
        """`alert` is heard; those in `over` have been replaced or withdrawn and expire no more."""
        row = (alert.key, alert.source, alert.account, alert.code, alert.level, alert.assurance)
        await self._ask(_REMEMBER, *row, alert.expires_at, at, list(over))

    async def due(self, now: datetime, limit: int) -> list[KnownAlert]:
        """Those whose time is over, the longest first."""
        return [_alert(row) for row in await self._ask(_DUE, now, limit)]

    async def is_over(self, key: bytes) -> None:
        """That it is over has been said."""
        await self._ask(_OVER, [key])

    async def listed(self, keys: Iterable[bytes], at: datetime) -> None:
        """Their source still has them."""
        await self._ask(_LISTED, list(keys), at)

    async def forget(self, before: datetime) -> None:
        """Those that are over and that no source has had since."""
        await self._ask(_FORGET, before)

    async def _ask(self, query: str, *arguments: Any) -> list[Any]:
        async with self._turn:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect_async(self._url, name="tocsin cap")
                async with asyncio.timeout(STATEMENT_S):
                    return list(await self._connection.fetch(query, *arguments))
            except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
                with contextlib.suppress(Exception):
                    await self.close()
                raise DatabaseAway(str(error) or repr(error)) from error


def _alert(row: Any) -> KnownAlert:
    return KnownAlert(**{name: row[name] for name in KnownAlert.__slots__})


_COLUMNS: Final = "key, source, account, code, level, assurance, expires_at"
_KNOWN: Final = "SELECT key FROM ref.cap_alert WHERE source = $1"
_FIND: Final = f"SELECT {_COLUMNS} FROM ref.cap_alert WHERE key = ANY($1)"  # noqa: S608
_REMEMBER: Final = f"""
WITH ended AS (UPDATE ref.cap_alert SET expires_at = NULL WHERE key = ANY($9) AND key <> $1)
INSERT INTO ref.cap_alert ({_COLUMNS}, listed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (key) DO UPDATE SET listed_at = excluded.listed_at"""  # noqa: S608
_DUE: Final = f"""
SELECT {_COLUMNS} FROM ref.cap_alert WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"""  # noqa: S608
_OVER: Final = "UPDATE ref.cap_alert SET expires_at = NULL WHERE key = ANY($1)"
_LISTED: Final = "UPDATE ref.cap_alert SET listed_at = $2 WHERE key = ANY($1)"
_FORGET: Final = "DELETE FROM ref.cap_alert WHERE listed_at < $1 AND expires_at IS NULL"
