// The words of the command line: for each verb and value an English letter or word, the initials
// of its pinyin, and Chinese. A word means one thing; grammar.test.ts fails on a second meaning.

import type { Disposition, IncidentType, OutOfServiceReason, ReportedState } from "../api/shapes.ts";

export const VERBS = {
  send: ["d", "pj", "派", "派警"],
  acknowledge: ["k", "qs", "签", "签收"],
  under_way: ["e", "cd", "出", "出动"],
  at_scene: ["a", "dc", "到", "到场"],
  clear: ["c", "hf", "归", "恢复"],
  transport: ["t", "zs", "送", "转送"],
  in_station: ["i", "gd", "队", "归队"],
  note: ["n", "bz", "备", "备注"],
  close: ["z", "ja", "结", "结案"],
  recall: ["r", "zh", "撤", "撤回"],
  hold: ["h", "hz", "缓", "暂缓"],
  release: ["u", "jc", "解", "解除"],
  merge: ["m", "hb", "并", "合并"],
  split: ["f", "cf", "拆", "拆分"],
  link: ["l", "gl", "联", "关联"],
  reopen: ["o", "cq", "重", "重启"],
  classify: ["y", "lx", "类", "类别"],
  out_of_service: ["q", "tq", "停", "停勤"],
  back_in_service: ["s", "fq", "复", "复勤"],
  tick: ["x", "gx", "勾", "勾选"],
  validate: ["v", "hs", "核", "核实"],
  open: ["w", "xj", "新", "新建"],
  help: ["?", "帮", "帮助"],
} as const satisfies Record<string, readonly string[]>;

export type Verb = keyof typeof VERBS | "priority";

export const REPORTS: Partial<Record<Verb, ReportedState>> = {
  under_way: "under_way",
  at_scene: "at_scene",
  clear: "returning",
  transport: "transporting",
  in_station: "in_station",
};

export const TYPE_WORDS: Record<IncidentType, readonly string[]> = {
  fire: ["fire", "hj", "火", "火警", "火灾"],
  medical: ["medical", "jj", "急", "急救"],
  rescue: ["rescue", "qx", "抢险", "救援"],
  traffic: ["traffic", "jt", "交", "交通"],
  holdup: ["holdup", "qj", "劫", "抢劫"],
  panic: ["panic", "jz", "求救", "求助", "紧急求助"],
  burglary: ["burglary", "rq", "入侵", "盗警"],
  public_order: ["order", "za", "治", "治安"],
  gas: ["gas", "qt", "气", "燃气"],
  hazmat: ["hazmat", "wh", "危", "危化"],
  technical: ["technical", "gz", "障", "故障"],
  unknown: ["unknown", "wz", "未知"],
};

export const DISPOSITION_WORDS: Record<Disposition, readonly string[]> = {
  handled: ["handled", "cl", "处", "处置"],
  false_alarm: ["false", "wb", "误", "误报"],
  unfounded: ["unfounded", "bs", "虚", "不实"],
  test: ["test", "cs", "测", "测试"],
  no_response_needed: ["none", "wx", "无", "无需"],
  transferred: ["transferred", "yj", "移", "移交"],
  duplicate: ["duplicate", "cf", "同", "重复"],
  cancelled_by_user: ["cancelled", "qxbj", "取消", "用户取消"],
};

/** Why a unit is out of service: a closed list, since what is typed would stay for ever. */
export const OUT_OF_SERVICE_WORDS: Record<OutOfServiceReason, readonly string[]> = {
  breakdown: ["breakdown", "gz", "障", "故障"],
  maintenance: ["maintenance", "by", "保", "保养"],
  crew_rest: ["rest", "xx", "休", "休整"],
  crew_short: ["short", "qr", "缺", "缺员"],
  refuelling_or_restocking: ["refuelling", "bj", "补", "补给"],
  decontamination: ["decontamination", "xxc", "洗", "洗消"],
  training: ["training", "xl", "训", "训练"],
  other: ["other", "qt", "其", "其他"],
};

const LATIN_PREFIX_MIN = 2;

/** The value a word names: exactly, or by an unambiguous beginning of its English word. */
export function lookUp<K extends string>(
  table: Record<K, readonly string[]>,
  word: string,
): K | null {
  const entries = Object.entries(table) as [K, readonly string[]][];
  const exact = entries.find(([, words]) => words.includes(word));
  if (exact) return exact[0];
  if (word.length < LATIN_PREFIX_MIN || !/^[a-z]+$/.test(word)) return null;
  const begun = entries.filter(([, words]) => words[0]?.startsWith(word));
  return begun.length === 1 && begun[0] ? begun[0][0] : null;
}

export function verbOf(word: string): Verb | null {
  if (/^p[1-4]$/.test(word)) return "priority";
  const found = Object.entries(VERBS).find(([, words]) =>
    (words as readonly string[]).includes(word),
  );
  return found ? (found[0] as Verb) : null;
}
