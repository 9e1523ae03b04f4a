"""`tocsin roads`: the road graph from an OpenStreetMap extract or from two plain tables, and its
travel-time tables. The roads before stay in use until the new ones are finished."""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tocsin.site.command.options import DONE, CommandRefused, data_directory
from tocsin.site.language import say

if TYPE_CHECKING:
    from tocsin.roads.make import Made

ROADS: Final = "roads"
BAR: Final = 30
AGAIN_S: Final = 0.1


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    """Adds `roads` with its actions."""
    actions = commands.add_parser(
        "roads",
        help=say(
            "the road network, from a map extract or from tables", "路网：由地图数据或表格建立"
        ),
        description=say(
            "Minutes by road come from a road graph in the data directory. It is replaced as a"
            " whole while Tocsin runs; a file with an error changes nothing.",
            "行车时间由数据目录中的路网计算。路网在系统运行中整体更换；文件有误时不作任何改动。",
        ),
    ).add_subparsers(required=True, metavar="ACTION")
    _add_build(actions, general)
    tables = actions.add_parser(
        "tables",
        parents=[general],
        help=say("search the travel times of the graph again", "重新计算行车时间表"),
        description=say(
            "Searches the fastest way between all decision nodes, with and without lights and"
            " sirens, and puts both tables in force as a whole. Until then every time comes from a"
            " direct search.",
            "计算所有决策节点之间的最快路径（紧急与非紧急两种方式），并整体启用两张表；"
            "在此之前，行车时间由实时搜索得出。",
        ),
    )
    tables.set_defaults(run=_tables)
    show = actions.add_parser(
        "show",
        parents=[general],
        help=say("what is in force, and where it came from", "显示使用中的路网及其来源"),
    )
    show.set_defaults(run=_show)


def _add_build(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    build = actions.add_parser(
        "build",
        parents=[general],
        help=say("build the road graph and put it in force", "建立路网并启用"),
        description=say(
            "FILE.osm.pbf: an OpenStreetMap extract (ODbL: its contributors must be named where its"
            " roads are shown). Or two tables: NODES.csv with node,lat,lon[,access] and ARCS.csv"
            " with from,to,metres,seconds[,seconds_ordinary], one row a direction; tables of JEMSS"
            " cities and .csv.gz are read too. Bad files are refused with the place (exit code 2).",
            "FILE.osm.pbf：OpenStreetMap 数据文件（ODbL 许可，显示其道路时须注明贡献者）。"
            "或两张表：NODES.csv 含 node,lat,lon[,access]，ARCS.csv 含"
            " from,to,metres,seconds[,seconds_ordinary]，每个方向一行；也可读取 JEMSS 城市表和"
            " .csv.gz。文件有误时指出位置并拒绝（退出码 2）。",
        ),
    )
    build.add_argument("files", type=Path, nargs="+", metavar="FILE")
    build.add_argument(
        "--rules",
        type=Path,
        metavar="FILE.toml",
        help=say(
            "speeds by class and what emergency vehicles may do; see the manual",
            "各等级道路车速及应急车辆的例外规定，见手册",
        ),
    )
    build.add_argument(
        "--sha256", metavar="HEX", help=say("what the extract must be", "数据文件应有的 SHA-256")
    )
    build.add_argument(
        "--drop-cut-off",
        action="store_true",
        help=say(
            "tables: leave out roads that are not connected with the rest",
            "表格：舍弃与其余道路不连通的路段",
        ),
    )
    build.set_defaults(run=_build)


class _Bar:
    """What is being done, on the terminal; nothing where there is none."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = ("", 0.0)

    def __call__(self, name: str, share: float | None) -> None:
        from tocsin.site.command.road_texts import phase

        now = time.monotonic()
        if not self._shown or (name == self._last[0] and now < self._last[1] + AGAIN_S):
            return
        self._last = (name, now)
        filled = round(BAR * (share or 0.0))
        bar = f" [{'#' * filled}{'.' * (BAR - filled)}] {share:4.0%}" if share is not None else ""
        sys.stderr.write(f"\r\033[K{phase(name)}{bar}")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line empty."""
        if self._shown:
            sys.stderr.write("\r\033[K")


def _build(arguments: argparse.Namespace) -> int:
    # Only here: reading maps needs libraries that no other command does.
    from tocsin.roads.extract import ExtractRefused
    from tocsin.roads.plain import TablesRefused
    from tocsin.roads.rules import RulesRefused
    from tocsin.site.command import road_texts

    data = data_directory(arguments)
    bar = _Bar()
    try:
        result = _make(arguments, data / ROADS, bar)
    except ExtractRefused as error:
        raise CommandRefused(road_texts.extract_refused(error)) from error
    except TablesRefused as error:
        raise CommandRefused(road_texts.tables_refused(error)) from error
    except RulesRefused as error:
        raise CommandRefused(
            say(f"the rules cannot be used: {error}", f"规则文件不可用：{error}")
        ) from error
    finally:
        bar.end()
    _give_to_owner(data)
    print(road_texts.made(result), flush=True)
    return _fill(data, bar)


def _make(arguments: argparse.Namespace, folder: Path, bar: _Bar) -> Made:
    from tocsin.roads.make import make_from_extract, make_from_tables
    from tocsin.roads.rules import Rules, load_rules

    built_at = datetime.now(UTC).isoformat(timespec="seconds")
    files: list[Path] = arguments.files
    if len(files) == 1:
        if arguments.drop_cut_off:
            raise CommandRefused(say("--drop-cut-off is for tables", "--drop-cut-off 仅用于表格"))
        rules = Rules() if arguments.rules is None else load_rules(arguments.rules)
        return make_from_extract(
            files[0], folder, rules, bar, built_at=built_at, sha256=arguments.sha256
        )
    if len(files) > 2 or arguments.rules or arguments.sha256:
        raise CommandRefused(
            say(
                "give one extract (with --rules and --sha256), or NODES.csv and ARCS.csv",
                "请给出一个数据文件（可加 --rules、--sha256），或 NODES.csv 与 ARCS.csv",
            )
        )
    return make_from_tables(
        files[0],
        files[1],
        folder,
        bar,
        built_at=built_at,
        drop_cut_off=arguments.drop_cut_off,
    )


def _tables(arguments: argparse.Namespace) -> int:
    return _fill(data_directory(arguments), _Bar())


def _fill(data: Path, bar: _Bar) -> int:
    from tocsin.roads.graph import RoadsUnavailable
    from tocsin.roads.make import fill_tables
    from tocsin.roads.tables import NODES_MAX
    from tocsin.site.command import road_texts

    try:
        nodes = fill_tables(data / ROADS, lambda share: bar("tables", share))
    except RoadsUnavailable as error:
        raise CommandRefused(road_texts.unavailable(error)) from error
    finally:
        bar.end()
    _give_to_owner(data)
    if nodes is None:
        print(
            say(
                f"no travel-time table: more than {NODES_MAX} decision nodes; every time comes"
                " from a direct search",
                f"未建行车时间表：决策节点超过 {NODES_MAX} 个，行车时间均由实时搜索得出",
            )
        )
    else:
        megabytes = 16 * nodes * nodes / 1e6
        print(
            say(
                f"travel-time tables in force: {nodes} x {nodes}, {megabytes:.0f} MB",
                f"行车时间表已启用：{nodes} x {nodes}，{megabytes:.0f} MB",
            )
        )
    return DONE


def _show(arguments: argparse.Namespace) -> int:
    # Not above: every command would load what only this one needs.
    from tocsin.roads.graph import RoadsUnavailable, describe
    from tocsin.roads.times import Times
    from tocsin.site.command import road_texts

    folder = data_directory(arguments) / ROADS
    try:
        said = describe(folder)
        times = Times.load(folder)
    except RoadsUnavailable as error:
        raise CommandRefused(road_texts.unavailable(error)) from error
    source = said.get("source", {})
    for label, value in (
        (say("version", "版本"), said.get("version", "-")),
        (say("nodes, arcs", "节点、路段"), f"{said['nodes']}, {said['arcs']}"),
        (say("file", "文件"), source.get("file", "-")),
        ("SHA-256", source.get("sha256", "-")),
        (say("map data of", "数据时间"), source.get("timestamp") or "-"),
        (say("built", "建立时间"), source.get("built_at", "-")),
        (say("licence", "许可"), source.get("licence", "-")),
        (
            say("travel times", "行车时间"),
            say("table", "时间表") if times.from_table else say("direct search", "实时搜索"),
        ),
    ):
        print(f"{label}: {value}")
    return DONE


def _give_to_owner(data: Path) -> None:
    """What root writes belongs to the account that the services run as."""
    if os.geteuid() != 0:
        return
    owner = data.stat()
    for path in (data / ROADS, *(data / ROADS).rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
