"""Texts of confirmation: validation levels, what confirms an alarm, and what takes one back."""

from __future__ import annotations

from typing import Final

from tocsin.core.avs import AvsWhy
from tocsin.core.codes.confirming import CancelHow
from tocsin.core.confirmation import Avs, CancelOutcome, ConfirmRule, RaisedBecause
from tocsin.core.texts.text import Text

AVS: Final[dict[Avs, Text]] = {
    Avs.NO_CALL: Text("0 级（无需出警）", "0, no call for service"),
    Avs.LIMITED: Text("1 级（信息有限）", "1, little information"),
    Avs.PRESENCE: Text("2 级（有人或很可能有人）", "2, somebody is there or very probably"),
    Avs.PROPERTY: Text("3 级（确认危及财产）", "3, threat to property"),
    Avs.LIFE: Text("4 级（确认危及生命）", "4, threat to life"),
}

AVS_WHYS: Final[dict[AvsWhy, Text]] = {
    AvsWhy.ALARM: Text("仅有报警", "an alarm and no more"),
    AvsWhy.LATE: Text("仅有迟到的报警", "late alarms only"),
    AvsWhy.TWO_ZONES: Text("两个防区先后报警", "two zones"),
    AvsWhy.TWO_TECHNOLOGIES: Text("两种探测方式先后报警", "two kinds of detector"),
    AvsWhy.VERIFIED: Text("设备端已复核", "verified before it was sent"),
    AvsWhy.LIFE: Text("有人求助", "somebody called for help"),
    AvsWhy.MERGED: Text("来自合并的警情", "from an incident merged into it"),
    AvsWhy.CANCELLED: Text("用户及时取消", "cancelled by a user in time"),
    AvsWhy.BY_HAND: Text("人工核实", "set by hand"),
}

CONFIRM_RULES: Final[dict[ConfirmRule, Text]] = {
    ConfirmRule.NONE: Text("无需复核", "nothing has to confirm it"),
    ConfirmRule.TWO_ZONES: Text("两个防区", "two zones"),
    ConfirmRule.TWO_TECHNOLOGIES: Text("两种探测方式", "two kinds of detector"),
    ConfirmRule.VERIFIED: Text("设备或人工复核", "verified by the panel or a person"),
}

RAISED_BECAUSE: Final[dict[RaisedBecause, Text]] = {
    RaisedBecause.TWO_ZONES: Text("第二个防区报警", "a second zone alarmed"),
    RaisedBecause.TWO_TECHNOLOGIES: Text("另一种探测器报警", "a second kind of detector alarmed"),
    RaisedBecause.VERIFIED: Text("设备端已复核", "verified before it was sent"),
    RaisedBecause.SECOND_TRIP: Text("再次触发", "it tripped again"),
    RaisedBecause.BY_HAND: Text("人工核实", "confirmed by hand"),
    RaisedBecause.TIMELY: Text("又有即时报警", "a timely alarm joined"),
}

CANCEL_HOWS: Final[dict[CancelHow, Text]] = {
    CancelHow.CANCEL: Text("用户取消报警", "Cancelled by user"),
    CancelHow.DISARM: Text("用户撤防", "Disarmed by user"),
}

CANCEL_OUTCOMES: Final[dict[CancelOutcome, Text]] = {
    CancelOutcome.CLOSED: Text("警情自动结案", "that closed it"),
    CancelOutcome.NOT_IN_FORCE: Text(
        "未结案，该联网单位未设取消时限", "still open, the site has no abort window"
    ),
    CancelOutcome.NOT_AUTHENTICATED: Text(
        "未结案，来源未经验证", "still open, nothing vouches for who said it"
    ),
    CancelOutcome.LATE: Text(
        "未结案，取消信号迟到或设备时钟不准", "still open, it was late or the clock is wrong"
    ),
    CancelOutcome.OUTSIDE_WINDOW: Text(
        "未结案，不在取消时限内", "still open, outside the abort window"
    ),
    CancelOutcome.OTHER_DEVICE: Text("未结案，来自另一台设备", "still open, from another device"),
    CancelOutcome.OTHER_PARTITION: Text(
        "未结案，来自另一分区", "still open, from another partition"
    ),
    CancelOutcome.UNITS_SENT: Text("未结案，已派出力量", "still open, units have been sent"),
    CancelOutcome.TAKEN: Text("未结案，已有人签收", "still open, somebody has taken it"),
    CancelOutcome.OTHER_ALARM: Text(
        "未结案，另有警情或报告", "still open, something else speaks for it"
    ),
    CancelOutcome.MORE_ALARMED: Text(
        "未结案，不止一个探测点报警", "still open, more than one sensor alarmed"
    ),
    CancelOutcome.REOPENED: Text("曾自动结案，已人工重启", "it closed it, a person reopened it"),
}
