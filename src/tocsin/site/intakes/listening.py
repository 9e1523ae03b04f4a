"""What the settings of every listening intake have in common: address, TLS, and how many
connections it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from tocsin.site.addresses import is_loopback
from tocsin.site.described import File, means
from tocsin.site.language import say


class Listening(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An intake's section says its own port, and more. A port of its own for TLS, beside the one in
    clear; with `tls_client_ca` its clients must show a certificate."""

    enabled: Annotated[
        bool,
        means(
            "Whether this way in is open. --listen NAME=HOST:PORT opens it too.",
            "是否启用此接入方式。用 --listen 名称=主机:端口 也会启用。",
        ),
    ] = False
    host: Annotated[str, means("Address to listen on.", "监听地址。", min_length=1)] = "127.0.0.1"
    port: Annotated[
        int,
        means(
            "Port in clear. 0: any free one; -1: none.",
            "明文端口。0 表示任选空闲端口，-1 表示不监听。",
            ge=-1,
            le=65_535,
        ),
    ] = 0
    tls_port: Annotated[
        int,
        means(
            "Port for TLS. 0: any free one; -1: none.",
            "TLS 端口。0 表示任选空闲端口，-1 表示不监听。",
            ge=-1,
            le=65_535,
        ),
    ] = -1
    tls_cert: Annotated[
        File, means("File with the TLS certificate chain (PEM).", "TLS 证书链文件（PEM）。")
    ] = ""
    tls_key: Annotated[File, means("File with its private key (PEM).", "证书私钥文件（PEM）。")] = (
        ""
    )
    tls_client_ca: Annotated[
        File,
        means(
            "File with the authorities (PEM) of which every client must show a certificate;"
            " empty: none is asked for.",
            "客户端证书的签发机构文件（PEM），客户端必须出示其证书；为空则不要求。",
        ),
    ] = ""
    max_connections: Annotated[
        int, means("Connections open at once.", "同时打开的连接数上限。", ge=1, le=1_000_000)
    ] = 2_000
    max_connections_per_address: Annotated[
        int,
        means(
            "The same for one sender's address.", "单个来源地址的连接数上限。", ge=1, le=1_000_000
        ),
    ] = 200
    in_flight_per_address: Annotated[
        int,
        means(
            "Messages of one sender's address that may wait for their commit.",
            "单个来源地址等待写入的消息数上限。",
            ge=1,
            le=20_000,
        ),
    ] = 200

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other, one line each."""
        if not self.enabled:
            return
        if bool(self.tls_cert) != bool(self.tls_key) or (self.tls_client_ca and not self.tls_cert):
            yield say(
                f"{path}: tls_cert and tls_key belong together, and tls_client_ca needs both",
                f"{path}：tls_cert 与 tls_key 必须同时设置，tls_client_ca 需要二者",
            )
        if self.tls_port >= 0 and not self.tls_cert:
            yield say(
                f"{path}.tls_port: needs tls_cert and tls_key",
                f"{path}.tls_port：需要设置 tls_cert 和 tls_key",
            )
        if self.port < 0 and self.tls_port < 0:
            yield say(
                f"{path}: enabled, and neither port nor tls_port is open",
                f"{path}：已启用，但 port 与 tls_port 均未监听",
            )

    def in_clear_beyond_loopback(self, path: str) -> Iterator[str]:
        """For protocols that carry secrets: a port in clear is for this machine only."""
        if self.enabled and self.port >= 0 and not is_loopback(self.host):
            yield say(
                f"{path}.port: {self.host} is reachable from other machines, so secrets would cross"
                " the network in clear; use tls_port, and port = -1",
                f"{path}.port：{self.host} 可被其他机器访问，密钥和个人信息会明文传输；"
                "请使用 tls_port，并设 port = -1",
            )


def own_port(en: str, zh: str) -> Meta:
    """The meaning of an intake's own `port`."""
    return means(
        f"{en} 0: any free one; -1: none.",
        f"{zh}0 表示任选空闲端口，-1 表示不监听。",
        ge=-1,
        le=65_535,
    )
