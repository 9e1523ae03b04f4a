"""Sentences of an incident's timeline: one template for each kind of fact.

Placeholders are the fact's fields and `actor` (who did it), `call_sign`; a screen fills them from
the fact's data in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, tzinfo
from typing import Any, Final

from tocsin.core.kinds import kind_of
from tocsin.core.states import Fact
from tocsin.core.texts.refusals import fill
from tocsin.core.texts.text import Text

TIMELINE: Final[dict[str, Text]] = {
    "signal.judged": Text("信号判定：{verdict}（{reason}）", "Signal judged: {verdict} ({reason})"),
    "signal.moved": Text("信号由 {actor} 改归此警情", "Signal moved here by {actor}"),
    "incident.opened": Text(
        "登记警情：{type}，{level}，来源：{source}", "Opened: {type}, {level}, from: {source}"
    ),
    "incident.signal_joined": Text("信号并入（{reason}）", "Signal joined ({reason})"),
    "incident.signal_left": Text("信号被 {actor} 移出", "Signal moved away by {actor}"),
    "incident.report_joined": Text(
        "网上报警（{kind}，有无伤员：{hurt}）：{where}。{text}",
        "Public report ({kind}, anybody hurt: {hurt}): {where}. {text}",
    ),
    "incident.report_added": Text("报警人补充：{text}", "The reporter added: {text}"),
    "incident.report_withdrawn": Text(
        "报警人表示不再需要帮助", "The reporter says that help is no longer needed"
    ),
    "incident.taken": Text("{by_name} 签收", "Taken by {by_name}"),
    "incident.classified": Text("{actor} 将类型改为：{type}", "{actor} set the type to: {type}"),
    "incident.prioritised": Text(
        "{actor} 将等级改为：{level}", "{actor} set the priority to: {level}"
    ),
    "incident.located": Text("{actor} 更新地点", "{actor} set the place"),
    "incident.noted": Text("{actor} 备注：{text}", "{actor} noted: {text}"),
    "incident.held": Text(
        "{actor} 暂缓至 {until}：{reason}", "{actor} put it on hold until {until}: {reason}"
    ),
    "incident.released": Text("暂缓结束（{actor}）", "Hold ended ({actor})"),
    "incident.linked": Text("{actor} 关联另一警情", "{actor} linked another incident"),
    "incident.unlinked": Text("{actor} 取消关联", "{actor} removed a link"),
    "incident.merged": Text("{actor} 将其并入另一警情", "{actor} merged it into another incident"),
    "incident.absorbed": Text(
        "{actor} 并入另一警情（信号 {signal_count} 条）",
        "{actor} merged another incident into it (signals: {signal_count})",
    ),
    "incident.split": Text("{actor} 将其重新拆分为独立警情", "{actor} split it off again"),
    "incident.released_other": Text(
        "{actor} 将一个并入的警情拆出", "{actor} split a merged incident off"
    ),
    "incident.unit_attached": Text("{call_sign} 加入处置", "{call_sign} sent"),
    "incident.unit_detached": Text("{call_sign} 脱离：{reason}", "{call_sign} off: {reason}"),
    "incident.closed": Text("{actor} 结案：{disposition}", "{actor} closed it: {disposition}"),
    "incident.reopened": Text("{actor} 重启：{reason}", "{actor} reopened it: {reason}"),
    "incident.plan_kept": Text("处置预案共 {count} 步", "Action plan with {count} steps"),
    "incident.step_ticked": Text(
        "{actor} 勾选预案第 {step} 步", "{actor} ticked step {step} of the action plan"
    ),
    "incident.step_unticked": Text(
        "{actor} 取消勾选预案第 {step} 步", "{actor} unticked step {step} of the action plan"
    ),
    "incident.raised": Text("转为正式报警：{reason}", "It is an alarm now: {reason}"),
    "incident.cancelled": Text("{how}：{outcome}", "{how}: {outcome}"),
    "incident.validated": Text(
        "{by_name} 将核实等级定为 {avs}：{reason}",
        "{by_name} set the validation level to {avs}: {reason}",
    ),
    "incident.overdue": Text("{step}（期限 {due_at}）", "{step} (due {due_at})"),
    "order.given": Text("{by_name} 向 {call_sign} 下达命令", "Order to {call_sign} by {by_name}"),
    "order.sent": Text("{call_sign} 命令已发出：{channel}", "{call_sign} order sent: {channel}"),
    "order.received": Text("{call_sign} 命令已送达", "{call_sign} has the order"),
    "order.accepted": Text("{call_sign} 签收命令", "{call_sign} accepted"),
    "order.refused": Text("{call_sign} 拒绝命令：{reason}", "{call_sign} refused: {reason}"),
    "order.started": Text("{call_sign} 出动", "{call_sign} under way"),
    "order.arrived": Text("{call_sign} 到场", "{call_sign} at scene"),
    "order.done": Text("{call_sign} 任务完成", "{call_sign} done"),
    "order.recalled": Text("{call_sign} {reason}", "{call_sign} {reason}"),
    "order.overdue": Text(
        "{call_sign} {step}（期限 {due_at}）", "{call_sign}: {step} (due {due_at})"
    ),
    "unit.registered": Text("{call_sign} 登记", "{call_sign} registered"),
    "unit.ordered": Text("{call_sign} 由 {by_name} 派出", "{call_sign} ordered by {by_name}"),
    "unit.state_reported": Text("{call_sign} 报告：{state}", "{call_sign} reports: {state}"),
    "unit.freed": Text(
        "{call_sign} 任务结束（{reason}）：{state}", "{call_sign} {reason}: {state}"
    ),
    "unit.taken_out_of_service": Text(
        "{call_sign} 停勤：{reason}", "{call_sign} out of service: {reason}"
    ),
    "unit.returned_to_service": Text("{call_sign} 恢复执勤", "{call_sign} back in service"),
    "unit.overdue": Text(
        "{call_sign} {step}（期限 {due_at}）", "{call_sign}: {step} (due {due_at})"
    ),
    "on_test.begun": Text(
        "{by_name} 设为测试至 {until}：{why}", "{by_name} put it on test until {until}: {why}"
    ),
    "on_test.extended": Text(
        "{by_name} 延长测试至 {until}", "{by_name} extended the test to {until}"
    ),
    "on_test.signalled": Text(
        "测试信号，防区 {zone}（否则：{would_have}）",
        "Signal during the test, zone {zone} (else: {would_have})",
    ),
    "on_test.ended": Text(
        "测试结束（{ending}）：信号 {signals} 条；已测防区 {tested}；未测防区 {not_tested}",
        "Test ended ({ending}): signals {signals}; zones tested {tested}; not tested {not_tested}",
    ),
    "block.drafted": Text(
        "{by_name} 试算屏蔽规则（至 {until}）：{why}",
        "{by_name} tried a block rule (until {until}): {why}",
    ),
    "block.put_in_force": Text(
        "{by_name} 启用屏蔽规则，批准人：{approved_by_name}；来源上限 {sources_max}，"
        "设备上限 {devices_max}",
        "Put in force by {by_name}, approved by: {approved_by_name}; at most {sources_max} sources,"
        " {devices_max} devices",
    ),
    "block.extended": Text(
        "{by_name} 重新试算并延长至 {until}", "{by_name} tried it again, extended to {until}"
    ),
    "block.swallowed": Text(
        "屏蔽信号：账号 {account}，代码 {code}，防区 {zone}（否则：{would_have}）",
        "Signal muted: account {account}, code {code}, zone {zone} (else: {would_have})",
    ),
    "block.ended": Text(
        "屏蔽结束（{ending}）：共屏蔽信号 {signals} 条，其中 {would_have_opened} 条本应立警情",
        "Block ended ({ending}): signals muted {signals}; {would_have_opened} would have opened"
        " an incident",
    ),
}


def sentence(fact: Fact, known: Mapping[str, Any], zone: tzinfo = UTC) -> Text:
    """The fact as a line of the timeline. `known` adds `actor` and `call_sign` to its fields."""
    own = {one.name: getattr(fact, one.name) for one in fields(fact)}
    return fill(TIMELINE[kind_of(fact)], {**known, **own}, zone)
