"""What `tocsin roads` says of a build: why a file was refused and where, what was left out, and
what is not connected, in both languages."""

from __future__ import annotations

from typing import Final

from tocsin.core.texts.text import Text
from tocsin.roads.extract import ExtractRefused
from tocsin.roads.graph import RoadsMissing, RoadsUnavailable
from tocsin.roads.make import Made
from tocsin.roads.plain import BadRow, TablesRefused
from tocsin.site.language import say

PHASES: Final = {
    "reading": Text("读取", "reading"),
    "drawing": Text("生成路段", "drawing"),
    "connecting": Text("检查连通", "connecting"),
    "dividing": Text("划分决策节点", "dividing"),
    "writing": Text("写入", "writing"),
    "tables": Text("计算行车时间表", "travel times"),
}

_EXTRACT: Final = {
    "missing": Text("文件不存在", "no such file"),
    "empty": Text("文件为空", "the file is empty"),
    "cut": Text("文件不完整，在中途截断", "the extract is cut off in the middle"),
    "not_an_extract": Text("不是 OpenStreetMap 数据文件", "this is not an OpenStreetMap extract"),
    "history": Text(
        "这是历史数据文件，请使用普通数据文件",
        "this is a history file; an ordinary extract is needed",
    ),
    "no_roads": Text("文件中没有可通行的道路", "there are no roads for vehicles in it"),
    "other_file": Text(
        "SHA-256 与给定值不符，文件已损坏或不是同一文件",
        "its SHA-256 is another: the file is damaged, or not the one that was meant",
    ),
    "torn": Text(
        "半数以上道路互不连通，数据不可用；最大的几处",
        "more than half of its roads do not hang together; the largest pieces",
    ),
}

_ROWS: Final = {
    "missing": Text("文件不存在", "no such file"),
    "unreadable": Text("无法读取", "cannot be read"),
    "no_header": Text("缺少表头，必须有列", "there is no header with the columns"),
    "no_rows": Text("表中没有数据", "the table has no rows"),
    "too_short": Text("列数不足", "has too few columns"),
    "twice": Text("节点重复", "is there twice"),
    "nowhere": Text("不是有效的经纬度", "is no latitude or longitude"),
    "no_such_node": Text("节点表中没有该节点", "is not in the table of nodes"),
    "not_above_zero": Text("必须大于零", "must be above zero"),
    "not_connected": Text(
        "该路段与其余道路不连通（加 --drop-cut-off 可舍弃）",
        "not connected with the rest (--drop-cut-off leaves such roads out)",
    ),
}

_LEFT_OUT: Final = {
    "not_a_road": Text("车辆不能通行的道路", "ways that are no roads for vehicles"),
    "direction_unknown": Text("通行方向不定的道路", "ways whose direction changes with the hour"),
    "node_outside": Text("范围以外的节点", "nodes outside of the extract"),
    "turn_conditional": Text("分时段的转向限制", "turn restrictions of certain hours"),
    "turn_of_others": Text("仅限其他车辆的转向限制", "turn restrictions of other vehicles"),
    "turn_over_ways": Text("经由路段的转向限制", "turn restrictions over several ways"),
    "turn_unclear": Text("含义不清的转向限制", "turn restrictions that are not clear"),
    "turn_off_the_roads": Text("不在路网上的转向限制", "turn restrictions off the roads"),
    "turn_needless": Text("无实际影响的转向限制", "turn restrictions that forbid nothing"),
}

STAYS: Final = Text("原有路网继续使用，未作任何改动。", "Nothing was changed.")


def _words(text: Text) -> str:
    return say(text.en, text.zh)


def phase(name: str) -> str:
    """What is being done, for the progress bar."""
    return _words(PHASES[name])


def extract_refused(error: ExtractRefused) -> str:
    """Why an extract is not used, and where."""
    detail = f" ({error.detail})" if error.detail else ""
    return f"{error.place}: {_words(_EXTRACT[error.reason])}{detail}\n  {_words(STAYS)}"


def tables_refused(error: TablesRefused) -> str:
    """Each bad row on a line of its own."""
    lines = [_row(row) for row in error.rows]
    if error.more:
        lines.append(say(f"and {error.more} more", f"另有 {error.more} 处"))
    return "\n  ".join([*lines, _words(STAYS)])


def _row(row: BadRow) -> str:
    place = row.table
    if row.line:
        place += say(f", line {row.line}", f" 第 {row.line} 行")
    if row.column:
        place += f", {row.column}"
    value = f": {row.value}" if row.value else ""
    return f"{place}: {_words(_ROWS[row.reason])}{value}"


def unavailable(error: RoadsUnavailable) -> str:
    """Why there are no roads to use."""
    if isinstance(error, RoadsMissing):
        return say(f"{error}: build one with `tocsin roads build`", f"尚未建立路网（{error}）")
    return say(f"{error}", f"路网不可用，请重新建立：{error}")


def made(result: Made) -> str:
    """What a build put in force, what it left out, and what is not connected."""
    lines = [
        say(
            f"roads in force: {result.nodes} nodes, {result.arcs} arcs, {result.km:.0f} km"
            f" ({result.ordinary_km:.0f} km without lights and sirens),"
            f" {result.decision_nodes} decision nodes, {result.turns} turn restrictions",
            f"路网已启用：{result.nodes} 个节点，{result.arcs} 条路段，{result.km:.0f} 公里"
            f"（非紧急行车 {result.ordinary_km:.0f} 公里），决策节点 {result.decision_nodes} 个，"
            f"转向限制 {result.turns} 条",
        )
    ]
    if result.timestamp:
        lines.append(say(f"map data of {result.timestamp}", f"地图数据时间：{result.timestamp}"))
    lines.extend(
        say(f"left out: {count} {text.en}", f"未采用：{text.zh} {count}")
        for reason, text in _LEFT_OUT.items()
        if (count := result.left_out.get(reason, 0))
    )
    if result.relations == 0 and result.timestamp:
        lines.append(
            say(
                "the extract has no relations at all: are turn restrictions missing at its end?",
                "文件中没有任何关系数据：请确认文件末尾的转向限制是否缺失",
            )
        )
    if result.cut_nodes:
        lines.append(
            say(
                f"not connected and left out: {result.cut_nodes} nodes, {result.cut_km:.1f} km;"
                " the largest pieces:",
                f"因不连通而舍弃：{result.cut_nodes} 个节点，{result.cut_km:.1f} 公里；较大的有：",
            )
        )
        for piece in result.pieces:
            name = result.names.get(piece.way) or say(f"way {piece.way}", f"道路 {piece.way}")
            lines.append(
                say(
                    f"  {piece.lat:.5f} {piece.lon:.5f}  {piece.km:.2f} km  {name}",
                    f"  {piece.lat:.5f} {piece.lon:.5f}  {piece.km:.2f} 公里  {name}",
                )
            )
    return "\n".join(lines)
