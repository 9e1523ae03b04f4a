"""Webhooks: where they are heard, how each source signs, and which of its values mean what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from tocsin.site.described import means
from tocsin.site.intakes.listening import own_port
from tocsin.site.intakes.over_http import OverHttp
from tocsin.site.language import say
from tocsin.wire.webhook.mapping import REASONS, Fields, problems

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]


class Source(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One source that does not send our plain form signed as Standard Webhooks says. `name` is the
    account of its device; `header` is the header of its signature, where it is another one."""

    name: Name
    signature: Literal["standard", "stripe", "github"] = "standard"
    header: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{0,64}\Z")] = ""
    mapping: Fields = field(default_factory=Fields)


class Webhook(OverHttp, frozen=True, kw_only=True):
    port: Annotated[
        int,
        own_port("Port of webhooks, POST /hook/<source>.", "Webhook 端口，POST /hook/<来源>。"),
    ] = 12380
    body_bytes_max: Annotated[
        int,
        means(
            "Largest body that is read, bytes.", "可读取的最大正文，字节。", ge=1_024, le=1 << 20
        ),
    ] = 262_144
    sources: Annotated[
        tuple[Source, ...],
        means(
            "A table for each source that signs or writes in its own way: name, signature"
            " (standard, stripe, github), header, mapping; see docs/protocols/webhook.md.",
            "采用自有签名方式或格式的来源，每个一张表：name、signature（standard、stripe、github）、"
            "header、mapping。mapping 的内容见 docs/protocols/webhook.md。",
            max_length=1_000,
        ),
    ] = ()

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other and mappings that can read nothing, one line each."""
        yield from super().contradictions(path)
        first: dict[str, int] = {}
        for place, source in enumerate(self.sources):
            at = f"{path}.sources[{place}]"
            if source.name in first:
                yield say(
                    f"{at}.name: {source.name} is sources[{first[source.name]}] already",
                    f"{at}.name：{source.name} 已在 sources[{first[source.name]}] 中",
                )
            first.setdefault(source.name, place)
            for key, reason, fills in problems(source.mapping):
                en, zh = REASONS[reason]
                yield say(
                    f"{at}.mapping.{key}: {en.format_map(fills)}",
                    f"{at}.mapping.{key}：{zh.format_map(fills)}",
                )
