// The timeline's sentences in Chinese, one for each kind of fact.

import type { FactSentence } from "./telling.ts";

const DETACHED: Record<string, string> = {
  done: "任务完成", recalled: "撤回", refused: "拒绝", diverted: "改派",
};
const REFUSED: Record<string, string> = {
  crew_incomplete: "人员不齐", vehicle_defect: "车辆故障", equipment_missing: "装备缺失",
  too_far: "距离过远", road_blocked: "道路不通", other: "其他原因",
};
const OUT: Record<string, string> = {
  breakdown: "车辆故障", maintenance: "维护保养", crew_rest: "人员休整", crew_short: "人员不足",
  refuelling_or_restocking: "加油补给", decontamination: "车辆洗消", training: "训练",
  other: "其他原因",
};
const JOINED: Record<string, string> = {
  same_site: "同一单位", same_source: "同一来源", same_address: "同一地址来源", by_hand: "人工归并",
  crowd: "同类异常汇总",
};
/** Why a signal opened an incident: it is that incident's first. */
const OPENING = new Set(["alarm", "trouble", "unknown_code", "unknown_source", "needs_answer", "outage", "unconfirmed", "late"]);
const RAISED: Record<string, string> = {
  two_zones: "第二个防区报警", two_technologies: "另一种探测器报警", verified: "设备端已复核",
  second_trip: "再次触发", by_hand: "人工核实", timely: "又有即时报警",
};
const RECORDED: Record<string, string> = {
  repeat: "重复报文", test: "测试", on_test: "测试期间", blocked: "被屏蔽", nothing_open: "无对应警情", no_answer_needed: "代码表规定无需处置",
  synthetic: "本系统自测",
};
const SOURCES: Record<string, string> = {
  signal: "收到报警信号", call: "接电话报警", report: "收到网上报警", probe: "系统自检", block: "屏蔽规则",
};
const STEPS: Record<string, string> = {
  take: "签收", assign: "派出力量", close: "结案", receipt: "送达", answer: "签收", start: "出动",
  arrival: "到场", handover: "转送完成", return: "归队",
};

const HURT: Record<string, string> = { yes: "有", no: "无", unknown: "不清楚" };
const REPORTED: Record<string, string> = {
  fire: "起火或冒烟", medical: "有人受伤或发病", crime: "违法犯罪正在发生", traffic: "交通事故",
  gas: "燃气异味或泄漏", technical: "水、电、电梯等故障", other: "其他情况",
};

export const facts: Record<string, FactSentence> = {
  "incident.opened": (f) =>
    `${f.lookUp(SOURCES, "source")}，受理${f.type("type")}警情，${f.level("level")}`,
  "incident.signal_joined": (f) =>
    OPENING.has(f.text("reason"))
      ? "首个信号记入本警情"
      : `${f.flag("alarms") ? "再次报警" : "收到后续信号"}（${f.lookUp(JOINED, "reason")}）`,
  "incident.signal_left": (f) => `一条信号转入 ${f.incident("moved_to")}`,
  "incident.report_joined": (f) =>
    `报警内容：${f.lookUp(REPORTED, "kind")}；有无伤员：${f.lookUp(HURT, "hurt")}。${f.sealed("where")}${f.sealedAfter("。", "text")}${f.sealedAfter("。回拨：", "caller_phone")}`,
  "incident.report_added": (f) => `报警人补充：${f.sealed("text")}`,
  "incident.report_withdrawn": () => "报警人表示不再需要帮助",
  "incident.taken": (f) => `${f.text("by_name")} 签收`,
  "incident.classified": (f) => `类型改为${f.type("type")}`,
  "incident.prioritised": (f) => `等级定为 ${f.level("level")}${f.text("due_at") && `，期限 ${f.time("due_at")}`}`,
  "incident.located": (f) => `位置改为 ${f.place("place")}`,
  "incident.noted": (f) => `备注：${f.sealed("text")}`,
  "incident.held": (f) => `暂缓至 ${f.time("until")}${f.sealedAfter("，原因：", "reason")}`,
  "incident.released": (f) => (f.flag("by_time") ? "暂缓时间到，恢复处置" : "解除暂缓"),
  "incident.linked": (f) => `与 ${f.incident("other")} 关联`,
  "incident.unlinked": (f) => `解除与 ${f.incident("other")} 的关联`,
  "incident.merged": (f) => `并入 ${f.incident("into")}`,
  "incident.absorbed": (f) => `${f.incident("other")} 并入本警情`,
  "incident.split": (f) => `从 ${f.incident("out_of")} 拆分，恢复为独立警情`,
  "incident.released_other": (f) => `${f.incident("other")} 拆分出去`,
  "incident.unit_attached": (f) => `${f.unit()} 加入处置`,
  "incident.unit_detached": (f) => `${f.unit()} 脱离（${f.lookUp(DETACHED, "reason")}）`,
  "incident.closed": (f) => `结案：${f.disposition("disposition")}${f.sealedAfter("，", "note")}`,
  "incident.reopened": (f) => `重启${f.sealedAfter("，原因：", "reason")}`,
  "incident.overdue": (f) => `超时：未按时${f.lookUp(STEPS, "step")}`,
  "incident.plan_kept": (f) => `处置预案共 ${f.text("count")} 步`,
  "incident.step_ticked": (f) => `预案步骤已完成：${f.sealed("text_zh")}`,
  "incident.step_unticked": (f) => `取消预案步骤勾选：${f.sealed("text_zh")}`,
  "incident.raised": (f) => `报警已复核：${f.lookUp(RAISED, "reason")}`,
  "incident.cancelled": (f) =>
    `${f.is("how", "disarm") ? "用户撤防" : "用户取消报警"}${
      f.is("outcome", "closed") ? "，警情自动结案" : "，警情未结案"
    }`,
  "incident.validated": (f) => `核实为 AVS ${f.text("avs")} 级${f.sealedAfter("，依据：", "reason")}`,
  "order.given": (f) =>
    `派 ${f.unit()}${f.flag("advised") ? "（建议力量）" : ""}${f.sealedAfter("，附言：", "note")}`,
  "order.sent": (f) => `${f.unit()} 命令发往${f.channel("channel")}`,
  "order.received": (f) => `${f.unit()} 命令已送达${f.channel("channel")}`,
  "order.accepted": (f) => `${f.unit()} 签收命令`,
  "order.refused": (f) => `${f.unit()} 拒绝命令：${f.lookUp(REFUSED, "reason")}`,
  "order.started": (f) => `${f.unit()} 出动`,
  "order.arrived": (f) => `${f.unit()} 到场`,
  "order.done": (f) => `${f.unit()} 处置完毕`,
  "order.recalled": (f) => `${f.unit()} ${f.lookUp(DETACHED, "reason")}`,
  "order.overdue": (f) => `${f.unit()} 超时：未按时${f.lookUp(STEPS, "step")}`,
  "unit.registered": (f) => `${f.unit()} 登记入列`,
  "unit.ordered": (f) => `${f.unit()} 领受命令`,
  "unit.state_reported": (f) =>
    `${f.unit()} ${f.unitState("state")}${f.flag("by_desk") ? "（调度台代报）" : ""}`,
  "unit.freed": (f) => `${f.unit()} ${f.unitState("state")}（${f.lookUp(DETACHED, "reason")}）`,
  "unit.taken_out_of_service": (f) => `${f.unit()} 停勤：${f.lookUp(OUT, "reason")}`,
  "unit.returned_to_service": (f) => `${f.unit()} 恢复执勤`,
  "on_test.begun": (f) => `设为测试至 ${f.time("until")}：${f.text("why")}`,
  "on_test.extended": (f) => `测试延长至 ${f.time("until")}`,
  "on_test.signalled": (f) => `测试信号，防区 ${f.text("zone")}`,
  "on_test.ended": (f) => `测试结束，信号 ${f.text("signals")} 条`,
  "block.drafted": (f) => `屏蔽规则试算：${f.text("why")}`,
  "block.put_in_force": (f) => `屏蔽规则由 ${f.text("by_name")} 启用`,
  "block.extended": (f) => `屏蔽规则延长至 ${f.time("until")}`,
  "block.swallowed": (f) => `屏蔽信号，账号 ${f.text("account")}`,
  "block.ended": (f) => `屏蔽规则结束，共屏蔽信号 ${f.text("signals")} 条`,
  "unit.overdue": (f) => `${f.unit()} 超时：未按时${f.lookUp(STEPS, "step")}`,
  "signal.judged": (f) =>
    f.is("verdict", "opened")
      ? `信号判定：${f.effect("effect")}，立为警情`
      : f.is("verdict", "joined")
        ? `信号判定：${f.effect("effect")}，归入本警情`
        : `信号判定：${f.effect("effect")}，仅记录（${f.lookUp(RECORDED, "reason")}）`,
  "signal.moved": (f) => `信号由 ${f.incident("moved_from")} 转入 ${f.incident("incident")}`,
};
