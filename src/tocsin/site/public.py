"""The section of the configuration on what the public sees: emergency numbers, time zone, and
whether the report page is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from tocsin.site.described import means
from tocsin.site.language import say

_NUMBER: Final = r"^([0-9+*#][0-9 +*#-]{0,18})?$"


def _number(en: str, zh: str) -> Meta:
    return means(en, zh, pattern=_NUMBER)


class Public(Struct, forbid_unknown_fields=True, frozen=True):
    report: Annotated[
        bool,
        means(
            "Whether the public page /report takes reports.",
            "是否开放公众网上报警页面 /report。",
        ),
    ] = True
    police: Annotated[
        str,
        _number(
            "Emergency number of the police, as the public pages show it first of all. Empty in"
            " this section: not shown.",
            "公安报警电话，显示在公众页面最上方。本节中留空表示不显示。",
        ),
    ] = "110"
    fire: Annotated[str, _number("Of the fire service.", "消防报警电话。")] = "119"
    medical: Annotated[str, _number("Of the ambulance service.", "医疗急救电话。")] = "120"
    traffic: Annotated[str, _number("For traffic accidents.", "交通事故报警电话。")] = "122"
    any: Annotated[
        str,
        _number("For any emergency, such as 112 or 911.", "手机通用紧急呼叫号码，如 112 或 911。"),
    ] = "112"
    time_zone: Annotated[
        str,
        means(
            "Time zone in which the public pages show times (a name of the IANA database).",
            "公众页面显示时间所用的时区（IANA 时区名）。",
            min_length=1,
        ),
    ] = "Asia/Shanghai"

    def contradictions(self, path: str) -> Iterator[str]:
        """One line for each key that cannot stand as it is."""
        if not _is_time_zone(self.time_zone):
            yield say(
                f"{path}.time_zone: this machine knows no time zone {self.time_zone}",
                f"{path}.time_zone：本机没有时区 {self.time_zone}",
            )
        if not any((self.police, self.fire, self.medical, self.traffic, self.any)):
            yield say(
                f"{path}: give at least one emergency number",
                f"{path}：至少要有一个紧急电话号码",
            )


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
