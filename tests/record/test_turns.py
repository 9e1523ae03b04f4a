"""Whose signals are judged next: a sender that was quiet waits for no backlog, however many senders
have one, and the backlogs go on."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from record_desk import NOW

from tocsin.core.signals import SignalRead
from tocsin.record import turns as turns_module
from tocsin.record.database import Connection
from tocsin.record.heard_rows import CLOCK_OFF, Heard, Rows
from tocsin.record.keys import Keyring
from tocsin.record.sealing import DayKeys
from tocsin.record.turns import (
    AGAIN,
    QUEUES_MAX,
    RUN,
    SERVED_SHARE,
    UNKNOWN_SHARE,
    Turns,
    queue_of,
)


class Queues:
    """Signals that wait, numbered in the order heard, and what `Turns` picks of them."""

    def __init__(self, connection: Connection) -> None:
        connection.execute("DELETE FROM heard.pending")
        self.connection = connection
        self.turns = Turns()
        self._last = 0

    def wait(self, queue: str, count: int = 1, *, known: bool = True) -> list[UUID]:
        signals = [UUID(int=self._last + n + 1) for n in range(count)]
        self._last += count
        self.connection.cursor().executemany(
            "INSERT INTO heard.pending (signal, known, queue) VALUES (%s, %s, %s)",
            [(signal, known, queue) for signal in signals],
        )
        return signals

    def judge(self, limit: int) -> list[str]:
        """The queues of what is picked, which is judged and gone."""
        return self.judged_of(self.turns.next(self.connection, limit, NOW))

    def cut(self, limit: int, after: int) -> list[str]:
        """The same where the turn ends after so many."""
        picked = self.turns.next(self.connection, limit, NOW)
        self.turns.cut(picked[after:])
        assert len(picked) <= 2 * limit
        return self.judged_of(picked[:after])

    def judged_of(self, picked: list[UUID]) -> list[str]:
        assert len(picked) == len({*picked})
        rows = self.connection.execute(
            "DELETE FROM heard.pending WHERE signal = ANY(%s) RETURNING signal, queue", (picked,)
        ).fetchall()
        queue_of = dict(rows)
        return [queue_of[signal] for signal in picked]

    def judge_all(self, limit: int, turns_max: int = 1_000) -> list[str]:
        order: list[str] = []
        for _ in range(turns_max):
            picked = self.judge(limit)
            if not picked:
                break
            order += picked
        return order


@pytest.fixture
def queues(connection: Connection) -> Iterator[Queues]:
    yield Queues(connection)
    connection.rollback()


def test_a_sender_that_was_quiet_waits_for_no_backlog_of_many_others(queues: Queues) -> None:
    for sender in range(100):
        queues.wait(f"{sender:03}", 50)
    for _ in range(5):
        queues.judge(40)
    queues.wait("fire")
    assert "fire" in queues.judge(40)


def test_what_a_quiet_sender_tells_of_now_waits_for_no_crowd_of_what_others_kept(
    queues: Queues,
) -> None:
    """More senders than are looked for in one turn, none of which had one yet."""
    for sender in range(QUEUES_MAX + 100):
        queues.wait(queue_of(f"{sender:04}", is_old=True))
    queues.wait("fire")
    assert "fire" in queues.judge(40)


def test_a_single_alarm_goes_before_many_that_begin_to_pile_up(queues: Queues) -> None:
    """They are as new as it is, and bear no time; each opens an incident, which takes its time."""
    for _ in range(3):
        for sender in range(200):
            queues.wait(f"{sender:03}")
    assert queues.cut(40, 5) == ["000", "001", "002", "003", "004"]
    queues.wait("fire")
    assert queues.cut(40, 5)[0] == "fire"
    queues.wait("fire 2")
    assert queues.cut(40, 5)[0] == "fire 2"


def test_who_begins_to_pile_up_goes_on_while_single_alarms_come_without_end(
    queues: Queues,
) -> None:
    for _ in range(3):
        queues.wait("storm")
    order: list[str] = []
    for turn in range(3):
        for sender in range(60):
            queues.wait(f"new {turn} {sender}")
        order += queues.judge(40)
    assert order.count("storm") == 3


def test_the_second_thing_a_sender_tells_of_now_waits_for_no_backlog_of_long_ago(
    queues: Queues,
) -> None:
    for sender in range(100):
        queues.wait(queue_of(f"{sender:03}", is_old=True), 50)
    for _ in range(5):
        queues.judge(40)
    queues.wait("fire", 60)
    order = [queue for _ in range(3) for queue in queues.judge(40)]
    assert order.count("fire") == 60


def test_who_was_quiet_goes_before_what_a_turn_left_that_was_cut_short(queues: Queues) -> None:
    """A turn of signals that each open an incident takes seconds."""
    kept = [queue_of(f"{sender:03}", is_old=True) for sender in range(40)]
    for queue in kept:
        queues.wait(queue, 2)
    queues.wait("first")
    assert queues.cut(40, 5)[0] == "first"
    queues.wait("fire")
    queues.wait("first")
    assert queues.cut(40, 5)[:2] == ["fire", "first"]
    for sender in range(10):
        queues.wait(f"alarm {sender}")
    assert queues.cut(40, 5) == [f"alarm {sender}" for sender in range(5)]
    queues.wait("later")
    assert queues.judge_all(40).index("later") < 10


def test_what_a_turn_left_goes_on_while_new_senders_come_without_end(queues: Queues) -> None:
    for sender in range(40):
        queues.wait(queue_of(f"{sender:03}", is_old=True))
    order: list[str] = []
    for turn in range(80):
        for sender in range(20):
            queues.wait(f"new {turn} {sender}")
        order += queues.cut(40, 5)
    assert len([queue for queue in order if "old" in queue]) == 40


@pytest.mark.parametrize("seed", range(5))
def test_each_queue_keeps_its_order_however_turns_are_cut(queues: Queues, seed: int) -> None:
    random = Random(seed)
    waiting: dict[str, list[UUID]] = {}
    judged: dict[str, list[UUID]] = {}
    for turn in range(120):
        for _ in range(random.randrange(4) if turn < 60 else 0):
            known = random.random() < 0.7
            queue = queue_of(f"{known} {random.randrange(12)}", is_old=random.random() < 0.3)
            signals = queues.wait(queue, random.choice((1, 2, 30)), known=known)
            waiting.setdefault(queue, []).extend(signals)
        picked = queues.turns.next(queues.connection, 20, NOW)
        assert len(picked) == len({*picked})
        done = picked[: random.randrange(1, 21)]
        if len(done) < len(picked):
            queues.turns.cut(picked[len(done) :])
        for queue, signal in zip(queues.judged_of(done), done, strict=True):
            judged.setdefault(queue, []).append(signal)
    while picked := queues.turns.next(queues.connection, 20, NOW):
        for queue, signal in zip(queues.judged_of(picked), picked, strict=True):
            judged.setdefault(queue, []).append(signal)
    assert judged == waiting


def test_what_was_kept_is_judged_while_others_tell_of_now_without_end(queues: Queues) -> None:
    for sender in range(10):
        queues.wait(queue_of(f"{sender:03}", is_old=True), 20)
    for turn in range(25):
        for sender in range(60):
            queues.wait(f"new {turn} {sender}", 2)
        queues.judge(40)
    left = queues.connection.execute("SELECT count(*) FROM heard.pending WHERE queue LIKE '%old%'")
    assert left.fetchone() == (0,)


def test_every_backlog_goes_on_while_new_senders_come_without_end(queues: Queues) -> None:
    for sender in range(3):
        queues.wait(f"{sender:03}", 60)
    queues.judge(40)
    served: list[str] = []
    for turn in range(12):
        for sender in range(60):
            queues.wait(f"new {turn} {sender}")
        picked = queues.judge(40)
        served += [queue for queue in picked if not queue.startswith("new")]
        assert len([queue for queue in picked if queue.startswith("new")]) >= 20
    assert len(served) == 12 * 40 // SERVED_SHARE
    assert {*served} == {"000", "001", "002"}


def test_signals_of_a_backlog_are_taken_together_and_in_order(queues: Queues) -> None:
    names = [f"{sender:03}" for sender in range(10)]
    for name in names:
        queues.wait(name, 5 * RUN)
    queues.judge(10)  # now all have had a turn
    first, second = queues.judge(2 * RUN), queues.judge(2 * RUN)
    assert sorted({*first}) == names[:2]
    assert sorted({*second}) == names[2:4]
    assert len(queues.judge_all(2 * RUN)) == 10 * 5 * RUN - 10 - 4 * RUN


def test_known_devices_leave_a_share_to_the_unknown(queues: Queues) -> None:
    queues.wait("device", 500)
    queues.wait("192.0.2.1", 500, known=False)
    picked = queues.judge(50)
    assert picked.count("192.0.2.1") == 50 // UNKNOWN_SHARE
    assert picked.count("device") == 50 - 50 // UNKNOWN_SHARE


def test_what_has_no_sender_has_its_turn_too(queues: Queues) -> None:
    """Our own signals about many devices, or about what cannot be read."""
    queues.wait("", known=False)
    queues.wait("192.0.2.1", known=False)
    assert sorted(queues.judge_all(40)) == ["", "192.0.2.1"]


def test_where_more_wait_than_are_looked_for_each_has_its_turn(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns_module, "QUEUES_MAX", 10)
    names = [f"{sender:03}" for sender in range(35)]
    for name in names:
        queues.wait(name, 3)
    order = queues.judge_all(10, 8)
    assert {*order} == {*names}
    assert sorted([*order, *queues.judge_all(10)]) == sorted(names * 3)


def test_more_queues_than_are_remembered_are_all_judged(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns_module, "SERVED_MAX", 5)
    names = [f"{sender:03}" for sender in range(20)]
    for name in names:
        queues.wait(name, 30)
    assert sorted(queues.judge_all(25)) == sorted(names * 30)


def test_one_that_failed_rests_and_holds_up_nobody(queues: Queues) -> None:
    poison, *_ = queues.wait("device", 3)
    queues.connection.execute(
        "UPDATE heard.pending SET failures = 2, failed_at = %s WHERE signal = %s",
        (NOW - 2 * AGAIN + timedelta(milliseconds=1), poison),
    )
    assert poison not in queues.turns.next(queues.connection, 10, NOW)
    assert queues.judge(10) == ["device", "device"]
    assert queues.judge(10) == []
    later = NOW + timedelta(milliseconds=1)
    assert queues.turns.next(queues.connection, 10, later) == [poison]


def test_one_that_failed_in_the_future_does_not_rest(queues: Queues) -> None:
    """The clock was set back: a fire after one deadlock would wait for hours."""
    [fire] = queues.wait("device")
    queues.connection.execute(
        "UPDATE heard.pending SET failures = 1, failed_at = %s", (NOW + timedelta(hours=6),)
    )
    assert queues.turns.next(queues.connection, 10, NOW) == [fire]


@pytest.mark.parametrize(
    ("fields", "read", "is_old"),
    [
        ({}, {}, False),
        ({}, {"occurred_at": NOW - timedelta(hours=1)}, False),
        ({}, {"occurred_at": NOW - timedelta(hours=1, seconds=1)}, True),
        ({"problem": CLOCK_OFF}, {"occurred_at": NOW - timedelta(hours=9)}, False),
        ({}, {"occurred_at": NOW - timedelta(hours=9), "codes": "cap"}, False),
    ],
)
def test_what_a_panel_kept_does_not_delay_what_it_says_now(
    queues: Queues,
    keyring: Keyring,
    fields: dict[str, object],
    read: dict[str, object],
    is_old: bool,
) -> None:
    one = SignalRead(protocol="dc09", token="SIA-DCS", account="1234", code="FA", **read)  # type: ignore[arg-type]
    message = Heard(
        received_at=NOW,
        intake="dc09.tcp",
        protocol="dc09",
        source="192.0.2.7",
        body=b"frame",
        answer="ack",
        district="huangpu",
        agency="fire",
        signals=(one,),
        **fields,  # type: ignore[arg-type]
    )
    rows = Rows(DayKeys(keyring))
    rows.add(UUID(int=1 << 100), message)
    rows.write(queues.connection)
    waiting = queues.connection.execute("SELECT queue FROM heard.pending").fetchall()
    assert waiting == [(queue_of("192.0.2.7", is_old),)]
