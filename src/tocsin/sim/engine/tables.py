"""The table format of city data: CSV, plain or gzip, one or more tables a file, each a line with
its name (calls may lack it), a line of column names, and rows up to an empty one."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.sim.engine.refusal import InputRefused, refused

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NAMES: Final = frozenset(
    {
        "ambulances", "arcs", "calls", "coverSets", "coverTimes", "demandModes",
        "demandRasterCellNumPoints", "demandRasters", "demandSets", "demandSetsTiming",
        "hospitals", "map", "miscData", "nodes", "priorities", "redispatchConditions", "stations",
        "travelModes", "travelSets", "travelSetsTiming",
    }
)  # fmt: skip
# Tables that stand without a line for their name are known by their columns.
UNNAMED: Final = {
    "calls": {"priority", "x", "y", "arrivalTime", "onSceneDuration"},
    "arcs": {"fromNode", "toNode"},
    "nodes": {"x", "y", "offRoadAccess"},
}
TEXT_MAX: Final = 1 << 30
"""Bytes of one file, unpacked: ten million calls. More is refused before memory is gone."""


@dataclass(frozen=True)
class Table:
    """One table of a file; rows are kept as text until a column is asked for."""

    path: Path
    name: str
    header_row: int
    columns: dict[str, int]
    lines: list[str]

    def __len__(self) -> int:
        return len(self.lines)

    def has(self, column: str) -> bool:
        """Whether there is a column of this name."""
        return column in self.columns

    def row(self, place: int) -> int:
        """The row of the file (from 1) in which data row `place` (from 0) stands."""
        return self.header_row + 1 + place

    def need(self, *columns: str) -> None:
        """Refuses the table when one of these columns is missing."""
        for column in columns:
            if column not in self.columns:
                present = ", ".join(self.columns)
                raise refused(
                    self.path,
                    f"table {self.name} has no column {column!r}; it has {present}",
                    f"表 {self.name} 缺少列“{column}”，现有列：{present}",
                    row=self.header_row,
                )

    def cells(self, column: str) -> list[str]:
        """A column as text."""
        self.need(column)
        place = self.columns[column]
        return [row[place].strip() if place < len(row) else "" for row in csv.reader(self.lines)]

    def numbers(
        self, *columns: str, least: float = -np.inf, above: float = -np.inf
    ) -> list[Floats]:
        """These columns as finite numbers of at least `least`, greater than `above`."""
        self.need(*columns)
        if not self.lines:
            return [np.zeros(0) for _ in columns]
        places = [self.columns[column] for column in columns]
        try:
            read = np.loadtxt(
                self.lines, delimiter=",", quotechar='"', comments=None, usecols=places, ndmin=2
            )
        except ValueError:
            raise self._bad_number(columns) from None
        found = [np.ascontiguousarray(read[:, place]) for place in range(len(columns))]
        for column, values in zip(columns, found, strict=True):
            bad = np.flatnonzero(~np.isfinite(values) | (values < least) | (values <= above))
            if bad.size:
                raise self.bad(int(bad[0]), column, *_range(least, above))
        return found

    def integers(self, column: str, least: int, most: int) -> Ints:
        """A column as whole numbers between `least` and `most`."""
        (values,) = self.numbers(column)
        bad = np.flatnonzero((values != np.floor(values)) | (values < least) | (values > most))
        if bad.size:
            en = f"expected a whole number from {least} to {most}"
            raise self.bad(int(bad[0]), column, en, f"应为 {least} 至 {most} 的整数")
        return values.astype(np.int64)

    def numbered(self, column: str = "index") -> int:
        """The number of rows, once it is clear that they are numbered 1, 2, 3 and so on."""
        values = self.integers(column, 1, max(1, len(self)))
        bad = np.flatnonzero(values != np.arange(1, len(self) + 1))
        if bad.size:
            place = int(bad[0])
            raise self.bad(
                place,
                column,
                f"expected {place + 1}: rows are numbered 1, 2, 3 in order",
                f"应为 {place + 1}：各行须从 1 起依次编号",
            )
        return len(self)

    def named(self, column: str, names: list[str]) -> Ints:
        """A column of names, as places in `names`."""
        places = []
        for place, cell in enumerate(self.cells(column)):
            if cell not in names:
                known = ", ".join(names)
                raise self.bad(place, column, f"expected one of {known}", f"应为 {known} 之一")
            places.append(names.index(cell))
        return np.array(places, np.int64)

    def starts(self, column: str, sets: int) -> tuple[Floats, Ints]:
        """From when on which set holds: start times that rise, and places of sets."""
        (begins,) = self.numbers("startTime", least=0)
        back = np.flatnonzero(np.diff(begins) <= 0)
        if back.size or not len(self):
            place = int(back[0]) + 1 if back.size else 0
            raise self.bad(place, "startTime", "expected later than the row before", "应晚于上一行")
        return begins, self.integers(column, 1, sets) - 1

    def bad(self, place: int, column: str, en: str, zh: str) -> InputRefused:
        """The refusal of one cell, with what stands in it."""
        cell = self.cells(column)[place] if place < len(self) else ""
        return refused(
            self.path, f"{cell!r}: {en}", f"“{cell}”：{zh}", row=self.row(place), column=column
        )

    def _bad_number(self, columns: Iterable[str]) -> InputRefused:
        for column in columns:
            for place, cell in enumerate(self.cells(column)):
                try:
                    float(cell)
                except ValueError:
                    return self.bad(place, column, "expected a number", "应为数字")
        return refused(self.path, "expected numbers", "应为数字", row=self.header_row)


def _range(least: float, above: float) -> tuple[str, str]:
    if np.isfinite(least):
        return f"expected a number of at least {least:g}", f"应为不小于 {least:g} 的数字"
    if np.isfinite(above):
        return f"expected a number greater than {above:g}", f"应为大于 {above:g} 的数字"
    return "expected a finite number", "应为有限数字"


def natural(path: Path) -> list[tuple[int, str]]:
    """Sorts calls_2 before calls_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _DIGITS.split(path.name)]


_DIGITS: Final = re.compile(r"(\d+)")


def read_tables(path: Path) -> list[Table]:
    """The tables of one file, in their order. Raises `InputRefused`."""
    lines = _text(path).splitlines()
    tables = []
    begin = None
    for number, line in enumerate([*lines, ""]):
        if line.strip(', \t"'):
            begin = number if begin is None else begin
        elif begin is not None:
            tables.append(_table(path, lines, begin, number))
            begin = None
    return tables


def _table(path: Path, lines: list[str], begin: int, end: int) -> Table:
    name = next(csv.reader([lines[begin]]))[0].strip()
    header = begin + 1 if name in NAMES else begin
    if header >= end:
        raise refused(
            path,
            f"table {name} has no line of column names",
            f"表 {name} 缺少列名行",
            row=begin + 1,
        )
    cells = [cell.strip() for cell in next(csv.reader([lines[header]]))]
    columns: dict[str, int] = {}
    for place, cell in enumerate(cells):
        if cell:
            columns.setdefault(cell, place)
    if header == begin:
        name = next((kind for kind, known in UNNAMED.items() if known <= columns.keys()), "")
    return Table(path, name, header + 1, columns, lines[header + 1 : end])


def _text(path: Path) -> str:
    whole = True
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            unpacker = zlib.decompressobj(wbits=31)
            data = unpacker.decompress(data, TEXT_MAX)
            whole = unpacker.eof
    except OSError as error:
        raise refused(path, f"{error.strerror}", f"无法读取：{error.strerror}") from None
    except zlib.error:
        whole = False
    if not whole:
        raise refused(
            path,
            "expected a whole gzip file, at most 1 GiB unpacked; it is cut off, damaged or larger",
            "应为完整的 gzip 文件（解压后不超过 1 GiB）；该文件被截断、损坏或过大",
        )
    if len(data) > TEXT_MAX:
        raise refused(path, "expected at most 1 GiB", "文件不得超过 1 GiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise refused(path, "expected UTF-8 text", "应为 UTF-8 文本", row=row) from None
