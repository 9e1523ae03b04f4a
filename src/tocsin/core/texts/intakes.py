"""What each way in is called, how it is protected on the line, and what it can vouch for as it is
set up: the words of the screen of intakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tocsin.core.assurance import Assurance
from tocsin.core.fetching import BROKERS, FEEDS
from tocsin.core.texts.counters import COUNTERS
from tocsin.core.texts.text import Text

NONE, INTEGRITY, AUTHENTICATED = Assurance.NONE, Assurance.INTEGRITY, Assurance.AUTHENTICATED


@dataclass(frozen=True, slots=True)
class Vouched:
    """`best`: the most that a signal heard there can have; `why` says when."""

    best: Assurance
    why: Text


TITLES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "dc09": Text("SIA DC-09 报警主机", "SIA DC-09 alarm panels"),
        "mqtt": Text("MQTT 设备", "MQTT devices"),
        "sos_access": Text("SOS Access 传输设备", "SOS Access transmitters"),
        "mail": Text("报警邮件", "Alarm mail"),
        "webhook": Text("HTTP Webhook", "HTTP webhooks"),
        "aml": Text("来电定位（AML）", "Callers' locations (AML)"),
        "cap": Text("CAP 预警推送", "CAP warnings, pushed"),
        "call": Text("接警员录入的电话", "Calls typed by call-takers"),
        "report": Text("网上报警页", "Public report page"),
    }
)

IN_CLEAR: Final = Text("明文", "in clear")
OVER_TLS: Final = Text("TLS", "TLS")

_DC09: Final = Vouched(
    NONE,
    Text(
        "明文可由任何人发送；AES 只说明发送方持有密钥，内容仍可能被篡改。",
        "Anybody can send in clear; AES shows that the sender has the key, and what it says may"
        " still be altered on the way.",
    ),
)
_DC09_TLS: Final = Vouched(
    INTEGRITY,
    Text(
        "途中未被篡改；未要求主机证书，不能确认发送方。",
        "Not altered on the way; no certificate is asked for, so who sends is not shown.",
    ),
)
_DC09_CERTIFIED: Final = Vouched(
    AUTHENTICATED,
    Text(
        "主机证书中的名称与账号一致时，来源已验证；否则只能说明内容完整。",
        "Authenticated where the panel's certificate names the account, else unaltered only.",
    ),
)
_SECRET_IN_CLEAR: Final = Vouched(
    NONE,
    Text(
        "口令在线路上可见，能读到线路的人都可仿冒。",
        "The secret crosses the line in clear, so whoever can read it can send the same.",
    ),
)
_SECRET_OVER_TLS: Final = Vouched(
    AUTHENTICATED,
    Text("设备在 TLS 内出示了自己的口令。", "The device has shown its own secret inside TLS."),
)
_MAIL: Final = Vouched(
    NONE,
    Text(
        "知道地址的人都可发送，途经的邮件服务器都可改动。",
        "Whoever knows an address can write to it, and every server on the way can alter it.",
    ),
)
_WEBHOOK: Final = Vouched(
    AUTHENTICATED,
    Text(
        "每个请求均以来源的密钥签名；签名不含时间的（github 形式）只能说明内容完整。",
        "Every request is signed with its source's secret; where no time is signed (github form),"
        " it counts as unaltered only.",
    ),
)
_AML: Final = Vouched(
    AUTHENTICATED,
    Text(
        "由运营商或网关的密钥签名；位置本身仍是手机所报。",
        "Signed with an operator's or gateway's secret; the place itself is the phone's word.",
    ),
)
_AML_UNSIGNED: Final = Vouched(
    AUTHENTICATED,
    Text(
        "有签名的，来源已验证；本机设置为也接受无签名的定位，其来源未经验证。",
        "Signed ones are; unsigned ones are taken too, as set up here, and nothing vouches for"
        " them.",
    ),
)
_CAP: Final = Vouched(
    AUTHENTICATED,
    Text(
        "合作方以令牌、证书推送，或预警带有受信任的签名时，来源已验证；其余未经验证。",
        "Authenticated by a partner's token or certificate, or by a trusted signature; all else is"
        " not.",
    ),
)
_CALL: Final = Vouched(
    AUTHENTICATED,
    Text("由已登录的接警员录入并负责。", "A call-taker who is signed in answers for it."),
)
_REPORT: Final = Vouched(
    NONE,
    Text("任何人都可填写，未经核实。", "Anybody can fill it in; nobody has verified it."),
)

_BY_NAME: Final[Mapping[str, Vouched]] = MappingProxyType(
    {
        "dc09.tcp": _DC09,
        "dc09.udp": _DC09,
        "dc09.tls": _DC09_TLS,
        "mqtt.tcp": _SECRET_IN_CLEAR,
        "mqtt.tls": _SECRET_OVER_TLS,
        "sos_access.tcp": _SECRET_IN_CLEAR,
        "sos_access.tls": _SECRET_OVER_TLS,
        "mail.tcp": _MAIL,
        "mail.tls": _MAIL,
        "webhook.http": _WEBHOOK,
        "webhook.https": _WEBHOOK,
        "aml.http": _AML,
        "aml.https": _AML,
        "cap.http": _CAP,
        "cap.https": _CAP,
        "call": _CALL,
        "report": _REPORT,
    }
)


def vouched(name: str, *, asks_certificate: bool = False, takes_unsigned: bool = False) -> Vouched:
    """What a way in can vouch for. Raises KeyError for a name that is none."""
    if name == "dc09.tls" and asks_certificate:
        return _DC09_CERTIFIED
    if name.startswith("aml.") and takes_unsigned:
        return _AML_UNSIGNED
    return _BY_NAME[name]


NAMES: Final = tuple(_BY_NAME)

FETCHED: Final[Mapping[str, Text]] = MappingProxyType(
    {FEEDS: Text("CAP 预警源", "CAP feed"), BROKERS: Text("MQTT 代理服务器", "MQTT broker")}
)
"""Ways in that Tocsin goes to itself, by their intake."""

_FEED_SIGNED: Final = Vouched(
    AUTHENTICATED,
    Text(
        "预警带有受信任的签名时，来源已验证；其余未经验证。",
        "Authenticated where a warning has a trusted signature; all else is not.",
    ),
)
_FEED_OVER_TLS: Final = Vouched(
    NONE,
    Text(
        "服务器已出示证书；未设置受信任的签名者，不能确认预警由谁发布。",
        "The server has shown its certificate; no trusted signers are set, so who issued a warning"
        " is not shown.",
    ),
)
_FEED_IN_CLEAR: Final = Vouched(
    NONE,
    Text(
        "明文获取，途中可被篡改；未设置受信任的签名者。",
        "Fetched in clear, and may be altered on the way; no trusted signers are set.",
    ),
)
_BROKER_OVER_TLS: Final = Vouched(
    NONE,
    Text(
        "代理服务器已出示证书；其后的设备未向本系统证明身份。",
        "The broker has shown its certificate; the devices behind it have shown us nothing.",
    ),
)
_BROKER_IN_CLEAR: Final = Vouched(
    NONE,
    Text(
        "本机明文连接；代理服务器及其后的设备均未证明身份。",
        "In clear on this machine; neither the broker nor the devices behind it have shown who they"
        " are.",
    ),
)


def vouched_fetched(intake: str, *, is_tls: bool, checks_signatures: bool) -> Vouched:
    """What a feed or a broker can vouch for: the same as is put on what is heard there. Raises
    KeyError for an intake that has none."""
    if intake == FEEDS and checks_signatures:
        return _FEED_SIGNED
    over_tls, in_clear = {
        FEEDS: (_FEED_OVER_TLS, _FEED_IN_CLEAR),
        BROKERS: (_BROKER_OVER_TLS, _BROKER_IN_CLEAR),
    }[intake]
    return over_tls if is_tls else in_clear


_FAULT_OF_OURS: Final = Text("我方故障，详见日志", "a fault of ours; the log has it")


def problem_of(name: str) -> Text:
    """Why a feed or a broker is not heard, in words; the name itself where there are none."""
    return _FAULT_OF_OURS if name == "failed" else COUNTERS.get(name, Text(name, name))


LANES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "known": Text("已登记设备", "Known devices"),
        "unknown": Text("未登记来源", "Unknown sources"),
        "flood": Text("报文洪泛（降级处理）", "Whoever floods (degraded)"),
        "aside": Text("无法处理，已搁置，将重试", "Could not be sorted in, tried again"),
    }
)
"""In which order messages are sorted in (`tocsin.record.floods`), by the lane's name."""

WORDS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "title": Text("接入", "Intakes"),
        "lead": Text(
            "每个接入方式在哪里监听、能证明什么、收到和拒绝了什么，以及系统自检的结果。",
            "Where each way in listens, what it can vouch for, what it took and turned away, and"
            " how Tocsin's own test alarms fare.",
        ),
        "intake": Text("接入方式", "Way in"),
        "listening": Text("监听", "Listens on"),
        "not_listening": Text("未监听", "listens nowhere"),
        "line": Text("线路", "On the line"),
        "certificate": Text("要求客户端证书", "asks for certificates"),
        "assurance": Text("可信程度", "Assurance"),
        "taken": Text("已接收", "Taken in"),
        "acknowledged": Text("已确认", "acknowledged"),
        "kept": Text("已保存", "kept"),
        "refused": Text("拒绝或存疑", "Refused or in doubt"),
        "heard": Text("最近收到", "Last heard"),
        "probe": Text("自检", "Test alarms"),
        "arrived": Text("正常", "arrive"),
        "missed": Text("未到达", "missed"),
        "waiting": Text("尚无结果", "no result yet"),
        "skipped": Text("不自检", "not sent"),
        "stale": Text("近期没有结果", "no recent result"),
        "last_arrived": Text("最近到达", "last arrived"),
        "never": Text("从未", "never"),
        "heard_then": Text("最近收到 {at}", "last heard {at}"),
        "never_heard": Text("从未收到", "never heard"),
        "incident": Text("警情", "incident"),
        "none": Text("无", "none"),
        "times": Text("时间均为 UTC。", "Times are UTC."),
        "by_protocol": Text(
            "计数按协议累计，自数据库建立以来；系统自检信号不计入“已接收”和“最近收到”。",
            "Counters are of each protocol, since the database was made. Tocsin's own test alarms"
            " count neither as taken in nor as heard.",
        ),
        "fetched": Text("由本系统主动获取", "Fetched by Tocsin itself"),
        "fetched_lead": Text(
            "轮询的预警源和所连接的代理服务器；不发自检信号，由连接或获取的结果判断。",
            "Feeds that are polled and brokers that it connects to. No test alarms go there: what"
            " counts is whether it can fetch and connect.",
        ),
        "standing": Text("状态", "State"),
        "address": Text("地址", "Address"),
        "last_good": Text("最近正常", "Last good"),
        "fetched_good": Text("获取正常", "fetched"),
        "connected": Text("已连接", "connected"),
        "failing": Text("故障", "failing"),
        "since": Text("自", "since"),
        "stale_fetched": Text("近期没有结果（edge 进程）", "no recent result (edge)"),
        "edge_silent": Text("edge 进程三分钟未报告", "edge has said nothing for 3 minutes"),
        "good_then": Text("{state}，最近正常 {at}", "{state}, last good {at}"),
        "failing_since": Text(
            "自 {since} 起故障：{why}；最近正常 {at}",
            "failing since {since}: {why}; last good {at}",
        ),
        "lanes": Text("等待处理的报文", "Messages waiting to be sorted in"),
        "lane": Text("通道", "Lane"),
        "messages": Text("报文数", "Messages"),
        "oldest": Text("最早一条已等待", "The oldest has waited"),
        "stale_title": Text("自检没有结果", "No test alarm has a result"),
        "stale_text": Text(
            "三分钟以来没有任何自检结果：自检程序（clock 进程）可能已停止，此时接入故障无人发现。"
            "请立即检查。",
            "For three minutes there has been no result: the probe (the clock process) may have"
            " stopped, and nobody would notice a way in that fails. Look at once.",
        ),
        "first_title": Text("尚无自检结果", "No test alarm has a result yet"),
        "first_text": Text(
            "系统启动后约一分钟出现首批结果。若三分钟后仍无结果，自检程序（clock 进程）没有运行，"
            "接入故障无人发现，请立即检查。",
            "The first results come about a minute after the start. Are there none after three, the"
            " probe (the clock process) does not run, and nobody would notice a way in that fails:"
            " look at once.",
        ),
        "off_title": Text("自检已关闭", "The probe is switched off"),
        "off_text": Text(
            "配置项 probe.enabled 为 false：接入故障不会被自动发现。",
            "probe.enabled is false in the configuration: a way in that fails is not noticed by"
            " itself.",
        ),
    }
)
