"""A crowd: exceptions that share a card because so many came at once, and what that card counts.
When they do is decided in `tocsin.core.crowds`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

SAID_MAX: Final = 8
"""Contents that a crowd tells apart; further ones count together."""

RECENT_MAX: Final = 10
"""Of so many exceptions, the latest, it is kept when they came."""


class ExceptionKind(StrEnum):
    """What an exception is: something that needs a look, and is no alarm of a known site."""

    TROUBLE = "trouble"  # equipment of a known site needs somebody
    UNKNOWN_CODE = "unknown_code"  # a known site says what is not in our tables
    UNKNOWN_ALARM = "unknown_alarm"  # an alarm of a source that nobody registered
    UNKNOWN_SOURCE = "unknown_source"  # anything else of such a source
    LATE = "late"  # an alarm of long ago


@dataclass(frozen=True, slots=True)
class Exceptions:
    """What waits of exceptions in a district of an agency: how many cards of their own, by kind,
    were opened lately and taken by nobody, and its open crowds."""

    own: tuple[tuple[ExceptionKind, int], ...] = ()
    crowds: tuple[UUID, ...] = ()


NO_EXCEPTIONS: Final = Exceptions()


@dataclass(frozen=True, slots=True)
class CrowdEntry:
    """An exception that a crowd took in: when, what it says without its number, and whether its
    sender was not in the crowd before."""

    at: datetime
    is_new: bool
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Said:
    """One content, and how many exceptions said so."""

    text_zh: str
    text_en: str
    count: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a crowd took in: how many senders are in it, and what was said. What a sender said stays
    counted when a person has taken it out."""

    senders: int = 0
    said: tuple[Said, ...] = ()
    said_else: int = 0  # exceptions whose content is not among `said`
    recent: tuple[datetime, ...] = ()


def without_one(crowd: Crowd | None) -> Crowd | None:
    """The crowd after one of its senders has got an incident of its own."""
    return None if crowd is None else replace(crowd, senders=max(0, crowd.senders - 1))


def with_one_more(crowd: Crowd | None, entry: CrowdEntry | None) -> Crowd | None:
    """The crowd after a signal has joined its card: with one exception more, if it is one."""
    if crowd is None or entry is None:
        return crowd
    said, said_else = list(crowd.said), crowd.said_else
    for place, one in enumerate(said):
        if (one.text_zh, one.text_en) == (entry.text_zh, entry.text_en):
            said[place] = replace(one, count=one.count + 1)
            break
    else:
        if len(said) < SAID_MAX:
            said.append(Said(entry.text_zh, entry.text_en, 1))
        else:
            said_else += 1
    return Crowd(
        senders=crowd.senders + entry.is_new,
        said=tuple(said),
        said_else=said_else,
        recent=(*crowd.recent, entry.at)[-RECENT_MAX:],
    )
