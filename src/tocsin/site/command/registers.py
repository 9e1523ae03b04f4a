"""`tocsin import sites` and `tocsin export sites`: the register of sites as a CSV file or a
workbook."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tocsin.core.terms import Actor, Role
from tocsin.site.command.options import (
    DONE,
    CommandRefused,
    configuration,
    data_directory,
)
from tocsin.site.files import sync_directory
from tocsin.site.language import say
from tocsin.site.postgres import database, external_urls

if TYPE_CHECKING:
    from tocsin.record.workbooks import Table

_FORMS: Final = (".csv", ".xlsx")


def add_parsers(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    imports: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    """Adds `sites` to what can be imported, and `export sites`."""
    from tocsin.record.site_rows import COLUMNS

    columns = ", ".join(COLUMNS)
    taken = imports.add_parser(
        "sites",
        parents=[general],
        help=say(
            "sites, their devices and what is known about them from a CSV file or a workbook",
            "从 CSV 或工作簿导入联网单位、报警设备及相关资料",
        ),
        description=say(
            f"Reads a CSV file (UTF-8) with the columns {columns}; one row per device, `site`"
            " repeats. Or a workbook (.xlsx) with the sheets sites (these columns), partitions,"
            " zones, contacts and steps: see docs/operate/sites.md. All or nothing: every bad row"
            " is named, and then nothing is changed (exit code 2). Works while `tocsin up` runs.",
            f"读取 CSV 文件（UTF-8），列为 {columns}；每行一台设备，site 可重复。"
            "或读取工作簿（.xlsx），工作表为 sites（同上述列）、partitions、zones、contacts、"
            "steps：见 docs/operate/sites.zh-CN.md。全部成功或全部不导入：逐行列出错误，"
            "此时不作任何改动（退出码 2）。`tocsin up` 运行时也可执行。",
        ),
    )
    taken.add_argument("file", type=Path, metavar="FILE.csv|FILE.xlsx")
    taken.add_argument(
        "--dry-run", action="store_true", help=say("only check the file", "只检查，不导入")
    )
    taken.set_defaults(run=_import)
    given = commands.add_parser(
        "export", help=say("write sites with devices to a file", "将联网单位及设备导出到文件")
    ).add_subparsers(required=True, metavar="WHAT")
    sites = given.add_parser(
        "sites",
        parents=[general],
        help=say("the register of sites as a CSV file or a workbook", "联网单位登记表"),
        description=say(
            "Writes what `tocsin import sites` reads: as .xlsx the whole register, as .csv the"
            " sites and devices only. FILE must not exist, and is readable for you alone; a"
            " workbook holds the sites' contacts. Keys are left out unless --with-keys. Every"
            " export is written down with who made it.",
            "导出 `tocsin import sites` 可读取的文件：.xlsx 为完整登记表，.csv 仅含联网单位与设备。"
            "FILE 必须不存在，仅本人可读；工作簿含联系人信息。除非指定 --with-keys，不含密钥。"
            "每次导出及操作人均有记录。",
        ),
    )
    sites.add_argument("file", type=Path, metavar="FILE.csv|FILE.xlsx")
    sites.add_argument(
        "--with-keys",
        action="store_true",
        help=say(
            "with the keys of the devices: whoever has the file can send alarms as them",
            "包含设备密钥：持有该文件者可冒充这些设备发送报警",
        ),
    )
    sites.set_defaults(run=_export)


def _import(arguments: argparse.Namespace) -> int:
    from tocsin.record.book import import_book
    from tocsin.record.database import connect
    from tocsin.record.keys import Keyring
    from tocsin.site.command.schema import bring_up_to_date

    file: Path = arguments.file
    sheets = _sheets(file)
    data = data_directory(arguments)
    chosen = configuration(arguments)
    is_book = file.suffix.lower() == ".xlsx"
    with database(data, os.environ) as urls:
        bring_up_to_date(data, urls, chosen)
        with connect(urls.application) as connection:
            report = import_book(
                connection,
                Keyring(data / "keys"),
                sheets,
                dry_run=arguments.dry_run,
                agency=chosen.agency,
                language=say("en", "zh"),
                other_columns=not is_book,
            )
    for sheet, line, column, message in report.errors:
        where = f"{file}:{sheet}:{line}" if is_book else f"{file}:{line}"
        print(f"{where}: {column}: {message}", file=sys.stderr)
    if report.errors:
        count = len(report.errors) + report.more_errors
        mistakes = "1 mistake" if count == 1 else f"{count} mistakes"
        raise CommandRefused(
            say(f"{mistakes}; nothing was imported", f"共 {count} 处错误，未导入任何内容")
        )
    many = _counted(report.rows_ok)
    if arguments.dry_run:
        print(say(f"{many} can be imported", f"可以导入 {many}"))
    else:
        print(say(f"{many} imported", f"已导入 {many}"))
    return DONE


def _sheets(file: Path) -> dict[str, Table]:
    """The file's sheets; a CSV file is one, `sites`. Raises `CommandRefused`."""
    from tocsin.record.workbooks import NotReadable, read_csv, read_xlsx

    try:
        content = file.read_bytes()
    except OSError as error:
        raise CommandRefused(f"{file}: {error.strerror}") from None
    try:
        if file.suffix.lower() == ".xlsx":
            return read_xlsx(content)
        return {"sites": read_csv(content)}
    except NotReadable as error:
        raise CommandRefused(f"{file}: {say(error.en, error.zh)}") from None


_COUNTED: Final = {
    "sites": ("device", "devices", "台设备"),
    "partitions": ("partition", "partitions", "个分区"),
    "zones": ("zone", "zones", "个防区"),
    "contacts": ("contact", "contacts", "个联系人"),
    "steps": ("step", "steps", "个处置步骤"),
}


def _counted(rows: dict[str, int]) -> str:
    english = [f"{count} {_COUNTED[sheet][count != 1]}" for sheet, count in rows.items()]
    chinese = [f"{count} {_COUNTED[sheet][2]}" for sheet, count in rows.items()]
    return say(", ".join(english), "、".join(chinese))


def _export(arguments: argparse.Namespace) -> int:
    from tocsin.record.database import connect
    from tocsin.record.exporting import columns_of, export_sheets
    from tocsin.record.keys import Keyring
    from tocsin.record.looked import Looked, record_look
    from tocsin.record.workbooks import write_csv, write_xlsx
    from tocsin.site.command.schema import bring_up_to_date

    file: Path = arguments.file.absolute()
    if file.suffix.lower() not in _FORMS:
        raise CommandRefused(
            say(f"{file}: name it .csv or .xlsx", f"{file}：文件名须以 .csv 或 .xlsx 结尾")
        )
    data = data_directory(arguments)
    if external_urls(os.environ) is None and not (data / "pg").is_dir():
        raise CommandRefused(say(f"there is no database in {data}", f"{data} 中没有数据库"))
    chosen = configuration(arguments)
    now = datetime.now(UTC)
    what = Looked.EXPORT_KEYS if arguments.with_keys else Looked.EXPORT
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandRefused(f"{file}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as whole, database(data, os.environ) as urls:
            bring_up_to_date(data, urls, chosen)
            with connect(urls.application) as connection:
                record_look(connection, _actor(chosen.agency), what, file.name, now=now)
                sheets = export_sheets(
                    connection, Keyring(data / "keys"), now.date(), with_keys=arguments.with_keys
                )
            if file.suffix.lower() == ".csv":
                whole.write(write_csv(columns_of("sites"), sheets["sites"]))
            else:
                whole.write(write_xlsx({name: (columns_of(name), sheets[name]) for name in sheets}))
            whole.flush()
            os.fsync(whole.fileno())
        sync_directory(file.parent)
    except BaseException:
        file.unlink()
        raise
    count = len(sheets["sites"])
    print(say(f"{count} devices are in {file}", f"{count} 台设备已导出到 {file}"))
    return DONE


def _actor(agency: str | None) -> Actor:
    """Whoever typed the command, by the name of the account on this machine."""
    name = getpass.getuser()
    return Actor(f"command:{name}", name, Role.ADMINISTRATOR, agency or "")
