"""The clock that was set: back, so that times repeat and deadlines speak late, or ahead. Tocsin
says so itself, since all that people read on screens has its time from that clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from tocsin.core.incidents.facts import IncidentOpened
from tocsin.core.probing import technical
from tocsin.core.terms import Context, SubjectKind
from tocsin.core.texts.text import Text

JUMP_MIN: Final = timedelta(seconds=5)
"""A smaller step is no news."""

SLEW_MAX: Final = 0.001
"""Of the time that went by: so far a clock may be moved by slewing, twice what NTP does (RFC 5905,
section 7.1), and that is no jump."""

KEY: Final = "clock/"
"""What the source keys of these incidents begin with; the rest is until when times repeat."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks of a machine at one moment: the one that anybody may set, and seconds that only
    go on."""

    wall: datetime
    monotonic_s: float


class Cause(StrEnum):
    SET_BACK = "set_back"
    SET_AHEAD = "set_ahead"
    BEHIND_RECORD = "behind_record"  # not seen: what is on record is of a later time


@dataclass(frozen=True, slots=True)
class Jump:
    """`by`: how far, more than zero. `until`: when times no longer repeat; None for one ahead."""

    cause: Cause
    by: timedelta
    at: datetime
    until: datetime | None = None


def jump(before: Reading, now: Reading) -> Jump | None:
    """What was done to the clock between the two readings; None for nothing worth telling."""
    went_s = now.monotonic_s - before.monotonic_s
    should_be = before.wall + timedelta(seconds=went_s)
    by = now.wall - should_be
    if abs(by) <= JUMP_MIN + timedelta(seconds=went_s * SLEW_MAX):
        return None
    if by > timedelta():
        return Jump(Cause.SET_AHEAD, by, now.wall)
    return Jump(Cause.SET_BACK, -by, now.wall, should_be)


def behind(newest: datetime | None, now: datetime, until: datetime | None) -> Jump | None:
    """`newest` is the newest time on record; `until` when times no longer repeat, as far as it is
    known already. None where the record tells nothing new."""
    if newest is None or newest - now <= JUMP_MIN:
        return None
    if until is not None and newest <= until + JUMP_MIN:
        return None
    return Jump(Cause.BEHIND_RECORD, newest - now, now, newest)


# -- the incident ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenClockIncident:
    """The clock was set, or lags behind the record, by `seconds`."""

    cause: Cause
    seconds: int
    until: datetime | None
    district: str
    agency: str
    type: Literal["open_clock_incident"] = "open_clock_incident"


def source_key(until: datetime | None) -> str:
    """Tells the open incident again."""
    return KEY + ("" if until is None else until.isoformat())


def until_of(key: str) -> datetime | None:
    """Of an incident with this source key: when times no longer repeat; None: they never did."""
    rest = key.removeprefix(KEY)
    return datetime.fromisoformat(rest) if rest else None


def span(seconds: int) -> Text:
    """How long, in its two greatest units."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    units = (
        (days, "天", "d"),
        (hours, "小时", "h"),
        (minutes, "分", "min"),
        (rest, "秒", "s"),
    )
    first = next((place for place, (n, _, _) in enumerate(units) if n), len(units) - 1)
    used = [one for one in units[first : first + 2] if one[0]] or [units[-1]]
    return Text(
        " ".join(f"{n} {zh}" for n, zh, _ in used), " ".join(f"{n} {en}" for n, _, en in used)
    )


def title(cause: Cause, seconds: int) -> Text:
    """Of the incident: what was done to the clock, and how far."""
    zh, en = span(seconds)
    match cause:
        case Cause.SET_BACK:
            return Text(f"系统时钟被拨回 {zh}", f"System clock was set back by {en}")
        case Cause.SET_AHEAD:
            return Text(f"系统时钟被拨快 {zh}", f"System clock was set ahead by {en}")
        case Cause.BEHIND_RECORD:
            return Text(f"系统时钟落后于记录 {zh}", f"System clock is {en} behind the record")


def told(cause: Cause, seconds: int) -> str:
    """What it means, said on the incident in both languages, since a note has one text."""
    zh, en = span(seconds)
    what_zh, what_en = title(cause, seconds)
    if cause is Cause.SET_AHEAD:
        return (
            f"{what_zh}，或本机曾停止运行这么久。屏幕上的时间有 {zh} 的空缺；时限、挂起、测试和"
            f"屏蔽规则会提前到期。请核对挂起的警情、测试和屏蔽规则，并查明时钟为何改变。"
            f" / {what_en}, or this machine stood still for so long. Times on screens have a gap"
            f" of {en}; deadlines, holds, tests and block rules run out early. Look at what is"
            f" held, on test and blocked, and find out what changed the clock."
        )
    return (
        f"{what_zh}。今后 {zh} 内，屏幕上的时间会与已有记录重复：先后请看编号，不要看时间。此前开始"
        f"的时限和挂起最多晚 {zh} 提醒；此前设定的测试和屏蔽规则最多多持续 {zh}。请立即核对等待中和"
        f"挂起的警情、测试和屏蔽规则，并查明时钟为何改变。"
        f" / {what_en}. For the next {en}, times on screens repeat those already on record: go by"
        f" numbers, not by times. Deadlines and holds that were running speak up to {en} late;"
        f" tests and block rules that were set last up to {en} longer. Look now at what waits, is"
        f" held, on test and blocked, and find out what changed the clock."
    )


OVER: Final = (
    "时钟已走过被拨回前的时刻，此后的时间不再重复。请核实原因后结案。"
    " / The clock has passed the time from which it was set back: times no longer repeat. Find out"
    " why it was set, then close."
)


def decide(
    command: OpenClockIncident, context: Context
) -> list[tuple[SubjectKind, UUID, IncidentOpened]]:
    """The incident that tells of it."""
    name = title(command.cause, command.seconds)
    whose = (command.district, command.agency)
    return technical(whose, source_key(command.until), name, context)
