"""The `probe` section of the configuration: test alarms and calls through every way in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Struct, field

from tocsin.site.described import File, means
from tocsin.site.language import say

NAMES: Final = (
    *("dc09.tcp", "dc09.udp", "dc09.tls", "mqtt.tcp", "mqtt.tls"),
    *("sos_access.tcp", "sos_access.tls", "mail.tcp", "mail.tls"),
    *("webhook.http", "webhook.https", "aml.http", "aml.https", "cap.http", "cap.https"),
    *("call", "report"),
)
REASON_CHARS: Final = (3, 200)


class Probe(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    enabled: Annotated[
        bool,
        means(
            "Whether a test alarm goes through every way in that is open, and a test call through"
            " the API and the public page. Two misses in a row are an incident.",
            "是否向每个已启用的接入方式定时发送测试信号，并经接口和网上报警页发送测试报警。"
            "连续两次未到达即生成警情。",
        ),
    ] = True
    interval_s: Annotated[
        int,
        means("Seconds between two of them.", "发送间隔，秒。", ge=10, le=600),
    ] = 60
    off: Annotated[
        dict[str, str],
        means(
            "Ways in through which none goes, each with the reason, which is shown on the screen of"
            f" intakes. Names: {', '.join(NAMES)}.",
            f"不发送测试信号的接入方式及原因，原因显示在“接入”页面。名称：{'、'.join(NAMES)}。",
        ),
    ] = field(default_factory=dict)
    client_cert: Annotated[
        File,
        means(
            "File with a certificate (PEM) for ways in that ask their clients for one.",
            "客户端证书文件（PEM），用于要求客户端证书的接入方式。",
        ),
    ] = ""
    client_key: Annotated[
        File, means("File with its private key (PEM).", "客户端证书的私钥文件（PEM）。")
    ] = ""

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other, one line each."""
        if bool(self.client_cert) != bool(self.client_key):
            yield say(
                f"{path}: client_cert and client_key belong together",
                f"{path}：client_cert 与 client_key 必须同时设置",
            )
        for name, why in self.off.items():
            if name not in NAMES:
                yield say(
                    f"{path}.off: {name} is no way in; give one of {', '.join(NAMES)}",
                    f"{path}.off：没有接入方式 {name}；可用名称：{'、'.join(NAMES)}",
                )
            if not REASON_CHARS[0] <= len(why.strip()) <= REASON_CHARS[1]:
                yield say(
                    f"{path}.off.{name}: say why, in {REASON_CHARS[0]} to {REASON_CHARS[1]}"
                    " characters",
                    f"{path}.off.{name}：请写明原因，{REASON_CHARS[0]} 至 {REASON_CHARS[1]} 个字符",
                )
