"""Texts of the advice: why a unit is recommended or not, and what is missing."""

from __future__ import annotations

from typing import Final

from tocsin.core.dispatch import AdviceCode, AdviceReason, Shortfall
from tocsin.core.texts.refusals import fill
from tocsin.core.texts.text import Text

ADVICE: Final[dict[AdviceCode, Text]] = {
    AdviceCode.CLOSEST: Text("最快到达的{capability}力量", "Quickest with: {capability}"),
    AdviceCode.CAPABILITY: Text("提供所需能力：{capability}", "Gives what is needed: {capability}"),
    AdviceCode.NEXT_BEST: Text("后备：{capability}", "In reserve: {capability}"),
    AdviceCode.NOT_NEEDED: Text("不具备仍需的能力", "Has nothing that is still needed"),
    AdviceCode.DIVERTING: Text(
        "需从 P{level} 警情改派：{capability}", "Would leave a P{level} incident: {capability}"
    ),
    AdviceCode.POSITION_STALE: Text("位置已 {age_min} 分钟未更新", "Position is {age_min} min old"),
    AdviceCode.NO_ROAD_TIME: Text("无行车时间", "No road time known"),
    AdviceCode.STRAIGHT_LINE: Text("按直线距离估算", "Estimated by straight line"),
}

SHORTFALL: Final = Text("缺 {missing} 个：{capability}", "Short of {missing}: {capability}")


def advice_text(reason: AdviceReason) -> Text:
    """The reason as a dispatcher reads it."""
    return fill(ADVICE[reason.code], reason.params)


def shortfall_text(shortfall: Shortfall) -> Text:
    """The shortfall as a dispatcher reads it."""
    return fill(SHORTFALL, {"missing": shortfall.missing, "capability": shortfall.capability})
