"""The edge's copy of a large register: asked for changes only, read as a whole from time to time,
packed in memory, and keys opened when a device is first heard."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from random_history import site_row

from tocsin.record import devices as registered
from tocsin.record.database import Connection, Urls
from tocsin.record.devices import DeviceBook
from tocsin.record.keys import Keyring
from tocsin.record.sites import import_sites


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def following(urls: Urls, keyring: Keyring, body: Callable[[DeviceBook], Awaitable[None]]) -> None:
    async def run() -> None:
        book = DeviceBook()
        await book.start(urls.application, keyring)
        try:
            await body(book)
        finally:
            await book.stop()

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch, connection: Connection) -> None:
    monkeypatch.setattr(registered, "LARGE", 2)
    monkeypatch.setattr(registered, "PAGE", 2)
    monkeypatch.setattr(registered, "REFRESH_S", 0.02)
    connection.execute("DELETE FROM ref.device")
    connection.commit()


def take(connection: Connection, keyring: Keyring, *accounts: str, **fields: str) -> None:
    rows = [site_row(one, **fields) for one in accounts]
    assert import_sites(connection, keyring, rows, agency="fire").errors == []


def test_changes_come_one_by_one(urls: Urls, connection: Connection, keyring: Keyring) -> None:
    take(connection, keyring, "C001", "C002", "C003", "C004", "C005")

    async def body(book: DeviceBook) -> None:
        assert len(book) == 5
        await asyncio.to_thread(take, connection, keyring, "C006")
        await until(lambda: len(book) == 6)
        before = book.find("dc09", "C002")
        await asyncio.to_thread(
            take, connection, keyring, "C002", interval_s="60", key="b" * 16, key_form="ascii"
        )
        await until(lambda: book.find("dc09", "C002") != before)
        device = book.find("dc09", "C002")
        assert device is not None
        assert before is not None
        assert (device.id, device.key, device.interval_s) == (before.id, b"b" * 16, 60)

    following(urls, keyring, body)


def test_what_is_taken_out_by_hand_goes_with_the_next_whole_reading(
    urls: Urls, connection: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(connection, keyring, "C001", "C002", "C003", "C004")

    async def body(book: DeviceBook) -> None:
        connection.execute("DELETE FROM ref.device WHERE account = 'C001'")
        connection.commit()
        await asyncio.sleep(0.1)  # several looks for changes
        assert book.find("dc09", "C001") is not None
        monkeypatch.setattr(registered, "WHOLE_EVERY_S", 0.0)
        await until(lambda: book.find("dc09", "C001") is None)
        assert len(book) == 3

    following(urls, keyring, body)


def test_few_are_kept_made(
    urls: Urls, connection: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(connection, keyring, "C001", "C002", "C003", "C004", key="c" * 32, key_form="hex")
    monkeypatch.setattr(registered, "MADE_MAX", 2)

    async def body(book: DeviceBook) -> None:
        for account in ("C001", "C002", "C003", "C004", "C001"):
            device = book.find("dc09", account)
            assert device is not None
            assert (device.account, device.key) == (account, bytes.fromhex("c" * 32))
            assert book.find("dc09", account) is device
            assert len(book._made) <= 2
        assert book.find("dc09", "C009") is None
        assert book.find("mqtt", "C001") is None

    following(urls, keyring, body)
