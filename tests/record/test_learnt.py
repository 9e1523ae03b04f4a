"""What was learnt of devices lasts over restarts, is written when it changes and only then, and is
forgotten with the panel that it was learnt of."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from random_history import site_row

from tocsin.record import devices as registered
from tocsin.record import learnt as learning
from tocsin.record.database import Connection, Urls, connect_async
from tocsin.record.devices import CHANNEL, DeviceBook
from tocsin.record.keys import Keyring
from tocsin.record.learnt import MISPRINTED, NOTHING, Learnt, Memory, forget
from tocsin.record.sites import import_sites

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ELDES = Learnt(("eldes",), turn=1)
LOCAL = Learnt(clock_ahead=timedelta(hours=8), clock_since=NOW)
KEY = {"key": "a" * 16, "key_form": "ascii"}

Body = Callable[[DeviceBook], Awaitable[None]]


@pytest.fixture(autouse=True, params=[2, 20_000], ids=["large", "small"])
def _register(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, connection: Connection
) -> None:
    """Large registers are followed by what changes, small ones read whole."""
    monkeypatch.setattr(registered, "LARGE", request.param)
    monkeypatch.setattr(registered, "REFRESH_S", 0.02)
    connection.execute("DELETE FROM ref.device")
    connection.commit()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def following(urls: Urls, keyring: Keyring, *bodies: Body) -> None:
    """Each in a process that is begun and ended."""

    async def run(body: Body) -> None:
        book = DeviceBook()
        await book.start(urls.application, keyring)
        try:
            await body(book)
        finally:
            await book.stop()

    for body in bodies:
        asyncio.run(run(body))


def take(connection: Connection, keyring: Keyring, *accounts: str, **fields: str) -> None:
    rows = [site_row(one, **fields) for one in accounts]
    assert import_sites(connection, keyring, rows, agency="fire").errors == []


def learn(book: DeviceBook, account: str, learnt: Learnt) -> None:
    device = book.find("dc09", account)
    assert device is not None
    book.learn(device, learnt)


def known(book: DeviceBook, account: str) -> Learnt:
    device = book.find("dc09", account)
    assert device is not None
    assert book.learnt(device) == device.learnt
    return device.learnt


def rows(connection: Connection) -> list[tuple[Any, ...]]:
    found = connection.execute(
        "SELECT d.account, l.xmin::text, l.dialects, l.turn, l.clock_ahead_s, l.clock_since"
        " FROM ref.learnt l JOIN ref.device d ON d.id = l.device ORDER BY 1"
    ).fetchall()
    connection.rollback()
    return found


def test_what_was_learnt_lasts(urls: Urls, connection: Connection, keyring: Keyring) -> None:
    take(connection, keyring, "C001", "C002", "C003", "C004")

    async def first(book: DeviceBook) -> None:
        assert known(book, "C001") == NOTHING
        learn(book, "C001", ELDES)
        learn(book, "C002", LOCAL)
        learn(book, "C003", Learnt((MISPRINTED,), asked=b"not written", trial=b"nor this"))
        await until(lambda: len(rows(connection)) == 3)

    async def second(book: DeviceBook) -> None:
        assert [known(book, f"C00{n}") for n in (1, 2, 4)] == [ELDES, LOCAL, NOTHING]
        assert known(book, "C003") == Learnt((MISPRINTED,))
        odd = [book.find("dc09", f"C00{n}").is_odd for n in range(1, 5)]
        assert odd == [False, True, True, False]

    following(urls, keyring, first, second)


def test_what_was_learnt_last_is_written_at_the_end(
    urls: Urls, connection: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(connection, keyring, "C001")
    monkeypatch.setattr(registered, "REFRESH_S", 60.0)

    async def first(book: DeviceBook) -> None:
        learn(book, "C001", ELDES)

    async def second(book: DeviceBook) -> None:
        assert known(book, "C001") == ELDES

    following(urls, keyring, first, second)


def test_nothing_is_written_where_nothing_that_lasts_is_new(
    urls: Urls, connection: Connection, keyring: Keyring
) -> None:
    take(connection, keyring, "C001", "C002")

    async def body(book: DeviceBook) -> None:
        learn(book, "C001", ELDES)
        await until(lambda: len(rows(connection)) == 1)
        before = rows(connection)
        for number in range(20):
            learn(book, "C001", Learnt(("eldes",), 1, asked=number, trial=number))
            learn(book, "C002", Learnt(trial=number))
            learn(book, "C002", NOTHING)
        assert not book._memory.is_waiting
        learn(book, "C002", LOCAL)  # written after whatever would have been written by now
        await until(lambda: len(rows(connection)) == 2)
        assert rows(connection)[0] == before[0]

    following(urls, keyring, body)


def test_what_is_no_longer_so_is_forgotten_in_the_tables_too(
    urls: Urls, connection: Connection, keyring: Keyring
) -> None:
    take(connection, keyring, "C001", "C002")

    async def first(book: DeviceBook) -> None:
        learn(book, "C001", LOCAL)
        learn(book, "C002", Learnt(("eldes",), 1, timedelta(hours=-3), NOW))
        await until(lambda: len(rows(connection)) == 2)
        learn(book, "C001", NOTHING)
        learn(book, "C002", ELDES)
        await until(lambda: [row[0::4] for row in rows(connection)] == [("C002", None)])
        await until(lambda: len(book._memory) == 1)

    async def second(book: DeviceBook) -> None:
        assert [known(book, one) for one in ("C001", "C002")] == [NOTHING, ELDES]

    following(urls, keyring, first, second)


def tell(connection: Connection) -> None:
    connection.execute(f"NOTIFY {CHANNEL}".encode())
    connection.commit()


def say_forgotten(connection: Connection, account: str) -> None:
    [device] = connection.execute(
        "SELECT id FROM ref.device WHERE account = %s", (account,)
    ).fetchone()
    forget(connection, device)
    tell(connection)


@pytest.mark.parametrize(
    "change",
    [
        {"key": "b" * 16, "key_form": "ascii"},
        {"dialect": "standard"},
        {"dialect": ""},
        None,
    ],
    ids=["key", "dialect", "no dialect", "button"],
)
def test_another_panel_is_learnt_anew(
    urls: Urls, connection: Connection, keyring: Keyring, change: dict[str, str] | None
) -> None:
    """Also by the process that runs, which must not write back what it knew."""
    take(connection, keyring, "C001", "C002", "C003", dialect="eldes", **KEY)
    other = Learnt(("hex_sequence",))

    async def first(book: DeviceBook) -> None:
        learn(book, "C001", ELDES)
        learn(book, "C002", ELDES)
        await until(lambda: len(rows(connection)) == 2)
        before = book.find("dc09", "C001")
        if change is None:
            await asyncio.to_thread(say_forgotten, connection, "C001")
        else:
            await asyncio.to_thread(take, connection, keyring, "C001", **change)
        await until(lambda: known(book, "C001") == NOTHING)
        book.learn(before, LOCAL)  # by a frame that was in hand meanwhile
        assert known(book, "C001") == NOTHING
        assert known(book, "C002") == ELDES
        learn(book, "C001", other)
        book.learn(before, LOCAL)
        assert known(book, "C001") == other
        await until(lambda: rows(connection)[0][2] == "hex_sequence")

    async def second(book: DeviceBook) -> None:
        assert [known(book, one) for one in ("C001", "C002")] == [other, ELDES]

    following(urls, keyring, first, second)


def test_what_is_still_to_be_written_does_not_outlive_the_panel(
    urls: Urls, connection: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(connection, keyring, "C001")
    monkeypatch.setattr(registered, "REFRESH_S", 60.0)

    async def first(book: DeviceBook) -> None:
        learn(book, "C001", ELDES)
        [device] = connection.execute("SELECT id FROM ref.device").fetchone()
        forget(connection, device)  # and this process does not hear of it before it ends
        connection.commit()

    async def second(book: DeviceBook) -> None:
        assert len(rows(connection)) == 1
        assert len(book._memory) == 0
        assert known(book, "C001") == NOTHING

    following(urls, keyring, first, second)


def test_what_was_learnt_of_an_earlier_panel_replaces_nothing(
    urls: Urls, connection: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a process that has not heard yet that it is another panel."""
    take(connection, keyring, "C001")
    monkeypatch.setattr(registered, "REFRESH_S", 60.0)
    other = Learnt(("hex_sequence",))

    async def behind(book: DeviceBook) -> None:
        learn(book, "C001", ELDES)
        [device] = connection.execute("SELECT id FROM ref.device").fetchone()
        forget(connection, device)
        connection.commit()
        later = DeviceBook()
        await later.start(urls.application, keyring)
        learn(later, "C001", other)
        await later.stop()
        assert rows(connection)[0][2] == "hex_sequence"

    async def next_one(book: DeviceBook) -> None:
        assert known(book, "C001") == other

    following(urls, keyring, behind, next_one)


def test_a_change_of_anything_else_forgets_nothing(
    urls: Urls, connection: Connection, keyring: Keyring
) -> None:
    take(connection, keyring, "C001", "C002", "C003", **KEY)

    async def first(book: DeviceBook) -> None:
        learn(book, "C001", ELDES)
        before = book.find("dc09", "C001")
        same = {**KEY, "interval_s": "60", "name_en": "New"}
        await asyncio.to_thread(take, connection, keyring, "C001", **same)
        await until(lambda: book.find("dc09", "C001").interval_s == 60)
        assert before.interval_s is None
        assert known(book, "C001") == ELDES

    async def second(book: DeviceBook) -> None:
        assert known(book, "C001") == ELDES

    following(urls, keyring, first, second)


def test_memory_is_no_larger_than_the_register(
    urls: Urls, connection: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [f"C{number:03d}" for number in range(30)]
    take(connection, keyring, *accounts)
    monkeypatch.setattr(registered, "WHOLE_EVERY_S", 0.0)

    async def body(book: DeviceBook) -> None:
        for one in accounts:
            learn(book, one, ELDES)
        assert len(book._memory) == 30
        connection.execute("DELETE FROM ref.device WHERE account > 'C004'")
        connection.commit()
        await until(lambda: len(book._memory) == 5)
        await until(lambda: len(rows(connection)) == 5)

    following(urls, keyring, body)


def test_so_many_are_written_at_once_and_the_others_wait(
    urls: Urls, connection: Connection, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [f"C{number:03d}" for number in range(9)]
    take(connection, keyring, *accounts)
    monkeypatch.setattr(learning, "WRITTEN_MAX", 4)
    transactions = "SELECT count(DISTINCT xmin::text) FROM ref.learnt"

    async def body(book: DeviceBook) -> None:
        for one in accounts:
            learn(book, one, ELDES)
        await until(lambda: len(rows(connection)) == 9)
        assert connection.execute(transactions).fetchone() == (3,)
        connection.rollback()

    following(urls, keyring, body)


def test_two_processes_learn_of_one_device(
    urls: Urls, connection: Connection, keyring: Keyring
) -> None:
    take(connection, keyring, "C001")

    async def both(one: DeviceBook) -> None:
        two = DeviceBook()
        await two.start(urls.application, keyring)
        try:
            learn(one, "C001", Learnt(("eldes",)))
            await until(lambda: len(rows(connection)) == 1)
            learn(two, "C001", Learnt(("empty_line",), turn=1))
            await until(lambda: rows(connection)[0][2:4] == ("eldes;empty_line", 1))
        finally:
            await two.stop()

    async def later(book: DeviceBook) -> None:
        assert known(book, "C001") == Learnt(("eldes", "empty_line"), 1)

    following(urls, keyring, both, later)


def test_what_cannot_be_written_now_is_written_later(
    urls: Urls,
    connection: Connection,
    owner: Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And the register is followed meanwhile."""
    take(connection, keyring, "C001")
    monkeypatch.setattr(learning, "WRITE_S_MAX", 0.05)

    async def body(book: DeviceBook) -> None:
        owner.execute("LOCK TABLE ref.learnt IN EXCLUSIVE MODE")
        learn(book, "C001", ELDES)
        await until(lambda: "what was learnt cannot be written" in caplog.text)
        await asyncio.to_thread(take, connection, keyring, "C002")
        await until(lambda: book.find("dc09", "C002") is not None)
        learn(book, "C002", LOCAL)
        owner.rollback()
        await until(lambda: [row[0] for row in rows(connection)] == ["C001", "C002"])

    following(urls, keyring, body)


def test_what_is_forgotten_while_it_is_written_in_vain_is_forgotten_in_the_tables_too(
    urls: Urls, connection: Connection, keyring: Keyring
) -> None:
    take(connection, keyring, "1234")
    (device,) = connection.execute("SELECT id FROM ref.device").fetchone() or (None,)
    assert device is not None
    connection.commit()

    async def run() -> None:
        memory = Memory()
        memory.put("dc09 1234", device, 0, LOCAL)
        database = await connect_async(urls.application, name="test")
        await memory.write(database)
        memory.put("dc09 1234", device, 0, Learnt(trial=object()))
        assert memory.is_waiting
        writing = asyncio.create_task(memory.write(database))
        await asyncio.sleep(0)
        memory.put("dc09 1234", device, 0, NOTHING)
        database.terminate()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await writing
        database = await connect_async(urls.application, name="test")
        await memory.write(database)
        assert not memory.is_waiting
        assert len(memory) == 0
        database.terminate()
        await asyncio.sleep(0)

    asyncio.run(run())
    assert rows(connection) == []
