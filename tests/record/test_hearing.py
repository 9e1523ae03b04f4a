"""Spans of hearing as a watch reads them: as all of them say, and without reading them all."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from tocsin.core.supervision import Hearing
from tocsin.record.database import Connection
from tocsin.record.hearing import GROWING_S_MAX, Spans, divided

NOW = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


def note(connection: Connection, began: datetime, until: datetime, intake: str = "dc09") -> None:
    connection.execute(
        "INSERT INTO ref.hearing VALUES (%s, %s, %s) ON CONFLICT (intake, began_at)"
        " DO UPDATE SET until_at = excluded.until_at",
        (intake, began, until),
    )
    connection.commit()


def total_s(spans: Spans, connection: Connection, intake: str = "dc09") -> float:
    return spans.read(connection)[intake].total_s


@pytest.fixture
def spans(connection: Connection) -> Spans:
    """Ten restarts a day apart, and one that hears still."""
    connection.execute("DELETE FROM ref.hearing")
    for ago in range(10, 0, -1):
        at = NOW - timedelta(days=ago)
        note(connection, at, at + timedelta(seconds=100))
    note(connection, NOW, NOW + timedelta(seconds=5))
    return Spans()


def test_what_grows_is_read_each_time(spans: Spans, connection: Connection) -> None:
    assert total_s(spans, connection) == pytest.approx(1_005)
    note(connection, NOW, NOW + timedelta(seconds=9))
    assert total_s(spans, connection) == pytest.approx(1_009)
    note(connection, NOW + timedelta(seconds=30), NOW + timedelta(seconds=31))  # a restart
    assert total_s(spans, connection) == pytest.approx(1_010)


def test_what_is_over_is_read_now_and_then(spans: Spans, connection: Connection) -> None:
    assert total_s(spans, connection) == pytest.approx(1_005)
    connection.execute("DELETE FROM ref.hearing WHERE began_at < %s", (NOW - timedelta(days=5),))
    note(connection, NOW, NOW + timedelta(seconds=6), intake="mqtt")
    assert total_s(spans, connection) == pytest.approx(1_005)
    spans.forget()
    assert total_s(spans, connection) == pytest.approx(505)
    assert total_s(spans, connection, "mqtt") == pytest.approx(6)


def test_spans_are_divided_where_none_reaches_across() -> None:
    rng = random.Random(3)
    for _ in range(300):
        some = [(at := rng.uniform(0, 900), at + rng.uniform(0, 200)) for _ in range(9)]
        over, growing, since = divided(some)
        assert sorted(over + growing) == sorted(some)
        assert since == min(began for began, _ in growing)
        assert all(until < since for _, until in over)
        latest = max(until for _, until in some)
        assert all(until < latest - GROWING_S_MAX for _, until in over)
        whole, apart = Hearing(some), Hearing(growing, Hearing(over, are_over=True))
        assert apart.total_s == pytest.approx(whole.total_s)
