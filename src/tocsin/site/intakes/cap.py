"""CAP: which feeds of warnings are polled, and which partners may push."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from tocsin.site.described import File, means
from tocsin.site.intakes.listening import own_port
from tocsin.site.intakes.over_http import OverHttp
from tocsin.site.language import say
from tocsin.wire.cap.areas import BadArea, read_polygon

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
Language = Annotated[str, Meta(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z")]

_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class Feed(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One feed. `hosts`: where its links and redirects may lead to besides its own host; `anchors`:
    certificates (PEM) of those whose signatures count; `area`: a polygon as CAP writes it and
    `geocodes`: `name=value`, outside of which alerts are not for us; `authorization`: a file with
    the value of that header; `tls_ca`: authorities (PEM) in place of the system's."""

    name: Name
    url: Annotated[str, Meta(min_length=8, max_length=2_048)]
    kind: Literal["any", "atom", "rss", "edxl", "cap"] = "any"
    interval_s: Annotated[float, Meta(ge=60, le=86_400)] = 120.0
    misses_max: Annotated[int, Meta(ge=1, le=1_000)] = 3
    languages: Annotated[tuple[Language, ...], Meta(max_length=8)] = ()
    district: str = ""
    hosts: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    anchors: File = ""
    tls_ca: File = ""
    authorization: File = ""
    area: str = ""
    geocodes: Annotated[tuple[str, ...], Meta(max_length=1_000)] = ()


class Partner(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One who may push. `token`: a file with its token, at least 16 characters."""

    name: Name
    token: File
    languages: Annotated[tuple[Language, ...], Meta(max_length=8)] = ()
    district: str = ""
    anchors: File = ""


class Cap(OverHttp, frozen=True, kw_only=True):
    port: Annotated[
        int,
        own_port(
            "Port on which partners push alerts, POST /cap.", "合作方推送预警的端口，POST /cap。"
        ),
    ] = 12390
    body_bytes_max: Annotated[
        int,
        means(
            "Largest alert that a partner may push, bytes.",
            "合作方推送的预警消息大小上限，字节。",
            ge=4_096,
            le=1 << 20,
        ),
    ] = 1 << 20
    languages: Annotated[
        tuple[Language, ...],
        means(
            "Languages in which alerts are shown, the preferred first; each that an alert has.",
            "显示预警所用的语言，优先的在前；预警中有的都显示。",
            min_length=1,
            max_length=8,
        ),
    ] = ("zh", "en")
    expire_every_s: Annotated[
        float,
        means(
            "Seconds between two looks for alerts whose time is over.",
            "检查预警是否到期的间隔秒数。",
            ge=1,
            le=600,
        ),
    ] = 10.0
    feeds: Annotated[
        tuple[Feed, ...],
        means(
            "A table for each feed that is polled: name, url, kind (any, atom, rss, edxl, cap),"
            " interval_s (60 or more), misses_max, languages, district, hosts, anchors, tls_ca,"
            " authorization, area, geocodes; see docs/protocols/cap.md.",
            "每个轮询的预警源一张表：name、url、kind（any、atom、rss、edxl、cap）、"
            "interval_s（不小于 60）、misses_max、languages、district、hosts、anchors、tls_ca、"
            "authorization、area、geocodes，见 docs/protocols/cap.md。",
            max_length=100,
        ),
    ] = ()
    partners: Annotated[
        tuple[Partner, ...],
        means(
            "A table for each partner that may push: name, token (a file), languages, district,"
            " anchors.",
            "每个可推送的合作方一张表：name、token（令牌文件）、languages、district、anchors。",
            max_length=100,
        ),
    ] = ()

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other, one line each."""
        yield from super().contradictions(path)
        first: dict[str, str] = {}
        for at, name in [
            *((f"{path}.feeds[{n}]", one.name) for n, one in enumerate(self.feeds)),
            *((f"{path}.partners[{n}]", one.name) for n, one in enumerate(self.partners)),
        ]:
            if name in first:
                yield say(
                    f"{at}.name: {name} is {first[name]} already",
                    f"{at}.name：{name} 已用于 {first[name]}",
                )
            if name == "inbox":
                yield say(
                    f"{at}.name: inbox stands for whoever pushes with a client certificate",
                    f"{at}.name：inbox 专指以客户端证书推送的来源",
                )
            first.setdefault(name, at)
        for place, feed in enumerate(self.feeds):
            yield from _mistakes(feed, f"{path}.feeds[{place}]")
        for place, partner in enumerate(self.partners):
            if not partner.token:
                at = f"{path}.partners[{place}].token"
                yield say(f"{at}: a file is needed", f"{at}：必须指定令牌文件")


def _mistakes(feed: Feed, at: str) -> Iterator[str]:
    try:
        parts = urlsplit(feed.url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_bare = "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        is_web = is_bare = False
    if not is_web or not is_bare:
        yield say(
            f"{at}.url: must be http:// or https:// and a host, without a password",
            f"{at}.url：必须是 http:// 或 https:// 地址，且不含口令",
        )
    elif feed.authorization and parts.scheme != "https":
        yield say(
            f"{at}.authorization: would cross the network in clear; use https",
            f"{at}.authorization：会在网络上明文传输，请使用 https",
        )
    if feed.area:
        try:
            read_polygon(feed.area)
        except BadArea as error:
            yield say(
                f'{at}.area: {error}; write "lat,lon lat,lon ..." with the first point last again',
                f"{at}.area：不是有效的多边形；写作“纬度,经度 纬度,经度 …”，末点与首点相同",
            )
    for host in feed.hosts:
        if not _HOST.fullmatch(host):
            yield say(
                f"{at}.hosts: {host} is not host or host:port",
                f"{at}.hosts：{host} 不是 主机 或 主机:端口 的形式",
            )
    for code in feed.geocodes:
        if "=" not in code:
            yield say(
                f"{at}.geocodes: {code} is not name=value",
                f"{at}.geocodes：{code} 不是 名称=值 的形式",
            )
