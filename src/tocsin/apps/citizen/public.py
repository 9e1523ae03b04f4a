"""What an installation says of itself to the public: its emergency numbers and its time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tocsin.apps.citizen.words import WORDS


@dataclass(frozen=True, slots=True)
class Public:
    """An empty number is not shown. `report`: whether the report page takes reports."""

    report: bool = True
    police: str = "110"
    fire: str = "119"
    medical: str = "120"
    traffic: str = "122"
    any: str = "112"
    time_zone: str = "Asia/Shanghai"

    def numbers(self, language: str) -> list[dict[str, str]]:
        """The numbers in the order in which they are shown, each with what it is for."""
        return [
            {"number": number, "tel": "".join(number.split()), "what": WORDS[what].of(language)}
            for what, number in (
                ("number_police", self.police),
                ("number_fire", self.fire),
                ("number_medical", self.medical),
                ("number_traffic", self.traffic),
                ("number_any", self.any),
            )
            if number
        ]

    def shown(self, at: datetime, language: str) -> str:
        """A time with its zone, as a person of this place reads it."""
        local = at.astimezone(ZoneInfo(self.time_zone))
        offset = f"{local:%z}"
        zone = f"UTC{offset[0]}{int(offset[1:3])}"
        if offset[3:5] != "00":
            zone += f":{offset[3:5]}"
        if language == "zh":
            return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}（{zone}）"
        return f"{local.day} {local:%b %Y, %H:%M} ({zone})"
