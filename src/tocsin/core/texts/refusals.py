"""Texts of the refusals: why a command cannot be done, as a colleague would say it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, Final

from tocsin.core.terms import Reason, Refused
from tocsin.core.texts.text import Text
from tocsin.core.texts.values import shown

REFUSALS: Final[dict[Reason, Text]] = {
    Reason.NOT_FOUND: Text("找不到该对象。", "There is no such object."),
    Reason.NOT_ALLOWED: Text("您的角色无权执行此操作。", "Your role may not do this."),
    Reason.NOT_BY_MACHINE: Text(
        "此操作须由人员决定，自动程序不得执行。",
        "A person must decide this; a machine may not.",
    ),
    Reason.NOT_AUTHENTICATED: Text(
        "该警情没有经过认证的报警，自动程序不得派出力量；请由人员决定。",
        "No alarm of this incident is authenticated, so a machine may not send units to it."
        " A person may.",
    ),
    Reason.ALARM_LATE: Text(
        "该警情的报警是事后补传的，自动程序不得派出力量；请由人员决定。",
        "The alarm arrived long after it occurred, so a machine may not send units to it."
        " A person may.",
    ),
    Reason.INCIDENT_CLOSED: Text(
        "警情已结案。如需继续处置，请先重启。",
        "The incident is closed. Reopen it to work on it.",
    ),
    Reason.INCIDENT_NOT_CLOSED: Text("警情尚未结案。", "The incident is not closed."),
    Reason.INCIDENT_MERGED: Text(
        "警情已并入另一警情。请在该警情上操作，或先拆分。",
        "The incident has been merged into another. Work on that one, or split it first.",
    ),
    Reason.INCIDENT_NOT_MERGED: Text(
        "警情未曾合并，无法拆分。",
        "The incident has not been merged, so there is nothing to split.",
    ),
    Reason.INCIDENT_NOT_HELD: Text("警情未处于暂缓状态。", "The incident is not on hold."),
    Reason.ALREADY_TAKEN: Text("{by} 已于 {at} 签收该警情。", "{by} took this incident at {at}."),
    Reason.UNIT_ATTACHED: Text(
        "仍有力量在该警情上：{units}。请先撤回或等待其完成任务。",
        "Units are still on this incident: {units}. Recall them or wait until they are done.",
    ),
    Reason.UNIT_BUSY: Text(
        "{call_sign} 已由 {by} 于 {at} 派出，正在执行任务。",
        "{call_sign} was sent by {by} at {at} and is on an order.",
    ),
    Reason.UNIT_OUT_OF_SERVICE: Text(
        "{call_sign} 已停勤：{why}。", "{call_sign} is out of service: {why}."
    ),
    Reason.UNIT_HAS_NO_ORDER: Text(
        "{call_sign} 没有执行中的出动命令。", "{call_sign} has no order to act on."
    ),
    Reason.UNIT_ON_ORDER: Text(
        "{call_sign} 正在执行任务，请先撤回。", "{call_sign} is on an order. Recall it first."
    ),
    Reason.UNIT_NOT_IN_SERVICE: Text(
        "{call_sign} 已停勤，请先恢复执勤。",
        "{call_sign} is out of service. Return it to service first.",
    ),
    Reason.ORDER_ENDED: Text(
        "{call_sign} 的出动命令已结束。", "The order to {call_sign} has ended."
    ),
    Reason.ORDER_STEP_IMPOSSIBLE: Text(
        "当前状态为“{state}”，不能执行这一步。",
        "This step cannot follow the present state, {state}.",
    ),
    Reason.NO_UNITS_NAMED: Text("未指定力量。", "No unit is named."),
    Reason.UNIT_NAMED_TWICE: Text("同一力量重复指定。", "A unit is named twice."),
    Reason.SAME_INCIDENT: Text("两个警情相同。", "Both are the same incident."),
    Reason.NOT_A_CROWD: Text(
        "该警情不是汇总卡片，无法从中单列来源。",
        "This incident is not the card of a crowd: there is no sender to take out of it.",
    ),
    Reason.SENDER_SIGNALS_TOO_MANY: Text(
        "该来源在此卡片上的信号超过 {signals_max} 条，无法单列。请另行登记警情并与此关联。",
        "The sender has more than {signals_max} signals on this card. Open an incident of"
        " its own and link it.",
    ),
    Reason.OTHER_DISTRICT: Text(
        "两个警情不属于同一辖区。", "The incidents belong to different districts."
    ),
    Reason.OPENING_ELSEWHERE: Text(
        "不能为其他机构或本人职责范围以外的辖区登记警情。",
        "You cannot open an incident for another agency or for a district that is not yours.",
    ),
    Reason.TEXT_EMPTY: Text("请填写内容。", "The text is empty."),
    Reason.TEXT_TOO_LONG: Text(
        "内容过长，最多 {chars_max} 个字符。",
        "The text is too long; at most {chars_max} characters.",
    ),
    Reason.TIME_IN_PAST: Text(
        "时间已过，请指定将来的时间。", "The time has passed; name a later one."
    ),
    Reason.PLACE_INVALID: Text(
        "坐标无效（纬度 {lat}，经度 {lon}）。",
        "The coordinate is not valid (lat {lat}, lon {lon}).",
    ),
    Reason.ALREADY_SO: Text("已经如此，无需更改。", "It is so already."),
    Reason.CALL_SIGN_TAKEN: Text(
        "呼号 {call_sign} 已被使用。", "The call sign {call_sign} is in use."
    ),
    Reason.TEST_TOO_LONG: Text(
        "测试一次最长 {hours_max} 小时，需要更久请届时延长。",
        "A test lasts at most {hours_max} hours; extend it later if it takes longer.",
    ),
    Reason.TEST_ENDED: Text("测试已结束。", "The test has ended."),
    Reason.NO_SUCH_STEP: Text(
        "该警情的处置预案没有第 {step} 步。", "The incident's action plan has no step {step}."
    ),
    Reason.AVS_NOT_FOR_TYPE: Text(
        "核实等级只用于入侵、抢劫和紧急报警。",
        "Validation levels are for burglary, hold-up and panic alarms only.",
    ),
    Reason.BLOCK_FIELD_INVALID: Text(
        "“{field}”填写无效：请填写有效值，或以 * 表示任意。",
        "{field} is not valid: write a value, or * for any.",
    ),
    Reason.BLOCK_MATCHES_ALL: Text(
        "屏蔽规则必须指定网络地址或账号，不能屏蔽全部信号。",
        "A block rule names a network address or an account; none mutes everything.",
    ),
    Reason.BLOCK_TOO_WIDE: Text(
        "地址范围过宽，前缀至少 /{prefix_min}。",
        "The range is too wide; its prefix is at least /{prefix_min}.",
    ),
    Reason.BLOCK_TOO_LONG: Text(
        "屏蔽规则一次最长 {hours_max} 小时。",
        "A block rule of this kind lasts at most {hours_max} h at a time.",
    ),
    Reason.BLOCK_GRAVE_NEEDS_DEVICE: Text(
        "屏蔽火警、医疗、抢劫、紧急等危及生命的报警，必须写明协议和完整账号（一台设备）。",
        "To mute alarms for people's lives, name the protocol and the whole account of one device.",
    ),
    Reason.BLOCK_NEEDS_SECOND: Text(
        "该屏蔽规则须由起草人以外的另一人批准。",
        "Another person than its author must approve this block rule.",
    ),
    Reason.BLOCK_SHARE_TOO_GREAT: Text(
        "规则命中 {active} 个活动来源中的 {sources} 个（已登记设备 {active_devices} 台中的"
        " {devices} 台），超过 {percent_max}% 上限，不能启用。",
        "The rule matches {sources} of {active} active sources ({devices} of {active_devices} known"
        " devices), more than {percent_max}%: it cannot be put in force.",
    ),
    Reason.BLOCK_ASK_AGAIN: Text(
        "需要第二人批准的规则不能延长，请重新试算并批准。",
        "A rule that needs a second person is not extended; try and approve it anew.",
    ),
    Reason.BLOCK_NOT_IN_FORCE: Text("该屏蔽规则尚未启用。", "The block rule is not in force."),
    Reason.BLOCK_ENDED: Text("该屏蔽规则已结束。", "The block rule has ended."),
    Reason.BLOCKS_TOO_MANY: Text(
        "本辖区屏蔽规则已达 {rules_max} 条上限，请先结束不需要的规则。",
        "The district has {rules_max} block rules, which is the limit; end one first.",
    ),
    Reason.DRY_RUN_OLD: Text(
        "试算结果已超过 {minutes_max} 分钟，请重新试算。",
        "The dry run is older than {minutes_max} minutes; try the rule anew.",
    ),
    Reason.DRY_RUN_TOO_SLOW: Text(
        "试算未能在 {seconds_max} 秒内完成，请缩小规则范围后重试。",
        "The dry run did not finish within {seconds_max} s; try a narrower rule.",
    ),
    Reason.LOST_RACE: Text("{by} 已于 {at} 抢先操作。", "{by} was first, at {at}."),
}


def refusal_text(refused: Refused, zone: tzinfo = UTC) -> Text:
    """What the person reads, in both languages, with names and times (of `zone`) filled in."""
    return fill(REFUSALS[refused.reason], refused.details, zone)


def fill(text: Text, params: Mapping[str, Any], zone: tzinfo = UTC) -> Text:
    """A text with its parameters shown as each language shows them."""
    zh = text.filled({name: shown(value, "zh", zone) for name, value in params.items()}).zh
    en = text.filled({name: shown(value, "en", zone) for name, value in params.items()}).en
    return Text(zh, en)
