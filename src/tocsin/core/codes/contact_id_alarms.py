"""Contact ID alarms (DC-05, appendix C: 100-199, and the alarms among the later groups)."""

from __future__ import annotations

from typing import Final

from tocsin.core.terms import IncidentType, Level

_FIRE = IncidentType.FIRE
_MEDICAL = IncidentType.MEDICAL
_PANIC = IncidentType.PANIC
_HOLDUP = IncidentType.HOLDUP
_BURGLARY = IncidentType.BURGLARY
_GAS = IncidentType.GAS
_TECHNICAL = IncidentType.TECHNICAL
_P1, _P2, _P3, _P4 = Level

# code: type, level, Chinese, English. Qualifier 1 (new) and 6 (still present) alarm, 3 restores.
ALARMS: Final[dict[str, tuple[IncidentType, Level, str, str]]] = {
    "100": (_MEDICAL, _P1, "医疗求助", "Medical alarm"),
    "101": (_MEDICAL, _P1, "个人紧急求助", "Personal emergency"),
    "102": (_MEDICAL, _P2, "未按时报平安", "Failure to report in"),
    "103": (_MEDICAL, _P1, "医疗求助", "Medical alarm"),
    "110": (_FIRE, _P1, "火警", "Fire alarm"),
    "111": (_FIRE, _P1, "烟感火警", "Fire alarm, smoke"),
    "112": (_FIRE, _P1, "燃烧探测火警", "Fire alarm, combustion"),
    "113": (_FIRE, _P1, "喷淋水流报警", "Fire alarm, sprinkler water flow"),
    "114": (_FIRE, _P1, "温感火警", "Fire alarm, heat"),
    "115": (_FIRE, _P1, "手动火灾报警按钮", "Fire alarm, manual call point"),
    "116": (_FIRE, _P1, "风管烟感火警", "Fire alarm, duct smoke"),
    "117": (_FIRE, _P1, "火焰探测火警", "Fire alarm, flame"),
    "118": (_FIRE, _P2, "火灾预警", "Fire, near alarm"),
    "120": (_PANIC, _P1, "紧急报警", "Panic alarm"),
    "121": (_HOLDUP, _P1, "胁迫报警", "Duress alarm"),
    "122": (_HOLDUP, _P1, "无声紧急报警", "Silent hold-up alarm"),
    "123": (_PANIC, _P1, "有声紧急报警", "Audible panic alarm"),
    "124": (_HOLDUP, _P1, "胁迫报警，已放行进入", "Duress, access granted"),
    "125": (_HOLDUP, _P1, "胁迫报警，已放行离开", "Duress, egress granted"),
    "126": (_HOLDUP, _P1, "抢劫嫌疑报警", "Hold-up suspicion"),
    "127": (_HOLDUP, _P1, "远程无声紧急报警", "Silent hold-up alarm, remote"),
    "129": (_HOLDUP, _P1, "抢劫报警（已复核）", "Hold-up alarm, verified"),
    "130": (_BURGLARY, _P2, "入侵报警", "Burglary alarm"),
    "131": (_BURGLARY, _P2, "周界入侵报警", "Burglary alarm, perimeter"),
    "132": (_BURGLARY, _P2, "室内入侵报警", "Burglary alarm, interior"),
    "133": (_BURGLARY, _P2, "24 小时防区入侵报警", "Burglary alarm, 24-hour zone"),
    "134": (_BURGLARY, _P2, "出入口入侵报警", "Burglary alarm, entry/exit"),
    "135": (_BURGLARY, _P2, "日/夜防区入侵报警", "Burglary alarm, day/night zone"),
    "136": (_BURGLARY, _P2, "室外入侵报警", "Burglary alarm, outdoor"),
    "137": (_BURGLARY, _P3, "防拆报警", "Tamper alarm"),
    "138": (_BURGLARY, _P3, "入侵预警", "Burglary, near alarm"),
    "139": (_BURGLARY, _P1, "入侵报警（已复核）", "Burglary, verified"),
    "140": (_BURGLARY, _P2, "一般报警", "General alarm"),
    "141": (_BURGLARY, _P3, "总线断路报警", "Alarm, polling loop open"),
    "142": (_BURGLARY, _P3, "总线短路报警", "Alarm, polling loop shorted"),
    "143": (_BURGLARY, _P3, "扩展模块失效报警", "Alarm, expansion module failure"),
    "144": (_BURGLARY, _P3, "探测器防拆报警", "Sensor tamper alarm"),
    "145": (_BURGLARY, _P3, "扩展模块防拆报警", "Expansion module tamper alarm"),
    "146": (_BURGLARY, _P2, "无声入侵报警", "Silent burglary alarm"),
    "147": (_BURGLARY, _P3, "探测器失去监控报警", "Alarm, sensor supervision lost"),
    "150": (_TECHNICAL, _P3, "24 小时非盗窃防区报警", "24-hour alarm, not burglary"),
    "151": (_GAS, _P1, "燃气泄漏报警", "Gas detected"),
    "152": (_TECHNICAL, _P3, "制冷设备报警", "Refrigeration alarm"),
    "153": (_TECHNICAL, _P3, "供暖中断报警", "Loss of heating"),
    "154": (_TECHNICAL, _P3, "漏水报警", "Water leak"),
    "155": (_BURGLARY, _P3, "防盗箔断裂报警", "Foil break"),
    "156": (_BURGLARY, _P3, "日间防区异常", "Day zone trouble"),
    "157": (_TECHNICAL, _P3, "瓶装气体液位低", "Bottled gas level low"),
    "158": (_TECHNICAL, _P3, "高温报警", "High temperature"),
    "159": (_TECHNICAL, _P3, "低温报警", "Low temperature"),
    "160": (_TECHNICAL, _P3, "警示防区触发", "Awareness zone triggered"),
    "161": (_TECHNICAL, _P3, "风量不足报警", "Loss of air flow"),
    "162": (_GAS, _P1, "一氧化碳报警", "Carbon monoxide detected"),
    "163": (_TECHNICAL, _P3, "罐体液位报警", "Tank level"),
    "168": (_TECHNICAL, _P4, "湿度过高报警", "High humidity"),
    "169": (_TECHNICAL, _P4, "湿度过低报警", "Low humidity"),
    "362": (_BURGLARY, _P2, "设备被擅自替换", "Unauthorised device substitution"),
    "374": (_BURGLARY, _P3, "退出错误报警", "Exit error alarm"),
    "423": (_BURGLARY, _P2, "强行闯入门禁", "Forced access"),
    "641": (_MEDICAL, _P3, "看护对象长时间无活动", "Inactivity of a person in care"),
    "643": (_MEDICAL, _P3, "看护区受控门被打开", "Restricted door opened in a care home"),
    "646": (_MEDICAL, _P1, "看护人员请求增援", "Carer asks for additional help"),
}

# The first digits of a code that is not listed: what its group is about.
ALARM_GROUPS: Final[dict[str, tuple[IncidentType, Level, str, str]]] = {
    "10": (_MEDICAL, _P1, "医疗类报警", "Medical alarm"),
    "11": (_FIRE, _P1, "火警类报警", "Fire alarm"),
    "12": (_PANIC, _P1, "紧急类报警", "Panic alarm"),
    "13": (_BURGLARY, _P2, "入侵类报警", "Burglary alarm"),
    "14": (_BURGLARY, _P2, "一般报警", "General alarm"),
    "15": (_TECHNICAL, _P3, "24 小时非盗窃报警", "24-hour alarm, not burglary"),
    "16": (_TECHNICAL, _P3, "24 小时非盗窃报警", "24-hour alarm, not burglary"),
    "17": (_TECHNICAL, _P3, "24 小时非盗窃报警", "24-hour alarm, not burglary"),
    "18": (_TECHNICAL, _P3, "24 小时非盗窃报警", "24-hour alarm, not burglary"),
    "19": (_TECHNICAL, _P3, "24 小时非盗窃报警", "24-hour alarm, not burglary"),
}
