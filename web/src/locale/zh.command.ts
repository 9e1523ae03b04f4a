// What the command line says in Chinese: what Enter will do, what is missing.

import type { Unit } from "../api/shapes.ts";
import type { Act } from "../desk/acts.ts";
import type { Ask } from "../desk/grammar.ts";
import type { Verb } from "../desk/words.ts";
import { named } from "./naming.ts";
import type { ActNames } from "./naming.ts";

const signs = (units: readonly Unit[]): string => units.map((unit) => unit.call_sign).join("、");

export function preview(act: Act, names: ActNames): string {
  const on = (incident: Parameters<typeof named>[0]): string => named(incident, names);
  switch (act.act) {
    case "select":
      return `查看 ${on(act.incident)}`;
    case "show_unit":
      return `在地图上查看 ${act.unit.call_sign}（${names.unitState(act.unit.state)}）`;
    case "help":
      return "打开指令帮助";
    case "open":
      return "登记电话报警";
    case "take":
      return `签收 ${on(act.incident)}`;
    case "send":
      return `派 ${signs(act.units)}${act.advised ? "（建议力量）" : ""} 前往 ${on(act.incident)}${
        act.confirmed && act.busy.length ? `，并从原警情改派 ${signs(act.busy)}` : ""
      }${act.note ? `，附言：${act.note}` : ""}`;
    case "accept":
      return `${signs(act.units)} 已签收命令`;
    case "report":
      return `${signs(act.units)} 状态改为“${names.unitState(act.state)}”`;
    case "note":
      return `为 ${on(act.incident)} 记录备注：${act.text}`;
    case "classify":
      return `${on(act.incident)} 类型改为“${names.type(act.to)}”`;
    case "prioritise":
      return `${on(act.incident)} 改为 ${act.level} 级`;
    case "hold":
      return `${on(act.incident)} 暂缓 ${act.minutes} 分钟，原因：${act.reason}`;
    case "release":
      return `解除 ${on(act.incident)} 的暂缓`;
    case "link":
      return `关联 ${on(act.incident)} 与 ${on(act.other)}`;
    case "unlink":
      return `解除 ${on(act.incident)} 与 ${on(act.other)} 的关联`;
    case "merge":
      return `将 ${on(act.incident)} 并入 ${on(act.into)}`;
    case "split":
      return `将 ${on(act.incident)} 拆分为独立警情`;
    case "split_sender":
      return `将 ${act.sender} 从 ${on(act.incident)} 中单列为独立警情`;
    case "close":
      return `结案 ${on(act.incident)}，结果：${names.disposition(act.disposition)}${
        act.note ? `，备注：${act.note}` : ""
      }`;
    case "reopen":
      return `重启 ${on(act.incident)}，原因：${act.reason}`;
    case "tick":
      return `勾选 ${on(act.incident)} 预案第 ${act.place} 步`;
    case "untick":
      return `取消勾选 ${on(act.incident)} 预案第 ${act.place} 步`;
    case "validate":
      return `${on(act.incident)} 核实为 AVS ${act.avs} 级，依据：${act.reason}`;
    case "recall":
      return `从 ${on(act.incident)} 撤回 ${signs(act.units)}${
        act.reason ? `，原因：${act.reason}` : ""
      }`;
    case "out_of_service":
      return `${signs(act.units)} 停勤，原因：${names.outReason(act.reason)}`;
    case "back_in_service":
      return `${signs(act.units)} 恢复执勤`;
  }
}

const TEXT_FOR: Partial<Record<Verb, string>> = {
  note: "备注内容", hold: "暂缓原因", validate: "核实依据", reopen: "重启原因",
};

export function ask(asked: Ask, names: ActNames): string {
  switch (asked.ask) {
    case "unknown_word":
      return `“${asked.word}”不是呼号、编号或指令；输入 ? 查看指令`;
    case "what_to_do":
      return "要做什么？例如：派 d、签 k、出动 e、到场 a、归队 c";
    case "which_incident":
      return "哪起警情？输入编号（如 #1234），或按 F2 选择下一起";
    case "which_other":
      return "与哪起警情？输入另一起的编号";
    case "which_unit":
      return "哪个力量？输入呼号，或 * 表示建议力量";
    case "no_such_number":
      return `没有编号以 ${asked.word} 结尾的警情`;
    case "many_numbers":
      return `${asked.word} 有多起：${asked.incidents
        .slice(0, 3)
        .map((incident) => named(incident, names))
        .join("；")}。多输几位，或加上辖区名`;
    case "advice_unknown":
      return "力量建议尚未算出，请稍候，或直接输入呼号";
    case "nobody_advised":
      return "没有可建议的力量，请直接输入呼号";
    case "text_needed":
      return `输入“;”后填写${TEXT_FOR[asked.verb] ?? "内容"}`;
    case "disposition_needed":
      return "处置结果？处置、误报、不实、测试、无需、移交、重复";
    case "out_reason_needed":
      return "停勤原因？故障、保养、休整、缺员、补给、洗消、训练、其他";
    case "no_text_here":
      return "停勤原因只选一项，不能附文字";
    case "type_needed":
      return "改为何种类型？火警、急救、抢险、交通、抢劫、求救、入侵、治安、燃气、危化、故障";
    case "minutes_needed":
      return "暂缓多久？例如：缓 30 ;等待业主";
    case "one_verb":
      return "一行只能有一条指令";
    case "already_here":
      return `${asked.unit.call_sign} 已在本警情`;
    case "unit_out":
      return `${asked.unit.call_sign} 停勤中，不能派出${
        asked.unit.out_of_service_reason
          ? `（${names.outReason(asked.unit.out_of_service_reason)}）` : ""
      }`;
    case "unit_idle":
      return `${asked.unit.call_sign} 没有执行中的命令`;
    case "unit_elsewhere":
      return `${asked.unit.call_sign} 不在 ${named(asked.incident, names)}`;
    case "still_attached":
      return `仍有力量在处置：${asked.incident.units.map((unit) => unit.call_sign).join("、")}；先归队 c 或撤回 r`;
    case "already_taken":
      return `${named(asked.incident, names)} 已签收`;
    case "is_closed":
      return `${named(asked.incident, names)} ${names.incidentState(asked.incident.state)}，不能再处置`;
    case "not_closed":
      return `${named(asked.incident, names)} 尚未结案`;
    case "not_merged":
      return `${named(asked.incident, names)} 没有被合并`;
    case "not_held":
      return `${named(asked.incident, names)} 不在暂缓状态`;
    case "same_incident":
      return "两起警情相同";
    case "no_plan":
      return `${named(asked.incident, names)} 没有处置预案`;
    case "no_such_step":
      return `预案共 ${asked.count} 步，没有第 ${asked.step} 步`;
    case "all_ticked":
      return "预案各步均已勾选";
    case "step_ticked":
      return `第 ${asked.step} 步已勾选；输入 x -${asked.step} 取消`;
    case "step_not_ticked":
      return `第 ${asked.step} 步尚未勾选`;
    case "avs_needed":
      return "核实为几级（0 至 4）？例如：核 3 ;值班员确认有烟";
  }
}
