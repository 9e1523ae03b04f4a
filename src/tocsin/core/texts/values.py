"""How a value in a text is shown: list members by their text, times as a clock shows them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Any

from tocsin.core.texts.lists import LISTS


def shown(value: Any, language: str, zone: tzinfo = UTC) -> str:
    """The value as a sentence shows it. A time of a desk's zone is a plain clock time; where no
    zone is known it is UTC and says so: `12:00:05Z`."""
    if isinstance(value, Enum) and type(value) in LISTS:
        return LISTS[type(value)][value].of(language)
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%H:%M:%S}{'Z' if zone is UTC else ''}"
    if isinstance(value, list | tuple):
        between = "、" if language == "zh" else ", "
        return between.join(shown(one, language, zone) for one in value)
    return "–" if value is None or value == "" else str(value)
