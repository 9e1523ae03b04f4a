"""What is of long ago: older than an hour, and not older than its protocol keeps it on the way."""

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.core.evidence import OLD_AFTER, QUEUED_AT_MOST, is_of_long_ago
from tocsin.core.signals import SignalRead

HEARD = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def is_old(protocol: str, age: timedelta, *, is_clock_off: bool = False) -> bool:
    read = SignalRead(protocol, "x", "panel", code="FA", codes="sia", occurred_at=HEARD - age)
    return is_of_long_ago(read, HEARD, is_clock_off=is_clock_off)


@pytest.mark.parametrize(
    ("protocol", "most"), [("mail", 5 * 24), ("webhook", 24), ("mqtt", 24)], ids=str
)
def test_what_is_older_than_can_be_on_the_way_has_a_wrong_clock(protocol: str, most: int) -> None:
    assert not is_old(protocol, OLD_AFTER)
    assert is_old(protocol, OLD_AFTER + SECOND)
    assert is_old(protocol, timedelta(hours=most))
    assert not is_old(protocol, timedelta(hours=most) + SECOND)
    assert not is_old(protocol, timedelta(days=2_000))  # a clock that begins in 2020
    assert QUEUED_AT_MOST[protocol] == timedelta(hours=most)


def test_a_panel_may_flush_a_memory_of_days() -> None:
    """DC-09: its clock is learnt from its polls, and it alone says whether the stamp is wrong."""
    for age in (timedelta(hours=30), timedelta(days=6), timedelta(days=2_000)):
        assert is_old("dc09", age)
        assert not is_old("dc09", age, is_clock_off=True)
