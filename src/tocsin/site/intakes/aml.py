"""AML: where phones and SMS gateways hand over where a caller is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct

from tocsin.site.described import File, means
from tocsin.site.doors import through
from tocsin.site.intakes.listening import own_port
from tocsin.site.intakes.over_http import OverHttp
from tocsin.site.language import say

SECRET_BYTES_MIN: Final = 16

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]


class Known(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An operator or a gateway: its name, the file with the secret that it signs with, and the
    district of what it sends (else the section's)."""

    name: Name
    secret_file: Annotated[File, Meta(min_length=1)]
    district: str = ""


class Aml(OverHttp, frozen=True, kw_only=True):
    port: Annotated[
        int,
        own_port(
            "Port of callers' locations, POST /aml and POST /aml/sms.",
            "来电定位（AML）端口，POST /aml 与 POST /aml/sms。",
        ),
    ] = 12381
    body_bytes_max: Annotated[
        int,
        means("Largest body that is read, bytes.", "可读取的最大正文，字节。", ge=1_024, le=65_536),
    ] = 16_384
    district: Annotated[
        str,
        means(
            "District whose desk sees the locations; empty: the district of unknown sources.",
            "可查看定位的接警席所属辖区；为空则为来源未知信号的辖区。",
        ),
    ] = ""
    allow_unsigned: Annotated[
        bool,
        means(
            "Whether forms without an hmac are taken, marked as not authenticated.",
            "是否接受没有 hmac 签名的定位，并标明未经认证。",
        ),
    ] = False
    operators: Annotated[
        tuple[Known, ...],
        means(
            "A table for each mobile operator whose phones sign their form: name, secret_file,"
            " district.",
            "手机以表单上报定位的运营商，每家一张表：name、secret_file、district。",
            max_length=16,
        ),
    ] = ()
    gateways: Annotated[
        tuple[Known, ...],
        means(
            "A table for each SMS gateway: name, secret_file, district. It signs as Standard"
            " Webhooks says.",
            "短信网关，每个一张表：name、secret_file、district。按 Standard Webhooks 签名。",
            max_length=16,
        ),
    ] = ()

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other, one line each."""
        yield from super().contradictions(path)
        if not self.enabled:
            return
        if not (self.operators or self.gateways or self.allow_unsigned):
            yield say(
                f"{path}: enabled, and nobody may send: name operators or gateways",
                f"{path}：已启用，但没有任何来源可以上报：请设置 operators 或 gateways",
            )
        first: dict[str, str] = {}
        for kind, known in (("operators", self.operators), ("gateways", self.gateways)):
            for place, one in enumerate(known):
                at = f"{path}.{kind}[{place}]"
                if one.name in first:
                    yield say(
                        f"{at}.name: {one.name} is {first[one.name]} already",
                        f"{at}.name：{one.name} 已在 {first[one.name]} 中",
                    )
                first.setdefault(one.name, f"{kind}[{place}]")
                if _is_short(one.secret_file):
                    yield say(
                        f"{at}.secret_file: the secret has fewer than {SECRET_BYTES_MIN} bytes",
                        f"{at}.secret_file：密钥少于 {SECRET_BYTES_MIN} 字节",
                    )


def _is_short(file: str) -> bool:
    """Whether the file is there and has too little in it."""
    try:
        return len(through(Path(file)).read_bytes().strip()) < SECRET_BYTES_MIN
    except OSError:
        return False
