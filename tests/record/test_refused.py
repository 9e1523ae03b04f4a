"""What was refused, on record: sealed, bounded for each way in and sender, gone after an hour."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from tocsin.record.database import Connection, Urls
from tocsin.record.keys import Keyring
from tocsin.record.refused import (
    KEPT_FOR,
    KEPT_MAX,
    KEPT_OF_SENDER_MAX,
    Refusal,
    Waiting,
    forget,
    refused,
    write,
)
from tocsin.record.sealing import DayKeys

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def empty(owner: Connection) -> None:
    owner.execute("TRUNCATE heard.refused")
    owner.commit()


def keep(urls: Urls, keyring: Keyring, refusals: list[Refusal], intake: str = "dc09") -> None:
    waiting = Waiting()
    waiting.add(DayKeys(keyring), intake, refusals, "north", "fire")

    async def written() -> None:
        connection = await asyncpg.connect(urls.application)
        try:
            await write(connection, waiting.take(), NOW)
        finally:
            await connection.close()

    asyncio.run(written())


def some(number: int, address: str = "", *, ago_s: float = 1.0) -> list[Refusal]:
    return [
        Refusal(
            NOW - timedelta(seconds=ago_s, microseconds=-place),
            address or f"192.0.2.{place % 250}",
            "bad_crc",
            b"%d secret" % place,
            90,
        )
        for place in range(number)
    ]


def test_it_is_sealed_and_opens_with_the_key_of_its_day(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    keep(urls, keyring, some(1))
    [one] = refused(connection, keyring, NOW - KEPT_FOR, NOW)
    assert (one["raw"], one["size"], one["is_full"]) == (b"0 secret", 90, False)
    row = connection.execute("SELECT r::text FROM heard.refused r").fetchone()
    assert b"secret".hex() not in repr(row)
    assert "secret" not in repr(row)
    keyring.directory.joinpath("heard", f"{keyring.epoch(NOW)}.key").unlink()
    [one] = refused(connection, keyring, NOW - KEPT_FOR, NOW)
    assert one["raw"] is None


def test_it_is_gone_after_an_hour(urls: Urls, keyring: Keyring, connection: Connection) -> None:
    keep(urls, keyring, some(2))
    since, later = NOW - KEPT_FOR * 2, NOW + KEPT_FOR
    assert len(refused(connection, keyring, since, NOW)) == 2
    assert refused(connection, keyring, since, later) == []  # also before anybody has tidied up
    connection.rollback()
    assert forget(connection, NOW) == 0
    assert forget(connection, later) == 2
    assert connection.execute("SELECT count(*) FROM heard.refused").fetchone() == (0,)


def test_a_way_in_keeps_its_newest_and_no_sender_has_them_all(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    keep(urls, keyring, some(3), "sos_access")
    keep(urls, keyring, some(KEPT_MAX - 1))
    shown = refused(connection, keyring, NOW - KEPT_FOR, NOW)
    assert not any(one["is_full"] for one in shown)
    keep(urls, keyring, some(10, "198.51.100.1", ago_s=0.5))
    shown = refused(connection, keyring, NOW - KEPT_FOR, NOW)
    assert len([one for one in shown if one["intake"] == "dc09"]) == KEPT_MAX
    assert {one["is_full"] for one in shown if one["intake"] == "dc09"} == {True}
    assert [one["source_address"] for one in shown[:10]] == ["198.51.100.1"] * 10
    assert {one["is_full"] for one in shown if one["intake"] == "sos_access"} == {False}
    connection.rollback()
    keep(urls, keyring, some(KEPT_MAX, "203.0.113.9", ago_s=0.1))
    shown = refused(connection, keyring, NOW - KEPT_FOR, NOW)
    of_one = [one for one in shown if one["source_address"] == "203.0.113.9"]
    assert len(of_one) == KEPT_OF_SENDER_MAX
    assert of_one[0]["raw"] == b"%d secret" % (KEPT_MAX - 1)


def test_what_could_not_be_written_waits_within_its_bound(keyring: Keyring) -> None:
    waiting, keys = Waiting(), DayKeys(keyring)
    waiting.add(keys, "dc09", some(KEPT_MAX), "north", "fire")
    taken = waiting.take()
    assert not waiting
    waiting.add(keys, "dc09", some(1, "198.51.100.1"), "north", "fire")
    waiting.put_back(taken)
    rows = waiting.take()["dc09"]
    assert isinstance(rows, deque)
    assert len(rows) == KEPT_MAX
    assert rows[-1][3] == "198.51.100.1"
