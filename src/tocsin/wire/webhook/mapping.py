"""Which value of a source's JSON is what: pointers and tables from the configuration, what is wrong
with them before anything is sent, and what they find in a document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from tocsin.core.code_tables import meaning
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import Datum
from tocsin.wire.webhook.pointer import BadPointer, Pointer, parse

PROTOCOL: Final = "webhook"
TOKEN: Final = "event"  # noqa: S105 - the kind of message
TABLE_ROWS_MAX: Final = 500
QUALIFIERS: Final = ("1", "3", "6")

_SHAPES: Final = {
    "sia": re.compile(r"[A-Z]{2}"),
    "cid": re.compile(r"[136]?[0-9]{3}"),
    "cap": re.compile(r"[A-Za-z]{2,16}"),
}

Codes = Literal["sia", "cid", "cap"]
Times = Literal["rfc3339", "epoch_s", "epoch_ms"]


class Fields(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """JSON Pointers (RFC 6901) to what a document says; empty: it does not say it. With `events`,
    the list of its events, the others are inside of each. The defaults read our own plain form.

    `values` turns what stands at `code` into a code of `codes`; empty: it is the code itself. The
    same for `qualifiers` (1 new, 3 restored, 6 still present) and `levels` (1 to 4). `datum` is the
    name of one, or a pointer to it.
    """

    events: str = ""
    code: str = "/code"
    codes: Codes = "sia"
    values: dict[str, str] = {}
    otherwise: str = ""
    qualifier: str = "/qualifier"
    qualifiers: dict[str, str] = {}
    zone: str = "/zone"
    partition: str = "/partition"
    text: str = "/text"
    occurred_at: str = "/occurred_at"
    times: Times = "rfc3339"
    level: str = "/level"
    levels: dict[str, int] = {}
    lat: str = "/position/lat"
    lon: str = "/position/lon"
    datum: str = "/position/datum"


POINTERS: Final = (
    *("events", "code", "qualifier", "zone", "partition", "text", "occurred_at", "level"),
    *("lat", "lon"),
)
_DATUMS: Final = frozenset(one.value for one in Datum)


def problems(fields: Fields) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What is wrong with a mapping: the key, a reason of `REASONS`, and what fills its text."""
    for name in POINTERS:
        yield from _pointer_problem(name, getattr(fields, name))
    if not fields.code:
        yield "code", "pointer_missing", {}
    if bool(fields.lat) != bool(fields.lon):
        yield "lat", "half_a_position", {}
    if fields.datum.startswith("/"):
        yield from _pointer_problem("datum", fields.datum)
    elif fields.lat and fields.datum not in _DATUMS:
        yield "datum", "datum_unknown", {"value": fields.datum, "known": ", ".join(sorted(_DATUMS))}
    yield from _table_problems(fields)


def _table_problems(fields: Fields) -> Iterator[tuple[str, str, dict[str, str]]]:
    for key, code in fields.values.items():
        if not is_code(fields.codes, code):
            yield f"values.{key}", "code_unknown", {"value": code, "codes": fields.codes}
    if fields.otherwise and not is_code(fields.codes, fields.otherwise):
        yield "otherwise", "code_unknown", {"value": fields.otherwise, "codes": fields.codes}
    for key, digit in fields.qualifiers.items():
        if digit not in QUALIFIERS:
            yield f"qualifiers.{key}", "qualifier_unknown", {"value": digit}
    for key, level in fields.levels.items():
        if level not in (1, 2, 3, 4):
            yield f"levels.{key}", "level_unknown", {"value": str(level)}
    for name in ("values", "qualifiers", "levels"):
        if len(getattr(fields, name)) > TABLE_ROWS_MAX:
            yield name, "table_too_long", {"most": str(TABLE_ROWS_MAX)}


def _pointer_problem(name: str, text: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    try:
        parse(text)
    except BadPointer as error:
        yield name, "pointer_wrong", {"value": text, "why": str(error)}


REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "pointer_wrong": (
        "{value!r} is no JSON Pointer: it {why}",
        "{value!r} 不是有效的 JSON Pointer（RFC 6901）",
    ),
    "pointer_missing": (
        "says where the code stands; it may not be empty",
        "指明代码所在位置，不能为空",
    ),
    "half_a_position": (
        "lat and lon belong together: give both or neither",
        "lat 与 lon 必须同时填写或同时留空",
    ),
    "datum_unknown": (
        "{value!r} is no datum: give one of {known}, or a pointer to one",
        "{value!r} 不是已知的坐标系：请填写 {known} 之一，或指向它的 pointer",
    ),
    "code_unknown": (
        "{value!r} is no code of the list {codes!r}",
        "{value!r} 不在代码表 {codes!r} 中",
    ),
    "qualifier_unknown": (
        "{value!r} is no qualifier: give 1 (new), 3 (restored) or 6 (still present)",
        "{value!r} 不是限定符：请填写 1（新发生）、3（恢复）或 6（仍存在）",
    ),
    "level_unknown": ("{value} is no level: give 1 to 4", "{value} 不是等级：请填写 1 至 4"),
    "table_too_long": ("has more than {most} rows", "超过 {most} 行"),
}
"""Why a mapping cannot be used: English, Chinese."""


def has_shape(codes: str, text: str) -> bool:
    """Whether `text` can be a code of the list. Contact ID may be written with its qualifier."""
    return _SHAPES[codes].fullmatch(text) is not None


@lru_cache(maxsize=2_048)
def is_code(codes: str, text: str) -> bool:
    """Whether the list `codes`, as we come with it, knows `text`."""
    if not has_shape(codes, text):
        return False
    code, qualifier = split_code(codes, text)
    read = SignalRead(
        protocol=PROTOCOL,
        token=TOKEN,
        account="",
        code=code,
        codes=codes,
        qualifier=qualifier or ("" if codes == "sia" else "1"),
    )
    return meaning(read).effect is not Effect.UNKNOWN


def split_code(codes: str, text: str) -> tuple[str, str]:
    """Code and qualifier: Contact ID's `3130` is `130`, restored."""
    if codes == "cid" and len(text) == 4:
        return text[1:], text[0]
    return text, ""


@lru_cache(maxsize=4_096)
def pointer(text: str) -> Pointer:
    """A pointer of the configuration, which has been checked."""
    return parse(text)


def shown(value: Any) -> str:
    """A JSON value as the key of a table: text as it is, numbers and booleans as JSON writes them;
    "" for what is no key."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return ""
