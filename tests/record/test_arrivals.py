"""What intakes committed is sorted in: each message a row of its own, repeats linked, the lanes one
after the other; and what cannot be sorted in holds up nothing."""

import os
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from tocsin.core.signals import SignalRead
from tocsin.record import arrivals as module
from tocsin.record import repeats
from tocsin.record.arrivals import MESSAGES_MAX, Sorter
from tocsin.record.database import Connection
from tocsin.record.figures import counters, lag
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import Heard, Rows, pack
from tocsin.record.ids import OrderedIds, milliseconds, time_of
from tocsin.record.keys import Keyring
from tocsin.record.sealing import DayKeys
from tocsin.record.views import get_row, list_rows
from tocsin.record.working import judge_pending

READ = SignalRead(protocol="dc09", token="SIA-DCS", account="1234", code="FA", zone="7")

_ids = OrderedIds()


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


class Stored(NamedTuple):
    id: UUID
    received_at: datetime
    repeat_of: UUID | None


class Arrivals:
    """An intake's commits without its event loop, and the rows that became of them."""

    def __init__(self, connection: Connection, keyring: Keyring) -> None:
        self.connection = connection
        self.keyring = keyring
        self.sorter = Sorter(keyring)

    def commit(self, *messages: Heard, lane: Lane = Lane.KNOWN) -> UUID:
        commit = UUID(bytes=_ids.next(milliseconds(datetime.now(UTC)), os.urandom(8)))
        body = pack(DayKeys(self.keyring), commit, list(messages))
        self.connection.execute(
            "INSERT INTO heard.arrived VALUES (%s, %s, %s, %s, %s)",
            (lane, commit, len(messages), messages[0].received_at, body),
        )
        self.connection.commit()
        return commit

    def sort(self, *messages: Heard, sorter: Sorter | None = None) -> list[Stored]:
        """Commits `messages` and sorts in what waits; what was stored, in that order."""
        if messages:
            self.commit(*messages)
        self.connection.execute("DELETE FROM heard.pending")
        before = {one for (one,) in self.connection.execute("SELECT id FROM heard.message")}
        self.connection.commit()
        (sorter or self.sorter).sort(self.connection)
        rows = self.connection.execute(
            "SELECT id, received_at, repeat_of FROM heard.message ORDER BY id"
        ).fetchall()
        self.connection.rollback()
        return [Stored(*row) for row in rows if row[0] not in before]

    @property
    def waiting(self) -> int:
        """Rows that are not sorted in yet."""
        row = self.connection.execute("SELECT count(*) FROM heard.arrived").fetchone()
        self.connection.rollback()
        assert row is not None
        return int(row[0])

    def pending(self) -> set[UUID]:
        rows = self.connection.execute("SELECT signal FROM heard.pending").fetchall()
        self.connection.rollback()
        return {signal for (signal,) in rows}


@pytest.fixture
def arrivals(connection: Connection, keyring: Keyring) -> Arrivals:
    connection.execute("DELETE FROM heard.arrived")
    connection.commit()
    return Arrivals(connection, keyring)


def test_a_message_becomes_rows(arrivals: Arrivals, administrator: Connection) -> None:
    sent = message(signals=(READ, READ), body=b"a secret frame")
    (stored,) = arrivals.sort(sent)
    assert stored.received_at == sent.received_at
    assert abs(time_of(stored.id) - sent.received_at) < timedelta(milliseconds=1)
    row = administrator.execute(
        "SELECT tableoid::regclass::text, body FROM heard.message WHERE id = %s", (stored.id,)
    ).fetchone()
    assert row is not None
    assert row[0] == f"heard.message_{sent.received_at:%Y%m%d}"
    assert b"secret" not in row[1]
    signals = arrivals.connection.execute(
        "SELECT id FROM heard.signal WHERE message = %s ORDER BY id = message DESC", (stored.id,)
    ).fetchall()
    assert len(signals) == 2
    assert signals[0] == (stored.id,)
    assert arrivals.pending() == {signal for (signal,) in signals}
    assert arrivals.waiting == 0


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


def test_lag_says_how_long_the_oldest_waits(arrivals: Arrivals) -> None:
    before = lag(arrivals.connection)["signals_waiting"]
    arrivals.commit(message(received_at=datetime.now(UTC) - timedelta(days=2)), message())
    figures = lag(arrivals.connection)
    arrivals.connection.rollback()
    assert figures["signals_waiting"] == before + 2
    assert figures["oldest_s"] > 86_400


# -- repeats ------------------------------------------------------------------------------------


def test_a_repeat_is_stored_and_linked_and_not_decided_on(arrivals: Arrivals) -> None:
    now, key = datetime.now(UTC), uuid4().bytes
    first, other, second, later = arrivals.sort(
        message(received_at=now, repeat_key=key),
        message(received_at=now, repeat_key=uuid4().bytes),
        message(received_at=now + timedelta(minutes=2), repeat_key=key),
        message(received_at=now + timedelta(minutes=3, seconds=1), repeat_key=key),
    )
    assert second.repeat_of == first.id
    assert [one.repeat_of for one in (first, other, later)] == [None] * 3
    assert arrivals.pending() == {first.id, other.id, later.id}


def test_repeats_are_told_across_commits_workers_and_restarts(
    arrivals: Arrivals, keyring: Keyring
) -> None:
    keys = [uuid4().bytes for _ in range(2)]
    (first,) = arrivals.sort(message(repeat_key=keys[0], signals=(READ, READ)))
    (again,) = arrivals.sort(message(repeat_key=keys[0], signals=(READ, READ)))
    other = Sorter(keyring)  # another worker, or this one after a restart
    (there,) = arrivals.sort(message(repeat_key=keys[0], signals=(READ, READ)), sorter=other)
    (news,) = arrivals.sort(message(repeat_key=keys[1]), sorter=other)
    # Back at the first, which did not see what the other has sorted in.
    (back,) = arrivals.sort(message(repeat_key=keys[1]))
    assert [one.repeat_of for one in (first, again, there, news, back)] == [
        *(None, first.id, first.id, None, news.id)
    ]
    assert first.id < again.id < there.id < news.id < back.id
    further = arrivals.connection.execute(
        "SELECT repeat_of FROM heard.further WHERE message = %s", (there.id,)
    ).fetchone()
    original = arrivals.connection.execute(
        "SELECT id FROM heard.further WHERE message = %s", (first.id,)
    ).fetchone()
    assert further == original


def test_a_clock_that_was_set_back_makes_nothing_a_repeat(arrivals: Arrivals) -> None:
    """In doubt it alarms: an hour lies between the two, whichever way the clock went."""
    now, key = datetime.now(UTC), uuid4().bytes
    (_, back) = arrivals.sort(
        message(received_at=now, repeat_key=key),
        message(received_at=now - timedelta(hours=1), repeat_key=key),
    )
    assert back.repeat_of is None
    (again,) = arrivals.sort(message(received_at=now - timedelta(minutes=59), repeat_key=key))
    assert again.repeat_of == back.id


def test_repeats_of_a_storm_are_bounded_and_forgetting_is_counted(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "REPEATS_MAX", 3)
    name = "heard.repeat_forgotten_early"
    arrivals.sort(message())
    arrivals.sorter.repeats = repeats.Repeats()
    before = counters(arrivals.connection).get(name, 0)
    keys = [uuid4().bytes for _ in range(5)]
    for key in keys:
        arrivals.sort(message(repeat_key=key))
    assert len(arrivals.sorter.repeats) == 3
    assert counters(arrivals.connection)[name] == before + 2
    # The newest are still told, the oldest are news.
    told = arrivals.sort(message(repeat_key=keys[4]), message(repeat_key=keys[0]))
    assert [one.repeat_of is None for one in told] == [False, True]


def test_repeats_older_than_their_window_are_forgotten_by_themselves(arrivals: Arrivals) -> None:
    arrivals.sort(message())
    arrivals.sorter.repeats = repeats.Repeats()
    now, first = datetime.now(UTC), uuid4().bytes
    for minutes, key in ((0, first), (1, uuid4().bytes), (4, first), (5, uuid4().bytes)):
        arrivals.sort(message(received_at=now + timedelta(minutes=minutes), repeat_key=key))
    assert len(arrivals.sorter.repeats) == 2
    at = now + timedelta(minutes=6, seconds=59)
    (again,) = arrivals.sort(message(received_at=at, repeat_key=first))
    assert again.repeat_of is not None


# -- in which order, and how much at once -------------------------------------------------------


def test_floods_come_after_known_devices_and_unknown_sources(arrivals: Arrivals) -> None:
    arrivals.commit(message(body=b"1"), message(), lane=Lane.FLOOD)
    arrivals.commit(message(source="198.51.100.1"), lane=Lane.UNKNOWN)
    at = datetime.now(UTC) + timedelta(seconds=5)
    arrivals.commit(message(received_at=at), lane=Lane.KNOWN)
    stored = arrivals.sort()
    assert stored[0].received_at == at
    sources = arrivals.connection.execute(
        "SELECT source_address FROM heard.message WHERE id = ANY(%s) ORDER BY id",
        ([one.id for one in stored],),
    ).fetchall()
    assert [one for (one,) in sources] == ["192.0.2.7", "198.51.100.1", "192.0.2.7", "192.0.2.7"]


def test_one_transaction_takes_so_many_and_a_turn_so_long(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = [message(signals=()) for _ in range(MESSAGES_MAX // 2)]
    for _ in range(3):
        arrivals.commit(*half)
    arrivals.commit(*half, *half, message(signals=()))
    monkeypatch.setattr(module, "SORT_S_MAX", 0.0)
    assert [arrivals.sorter.sort(arrivals.connection) for _ in range(4)] == [
        *(MESSAGES_MAX, MESSAGES_MAX // 2, MESSAGES_MAX + 1, 0)
    ]


def test_a_turn_judges_though_more_waits_to_be_sorted_in(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SORT_S_MAX", 0.0)
    monkeypatch.setattr(module, "MESSAGES_MAX", 1)
    arrivals.connection.execute("DELETE FROM heard.pending")
    arrivals.connection.commit()
    for account in ("E0A1", "E0A2"):
        arrivals.commit(message(signals=(SignalRead("dc09", "SIA-DCS", account, code="FA"),)))
    now = datetime.now(UTC)
    args = (arrivals.connection, arrivals.keyring, now)
    assert judge_pending(*args, sorter=arrivals.sorter) == 1
    assert arrivals.waiting == 1
    assert judge_pending(*args, sorter=arrivals.sorter) == 1
    assert judge_pending(*args, sorter=arrivals.sorter) == 0


# -- what goes wrong ----------------------------------------------------------------------------


def test_a_turn_that_fails_leaves_everything_as_it_was(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Rows.write

    def break_off(self: Rows, connection: Connection) -> None:
        write(self, connection)
        raise ConnectionResetError

    key = uuid4().bytes
    arrivals.commit(message(repeat_key=key))
    monkeypatch.setattr(Rows, "write", break_off)
    with pytest.raises(ConnectionResetError):
        arrivals.sorter.sort(arrivals.connection)
    arrivals.connection.rollback()
    assert arrivals.waiting == 1
    monkeypatch.setattr(Rows, "write", write)
    (stored,) = arrivals.sort()
    assert stored.repeat_of is None


def test_a_commit_whose_outcome_was_unknown_is_not_forgotten(arrivals: Arrivals) -> None:
    """The worker's commit happened, and it was not told: what it wrote may be repeated all the
    same."""
    key = uuid4().bytes
    arrivals.sort(message())
    turn = arrivals.sorter._turn
    known, order = dict(arrivals.sorter.repeats._known), arrivals.sorter.repeats._in_order.copy()
    (first,) = arrivals.sort(message(repeat_key=key))
    arrivals.sorter._turn = turn
    arrivals.sorter.repeats._known, arrivals.sorter.repeats._in_order = known, order
    (again,) = arrivals.sort(message(repeat_key=key))
    assert again.repeat_of == first.id


def test_one_message_that_cannot_be_stored_holds_up_no_other(
    arrivals: Arrivals, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [b"%d" % n for n in range(3)]
    fine = [message(body=body, received_at=datetime(2026, 11, 21, 12, n, tzinfo=UTC))
            for n, body in enumerate(bodies)]  # fmt: skip
    arrivals.commit(fine[0])
    arrivals.commit(fine[1], message(source="nul \0 in an address"), fine[2])
    stored = arrivals.sort()
    assert [one.received_at for one in stored] == [one.received_at for one in fine]
    assert arrivals.waiting == 1
    assert caplog.text.count("cannot be sorted in") == 1
    assert lag(arrivals.connection)["signals_waiting"] == 2 + 2  # three are pending, one waits
    arrivals.connection.rollback()
    assert arrivals.sort() == []  # not before AGAIN_S
    assert caplog.text.count("cannot be sorted in") == 1
    monkeypatch.setattr(module, "AGAIN_S", -1.0)
    arrivals.sorter._again_at.clear()
    arrivals.connection.execute("DELETE FROM heard.arrived")
    arrivals.connection.commit()


def test_a_lost_key_of_the_day_holds_up_nothing_and_a_found_one_helps(
    arrivals: Arrivals, keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    commit = arrivals.commit(message(), message())
    day = keyring.directory / "heard" / f"{time_of(commit):%Y%m%d}.key"
    content = day.read_bytes()
    day.rename(day.with_suffix(".away"))
    fresh = Sorter(Keyring(keyring.directory))
    assert arrivals.sort(sorter=fresh) == []
    assert arrivals.waiting == 1
    assert "cannot be sorted in" in caplog.text
    day.write_bytes(content)
    day.with_suffix(".away").unlink()
    fresh._again_at.clear()
    assert len(arrivals.sort(sorter=fresh)) == 2


def test_what_was_packed_otherwise_is_said_and_stays(
    arrivals: Arrivals,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("tocsin.record.heard_rows._PACKED", b"0")
    arrivals.commit(message())
    monkeypatch.undo()
    assert arrivals.sort() == []
    (said,) = caplog.records
    assert "packed by another version of Tocsin" in said.why  # type: ignore[attr-defined]
    arrivals.connection.execute("DELETE FROM heard.arrived")
    arrivals.connection.commit()
