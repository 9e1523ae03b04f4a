"""Texts of the closed lists: types, levels, states, dispositions, roles, capabilities, steps."""

from __future__ import annotations

from enum import Enum
from typing import Final

from tocsin.core.assurance import Assurance
from tocsin.core.avs import AvsWhy
from tocsin.core.blocks import BlockEnding
from tocsin.core.codes.confirming import CancelHow
from tocsin.core.confirmation import Avs, CancelOutcome, ConfirmRule, RaisedBecause
from tocsin.core.incidents.crowd import ExceptionKind
from tocsin.core.incidents.facts import IncidentStep, Source
from tocsin.core.incidents.state import Band, IncidentState
from tocsin.core.on_test import OnTestEnding
from tocsin.core.orders import Ending, OrderState, OrderStep, Refusal
from tocsin.core.reports import Hurt, ReportKind
from tocsin.core.signals import Effect, Verdict, VerdictReason
from tocsin.core.terms import (
    Capability,
    Channel,
    Disposition,
    IncidentType,
    Level,
    Role,
    SubjectKind,
)
from tocsin.core.texts.confirming import (
    AVS,
    AVS_WHYS,
    CANCEL_HOWS,
    CANCEL_OUTCOMES,
    CONFIRM_RULES,
    RAISED_BECAUSE,
)
from tocsin.core.texts.text import Text
from tocsin.core.texts.types import INCIDENT_TYPES
from tocsin.core.units import OutOfServiceReason, UnitState, UnitStep

LEVELS: Final[dict[Level, Text]] = {
    Level.P1: Text("一级（危及生命）", "P1, life at risk"),
    Level.P2: Text("二级（紧急）", "P2, urgent"),
    Level.P3: Text("三级（一般）", "P3, prompt"),
    Level.P4: Text("四级（非紧急）", "P4, routine"),
}

CAPABILITIES: Final[dict[Capability, Text]] = {
    Capability.PUMP: Text("水罐消防车", "Pump"),
    Capability.LADDER: Text("登高举升", "Ladder"),
    Capability.RESCUE: Text("抢险救援", "Technical rescue"),
    Capability.HAZMAT: Text("危化品处置", "Hazardous materials"),
    Capability.AMBULANCE: Text("救护转运", "Ambulance"),
    Capability.ADVANCED_LIFE_SUPPORT: Text("高级生命支持", "Advanced life support"),
    Capability.PATROL: Text("巡逻处警", "Patrol"),
    Capability.TRAFFIC: Text("交通管控", "Traffic control"),
    Capability.COMMAND: Text("现场指挥", "Incident command"),
}

CHANNELS: Final[dict[Channel, Text]] = {
    Channel.APP: Text("车载终端", "Vehicle terminal"),
    Channel.STATION: Text("站点终端", "Station terminal"),
}

DISPOSITIONS: Final[dict[Disposition, Text]] = {
    Disposition.HANDLED: Text("已处置", "Handled"),
    Disposition.FALSE_ALARM: Text("误报", "False alarm"),
    Disposition.UNFOUNDED: Text("不实警情", "Unfounded"),
    Disposition.TEST: Text("测试", "Test"),
    Disposition.NO_RESPONSE_NEEDED: Text("无需出动", "No response needed"),
    Disposition.TRANSFERRED: Text("移交其他部门", "Transferred"),
    Disposition.DUPLICATE: Text("重复报警", "Duplicate"),
    Disposition.CANCELLED_BY_USER: Text("用户取消", "Cancelled by user"),
}

ROLES: Final[dict[Role, Text]] = {
    Role.CALL_TAKER: Text("接警员", "Call-taker"),
    Role.DISPATCHER: Text("调度员", "Dispatcher"),
    Role.SUPERVISOR: Text("值班长", "Supervisor"),
    Role.CREW: Text("车组", "Crew"),
    Role.ADMINISTRATOR: Text("系统管理员", "Administrator"),
    Role.INSPECTOR: Text("督察员", "Inspector"),
    Role.SERVICE: Text("系统服务", "System service"),
}

SUBJECT_KINDS: Final[dict[SubjectKind, Text]] = {
    SubjectKind.SIGNAL: Text("报警信号", "Signal"),
    SubjectKind.INCIDENT: Text("警情", "Incident"),
    SubjectKind.ORDER: Text("出动命令", "Order"),
    SubjectKind.UNIT: Text("力量", "Unit"),
    SubjectKind.ON_TEST: Text("测试", "On test"),
    SubjectKind.BLOCK: Text("屏蔽规则", "Block rule"),
}

INCIDENT_STATES: Final[dict[IncidentState, Text]] = {
    IncidentState.NEW: Text("待签收", "Not taken"),
    IncidentState.TAKEN: Text("已签收", "Taken"),
    IncidentState.HELD: Text("暂缓", "On hold"),
    IncidentState.CLOSED: Text("已结案", "Closed"),
    IncidentState.MERGED: Text("已合并", "Merged"),
}

INCIDENT_STEPS: Final[dict[IncidentStep, Text]] = {
    IncidentStep.TAKE: Text("超时未签收", "Not taken in time"),
    IncidentStep.ASSIGN: Text("超时未派", "No unit sent in time"),
    IncidentStep.CLOSE: Text("超时未结案", "Not closed in time"),
}

BANDS: Final[dict[Band, Text]] = {
    Band.UNASSIGNED: Text("待派", "Unassigned"),
    Band.WORKING: Text("处置中", "Working"),
    Band.WATCH: Text("观察", "Watch"),
    Band.CLOSED: Text("已结案", "Closed"),
}

SOURCES: Final[dict[Source, Text]] = {
    Source.SIGNAL: Text("报警信号", "Alarm signal"),
    Source.CALL: Text("电话报警", "Phone call"),
    Source.REPORT: Text("网上报警", "Public report"),
    Source.PROBE: Text("系统自检", "Built-in probe"),
    Source.BLOCK: Text("屏蔽规则", "Block rule"),
}

REPORT_KINDS: Final[dict[ReportKind, Text]] = {
    ReportKind.FIRE: Text("起火或冒烟", "Fire or smoke"),
    ReportKind.MEDICAL: Text("有人受伤或发病", "Somebody ill or injured"),
    ReportKind.CRIME: Text("违法犯罪正在发生", "Crime in progress"),
    ReportKind.TRAFFIC: Text("交通事故", "Traffic accident"),
    ReportKind.GAS: Text("燃气异味或泄漏", "Smell of gas"),
    ReportKind.TECHNICAL: Text("水、电、电梯等故障", "Water, power or lift trouble"),
    ReportKind.OTHER: Text("其他情况", "Something else"),
}

HURT: Final[dict[Hurt, Text]] = {
    Hurt.YES: Text("有", "yes"),
    Hurt.NO: Text("无", "no"),
    Hurt.UNKNOWN: Text("不清楚", "not known"),
}

ORDER_STATES: Final[dict[OrderState, Text]] = {
    OrderState.GIVEN: Text("已下达", "Given"),
    OrderState.SENT: Text("已发出", "Sent"),
    OrderState.RECEIVED: Text("已送达", "Received"),
    OrderState.ACCEPTED: Text("已签收", "Accepted"),
    OrderState.REFUSED: Text("已拒绝", "Refused"),
    OrderState.UNDER_WAY: Text("已出动", "Under way"),
    OrderState.AT_SCENE: Text("已到场", "At scene"),
    OrderState.DONE: Text("已完成", "Done"),
    OrderState.RECALLED: Text("已撤回", "Recalled"),
}

ORDER_STEPS: Final[dict[OrderStep, Text]] = {
    OrderStep.RECEIPT: Text("超时未送达", "No receipt"),
    OrderStep.ANSWER: Text("超时未签收", "No answer"),
    OrderStep.START: Text("超时未出动", "Not under way in time"),
    OrderStep.ARRIVAL: Text("超时未到场", "Not at scene in time"),
}

REFUSAL_REASONS: Final[dict[Refusal, Text]] = {
    Refusal.CREW_INCOMPLETE: Text("人员不齐", "Crew incomplete"),
    Refusal.VEHICLE_DEFECT: Text("车辆故障", "Vehicle defect"),
    Refusal.EQUIPMENT_MISSING: Text("装备缺失", "Equipment missing"),
    Refusal.TOO_FAR: Text("距离过远", "Too far"),
    Refusal.ROAD_BLOCKED: Text("道路不通", "Road blocked"),
    Refusal.OTHER: Text("其他原因", "Other reason"),
}

UNIT_STATES: Final[dict[UnitState, Text]] = {
    UnitState.IN_STATION: Text("在站", "In station"),
    UnitState.AVAILABLE: Text("待命", "Available"),
    UnitState.ORDERED: Text("已派", "Ordered"),
    UnitState.UNDER_WAY: Text("出动", "Under way"),
    UnitState.AT_SCENE: Text("到场", "At scene"),
    UnitState.TRANSPORTING: Text("转送", "Transporting"),
    UnitState.RETURNING: Text("归队", "Returning"),
    UnitState.OUT_OF_SERVICE: Text("停勤", "Out of service"),
}

OUT_OF_SERVICE_REASONS: Final[dict[OutOfServiceReason, Text]] = {
    OutOfServiceReason.BREAKDOWN: Text("车辆故障", "breakdown"),
    OutOfServiceReason.MAINTENANCE: Text("维护保养", "maintenance"),
    OutOfServiceReason.CREW_REST: Text("人员休整", "crew rest"),
    OutOfServiceReason.CREW_SHORT: Text("人员不足", "crew short"),
    OutOfServiceReason.REFUELLING_OR_RESTOCKING: Text("加油补给", "refuelling or restocking"),
    OutOfServiceReason.DECONTAMINATION: Text("车辆洗消", "decontamination"),
    OutOfServiceReason.TRAINING: Text("训练", "training"),
    OutOfServiceReason.OTHER: Text("其他原因", "other reason"),
}

UNIT_STEPS: Final[dict[UnitStep, Text]] = {
    UnitStep.HANDOVER: Text("转送超时", "Transport overdue"),
    UnitStep.RETURN: Text("归队超时", "Return overdue"),
}

EFFECTS: Final[dict[Effect, Text]] = {
    Effect.ALARM: Text("报警", "Alarm"),
    Effect.RESTORE: Text("恢复", "Restore"),
    Effect.TEST: Text("测试", "Test"),
    Effect.STATUS: Text("状态", "Status"),
    Effect.TROUBLE: Text("故障", "Trouble"),
    Effect.UNKNOWN: Text("未知代码", "Unknown code"),
}

VERDICTS: Final[dict[Verdict, Text]] = {
    Verdict.OPENED: Text("已立警情", "Opened an incident"),
    Verdict.JOINED: Text("并入警情", "Joined an incident"),
    Verdict.RECORDED: Text("仅记录", "Recorded only"),
}

VERDICT_REASONS: Final[dict[VerdictReason, Text]] = {
    VerdictReason.ALARM: Text("报警，无未结警情可并入", "alarm with no open incident to join"),
    VerdictReason.TROUBLE: Text("设备故障", "equipment trouble"),
    VerdictReason.UNKNOWN_CODE: Text("未知代码", "unknown code"),
    VerdictReason.UNKNOWN_SOURCE: Text("来源未登记", "unknown source"),
    VerdictReason.UNCONFIRMED: Text("待复核", "not confirmed yet"),
    VerdictReason.LATE: Text("一小时前发生，迟到的信号", "late: it occurred more than an hour ago"),
    VerdictReason.SAME_SITE: Text("同一联网单位", "same site"),
    VerdictReason.SYNTHETIC: Text("系统自检信号", "test alarm of the built-in probe"),
    VerdictReason.SAME_SOURCE: Text("同一来源", "same source"),
    VerdictReason.SAME_ADDRESS: Text("同一网络地址", "same network address"),
    VerdictReason.BY_HAND: Text("人工归并", "moved by hand"),
    VerdictReason.REPEAT: Text("重复发送", "repeat of a signal already stored"),
    VerdictReason.TEST: Text("测试信号", "test"),
    VerdictReason.OUTAGE: Text("多台设备同时失联", "many devices silent at once"),
    VerdictReason.NEEDS_ANSWER: Text("状态信号，需要处置", "a status that needs an answer"),
    VerdictReason.NO_ANSWER_NEEDED: Text(
        "代码表规定无需处置", "no answer needed, by the code table"
    ),
    VerdictReason.ON_TEST: Text("测试期间", "on test"),
    VerdictReason.BLOCKED: Text("被屏蔽规则屏蔽", "muted by a block rule"),
    VerdictReason.CROWD: Text("同类异常大量出现，并入汇总", "many alike at once, on one card"),
    VerdictReason.NOTHING_OPEN: Text("无未结警情可并入", "no open incident to join"),
}

EXCEPTION_KINDS: Final[dict[ExceptionKind, Text]] = {
    ExceptionKind.TROUBLE: Text("设备故障", "Equipment trouble"),
    ExceptionKind.UNKNOWN_CODE: Text("未知代码", "Unknown code"),
    ExceptionKind.UNKNOWN_ALARM: Text("未登记来源报警", "Alarm of an unknown source"),
    ExceptionKind.UNKNOWN_SOURCE: Text("未登记来源", "Unknown source"),
    ExceptionKind.LATE: Text("迟到报警", "Late alarm"),
}

ASSURANCES: Final[dict[Assurance, Text]] = {
    Assurance.NONE: Text("来源未经验证", "Not authenticated"),
    Assurance.INTEGRITY: Text("内容完整，来源未经验证", "Unaltered, not authenticated"),
    Assurance.AUTHENTICATED: Text("来源已验证", "Authenticated"),
}

ON_TEST_ENDINGS: Final[dict[OnTestEnding, Text]] = {
    OnTestEnding.BY_HAND: Text("人工结束", "ended by hand"),
    OnTestEnding.TIME_UP: Text("时间到", "time was up"),
}

BLOCK_ENDINGS: Final[dict[BlockEnding, Text]] = {
    BlockEnding.BY_HAND: Text("人工结束", "ended by hand"),
    BlockEnding.TIME_UP: Text("时间到", "time was up"),
    BlockEnding.SUSPENDED: Text("超出范围，自动中止", "suspended itself, beyond its share"),
    BlockEnding.LAPSED: Text("未启用，试算过期", "never in force, its dry run too old"),
}

ENDINGS: Final[dict[Ending, Text]] = {
    Ending.DONE: Text("任务完成", "done"),
    Ending.RECALLED: Text("撤回", "recalled"),
    Ending.REFUSED: Text("拒绝", "refused"),
    Ending.DIVERTED: Text("改派", "diverted"),
}

LISTS: Final[dict[type[Enum], dict[Enum, Text]]] = {
    enum: dict(texts.items())
    for enum, texts in (
        (IncidentType, INCIDENT_TYPES),
        (Level, LEVELS),
        (Capability, CAPABILITIES),
        (Channel, CHANNELS),
        (Disposition, DISPOSITIONS),
        (Role, ROLES),
        (SubjectKind, SUBJECT_KINDS),
        (IncidentState, INCIDENT_STATES),
        (IncidentStep, INCIDENT_STEPS),
        (Band, BANDS),
        (Source, SOURCES),
        (ReportKind, REPORT_KINDS),
        (Hurt, HURT),
        (OrderState, ORDER_STATES),
        (OrderStep, ORDER_STEPS),
        (Ending, ENDINGS),
        (Refusal, REFUSAL_REASONS),
        (UnitState, UNIT_STATES),
        (UnitStep, UNIT_STEPS),
        (OutOfServiceReason, OUT_OF_SERVICE_REASONS),
        (Effect, EFFECTS),
        (Verdict, VERDICTS),
        (VerdictReason, VERDICT_REASONS),
        (ExceptionKind, EXCEPTION_KINDS),
        (Assurance, ASSURANCES),
        (Avs, AVS),
        (AvsWhy, AVS_WHYS),
        (ConfirmRule, CONFIRM_RULES),
        (RaisedBecause, RAISED_BECAUSE),
        (CancelHow, CANCEL_HOWS),
        (CancelOutcome, CANCEL_OUTCOMES),
        (OnTestEnding, ON_TEST_ENDINGS),
        (BlockEnding, BLOCK_ENDINGS),
    )
}


def text_of(member: Enum) -> Text:
    """The text of a member of any of the closed lists."""
    return LISTS[type(member)][member]
