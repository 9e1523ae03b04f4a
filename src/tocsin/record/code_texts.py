"""Why a change of a code table is refused, and what its states and acts are called."""

from __future__ import annotations

from typing import Final

from tocsin.core.code_tables import built_in
from tocsin.core.codes.meaning import Number
from tocsin.core.codes.overrides import OVERRIDES_MAX
from tocsin.core.codes.silencing import Silenced
from tocsin.core.texts.text import Text
from tocsin.record.code_tables import AHEAD_MAX, REASON_CHARS_MAX, REASON_CHARS_MIN, CodesReason

REASONS: Final[dict[CodesReason, Text]] = {
    CodesReason.NOT_FOUND: Text("没有这个版本", "There is no such version."),
    CodesReason.NO_DRAFT: Text("没有草稿", "There is no draft."),
    CodesReason.NOT_A_DRAFT: Text("该版本不是草稿，不能修改", "Only a draft can be changed."),
    CodesReason.IN_FORCE_ALREADY: Text("该版本已在使用", "This version is in force already."),
    CodesReason.NOTHING_IN_FORCE: Text(
        "没有启用的版本：正在使用内置代码表", "No version is in force: the built-in tables decide."
    ),
    CodesReason.NOT_TRIED: Text(
        "上次修改后尚未试用：请先试用，再启用",
        "It was not tried since its last edit: try it first, then put it in force.",
    ),
    CodesReason.REASON_NEEDED: Text(
        f"请填写原因（{REASON_CHARS_MIN} 至 {REASON_CHARS_MAX} 个字符），该原因将存档",
        f"Give a reason of {REASON_CHARS_MIN} to {REASON_CHARS_MAX} characters; it is kept.",
    ),
    CodesReason.SILENCES: Text(
        "有火警、医疗、抢劫、紧急或燃气报警将不再立警情：请书面说明理由，该理由将存档",
        "Fire, medical, hold-up, panic or gas alarms would open no incident any more: give a"
        " written reason for that; it is kept.",
    ),
    CodesReason.EDITED: Text(
        "草稿已被他人修改：请重新查看",
        "Somebody has edited the draft meanwhile: look at it again.",
    ),
    CodesReason.PENDING: Text(
        "已有版本待启用：请先撤回",
        "A version is to come into force already: withdraw it first.",
    ),
    CodesReason.NOT_PENDING: Text("没有待启用的版本", "No version is to come into force."),
    CodesReason.BAD_TIME: Text(
        f"启用时间应晚于现在，且不超过 {AHEAD_MAX.days} 天",
        f"The time must lie ahead, {AHEAD_MAX.days} days at most.",
    ),
    CodesReason.TOO_SLOW: Text(
        "试用耗时过长，已中止：请减少天数",
        "The trial took too long and was ended: try fewer days.",
    ),
    CodesReason.TOO_MANY: Text(
        f"代码表最多 {OVERRIDES_MAX} 行", f"A table has at most {OVERRIDES_MAX} rows."
    ),
}

STATES: Final[dict[str, Text]] = {
    "draft": Text("草稿", "Draft"),
    "dropped": Text("已放弃", "Dropped"),
    "pending": Text("待启用", "To come into force"),
    "in_force": Text("使用中", "In force"),
    "retired": Text("已停用", "Retired"),
}

ACTS: Final[dict[str, Text]] = {
    "created": Text("新建草稿", "Draft begun"),
    "edited": Text("修改草稿", "Draft edited"),
    "tried": Text("试用", "Tried"),
    "put_in_force": Text("启用", "Put in force"),
    "rolled_back": Text("回退", "Rolled back"),
    "dropped": Text("放弃草稿", "Draft dropped"),
    "scheduled": Text("批准，待启用", "Approved, to come into force"),
    "withdrawn": Text("撤回", "Withdrawn"),
    "came_into_force": Text("按时启用", "Came into force"),
}

NUMBERS: Final[dict[Number, Text]] = {
    Number.ZONE: Text("防区", "zone"),
    Number.USER: Text("用户", "user"),
    Number.PARTITION: Text("分区", "partition"),
    Number.DOOR: Text("门", "door"),
    Number.DEVICE: Text("设备", "device"),
    Number.NONE: Text("无", "none"),
    Number.UNKNOWN: Text("不明", "unknown"),
}


def named(listed: str, code: str, qualifier: str = "", zone: str = "") -> str:
    """A code as a person names it: `CID 1 130, 7` or `SIA BA`."""
    words = " ".join(part for part in (listed.upper(), qualifier, code) if part)
    return f"{words}, {zone}" if zone else words


def silenced_text(one: Silenced) -> Text:
    """An alarm that would fall silent, with what it is called now."""
    standard = built_in(one.list, one.code, one.qualifier)
    before = one.before if one.before.text_en else standard
    code = named(one.list, one.code, one.qualifier, one.zone)
    return Text(f"{code}：{before.text_zh}", f"{code}: {before.text_en}")
