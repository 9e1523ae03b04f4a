"""SOS Access: where Nordic alarm transmitters are heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from tocsin.site.described import means
from tocsin.site.intakes.listening import Listening, own_port
from tocsin.site.language import say
from tocsin.wire.sos_access.signals import EventCode, problems


class SosAccess(Listening, frozen=True, kw_only=True):
    port: Annotated[
        int,
        own_port(
            "Port in clear for SOS Access transmitters, on the loopback only.",
            "SOS Access 传输设备的明文端口，仅限本机。",
        ),
    ] = 19000
    idle_s: Annotated[
        float,
        means(
            "Seconds of silence after which a connection is closed.",
            "连接无数据多少秒后关闭。",
            ge=1,
            le=86_400,
        ),
    ] = 120.0
    half_request_s: Annotated[
        float,
        means(
            "Seconds that a begun request may take to be complete.",
            "一条请求开始后必须收全的秒数。",
            ge=0.1,
            le=3_600,
        ),
    ] = 10.0
    contact_id: Annotated[
        bool,
        means(
            "Whether event codes of three digits are Contact ID events. Leave it off where"
            " transmitters use numbers of their own.",
            "三位数字的事件代码是否按 Contact ID 解释。传输设备使用自定数字代码时请勿启用。",
        ),
    ] = False

    event_codes: Annotated[
        tuple[EventCode, ...],
        means(
            "A table for each event code of your own: event, code, codes (sia, the default, or"
            " cid). They come first.",
            "每个自定事件代码一张表：event、code、codes（默认 sia，或 cid）。优先采用。",
            max_length=1_000,
        ),
    ] = ()

    def contradictions(self, path: str) -> Iterator[str]:
        """Keys that contradict each other, one line each."""
        for place, one in enumerate(self.event_codes):
            for key, en, zh in problems(one):
                at = f"{path}.event_codes[{place}].{key}"
                yield say(f"{at}: {en}", f"{at}：{zh}")
        yield from super().contradictions(path)
        yield from self.in_clear_beyond_loopback(path)
