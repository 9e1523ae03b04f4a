"""SIA two-letter codes with an effect of their own (DC-03, DC-07): alarms, restores, troubles and
tests that do not follow from a family and a condition (`tocsin.core.codes.sia`)."""

from __future__ import annotations

from typing import Final

from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level

_FIRE = IncidentType.FIRE
_MEDICAL = IncidentType.MEDICAL
_PANIC = IncidentType.PANIC
_HOLDUP = IncidentType.HOLDUP
_BURGLARY = IncidentType.BURGLARY
_TECHNICAL = IncidentType.TECHNICAL
_UNKNOWN = IncidentType.UNKNOWN
_P1, _P2, _P3, _P4 = Level

_ALARM = Effect.ALARM
_RESTORE = Effect.RESTORE
_TEST = Effect.TEST
_STATUS = Effect.STATUS
_TROUBLE = Effect.TROUBLE

# code: effect, type, level, Chinese, English. These come before families and conditions.
SINGLES: Final[dict[str, tuple[Effect, IncidentType, Level, str, str]]] = {
    "FA": (_ALARM, _FIRE, _P1, "火警", "Fire alarm"),
    "AA": (_ALARM, _BURGLARY, _P2, "主机被替换报警", "Panel substitution alarm"),
    "BG": (_ALARM, _BURGLARY, _P3, "入侵未复核事件", "Burglary, unverified event"),
    "BM": (_ALARM, _BURGLARY, _P1, "入侵交叉防区报警（已复核）", "Burglary alarm, cross point"),
    "BV": (_ALARM, _BURGLARY, _P1, "入侵报警（已复核）", "Burglary, verified"),
    "DF": (_ALARM, _BURGLARY, _P2, "门被强行打开", "Door forced"),
    "DL": (_ALARM, _BURGLARY, _P3, "门未关报警", "Door left open, alarm"),
    "EA": (_ALARM, _BURGLARY, _P3, "退出报警", "Exit alarm"),
    "FG": (_ALARM, _FIRE, _P2, "火警未复核事件", "Fire, unverified event"),
    "FM": (_ALARM, _FIRE, _P1, "火警交叉防区报警", "Fire alarm, cross point"),
    "JA": (_ALARM, _BURGLARY, _P3, "密码连续错误", "User code tamper"),
    "NA": (_ALARM, _MEDICAL, _P3, "长时间无活动", "No activity"),
    "UG": (_ALARM, _UNKNOWN, _P3, "未定类型未复核事件", "Untyped zone, unverified event"),
    "CM": (_ALARM, _BURGLARY, _P3, "刚布防后防区失联报警", "Missing alarm, recent closing"),
    "EZ": (_ALARM, _BURGLARY, _P3, "退出后防区失联报警", "Missing alarm, exit error"),
    "ND": (_ALARM, _HOLDUP, _P1, "夜间模式胁迫撤防", "Night mode off under duress"),
    "UX": (_ALARM, _UNKNOWN, _P2, "未定义报警", "Undefined alarm"),
    "UZ": (_ALARM, _BURGLARY, _P3, "布防中防区失联报警", "Missing zone alarm"),
    "XM": (_ALARM, _BURGLARY, _P2, "交叉防区失联报警", "Missing alarm, cross point"),
    "AR": (_RESTORE, _TECHNICAL, _P4, "交流电源恢复", "AC power restored"),
    "BE": (_RESTORE, _TECHNICAL, _P4, "频繁触发恢复", "Swinger trouble restored"),
    "DH": (_RESTORE, _BURGLARY, _P4, "门已关闭", "Door closed again"),
    "DR": (_RESTORE, _BURGLARY, _P4, "门禁恢复", "Door restored"),
    "EJ": (_RESTORE, _TECHNICAL, _P4, "扩展模块防拆恢复", "Expansion tamper restored"),
    "EN": (_RESTORE, _TECHNICAL, _P4, "扩展模块恢复在线", "Expansion device found again"),
    "ER": (_RESTORE, _TECHNICAL, _P4, "扩展模块恢复", "Expansion restored"),
    "FQ": (_RESTORE, _TECHNICAL, _P4, "消防监视故障恢复", "Fire supervisory trouble restored"),
    "FV": (_RESTORE, _TECHNICAL, _P4, "消防监视恢复", "Fire supervision restored"),
    "IR": (_RESTORE, _TECHNICAL, _P4, "设备故障恢复", "Equipment restored"),
    "JC": (_RESTORE, _BURGLARY, _P4, "密码连续错误解除", "User code tamper ended"),
    "LR": (_RESTORE, _TECHNICAL, _P4, "电话线路恢复", "Telephone line restored"),
    "NR": (_RESTORE, _TECHNICAL, _P4, "网络恢复", "Network restored"),
    "NS": (_RESTORE, _MEDICAL, _P4, "恢复活动", "Activity resumed"),
    "OV": (_RESTORE, _TECHNICAL, _P4, "输出恢复", "Output restored"),
    "VR": (_RESTORE, _TECHNICAL, _P4, "打印机恢复", "Printer restored"),
    "XH": (_RESTORE, _TECHNICAL, _P4, "无线干扰解除", "Radio interference ended"),
    "XJ": (_RESTORE, _TECHNICAL, _P4, "无线接收机防拆恢复", "Radio receiver tamper restored"),
    "XR": (_RESTORE, _TECHNICAL, _P4, "无线探测器电池恢复", "Transmitter battery restored"),
    "YE": (_RESTORE, _TECHNICAL, _P4, "接收机线路卡恢复", "Receiver line card restored"),
    "YH": (_RESTORE, _TECHNICAL, _P4, "警号恢复", "Bell restored"),
    "YJ": (_RESTORE, _TECHNICAL, _P4, "过流恢复", "Overcurrent restored"),
    "YK": (_RESTORE, _TECHNICAL, _P4, "通信恢复", "Communication restored"),
    "YQ": (_RESTORE, _TECHNICAL, _P4, "电源恢复", "Power supply restored"),
    "YR": (_RESTORE, _TECHNICAL, _P4, "系统电池恢复", "System battery restored"),
    "YZ": (_RESTORE, _TECHNICAL, _P4, "维修完成", "Service completed"),
    "AN": (_RESTORE, _TECHNICAL, _P4, "模拟量烟感恢复", "Analogue fire sensor restored"),
    "PO": (_RESTORE, _TECHNICAL, _P4, "图像传输恢复", "Photo channel restored"),
    "XC": (_RESTORE, _TECHNICAL, _P4, "设备恢复连接", "Device connection restored"),
    "AS": (_TROUBLE, _TECHNICAL, _P4, "模拟量烟感需维护", "Analogue fire sensor needs service"),
    "AT": (_TROUBLE, _TECHNICAL, _P4, "交流电源断电", "AC power lost"),
    "BD": (_TROUBLE, _TECHNICAL, _P4, "防区频繁触发", "Swinger trouble"),
    "BZ": (_TROUBLE, _TECHNICAL, _P4, "入侵防区失去监控", "Burglary zone supervision missing"),
    "CI": (_TROUBLE, _TECHNICAL, _P4, "未按时布防", "Failed to close"),
    "DJ": (_TROUBLE, _TECHNICAL, _P4, "强行开门故障", "Door forced, trouble"),
    "DM": (_TROUBLE, _TECHNICAL, _P4, "门未关故障", "Door left open, trouble"),
    "DT": (_TROUBLE, _TECHNICAL, _P4, "门禁故障", "Access trouble"),
    "EM": (_TROUBLE, _TECHNICAL, _P4, "扩展模块缺失", "Expansion device missing"),
    "ES": (_TROUBLE, _TECHNICAL, _P4, "扩展模块防拆", "Expansion device tamper"),
    "ET": (_TROUBLE, _TECHNICAL, _P4, "扩展模块故障", "Expansion trouble"),
    "FW": (_TROUBLE, _TECHNICAL, _P4, "消防监视故障", "Fire supervisory trouble"),
    "FY": (_TROUBLE, _TECHNICAL, _P4, "火警防区失联故障", "Missing fire trouble"),
    "FZ": (_TROUBLE, _TECHNICAL, _P4, "火警防区失去监控", "Missing fire supervision"),
    "IA": (_TROUBLE, _TECHNICAL, _P4, "设备故障", "Equipment failure"),
    "LT": (_TROUBLE, _TECHNICAL, _P4, "电话线路故障", "Telephone line trouble"),
    "NT": (_TROUBLE, _TECHNICAL, _P4, "网络故障", "Network failure"),
    "OI": (_TROUBLE, _TECHNICAL, _P4, "未按时撤防", "Failed to open"),
    "OU": (_TROUBLE, _TECHNICAL, _P4, "输出故障", "Output trouble"),
    "RT": (_TROUBLE, _TECHNICAL, _P4, "数据丢失", "Data lost"),
    "RY": (_TROUBLE, _TECHNICAL, _P4, "测试，系统异常", "Test, off normal"),
    "UY": (_TROUBLE, _TECHNICAL, _P4, "防区失联故障", "Missing zone trouble"),
    "VO": (_TROUBLE, _TECHNICAL, _P4, "打印机缺纸", "Printer out of paper"),
    "VT": (_TROUBLE, _TECHNICAL, _P4, "打印机故障", "Printer trouble"),
    "VZ": (_TROUBLE, _TECHNICAL, _P4, "打印机离线", "Printer offline"),
    "XL": (_TROUBLE, _TECHNICAL, _P4, "无线信号弱或失联", "Radio signal low or lost"),
    "XQ": (_TROUBLE, _TECHNICAL, _P4, "无线干扰", "Radio interference"),
    "XS": (_TROUBLE, _TECHNICAL, _P4, "无线接收机防拆", "Radio receiver tamper"),
    "XT": (_TROUBLE, _TECHNICAL, _P4, "无线探测器电池低", "Transmitter battery low"),
    "XX": (_TROUBLE, _TECHNICAL, _P4, "未按时测试", "Failed to test"),
    "YA": (_TROUBLE, _TECHNICAL, _P4, "警号故障", "Bell fault"),
    "YC": (_TROUBLE, _TECHNICAL, _P4, "通信失败", "Communication failed"),
    "YD": (_TROUBLE, _TECHNICAL, _P4, "接收机线路卡故障", "Receiver line card trouble"),
    "YF": (_TROUBLE, _TECHNICAL, _P4, "参数校验错误", "Parameter checksum failure"),
    "YI": (_TROUBLE, _TECHNICAL, _P4, "过流故障", "Overcurrent trouble"),
    "YM": (_TROUBLE, _TECHNICAL, _P4, "系统电池缺失", "System battery missing"),
    "YP": (_TROUBLE, _TECHNICAL, _P4, "电源故障", "Power supply trouble"),
    "YS": (_TROUBLE, _TECHNICAL, _P4, "通信故障", "Communication trouble"),
    "YT": (_TROUBLE, _TECHNICAL, _P4, "系统电池故障", "System battery trouble"),
    "YU": (_TROUBLE, _TECHNICAL, _P4, "诊断错误", "Diagnostic error"),
    "YW": (_TROUBLE, _TECHNICAL, _P4, "看门狗复位", "Watchdog reset"),
    "YX": (_TROUBLE, _TECHNICAL, _P4, "需要维修", "Service required"),
    "CC": (_TROUBLE, _TECHNICAL, _P4, "布防失败", "Arming failed"),
    "CD": (_TROUBLE, _TECHNICAL, _P4, "长时间未布防", "Closing delinquent"),
    "CT": (_TROUBLE, _TECHNICAL, _P4, "到时未撤防", "Late to open"),
    "EX": (_TROUBLE, _TECHNICAL, _P4, "外接设备异常", "External device condition"),
    "NE": (_TROUBLE, _TECHNICAL, _P4, "夜间模式布防失败", "Night mode arming failed"),
    "OT": (_TROUBLE, _TECHNICAL, _P4, "到时未布防", "Late to close"),
    "PF": (_TROUBLE, _TECHNICAL, _P4, "图像传输故障", "Photo channel lost"),
    "SM": (_TROUBLE, _TECHNICAL, _P4, "漏水探测器故障", "Leak detector malfunction"),
    "XA": (_TROUBLE, _TECHNICAL, _P4, "接收机收到未登记账号", "Event from an unknown account"),
    "XE": (_TROUBLE, _TECHNICAL, _P4, "多出的防区", "Extra point"),
    "XF": (_TROUBLE, _TECHNICAL, _P4, "多出的无线防区", "Extra radio point"),
    "YN": (_TROUBLE, _TECHNICAL, _P4, "报文无效", "Invalid report"),
    "FI": (_TEST, _FIRE, _P4, "火警测试开始", "Fire test begun"),
    "FK": (_TEST, _FIRE, _P4, "火警测试结束", "Fire test ended"),
    "RP": (_TEST, _UNKNOWN, _P4, "自动测试", "Automatic test"),
    "RX": (_TEST, _UNKNOWN, _P4, "手动测试", "Manual test"),
    "TC": (_TEST, _UNKNOWN, _P4, "全部测点已测试", "All points tested"),
    "TE": (_TEST, _UNKNOWN, _P4, "测试结束", "Test ended"),
    "TP": (_TEST, _UNKNOWN, _P4, "测点步测", "Walk test point"),
    "TS": (_TEST, _UNKNOWN, _P4, "测试开始", "Test begun"),
    "TX": (_TEST, _UNKNOWN, _P4, "测试报告", "Test report"),
    "VX": (_TEST, _UNKNOWN, _P4, "打印机测试", "Printer test"),
}

# Statuses that somebody must answer although nothing alarms: a card in the watch band.
ANSWERED: Final[dict[str, tuple[IncidentType, Level, str, str]]] = {
    "JK": (_UNKNOWN, _P3, "儿童未按时到家", "Latch-key alert: child not home in time"),
}
