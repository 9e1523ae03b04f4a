"""What the settings of every intake over HTTP have in common beside their address."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated

from tocsin.site.described import means
from tocsin.site.intakes.listening import Listening
from tocsin.site.language import say


class OverHttp(Listening, frozen=True, kw_only=True):
    proxy: Annotated[
        str,
        means(
            "Address of the reverse proxy that ends TLS in front of us; its X-Forwarded-For is"
            " believed.",
            "在前端终止 TLS 的反向代理地址；信任它的 X-Forwarded-For 请求头。",
        ),
    ] = ""
    slow_s: Annotated[
        float,
        means(
            "Seconds that a begun request may take to be complete.",
            "一个请求开始后必须收全的秒数。",
            ge=0.1,
            le=600,
        ),
    ] = 10.0
    idle_s: Annotated[
        float,
        means(
            "Seconds without a request after which a connection is closed.",
            "连接无请求多少秒后关闭。",
            ge=1,
            le=86_400,
        ),
    ] = 60.0

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other, one line each."""
        yield from super().contradictions(path)
        if not self.enabled:
            return
        if self.proxy:
            try:
                ip_address(self.proxy)
            except ValueError:
                yield say(
                    f"{path}.proxy: {self.proxy} is no IP address",
                    f"{path}.proxy：{self.proxy} 不是 IP 地址",
                )
        else:
            yield from self.in_clear_beyond_loopback(path)
