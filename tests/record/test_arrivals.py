"""What intakes committed is sorted in: each message a row of its own, repeats linked, the lanes one
after the other; and what cannot be sorted in holds up nothing."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from arriving import NOW, READ, Arrivals, message

from tocsin.core.signals import SignalRead
from tocsin.record import arrivals as module
from tocsin.record.ahead import by_key
from tocsin.record.arrivals import FLOOD_SHARE, UNKNOWN_SHARE, Reader, Sorter
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.figures import lag, lanes
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import SIGNALS_MAX, unpack
from tocsin.record.ids import following
from tocsin.record.keys import Keyring, seal
from tocsin.record.repeats import ORIGINALS
from tocsin.record.sealing import DayKeys
from tocsin.record.views import get_row, list_rows


@pytest.fixture
def arrivals(connection: Connection, keyring: Keyring) -> Arrivals:
    return Arrivals(connection, keyring)


def test_a_message_becomes_rows(arrivals: Arrivals, administrator: Connection) -> None:
    sent = message(signals=(READ, READ), body=b"a secret frame")
    arrival = arrivals.commit(message(signals=()), sent)
    nothing_read, stored = arrivals.sort()
    assert (nothing_read.id, stored.id) == (arrival, following(arrival, SIGNALS_MAX))
    assert stored.received_at == sent.received_at
    row = administrator.execute(
        "SELECT tableoid::regclass::text, body FROM heard.message WHERE id = %s", (stored.id,)
    ).fetchone()
    assert row is not None
    assert row[0] == f"heard.message_{sent.received_at:%Y%m%d}"
    assert b"secret" not in row[1]
    signals = arrivals.connection.execute(
        "SELECT id FROM heard.signal WHERE message = %s ORDER BY id", (stored.id,)
    ).fetchall()
    assert signals == [(stored.id,), (following(stored.id, 1),)]
    assert arrivals.pending() == {signal for (signal,) in signals}
    assert arrivals.waiting() == 0


def test_what_was_heard_is_given_back_to_who_has_the_keys(arrivals: Arrivals) -> None:
    secret = "Zhang San, 3rd floor"
    read = SignalRead(protocol="dc09", token="SIA-DCS", account="1234", code="FA", text=secret)
    (stored,) = arrivals.sort(message(body=b"a frame with " + secret.encode(), signals=(read,)))
    blind = get_row(arrivals.connection, "signals", stored.id)
    assert blind is not None
    assert blind["text"] == ""
    assert "raw" not in blind
    row = get_row(arrivals.connection, "signals", stored.id, keyring=arrivals.keyring, raw=True)
    assert row is not None
    assert row["text"] == secret
    assert row["raw"] == "YSBmcmFtZSB3aXRoIFpoYW5nIFNhbiwgM3JkIGZsb29y"
    assert (row["account"], row["code"], row["assurance"]) == ("1234", "FA", "none")
    assert (row["effect"], row["verdict"], row["text_en"]) == ("alarm", None, "Fire alarm")
    for (text,) in arrivals.connection.execute("SELECT s::text FROM heard.signal s"):
        assert secret.encode().hex() not in text


def test_what_could_not_be_understood_is_listed_and_not_decided_on(arrivals: Arrivals) -> None:
    (stored,) = arrivals.sort(message(signals=(), problem="wrong_key", answer=""))
    assert arrivals.pending() == set()
    found = list_rows(arrivals.connection, "signals", filters={"problem": True})["items"]
    assert [one["problem"] for one in found if one["id"] == str(stored.id)] == ["wrong_key"]


def test_a_message_without_a_partition_of_its_day_is_stored(arrivals: Arrivals) -> None:
    at = datetime(2031, 1, 1, tzinfo=UTC)
    (stored,) = arrivals.sort(message(received_at=at))
    assert stored.received_at == at


def test_who_judges_is_called_only_when_there_is_something_to_judge(
    arrivals: Arrivals, urls: Urls
) -> None:
    with psycopg.connect(urls.application, autocommit=True) as judge:
        judge.execute("LISTEN sorted")
        arrivals.sort(message(signals=()))
        arrivals.sort(message())
        assert len(list(judge.notifies(timeout=1, stop_after=2))) == 1


# -- what an intake left to be read later -------------------------------------------------------


def test_what_was_left_to_be_read_is_read_and_its_repeats_are_told(
    arrivals: Arrivals, keyring: Keyring
) -> None:
    asked: list[tuple[bytes, bytes | None]] = []

    def reader(body: bytes, opened: bytes | None) -> tuple[tuple[SignalRead, ...], bytes | None]:
        asked.append((body, opened))
        return (READ, READ), body * 16

    sorter = Sorter(keyring, {"dc09": reader})
    left = message(signals=None, body=b"x")
    first, other, again = arrivals.sort(left, message(body=b"y"), left, sorter=sorter)
    assert asked == [(b"x", None), (b"x", None)]
    assert [one.repeat_of for one in (first, other, again)] == [None, None, first.id]
    # What the intake has opened goes to the reader too; the key that it has given stays.
    opened = message(signals=None, body=b"z", opened=b"said", repeat_key=b"x" * 16)
    (repeat,) = arrivals.sort(opened, sorter=sorter)
    assert asked[2:] == [(b"z", b"said")]
    assert repeat.repeat_of == first.id
    assert arrivals.pending() == {first.id, following(first.id, 1), other.id}


@pytest.mark.parametrize("readers", [{}, {"dc09": lambda *_: 1 / 0}])
def test_what_nobody_can_read_is_set_aside(
    arrivals: Arrivals,
    keyring: Keyring,
    caplog: pytest.LogCaptureFixture,
    readers: dict[str, Reader],
) -> None:
    arrivals.commit(message(), message(signals=None), message())
    assert len(arrivals.sort(sorter=Sorter(keyring, readers))) == 2
    assert arrivals.waiting(Lane.ASIDE) == 1
    (said,) = (one for one in caplog.records if "set aside" in one.message)
    assert said.__dict__["why"].startswith("by the reader of dc09: ")


def test_more_signals_than_ids_are_set_aside_is_not_sorted_in(
    arrivals: Arrivals, keyring: Keyring
) -> None:
    (most,) = arrivals.sort(message(signals=(READ,) * SIGNALS_MAX), message(signals=(READ,)))[:1]
    assert following(most.id, SIGNALS_MAX - 1) in arrivals.pending()
    too_many = Sorter(keyring, {"dc09": lambda *_: ((READ,) * (SIGNALS_MAX + 1), None)})
    arrivals.commit(message(signals=None))
    assert arrivals.sort(sorter=too_many) == []
    assert arrivals.waiting(Lane.ASIDE) == 1


# -- in which order, and how much at once -------------------------------------------------------


def sorted_each_time(arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The sources of what each transaction sorts in, until nothing waits; nothing goes ahead."""
    monkeypatch.setattr("tocsin.record.ahead.AHEAD_MAX", 0)
    monkeypatch.setattr(module, "SORT_S_MAX", -1.0)
    monkeypatch.setattr(module, "MESSAGES_MAX", 1)
    turns = []
    while arrivals.waiting():
        stored = [one.id for one in arrivals.sort()]
        rows = arrivals.connection.execute(
            "SELECT source_address FROM heard.message WHERE id = ANY(%s) ORDER BY id", (stored,)
        ).fetchall()
        turns.append([source for (source,) in rows])
    return turns


def test_known_devices_come_first_then_unknown_sources_then_floods(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals.commit(message(source="flood"), message(source="flood"), lane=Lane.FLOOD)
    arrivals.commit(message(source="unknown"), lane=Lane.UNKNOWN)
    arrivals.commit(message(source="known"), lane=Lane.KNOWN)
    turns = sorted_each_time(arrivals, monkeypatch)
    assert turns == [["known"], ["unknown"], ["flood", "flood"]]


def test_unknown_sources_have_their_share_however_much_known_devices_send(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3 * UNKNOWN_SHARE):
        arrivals.commit(message(source="known"))
    for _ in range(2):
        arrivals.commit(message(source="unknown"), lane=Lane.UNKNOWN)
    turns = sorted_each_time(arrivals, monkeypatch)
    assert turns[: 2 * UNKNOWN_SHARE].count(["unknown"]) == 2


def test_floods_have_their_share_however_much_is_sent_besides(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2 * FLOOD_SHARE):
        arrivals.commit(message(source="known"))
        arrivals.commit(message(source="unknown"), lane=Lane.UNKNOWN)
    for _ in range(2):
        arrivals.commit(message(source="flood"), lane=Lane.FLOOD)
    turns = sorted_each_time(arrivals, monkeypatch)[: 2 * FLOOD_SHARE]
    assert turns.count(["flood"]) == 2
    assert turns.count(["unknown"]) == 2 * FLOOD_SHARE // UNKNOWN_SHARE


def test_one_transaction_takes_so_many_and_a_turn_so_long(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MESSAGES_MAX", 20)
    monkeypatch.setattr(module, "SORT_S_MAX", -1.0)
    half = [message(signals=()) for _ in range(10)]
    for _ in range(3):
        arrivals.commit(*half)
    arrivals.commit(*half, *half, message(signals=()))
    assert [arrivals.sorter.sort(arrivals.connection) for _ in range(4)] == [20, 10, 21, 0]


def test_only_one_worker_sorts_at_a_time(arrivals: Arrivals, urls: Urls) -> None:
    arrivals.commit(message())
    with connect(urls.application) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (module._SORTING,))
        assert arrivals.sort() == []
        other.execute("SELECT pg_advisory_unlock(%s)", (module._SORTING,))
    assert len(arrivals.sort()) == 1


# -- over versions ------------------------------------------------------------------------------

PACKED_BY_THE_FIRST_VERSION = bytes.fromhex(
    "31919ed7ff1d6f28006b0187c0a8646330392e746370a464633039a93139322e302e322e37c4050a7261770d"
    "a361636ba46d61696ea466697265ad756e6b6e6f776e5f746f6b656ed92430303030303030302d303030302d"
    "303030302d303030302d303030303030303030303031d92430303030303030302d303030302d303030302d30"
    "3030302d303030303030303030303032918da870726f746f636f6ca464633039a5746f6b656ea75349412d44"
    "4353a76163636f756e74a431323334a87265636569766572a131a46c696e65a130a873657175656e636507a4"
    "636f6465a24641a97175616c6966696572a131a47a6f6e65a137a9706172746974696f6ea132a474657874a4"
    "68616c6cab6f636375727265645f6174d6ff6b0187bfa9656e63727970746564c3c4106b6b6b6b6b6b6b6b6b"
    "6b6b6b6b6b6b6ba46e6f6e65"
)


def test_what_the_first_version_packed_is_still_read(keyring: Keyring) -> None:
    """It may wait while the next version is installed."""
    read = SignalRead(
        *("dc09", "SIA-DCS", "1234", "1", "0", 7, "FA", "1", "7", "2", "hall"),
        occurred_at=datetime(2026, 11, 21, 11, 59, 59, tzinfo=UTC),
        encrypted=True,
    )
    sent = message(
        received_at=datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC),
        body=b"\nraw\r",
        district="main",
        problem="unknown_token",
        device=UUID(int=1),
        site=UUID(int=2),
        signals=(read,),
        repeat_key=b"k" * 16,
    )
    keys, arrival = DayKeys(keyring), UUID("0197a000-0000-7000-8000-000000000000")
    sealed = seal(
        keys.cipher(arrival.bytes), PACKED_BY_THE_FIRST_VERSION, b"arrived" + arrival.bytes
    )
    assert unpack(keys, arrival, sealed) == (sent,)


# -- how far behind it is -----------------------------------------------------------------------


def test_lag_says_how_many_wait_and_for_how_long(arrivals: Arrivals) -> None:
    before = lag(arrivals.connection)["signals_waiting"]
    arrivals.commit(message(), message())
    for number in range(1_500):
        at = NOW - timedelta(seconds=number)
        arrivals.commit(message(received_at=at), lane=Lane.UNKNOWN)
    old = NOW - timedelta(days=2)
    arrivals.commit(message(received_at=old), lane=Lane.FLOOD)
    figures = lag(arrivals.connection)
    arrivals.connection.rollback()
    assert figures["signals_waiting"] == before + 1_503
    assert figures["oldest_s"] > 2 * 86_400 - 1


def test_each_lane_says_how_many_wait_and_for_how_long(arrivals: Arrivals) -> None:
    while arrivals.sorter.sort(arrivals.connection):
        pass
    before = {one.lane: one.messages for one in lanes(arrivals.connection)}
    now = datetime.now(UTC)
    for lane, count in ((Lane.KNOWN, 1), (Lane.UNKNOWN, 2), (Lane.FLOOD, 3)):
        for number in range(count):
            at = now - timedelta(hours=lane + 1, minutes=-number)
            arrivals.commit(message(received_at=at), lane=lane)
    found = {one.lane: one for one in lanes(arrivals.connection)}
    arrivals.connection.rollback()
    assert list(found) == list(Lane)
    for lane, count in ((Lane.KNOWN, 1), (Lane.UNKNOWN, 2), (Lane.FLOOD, 3), (Lane.ASIDE, 0)):
        assert found[lane].messages - before[lane] == count
        if count:
            assert 0 <= found[lane].oldest_s - 3_600 * (lane + 1) < 60


def plan_of(connection: Connection, query: str, values: tuple[object, ...]) -> str:
    rows = connection.execute(f"EXPLAIN {query}".encode(), values).fetchall()
    connection.rollback()
    return re.sub(r"'\{.*?\}'", "...", "\n".join(line for (line,) in rows))


def test_what_is_next_is_found_by_the_key_however_much_waits(
    arrivals: Arrivals, administrator: Connection
) -> None:
    """A day without `tocsin work` leaves hundreds of thousands of rows."""
    administrator.execute(
        "INSERT INTO heard.arrived SELECT 0, gen_random_uuid(), 1, now(), '' "
        " FROM generate_series(1, 20000)"
    )
    administrator.commit()
    with by_key(arrivals.connection):
        plan = plan_of(arrivals.connection, module._NEXT_ARRIVED, (200, 200, 200))
    arrivals.connection.execute("DELETE FROM heard.arrived")
    arrivals.connection.commit()
    assert "arrived_pkey" in plan
    assert "Sort" not in plan


def test_repeats_are_found_by_their_keys_in_a_storm_that_nobody_has_analysed_yet(
    fresh_urls: Urls, keyring: Keyring
) -> None:
    with connect(fresh_urls.application) as connection:
        arrivals = Arrivals(connection, keyring)
        day = datetime.now(UTC).replace(hour=12)
        for hours, times in ((-3, 3), (0, 12)):
            for _ in range(times):
                at = day + timedelta(hours=hours)
                batch = [message(received_at=at, repeat_key=uuid4().bytes) for _ in range(1_000)]
                arrivals.sort(*batch)
            if hours:
                with connect(fresh_urls.owner) as owner:
                    owner.execute("ANALYZE heard.message")
                    owner.commit()
        asked: list[tuple[str, Any]] = []
        execute = connection.execute

        def listen(query: Any, values: Any = None, **options: Any) -> Any:
            asked.append((query, values))
            return execute(query, values, **options)

        connection.execute = listen  # type: ignore[method-assign]
        batch = [message(received_at=day, repeat_key=uuid4().bytes) for _ in range(1_000)]
        arrivals.sort(*batch)
        (values,) = (values for query, values in asked if query == ORIGINALS)
        plan = plan_of(connection, ORIGINALS, values)
        assert f"message_{day:%Y%m%d}_repeat_key_idx" in plan
        assert f"message_{day:%Y%m%d}_pkey" not in plan
