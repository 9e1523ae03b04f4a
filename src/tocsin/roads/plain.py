"""Reads a road graph from two plain tables, nodes and arcs, their columns found by name. Every bad
row is named with its line; nothing is taken from a table that has one."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tocsin.roads.graph import Graph

NAMED_MAX: Final = 50
"""More bad rows than this are counted and not named."""
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class BadRow:
    """What is wrong in which line of which table; `reason` is a key of the command's texts."""

    table: str
    line: int
    column: str
    reason: str
    value: str = ""


class TablesRefused(Exception):
    """The tables cannot be used: these rows, and how many more."""

    def __init__(self, rows: list[BadRow], more: int = 0) -> None:
        super().__init__(f"{len(rows) + more} bad rows")
        self.rows, self.more = rows, more


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: our name and those of JEMSS's city tables, with the factor to our measure."""

    names: Mapping[str, float]
    needed: bool = True


_NODES: Final[Mapping[str, _Column]] = {
    "node": _Column({"node": 1, "index": 1}),
    "lat": _Column({"lat": 1, "y": 1}),
    "lon": _Column({"lon": 1, "x": 1}),
    "access": _Column({"access": 1, "offRoadAccess": 1}, needed=False),
}
_ARCS: Final[Mapping[str, _Column]] = {
    "from": _Column({"from": 1, "fromNode": 1}),
    "to": _Column({"to": 1, "toNode": 1}),
    "metres": _Column({"metres": 1, "distance": 1000}),
    "seconds": _Column({"seconds": 1, "mode_1": DAY_S}),
    "seconds_ordinary": _Column({"seconds_ordinary": 1, "mode_2": DAY_S}, needed=False),
}


class _Complaints:
    def __init__(self) -> None:
        self.rows: list[BadRow] = []
        self.more = 0

    def add(self, row: BadRow) -> None:
        if len(self.rows) < NAMED_MAX:
            self.rows.append(row)
        else:
            self.more += 1

    def settle(self) -> None:
        if self.rows:
            raise TablesRefused(self.rows, self.more)


def read_tables(nodes: Path, arcs: Path) -> Graph:
    """The graph of two tables, CSV or CSV.gz; `arc_way` is an arc's line. Raises TablesRefused.

    Nodes: `node,lat,lon[,access]`, degrees WGS-84. Arcs, one a direction: `from,to,metres,seconds`
    and `seconds_ordinary` (empty: for emergency vehicles only). The tables of JEMSS's cities are
    read as they are: kilometres, and days for each of two modes.
    """
    bad = _Complaints()
    number, places = _read_nodes(nodes, bad)
    table = list(_rows(arcs, _ARCS, bad))
    bad.settle()
    start, end, figures, lines = [], [], [], []
    for line, row in table:
        ends = [_node(row[name], name, line, arcs, number, bad) for name in ("from", "to")]
        values = [
            _above_zero(row.get(name), name, line, arcs, bad)
            for name in ("metres", "seconds", "seconds_ordinary")
        ]
        start.append(ends[0])
        end.append(ends[1])
        figures.append(values)
        lines.append(line)
    if not table:
        bad.add(BadRow(arcs.name, 1, "", "no_rows"))
    bad.settle()
    place, figure = np.array(places), np.array(figures)
    has_ordinary = any("seconds_ordinary" in row for _, row in table)
    return Graph(
        node_lat=np.ascontiguousarray(place[:, 0]),
        node_lon=np.ascontiguousarray(place[:, 1]),
        arc_from=np.array(start, dtype=np.int32),
        arc_to=np.array(end, dtype=np.int32),
        arc_metres=figure[:, 0].astype(np.float32),
        arc_seconds=figure[:, 1].astype(np.float32),
        arc_ordinary=figure[:, 2].astype(np.float32) if has_ordinary else None,
        arc_way=np.array(lines, dtype=np.int64),
        node_access=place[:, 2] > 0,
    )


def _read_nodes(path: Path, bad: _Complaints) -> tuple[dict[str, int], list[list[float]]]:
    number: dict[str, int] = {}
    places: list[list[float]] = []
    for line, row in _rows(path, _NODES, bad):
        name = _key(row["node"])
        if name in number:
            bad.add(BadRow(path.name, line, "node", "twice", row["node"]))
            continue
        place = [_degrees(row[axis], axis, line, path, bad) for axis in ("lat", "lon")]
        number[name] = len(places)
        places.append([*place, 0.0 if _key(row.get("access", "1")) in ("0", "no") else 1.0])
    if not places and not bad.rows:
        bad.add(BadRow(path.name, 1, "", "no_rows"))
    bad.settle()
    return number, places


def _rows(
    path: Path, columns: Mapping[str, _Column], bad: _Complaints
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows by our names, with their line; figures already in our measure. What stands above the
    header, as in the tables of JEMSS's cities, is passed over."""
    opened: Callable[..., object] = gzip.open if path.suffix == ".gz" else open
    found: dict[str, tuple[int, float]] | None = None
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:  # type: ignore[attr-defined]
            for line, cells in enumerate(csv.reader(file), 1):
                if found is None:
                    found = _header(cells, columns)
                    continue
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) <= max(place for place, _ in found.values()):
                    bad.add(BadRow(path.name, line, "", "too_short"))
                    continue
                yield (
                    line,
                    {
                        name: _scaled(cells[place].strip(), factor)
                        for name, (place, factor) in found.items()
                    },
                )
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        bad.add(BadRow(path.name, 0, "", "unreadable", str(error)))
        bad.settle()
    if found is None:
        needed = ", ".join(name for name, column in columns.items() if column.needed)
        bad.add(BadRow(path.name, 1, "", "no_header", needed))
        bad.settle()


def _header(
    cells: list[str], columns: Mapping[str, _Column]
) -> dict[str, tuple[int, float]] | None:
    """Place and factor of each column that is there; None where a needed one is not."""
    at = {cell.strip(): place for place, cell in enumerate(cells) if cell.strip()}
    found = {}
    for name, column in columns.items():
        for alias, factor in column.names.items():
            if alias in at:
                found[name] = (at[alias], factor)
                break
        else:
            if column.needed:
                return None
    return found


def _scaled(text: str, factor: float) -> str:
    if factor == 1:
        return text
    try:
        return repr(float(text) * factor)
    except ValueError:
        return text


def _key(text: str) -> str:
    """A node's name; `7.0` and `7` are the same."""
    return text.removesuffix(".0")


def _node(
    text: str, column: str, line: int, path: Path, number: Mapping[str, int], bad: _Complaints
) -> int:
    node = number.get(_key(text))
    if node is None:
        bad.add(BadRow(path.name, line, column, "no_such_node", text))
        return -1
    return node


def _above_zero(text: str | None, column: str, line: int, path: Path, bad: _Complaints) -> float:
    if column == "seconds_ordinary" and not text:
        return math.inf
    value = _number(text or "")
    if not (math.isfinite(value) and value > 0):
        bad.add(BadRow(path.name, line, column, "not_above_zero", text or ""))
    return value


def _degrees(text: str, axis: str, line: int, path: Path, bad: _Complaints) -> float:
    value = _number(text)
    if not abs(value) <= (90 if axis == "lat" else 180):
        bad.add(BadRow(path.name, line, axis, "nowhere", text))
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
