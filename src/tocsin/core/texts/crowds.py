"""Titles of the cards that exceptions share."""

from __future__ import annotations

from typing import Final

from tocsin.core.incidents.crowd import ExceptionKind
from tocsin.core.texts.text import Text

CROWDS: Final[dict[ExceptionKind, Text]] = {
    ExceptionKind.TROUBLE: Text("多处设备故障（汇总）", "Equipment troubles, many sites"),
    ExceptionKind.UNKNOWN_CODE: Text("多处未知代码（汇总）", "Unknown codes, many sites"),
    ExceptionKind.UNKNOWN_ALARM: Text(
        "多个未登记来源报警（汇总）", "Alarms of many unknown sources"
    ),
    ExceptionKind.UNKNOWN_SOURCE: Text("多个未登记来源（汇总）", "Signals of many unknown sources"),
    ExceptionKind.LATE: Text("多处迟到报警（汇总）", "Late alarms, many sites"),
}
