"""What an intake notes beside its messages."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from arriving import message
from test_heard import with_log

from tocsin.record import notes as notes_module
from tocsin.record.database import Connection, Urls
from tocsin.record.heard import HeardLog
from tocsin.record.keys import Keyring


def test_many_devices_are_noted_part_by_part(
    urls: Urls, keyring: Keyring, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encoding the times of all that poll in a second would keep the process from hearing."""
    monkeypatch.setattr(notes_module, "SEEN_PART", 3)
    devices = sorted(uuid4() for _ in range(10))
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    parts: list[int] = []
    execute = asyncpg.Connection.execute

    async def counted(self: asyncpg.Connection, query: str, *arguments: Any, **how: Any) -> str:
        if "ref.seen" in query:
            parts.append(len(arguments[0]))
        return await execute(self, query, *arguments, **how)

    monkeypatch.setattr(asyncpg.Connection, "execute", counted)

    async def run(log: HeardLog) -> None:
        for place, device in reversed(list(enumerate(devices))):
            for _ in range(place + 1):
                log.seen(device, at + timedelta(seconds=place))

    with_log(urls, keyring, run)
    rows = connection.execute(
        "SELECT device, last_seen_at, polls FROM ref.seen WHERE device = ANY(%s) ORDER BY device",
        (devices,),
    ).fetchall()
    assert rows == [
        (device, at + timedelta(seconds=place), place + 1) for place, device in enumerate(devices)
    ]
    assert parts == [3, 3, 3, 1]


def test_an_alarm_does_not_wait_for_the_notes_of_all_devices(
    urls: Urls, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes_module, "SEEN_PART", 1)
    execute = asyncpg.Connection.execute
    parts: list[int] = []  # how many alarms had been acknowledged when each was begun
    kept: list[bool] = []

    async def run(log: HeardLog) -> None:
        async def meanwhile(self: asyncpg.Connection, query: str, *rest: Any, **how: Any) -> str:
            if "ref.seen" in query:
                parts.append(len(kept))
                if len(parts) == 2:
                    log.hand_in(message(), kept.append)
            return await execute(self, query, *rest, **how)

        monkeypatch.setattr(asyncpg.Connection, "execute", meanwhile)
        for _ in range(5):
            log.seen(uuid4(), datetime.now(UTC))

    with_log(urls, keyring, run)
    assert parts == [0, 0, 1, 1, 1]
    assert kept == [True]
