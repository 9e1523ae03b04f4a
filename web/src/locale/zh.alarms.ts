// Chinese words for what an alarm is worth: validation level, confirmation, cancel, lateness, and
// what vouches for it.

type Words = Record<string, string>;

export const alarms = {
  title: "警情可信度",
  assurances: { none: "来源未经验证", integrity: "内容完整，来源未经验证", authenticated: "来源已验证" } as Words,
  assuranceMeans: {
    none: "无法证明由谁发出",
    integrity: "传输中未被改动，但无法证明由谁发出",
    authenticated: "发送方持有该设备的密钥",
  } as Words,
  assuranceOf: (word: string) => `${word}（取各次报警中最低者）`,
  avs: (level: number) => `AVS ${level}`,
  avsLevels: {
    0: "无需出警", 1: "信息有限", 2: "有人或很可能有人", 3: "确认危及财产", 4: "确认危及生命",
  } as Words,
  avsWhys: {
    alarm: "仅有报警", late: "仅有迟到的报警", two_zones: "两个防区先后报警",
    two_technologies: "两种探测方式先后报警", verified: "设备端已复核", life: "有人求助",
    merged: "来自并入的警情", cancelled: "用户及时取消", by_hand: "人工核实",
  } as Words,
  avsBy: (name: string) => `核实人 ${name}`,
  avsEvidence: (level: number) => `仅凭证据为 ${level} 级`,
  avsSignals: (zones: string) => `依据${zones}`,
  avsOffered: "用户已取消：可由您核实为 0 级（v 0 ;依据）。",
  zones: (zones: readonly string[]) => `防区 ${zones.join("、")}`,
  signals: (count: number) => ` ${count} 条信号`,
  rules: {
    none: "再次触发", two_zones: "第二个防区报警", two_technologies: "另一种探测器报警", verified: "复核",
  } as Words,
  waiting: (time: string) => `待复核，至 ${time}`,
  waitingFor: (rule: string) => `需${rule}方可确认；不会自动派警`,
  waitingTrip: (time: string) => `${time} 前再次触发即转为正式报警`,
  expired: "未获复核，时限已过",
  expiredMeans: "无任何佐证，仍留在观察栏",
  confirmed: "已复核",
  raised: {
    two_zones: "第二个防区报警", two_technologies: "另一种探测器报警", verified: "设备端已复核",
    second_trip: "再次触发", by_hand: "人工核实", timely: "又有即时报警",
  } as Words,
  cancelHows: { cancel: "用户取消报警", disarm: "用户撤防" } as Words,
  cancelAt: (how: string, time: string) => `${how} · ${time}`,
  outcomes: {
    closed: "警情自动结案", not_in_force: "未结案：该单位未设取消时限",
    not_authenticated: "未结案：来源未经验证", late: "未结案：取消信号迟到或设备时钟不准",
    outside_window: "未结案：不在取消时限内", other_device: "未结案：来自另一台设备",
    other_partition: "未结案：来自另一分区", units_sent: "未结案：已派出力量",
    taken: "未结案：已有人签收", other_alarm: "未结案：另有警情或报告",
    more_alarmed: "未结案：不止一个探测点报警", reopened: "曾自动结案，已人工重启",
  } as Words,
  overtaken: "其后又有报警",
  late: "迟报",
  lateMeans: "各次报警均在收到前很久发生；须由人工派警",
  lateBy: (span: string) => `收到时已过 ${span}`,
  openZones: (zones: readonly string[], more: boolean) =>
    `未恢复防区：${zones.join("、")}${more ? " 等" : ""}`,
  chips: {
    cancelled: "已取消", waiting: (time: string) => `待复核 ${time}`, expired: "未复核", late: "迟报",
  },
};

export type AlarmWords = typeof alarms;
