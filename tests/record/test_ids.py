"""Ids sort in the order they were made in, whatever the clock does."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.record.heard import BATCH_MAX
from tocsin.record.heard_rows import SIGNALS_MAX
from tocsin.record.ids import (
    PLACES,
    OrderedIds,
    first_at,
    following,
    milliseconds,
    time_of,
    uuid7,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, 123_000, tzinfo=UTC)


def made(ids: OrderedIds, ms: int) -> UUID:
    return UUID(bytes=ids.next(ms, os.urandom(6)))


@given(st.lists(st.integers(0, 2**47), min_size=2, max_size=50))
def test_whatever_the_clock_says_each_id_is_greater_than_the_last(clock: list[int]) -> None:
    ids = OrderedIds()
    found = [made(ids, ms) for ms in clock]
    assert found == sorted(found)
    assert len(set(found)) == len(found)
    assert {one.version for one in found} == {7}


def test_the_ids_behind_one_belong_to_it_and_come_before_the_next() -> None:
    ids, ms = OrderedIds(), milliseconds(NOW)
    one, other = made(ids, ms), made(ids, ms)
    last = following(one, PLACES - 1)
    assert one < following(one, 1) < last < other
    assert following(following(one, 3), 4) == following(one, 7)
    assert time_of(last) == NOW
    with pytest.raises(ValueError, match="no 65536 ids behind it"):
        following(one, PLACES)
    with pytest.raises(ValueError, match="no 1 ids behind it"):
        following(last, 1)
    assert BATCH_MAX * SIGNALS_MAX < PLACES


def test_before_1970_there_is_no_id() -> None:
    assert first_at(datetime(1969, 12, 31, tzinfo=UTC)) == first_at(
        datetime(1970, 1, 1, tzinfo=UTC)
    )


def test_more_than_4096_of_one_millisecond_go_on_in_the_next() -> None:
    ids, ms = OrderedIds(), milliseconds(NOW)
    found = [made(ids, ms) for _ in range(4_097)]
    assert found == sorted(found)
    assert time_of(found[4_095]) == NOW
    assert time_of(found[4_096]) == NOW + timedelta(milliseconds=1)


def test_a_clock_that_was_set_back_is_waited_for() -> None:
    ids, ms = OrderedIds(), milliseconds(NOW)
    before = made(ids, ms)
    back = made(ids, ms - 3_600_000)
    assert back > before
    assert time_of(back) == NOW
    assert time_of(made(ids, ms + 1)) == NOW + timedelta(milliseconds=1)


@pytest.mark.parametrize("make", [uuid7, lambda at: made(OrderedIds(), milliseconds(at))])
def test_an_id_holds_its_time_and_is_bounded_by_it(make) -> None:  # type: ignore[no-untyped-def]
    one = make(NOW)
    assert time_of(one) == NOW
    assert first_at(NOW) <= one < first_at(NOW + timedelta(milliseconds=1))
