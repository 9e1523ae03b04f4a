"""What the values of a public warning are called, and what is wrong with a field of one."""

from __future__ import annotations

from typing import Final

from tocsin.core.texts.text import Text
from tocsin.core.warnings import (
    EVENT_CHARS_MAX,
    GEOCODE_CHARS_MAX,
    GEOCODES_MAX,
    HEADLINE_CHARS_MAX,
    POINTS_MAX,
    RADIUS_KM_MAX,
    TEXT_CHARS_MAX,
    Category,
    Certainty,
    Kind,
    Severity,
    Urgency,
    Wrong,
)

URGENCIES: Final[dict[Urgency, Text]] = {
    Urgency.IMMEDIATE: Text("立即", "Immediate: act now"),
    Urgency.EXPECTED: Text("很快（一小时内）", "Expected: act within the hour"),
    Urgency.FUTURE: Text("将来", "Future: act in the near future"),
    Urgency.PAST: Text("已过去", "Past: no action needed any more"),
    Urgency.UNKNOWN: Text("未知", "Unknown"),
}
SEVERITIES: Final[dict[Severity, Text]] = {
    Severity.EXTREME: Text("特别严重", "Extreme"),
    Severity.SEVERE: Text("严重", "Severe"),
    Severity.MODERATE: Text("较重", "Moderate"),
    Severity.MINOR: Text("一般", "Minor"),
    Severity.UNKNOWN: Text("未知", "Unknown"),
}
CERTAINTIES: Final[dict[Certainty, Text]] = {
    Certainty.OBSERVED: Text("已发生或正在发生", "Observed: it has happened or goes on"),
    Certainty.LIKELY: Text("很可能（概率超过 50%）", "Likely: more than 50%"),
    Certainty.POSSIBLE: Text("可能（概率不超过 50%）", "Possible: 50% or less"),
    Certainty.UNLIKELY: Text("不太可能", "Unlikely"),
    Certainty.UNKNOWN: Text("未知", "Unknown"),
}
CATEGORIES: Final[dict[Category, Text]] = {
    Category.FIRE: Text("火灾", "Fire"),
    Category.GEO: Text("地质", "Geophysical"),
    Category.MET: Text("气象", "Meteorological"),
    Category.SAFETY: Text("公共安全", "Public safety"),
    Category.SECURITY: Text("治安", "Security"),
    Category.RESCUE: Text("救援", "Rescue"),
    Category.HEALTH: Text("公共卫生", "Health"),
    Category.ENV: Text("环境", "Environment"),
    Category.TRANSPORT: Text("交通", "Transport"),
    Category.INFRA: Text("基础设施", "Infrastructure"),
    Category.CBRNE: Text("核生化爆", "Chemical, biological, radiological, nuclear, explosive"),
    Category.OTHER: Text("其他", "Other"),
}
KINDS: Final[dict[Kind, Text]] = {
    Kind.ALERT: Text("预警", "Warning"),
    Kind.UPDATE: Text("更新", "Update"),
    Kind.CANCEL: Text("解除", "Cancellation"),
}
WRONGS: Final[dict[Wrong, Text]] = {
    Wrong.EMPTY: Text("不能为空", "It must not be empty."),
    Wrong.TOO_LONG: Text(
        f"过长：事件 {EVENT_CHARS_MAX}、标题和区域 {HEADLINE_CHARS_MAX}、"
        f"正文 {TEXT_CHARS_MAX} 个字符以内",
        f"It is too long: {EVENT_CHARS_MAX} characters for the event, {HEADLINE_CHARS_MAX} for"
        f" headline and area, {TEXT_CHARS_MAX} for texts.",
    ),
    Wrong.CHARACTERS: Text("含有无法发布的字符", "It has characters that cannot be published."),
    Wrong.VALIDITY: Text(
        "有效时间应为 15 分钟至 72 小时", "It is valid for 15 minutes to 72 hours."
    ),
    Wrong.NO_AREA: Text(
        "请给出圆形、多边形或区域编码之一", "Give a circle, a polygon or a code of the area."
    ),
    Wrong.PLACE: Text("不是有效的经纬度", "That is no latitude and longitude."),
    Wrong.RADIUS: Text(
        f"半径应大于 0，不超过 {RADIUS_KM_MAX:g} 公里",
        f"The radius is more than 0 and at most {RADIUS_KM_MAX:g} km.",
    ),
    Wrong.POLYGON: Text(
        f"每行一个“纬度,经度”，4 至 {POINTS_MAX} 个点，首尾相同",
        f"One “latitude,longitude” a line, 4 to {POINTS_MAX} points, the last as the first.",
    ),
    Wrong.GEOCODE: Text(
        f"每行一个“名称=编码”，最多 {GEOCODES_MAX} 行，名称和编码各 {GEOCODE_CHARS_MAX} 个字符以内",
        f"One “list=code” a line, at most {GEOCODES_MAX} lines, {GEOCODE_CHARS_MAX} characters for"
        " a list and for a code.",
    ),
}
