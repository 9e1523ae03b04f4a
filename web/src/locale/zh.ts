// The Chinese of the console; its shape is the list of messages that every language must have.
// Terms: docs/glossary.toml.

import type {
  Band, Capability, Disposition, IncidentState, IncidentType, OrderState, OutOfServiceReason,
  UnitState,
} from "../api/shapes.ts";
import type { Health } from "../live/health.ts";
import * as command from "./zh.command.ts";
import { facts } from "./zh.facts.ts";

type Words = Record<string, string>;

const types: Record<IncidentType, string> = {
  fire: "火警", medical: "急救", rescue: "抢险", traffic: "交通", holdup: "抢劫", panic: "求救",
  burglary: "入侵", public_order: "治安", gas: "燃气", hazmat: "危化", technical: "故障",
  unknown: "未明",
};

const capabilities: Record<Capability, string> = {
  pump: "水罐", ladder: "云梯", rescue: "抢险救援", hazmat: "危化处置", ambulance: "救护",
  advanced_life_support: "高级急救", patrol: "巡逻", traffic: "交通处置", command: "现场指挥",
};

const dispositions: Record<Disposition, string> = {
  handled: "已处置", false_alarm: "误报", unfounded: "不实警情", test: "测试",
  no_response_needed: "无需出动", transferred: "移交其他部门", duplicate: "重复报警",
};

const incidentStates: Record<IncidentState, string> = {
  new: "待签收", taken: "已签收", held: "暂缓", closed: "已结案", merged: "已合并",
};

const unitStates: Record<UnitState, string> = {
  in_station: "在站", available: "待命", ordered: "已派", under_way: "出动", at_scene: "到场",
  transporting: "转送", returning: "归队", out_of_service: "停勤",
};

const outOfServiceReasons: Record<OutOfServiceReason, string> = {
  breakdown: "车辆故障", maintenance: "维护保养", crew_rest: "人员休整", crew_short: "人员不足",
  refuelling_or_restocking: "加油补给", decontamination: "车辆洗消", training: "训练",
  other: "其他原因",
};

const orderStates: Record<OrderState, string> = {
  given: "已下达", sent: "已发出", received: "已送达", accepted: "已签收", refused: "已拒绝",
  under_way: "已出动", at_scene: "已到场", done: "已完成", recalled: "已撤回",
};

const bands: Record<Band, string> = { unassigned: "待派", working: "处置中", watch: "观察" };

const health: Record<Health, string> = {
  ok: "实时", slow: "延迟", stale: "数据中断", database_lost: "数据库失联", signed_out: "已退出登录",
  starting: "连接中",
};

export const zh = {
  types,
  capabilities: capabilities as Words,
  dispositions,
  incidentStates,
  unitStates,
  outOfServiceReasons,
  orderStates,
  bands,
  health,
  unitKinds: {
    engine: "水罐车", ladder: "云梯车", rescue: "抢险车", ambulance: "救护车", patrol: "巡逻车",
    command: "指挥车",
  } as Words,
  channels: { app: "车载终端", station: "站点终端" } as Words,
  assurances: { none: "未验证", integrity: "已校验", authenticated: "已认证" } as Words,
  effects: {
    alarm: "报警", restore: "恢复", test: "测试", status: "状态", trouble: "故障", unknown: "未知代码",
  } as Words,
  roles: {
    call_taker: "接警员", dispatcher: "调度员", supervisor: "值班长", crew: "车组", administrator: "系统管理员",
    inspector: "督察员", service: "系统服务",
  } as Words,
  sources: { signal: "报警信号", call: "电话报警", report: "网上报警" } as Words,
  placeSources: { site: "联网单位", call_taker: "接警员", unit: "现场力量", reporter: "报警人" } as Words,
  overdueSteps: {
    take: "超时未签收", assign: "超时未派", close: "超时未结案", receipt: "超时未送达", answer: "超时未签收",
    start: "超时未出动", arrival: "超时未到场", handover: "转送超时",
    return: "归队超时",
  } as Words,
  time: {
    zone: (zone: string) => `本地时间 ${zone}`,
    days: (days: number) => `${days}天`,
    minutes: (minutes: string) => `${minutes} 分`,
    km: (km: string) => `${km} 公里`,
    ago: (elapsed: string) => `${elapsed} 前`,
    seconds: (seconds: number) => `${seconds} 秒`,
    coarse: (hours: number, minutes: number) => (hours ? `${hours} 时` : `${minutes} 分`),
  },
  strip: {
    label: "系统状态",
    console: "应急指挥台",
    feedAge: (seconds: number) => `${seconds} 秒未更新`,
    staleExplained: "画面已停止更新，请勿据此决策；正在自动重连。",
    databaseExplained: "接警设备得不到应答，将自动重发；暂时无法派警。",
    signedOutExplained: "登录已失效。",
    signIn: "重新登录",
    intake: "信号接收",
    waiting: (count: number, oldest: number) => `待处理 ${count} · 最久 ${oldest} 秒`,
    caughtUp: "无积压",
    problems: (count: number) => `异常 ${count}`,
    intakeTitle: "接收情况",
    noProblems: "自启动以来未收到异常报文。",
    behind: "待排序记录",
    quarantined: "无法处理、已搁置的报文、信号和后续动作",
    signalsWaiting: "待处理信号",
    oldest: "最久等待",
    language: "EN",
    languageTitle: "Switch to English (F8)",
    theme: { auto: "配色自动", light: "浅色", dark: "深色" },
    themeTitle: (theme: string) => `配色：${theme}，按 F9 切换`,
    signOut: "退出",
    clock: "时间",
    call: "接警",
    callBegun: "录入中",
    help: "帮助",
  },
  counters: {
    malformed: "格式错误", bad_length: "长度错误", bad_crc: "校验错误", oversized: "超长报文",
    cut_short: "报文中断", rubbish: "无法识别的字节", unknown_account: "未知账号",
    unknown_token: "未知报文类型", stale_time: "时间戳过期", wrong_key: "密钥不符", no_key: "无密钥",
    receivers_word: "应答报文（不予应答）", too_many_connections: "连接数超限",
    too_many_connections_of_address: "单一地址连接数超限", too_many_in_flight: "单一地址报文过密",
    too_many_in_datagram: "数据报内报文过多", not_kept: "未能保存（未应答）",
    answer_undeliverable: "应答未能送出", queue_full: "接收队列已满", unstorable: "无法保存的报文",
    poll: "巡检", received: "已接收", ack: "已确认（ACK）", nak: "已否认（NAK）",
    collected: "网上报警并入汇总", turned_away: "网上报警未收（已提示打电话）",
    duh: "不支持（DUH）", nothing: "未应答", repeat: "重复报文", stream_clients: "在线画面",
  } as Words,
  queue: {
    title: "警情",
    label: "警情队列",
    open: (count: number) => `${count} 起`,
    bandEmpty: { unassigned: "无待派警情", working: "无处置中警情", watch: "无观察事项" },
    notTaken: (count: number) => `${count} 起待签收`,
    overdue: (count: number) => `${count} 起超时`,
    allTaken: "全部已签收",
    noneOverdue: "无超时",
    duplicate: (numbers: string) => `疑似与 ${numbers} 重复`,
    signals: (count: number) => `${count} 次报警`,
    units: (signs: string) => `已派 ${signs}`,
    report: "未核实",
    reports: (count: number) => (count > 1 ? `网上报警 ${count} 份，未经核实` : "网上报警，未经核实"),
    reportAdditions: (count: number) => `报警人补充 ${count} 次`,
    withdrawn: "报警人撤销",
    reportsWithdrawn: (count: number, all: number) =>
      all > 1 ? `${all} 份中有 ${count} 份报警人表示不再需要帮助` : "报警人表示不再需要帮助",
    noPlace: "位置不明",
    heldUntil: (time: string) => `暂缓至 ${time}`,
    priority: (level: number) => `${level} 级`,
    overdueMark: "超时",
    loading: "正在读取警情…",
  },
  card: {
    label: "警情详情",
    none: "未选择警情",
    noneHint: "按 F2 签收下一起警情；按 F6 登记电话报警。",
    elapsed: "历时",
    due: {
      take: (time: string) => `应于 ${time} 前签收`,
      assign: (time: string) => `应于 ${time} 前派出`,
      other: (time: string) => `期限 ${time}`,
    },
    place: "坐标",
    district: "辖区",
    source: "来源",
    opened: "受理时间",
    taken: "签收",
    closedAt: "结案",
    heldUntil: "暂缓至",
    notTaken: "尚未签收",
    noPlace: "位置不明",
    actions: {
      take: "签收", send: "派出", note: "备注", priority: "改级", hold: "暂缓",
      release: "解除暂缓", close: "结案", reopen: "重启",
    },
    duplicates: "疑似重复",
    mergeInto: "并入",
    absorbed: "已并入本警情",
    split: "拆分",
    linked: "关联警情",
    unlink: "解除关联",
    mergedInto: (number: number | string) => `已并入 #${number}`,
    goTo: "查看",
    advice: "力量建议",
    adviceLoading: "正在计算…",
    adviceFailed: "暂时无法取得建议，可直接输入呼号派警。",
    straightLine: "行程为直线估算，非道路行程",
    degraded: "部分行程时间不确定",
    requirement: (name: string, attached: number, count: number) => `${name} ${attached}/${count}`,
    requirements: "所需力量",
    alternatives: "备选",
    recommended: "建议派出",
    nobody: "没有可派力量",
    met: "所需力量已派足",
    attached: "已派力量",
    signals: "报警信号",
    moreSignals: (count: number) => `共 ${count} 条，显示最近 50 条`,
    code: "代码",
    zone: "防区",
    partition: "分区",
    account: "账号",
    occurred: (time: string) => `设备时间 ${time}`,
    late: "迟报",
    timeline: "经过",
    timelineShort: "要点",
    timelineFull: "全部",
    timelineLoading: "正在读取…",
    timelineFailed: "暂时无法读取经过。",
  },
  board: {
    label: "力量",
    title: "力量",
    none: "没有登记力量",
    overdue: "超时",
    since: (elapsed: string) => `持续 ${elapsed}`,
    free: (free: number, total: number) => `可派 ${free}/${total}`,
    on: (number: number) => `#${number}`,
  },
  map: {
    label: "地图",
    canvas: "地图画面",
    absent: "未安装底图，仅显示警情与力量位置",
    failed: "此浏览器无法显示地图（需要 WebGL2）。派警不受影响。",
    pick: "请在地图上点选报警位置",
    loading: "正在载入地图…",
    zoomIn: "放大",
    zoomOut: "缩小",
    fit: "显示全城",
  },
  open: {
    title: "登记电话报警",
    type: "警情类型",
    level: "等级",
    site: "联网单位或地址",
    siteHint: "单位名称或地址",
    district: "辖区",
    caller: "报警人",
    phone: "电话",
    note: "报警内容",
    where: "报称地点",
    reports: (count: number) => `网上报警 ${count} 份，最近 ${count < 5 ? count : 5} 份如下`,
    submit: "登记警情",
    close: "收起",
    discard: "放弃录入",
    needsAddress: "请填写地址、选择联网单位或在地图上点选位置。",
    unplaced: "尚未定位：请在地图上点选；未定位则无法计算行程。",
    needsDistrict: "请选择辖区。",
    chooseDistrict: "请选择…",
    nearby: "附近未结警情",
    metres: (metres: number) => `${metres} 米`,
    level_hint: ["生命危险", "紧急", "较急", "一般"],
  },
  bar: {
    label: "指令",
    placeholder: "输入指令，例如：派 * · 签 · ;备注 · ? 帮助",
    working: "正在执行…",
    undo: (seconds: number) => `Ctrl+Z 撤销（${seconds} 秒）`,
    undone: (sentence: string) => `已撤销：${sentence}`,
    nothingToUndo: "没有可撤销的操作",
    nothingToTake: "没有待签收的警情",
    noPrevious: "没有上一起警情",
    noIncident: "请先选择警情（F2）",
    notSent: "未派出：其间已切换到其他警情",
    signedOut: "登录已失效，指令未执行。请重新登录。",
    unconfirmed: "未收到服务器应答，指令是否执行尚不确定；恢复后请核对经过。",
    refused: "服务器拒绝了该指令。",
    by: (name: string, time: string) => `（${name}，${time}）`,
    divert: (conflicts: string) => `${conflicts}，再按回车改派`,
    conflict: (unit: string, number: number | string) => `${unit} 正在处置 #${number}`,
    done: (sentence: string) => `已执行：${sentence}`,
    opened: "警情已登记",
    part: (done: number, all: number) => `（已执行 ${done}/${all} 项）`,
    keys: {
      next: "下一起", previous: "上一起", timeline: "全部经过", call: "接警", send: "派出建议",
    },
  },
  preview: command.preview,
  ask: command.ask,
  help: command.help,
  facts,
};

export type Messages = typeof zh;
