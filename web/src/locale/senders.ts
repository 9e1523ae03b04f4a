// The words of a crowd's list of senders, in both languages; read with the list.

import type { Language } from "./index.ts";

const zh = {
  title: "来源明细",
  search: "按单位、账号或内容查找",
  shown: (shown: number, all: number) => `显示 ${shown} / ${all} 个来源`,
  own: "单列警情",
  ownTitle: "该来源及其全部信号从汇总中移出，另立一起警情",
  times: (count: number) => `×${count}`,
  more: "读取更早的信号",
  failed: "未能读取，请重试。",
  none: "没有符合的来源。",
};

const en: typeof zh = {
  title: "Its senders",
  search: "Find by site, account or content",
  shown: (shown, all) => `${shown} of ${all} senders shown`,
  own: "Own incident",
  ownTitle: "Takes this sender, with all it said, out of the crowd into an incident of its own",
  times: (count) => `×${count}`,
  more: "Read earlier signals",
  failed: "Could not be read. Try again.",
  none: "No sender matches.",
};

export const SENDERS: Record<Language, typeof zh> = { "zh-CN": zh, en };
