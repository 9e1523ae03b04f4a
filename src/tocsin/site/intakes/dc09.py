"""DC-09: where alarm panels are heard, and what each of them may hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Struct

from tocsin.site.described import File, means, port
from tocsin.site.language import say


class Dc09(Struct, forbid_unknown_fields=True, frozen=True):
    host: Annotated[
        str,
        means(
            "Address on which alarm panels are heard (SIA DC-09), TCP and UDP.",
            "接收报警主机（SIA DC-09）的监听地址，TCP 与 UDP 共用。",
            min_length=1,
        ),
    ] = "127.0.0.1"
    port: Annotated[int, port("Port, the same for TCP and UDP.", "端口，TCP 与 UDP 相同。")] = 12300
    max_connections: Annotated[
        int,
        means("TCP connections open at once.", "同时打开的 TCP 连接数上限。", ge=1, le=1_000_000),
    ] = 10_000
    max_connections_per_address: Annotated[
        int,
        means(
            "The same for one sender's address, so that none can shut the others out.",
            "单个来源地址的连接数上限，避免一个来源占满全部连接。",
            ge=1,
            le=1_000_000,
        ),
    ] = 2_000
    frames_in_flight_per_address: Annotated[
        int,
        means(
            "Frames of one sender's address that may wait for their commit; further ones are read"
            " when there is room (TCP) or left unanswered (UDP), and hold up nobody else.",
            "单个来源地址等待写入的帧数上限；超出时 TCP 暂缓读取，UDP 不应答，不影响其他来源。",
            ge=1,
            le=20_000,
        ),
    ] = 1_000
    frame_bytes_max: Annotated[
        int,
        means("Longest frame that is read, bytes.", "可读取的最长帧，字节。", ge=256, le=4_105),
    ] = 4_105
    idle_s: Annotated[
        float,
        means(
            "Seconds of silence after which a connection is closed.",
            "连接无数据多少秒后关闭。",
            ge=1,
            le=86_400,
        ),
    ] = 120.0
    half_frame_s: Annotated[
        float,
        means(
            "Seconds that a begun frame may take to be complete.",
            "一帧开始后必须收全的秒数。",
            ge=0.1,
            le=3_600,
        ),
    ] = 10.0
    first_frame_s: Annotated[
        float,
        means(
            "Seconds that a connection has to send its first good frame, and to complete its TLS"
            " handshake; afterwards it may stay open for idle_s.",
            "连接建立后收到首个有效帧（含 TLS 握手）的时限，秒；此后按 idle_s 保持连接。",
            ge=0.1,
            le=3_600,
        ),
    ] = 10.0
    tls_port: Annotated[
        int,
        means(
            "Port for DC-09 inside TLS, beside the one in clear. 0: any free one; -1: none.",
            "DC-09 的 TLS 端口，与明文端口并存。0 表示任选空闲端口，-1 表示不监听。",
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
            "File with the authorities (PEM) of which every panel must show a certificate. What it"
            " sends counts as authenticated where the certificate's common name or a DNS name is"
            " the account, else as protected from alteration only. Empty: none is asked for.",
            "主机证书的签发机构文件（PEM），主机必须出示其签发的证书。证书的通用名（CN）或 DNS 名称"
            "与账号一致时，报文视为已认证，否则仅视为未经篡改；为空则不要求。",
        ),
    ] = ""

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other, one line each."""
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
