"""The edge's own copy of the register of devices: an account is looked up in memory, and the copy
follows the tables within two seconds, at once after an import. With it, what was learnt of each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from tocsin.core.probing import is_reserved
from tocsin.record.database import DatabaseAway, connect_async
from tocsin.record.keys import CannotOpen, Keyring, unseal
from tocsin.record.learnt import NOTHING, Learnt, Memory
from tocsin.record.probe_secret import secret

logger = logging.getLogger("tocsin.devices")

CHANNEL: Final = "devices"
REFRESH_S: Final = 2.0
REFRESH_S_MAX: Final = 120.0
"""A reading of the whole register that takes longer is begun anew on another connection."""

LARGE: Final = 20_000
"""A register of more devices is not looked through each time, but asked for what has changed."""
WHOLE_EVERY_S: Final = 600.0
"""And read as a whole so often, for what was taken out of it by hand."""
BEHIND_MAX: Final = timedelta(hours=1)
PAGE: Final = 2_000
MADE_MAX: Final = 20_000
STOP_S_MAX: Final = 2.0
"""At the end, what was learnt last has this long to be written; it can be learnt anew."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that may report. `key` is the secret it shares with us, as its protocol has it
    (`tocsin.record.credentials`); None: it has none. `dialect`: how it departs from its protocol,
    words with `;` between them; empty: that is recognised. `key_is_lost`: it has a secret that does
    not open here, and `key` is None all the same. `panel`: how many were under this account before;
    `learnt`: what was learnt of this one. `is_odd`: by its dialect or by that, what it sends is not
    dealt with as nearly all devices' is."""

    id: UUID
    site: UUID
    protocol: str
    account: str
    district: str
    agency: str
    key: bytes | None
    interval_s: int | None
    dialect: str = ""
    key_is_lost: bool = False
    is_probe: bool = False
    panel: int = 0
    learnt: Learnt = NOTHING
    is_odd: bool = False


PROBED: Final = {"mqtt": 64, "webhook": 64, "sos_access": 15}
"""Protocols in which even our own probe needs a secret, and how many characters it has there."""

_NOBODY: Final = UUID(int=0)
_PROBE: Final = Device(_NOBODY, _NOBODY, "", "", "", "", None, None, is_probe=True)


class DeviceBook:
    """All devices by protocol and account. `start` reads them and keeps following; a lost database
    leaves the last copy in force.

    Kept packed, a million in some 250 MB; a device is made when it is asked for, and those that
    report are kept made.
    """

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}
        self._made: dict[tuple[str, str], Device] = {}
        self._memory = Memory()
        self._stamp: tuple[Any, ...] = ()
        self._latest: datetime | None = None  # change that was read
        self._whole_at = 0.0  # when the whole register was read; loop time
        self._keyring: Keyring
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._url = ""

    async def start(self, url: str, keyring: Keyring) -> None:
        """Read the register once, then follow it. Raises `DatabaseAway` if it cannot be read."""
        connection = await connect_async(url, name="tocsin devices")
        try:
            await self._listen(connection)
            await self._refresh(connection, keyring)
        except BaseException:
            connection.terminate()
            raise
        self._connection, self._url = connection, url
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
        if self._memory.is_waiting:
            await self._write_last()

    async def _write_last(self) -> None:
        """On a connection that was cut off by nothing."""
        try:
            async with asyncio.timeout(STOP_S_MAX):
                connection = await connect_async(self._url, name="tocsin devices")
                try:
                    while self._memory.is_waiting:
                        await self._memory.write(connection)
                finally:
                    connection.terminate()
                    await asyncio.sleep(0)
        except (OSError, TimeoutError, DatabaseAway, *_FAILURES) as error:
            logger.info("what was learnt of devices is lost", extra={"why": str(error)})

    def find(self, protocol: str, account: str) -> Device | None:
        """The device of an account, None for one that we do not know."""
        device = self._made.get((protocol, account))
        if device is not None:
            return device
        packed = self._packed.get(f"{protocol} {account}")
        if packed is None:
            return self._probe(protocol, account)
        if len(self._made) >= MADE_MAX:
            self._made.clear()
        device = self._made[protocol, account] = self._make(protocol, account, packed)
        return device

    def learnt(self, device: Device) -> Learnt:
        """What is known of the device now; `device.learnt` is how it was when it was found."""
        return self._memory.of(f"{device.protocol} {device.account}", device.panel)

    def learn(self, device: Device, learnt: Learnt) -> None:
        """What is known of the device from now on. Memory only: what lasts of it is written within
        seconds, on a connection of its own, and only if it is new."""
        name = device.protocol, device.account
        self._memory.put(f"{device.protocol} {device.account}", device.id, device.panel, learnt)
        made = self._made.get(name)
        if made is not None and made.panel == device.panel:
            is_odd = bool(made.dialect) or learnt.is_odd
            self._made[name] = replace(made, learnt=learnt, is_odd=is_odd)

    def probe_secret(self, protocol: str, account: str) -> str | None:
        """What our own probe shows where a protocol has no account for it; None for any other
        account."""
        return secret(self._keyring, protocol, account) if is_reserved(account) else None

    def __len__(self) -> int:
        return len(self._packed)

    def _probe(self, protocol: str, account: str) -> Device | None:
        """Who sends a test alarm of our own probe, where a protocol hears nobody without a secret.
        It is no device: what it sends is kept as an unknown source's."""
        if protocol not in PROBED or not is_reserved(account):
            return None
        key = secret(self._keyring, protocol, account).encode()
        return replace(_PROBE, protocol=protocol, account=account, key=key[: PROBED[protocol]])

    def _make(self, protocol: str, account: str, packed: bytes) -> Device:
        row = _unpack(packed)
        identifier = UUID(bytes=row.id)
        key = None
        if row.key is not None:
            try:
                key = unseal(self._keyring.device(), row.key, row.id)
            except CannotOpen:
                # Its frames will be said not to open; the other devices are none the worse.
                logger.error("a device's key does not open", extra={"device": str(identifier)})  # noqa: TRY400
        learnt = self._memory.of(f"{protocol} {account}", row.panel)
        return Device(
            id=identifier,
            site=UUID(bytes=row.site),
            protocol=protocol,
            account=account,
            district=row.district,
            agency=row.agency,
            key=key,
            interval_s=row.interval_s,
            dialect=row.dialect,
            key_is_lost=row.key is not None and key is None,
            panel=row.panel,
            learnt=learnt,
            is_odd=bool(row.dialect) or learnt.is_odd,
        )

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
                    self._changed.set()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REFRESH_S):
                        await self._changed.wait()
                told = self._changed.is_set()
                self._changed.clear()
                async with asyncio.timeout(REFRESH_S_MAX):
                    await self._refresh(self._connection, keyring, told=told)
                if self._memory.is_waiting:
                    await self._write_learnt(self._connection)
            except (OSError, TimeoutError, DatabaseAway, *_FAILURES) as error:
                logger.info("the register of devices cannot be read", extra={"why": str(error)})
            except Exception:
                # Whatever it was: who stopped following would know no device from now on.
                logger.exception("the register of devices cannot be followed")
            else:
                continue
            if self._connection is not None:
                self._connection.terminate()
            self._connection = None
            await asyncio.sleep(0.5)

    async def _write_learnt(self, connection: asyncpg.Connection) -> None:
        """The register is followed all the same, whatever the database says of this."""
        try:
            await self._memory.write(connection)
        except (asyncpg.PostgresError, TimeoutError) as error:
            logger.warning("what was learnt cannot be written", extra={"why": str(error)})

    async def _refresh(
        self, connection: asyncpg.Connection, keyring: Keyring, *, told: bool = False
    ) -> None:
        self._keyring = keyring
        now = asyncio.get_running_loop().time()
        is_large = len(self._packed) > LARGE
        if is_large and now - self._whole_at < WHOLE_EVERY_S:
            latest = await connection.fetchval(_LATEST, timeout=10)
            if latest is None or self._latest is None or (latest == self._latest and not told):
                return
            # An import that began before the last one may have come to its end after it.
            rows = await self._read(connection, _CHANGED, self._latest - BEHIND_MAX)
            self._packed |= rows
            self._latest = latest
        else:
            stamp = tuple(await connection.fetchrow(_STAMP, timeout=60))
            if stamp == self._stamp and not is_large:
                return
            self._packed = await self._read(connection, _ALL)
            self._memory.keep_only(self._packed)
            await self._memory.read(connection)
            self._stamp = stamp
            self._latest = stamp[1]
            self._whole_at = asyncio.get_running_loop().time()
        self._made = {}

    async def _read(
        self, connection: asyncpg.Connection, query: str, *arguments: Any
    ) -> dict[str, bytes]:
        """The devices that `query` finds. Page by page, so that panels are answered meanwhile."""
        found: dict[str, bytes] = {}
        async with connection.transaction(readonly=True):
            cursor = await connection.cursor(query, *arguments, timeout=60)
            while rows := await cursor.fetch(PAGE, timeout=60):
                for protocol, account, *rest in rows:
                    found[f"{protocol} {account}"] = _pack(rest)
        return found


_FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError)


class _Packed(msgspec.Struct, array_like=True, gc=False):
    """A row of the register as it is kept in memory, in the order of the queries below."""

    id: bytes
    site: bytes
    district: str
    agency: str
    key: bytes | None
    interval_s: int | None
    dialect: str
    panel: int


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Packed).decode

_STAMP: Final = "SELECT count(*), max(changed_at), max(xmin::text::bigint) FROM ref.device"
_LATEST: Final = "SELECT max(changed_at) FROM ref.device"
_ALL: Final = """
SELECT protocol, account, uuid_send(id), uuid_send(site), district, agency, key, interval_s,
    dialect, panel
FROM ref.device"""
_CHANGED: Final = f"{_ALL} WHERE changed_at >= $1"
