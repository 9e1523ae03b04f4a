"""One row of a code table's file: what each column must hold, and how a mistake is said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tocsin.core.code_tables import built_in
from tocsin.core.codes.meaning import NEW, QUALIFIERS, Number, needs_answer
from tocsin.core.codes.overrides import EFFECTS, LISTS, OVERRIDES_MAX, ZONE_MAX, CodeOverride
from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level
from tocsin.record.importing import (
    HEADER_LINE,
    Error,
    Fields,
    Mistake,
    Texts,
    header_errors,
    read_rows,
    said,
    text,
)

COLUMNS: Final = (
    *("list", "code", "qualifier", "zone_from", "zone_to", "effect", "type", "level"),
    *("text_zh", "text_en", "needs_answer"),
)
TEXT_CHARS_MAX: Final = 60
"""Characters of a text: it is the title of an incident, with the site's name behind it."""

_CODE: Final = {"cid": re.compile(r"[0-9A-F]{3}"), "sia": re.compile(r"[A-Z]{2}")}
_YES: Final = frozenset({"yes", "y", "true", "1", "是"})
_NO: Final = frozenset({"no", "n", "false", "0", "否"})

_TEXTS: Final[Texts] = {
    "list": ("{value!r} is no list: give cid or sia", "{value!r} 不是代码表名：请填写 cid 或 sia"),
    "code": (
        "{value!r} is no code: give three digits for cid, two letters for sia",
        "{value!r} 不是代码：cid 请填写三位数字，sia 请填写两个字母",
    ),
    "qualifier": (
        "{value!r} is no qualifier: give 1, 3 or 6 for cid, or nothing; nothing for sia",
        "{value!r} 不是限定符：cid 请填写 1、3、6 或留空，sia 请留空",
    ),
    "zone": (
        "{value!r} is no zone: give a whole number from 0 to {most}, or nothing",
        "{value!r} 不是防区号：请填写 0 至 {most} 的整数，或留空",
    ),
    "zones": (
        "give both ends of the zones, the lower one first, or neither",
        "防区起止须同时填写且起始不大于终止，或同时留空",
    ),
    "no_zone": (
        "the number beside {code} counts no zones ({counts}): leave the zones empty",
        "{code} 的编号不是防区（{counts}）：请将防区留空",
    ),
    "effect": (
        "{value!r} is no effect: give one of {effects}",
        "{value!r} 不是信号类别：请填写 {effects} 之一",
    ),
    "type": (
        "{value!r} is no type: give one of {types}",
        "{value!r} 不是警情类型：请填写 {types} 之一",
    ),
    "level": (
        "{value!r} is no priority: give 1 (life at risk) to 4 (routine)",
        "{value!r} 不是等级：请填写 1（危及生命）至 4（非紧急）",
    ),
    "answer": (
        "{value!r} says neither yes nor no: give yes, no, or nothing for what the effect says",
        "{value!r} 不能识别：请填写 是 或 否，留空则按信号类别",
    ),
    "answer_to_nothing": (
        "a {effect} needs no answer: give no, or another effect",
        "{effect} 类信号无需处置：请填写 否，或改用其他类别",
    ),
    "both_texts": (
        "give the text in both languages, or in neither for the built-in one",
        "请同时填写中英文文本，或均留空以使用内置文本",
    ),
    "text_needed": (
        "{code} has no built-in text: give one in both languages",
        "{code} 没有内置文本：请填写中英文文本",
    ),
    "text_long": (
        f"is longer than {TEXT_CHARS_MAX} characters",
        f"超过 {TEXT_CHARS_MAX} 个字符",
    ),
    "twice": (
        "the same code, qualifier and zones stand in line {line}: keep one of them",
        "与第 {line} 行的代码、限定符和防区重叠：请只保留一行",
    ),
    "too_many": (
        f"the file has more than {OVERRIDES_MAX} rows: a table lists only what differs",
        f"文件超过 {OVERRIDES_MAX} 行：代码表只列出与内置含义不同的代码",
    ),
}
_COUNTS: Final[dict[Number, tuple[str, str]]] = {
    Number.USER: ("users", "用户号"),
    Number.PARTITION: ("partitions", "分区号"),
    Number.DOOR: ("doors", "门号"),
    Number.DEVICE: ("devices", "设备号"),
    Number.NONE: ("nothing", "无编号"),
}


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A row without mistakes, and the line it stands in."""

    line: int
    override: CodeOverride


def read_table(
    rows: Sequence[Mapping[Any, Any]], language: str
) -> tuple[list[CodeOverride], list[Error]]:
    """The overrides of a file (as `csv.DictReader` gives it), or everything that is wrong."""
    errors = header_errors(rows, COLUMNS, language)
    if errors:
        return [], errors
    if len(rows) > OVERRIDES_MAX:
        return [], [(HEADER_LINE, COLUMNS[0], _said(language, "too_many"))]
    good, errors = read_rows(rows, partial(read_code_row, language=language))
    errors += overlaps(good, language)
    errors.sort(key=lambda error: error[0])
    return [row.override for row in good], errors


def read_code_row(line: int, row: Mapping[Any, Any], *, language: str) -> CodeRow | list[Error]:
    """The row, or everything that is wrong with it."""
    fields = Fields(line, row, language, texts=_TEXTS, last=COLUMNS[-1])
    take = fields.take
    listed = take("list", _list)
    values = {
        "list": listed,
        "code": take("code", _code, listed),
        "qualifier": take("qualifier", _qualifier, listed),
        "zone_from": take("zone_from", _zone),
        "zone_to": take("zone_to", _zone),
        "effect": take("effect", _effect),
        "type": take("type", _type),
        "level": take("level", _level),
        "text_zh": take("text_zh", _text),
        "text_en": take("text_en", _text),
    }
    answer = take("needs_answer", _answer)
    if fields.errors:
        return fields.errors
    if answer is None:
        answer = needs_answer(values["effect"])
    override = CodeOverride(**values, needs_answer=answer)
    _check_together(fields, override, language)
    return fields.errors or CodeRow(line, override)


def _check_together(fields: Fields, row: CodeOverride, language: str) -> None:
    """What is wrong between fields that are right by themselves."""
    low, high = row.zone_from, row.zone_to
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        fields.wrong("zone_to", "zones")
    standard = built_in(row.list, row.code, row.qualifier or NEW)
    if low is not None and standard.number in _COUNTS:
        counts = _COUNTS[standard.number][language.startswith("zh")]
        fields.wrong("zone_from", "no_zone", code=row.code, counts=counts)
    if row.needs_answer and row.effect in (Effect.RESTORE, Effect.TEST):
        fields.wrong("needs_answer", "answer_to_nothing", effect=row.effect.value)
    if bool(row.text_zh) != bool(row.text_en):
        fields.wrong("text_en" if row.text_zh else "text_zh", "both_texts")
    elif not row.text_zh and standard.effect is Effect.UNKNOWN:
        fields.wrong("text_zh", "text_needed", code=row.code)


def overlaps(rows: Sequence[CodeRow], language: str) -> list[Error]:
    """Rows of which nobody could say which one decides."""
    errors = []
    seen: dict[tuple[str, str, str, bool], list[CodeRow]] = {}
    for row in rows:
        one = row.override
        others = seen.setdefault((one.list, one.code, one.qualifier, one.zone_from is None), [])
        first = next((other for other in others if _overlap(one, other.override)), None)
        if first is not None:
            errors.append((row.line, "code", _said(language, "twice", line=first.line)))
        others.append(row)
    return errors


def _overlap(one: CodeOverride, other: CodeOverride) -> bool:
    if one.zone_from is None or other.zone_from is None:
        return True
    assert one.zone_to is not None
    assert other.zone_to is not None
    return one.zone_from <= other.zone_to and other.zone_from <= one.zone_to


def as_fields(row: CodeOverride) -> dict[str, str]:
    """The row as the columns of a file, which `read_table` reads back as it was."""
    return {
        "list": row.list,
        "code": row.code,
        "qualifier": row.qualifier,
        "zone_from": "" if row.zone_from is None else str(row.zone_from),
        "zone_to": "" if row.zone_to is None else str(row.zone_to),
        "effect": row.effect.value,
        "type": row.type.value,
        "level": str(row.level.value),
        "text_zh": row.text_zh,
        "text_en": row.text_en,
        "needs_answer": "yes" if row.needs_answer else "no",
    }


def _said(language: str, what: str, **values: object) -> str:
    return said(language, what, _TEXTS, **values)


def _list(value: str) -> str:
    if value.lower() not in LISTS:
        raise Mistake("list", {"value": value})
    return value.lower()


def _code(value: str, listed: str | None) -> str:
    code = value.upper()
    forms = [_CODE[listed]] if listed else list(_CODE.values())
    if not any(form.fullmatch(code) for form in forms):
        raise Mistake("code", {"value": value})
    return code


def _qualifier(value: str, listed: str | None) -> str:
    if value and (value not in QUALIFIERS or listed == "sia"):
        raise Mistake("qualifier", {"value": value})
    return value


def _zone(value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and int(value[:9]) <= ZONE_MAX):
        raise Mistake("zone", {"value": value, "most": ZONE_MAX})
    return int(value)


def _effect(value: str) -> Effect:
    if value not in {effect.value for effect in EFFECTS}:
        effects = ", ".join(effect.value for effect in EFFECTS)
        raise Mistake("effect", {"value": value, "effects": effects})
    return Effect(value)


def _type(value: str) -> IncidentType:
    if value not in {one.value for one in IncidentType}:
        raise Mistake("type", {"value": value, "types": ", ".join(IncidentType)})
    return IncidentType(value)


def _level(value: str) -> Level:
    number = value.upper().removeprefix("P")
    if number not in ("1", "2", "3", "4"):
        raise Mistake("level", {"value": value})
    return Level(int(number))


def _text(value: str) -> str:
    if len(value) > TEXT_CHARS_MAX:
        raise Mistake("text_long", {})
    return text(value)


def _answer(value: str) -> bool | None:
    told = value.casefold()
    if told and told not in _YES | _NO:
        raise Mistake("answer", {"value": value})
    return told in _YES if told else None
