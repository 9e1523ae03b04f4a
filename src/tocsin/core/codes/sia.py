"""SIA two-letter codes (SIA DC-03, as DC-09's SIA-DCS carries them).

Most are a family (first letter: what it is about) and a condition (second letter: what happened);
the rest are listed one by one in `sia_singles` and `sia_statuses`. Texts are ours.
"""

from __future__ import annotations

from typing import Final

from tocsin.core.codes import sia_statuses as numbers
from tocsin.core.codes.meaning import Meaning, Number, said
from tocsin.core.codes.sia_singles import ANSWERED, SINGLES
from tocsin.core.codes.sia_statuses import STATUSES
from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level

_FIRE = IncidentType.FIRE
_MEDICAL = IncidentType.MEDICAL
_PANIC = IncidentType.PANIC
_HOLDUP = IncidentType.HOLDUP
_BURGLARY = IncidentType.BURGLARY
_TECHNICAL = IncidentType.TECHNICAL
_UNKNOWN = IncidentType.UNKNOWN
_P1, _P2, _P3, _P4 = Level

_ALARM = Effect.ALARM
_RESTORE = Effect.RESTORE
_TEST = Effect.TEST
_STATUS = Effect.STATUS
_TROUBLE = Effect.TROUBLE

# first letter: type and level of its alarm, Chinese, English.
FAMILIES: Final[dict[str, tuple[IncidentType, Level, str, str]]] = {
    "B": (_BURGLARY, _P2, "入侵", "Burglary"),
    "F": (_FIRE, _P1, "火警", "Fire"),
    "G": (IncidentType.GAS, _P1, "燃气", "Gas"),
    "H": (_HOLDUP, _P1, "抢劫", "Hold-up"),
    "K": (_FIRE, _P1, "温感", "Heat"),
    "M": (_MEDICAL, _P1, "医疗", "Medical"),
    "P": (_PANIC, _P1, "紧急", "Panic"),
    "Q": (_MEDICAL, _P1, "个人紧急", "Emergency"),
    "S": (_FIRE, _P1, "喷淋", "Sprinkler"),
    "T": (_BURGLARY, _P3, "防拆", "Tamper"),
    "U": (_UNKNOWN, _P2, "未定类型防区", "Untyped zone"),
    "W": (_TECHNICAL, _P3, "漏水", "Water"),
    "Z": (_TECHNICAL, _P3, "低温冰冻", "Freeze"),
}

# second letter: effect, what follows the family's Chinese and English name.
CONDITIONS: Final[dict[str, tuple[Effect, str, str]]] = {
    "A": (_ALARM, "报警", "alarm"),
    "B": (_STATUS, "旁路", "bypass"),
    "H": (_RESTORE, "报警恢复", "alarm restored"),
    "J": (_RESTORE, "故障恢复", "trouble restored"),
    "R": (_RESTORE, "恢复", "restored"),
    "S": (_TROUBLE, "监视报警", "supervisory"),
    "T": (_TROUBLE, "故障", "trouble"),
    "U": (_STATUS, "旁路解除", "bypass ended"),
    "X": (_TEST, "测试", "test"),
}

# Every code that is known: those with a row of their own, and each family with each condition.
CODES: Final = tuple(
    sorted(
        {*SINGLES, *STATUSES, *ANSWERED}
        | {family + condition for family in FAMILIES for condition in CONDITIONS}
    )
)
_NUMBERS: Final[dict[str, Number]] = {
    **dict.fromkeys(numbers.USERS, Number.USER),
    **dict.fromkeys(numbers.PARTITIONS, Number.PARTITION),
    **dict.fromkeys(numbers.DOORS, Number.DOOR),
    **dict.fromkeys(numbers.DEVICES, Number.DEVICE),
    **dict.fromkeys(numbers.WITHOUT, Number.NONE),
}


def meaning_of(code: str) -> Meaning | None:
    """What the code says; None where it is not known."""
    number = _NUMBERS.get(code, Number.ZONE)
    if code in SINGLES:
        effect, incident_type, level, zh, en = SINGLES[code]
        return said(effect, incident_type, level, (zh, en), number)
    if code in ANSWERED:
        incident_type, level, zh, en = ANSWERED[code]
        return Meaning(_STATUS, incident_type, level, zh, en, number, needs_answer=True)
    if code in STATUSES:
        return said(_STATUS, _UNKNOWN, _P4, STATUSES[code], number)
    family = FAMILIES.get(code[:1])
    condition = CONDITIONS.get(code[1:])
    if family is None or condition is None:
        return None
    incident_type, level, family_zh, family_en = family
    effect, condition_zh, condition_en = condition
    if effect is Effect.TROUBLE:
        incident_type, level = _TECHNICAL, _P4
    texts = (f"{family_zh}{condition_zh}", f"{family_en} {condition_en}")
    return said(effect, incident_type, level, texts, number)
