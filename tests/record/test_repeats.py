"""A message that repeats an earlier one is told when it is sorted in, by whichever worker."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from arriving import NOW, READ, Arrivals, message

from tocsin.record.arrivals import Sorter
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.figures import counters
from tocsin.record.floods import Lane
from tocsin.record.heard_rows import Rows
from tocsin.record.ids import following, time_of
from tocsin.record.keys import Keyring


@pytest.fixture
def arrivals(connection: Connection, keyring: Keyring) -> Arrivals:
    return Arrivals(connection, keyring)


def test_a_repeat_is_stored_and_linked_and_not_decided_on(arrivals: Arrivals) -> None:
    key = uuid4().bytes
    before = counters(arrivals.connection).get("dc09.repeat", 0)
    first, other, second, later = arrivals.sort(
        message(repeat_key=key, signals=(READ, READ)),
        message(repeat_key=uuid4().bytes),
        message(received_at=NOW + timedelta(minutes=3), repeat_key=key, signals=(READ, READ)),
        message(received_at=NOW + timedelta(minutes=3, microseconds=1), repeat_key=key),
    )
    assert second.repeat_of == first.id
    assert [one.repeat_of for one in (first, other, later)] == [None] * 3
    assert arrivals.pending() == {first.id, following(first.id, 1), other.id, later.id}
    further = arrivals.connection.execute(
        "SELECT repeat_of FROM heard.further WHERE message = %s", (second.id,)
    ).fetchall()
    assert further == [(following(first.id, 1),)]
    assert counters(arrivals.connection)["dc09.repeat"] == before + 1
    arrivals.connection.rollback()


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(minutes=10), timedelta(days=2)])
def test_repeats_are_told_across_commits_workers_and_delays(
    arrivals: Arrivals, keyring: Keyring, ago: timedelta
) -> None:
    """However long ago it was: a worker that was stopped finds all of it waiting."""
    key, at = uuid4().bytes, NOW - ago
    (first,) = arrivals.sort(message(received_at=at, repeat_key=key))
    for minutes in (1, 2):
        again = message(received_at=at + timedelta(minutes=minutes), repeat_key=key)
        (stored,) = arrivals.sort(again, sorter=Sorter(keyring, {}))
        assert stored.repeat_of == first.id
    assert arrivals.pending() == {first.id}


def test_what_its_sender_named_is_a_repeat_for_thirty_days(arrivals: Arrivals) -> None:
    """The limit itself, and that nothing else is a repeat for so long."""
    key, other, month = uuid4().bytes, uuid4().bytes, timedelta(days=30)
    hours = timedelta(hours=5)
    (first,) = arrivals.sort(message(received_at=NOW - month, repeat_key=key, is_named=True))
    arrivals.sort(message(received_at=NOW - hours, repeat_key=other))
    again, unnamed, late = arrivals.sort(
        message(repeat_key=key, is_named=True),
        message(repeat_key=other),
        message(received_at=NOW + timedelta(seconds=1), repeat_key=key, is_named=True),
    )
    assert again.repeat_of == first.id
    assert unnamed.repeat_of is None
    assert late.repeat_of is None


def test_a_repeat_is_told_whichever_lane_was_late(arrivals: Arrivals) -> None:
    keys = [uuid4().bytes for _ in range(2)]
    later = NOW + timedelta(seconds=30)
    (known,) = arrivals.sort(message(repeat_key=keys[0]))
    arrivals.commit(message(received_at=NOW - timedelta(minutes=9)), lane=Lane.FLOOD)
    arrivals.sort()
    (again,) = arrivals.sort(message(received_at=later, repeat_key=keys[0]))
    assert again.repeat_of == known.id
    arrivals.commit(message(repeat_key=keys[1]), lane=Lane.FLOOD)
    arrivals.commit(message(received_at=later, repeat_key=keys[1]))
    flood, first = arrivals.sort()  # the lane of floods comes last, its id before
    assert (flood.repeat_of, first.repeat_of) == (first.id, None)


def test_a_clock_that_was_set_back_makes_nothing_a_repeat(arrivals: Arrivals) -> None:
    """In doubt it alarms: an hour lies between the two, whichever way the clock went."""
    key, hour = uuid4().bytes, timedelta(hours=1)
    (_, back) = arrivals.sort(
        message(repeat_key=key), message(received_at=NOW - hour, repeat_key=key)
    )
    assert back.repeat_of is None
    assert time_of(back.id) > NOW - hour / 2  # ids go on
    (again,) = arrivals.sort(message(received_at=NOW - hour + timedelta(minutes=1), repeat_key=key))
    assert again.repeat_of == back.id


def test_a_commit_whose_outcome_was_unknown_is_sorted_in_once(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, urls: Urls, keyring: Keyring
) -> None:
    """The worker's connection breaks before its commit, or when the commit has happened."""
    key = uuid4().bytes
    arrivals.commit(message(repeat_key=key))
    write = Rows.write
    for commits in (False, True):
        with connect(urls.application) as breaking:

            def break_off(self: Rows, connection: Connection, commits: bool = commits) -> None:
                write(self, connection)
                if commits:
                    connection.execute("DELETE FROM heard.arrived")
                    connection.commit()
                raise psycopg.OperationalError("the connection is lost")

            monkeypatch.setattr(Rows, "write", break_off)
            with pytest.raises(psycopg.OperationalError):
                Sorter(keyring, {}).sort(breaking)
        monkeypatch.setattr(Rows, "write", write)
        assert arrivals.waiting() == (0 if commits else 1)
    (again,) = arrivals.sort(message(received_at=NOW + timedelta(seconds=9), repeat_key=key))
    assert again.repeat_of is not None
    assert arrivals.pending() == {again.repeat_of}


def test_an_encrypted_message_is_told_by_what_it_says_whatever_its_header(
    arrivals: Arrivals,
) -> None:
    """The time of each that said so counts, at the limit; and a forged header names no message that
    a later one could repeat."""
    said = [uuid4().bytes for _ in range(2)]
    sent, forged = uuid4().bytes, uuid4().bytes
    (first,) = arrivals.sort(message(repeat_key=sent, replay_key=said[0]))
    again, replay, beyond, next_sent = arrivals.sort(
        message(received_at=NOW + timedelta(minutes=3), repeat_key=sent, replay_key=said[1]),
        message(received_at=NOW + timedelta(minutes=6), repeat_key=forged, replay_key=said[1]),
        message(
            received_at=NOW + timedelta(minutes=9, seconds=1), repeat_key=sent, replay_key=said[1]
        ),
        message(received_at=NOW + timedelta(minutes=6), repeat_key=forged, replay_key=None),
    )
    assert (again.repeat_of, replay.repeat_of) == (first.id, first.id)
    assert (beyond.repeat_of, next_sent.repeat_of) == (None, None)
    assert arrivals.pending() == {first.id, beyond.id, next_sent.id}
