"""A clock that was set: what counts as a jump, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.world import SYSTEM, World
from tocsin.core.clock_jumps import (
    JUMP_MIN,
    Cause,
    Jump,
    OpenClockIncident,
    Reading,
    behind,
    jump,
    source_key,
    span,
    title,
    told,
    until_of,
)
from tocsin.core.incidents.facts import IncidentOpened
from tocsin.core.incidents.state import Band, band

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOURS = timedelta(hours=6)


def after(seconds: float, by: timedelta) -> Jump | None:
    """What is seen so many seconds later, where the clock was set by so much meanwhile."""
    now = Reading(NOON + timedelta(seconds=seconds) + by, 100 + seconds)
    return jump(Reading(NOON, 100), now)


def test_what_goes_on_is_no_jump() -> None:
    assert after(0, timedelta()) is None
    assert after(86_400, timedelta()) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_a_small_step_is_none_and_one_more_is(sign: int) -> None:
    assert after(0, sign * JUMP_MIN) is None
    assert after(0, sign * (JUMP_MIN + timedelta(milliseconds=1))) is not None
    # While the database is away nobody looks for hours: what slewing may do meanwhile is no jump.
    assert after(10_000, sign * (JUMP_MIN + timedelta(seconds=10))) is None
    assert after(10_000, sign * (JUMP_MIN + timedelta(seconds=10.001))) is not None


def test_back_says_until_when_times_repeat() -> None:
    at = NOON + timedelta(seconds=1)
    assert after(1, -HOURS) == Jump(Cause.SET_BACK, HOURS, at - HOURS, at)
    assert after(1, HOURS) == Jump(Cause.SET_AHEAD, HOURS, at + HOURS)


def test_a_record_of_a_later_time_is_told_once() -> None:
    assert behind(None, NOON, None) is None
    assert behind(NOON + JUMP_MIN, NOON, None) is None
    later = NOON + HOURS
    assert behind(later, NOON, None) == Jump(Cause.BEHIND_RECORD, HOURS, NOON, later)
    assert behind(later, NOON, later - JUMP_MIN) is None  # that is known
    assert behind(later, NOON, later - JUMP_MIN - timedelta(milliseconds=1)) is not None


def test_the_incident_says_how_far_and_until_when() -> None:
    world = World()
    command = OpenClockIncident(Cause.SET_BACK, 21_600, NOON, "north", "city")
    [opened] = world.do(command, SYSTEM)
    assert isinstance(opened, IncidentOpened)
    assert opened.title_en == "System clock was set back by 6 h"
    assert opened.title_zh == "系统时钟被拨回 6 小时"
    assert opened.due_at is not None
    [incident] = world.incidents()
    assert band(world.incident(incident)) is Band.WATCH
    assert until_of(opened.source_key) == NOON
    assert until_of(source_key(None)) is None


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (6, "6 秒", "6 s"),
        (60, "1 分", "1 min"),
        (61, "1 分 1 秒", "1 min 1 s"),
        (3_605, "1 小时", "1 h"),
        (23_400, "6 小时 30 分", "6 h 30 min"),
        (86_400 * 400 + 3_600, "400 天 1 小时", "400 d 1 h"),
    ],
)
def test_how_far_is_said_in_two_units(seconds: int, zh: str, en: str) -> None:
    assert span(seconds) == (zh, en)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_words(cause: Cause) -> None:
    assert all(title(cause, 21_600))
    text = told(cause, 21_600)
    assert title(cause, 21_600).zh in text
    assert title(cause, 21_600).en in text
    assert "block rules" in text
    assert "屏蔽规则" in text
