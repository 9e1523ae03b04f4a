"""The files of the embedded PostgreSQL: made once by initdb, checked for their version, and their
settings written anew at each start, always by temporary file, fsync and rename."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tocsin.site.files import sync_directory, write_durably
from tocsin.site.language import say
from tocsin.site.privilege import (
    POSTGRES_MAJOR,
    Account,
    Accounts,
    drop_to,
    own_account,
    own_tree,
    postgres_programs,
)

ADMINISTRATOR: Final = "postgres"
OWNER: Final = "tocsin_owner"
APPLICATION: Final = "tocsin_app"
DATABASE: Final = "tocsin"
HERE: Final = "/proc/self/cwd"
"""Name of the data directory for the server, which is started inside it: so the unprivileged
account needs no permission on the directories above (`mktemp -d` and /root are closed to it)."""

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "restart_after_crash": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "iso, ymd",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.simple",
    "jit": "off",
    "logging_collector": "off",
    "log_line_prefix": "[%p] ",
    "log_checkpoints": "off",
    # A statement or a DETAIL line could carry what a caller said: neither reaches the server's log.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class DatabaseRefused(Exception):
    """The data directory or the server cannot be used; the text says why and what to do."""


def check_version(cluster: Path) -> bool:
    """True when `cluster` holds data of our major version, False when it is absent or empty.

    Raises `DatabaseRefused` for another version, or for files that are no PostgreSQL data.
    """
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        if cluster.is_dir() and any(cluster.iterdir()):
            raise DatabaseRefused(
                say(
                    f"{cluster} is not empty and holds no PostgreSQL data (no PG_VERSION):"
                    " choose another --data directory",
                    f"{cluster} 不为空，且不是 PostgreSQL 数据目录（没有 PG_VERSION）："
                    "请用 --data 选择其他目录",
                )
            ) from None
        return False
    if version == str(POSTGRES_MAJOR):
        return True
    raise DatabaseRefused(
        say(
            f"{cluster} was written by PostgreSQL {version}; this Tocsin runs PostgreSQL"
            f" {POSTGRES_MAJOR}, which cannot read it. Nothing was changed. Start the Tocsin that"
            " wrote it, or restore a backup into an empty --data directory.",
            f"{cluster} 由 PostgreSQL {version} 写成；本版 Tocsin 使用 PostgreSQL"
            f" {POSTGRES_MAJOR}，无法读取。数据未作任何改动。请用原来的 Tocsin 版本启动，"
            "或将备份恢复到空的 --data 目录。",
        )
    )


def create(data: Path, cluster: Path, account: Account) -> None:
    """initdb, in a directory that gets its real name only when complete and on disk."""
    new = data / "pg.new"
    if new.exists():
        shutil.rmtree(new)  # left by a run that was killed in the middle
    new.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(new, *account.owner)
    made = subprocess.run(
        [
            *(str(postgres_programs(account) / "initdb"), "--pgdata", HERE),
            *("--username", ADMINISTRATOR, "--auth", "peer", "--encoding", "UTF8"),
            # PostgreSQL's own C.UTF-8: sorts alike on every system, needs no system locale.
            *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            "--no-instructions",
        ],
        cwd=new,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        **drop_to(account),
    )
    if made.returncode != 0:
        raise DatabaseRefused(
            say(
                f"initdb in {cluster} failed: {made.stderr.strip()}",
                f"在 {cluster} 中执行 initdb 失败：{made.stderr.strip()}",
            )
        )
    if cluster.is_dir():
        cluster.rmdir()
    new.rename(cluster)
    sync_directory(data)


def configure(
    cluster: Path,
    accounts: Accounts,
    *,
    sockets: Path,
    settings: Mapping[str, str],
) -> None:
    """Write postgresql.conf, pg_hba.conf and pg_ident.conf, owned by the server's account.

    Connections come by the Unix socket alone, from whom the kernel names (peer): there is no
    password to lose and no port to guess.
    """
    own_tree(cluster, accounts.server)
    chosen = {
        **SETTINGS,
        # With two accounts the directory decides who gets to the socket, the map what as.
        **({"unix_socket_permissions": "0777"} if accounts.are_two else {}),
        "recovery_init_sync_method": "syncfs" if _has_honest_syncfs() else "fsync",
        "unix_socket_directories": str(sockets),
        **settings,
    }
    texts = {
        "postgresql.conf": "# Written by tocsin at each start; change a value with ALTER SYSTEM.\n"
        + "".join(f"{name} = {_quoted(value)}\n" for name, value in chosen.items()),
        "pg_hba.conf": "# Written by tocsin at each start.\nlocal all all peer map=tocsin\n",
        "pg_ident.conf": "# Written by tocsin at each start.\n"
        + "".join(
            f'tocsin "{person}" {role}\n'
            for person, roles in _may_be(accounts).items()
            for role in roles
        ),
    }
    owner = accounts.server.owner if os.geteuid() == 0 else None
    for name, text in texts.items():
        write_durably(cluster / name, text, owner=owner)


def _may_be(accounts: Accounts) -> dict[str, tuple[str, ...]]:
    """Which roles each user of the operating system may take. Our own processes read what came
    from outside: with an account of their own they get the application's role alone."""
    everything = (ADMINISTRATOR, OWNER, APPLICATION)
    return {
        accounts.product.name: (APPLICATION,),
        accounts.server.name: everything,
        own_account().name: everything,
        "root": everything,
    }


def environment() -> dict[str, str]:
    """What PostgreSQL's programs see of our environment: nothing that is secret."""
    return {"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ.get("PATH", os.defpath)}


def _has_honest_syncfs() -> bool:
    # One call instead of opening some 1,500 files at each recovery, which took seconds on a busy
    # disk. Before Linux 5.8 it did not report every write error.
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    return (
        sys.platform == "linux"
        and release is not None
        and ((int(release[1]), int(release[2])) >= (5, 8))
    )


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
