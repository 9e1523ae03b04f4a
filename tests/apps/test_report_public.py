"""What an installation says of itself to the public: its numbers and its time, from the section
`public` of the configuration to the page."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tocsin.apps.citizen.public import Public
from tocsin.site.configuration import ConfigurationRefused, load
from tocsin.site.public import Public as Section

NOON = datetime(2026, 3, 2, 12, 0, 5, tzinfo=UTC)


def section(tmp_path: Path, text: str) -> Section:
    file = tmp_path / "tocsin.toml"
    file.write_text(f"[public]\n{text}\n", encoding="utf-8")
    return load(file).public


def test_the_section_reaches_the_pages_as_it_stands(tmp_path: Path) -> None:
    chosen = section(tmp_path, 'police = "911"\nfire = ""\ntime_zone = "Europe/Vienna"')
    public = msgspec.json.decode(msgspec.json.encode(chosen), type=Public)
    assert asdict(public) == msgspec.structs.asdict(chosen)
    assert asdict(Public()) == msgspec.structs.asdict(Section())
    shown = [(one["what"], one["tel"]) for one in public.numbers("en")]
    assert shown == [
        ("Police", "911"), ("Ambulance", "120"), ("Traffic accident", "122"),
        ("Any emergency", "112"),
    ]  # fmt: skip
    assert public.shown(NOON, "en") == "2 Mar 2026, 13:00 (UTC+1)"


@pytest.mark.parametrize(
    ("zone", "zh", "en"),
    [
        ("Asia/Shanghai", "2026年3月2日 20:00（UTC+8）", "2 Mar 2026, 20:00 (UTC+8)"),
        ("Asia/Kolkata", "2026年3月2日 17:30（UTC+5:30）", "2 Mar 2026, 17:30 (UTC+5:30)"),
        ("America/New_York", "2026年3月2日 07:00（UTC-5）", "2 Mar 2026, 07:00 (UTC-5)"),
    ],
)
def test_a_time_is_shown_with_its_zone(zone: str, zh: str, en: str) -> None:
    public = Public(time_zone=zone)
    assert (public.shown(NOON, "zh"), public.shown(NOON, "en")) == (zh, en)


@pytest.mark.parametrize("number", ["110", "911", "+43 133", "116 117", "*16", ""])
def test_a_number_as_one_dials_it_is_taken(tmp_path: Path, number: str) -> None:
    assert section(tmp_path, f'police = "{number}"').police == number


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('police = "call us"', "public.police"),
        ('fire = "1190000000000000000000"', "public.fire"),
        ('medical = "<b>120</b>"', "public.medical"),
        ('any = "javascript:alert(1)"', "public.any"),
        ('report = "yes"', "public.report"),
        ('time_zone = "Middle/Earth"', "public.time_zone"),
        ('time_zone = "../etc/passwd"', "public.time_zone"),
        ('numbers = "110"', "public.numbers"),
        ('police = ""\nfire = ""\nmedical = ""\ntraffic = ""\nany = ""', "public:"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        section(tmp_path, text)
    assert named in str(refused.value)
