"""What cannot be sorted in is set aside and tried again, and holds up nothing else."""

import contextlib
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from arriving import NOW, READ, Arrivals, message

from tocsin.record import arrivals as module
from tocsin.record.arrivals import Arrival, Sorter
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.figures import lag
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import SIGNALS_MAX, Heard
from tocsin.record.ids import OrderedIds, following, milliseconds, time_of
from tocsin.record.keys import Keyring
from tocsin.record.sealing import DayKeys


@pytest.fixture
def arrivals(connection: Connection, keyring: Keyring) -> Arrivals:
    return Arrivals(connection, keyring)


def test_one_message_that_cannot_be_stored_holds_up_no_other(
    arrivals: Arrivals, caplog: pytest.LogCaptureFixture
) -> None:
    arrivals.commit(message(source="1"))
    of_two = message(source="2", signals=(READ, READ))
    arrival = arrivals.commit(of_two, message(source="nul \0 in it"), message(source="3"))
    before = lag(arrivals.connection)["quarantined"]
    stored = arrivals.sort()
    assert [one.id for one in stored[1:]] == [arrival, following(arrival, 2 * SIGNALS_MAX)]
    assert arrivals.waiting() == arrivals.waiting(Lane.ASIDE) == 1
    (said,) = (one for one in caplog.records if "set aside" in one.message)
    assert said.__dict__["why"]
    figures = lag(arrivals.connection)
    arrivals.connection.rollback()
    assert (figures["signals_waiting"], figures["quarantined"]) == (
        5,
        before + 1,
    )  # one tells of it


def aside_for_want_of_a_key(arrivals: Arrivals, messages: int) -> tuple[Sorter, Path, Path]:
    """A worker that has set them aside, where the key is, and where it should be."""
    at = NOW - timedelta(days=40)
    lost = [arrivals.commit(message(received_at=at)) for _ in range(messages)]
    day = arrivals.keyring.directory / "heard" / f"{time_of(lost[0]):%Y%m%d}.key"
    away = day.rename(day.with_suffix(".away"))
    sorter = Sorter(Keyring(arrivals.keyring.directory), {})
    good = arrivals.commit(message())
    assert [one.id for one in arrivals.sort(sorter=sorter)] == [good]
    assert arrivals.waiting(Lane.ASIDE) == messages
    return sorter, away, day


def test_what_was_set_aside_comes_back_as_soon_as_it_can(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "ASIDE_ROWS_MAX", 2)
    sorter, away, day = aside_for_want_of_a_key(arrivals, 9)
    assert len([one for one in caplog.records if "set aside" in one.message]) == 1
    away.rename(day)
    assert sorter.sort(arrivals.connection) == 0  # not before ASIDE_S
    sorter._try_aside_at = 0.0
    found = [sorter.sort(arrivals.connection) for _ in range(6)]
    assert sorted(found) == [0, 1, 2, 2, 2, 2]
    assert arrivals.waiting() == 0


def test_what_was_set_aside_has_its_turn_however_much_comes_in(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    sorter, away, day = aside_for_want_of_a_key(arrivals, 2)
    away.rename(day)
    sorter._try_aside_at = 0.0
    monkeypatch.setattr(module, "MESSAGES_MAX", 1)
    monkeypatch.setattr(module, "SORT_S_MAX", 0.0)
    for _ in range(3):
        arrivals.commit(message())
    assert sorter.sort(arrivals.connection) > 1
    assert (arrivals.waiting(Lane.ASIDE), arrivals.waiting()) < (2, 4)


def test_a_key_that_cannot_be_read_holds_up_no_other_day(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = Keyring.heard

    def heard(self: Keyring, epoch: str, *, create: bool = False) -> bytes:
        if epoch == f"{NOW - timedelta(days=9):%Y%m%d}":
            raise PermissionError(13, "Permission denied")
        return day(self, epoch, create=create)

    arrivals.commit(message(received_at=NOW - timedelta(days=9)), message())
    good = arrivals.commit(message())
    monkeypatch.setattr(Keyring, "heard", heard)
    assert [one.id for one in arrivals.sort()] == [good]
    assert arrivals.waiting(Lane.ASIDE) == 2


def test_what_stands_behind_a_commit_that_is_divided_does_not_overtake_it(
    arrivals: Arrivals,
) -> None:
    arrivals.commit(message(body=b"alarm"), message(source="nul \0 in it"))
    arrivals.commit(message(body=b"restore"))
    arrivals.sort()
    rows = arrivals.connection.execute(
        "SELECT id FROM heard.message ORDER BY xmin::text::bigint DESC, ctid DESC LIMIT 2"
    ).fetchall()
    arrivals.connection.rollback()
    (last,), (first,) = rows
    assert first < last


def test_two_intakes_that_are_divided_at_once_do_not_meet(arrivals: Arrivals) -> None:
    one, other = (UUID(bytes=OrderedIds().next(milliseconds(NOW), os.urandom(6))) for _ in range(2))
    for arrival in (one, other):
        arrivals.commit(message(), message(source="nul \0 in it"), message(), arrival=arrival)
    assert len(arrivals.sort()) == 4
    assert arrivals.waiting(Lane.ASIDE) == 2


def test_a_row_that_is_there_already_stops_nothing(arrivals: Arrivals) -> None:
    arrival = arrivals.commit(message())
    assert len(arrivals.sort()) == 1
    good = []
    for _ in range(2):  # as in a database that was put together by hand
        arrivals.commit(message(source="192.0.2.9"), arrival=arrival)
        good.append(arrivals.commit(message()))
        assert [one.id for one in arrivals.sort()] == good[-1:]
    assert (arrivals.waiting(Lane.ASIDE), arrivals.waiting(Lane.KNOWN)) == (1, 1)


def test_what_was_packed_otherwise_is_said_and_set_aside(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tocsin.record.heard_rows._PACKED", b"0")
    arrivals.commit(message())
    monkeypatch.undo()
    assert arrivals.sort() == []
    (said,) = (one for one in caplog.records if "set aside" in one.message)
    assert "packed by another version of Tocsin" in said.__dict__["why"]


def test_what_is_divided_is_not_sorted_in_by_another_worker_too(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, urls: Urls
) -> None:
    """One worker, of an earlier version, cannot read a message that the next one can."""
    before = len(arrivals.stored())
    arrivals.commit(message(), message(signals=None))
    first = Sorter(arrivals.keyring, {})
    reads = Sorter(arrivals.keyring, {"dc09": lambda _body, _opened: ((READ,), None)})
    divide, unpack = Sorter._divide, module.unpack

    def opened_meanwhile(keys: DayKeys, arrival: UUID, body: bytes) -> tuple[Heard, ...]:
        monkeypatch.setattr(module, "unpack", unpack)
        with connect(urls.application) as other:
            other.execute("SET lock_timeout = '100ms'")
            other.commit()
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                reads.sort(other)
        return unpack(keys, arrival, body)

    def late(sorter: Sorter, connection: Connection, one: Arrival) -> bool:
        monkeypatch.setattr(module, "unpack", opened_meanwhile)
        return divide(sorter, connection, one)

    monkeypatch.setattr(Sorter, "_divide", late)
    first.sort(arrivals.connection)
    Sorter(arrivals.keyring, reads._readers).sort(arrivals.connection)
    assert (arrivals.waiting(), len(arrivals.stored())) == (0, before + 2)
