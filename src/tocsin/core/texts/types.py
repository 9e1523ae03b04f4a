"""Texts of the incident types. By themselves, because an incident's title is made of one."""

from __future__ import annotations

from typing import Final

from tocsin.core.terms import IncidentType
from tocsin.core.texts.text import Text

INCIDENT_TYPES: Final[dict[IncidentType, Text]] = {
    IncidentType.FIRE: Text("火警", "Fire"),
    IncidentType.MEDICAL: Text("急救", "Medical emergency"),
    IncidentType.RESCUE: Text("救援", "Rescue"),
    IncidentType.TRAFFIC: Text("交通事故", "Traffic collision"),
    IncidentType.HOLDUP: Text("抢劫", "Hold-up"),
    IncidentType.PANIC: Text("紧急求助", "Panic alarm"),
    IncidentType.BURGLARY: Text("入侵盗窃", "Burglary"),
    IncidentType.PUBLIC_ORDER: Text("治安警情", "Public order"),
    IncidentType.GAS: Text("燃气泄漏", "Gas leak"),
    IncidentType.HAZMAT: Text("危险化学品事故", "Hazardous materials"),
    IncidentType.TECHNICAL: Text("设备故障", "Technical fault"),
    IncidentType.UNKNOWN: Text("类型不明", "Type unknown"),
}
