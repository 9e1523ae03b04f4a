"""Days of what was heard go when their time is over, and never while somebody still needs them."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from arriving import message
from record_desk import Desk

from tocsin.core.commands import CloseIncident, MergeIncidents, TakeIncident
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Disposition
from tocsin.record import retention
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.figures import counters
from tocsin.record.heard_rows import Rows
from tocsin.record.ids import OrderedIds, milliseconds
from tocsin.record.judging import judge_pending
from tocsin.record.retention import (
    HEARD_DAYS_MAX,
    HEARD_DAYS_MIN,
    forget_heard,
    heard_kept,
    prepare_partitions,
)
from tocsin.record.sealing import DayKeys

NOW = datetime.now(UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
DAYS = 100
LAST = TODAY - timedelta(days=DAYS + 1)  # the newest day that has ended DAYS days ago
OLD = LAST - timedelta(days=1)


class Kept:
    """Days of messages, and what becomes of them."""

    def __init__(self, desk: Desk, owner: Connection) -> None:
        self.desk, self.connection, self.owner = desk, desk.connection, owner
        self.ids = OrderedIds()

    def hear(self, day: datetime, *, signals: int = 1, judged: bool = True) -> UUID:
        """A message at noon, each from another sender; its incident is open then."""
        at = day + timedelta(hours=12)
        identifier = UUID(bytes=self.ids.next(milliseconds(at), os.urandom(6)))
        account = uuid4().hex[:8].upper()
        reads = tuple(
            SignalRead("dc09", "SIA-DCS", account, code="FA", zone=str(zone))
            for zone in range(signals)
        )
        rows = Rows(DayKeys(self.desk.keyring))
        rows.add(identifier, message(received_at=at, signals=reads, source=account))
        rows.write(self.connection)
        self.connection.commit()
        while judged and judge_pending(self.connection, self.desk.keyring, NOW):
            continue
        return identifier

    def incident(self, signal: UUID) -> UUID:
        row = self.connection.execute(
            "SELECT incident FROM view.signal WHERE id = %s", (signal,)
        ).fetchone()
        assert row is not None
        return row[0]

    def close(self, incident: UUID) -> None:
        self.desk.do(TakeIncident(incident))
        self.desk.do(CloseIncident(incident, Disposition.HANDLED))

    def forget(self, days: int = DAYS) -> int:
        return forget_heard(self.connection, NOW, days)

    def has(self, signal: UUID) -> bool:
        query = "SELECT EXISTS (SELECT FROM heard.signal WHERE message = %s)"
        return self.connection.execute(query, (signal,)).fetchone() == (True,)

    def overdue(self) -> list[tuple[datetime, str | None]]:
        found = heard_kept(self.connection, NOW, DAYS).overdue
        return [(one.day, one.held_by) for one in found]


@pytest.fixture
def kept(desk: Desk, urls: Urls) -> Iterator[Kept]:
    desk.now = NOW
    with connect(urls.owner) as owner:
        owner.execute("TRUNCATE heard.message, heard.further, heard.pending, heard.quarantined")
        owner.commit()
        one = Kept(desk, owner)
        forget_heard(desk.connection, NOW, HEARD_DAYS_MIN)
        while one.forget(HEARD_DAYS_MIN):
            continue
        prepare_partitions(owner, OLD)  # and the two days after LAST
        yield one


def test_a_day_goes_when_its_time_is_over_with_all_of_its_signals(kept: Kept) -> None:
    old, last = kept.hear(OLD, signals=3), kept.hear(LAST)
    young = kept.hear(LAST + timedelta(days=1))
    for one in (old, last, young):
        kept.close(kept.incident(one))
    before = counters(kept.connection).get("heard.days_forgotten", 0)
    assert kept.forget(DAYS + 1) == 1  # the limit of LAST is a day away
    assert (kept.has(old), kept.has(last)) == (False, True)
    assert kept.forget() == 1
    assert (kept.has(last), kept.has(young)) == (False, True)
    assert kept.overdue() == []
    assert counters(kept.connection)["heard.days_forgotten"] == before + 2
    found = heard_kept(kept.connection, NOW, DAYS)
    assert found.oldest == LAST + timedelta(days=1)
    assert found.size_bytes > 0
    judged = kept.connection.execute("SELECT count(*) FROM view.signal WHERE id = %s", (old,))
    assert judged.fetchone() == (1,)  # what was decided stays in the log and its tables
    kept.connection.rollback()


def test_a_day_stays_while_a_signal_waits_or_was_set_aside(kept: Kept) -> None:
    waiting = kept.hear(OLD, judged=False)
    aside = kept.hear(LAST, judged=False)
    kept.owner.execute("DELETE FROM heard.pending WHERE signal = %s", (aside,))
    kept.owner.execute(
        "INSERT INTO heard.quarantined VALUES (%s, now(), 5, 'it cannot be judged')", (aside,)
    )
    kept.owner.commit()
    assert kept.forget() == 0
    assert kept.overdue() == [(OLD, "waiting"), (LAST, "set_aside")]
    assert kept.has(waiting)
    assert kept.has(aside)


def test_a_day_stays_while_the_incident_of_a_signal_is_not_over(kept: Kept) -> None:
    """Also where it lives on in another one; it holds no other day back."""
    first, other = kept.hear(OLD), kept.hear(LAST)
    into = kept.desk.open()
    kept.close(kept.incident(other))
    merged = kept.incident(first)
    assert kept.forget() == 1
    assert kept.overdue() == [(OLD, "open_incident")]
    kept.desk.do(MergeIncidents(merged, into))
    assert kept.forget() == 0
    assert kept.overdue() == [(OLD, "open_incident")]
    kept.close(into)
    assert kept.forget() == 1
    assert not kept.has(first)


def test_no_young_day_goes_whoever_asks(kept: Kept) -> None:
    for days in (0, HEARD_DAYS_MIN - 1, HEARD_DAYS_MAX + 1):
        with pytest.raises(ValueError, match="days"):
            kept.forget(days)
    prepare_partitions(kept.owner, TODAY - timedelta(days=36))
    for _ in range(20):
        kept.connection.execute("SELECT log.forget_messages(now() + interval '9 years')")
        kept.connection.commit()
    oldest = heard_kept(kept.connection, NOW, DAYS).oldest
    assert oldest is not None
    assert oldest >= TODAY - timedelta(days=35)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        kept.connection.execute("DELETE FROM heard.message")
    kept.connection.rollback()


def test_whoever_reads_is_not_kept_waiting_for_long(kept: Kept, urls: Urls) -> None:
    old = kept.hear(OLD)
    kept.close(kept.incident(old))
    with connect(urls.application) as reader:
        reader.execute("SELECT count(*) FROM heard.message").fetchone()
        assert kept.forget() == 0  # somebody reads: another time
        reader.rollback()
    assert kept.has(old)
    assert kept.forget() == 2  # the day behind it too


# -- what has no day of its own -------------------------------------------------------------------

STRAY = TODAY - timedelta(days=2_000)  # no day is prepared there


@pytest.fixture
def strays(kept: Kept) -> Kept:
    """Without the days that were prepared."""
    while kept.forget():
        continue
    return kept


def test_what_has_no_day_of_its_own_is_seen_and_goes_in_its_time(strays: Kept) -> None:
    first, last = strays.hear(STRAY, signals=3), strays.hear(STRAY + timedelta(days=3))
    ahead = strays.hear(TODAY + timedelta(days=40))
    found = heard_kept(strays.connection, NOW, DAYS)
    days = (STRAY, STRAY + timedelta(days=3), TODAY + timedelta(days=40))
    assert (found.strays, found.stray_days) == (3, days)
    assert strays.overdue() == [(day, "open_incident") for day in days[:2]]
    assert strays.forget() == 0
    for one in (first, last, ahead):
        strays.close(strays.incident(one))
    before = counters(strays.connection).get("heard.strays_forgotten", 0)
    assert strays.forget(2_000) == 0
    assert strays.forget(1_999) == 1
    assert (strays.has(first), strays.has(last)) == (False, True)
    assert strays.forget() == 1
    assert (strays.has(last), strays.has(ahead)) == (False, True)
    assert strays.forget() == 0
    assert counters(strays.connection)["heard.strays_forgotten"] == before + 2
    assert heard_kept(strays.connection, NOW, DAYS).strays == 1
    rows = strays.connection.execute(
        "SELECT count(*) FROM heard.further WHERE message = %s", (first,)
    )
    assert rows.fetchone() == (0,)


def test_a_stray_stays_while_its_signal_waits(strays: Kept) -> None:
    waiting = strays.hear(STRAY, judged=False)
    assert strays.forget() == 0
    assert strays.overdue() == [(STRAY, "waiting")]
    assert strays.has(waiting)


def test_strays_go_some_at_a_time(strays: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_CHUNK", 2)
    for one in [strays.hear(STRAY) for _ in range(3)]:
        strays.close(strays.incident(one))
    assert [strays.forget(), strays.forget(), strays.forget()] == [2, 1, 0]


def test_no_young_stray_goes_whoever_asks(strays: Kept) -> None:
    """As where no day was prepared: its rows stay without one for good."""
    ahead = strays.hear(TODAY + timedelta(days=40))
    strays.close(strays.incident(ahead))
    strays.connection.execute("SELECT log.forget_stray_messages(now() + interval '9 years', 9)")
    strays.connection.commit()
    assert strays.has(ahead)


def test_who_reads_holds_no_stray_back_and_who_writes_does(strays: Kept, urls: Urls) -> None:
    old = strays.hear(STRAY)
    strays.close(strays.incident(old))
    with connect(urls.application) as other:
        other.execute("SELECT count(*) FROM heard.message").fetchone()
        with connect(urls.application) as writer:
            writer.execute("DELETE FROM heard.pending WHERE signal = %s", (old,))
            assert strays.forget() == 0
            writer.rollback()
        assert strays.forget() == 1
        other.rollback()
