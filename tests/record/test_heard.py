"""What is heard: on disk before `keep` returns, sealed, in the lane of its sender."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from arriving import READ, message

from tocsin.core.signals import SignalRead
from tocsin.record import floods as floods_module
from tocsin.record import heard as module
from tocsin.record.arrivals import Sorter
from tocsin.record.database import Connection, Urls
from tocsin.record.figures import counters
from tocsin.record.floods import CALM_MAX, Floods, Lane
from tocsin.record.heard import HeardLog, NotKept
from tocsin.record.heard_rows import SIGNALS_MAX, Heard, unpack
from tocsin.record.keys import Keyring
from tocsin.record.sealing import DayKeys


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


Kept = list[tuple[int, UUID, tuple[Heard, ...]]]


def kept(connection: Connection, keyring: Keyring) -> Kept:
    """Lane, commit and messages of everything that waits to be sorted in, oldest commit first."""
    rows = connection.execute("SELECT lane, id, body FROM heard.arrived ORDER BY id, lane")
    keys = DayKeys(keyring)
    found = [(lane, commit, unpack(keys, commit, body)) for lane, commit, body in rows]
    connection.rollback()
    return found


@pytest.fixture(autouse=True)
def nothing_waits(connection: Connection) -> None:
    connection.execute("DELETE FROM heard.arrived")
    connection.commit()


def test_a_message_is_on_disk_when_keep_returns(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    text = "Zhang San, 3rd floor"
    read = SignalRead(protocol="dc09", token="SIA-DCS", account="1234", code="FA", text=text)
    sent = message(
        device=uuid4(), site=uuid4(), signals=(READ, read), repeat_key=b"k" * 16, problem="x"
    )

    async def run(log: HeardLog) -> None:
        await log.keep(sent)
        assert [(lane, found) for lane, _, found in kept(connection, keyring)] == [
            (Lane.KNOWN, (sent,))
        ]

    with_log(urls, keyring, run)
    row = connection.execute("SELECT messages, oldest_at, a::text FROM heard.arrived a").fetchone()
    assert row is not None
    assert row[:2] == (1, sent.received_at)
    for secret in (text.encode(), sent.body, b"1234"):
        assert secret.hex() not in row[2]


def test_a_stream_of_messages_goes_in_few_commits(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    sent = [message(source=f"192.0.2.{n % 200}", body=b"%d" % n) for n in range(500)]

    async def run(log: HeardLog) -> None:
        await asyncio.gather(*(log.keep(one) for one in sent))

    with_log(urls, keyring, run)
    commits = kept(connection, keyring)
    assert [one for _, _, messages in commits for one in messages] == sent
    assert len(commits) <= 5


def test_a_flood_is_kept_apart_and_stays_in_its_order(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    busy, calm = uuid4(), uuid4()

    def lanes() -> list[list[bytes]]:
        found = kept(connection, keyring)
        return [[m.body for at, _, ms in found for m in ms if at == lane] for lane in Lane]

    def next_window(log: HeardLog) -> None:
        log._window_began = -1e9

    async def run(log: HeardLog) -> None:
        for number in range(CALM_MAX + 2):
            await log.keep(message(device=busy, body=b"%d" % number))
        await log.keep(message(device=calm, body=b"calm"))
        known, _, flood, _ = lanes()
        assert known[CALM_MAX:] == [b"calm"]
        assert flood == [b"100", b"101"]
        # The next windows find it calm, but what it sent still waits: it stays behind that.
        for _ in range(2):
            next_window(log)
            await log.keep(message(device=busy, body=b"after"))
        assert lanes()[Lane.FLOOD][2:] == [b"after"] * 2
        connection.execute("DELETE FROM heard.arrived WHERE lane = %s", (Lane.FLOOD,))
        connection.commit()
        next_window(log)
        await log.keep(message(device=busy, body=b"calm again"))
        assert lanes()[Lane.KNOWN][-1] == b"calm again"
        assert lanes()[Lane.FLOOD] == []

    with_log(urls, keyring, run)


def test_addresses_beyond_what_is_counted_are_one_and_hide_no_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(floods_module, "SENDERS_MAX", 10)
    floods, commit, device = Floods(), uuid4(), uuid4()
    assert {floods.lane(None, f"a{n}", commit) for n in range(10)} == {Lane.UNKNOWN}
    others = [floods.lane(None, f"b{n}", commit) for n in range(CALM_MAX + 1)]
    assert others == [Lane.UNKNOWN] * CALM_MAX + [Lane.FLOOD]
    assert floods.lane(device, "b0", commit) is Lane.KNOWN
    assert floods.lane(None, "a0", commit) is Lane.UNKNOWN
    assert floods.senders == 1


def test_one_that_floods_stays_apart_until_what_it_sent_is_sorted_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(floods_module, "SENDERS_MAX", 3)
    floods, commits = Floods(), sorted(uuid4() for _ in range(3))
    for _ in range(CALM_MAX + 1):
        floods.lane(None, "busy", commits[1])
    for oldest in (commits[0], commits[1]):  # something of it may still wait
        floods.next_window(oldest)
        assert {floods.lane(None, f"a{n}", commits[2]) for n in range(5)} == {Lane.UNKNOWN}
        assert floods.lane(None, "busy", commits[1]) is Lane.FLOOD  # also where the table is full
    floods.next_window(commits[2])
    assert floods.lane(None, "busy", commits[2]) is Lane.UNKNOWN


def test_what_is_remembered_of_floods_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floods_module, "SENDERS_MAX", 3)
    floods, commit = Floods(), uuid4()
    for window in range(5):
        for sender in ("a", "b", "c"):
            for _ in range(CALM_MAX + 1):
                last = floods.lane(None, f"{sender}{window}", commit)
            assert last is Lane.FLOOD
        floods.next_window(UUID(int=0))  # nothing is sorted in
    assert floods.senders <= 4


def test_a_commit_has_a_row_for_each_lane_and_no_id_twice(
    urls: Urls, keyring: Keyring, connection: Connection
) -> None:
    known, unknown = uuid4(), "198.51.100.1"

    async def run(log: HeardLog) -> None:
        flood = (log.keep(message(source="198.51.100.2")) for _ in range(CALM_MAX + 5))
        await asyncio.gather(
            *flood, log.keep(message(device=known)), log.keep(message(source=unknown))
        )

    with_log(urls, keyring, run)
    counted = dict.fromkeys(Lane, 0)
    for lane, _, messages in kept(connection, keyring):
        counted[Lane(lane)] += len(messages)
    expected = {Lane.KNOWN: 1, Lane.UNKNOWN: CALM_MAX + 1, Lane.FLOOD: 5, Lane.ASIDE: 0}
    assert counted == expected
    assert Sorter(keyring, {}).sort(connection) == CALM_MAX + 7


# -- what goes wrong ----------------------------------------------------------------------------


def test_all_hear_nothing_when_the_database_goes_while_one_cannot_be_stored(
    urls: Urls, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(log: HeardLog) -> None:
        commit = log._commit

        async def break_off(write: object, taken: list[module.Waiting]) -> None:
            if taken[0][0].body == b"2":
                raise ConnectionResetError
            await commit(write, taken)

        monkeypatch.setattr(log, "_commit", break_off)
        surrogate = SignalRead(protocol="dc09", token="\ud800", account="1234")
        async with asyncio.timeout(5):
            answers = await asyncio.gather(
                log.keep(message(signals=(surrogate,))),
                *(log.keep(message(body=b"%d" % n)) for n in range(5)),
                return_exceptions=True,
            )
        told = [isinstance(one, NotKept) for one in answers]
        assert told == [True, False, False, True, True, True]
        assert log.not_kept == 4

    with_log(urls, keyring, run)


def test_a_callers_mistake_ends_nothing_for_the_others(
    urls: Urls, keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(log: HeardLog) -> None:
        def mistaken(_: bool) -> None:
            raise ZeroDivisionError

        log.hand_in(message(), mistaken)
        await log.keep(message())
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
            *(log.keep(message(device=uuid4())) for _ in range(60)), return_exceptions=True
        )
        turned_away = [one for one in answers if isinstance(one, NotKept)]
        assert len(turned_away) == 10
        counted.append(before + 10)

    counted: list[int] = []
    with_log(urls, keyring, run, queue_max=50)  # stopping writes what is not written yet
    connection.rollback()
    assert [counters(connection)["heard.queue_full"]] == counted


def test_a_message_with_too_many_signals_is_refused(urls: Urls, keyring: Keyring) -> None:
    async def run(log: HeardLog) -> None:
        await log.keep(message(signals=(READ,) * SIGNALS_MAX))
        with pytest.raises(NotKept, match="66 signals in one message"):
            await log.keep(message(signals=(READ,) * (SIGNALS_MAX + 1)))

    with_log(urls, keyring, run)


def test_one_unstorable_message_does_not_cost_the_others(urls: Urls, keyring: Keyring) -> None:
    async def run(log: HeardLog) -> None:
        surrogate = SignalRead(protocol="dc09", token="\ud800", account="1234")
        answers = await asyncio.gather(
            log.keep(message()),
            log.keep(message(signals=(surrogate,))),
            log.keep(message()),
            return_exceptions=True,
        )
        assert [isinstance(one, NotKept) for one in answers] == [False, True, False]
        assert log.is_connected

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


def spans(connection: Connection) -> list[tuple[str, float]]:
    """Ways in and the seconds of each span in which they could hear, in the order they began."""
    rows = connection.execute(
        "SELECT intake, extract(epoch FROM until_at - began_at)::float8 FROM ref.hearing"
        " ORDER BY began_at"
    ).fetchall()
    connection.rollback()
    return rows


def test_it_is_noted_since_when_each_way_in_can_hear(
    urls: Urls,
    keyring: Keyring,
    connection: Connection,
    administrator: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lost database ends a span, and so does an intake that cannot hear; no span reaches past
    what is written."""
    monkeypatch.setattr(module, "SEEN_EVERY_S", 0.02)
    connection.execute("DELETE FROM ref.hearing")
    connection.commit()

    async def run(log: HeardLog) -> None:
        log.hears("dc09")
        log.hears("mqtt")
        async with asyncio.timeout(10):
            while len(spans(connection)) < 2 or spans(connection)[0][1] < 0.1:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        log.hears("mqtt", can_hear=False)
        await asyncio.sleep(0.1)
        of_mqtt = dict(spans(connection))["mqtt"]
        await asyncio.sleep(0.1)
        assert dict(spans(connection))["mqtt"] == of_mqtt
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'tocsin heard%'"
        )
        async with asyncio.timeout(10):
            while log.is_connected:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await log.connected()
            log.hears("dc09")
            while len(spans(connection)) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert [name for name, _ in spans(connection)] == ["dc09", "mqtt", "dc09"]

    with_log(urls, keyring, run)
