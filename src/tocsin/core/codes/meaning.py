"""What one code says: its effect, type and level, what its number counts, and its texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level

NEW: Final = "1"  # new event, or opening
RESTORED: Final = "3"  # restore, or closing
STILL_PRESENT: Final = "6"  # reported before and still so
QUALIFIERS: Final = (NEW, RESTORED, STILL_PRESENT)


class Number(StrEnum):
    """What the number beside a code counts. A user's number is a person's: no text repeats it."""

    ZONE = "zone"
    USER = "user"
    PARTITION = "partition"
    DOOR = "door"
    DEVICE = "device"  # a module, line, receiver, printer, output, or one of the maker's own
    NONE = "none"  # the code has no number; whatever stands there is not shown
    UNKNOWN = "unknown"  # the code is not in our tables


_NAMED: Final[dict[Number, tuple[str, str]]] = {
    Number.ZONE: ("，防区 {}", ", zone {}"),
    Number.PARTITION: ("，分区 {}", ", partition {}"),
    Number.DOOR: ("，门 {}", ", door {}"),
    Number.DEVICE: ("，编号 {}", ", no. {}"),
    Number.UNKNOWN: ("，编号 {}", ", no. {}"),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a signal says. `needs_answer`: somebody must act, so it opens an incident.

    `text_zh` and `text_en` name the zone (partition, door, device) where the signal gives one.
    """

    effect: Effect
    type: IncidentType
    level: Level
    text_zh: str
    text_en: str
    number: Number = Number.NONE
    needs_answer: bool = False


def needs_answer(effect: Effect) -> bool:
    """Whether somebody must act, where nobody has said otherwise. In doubt, yes."""
    return effect in (Effect.ALARM, Effect.TROUBLE, Effect.UNKNOWN)


def said(
    effect: Effect,
    incident_type: IncidentType,
    level: Level,
    texts: tuple[str, str],
    number: Number = Number.NONE,
) -> Meaning:
    """A meaning that needs an answer as its effect does. `texts`: Chinese, English."""
    return Meaning(effect, incident_type, level, *texts, number, needs_answer(effect))


def by_qualifier(event: Meaning, qualifier: str) -> Meaning:
    """An alarm or trouble by its Contact ID qualifier: it restores, goes on, or (in doubt) is new.
    Any other effect is the same whatever the qualifier."""
    if event.effect not in (Effect.ALARM, Effect.TROUBLE):
        return event
    if qualifier == RESTORED:
        return replace(
            event,
            effect=Effect.RESTORE,
            text_zh=f"{event.text_zh}恢复",
            text_en=f"{event.text_en}, restored",
            needs_answer=False,
        )
    if qualifier != STILL_PRESENT:
        return event
    texts = (f"{event.text_zh}，仍未恢复", f"{event.text_en}, still present")
    if event.effect is Effect.TROUBLE:
        # A trouble reported before opens nothing again; an alarm that is still there does.
        return said(Effect.STATUS, event.type, event.level, texts, event.number)
    return replace(event, text_zh=texts[0], text_en=texts[1])


def numbered(found: Meaning, number: str) -> Meaning:
    """The meaning with its number named, unless that is a user's. 0 stands for the whole system."""
    shown = shown_number(number)
    if not shown or found.number not in _NAMED:
        return found
    zh, en = _NAMED[found.number]
    return replace(
        found, text_zh=found.text_zh + zh.format(shown), text_en=found.text_en + en.format(shown)
    )


def unnumbered(found: Meaning, number: str) -> tuple[str, str]:
    """The meaning's texts, Chinese and English, without the number that `numbered` has named."""
    zh, en = _NAMED.get(found.number, ("", ""))
    shown = shown_number(number)
    if not shown:
        return found.text_zh, found.text_en
    return (
        found.text_zh.removesuffix(zh.format(shown)),
        found.text_en.removesuffix(en.format(shown)),
    )


def shown_number(number: str) -> str:
    """The number without leading zeros; empty for the whole system."""
    return number.lstrip("0")
