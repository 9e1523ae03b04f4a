"""MQTT: where devices are heard, the brokers of sites of which we are a client, and how messages of
which topics are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Struct, field

from tocsin.site.addresses import is_loopback
from tocsin.site.described import File, means
from tocsin.site.intakes.listening import Listening, own_port
from tocsin.site.language import say
from tocsin.wire.mqtt.topics import is_filter

Dialect = Literal["tocsin", "home_assistant", "zigbee2mqtt", "frigate", "generic"]

_POINTED = frozenset({"code", "codes", "zone", "partition", "text", "occurred_at"})


class Topic(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How messages of some topics are read; the first entry that fits decides."""

    filter: Annotated[
        str,
        means(
            "Topics it is about, with MQTT's + and #.",
            "适用的主题，可用通配符 + 和 #。",
            min_length=1,
        ),
    ]
    dialect: Annotated[
        Dialect,
        means(
            "How they are written: tocsin, home_assistant, zigbee2mqtt, frigate or generic.",
            "消息格式：tocsin、home_assistant、zigbee2mqtt、frigate 或 generic。",
        ),
    ] = "tocsin"
    account: Annotated[
        str,
        means(
            "Of a broker: account of the device, {1} being what stands for the first wildcard.",
            "用于代理服务器：设备账号，{1} 为第一个通配符对应的内容。",
            max_length=64,
        ),
    ] = ""
    zone: Annotated[
        str,
        means(
            "Zone, where messages name none.",
            "消息未注明时的防区。",
            pattern="^[0-9A-Za-z_-]{0,16}$",
        ),
    ] = ""
    partition: Annotated[
        str,
        means(
            "Partition, where messages name none.",
            "消息未注明时的分区。",
            pattern="^[0-9A-Za-z_-]{0,16}$",
        ),
    ] = ""
    keys: Annotated[
        tuple[str, ...],
        means(
            "Zigbee2MQTT: the sensor values that count; empty: all but occupancy and vibration.",
            "Zigbee2MQTT：计入的传感器值；为空则除 occupancy 和 vibration 外全部计入。",
        ),
    ] = ()
    labels: Annotated[
        tuple[str, ...],
        means("Frigate: labels of objects that count.", "Frigate：计入的目标标签。"),
    ] = ()
    zones: Annotated[
        tuple[str, ...],
        means("Frigate: zones that count; empty: any.", "Frigate：计入的区域；为空则不限。"),
    ] = ()
    at: Annotated[
        dict[str, str],
        means(
            "Generic: JSON pointers of code, zone, partition, text and occurred_at; codes is sia"
            " or cid.",
            "通用格式：code、zone、partition、text、occurred_at 的 JSON 指针；"
            "codes 为 sia 或 cid。",
        ),
    ] = field(default_factory=dict)
    values: Annotated[
        dict[str, str],
        means("Generic: the code that stands for a value.", "通用格式：各取值所对应的代码。"),
    ] = field(default_factory=dict)


class Broker(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A site's broker."""

    name: Annotated[
        str,
        means(
            "Its name here; also the account under which its silence is told.",
            "在本系统中的名称，也是报告其失联时所用的账号。",
            pattern="^[A-Za-z0-9._-]{1,32}$",
        ),
    ]
    host: Annotated[str, means("Its address.", "地址。", min_length=1)]
    port: Annotated[int, means("Its port.", "端口。", ge=1, le=65_535)] = 8883
    tls: Annotated[
        bool,
        means(
            "Whether it is reached over TLS. Without, it must be on this machine.",
            "是否使用 TLS。不使用时，代理服务器必须在本机。",
        ),
    ] = True
    ca_file: Annotated[
        File,
        means(
            "File with the authorities (PEM) of its certificate; empty: the machine's own.",
            "其证书的签发机构文件（PEM）；为空则用系统自带的。",
        ),
    ] = ""
    version: Annotated[
        Literal["5.0", "3.1.1"],
        means("Version of MQTT: 5.0 or 3.1.1.", "MQTT 版本：5.0 或 3.1.1。"),
    ] = "5.0"
    client_id: Annotated[
        str,
        means(
            "Client id, under which it remembers us; empty: tocsin- and the name.",
            "客户端标识，代理服务器据此保留会话；为空则为 tocsin- 加名称。",
            max_length=64,
        ),
    ] = ""
    username: Annotated[str, means("User name; empty: none.", "用户名；为空则不用。")] = ""
    password_file: Annotated[File, means("File with the password.", "保存密码的文件。")] = ""
    keep_alive_s: Annotated[
        int,
        means(
            "Seconds after which a silent broker is asked whether it is there.",
            "代理服务器无数据多少秒后进行探测。",
            ge=1,
            le=3_600,
        ),
    ] = 15
    session_expiry_s: Annotated[
        int,
        means(
            "Seconds for which it keeps what comes while we are away (MQTT 5.0).",
            "本系统离线期间，代理服务器保留消息的秒数（MQTT 5.0）。",
            ge=0,
            le=4_294_967_295,
        ),
    ] = 604_800
    silent_s: Annotated[
        float,
        means(
            "Seconds without a connection after which that is a signal.",
            "连接中断多少秒后产生报警信号。",
            ge=1,
            le=86_400,
        ),
    ] = 60.0
    packet_bytes_max: Annotated[
        int,
        means(
            "Largest message that is taken, bytes.",
            "可接收的最大消息，字节。",
            ge=256,
            le=1_048_576,
        ),
    ] = 65_536
    topics: Annotated[
        tuple[Topic, ...],
        means("What is subscribed to, and how it is read.", "订阅的主题及其读取方式。"),
    ] = ()

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other, one line each."""
        if not self.tls and not is_loopback(self.host):
            yield say(
                f"{path}.tls: {self.host} is another machine, and what it says would cross the"
                " network in clear; set tls = true",
                f"{path}.tls：{self.host} 不在本机，消息会明文传输；请设 tls = true",
            )
        if bool(self.username) != bool(self.password_file):
            yield say(
                f"{path}: username and password_file belong together",
                f"{path}：username 与 password_file 必须同时设置",
            )
        if not self.topics:
            yield say(f"{path}.topics: give at least one", f"{path}.topics：至少填写一项")
        for place, topic in enumerate(self.topics):
            at = f"{path}.topics[{place}]"
            yield from _of_topic(topic, at)
            wildcards = sum(level in ("+", "#") for level in topic.filter.split("/"))
            named = [int(one) for one in re.findall(r"\{(\d{1,3})\}", topic.account)]
            if not topic.account or any(not 1 <= one <= wildcards for one in named):
                yield say(
                    f"{at}.account: give the account of a device; the filter has {wildcards}"
                    " wildcards, so {1} is the first",
                    f"{at}.account：请填写设备账号；主题中有 {wildcards} 个通配符，{{1}} 为第一个",
                )


class Mqtt(Listening, frozen=True, kw_only=True):
    port: Annotated[
        int,
        own_port(
            "Port in clear for MQTT devices, on the loopback only.",
            "MQTT 设备的明文端口，仅限本机。",
        ),
    ] = 1883
    packet_bytes_max: Annotated[
        int,
        means(
            "Largest packet that is read, bytes.", "可读取的最大报文，字节。", ge=256, le=1_048_576
        ),
    ] = 65_536
    topic_bytes_max: Annotated[
        int, means("Longest topic, bytes.", "主题的最大长度，字节。", ge=16, le=65_535)
    ] = 512
    in_flight_max: Annotated[
        int,
        means(
            "Messages of one connection that may wait for their acknowledgement.",
            "单个连接等待确认的消息数上限。",
            ge=1,
            le=1_000,
        ),
    ] = 64
    keep_alive_s_max: Annotated[
        int,
        means(
            "Longest keep-alive, seconds; also of a device that names none.",
            "最长保活间隔，秒；设备未声明时也按此值。",
            ge=5,
            le=65_535,
        ),
    ] = 600
    connect_s: Annotated[
        float,
        means(
            "Seconds within which CONNECT must come.", "CONNECT 必须在多少秒内到达。", ge=0.1, le=60
        ),
    ] = 10.0
    half_packet_s: Annotated[
        float,
        means(
            "Seconds that a begun packet may take to be complete.",
            "一个报文开始后必须收全的秒数。",
            ge=0.1,
            le=3_600,
        ),
    ] = 10.0
    failures_per_minute: Annotated[
        int,
        means(
            "Wrong passwords for one account from one address in a minute, after which they are not"
            " looked at.",
            "同一地址对同一账号每分钟允许的密码错误次数，超出后暂不受理。",
            ge=1,
            le=1_000,
        ),
    ] = 20
    topics: Annotated[
        tuple[Topic, ...],
        means(
            "How messages of devices are read; those of other topics are read as tocsin.",
            "设备消息的读取方式；其他主题按 tocsin 格式读取。",
        ),
    ] = ()
    brokers: Annotated[
        tuple[Broker, ...],
        means(
            "Brokers of sites, of which we are a client.",
            "本系统作为客户端连接的代理服务器。",
            max_length=100,
        ),
    ] = ()

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other, one line each."""
        if not (self.brokers and self.port < 0 and self.tls_port < 0):  # a client only
            yield from super().contradictions(path)
        yield from self.in_clear_beyond_loopback(path)
        for place, topic in enumerate(self.topics):
            yield from _of_topic(topic, f"{path}.topics[{place}]")
        names = [broker.name for broker in self.brokers]
        for place, broker in enumerate(self.brokers):
            at = f"{path}.brokers[{place}]"
            if broker.name in names[:place]:
                yield say(
                    f"{at}.name: {broker.name} is there twice", f"{at}.name：{broker.name} 重复"
                )
            yield from broker.contradictions(at)


def _of_topic(topic: Topic, at: str) -> Iterator[str]:
    if not is_filter(topic.filter):
        yield say(
            f"{at}.filter: {topic.filter!r} is no filter: + and # stand alone, # at the end",
            f"{at}.filter：{topic.filter!r} 不是有效的主题：+ 和 # 须单独成级，# 须在末尾",
        )
    if topic.dialect == "frigate" and not topic.labels:
        yield say(f"{at}.labels: give at least one", f"{at}.labels：至少填写一项")
    if topic.dialect == "generic":
        wrong = topic.at.keys() - _POINTED
        pointers = [one for name, one in topic.at.items() if name != "codes"]
        if (
            wrong
            or "code" not in topic.at
            or topic.at.get("codes", "sia") not in ("sia", "cid")
            or any(one and not one.startswith("/") for one in pointers)
        ):
            yield say(
                f"{at}.at: give JSON pointers (/a/b, or nothing for the whole message) for code"
                " and, where they are, zone, partition, text, occurred_at; codes is sia or cid",
                f"{at}.at：请为 code 以及（如有）zone、partition、text、occurred_at 填写 JSON 指针"
                "（如 /a/b，整条消息则留空）；codes 为 sia 或 cid",
            )
