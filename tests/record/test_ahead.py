"""What a quiet sender tells of now is sorted in before what others have kept, once, and in the
order in which it was sent."""

from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from arriving import NOW, READ, Arrivals, message
from msgspec.structs import replace

from tocsin.core.signals import SignalRead
from tocsin.record import ahead as ahead_module
from tocsin.record import arrivals as module
from tocsin.record.ahead import EACH_MAX
from tocsin.record.arrivals import MESSAGES_MAX, UNKNOWN_SHARE, Sorter
from tocsin.record.database import Connection
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import Heard
from tocsin.record.keys import Keyring

KEPT = replace(READ, occurred_at=NOW - timedelta(hours=3))
PANELS = [uuid4() for _ in range(1_000)]


@pytest.fixture
def arrivals(connection: Connection, keyring: Keyring) -> Arrivals:
    return Arrivals(connection, keyring)


@pytest.fixture
def singly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction in each turn, and one row in that."""
    monkeypatch.setattr(module, "SORT_S_MAX", -1.0)
    monkeypatch.setattr(module, "MESSAGES_MAX", 1)


def kept(**fields: object) -> Heard:
    return message(**({"signals": (KEPT,)} | fields))


def of(connection: Connection, device: UUID) -> list[bytes]:
    """What is sorted in of a device, as its repeat keys, in the order in which it was."""
    rows = connection.execute(
        "SELECT repeat_key FROM heard.message WHERE device = %s ORDER BY xmin::text::bigint, id",
        (device,),
    ).fetchall()
    connection.rollback()
    return [key for (key,) in rows]


@pytest.mark.parametrize("of_now", [False, True])
def test_an_alarm_waits_for_no_backlog_of_many_others(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, of_now: bool
) -> None:
    """20,000 messages, ten transactions, stand before it. Also where they bear no time."""
    monkeypatch.setattr(module, "SORT_S_MAX", -1.0)
    backlog = [message(device=one) if of_now else kept(device=one) for one in PANELS]
    for _ in range(20):
        arrivals.commit(*backlog)
    fire, again = uuid4(), uuid4()
    key = fire.bytes
    arrivals.commit(message(device=fire, repeat_key=key))
    done = 0
    while not of(arrivals.connection, fire):
        done += arrivals.sorter.sort(arrivals.connection)
    assert done <= 4 * MESSAGES_MAX
    arrivals.commit(*backlog)
    arrivals.commit(message(device=again, repeat_key=again.bytes))
    arrivals.sorter.sort(arrivals.connection)
    assert of(arrivals.connection, again) == [again.bytes]
    while arrivals.waiting():
        arrivals.sorter.sort(arrivals.connection)
    assert len(arrivals.pending()) == 21_002
    assert of(arrivals.connection, fire) == [key]


@pytest.mark.parametrize("lane", [Lane.KNOWN, Lane.UNKNOWN, Lane.FLOOD])
@pytest.mark.usefixtures("singly")
def test_what_a_panel_tells_of_now_waits_for_nothing_that_it_kept(
    arrivals: Arrivals, lane: Lane
) -> None:
    panel = uuid4()
    for number in range(2 * UNKNOWN_SHARE):
        arrivals.commit(kept(device=panel, repeat_key=b"%d" % number), lane=lane)
        arrivals.commit(kept())
    arrivals.commit(message(device=panel, repeat_key=b"fire"), lane=lane)
    arrivals.sort()
    arrivals.sort()
    assert b"fire" in of(arrivals.connection, panel)


@pytest.mark.usefixtures("singly")
def test_a_sender_whose_messages_pile_up_has_its_turn_until_they_are_sorted_in(
    arrivals: Arrivals,
) -> None:
    loud, fire = uuid4(), uuid4()
    rows = [arrivals.commit(message(device=loud)) for _ in range(20)]
    arrivals.commit(message(device=fire, repeat_key=b"fire"))
    arrivals.sorter.sort(arrivals.connection)
    arrivals.sorter.sort(arrivals.connection)
    assert of(arrivals.connection, fire) == [b"fire"]
    found = arrivals.connection.execute(
        "SELECT id FROM heard.message WHERE device = %s ORDER BY id", (loud,)
    ).fetchall()
    assert [one for (one,) in found] == rows[: EACH_MAX + 1]
    while arrivals.waiting():
        arrivals.sorter.sort(arrivals.connection)
    # It is quiet again.
    for _ in range(3):
        arrivals.commit(kept())
    arrivals.sorter.sort(arrivals.connection)
    arrivals.commit(message(device=loud, repeat_key=b"loud"))
    arrivals.sorter.sort(arrivals.connection)
    assert b"loud" in of(arrivals.connection, loud)


@pytest.mark.parametrize("limits", [{}, {"HELD_MAX": 3}, {"PILED_MAX": 1}, {"AHEAD_MAX": 1}])
@pytest.mark.parametrize("seed", range(3))
def test_each_message_is_sorted_in_once_and_those_of_a_sender_in_their_order(
    arrivals: Arrivals,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    limits: dict[str, int],
    seed: int,
) -> None:
    """Two workers, one after the other as it comes, and rows that must be divided."""
    for name, value in limits.items():
        monkeypatch.setattr(ahead_module, name, value)
    monkeypatch.setattr(module, "SORT_S_MAX", -1.0)
    monkeypatch.setattr(module, "MESSAGES_MAX", 4)
    random = Random(seed)
    panels = [uuid4() for _ in range(6)]
    sorters = [Sorter(keyring, {}) for _ in range(2)]
    sent: dict[tuple[UUID, bool], list[bytes]] = {}
    for turn in range(80):
        batch = []
        for _ in range(random.randrange(1, 6) if turn < 60 else 0):
            panel, is_of_now = random.choice(panels), random.random() < 0.5
            key = b"%d.%d" % (turn, len(batch))
            batch.append((message if is_of_now else kept)(device=panel, repeat_key=key))
            sent.setdefault((panel, is_of_now), []).append(key)
        if batch and random.random() < 0.1:
            batch.append(message(source="nul \0 in it"))
        if batch:
            arrivals.commit(*batch)
        if random.random() < 0.6:
            random.choice(sorters).sort(arrivals.connection)
    while arrivals.waiting() > arrivals.waiting(Lane.ASIDE):
        random.choice(sorters).sort(arrivals.connection)
    order = [one for panel in panels for one in of(arrivals.connection, panel)]
    assert sorted(order) == sorted(one for keys in sent.values() for one in keys)
    for keys in sent.values():
        assert [one for one in order if one in {*keys}] == keys


@pytest.mark.usefixtures("singly")
def test_a_commit_that_is_seen_late_is_looked_at_all_the_same(arrivals: Arrivals) -> None:
    """Of two intakes the one that is the first to ask for its id may be the last to commit."""
    for _ in range(3):
        arrivals.commit(kept())
    early = arrivals.commit(kept())
    arrivals.connection.execute("DELETE FROM heard.arrived WHERE id = %s", (early,))
    arrivals.connection.commit()
    arrivals.commit(kept())
    arrivals.sorter.sort(arrivals.connection)
    arrivals.sorter.sort(arrivals.connection)
    fire = uuid4()
    arrivals.commit(message(device=fire, repeat_key=b"fire"), arrival=early)
    for _ in range(3):
        arrivals.commit(kept())
    arrivals.sorter.sort(arrivals.connection)
    assert of(arrivals.connection, fire) == [b"fire"]


@pytest.mark.usefixtures("singly")
def test_what_cannot_go_ahead_has_its_turn(arrivals: Arrivals, keyring: Keyring) -> None:
    def reader(body: bytes, _: bytes | None) -> tuple[tuple[SignalRead, ...], bytes | None]:
        return (READ,) * int(body), None

    sorter, panel = Sorter(keyring, {"dc09": reader}), uuid4()
    for _ in range(4):
        arrivals.commit(kept())
    for body in (b"x", b"66", b"1"):  # cannot be read, too many signals, an alarm
        arrivals.commit(message(device=panel, signals=None, body=body))
    for _ in range(12):
        sorter.sort(arrivals.connection)
    assert (arrivals.waiting(Lane.KNOWN), arrivals.waiting(Lane.ASIDE)) == (0, 2)
    stored = arrivals.connection.execute(
        "SELECT count(*) FROM heard.message WHERE device = %s AND protocol = 'dc09'", (panel,)
    ).fetchone()
    assert stored == (1,)


def test_nothing_is_looked_at_where_all_is_sorted_in_at_once(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Ahead", None)
    monkeypatch.setattr(module.Sorter, "_sort_ahead", None)
    assert len(arrivals.sort(message(), kept(), message())) == 3


@pytest.mark.parametrize("where", ["stored", "looked at"])
@pytest.mark.usefixtures("singly")
def test_what_was_to_go_ahead_as_the_database_went_away_goes_ahead_when_it_is_back(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    connection, fire = arrivals.connection, uuid4()
    for _ in range(60):
        arrivals.commit(kept())
    arrivals.sorter.sort(connection)  # knows that there is more
    arrivals.commit(message(device=fire, repeat_key=b"fire"))
    owner, name = (Sorter, "_store") if where == "stored" else (ahead_module, "unpack")
    real = getattr(owner, name)
    faults = [psycopg.OperationalError("the server closed the connection")]

    def once(*given: Any) -> Any:
        if faults:
            raise faults.pop()
        return real(*given)

    monkeypatch.setattr(owner, name, once)
    with pytest.raises(psycopg.OperationalError):
        arrivals.sorter.sort(connection)
    arrivals.commit(message(device=fire, repeat_key=b"later"))
    for _ in range(3):
        arrivals.sorter.sort(connection)
    assert of(connection, fire)[:1] == [b"fire"]
    while arrivals.waiting():
        arrivals.sorter.sort(connection)
    assert of(connection, fire) == [b"fire", b"later"]


@pytest.mark.usefixtures("singly")
def test_who_could_not_go_ahead_tells_nothing_later_ahead_of_that(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, fire = arrivals.connection, uuid4()
    for _ in range(60):
        arrivals.commit(kept())
    arrivals.sorter.sort(connection)
    for key in (b"1", b"2", b"3"):
        arrivals.commit(message(device=fire, repeat_key=key))
    real = Sorter._store
    bad = [True]

    def store(self: Sorter, database: Connection, some: list[tuple[UUID, Heard]]) -> Any:
        if bad and any(one.repeat_key == b"1" for _, one in some):
            raise ValueError("cannot be stored yet")
        return real(self, database, some)

    monkeypatch.setattr(Sorter, "_store", store)
    for _ in range(10):
        arrivals.sorter.sort(connection)
    assert of(connection, fire) == []
    bad.clear()
    while arrivals.waiting():
        arrivals.sorter.sort(connection)
    assert of(connection, fire) == [b"1", b"2", b"3"]
