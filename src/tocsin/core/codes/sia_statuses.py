"""SIA two-letter codes that only tell how things stand, and what the numbers beside codes count."""

from __future__ import annotations

from typing import Final

# code: Chinese, English; all statuses.
STATUSES: Final[dict[str, tuple[str, str]]] = {
    "AB": ("用户中止上报", "Abort by user"),
    "AF": ("按场景布撤防", "Armed or disarmed by scenario"),
    "BC": ("入侵报警取消", "Burglary alarm cancelled"),
    "CA": ("自动布防", "Closed automatically"),
    "CB": ("分组自动布防", "Group closed automatically"),
    "CE": ("布防延时", "Closing extended"),
    "CF": ("强制布防", "Forced closing"),
    "CG": ("分区布防", "Area closed"),
    "CJ": ("延迟布防", "Late closing"),
    "CK": ("提前布防", "Early closing"),
    "CL": ("布防", "Closed (armed)"),
    "CO": ("已发送命令", "Command sent"),
    "CP": ("自动布防", "Closed automatically"),
    "CQ": ("远程布防", "Closed remotely"),
    "CR": ("刚布防后触发", "Recent closing"),
    "CS": ("钥匙开关布防", "Closed by keyswitch"),
    "CW": ("曾强制布防", "Was force armed"),
    "CX": ("执行自定义功能", "Custom function executed"),
    "CZ": ("防区布防", "Point closed"),
    "DA": ("卡已分配", "Card assigned"),
    "DB": ("卡已删除", "Card deleted"),
    "DC": ("门禁关闭", "Access closed"),
    "DD": ("门禁拒绝", "Access denied"),
    "DE": ("请求进入", "Request to enter"),
    "DG": ("门禁放行", "Access granted"),
    "DI": ("门禁拒绝，反潜回", "Access denied, passback"),
    "DK": ("门禁锁定，拒绝进入", "Access locked out"),
    "DN": ("门未关提示", "Door left open, no alarm"),
    "DO": ("门禁打开", "Access open"),
    "DP": ("门禁拒绝，非授权时段", "Access denied, unauthorised time"),
    "DQ": ("门禁拒绝，布防状态不允许", "Access denied, arming state"),
    "DS": ("下一报告的门号", "Door of the next report"),
    "DU": ("经销商编号", "Dealer ID"),
    "DV": ("门禁拒绝，权限不足", "Access denied, entry level"),
    "DW": ("门禁拒绝，互锁", "Access denied, interlock"),
    "DX": ("请求离开", "Request to exit"),
    "DY": ("门已上锁", "Door locked"),
    "DZ": ("门禁拒绝，门已关闭", "Access denied, door secured"),
    "EE": ("退出错误", "Exit error"),
    "FC": ("火警取消", "Fire alarm cancelled"),
    "FL": ("火警消音", "Fire alarm silenced"),
    "JD": ("日期更改", "Date changed"),
    "JH": ("假日更改", "Holiday changed"),
    "JL": ("日志达到阈值", "Log threshold reached"),
    "JO": ("日志溢出", "Log overflow"),
    "JP": ("用户在场", "User on premises"),
    "JR": ("时间表执行", "Schedule executed"),
    "JS": ("时间表更改", "Schedule changed"),
    "JT": ("时间更改", "Time changed"),
    "JV": ("用户密码更改", "User code changed"),
    "JX": ("用户密码删除", "User code deleted"),
    "JY": ("用户密码新增", "User code added"),
    "JZ": ("用户权限设置", "User level set"),
    "LB": ("进入本地编程", "Local programming begun"),
    "LD": ("本地编程被拒", "Local programming denied"),
    "LE": ("监听结束", "Listen-in ended"),
    "LF": ("监听开始", "Listen-in begun"),
    "LS": ("本地编程成功", "Local programming succeeded"),
    "LU": ("本地编程失败", "Local programming failed"),
    "LX": ("本地编程结束", "Local programming ended"),
    "MI": ("预设消息", "Preset message"),
    "NB": ("分组按场景布撤防", "Group armed or disarmed by scenario"),
    "NC": ("网络状态", "Network condition"),
    "NF": ("强制周界布防", "Forced perimeter arming"),
    "NL": ("周界布防", "Perimeter armed"),
    "NM": ("自定义周界布防", "Perimeter armed, user defined"),
    "NO": ("夜间模式自动撤防", "Night mode off automatically"),
    "NP": ("夜间模式由设备撤防", "Night mode off by device"),
    "OA": ("自动撤防", "Opened automatically"),
    "OB": ("分组自动撤防", "Group opened automatically"),
    "OC": ("用户取消报警", "Alarm cancelled by user"),
    "OG": ("分区撤防", "Area opened"),
    "OH": ("报警后提前撤防", "Early opening from alarm"),
    "OJ": ("延迟撤防", "Late opening"),
    "OK": ("提前撤防", "Early opening"),
    "OL": ("报警后延迟撤防", "Late opening from alarm"),
    "OP": ("撤防", "Opened (disarmed)"),
    "OQ": ("远程撤防", "Opened remotely"),
    "OR": ("报警后撤防", "Disarmed from alarm"),
    "OS": ("钥匙开关撤防", "Opened by keyswitch"),
    "OZ": ("防区撤防", "Point opened"),
    "PC": ("按需拍照启用", "Photo on demand enabled"),
    "PD": ("按需拍照停用", "Photo on demand disabled"),
    "PE": ("按场景拍照启用", "Photo by scenario enabled"),
    "PG": ("按场景拍照停用", "Photo by scenario disabled"),
    "RA": ("远程编程呼叫失败", "Remote programmer call failed"),
    "RB": ("远程编程开始", "Remote programming begun"),
    "RC": ("继电器闭合", "Relay closed"),
    "RD": ("远程编程被拒", "Remote programming denied"),
    "RN": ("远程复位", "Remote reset"),
    "RO": ("继电器断开", "Relay opened"),
    "RR": ("系统上电", "Power up"),
    "RS": ("远程编程成功", "Remote programming succeeded"),
    "RU": ("远程编程失败", "Remote programming failed"),
    "SC": ("状态变化", "Change of state"),
    "TW": ("区域监视开始", "Area watch begun"),
    "TZ": ("区域监视结束", "Area watch ended"),
    "VI": ("打印机已装纸", "Printer paper in"),
    "VY": ("打印机在线", "Printer online"),
    "XI": ("探测器复位", "Sensor reset"),
    "XW": ("防区强制旁路", "Point forced at arming"),
    "YB": ("线路占用率", "Line card busy time"),
    "YG": ("参数更改", "Parameter changed"),
    "YO": ("收到无法识别的消息", "Unknown message"),
    "YY": ("状态报告", "Status report"),
    "ZY": ("设备开启", "Device switched on"),
    "ZZ": ("设备关闭", "Device switched off"),
}

# What the number beside a code counts (DC-03 and DC-07 say it for each code); a zone, except here.
USERS: Final = frozenset(
    (
        *("BC", "CE", "CF", "CJ", "CK", "CL", "CP", "CQ", "CR", "DA", "DB", "EE"),
        *("JD", "JH", "JK", "JP", "JS", "JT", "JV", "JX", "JY", "JZ"),
        *("OC", "OH", "OJ", "OK", "OL", "OP", "OQ", "OR", "OT", "PC", "PD", "RX"),
    )
)
PARTITIONS: Final = frozenset(
    (
        *("BV", "CA", "CB", "CC", "CD", "CG", "CI", "CT", "CW", "FI", "FK", "JA", "JC", "JR"),
        *("NB", "ND", "NE", "NF", "NL", "NM", "NO", "OA", "OB", "OG", "OI"),
    )
)
DOORS: Final = frozenset(
    (
        *("DC", "DD", "DE", "DF", "DG", "DH", "DI", "DJ", "DK", "DL", "DM", "DN", "DO", "DP"),
        *("DQ", "DR", "DS", "DV", "DW", "DX", "DY", "DZ"),
    )
)
DEVICES: Final = frozenset(
    (
        *("AA", "CO", "CX", "EJ", "EM", "EN", "ER", "ES", "ET", "EX", "IA", "IR", "LR", "LT"),
        *("MI", "NC", "NR", "NT", "OU", "OV", "RC", "RO", "RT", "SC", "VI", "VO", "VR", "VT"),
        *("VX", "XH", "XJ", "XL", "XQ", "XS", "YB", "YD", "YE", "YU", "ZY", "ZZ"),
    )
)
WITHOUT: Final = frozenset(
    (
        *("AR", "AT", "DT", "DU", "JL", "JO", "LB", "LD", "LE", "LF", "LS", "LU", "LX"),
        *("PE", "PG", "PO", "RA", "RB", "RD", "RN", "RP", "RR", "RS", "RU"),
        *("TC", "TE", "TH", "TJ", "TS", "TW", "TX", "TZ", "UX", "VY", "VZ", "XA", "XC", "XX"),
        *("YA", "YC", "YF", "YG", "YH", "YI", "YJ", "YK", "YM", "YN", "YO", "YP", "YQ", "YR"),
        *("YS", "YT", "YW", "YX", "YY", "YZ"),
    )
)
