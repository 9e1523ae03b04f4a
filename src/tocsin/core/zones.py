"""Zones: what watches what at a site, as the register names it and the site's devices report it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class ZoneKind(StrEnum):
    """What a zone is watched by. Two kinds that agree confirm each other; one kind twice does not
    always (EN 54 and EN 50131 name the technologies alike)."""

    SMOKE = "smoke"
    HEAT = "heat"
    MANUAL_CALL_POINT = "manual_call_point"
    INTRUSION = "intrusion"
    PERIMETER = "perimeter"
    GLASS_BREAK = "glass_break"
    PANIC = "panic"
    HOLDUP = "holdup"
    MEDICAL = "medical"
    GAS = "gas"
    WATER = "water"
    TAMPER = "tamper"
    TECHNICAL = "technical"
    OTHER = "other"


class Delay(StrEnum):
    """Whether somebody who belongs there may pass for a while before it alarms."""

    NONE = ""
    ENTRY = "entry"
    EXIT = "exit"
    ENTRY_EXIT = "entry_exit"


ZONE_CHARS_MAX: Final = 8
_NUMBER: Final = re.compile(rf"[0-9A-Za-z]{{1,{ZONE_CHARS_MAX}}}")


def zone_number(said: str) -> str:
    """A zone's number as registers and devices are compared: `007`, `07` and `7` are one zone.

    Empty for what can be no zone's number.
    """
    said = said.strip()
    if not _NUMBER.fullmatch(said):
        return ""
    return (said.lstrip("0") or "0").upper()
