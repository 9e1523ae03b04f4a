"""How ways in fare that Tocsin goes to itself: written when it changes, else once a minute, also
after the database was away; and what of an address may be shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from tocsin.record.database import Connection, Urls, connect
from tocsin.record.fetching import (
    NOTED_EVERY_S,
    Fetching,
    Way,
    address_of_host,
    address_of_url,
    fetched,
    write,
)
from tocsin.record.heard import HeardLog
from tocsin.record.keys import Keyring

COUNTY, MILL = Way("county", "https://a.example", True), Way("mill", "b.example:8883", True)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def empty(owner: Connection) -> None:
    owner.execute("TRUNCATE ref.fetched")
    owner.commit()


def written(urls: Urls, one: Fetching) -> None:
    async def main() -> None:
        connection = await asyncpg.connect(urls.application)
        try:
            taken = one.take()
            assert taken is not None
            await write(connection, taken)
        finally:
            await connection.close()

    asyncio.run(main())


def row(connection: Connection, name: str) -> dict[str, Any]:
    [found] = [one for one in fetched(connection) if one["name"] == name]
    return found


def test_it_is_written_when_it_changes_and_once_a_minute(urls: Urls) -> None:
    clock = Clock()
    one = Fetching(clock)
    assert not one.is_due  # an installation that goes nowhere writes nothing
    clock.now += NOTED_EVERY_S
    assert one.take() is None
    one.begin("cap", [COUNTY])
    written(urls, one)
    one.good("cap", "county")
    written(urls, one)
    for _ in range(100):
        one.good("cap", "county")  # as each poll says
        clock.now += NOTED_EVERY_S / 101
        assert one.take() is None
    clock.now += 1
    written(urls, one)
    one.failing("cap", "county", "feed_refused")
    written(urls, one)
    one.failing("cap", "county", "feed_refused")
    assert not one.is_due
    one.failing("cap", "county", "feed_too_slow")
    assert one.is_due


def test_what_is_open_is_good_until_it_is_not(urls: Urls, connection: Connection) -> None:
    clock = Clock()
    one = Fetching(clock)
    one.begin("mqtt", [MILL])
    one.good("mqtt", "mill", lasts=True)
    written(urls, one)
    first = row(connection, "mill")["good_at"]
    clock.now += NOTED_EVERY_S
    written(urls, one)
    second = row(connection, "mill")["good_at"]
    assert second > first
    one.failing("mqtt", "mill", "broker_lost")
    written(urls, one)
    last = row(connection, "mill")
    assert second <= last["good_at"] == last["failing_since"]


def test_since_when_it_fails_is_since_it_was_good_last(urls: Urls, connection: Connection) -> None:
    one = Fetching(Clock())
    one.begin("cap", [COUNTY])
    one.failing("cap", "county", "feed_refused")
    written(urls, one)
    first = row(connection, "county")["failing_since"]
    one.good("cap", "county")  # and fails again before that was written
    one.failing("cap", "county", "feed_refused")
    written(urls, one)
    assert row(connection, "county")["failing_since"] > first
    again = Fetching(Clock())  # a process later
    again.begin("cap", [COUNTY])
    before = row(connection, "county")
    written(urls, again)  # not tried yet: what failed last is failing
    assert row(connection, "county") | {"noted_at": None} == before | {"noted_at": None}
    again.failing("cap", "county", "feed_too_slow")
    written(urls, again)
    after = row(connection, "county")
    assert after["failing_since"] == before["failing_since"]
    assert after["good_at"] == before["good_at"]
    assert after["problem"] == "feed_too_slow"


def test_one_intake_begins_anew_and_the_other_stays(urls: Urls, connection: Connection) -> None:
    one = Fetching(Clock())
    one.begin("cap", [COUNTY])
    one.begin("mqtt", [MILL])
    one.good("cap", "county")
    written(urls, one)
    one.begin("cap", [COUNTY])  # its intake failed and is started again
    written(urls, one)
    assert row(connection, "county")["state"] == "good"
    one.begin("cap", ())
    written(urls, one)
    assert [found["name"] for found in fetched(connection)] == ["mill"]


def test_what_could_not_be_written_is_written_later(
    urls: Urls, keyring: Keyring, connection: Connection, administrator: Connection
) -> None:
    """The database breaks off the commit that had it."""
    stuck = "FROM pg_stat_activity WHERE application_name = 'tocsin heard broken'"
    stuck += " AND wait_event_type = 'Lock'"

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 - the server is asked
                await asyncio.sleep(0.02)

    def ended() -> bool:
        statement = f"SELECT pg_terminate_backend(pid) {stuck}"
        return administrator.execute(statement.encode()).rowcount == 1

    async def main() -> None:
        heard = HeardLog(name="broken")
        await heard.start(urls, keyring)
        await heard.connected()
        with connect(urls.owner) as holding:
            holding.execute("LOCK TABLE ref.fetched IN SHARE ROW EXCLUSIVE MODE")
            heard.fetching.begin("cap", [COUNTY])
            heard.fetching.good("cap", "county")
            await until(ended)
        await until(lambda: bool(fetched(connection)))
        await heard.stop()

    asyncio.run(main())
    assert row(connection, "county")["state"] == "good"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/feed?key=secret#secret", "https://a.example"),
        ("HTTPS://A.example:443/secret/feed", "https://a.example"),
        ("http://user:secret@a.example:8080/feed", "http://a.example:8080"),
        ("https://[2001:db8::1]/feed", "https://[2001:db8::1]"),
        ("https://[2001:db8::1]:9/feed", "https://[2001:db8::1]:9"),
        ("https://a.example:port/secret", ""),
        ("https://[secret/feed", ""),
    ],
)
def test_what_of_an_address_is_shown(url: str, shown: str) -> None:
    assert address_of_url(url) == shown


def test_what_of_a_brokers_address_is_shown() -> None:
    assert address_of_host("b.example", 8883) == "b.example:8883"
    assert address_of_host("2001:db8::1", 8883) == "[2001:db8::1]:8883"
    assert address_of_host("user:secret@b.example", 1883) == "b.example:1883"
    assert address_of_host("a\0b", 1883) == "ab:1883"  # PostgreSQL would take no row of it
    assert address_of_url("http://a\0b/feed") == "http://ab"
    assert len(address_of_host("x" * 1_000, 65_535)) < 300
    assert len(address_of_url(f"https://{'x' * 1_000}/feed")) == 300
