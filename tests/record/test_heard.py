"""What is heard: on disk before `keep` returns, sealed, repeats linked."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tocsin.core.signals import SignalRead
from tocsin.record import heard as module
from tocsin.record.database import Connection, Urls
from tocsin.record.figures import counters, lag
from tocsin.record.heard import Heard, HeardLog, NotKept
from tocsin.record.ids import time_of
from tocsin.record.keys import Keyring
from tocsin.record.views import get_row, list_rows

READ = SignalRead(protocol="dc09", token="SIA-DCS", account="1234", code="FA", zone="7")


def message(**fields: object) -> Heard:
    values: dict[str, object] = {
        "received_at": datetime.now(UTC),
        "intake": "dc09.tcp",
        "protocol": "dc09",
        "source": "192.0.2.7",
        "body": b"\n0000 frame \x00 bytes\r",
        "answer": "ack",
        "district": "huangpu",
        "agency": "fire",
        "signals": (READ,),
    }
    return Heard(**(values | fields))  # type: ignore[arg-type]


def with_log(
    urls: Urls, keyring: Keyring, run: Callable[[HeardLog], Awaitable[None]], **options: int
) -> None:
    async def main() -> None:
        log = HeardLog(name=os.urandom(4).hex(), **options)
        await log.start(urls, keyring)
        async with asyncio.timeout(10):
            await log.connected()
        try:
            await run(log)
        finally:
            await log.stop()

    asyncio.run(main())


def test_a_message_is_on_disk_when_keep_returns(
    urls: Urls, keyring: Keyring, connection: Connection, administrator: Connection
) -> None:
    async def run(log: HeardLog) -> None:
        sent = message(signals=(READ, READ))
        kept = await log.keep(sent)
        row = connection.execute(
            "SELECT id, received_at, body FROM heard.message WHERE id = %s", (kept.id,)
        ).fetchone()
        assert row is not None
        assert row[1] == sent.received_at
        assert abs(time_of(kept.id) - sent.received_at) < timedelta(milliseconds=1)
        assert sent.body not in row[2]
        partition = administrator.execute(
            "SELECT tableoid::regclass::text FROM heard.message WHERE id = %s", (kept.id,)
        ).fetchone()
        assert partition == (f"heard.message_{sent.received_at:%Y%m%d}",)
        signals = connection.execute(
            "SELECT id FROM heard.signal WHERE message = %s ORDER BY id = message DESC", (kept.id,)
        ).fetchall()
        assert len(signals) == 2
        assert signals[0] == (kept.id,)
        assert all(is_pending(connection, signal) for (signal,) in signals)

    with_log(urls, keyring, run)


def test_what_was_heard_is_given_back_to_who_has_the_keys(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    async def run(log: HeardLog) -> None:
        secret = "Zhang San, 3rd floor"
        read = SignalRead(protocol="dc09", token="SIA-DCS", account="1234", code="FA", text=secret)
        kept = await log.keep(message(body=b"a frame with " + secret.encode(), signals=(read,)))
        blind = get_row(connection, "signals", kept.id)
        assert blind is not None
        assert blind["text"] == ""
        assert "raw" not in blind
        row = get_row(connection, "signals", kept.id, keyring=keyring, raw=True)
        assert row is not None
        assert row["text"] == secret
        assert row["raw"] == "YSBmcmFtZSB3aXRoIFpoYW5nIFNhbiwgM3JkIGZsb29y"
        assert (row["account"], row["code"], row["assurance"]) == ("1234", "FA", "none")
        assert (row["effect"], row["verdict"], row["text_en"]) == ("alarm", None, "Fire alarm")
        for (stored,) in connection.execute("SELECT s::text FROM heard.signal s"):
            assert secret.encode().hex() not in stored

    with_log(urls, keyring, run)


def test_a_stream_of_messages_goes_in_few_commits(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    async def run(log: HeardLog) -> None:
        kept = await asyncio.gather(*(log.keep(message()) for _ in range(500)))
        assert len({one.id for one in kept}) == 500
        ids = [one.id for one in kept]
        commits = connection.execute(
            "SELECT count(DISTINCT xmin::text), count(*) FROM heard.message WHERE id = ANY(%s)",
            (ids,),
        ).fetchone()
        assert commits is not None
        assert commits[1] == 500
        assert commits[0] <= 5

    with_log(urls, keyring, run)


# -- repeats ------------------------------------------------------------------------------------


def repeat_of(connection: Connection, signal: UUID) -> UUID | None:
    row = connection.execute(
        "SELECT repeat_of FROM heard.signal WHERE id = %s", (signal,)
    ).fetchone()
    connection.rollback()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]


def is_pending(connection: Connection, signal: UUID) -> bool:
    row = connection.execute(
        "SELECT FROM heard.pending WHERE signal = %(signal)s"
        " UNION ALL SELECT FROM heard.arrived WHERE %(signal)s = ANY(signals)",
        {"signal": signal},
    ).fetchone()
    connection.rollback()
    return row is not None


def test_a_repeat_is_stored_and_linked_and_not_decided_on(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    async def run(log: HeardLog) -> None:
        now = datetime.now(UTC)
        key = uuid4().bytes
        first = await log.keep(message(received_at=now, repeat_key=key))
        second = await log.keep(message(received_at=now + timedelta(minutes=2), repeat_key=key))
        other = await log.keep(message(received_at=now, repeat_key=uuid4().bytes))
        later = await log.keep(
            message(received_at=now + timedelta(minutes=3, seconds=1), repeat_key=key)
        )
        assert (first.repeat_of, second.repeat_of) == (None, first.id)
        assert (other.repeat_of, later.repeat_of) == (None, None)
        assert repeat_of(connection, second.id) == first.id
        assert [is_pending(connection, one.id) for one in (first, second, other, later)] == [
            *(True, False, True, True)
        ]

    with_log(urls, keyring, run)


def test_repeats_in_one_batch_are_found_too(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    async def run(log: HeardLog) -> None:
        key = uuid4().bytes
        kept = await asyncio.gather(*(log.keep(message(repeat_key=key)) for _ in range(20)))
        assert [one.repeat_of for one in kept].count(None) == 1

    with_log(urls, keyring, run)


def test_a_clock_that_was_set_back_makes_nothing_a_repeat(urls: Urls, keyring: Keyring) -> None:
    """In doubt it alarms: an hour lies between the two, whichever way the clock went."""

    async def run(log: HeardLog) -> None:
        now, key = datetime.now(UTC), uuid4().bytes
        await log.keep(message(received_at=now, repeat_key=key))
        back = await log.keep(message(received_at=now - timedelta(hours=1), repeat_key=key))
        assert back.repeat_of is None
        again = await log.keep(message(received_at=now - timedelta(minutes=59), repeat_key=key))
        assert again.repeat_of == back.id

    with_log(urls, keyring, run)


def test_repeats_of_a_storm_are_bounded_and_forgetting_is_counted(
    urls: Urls, keyring: Keyring, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPEATS_MAX", 3)
    key = "heard.repeat_forgotten_early"

    async def run(log: HeardLog) -> None:
        log._repeats.clear()
        log._repeats_in_order.clear()
        keys = [uuid4().bytes for _ in range(5)]
        for one in keys:
            await log.keep(message(repeat_key=one))
        assert (len(log._repeats), len(log._repeats_in_order)) == (3, 3)
        assert log._counters.get(key, 0) + counters(connection).get(key, 0) == before + 2
        # The newest are still told, the oldest are news.
        told = [(await log.keep(message(repeat_key=one))).repeat_of for one in (keys[4], keys[0])]
        assert [one is None for one in told] == [False, True]

    before = counters(connection).get(key, 0)
    connection.rollback()
    with_log(urls, keyring, run)


def test_repeats_older_than_their_window_are_forgotten_by_themselves(
    urls: Urls, keyring: Keyring
) -> None:
    async def run(log: HeardLog) -> None:
        log._repeats.clear()
        log._repeats_in_order.clear()
        now, first = datetime.now(UTC), uuid4().bytes
        for minutes, key in ((0, first), (1, uuid4().bytes), (4, first), (5, uuid4().bytes)):
            at = now + timedelta(minutes=minutes)
            await log.keep(message(received_at=at, repeat_key=key))
        assert len(log._repeats) == 2
        again = await log.keep(
            message(received_at=now + timedelta(minutes=6, seconds=59), repeat_key=first)
        )
        assert again.repeat_of is not None

    with_log(urls, keyring, run)


def test_repeats_are_found_across_a_restart(urls: Urls, keyring: Keyring) -> None:
    key = uuid4().bytes
    ids: list[UUID] = []

    async def run(log: HeardLog) -> None:
        kept = await log.keep(message(repeat_key=key, signals=(READ, READ)))
        ids.append(kept.id)
        if len(ids) == 2:
            assert kept.repeat_of == ids[0]

    with_log(urls, keyring, run)
    with_log(urls, keyring, run)
    assert len(ids) == 2


def test_a_message_whose_commit_was_lost_is_a_repeat_when_it_comes_again(
    urls: Urls, keyring: Keyring, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit happens, its answer does not arrive; the panel tries again: one decision."""

    async def run(log: HeardLog) -> None:
        key = uuid4().bytes
        commit = log._commit

        async def lose(write: object, taken: list[module.Waiting]) -> None:
            quiet: list[module.Waiting] = [(one, lambda _: None) for one, _ in taken]
            await commit(write, quiet)
            raise ConnectionResetError

        monkeypatch.setattr(log, "_commit", lose)
        with pytest.raises(NotKept):
            await log.keep(message(repeat_key=key))
        monkeypatch.setattr(log, "_commit", commit)
        async with asyncio.timeout(10):
            await log.connected()
        again = await log.keep(message(repeat_key=key))
        assert again.repeat_of is not None
        assert is_pending(connection, again.repeat_of)
        assert not is_pending(connection, again.id)

    with_log(urls, keyring, run)


# -- what goes wrong ----------------------------------------------------------------------------


def test_a_callers_mistake_ends_nothing_for_the_others(
    urls: Urls, keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(log: HeardLog) -> None:
        def mistaken(_: module.Kept | None) -> None:
            raise ZeroDivisionError

        log.hand_in(message(), mistaken)
        assert (await log.keep(message())).id
        assert log.is_connected

    with_log(urls, keyring, run)
    assert "what follows a commit failed" in caplog.text


def test_nothing_is_kept_while_the_database_is_away_and_it_resumes(
    urls: Urls, keyring: Keyring, administrator: Connection
) -> None:
    async def run(log: HeardLog) -> None:
        await log.keep(message())
        administrator.execute("ALTER ROLE tocsin_app CONNECTION LIMIT 0")
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'tocsin heard %'"
        )
        try:
            async with asyncio.timeout(5):
                while log.is_connected:  # noqa: ASYNC110 - the log tells nobody of this
                    await asyncio.sleep(0)
            with pytest.raises(NotKept):
                log.keep(message()).send(None)  # at once, without a turn of the loop
        finally:
            administrator.execute("ALTER ROLE tocsin_app CONNECTION LIMIT -1")
        async with asyncio.timeout(10):
            await log.connected()
        await log.keep(message())
        assert log.not_kept >= 1

    with_log(urls, keyring, run)


def test_the_queue_is_bounded_and_the_excess_is_counted(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    async def run(log: HeardLog) -> None:
        before = counters(connection).get("heard.queue_full", 0)
        answers = await asyncio.gather(
            *(log.keep(message()) for _ in range(60)), return_exceptions=True
        )
        turned_away = [one for one in answers if isinstance(one, NotKept)]
        assert len(turned_away) == 10
        counted.append(before + 10)

    counted: list[int] = []
    with_log(urls, keyring, run, queue_max=50)  # stopping writes what is not written yet
    connection.rollback()
    assert [counters(connection)["heard.queue_full"]] == counted


def test_one_unstorable_message_does_not_cost_the_others(urls: Urls, keyring: Keyring) -> None:
    async def run(log: HeardLog) -> None:
        surrogate = SignalRead(protocol="dc09", token="\ud800", account="1234")
        answers = await asyncio.gather(
            log.keep(message()),
            log.keep(message(source="nul \0 in an address")),
            log.keep(message(signals=(surrogate,))),
            log.keep(message()),
            return_exceptions=True,
        )
        assert [isinstance(one, NotKept) for one in answers] == [False, True, True, False]
        assert log.is_connected

    with_log(urls, keyring, run)


def test_what_could_not_be_understood_is_listed_and_not_decided_on(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    async def run(log: HeardLog) -> None:
        kept = await log.keep(message(signals=(), problem="wrong_key", answer=""))
        assert not is_pending(connection, kept.id)
        found = list_rows(connection, "signals", filters={"problem": True})["items"]
        assert [one["problem"] for one in found if one["id"] == str(kept.id)] == ["wrong_key"]

    with_log(urls, keyring, run)


def test_a_message_without_a_partition_of_its_day_is_kept(urls: Urls, keyring: Keyring) -> None:
    async def run(log: HeardLog) -> None:
        await log.keep(message(received_at=datetime(2031, 1, 1, tzinfo=UTC)))

    with_log(urls, keyring, run)


def test_the_last_sighting_of_a_device_and_its_polls_are_noted(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    device = uuid4()
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)

    async def run(log: HeardLog) -> None:
        await log.keep(message(device=device, received_at=at))
        log.seen(device, at + timedelta(seconds=1))
        log.seen(device, at + timedelta(seconds=2))

    with_log(urls, keyring, run)  # stopping writes what is not written yet
    row = connection.execute(
        "SELECT last_seen_at, polls FROM ref.seen WHERE device = %s", (device,)
    ).fetchone()
    assert row == (at + timedelta(seconds=2), 2)


def test_no_poll_is_answered_once_one_has_waited_too_long_to_be_written(
    urls: Urls,
    keyring: Keyring,
    connection: Connection,
    administrator: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POLL_UNWRITTEN_S_MAX", 0.2)
    monkeypatch.setattr(module, "SEEN_EVERY_S", 0.05)
    device = uuid4()
    taken = 0

    async def poll_until_refused(log: HeardLog) -> None:
        nonlocal taken
        for _ in range(500):
            log.seen(device, datetime.now(UTC))
            taken += 1
            await asyncio.sleep(0.01)

    async def run(log: HeardLog) -> None:
        administrator.execute("BEGIN; LOCK TABLE ref.seen")  # the database hangs, and says nothing
        with pytest.raises(NotKept, match="wait to be written"):
            await poll_until_refused(log)
        assert log.is_connected
        administrator.rollback()

    with_log(urls, keyring, run)  # stopping writes what is not written yet
    row = connection.execute("SELECT polls FROM ref.seen WHERE device = %s", (device,)).fetchone()
    assert row == (taken,)
    assert taken > 2


def test_lag_says_how_long_the_oldest_waits(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    async def run(log: HeardLog) -> None:
        before = lag(connection)["signals_waiting"]
        await log.keep(message(received_at=datetime.now(UTC) - timedelta(days=2)))
        connection.rollback()
        figures = lag(connection)
        assert figures["signals_waiting"] == before + 1
        assert figures["oldest_s"] > 86_400

    with_log(urls, keyring, run)
