"""What a client leaves open is ended by the server, and its locks are free."""

import asyncio
import time
from collections.abc import Callable

import psycopg
import pytest

from tocsin.record.database import (
    BY_HAND,
    REQUEST,
    TURN,
    Connection,
    DatabaseAway,
    Limits,
    Urls,
    connect,
    connect_async,
    is_away,
    pool,
)

KEY = 4_711
SETTINGS = ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")


def nothing_more(_: Connection) -> None:
    time.sleep(1.3)


def one_long_statement(connection: Connection) -> None:
    connection.execute("SELECT pg_sleep(20)")


def always_more(connection: Connection) -> None:
    began = time.monotonic()
    while time.monotonic() - began < 10:
        connection.execute("SELECT pg_sleep(0.05)")


@pytest.mark.parametrize(
    ("limits", "leaves"),
    [
        (Limits(60, 1, 60), nothing_more),
        (Limits(1, 60, 60), one_long_statement),
        (Limits(60, 60, 1), one_long_statement),
        (Limits(60, 60, 1), always_more),
    ],
)
def test_a_transaction_left_open_is_ended_and_its_locks_are_free(
    urls: Urls, limits: Limits, leaves: Callable[[Connection], None]
) -> None:
    left = connect(urls.application, limits=limits)
    left.execute("SELECT pg_advisory_xact_lock(%s)", (KEY,))
    with pytest.raises(psycopg.Error) as caught:  # noqa: PT012  where it is noticed may differ
        leaves(left)
        left.execute("SELECT 1")
    assert is_away(caught.value), "nothing is known against what was asked"
    with connect(urls.application) as other:
        if left.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            left.rollback()  # the statement alone was ended: whoever asked still answers
        got = other.execute("SELECT pg_try_advisory_xact_lock(%s)", (KEY,)).fetchone()
    assert got == (True,)
    left.close()


def limits_of(connection: Connection) -> list[str]:
    rows = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in SETTINGS]
    return [row[0] for row in rows if row is not None]


def test_each_use_has_its_limits(urls: Urls) -> None:
    with connect(urls.application, limits=TURN) as connection:
        assert limits_of(connection) == ["30s", "30s", "1min"]
    with connect(urls.owner, limits=BY_HAND) as connection, connect(urls.owner) as usual:
        assert limits_of(connection) == limits_of(usual) == ["0", "10min", "0"]
    with pool(urls.application, size=1) as opened, opened.connection() as connection:
        assert limits_of(connection) == ["1min", "1min", "5min"]
    assert REQUEST.transaction_s == 300


def test_what_is_asked_without_blocking_is_limited_too(urls: Urls) -> None:
    async def shown() -> list[str]:
        connection = await connect_async(urls.application)
        try:
            return [str(await connection.fetchval(f"SHOW {name}")) for name in SETTINGS[:2]]
        finally:
            await connection.close()

    assert asyncio.run(shown()) == ["1min", "1min"]


def test_each_answer_of_the_server_is_told_and_no_wait(urls: Urls) -> None:
    told: list[float] = []
    with connect(urls.application, answered=lambda: told.append(time.monotonic())) as connection:
        told.clear()
        began = time.monotonic()
        connection.execute("SELECT pg_sleep(0.4)")
        assert told
        assert min(told) - began >= 0.2 or told[-1] - began >= 0.4
        gaps = [later - before for before, later in zip([began, *told], told, strict=False)]
        assert max(gaps) >= 0.35


def test_a_server_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(DatabaseAway):
        connect("postgresql://tocsin_app@/tocsin?host=/nowhere", limits=TURN)
