"""What a code means: Contact ID events (SIA DC-05) and SIA two-letter codes (SIA DC-03).

The tables are in `code_contact_id` and `code_sia`; this module reads code and qualifier together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tocsin.core import code_contact_id as cid
from tocsin.core import code_sia as sia
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import IncidentType, Level

NEW: Final = "1"  # new event, or opening
RESTORED: Final = "3"  # restore, or closing
STILL_PRESENT: Final = "6"  # reported before and still so


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a signal says; the texts name the zone where the code is about one."""

    effect: Effect
    type: IncidentType
    level: Level
    text_zh: str
    text_en: str
    about_zone: bool = False


UNKNOWN: Final = Meaning(Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4, "代码不明", "Unknown code")
UNREADABLE: Final = Meaning(
    Effect.UNKNOWN, IncidentType.UNKNOWN, Level.P4, "内容无法读取", "Content cannot be read"
)
# DC-09 NULL: the link test of the standard, no event.
LINK_TEST: Final = Meaning(Effect.TEST, IncidentType.UNKNOWN, Level.P4, "链路测试", "Link test")

# Zones that stand for the whole system.
_NO_ZONE: Final = frozenset({"", "0"})


def meaning(read: SignalRead) -> Meaning:
    """What the device said, in the field's terms. An unknown code is said to be unknown."""
    found = _meaning(read.token, read.code, read.qualifier, bool(read.text))
    zone = read.zone.lstrip("0")
    if found.effect is Effect.UNKNOWN and read.code:
        return _with(found, f"{found.text_zh} {read.code}", f"{found.text_en} {read.code}")
    if not found.about_zone or zone in _NO_ZONE:
        return found
    return _with(found, f"{found.text_zh}，防区 {zone}", f"{found.text_en}, zone {zone}")


def _with(found: Meaning, zh: str, en: str) -> Meaning:
    return Meaning(found.effect, found.type, found.level, zh, en, found.about_zone)


@lru_cache(maxsize=2_048)
def _meaning(token: str, code: str, qualifier: str, has_text: bool) -> Meaning:
    # A pure look-up: remembered because a storm repeats few codes very often.
    if not code:
        return LINK_TEST if token == "NULL" and not has_text else UNREADABLE  # noqa: S105
    if token.startswith("ADM-CID"):
        return _contact_id(code, qualifier)
    if token.startswith("SIA-DCS"):
        return _sia(code)
    return UNKNOWN


def _contact_id(code: str, qualifier: str) -> Meaning:
    alarm = cid.ALARMS.get(code) or cid.ALARM_GROUPS.get(code[:2])
    if alarm is not None:
        return _occurring(Effect.ALARM, *alarm, qualifier)
    trouble = cid.TROUBLES.get(code)
    if trouble is None and code not in cid.STATUSES and code not in cid.TESTS:
        trouble = cid.TROUBLE_GROUPS.get(code[:1])
    if trouble is not None:
        return _occurring(Effect.TROUBLE, IncidentType.TECHNICAL, Level.P4, *trouble, qualifier)
    test = cid.TESTS.get(code)
    if test is not None:
        return Meaning(Effect.TEST, IncidentType.UNKNOWN, Level.P4, *test)
    status = cid.STATUSES.get(code) or cid.STATUS_GROUPS.get(code[:1])
    if status is None:
        return UNKNOWN
    zh, en = status[2:] if qualifier == RESTORED else status[:2]
    # Most of these carry a user's number in the zone field: it is not repeated in a text.
    about_zone = code.startswith("57")
    return Meaning(Effect.STATUS, IncidentType.UNKNOWN, Level.P4, zh, en, about_zone)


def _occurring(
    effect: Effect, incident_type: IncidentType, level: Level, zh: str, en: str, qualifier: str
) -> Meaning:
    """An alarm or trouble by its qualifier: it restores, goes on, or (in doubt) is new."""
    about_zone = en != cid.ALARMS["121"][3]  # duress carries the user's number
    if qualifier == RESTORED:
        return Meaning(
            Effect.RESTORE, incident_type, level, f"{zh}恢复", f"{en}, restored", about_zone
        )
    if qualifier == STILL_PRESENT:
        # A trouble reported before opens nothing again; an alarm still there does, in doubt.
        goes_on = Effect.STATUS if effect is Effect.TROUBLE else effect
        return Meaning(
            goes_on, incident_type, level, f"{zh}，仍未恢复", f"{en}, still present", about_zone
        )
    return Meaning(effect, incident_type, level, zh, en, about_zone)


def _sia(code: str) -> Meaning:
    single = sia.SINGLES.get(code)
    if single is not None:
        effect, incident_type, level, zh, en = single
        return Meaning(effect, incident_type, level, zh, en, effect is not Effect.TEST)
    status = sia.STATUSES.get(code)
    if status is not None:
        return Meaning(Effect.STATUS, IncidentType.UNKNOWN, Level.P4, *status)
    family = sia.FAMILIES.get(code[:1])
    condition = sia.CONDITIONS.get(code[1:])
    if family is None or condition is None:
        return UNKNOWN
    incident_type, level, family_zh, family_en = family
    effect, condition_zh, condition_en = condition
    if effect is Effect.TROUBLE:
        incident_type, level = IncidentType.TECHNICAL, Level.P4
    return Meaning(
        effect,
        incident_type,
        level,
        f"{family_zh}{condition_zh}",
        f"{family_en} {condition_en}",
        about_zone=effect is not Effect.TEST,
    )
