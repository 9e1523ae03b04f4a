"""One row of a units file: what each column must hold, and how a mistake is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tocsin.core.terms import Capability
from tocsin.record.importing import (
    PLACE_COLUMNS,
    Error,
    Fields,
    Mistake,
    Texts,
    code,
    contradictions,
    said,
    text,
)

COLUMNS: Final = (
    *("call_sign", "kind", "capabilities", "station", "name_zh", "name_en", "address"),
    *("lat", "lon", "datum", "district"),
)
OPTIONAL_COLUMNS: Final = ("address_en", "agency")
"""May be left out: the address in English, and an agency other than the importer's."""

_CAPABILITIES: Final = ", ".join(Capability)


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A row without mistakes. `station` is the operator's own name for it; the names, the address
    and the place (degrees) are the station's."""

    line: int
    call_sign: str
    kind: str
    capabilities: tuple[Capability, ...]
    station: str
    name_zh: str
    name_en: str
    address: str
    address_en: str
    lat: float
    lon: float
    datum: str
    district: str
    agency: str


_TEXTS: Final[Texts] = {
    "capabilities": (
        "{value!r} is no capability: give one or more of {capabilities}, with spaces between them",
        "{value!r} 不是救援能力：请填写 {capabilities} 中的一项或多项，以空格分隔",
    ),
    "no_agency": (
        "several agencies exist: add the column agency",
        "存在多个机构：请增加 agency 列",
    ),
    "call_sign_twice": (
        "call sign {call_sign} is already in line {line}: one call sign is one unit",
        "呼号 {call_sign} 已在第 {line} 行出现：一个呼号对应一个力量",
    ),
    "station_differs": (
        "station {station} is described differently in line {line}: make both the same",
        "站点 {station} 与第 {line} 行的内容不一致：请改为相同",
    ),
}


def read_row(
    line: int, row: Mapping[Any, Any], *, agency: str, language: str
) -> UnitRow | list[Error]:
    """The row, or everything that is wrong with it."""
    fields = Fields(line, row, language, texts=_TEXTS, last=COLUMNS[-1])
    take = fields.take
    values = {
        "call_sign": take("call_sign", code),
        "kind": take("kind", code),
        "capabilities": take("capabilities", _capabilities),
        "station": take("station", code),
        **fields.place(agency),
    }
    if values["agency"] == "":
        fields.wrong("agency", "no_agency")
    if fields.errors:
        return fields.errors
    return UnitRow(line=line, **values)


@dataclass(frozen=True, slots=True)
class NamedUnit:
    """What a row with mistakes still tells: whose it is."""

    line: int
    agency: str
    call_sign: str


def named_unit(
    line: int, row: Mapping[Any, Any], *, agency: str, language: str
) -> NamedUnit | None:
    """None where the mistake is in the call sign or the agency."""
    fields = Fields(line, row, language, texts=_TEXTS, last=COLUMNS[-1])
    call_sign, of = fields.take("call_sign", code), fields.take("agency", text)
    if call_sign is None or of is None or not (of or agency):
        return None
    return NamedUnit(line, of or agency, call_sign)


def unit_contradictions(
    rows: list[UnitRow], language: str, bad: Iterable[NamedUnit] = ()
) -> list[Error]:
    """One call sign twice, also in rows with other mistakes, or one station described in two
    ways."""

    def told(what: str, **values: object) -> str:
        return said(language, what, _TEXTS, **values)

    return contradictions(
        rows,
        one=(
            "call_sign",
            lambda row: (row.agency, row.call_sign),
            lambda row, first: told("call_sign_twice", call_sign=row.call_sign, line=first.line),
        ),
        where=(
            PLACE_COLUMNS,
            lambda row: (row.agency, row.station),
            lambda row, first: told("station_differs", station=row.station, line=first.line),
        ),
        bad=bad,
    )


def _capabilities(value: str) -> tuple[Capability, ...]:
    found = tuple(dict.fromkeys(value.split()))
    if not found or not set(found) <= set(Capability):
        raise Mistake("capabilities", {"value": value, "capabilities": _CAPABILITIES})
    return tuple(one for one in Capability if one in found)
