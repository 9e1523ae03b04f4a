"""E-mail: where alarm mails are heard, for which addresses, and which words mean which code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from tocsin.site.addresses import is_loopback
from tocsin.site.described import means
from tocsin.site.intakes.listening import Listening, own_port
from tocsin.site.language import say
from tocsin.wire.mail.rules import Rule, problems

Domain = Annotated[
    str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,62}\.)*[a-z0-9-]{1,63}\Z", max_length=253)
]


class Mail(Listening, frozen=True, kw_only=True):
    port: Annotated[
        int,
        own_port(
            "Port of alarm mails (SMTP). With tls_cert it offers STARTTLS.",
            "报警邮件的端口（SMTP）。设置 tls_cert 后提供 STARTTLS。",
        ),
    ] = 12325
    domains: Annotated[
        tuple[Domain, ...],
        means(
            "Domains whose mail is ours, in lower case; what stands before the @ is the device's"
            " account. Mail to others is refused.",
            "本系统接收的邮件域名（小写）；@ 之前的部分即设备账号。发往其他域名的邮件一律拒收。",
            max_length=100,
        ),
    ] = ()
    require_starttls: Annotated[
        bool,
        means(
            "Whether mail is taken only after STARTTLS (on the port in clear).",
            "明文端口是否必须先执行 STARTTLS 才接收邮件。",
        ),
    ] = False
    message_bytes_max: Annotated[
        int,
        means("Largest mail, bytes.", "单封邮件的最大字节数。", ge=10_000, le=3 << 20),
    ] = 1 << 20
    recipients_max: Annotated[
        int, means("Addresses of one mail.", "单封邮件的收件地址数上限。", ge=1, le=100)
    ] = 10
    commands_max: Annotated[
        int,
        means(
            "How often one command may come on one connection.",
            "单个连接中同一命令的次数上限。",
            ge=5,
            le=100_000,
        ),
    ] = 1_000
    idle_s: Annotated[
        float,
        means(
            "Seconds that a sender may take for its next command, or for a whole mail.",
            "发送方发出下一条命令或传完一封邮件的秒数上限。",
            ge=0.5,
            le=3_600,
        ),
    ] = 120.0
    codes_in_subject: Annotated[
        bool,
        means(
            "Whether a code in brackets in the subject counts: [BA 7], [E130 01 007].",
            "主题中方括号内的代码是否有效，例如 [BA 7]、[E130 01 007]。",
        ),
    ] = False
    rules: Annotated[
        tuple[Rule, ...],
        means(
            "A table for each rule: account, pattern, look_in, code, codes, qualifier, zone,"
            " partition, text; see docs/protocols/mail.md. The first that fits decides.",
            "每条规则一张表：account、pattern、look_in、code、codes、qualifier、zone、partition、"
            "text，见 docs/protocols/mail.md。采用第一条符合的规则。",
            max_length=1_000,
        ),
    ] = ()

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other and rules that can read nothing, one line each."""
        for place, rule in enumerate(self.rules):
            for key, en, zh in problems(rule):
                at = f"{path}.rules[{place}].{key}"
                yield say(f"{at}: {en}", f"{at}：{zh}")
        if not self.enabled:
            return
        yield from super().contradictions(path)
        if not self.domains:
            yield say(
                f"{path}.domains: enabled, and no domain is ours, so every mail would be refused",
                f"{path}.domains：已启用，但未设置任何域名，所有邮件都会被拒收",
            )
        if self.require_starttls and not self.tls_cert:
            yield say(
                f"{path}.require_starttls: needs tls_cert and tls_key",
                f"{path}.require_starttls：需要设置 tls_cert 和 tls_key",
            )
        if self.port >= 0 and not is_loopback(self.host) and not self.require_starttls:
            yield say(
                f"{path}.port: {self.host} is reachable from other machines, so mails would cross"
                " the network in clear; set require_starttls, or use tls_port and port = -1",
                f"{path}.port：{self.host} 可被其他机器访问，邮件会明文传输；"
                "请启用 require_starttls，或使用 tls_port 并设 port = -1",
            )
