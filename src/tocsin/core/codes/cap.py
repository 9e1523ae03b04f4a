"""CAP 1.2 categories as alarm codes: what a warning of that category is here. Its level is the one
that the source gives; its qualifier says new (1), cancelled or expired (3), updated (6)."""

from __future__ import annotations

from typing import Final

from tocsin.core.codes.meaning import RESTORED, STILL_PRESENT, Meaning, said
from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level

# CAP 1.2, 3.2.2, category: type, Chinese, English.
CATEGORIES: Final[dict[str, tuple[IncidentType, str, str]]] = {
    "Geo": (IncidentType.RESCUE, "地质灾害预警", "Geological warning"),
    "Met": (IncidentType.RESCUE, "气象预警", "Weather warning"),
    "Safety": (IncidentType.PUBLIC_ORDER, "公共安全预警", "Public safety warning"),
    "Security": (IncidentType.PUBLIC_ORDER, "治安与安保预警", "Security warning"),
    "Rescue": (IncidentType.RESCUE, "救援警报", "Rescue alert"),
    "Fire": (IncidentType.FIRE, "火灾警报", "Fire alert"),
    "Health": (IncidentType.MEDICAL, "公共卫生预警", "Public health warning"),
    "Env": (IncidentType.HAZMAT, "环境污染预警", "Pollution warning"),
    "Transport": (IncidentType.TRAFFIC, "交通运输预警", "Transport warning"),
    "Infra": (IncidentType.TECHNICAL, "公用设施预警", "Infrastructure warning"),
    "CBRNE": (IncidentType.HAZMAT, "核生化爆威胁警报", "CBRNE alert"),
    "Other": (IncidentType.UNKNOWN, "其他预警", "Other warning"),
}
CODES: Final = tuple(CATEGORIES)

# CAP 1.2, 3.2.1: in place of the category where the message is no warning. A status other than
# Actual never alarms; Ack and Error answer what was sent.
NO_WARNINGS: Final[dict[str, tuple[Effect, str, str]]] = {
    "Exercise": (Effect.TEST, "预警演练", "Warning exercise"),
    "System": (Effect.TEST, "预警系统内部消息", "Internal message of a warning system"),
    "Test": (Effect.TEST, "预警测试", "Warning test"),
    "Draft": (Effect.TEST, "预警草稿", "Draft of a warning"),
    "Ack": (Effect.STATUS, "预警已确认收到", "Warning acknowledged"),
    "Error": (Effect.STATUS, "预警被拒收", "Warning rejected by its receiver"),
}

# A warning without a level of its own is not made less of than it may be.
LEVEL_UNSAID: Final = Level.P2

_BY_NAME: Final = {category.casefold(): rows for category, rows in CATEGORIES.items()}


def meaning_of(category: str, qualifier: str, level: Level | None) -> Meaning | None:
    """What the warning says; None for a category that CAP does not have."""
    other = NO_WARNINGS.get(category)
    if other is not None:
        effect, zh, en = other
        return said(effect, IncidentType.UNKNOWN, Level.P4, (zh, en))
    found = _BY_NAME.get(category.casefold())
    if found is None:
        return None
    incident_type, zh, en = found
    level = level or LEVEL_UNSAID
    if qualifier == RESTORED:
        texts = (f"{zh}解除", f"{en}, cancelled or expired")
        return said(Effect.RESTORE, incident_type, level, texts)
    if qualifier == STILL_PRESENT:
        zh, en = f"{zh}（更新）", f"{en}, updated"
    return said(Effect.ALARM, incident_type, level, (zh, en))
