"""`tocsin db dump` and `tocsin db restore`: the whole database as one file that a later major
version of PostgreSQL reads. The keys are not in it."""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tocsin.site.cluster import environment
from tocsin.site.command.options import (
    DONE,
    CommandFailed,
    CommandRefused,
    configuration,
    data_directory,
)
from tocsin.site.files import sync_directory
from tocsin.site.language import say
from tocsin.site.postgres import database, external_urls
from tocsin.site.privilege import own_account, postgres_programs

_VARIABLES: Final = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}


def add_parsers(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    general: argparse.ArgumentParser,
) -> None:
    """Adds `dump` and `restore` to the actions of `db`."""
    dump = actions.add_parser(
        "dump",
        parents=[general],
        help=say("write the whole database to one file", "将整个数据库导出为一个文件"),
        description=say(
            "Writes everything in the database to FILE, in PostgreSQL's own format, as of one"
            " moment; works while `tocsin up` runs. FILE must not exist, and is readable for you"
            " alone. Sealed texts stay sealed: copy keys/ of the data directory with it.",
            "将数据库全部内容按同一时刻导出到 FILE（PostgreSQL 自有格式），`tocsin up` 运行时"
            "也可执行。FILE 必须不存在，仅本人可读。加密内容仍为密文：请一并复制数据目录中的"
            " keys/。",
        ),
    )
    dump.add_argument("file", type=Path, metavar="FILE")
    dump.set_defaults(run=_dump)
    restore = actions.add_parser(
        "restore",
        parents=[general],
        help=say("read such a file into an empty database", "将导出文件恢复到空数据库"),
        description=say(
            "Reads FILE into the database of a new data directory, all of it or nothing, and brings"
            " the schema up to date. Refused where there is a database with records already.",
            "将 FILE 恢复到新数据目录的数据库，要么全部成功要么不作改动，并升级表结构。"
            "已有记录的数据库会被拒绝。",
        ),
    )
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.set_defaults(run=_restore)


def _dump(arguments: argparse.Namespace) -> int:
    data = data_directory(arguments)
    if external_urls(os.environ) is None and not (data / "pg").is_dir():
        raise CommandRefused(say(f"there is no database in {data}", f"{data} 中没有数据库"))
    file: Path = arguments.file.absolute()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandRefused(f"{file}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as whole, database(data, os.environ) as urls:
            _run(["pg_dump", "--format=custom"], urls.owner, output=whole.fileno())
            os.fsync(whole.fileno())
        sync_directory(file.parent)
    except BaseException:
        file.unlink()
        raise
    print(say(f"the database is in {file}", f"数据库已导出到 {file}"))
    return DONE


def _restore(arguments: argparse.Namespace) -> int:
    from tocsin.site.command.schema import migrate_all

    file: Path = arguments.file.absolute()
    if not file.is_file():
        raise CommandRefused(say(f"{file}: no such file", f"{file}：文件不存在"))
    data = data_directory(arguments)
    with database(data, os.environ) as urls:
        with psycopg.connect(urls.owner) as connection:
            used = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'log'").fetchone()
        if used is not None:
            raise CommandRefused(
                say(
                    f"the database of {data} has records already: nothing was changed."
                    " Choose a new directory with --data",
                    f"{data} 的数据库已有记录：未作任何改动。请用 --data 选择新目录",
                )
            )
        _run(["pg_restore", "--exit-on-error", "--single-transaction", str(file)], urls.owner)
        os.environ["TOCSIN_KEYLESS"] = "1"  # the keys come from elsewhere: none is made here
        migrate_all(data, urls, configuration(arguments))
    print(say("the database is restored", "数据库已恢复"))
    return DONE


def _run(command: list[str], url: str, *, output: int = subprocess.DEVNULL) -> None:
    """One of PostgreSQL's programs, of the version that we run, as ourselves."""
    program = postgres_programs(own_account()) / command[0]
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    # Not on the command line, which everybody may read: a password may be among them.
    named = {_VARIABLES[name]: value for name, value in parts.items() if name in _VARIABLES}
    ran = subprocess.run(
        [str(program), f"--dbname={parts['dbname']}", *command[1:]],
        env={**environment(), **named},
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise CommandFailed(f"{command[0]}: {ran.stderr.strip()}")
