"""`tocsin db`, `import units` and `rebuild`: what an administrator does to the database."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.core.terms import Capability, Refused
from tocsin.core.texts.refusals import refusal_text
from tocsin.record import unit_rows
from tocsin.site.command import registers, transfer
from tocsin.site.command.options import (
    DONE,
    FAILED,
    CommandFailed,
    CommandRefused,
    configuration,
    data_directory,
)
from tocsin.site.language import say
from tocsin.site.places import running_urls
from tocsin.site.postgres import database, external_urls

if TYPE_CHECKING:
    from tocsin.record.importing import ImportReport


def add_parsers(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    """Adds `db`, `import`, `export` and `rebuild`."""
    actions = commands.add_parser(
        "db", help=say("the database: its address, state, schema", "数据库：地址、状态、表结构")
    ).add_subparsers(required=True, metavar="ACTION")
    for name, run, meaning in (
        (
            "url",
            _url,
            say(
                "print the administrator's connection URL of the running database",
                "显示运行中数据库的管理员连接地址",
            ),
        ),
        (
            "migrate",
            _migrate,
            say("bring the schema up to date (`tocsin up` does)", "升级表结构（`up` 会自动执行）"),
        ),
        ("status", _status, say("say whether it runs and how it is", "显示运行状态")),
    ):
        action = actions.add_parser(name, parents=[general], help=meaning, description=meaning)
        action.set_defaults(run=run)
    transfer.add_parsers(actions, general)
    _add_imports(commands, general)
    rebuild = commands.add_parser(
        "rebuild",
        parents=[general],
        help=say("drop the read tables and replay them from the log", "由日志重建查询表"),
        description=say(
            "Drops the read tables and writes them again from the facts. The log itself is not"
            " touched. Stop `tocsin up` first, or expect screens to wait until it is done.",
            "清空查询表并由日志中的事实重新生成；日志本身不变。建议先停止 `tocsin up`，"
            "否则重建期间界面会等待。",
        ),
    )
    rebuild.set_defaults(run=_rebuild)


def _add_imports(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    kinds = commands.add_parser(
        "import", help=say("read in sites with devices, or units", "导入联网单位及设备，或力量")
    ).add_subparsers(required=True, metavar="WHAT")
    registers.add_parsers(commands, kinds, general)
    for what, run, short, header, more in (
        (
            "units",
            _import_units,
            say("units and their stations from a CSV file", "从 CSV 导入力量及所属站点"),
            unit_rows.COLUMNS,
            say(
                "one row per unit, `station` repeats; names, address and place are the station's."
                " `kind`: engine, ladder, rescue, ambulance, patrol or command have a sign on the"
                " map and a name in both languages, any other is shown as it is written."
                f" `capabilities`: one or more of {', '.join(Capability)}, with spaces between."
                " Every bad row is named, and then nothing is changed (exit code 2). An import that"
                " is cut off is run again: what is there as the file says stays as it is.",
                "每行一个力量，station 可重复；名称、地址与坐标均属于站点。"
                "kind 为 engine、ladder、rescue、ambulance、patrol、command 时，"
                "地图有图标且有中英文名称，其他类型按原文显示。"
                f"capabilities 为 {'、'.join(Capability)} 中的一项或多项，以空格分隔。"
                "逐行列出错误，此时不作任何改动（退出码 2）。"
                "导入中断时重新执行即可，已有且一致的内容不变。",
            ),
        ),
    ):
        columns = ", ".join(header)
        kind = kinds.add_parser(
            what,
            parents=[general],
            help=short,
            description=say(
                f"Reads a CSV file (UTF-8) with the columns {columns}; {more}"
                " Works while `tocsin up` runs.",
                f"读取 CSV 文件（UTF-8），列为 {columns}；{more}`tocsin up` 运行时也可执行。",
            ),
        )
        kind.add_argument("file", type=Path, metavar="FILE.csv")
        kind.add_argument(
            "--dry-run", action="store_true", help=say("only check the file", "只检查，不导入")
        )
        kind.set_defaults(run=run)


def _url(arguments: argparse.Namespace) -> int:
    external = external_urls(os.environ)
    if external is not None:
        print(external.owner)
        return DONE
    data = data_directory(arguments)
    running = running_urls(data)
    if running is None:
        raise CommandFailed(
            say(
                f"no tocsin runs on {data}; start it with `tocsin up`",
                f"{data} 上没有运行 tocsin；请先执行 `tocsin up`",
            )
        )
    print(running["administrator"])
    return DONE


def _migrate(arguments: argparse.Namespace) -> int:
    from tocsin.site.command.schema import migrate_all

    data = data_directory(arguments)
    with database(data, os.environ) as urls:
        for name in migrate_all(data, urls, configuration(arguments)):
            print(name)
    print(say("the schema is up to date", "表结构已是最新"))
    return DONE


def _status(arguments: argparse.Namespace) -> int:
    from tocsin.record.database import connect
    from tocsin.record.migrate import schema_is_current

    data = data_directory(arguments)
    external = external_urls(os.environ)
    running = running_urls(data)
    if external is None and running is None:
        print(say(f"stopped: no tocsin runs on {data}", f"已停止：{data} 上没有运行 tocsin"))
        return FAILED
    url = external.application if external is not None else (running or {})["application"]
    with connect(url) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), pg_postmaster_start_time(),"
            " pg_size_pretty(pg_database_size(current_database()))"
        ).fetchone()
        current = schema_is_current(connection)
    assert row is not None
    version, since, size = row
    print(
        say(
            f"running: PostgreSQL {version} since {since:%Y-%m-%d %H:%M:%S} UTC, {size},"
            f" schema {'up to date' if current else 'behind: run `tocsin db migrate`'}",
            f"运行中：PostgreSQL {version}，启动于 {since:%Y-%m-%d %H:%M:%S} UTC，{size}，"
            f"表结构{'已是最新' if current else '需要升级：请执行 `tocsin db migrate`'}",
        )
    )
    return DONE if current else FAILED


def _import_units(arguments: argparse.Namespace) -> int:
    from tocsin.record.units import import_units

    counted = (say("unit", "个力量"), say("units", "个力量"))
    return _import(arguments, import_units, counted)


def _import(
    arguments: argparse.Namespace, read_in: Callable[..., ImportReport], counted: tuple[str, str]
) -> int:
    from tocsin.record.database import connect
    from tocsin.record.keys import Keyring
    from tocsin.site.command.schema import bring_up_to_date

    file: Path = arguments.file
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise CommandRefused(f"{file}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandRefused(f"{file}: {error}") from None
    data = data_directory(arguments)
    chosen = configuration(arguments)
    with database(data, os.environ) as urls:
        bring_up_to_date(data, urls, chosen)
        with connect(urls.application) as connection:
            try:
                report = read_in(
                    connection,
                    Keyring(data / "keys"),
                    rows,
                    dry_run=arguments.dry_run,
                    agency=chosen.agency,
                    language=say("en", "zh"),
                )
            except Refused as refusal:  # somebody else has taken a call sign meanwhile
                text = refusal_text(refusal)
                raise CommandFailed(say(text.en, text.zh)) from None
    for line, column, message in report.errors:
        print(f"{file}:{line}: {column}: {message}", file=sys.stderr)
    if report.errors:
        mistakes = "1 mistake" if len(report.errors) == 1 else f"{len(report.errors)} mistakes"
        raise CommandRefused(
            say(
                f"{mistakes}; nothing was imported",
                f"共 {len(report.errors)} 处错误，未导入任何内容",
            )
        )
    many = f"{report.rows_ok} {counted[report.rows_ok != 1]}"
    if arguments.dry_run:
        print(say(f"{many} can be imported", f"可以导入 {many}"))
    else:
        print(say(f"{many} imported", f"已导入 {many}"))
    return DONE


def _rebuild(arguments: argparse.Namespace) -> int:
    from tocsin.record.database import connect
    from tocsin.record.views import LogBroken, rebuild
    from tocsin.site.command.schema import bring_up_to_date

    data = data_directory(arguments)
    if external_urls(os.environ) is None and not (data / "pg").is_dir():
        raise CommandRefused(say(f"there is no database in {data}", f"{data} 中没有数据库"))
    with database(data, os.environ) as urls:
        bring_up_to_date(data, urls, configuration(arguments))
        with connect(urls.owner) as connection:
            try:
                rebuild(connection)
            except LogBroken as error:
                raise CommandFailed(str(error)) from None
    print(say("the read tables are rebuilt from the log", "查询表已由日志重建"))
    return DONE
