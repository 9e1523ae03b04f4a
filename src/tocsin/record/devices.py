"""The edge's own copy of the register of devices: an account is looked up in memory, and the copy
follows the tables within two seconds, at once after an import."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from tocsin.record.database import DatabaseAway, connect_async
from tocsin.record.keys import CannotOpen, Keyring, unseal

logger = logging.getLogger("tocsin.devices")

CHANNEL: Final = "devices"
REFRESH_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Device:
    """A device that may report. `key` is the secret it shares with us, as its protocol has it
    (`tocsin.record.credentials`); None: it has none. `dialect`: how it departs from its protocol,
    words with `;` between them; empty: that is recognised."""

    id: UUID
    site: UUID
    protocol: str
    account: str
    district: str
    agency: str
    key: bytes | None
    interval_s: int | None
    dialect: str = ""


class DeviceBook:
    """All devices by protocol and account. `start` reads them and keeps following; a lost database
    leaves the last copy in force."""

    def __init__(self) -> None:
        self._devices: dict[tuple[str, str], Device] = {}
        self._stamp: tuple[Any, ...] = ()
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._connection: asyncpg.Connection | None = None

    async def start(self, url: str, keyring: Keyring) -> None:
        """Read the register once, then follow it. Raises `DatabaseAway` if it cannot be read."""
        connection = await connect_async(url, name="tocsin devices")
        try:
            await self._listen(connection)
            await self._refresh(connection, keyring)
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection
        self._task = asyncio.create_task(self._follow(url, keyring), name="devices")

    async def stop(self) -> None:
        """Stop following; lookups go on with the last copy."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            await asyncio.sleep(0)  # the loop closes the socket at its next turn
            self._task = None
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
            await asyncio.sleep(0)  # the socket is closed in the loop's next turn

    def find(self, protocol: str, account: str) -> Device | None:
        """The device of an account, None for one that we do not know."""
        return self._devices.get((protocol, account))

    def __len__(self) -> int:
        return len(self._devices)

    async def _listen(self, connection: asyncpg.Connection) -> None:
        def changed(*_: Any) -> None:
            self._changed.set()

        await connection.add_listener(CHANNEL, changed)
        connection.add_termination_listener(changed)

    async def _follow(self, url: str, keyring: Keyring) -> None:
        while True:
            try:
                if self._connection is None:
                    self._connection = await connect_async(url, name="tocsin devices")
                    await self._listen(self._connection)
                    await self._refresh(self._connection, keyring)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REFRESH_S):
                        await self._changed.wait()
                self._changed.clear()
                await self._refresh(self._connection, keyring)
            except (
                *(OSError, TimeoutError, DatabaseAway),
                *(asyncpg.PostgresError, asyncpg.InterfaceError),
            ) as error:
                logger.info("the register of devices cannot be read", extra={"why": str(error)})
                if self._connection is not None:
                    self._connection.terminate()
                self._connection = None
                await asyncio.sleep(0.5)

    async def _refresh(self, connection: asyncpg.Connection, keyring: Keyring) -> None:
        async with asyncio.timeout(10):
            stamp = tuple(await connection.fetchrow(_STAMP))
            if stamp == self._stamp:
                return
            rows = await connection.fetch(_ALL)
        master = keyring.device()
        devices = {}
        for row in rows:
            key = None
            if row["key"] is not None:
                try:
                    key = unseal(master, row["key"], row["id"].bytes)
                except CannotOpen:
                    # Its frames will be said not to open; the other devices are none the worse.
                    logger.error("a device's key does not open", extra={"device": str(row["id"])})  # noqa: TRY400
            devices[row["protocol"], row["account"]] = Device(
                id=row["id"],
                site=row["site"],
                protocol=row["protocol"],
                account=row["account"],
                district=row["district"],
                agency=row["agency"],
                key=key,
                interval_s=row["interval_s"],
                dialect=row["dialect"],
            )
        self._devices = devices
        self._stamp = stamp


_STAMP: Final = "SELECT count(*), max(changed_at), max(xmin::text::bigint) FROM ref.device"
_ALL: Final = """
SELECT id, site, protocol, account, district, agency, key, interval_s, dialect FROM ref.device"""
