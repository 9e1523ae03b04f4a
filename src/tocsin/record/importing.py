"""What every import of rows has: the fields of a row, rules for them, and a report in which each
mistake has its line, its column, what is wrong and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tocsin.core.terms import Datum
from tocsin.record.database import Connection

TEXT_CHARS_MAX: Final = 200
HEADER_LINE: Final = 1

_NAMES: Final = ("name_zh", "name_en", "address", "address_en")
PLACE_COLUMNS: Final = (*_NAMES, "lat", "lon", "datum", "district")
"""What says where something stands; in a file the same for everything that stands there."""

Row = TypeVar("Row")
Error = tuple[int, str, str]
Texts = Mapping[str, tuple[str, str]]

_DATUMS: Final = ", ".join(Datum)
_CODE: Final = re.compile(r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")


@dataclass(slots=True)
class ImportReport:
    """`rows_ok` rows are (or with dry_run would be) imported: all of them, or 0 with `errors`.

    An error is (line, column, what is wrong and what to do); the header is line 1.
    """

    rows_ok: int = 0
    errors: list[Error] = field(default_factory=list)


class Mistake(ValueError):
    """(text, values): what is wrong with one field. Raised by rules."""


_TEXTS: Final[Texts] = {
    "header": (
        "the column is missing from the header; the columns are {columns}",
        "表头缺少此列；应有的列为 {columns}",
    ),
    "no_rows": ("there are no rows below the header", "表头之下没有数据行"),
    "too_many": (
        "the row has more fields than the header: quote a field that contains a comma",
        "该行字段多于表头：含逗号的字段请加引号",
    ),
    "empty": ("must not be empty", "不能为空"),
    "no_name": ("name_zh or name_en is needed", "name_zh 与 name_en 至少填写一个"),
    "long": (f"is longer than {TEXT_CHARS_MAX} characters", f"超过 {TEXT_CHARS_MAX} 个字符"),
    "characters": (
        "{value!r} has characters that cannot be stored: remove control characters",
        "{value!r} 含有无法保存的字符：请删除控制字符",
    ),
    "degrees": (
        "{value!r} is no number from {least} to {most}: give decimal degrees",
        "{value!r} 不是 {least} 到 {most} 之间的数：请填写十进制度数",
    ),
    "datum": (
        "{value!r} is no datum: give one of {datums}",
        "{value!r} 不是坐标系：请填写 {datums} 之一",
    ),
}


def said(language: str, what: str, more: Texts, **values: object) -> str:
    """A text of every import, or of this one (`more`), in `en` or `zh`."""
    english, chinese = more.get(what) or _TEXTS[what]
    return (chinese if language.startswith("zh") else english).format(**values)


def header_errors(
    rows: Sequence[Mapping[Any, Any]], columns: Sequence[str], language: str
) -> list[Error]:
    """Columns that the header lacks, or that nothing stands below it."""
    if not rows:
        return [(HEADER_LINE, columns[0], said(language, "no_rows", {}))]
    names = {_name(one) for one in rows[0]}
    text = said(language, "header", {}, columns=",".join(columns))
    return [(HEADER_LINE, one, text) for one in columns if one not in names]


def only_agency(connection: Connection) -> str:
    """The one agency that there is; empty where there are several, or none."""
    found = connection.execute("SELECT code FROM ref.agency LIMIT 2").fetchall()
    return found[0][0] if len(found) == 1 else ""


def add_districts(connection: Connection, codes: Iterable[str]) -> None:
    """Districts that a file names and nobody has described yet."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ref.district (code, name_zh, name_en) VALUES (%s, %s, %s)"
            " ON CONFLICT (code) DO NOTHING",
            [(one, one, one) for one in sorted(set(codes))],
        )


def read_rows(
    rows: Sequence[Mapping[Any, Any]], read: Callable[[int, Mapping[Any, Any]], Row | list[Error]]
) -> tuple[list[Row], list[Error]]:
    """The rows that `read` (line, row) finds good, and what is wrong with the others."""
    return read_lines(enumerate(rows, start=HEADER_LINE + 1), read)


def read_lines(
    lines: Iterable[tuple[int, Mapping[Any, Any]]],
    read: Callable[[int, Mapping[Any, Any]], Row | list[Error]],
) -> tuple[list[Row], list[Error]]:
    """The same for rows that know their lines."""
    good: list[Row] = []
    errors: list[Error] = []
    for line, row in lines:
        found = read(line, row)
        if isinstance(found, list):
            errors += found
        else:
            good.append(found)
    return good, errors


def contradictions(
    rows: Iterable[Any],
    *,
    one: tuple[str, Callable[[Any], Hashable], Callable[[Any, Any], str]],
    where: tuple[Sequence[str], Callable[[Any], Hashable], Callable[[Any, Any], str]],
    bad: Iterable[Any] = (),
) -> list[Error]:
    """One thing that stands there twice, or one place that is described in two ways.

    `one`: the column that is to blame, what tells a thing, and the text for a row and the first
    such row. `where`: the columns that describe a place, what tells it, and the text likewise.
    `bad`: rows with mistakes of their own, as far as they tell a thing: one twice is named in the
    same round.
    """
    errors: list[Error] = []
    things: dict[Hashable, Any] = {}
    places: dict[Hashable, Any] = {}
    column, thing_of, twice = one
    columns, place_of, differs = where
    good = list(rows)
    for row in sorted([*good, *bad], key=lambda row: row.line):
        first = things.setdefault(thing_of(row), row)
        if first is not row:
            errors.append((row.line, column, twice(row, first)))
    for row in good:
        first = places.setdefault(place_of(row), row)
        errors += [
            (row.line, name, differs(row, first))
            for name in columns
            if getattr(first, name) != getattr(row, name)
        ]
    return errors


class Fields:
    """One row's fields as text, and what is wrong with them. `verbatim`: the column in which
    spaces around a field mean something."""

    def __init__(
        self,
        line: int,
        row: Mapping[Any, Any],
        language: str,
        *,
        texts: Texts,
        last: str,
        verbatim: str = "",
    ) -> None:
        self.line = line
        self.errors: list[Error] = []
        self._language = language
        self._texts = texts
        self._fields = {}
        for key, value in row.items():
            if key is not None:
                found = value if isinstance(value, str) else ""
                self._fields[_name(key)] = found if _name(key) == verbatim else found.strip()
        if None in row:
            self.wrong(last, "too_many")

    def names(self, column: str) -> bool:
        """Whether the file has the column at all."""
        return column in self._fields

    def has(self, column: str) -> bool:
        return bool(self._fields.get(column))

    def take(self, column: str, rule: Callable[..., Any], *arguments: Any) -> Any:
        """What `rule` makes of a field; None, and an error, where it is wrong."""
        try:
            return rule(self._fields.get(column, ""), *arguments)
        except Mistake as mistake:
            what, values = mistake.args
            self.wrong(column, what, **values)
            return None

    def place(self, agency: str) -> dict[str, Any]:
        """PLACE_COLUMNS, and the agency, which is `agency` where the row names none."""
        found = {
            **{column: self.take(column, text) for column in _NAMES},
            "lat": self.take("lat", degrees, 90),
            "lon": self.take("lon", degrees, 180),
            "datum": self.take("datum", datum),
            "district": self.take("district", code),
            "agency": self.take("agency", text) or agency,
        }
        if found["name_zh"] == "" and found["name_en"] == "":
            self.wrong("name_zh", "no_name")
        found["name_zh"] = found["name_zh"] or found["name_en"]
        found["name_en"] = found["name_en"] or found["name_zh"]
        return found

    def wrong(self, column: str, what: str, **values: object) -> None:
        text = said(self._language, what, self._texts, **values)
        self.errors.append((self.line, column, text))


def _name(key: Any) -> str:
    return str(key).lstrip("\ufeff").strip()


def text(value: str) -> str:
    """At most TEXT_CHARS_MAX characters that can be stored, or nothing."""
    if len(value) > TEXT_CHARS_MAX:
        raise Mistake("long", {})
    if value and not _CODE.fullmatch(value):
        raise Mistake("characters", {"value": value})
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Mistake("characters", {"value": value}) from None
    return value


def code(value: str) -> str:
    """The same, and something."""
    if not value:
        raise Mistake("empty", {})
    return text(value)


def degrees(value: str, most: int) -> float:
    """Decimal degrees from -most to most."""
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not -most <= number <= most:
        raise Mistake("degrees", {"value": value, "least": -most, "most": most})
    return number


def datum(value: str) -> str:
    """The name of a datum."""
    if value not in set(Datum):
        raise Mistake("datum", {"value": value, "datums": _DATUMS})
    return value
