"""What the kinds of zones and their delays are called."""

from __future__ import annotations

from typing import Final

from tocsin.core.texts.text import Text
from tocsin.core.zones import Delay, ZoneKind

ZONE_KINDS: Final[dict[ZoneKind, Text]] = {
    ZoneKind.SMOKE: Text("感烟探测器", "Smoke detector"),
    ZoneKind.HEAT: Text("感温探测器", "Heat detector"),
    ZoneKind.MANUAL_CALL_POINT: Text("手动报警按钮", "Manual call point"),
    ZoneKind.INTRUSION: Text("入侵探测器", "Intrusion detector"),
    ZoneKind.PERIMETER: Text("周界", "Perimeter"),
    ZoneKind.GLASS_BREAK: Text("玻璃破碎探测器", "Glass break detector"),
    ZoneKind.PANIC: Text("紧急求助按钮", "Panic button"),
    ZoneKind.HOLDUP: Text("劫持报警按钮", "Hold-up button"),
    ZoneKind.MEDICAL: Text("医疗求助", "Medical alarm"),
    ZoneKind.GAS: Text("可燃气体探测器", "Gas detector"),
    ZoneKind.WATER: Text("漏水探测器", "Water detector"),
    ZoneKind.TAMPER: Text("防拆", "Tamper"),
    ZoneKind.TECHNICAL: Text("设备状态", "Technical"),
    ZoneKind.OTHER: Text("其他", "Other"),
}

DELAYS: Final[dict[Delay, Text]] = {
    Delay.NONE: Text("无", "none"),
    Delay.ENTRY: Text("进入延时", "entry"),
    Delay.EXIT: Text("退出延时", "exit"),
    Delay.ENTRY_EXIT: Text("进出延时", "entry and exit"),
}
