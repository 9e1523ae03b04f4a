"""How the supervisor starts our own processes: as itself for an ordinary user, and started by root
under an account of their own, which owns keys and logs and nothing else."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tocsin.site.configuration import Configuration
from tocsin.site.described import files
from tocsin.site.doors import Doors, interpreter
from tocsin.site.files import write_durably
from tocsin.site.language import say
from tocsin.site.privilege import Account, Accounts, NoAccount, own_tree

_SHARED: Final = 0o1770
"""For root and one group: whoever made an entry may replace it, and nobody else (sticky)."""

LENT: Final = Path("run/tls")
_OURS: Final = ("pg", "pg.new", "run", "keys", "log", "lock", ".tocsin-demo")


@dataclass(frozen=True, slots=True)
class Launch:
    """What all processes of one account have in common."""

    python: str
    environment: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of `subprocess`: account, doors."""

    def command(self, *arguments: str) -> list[str]:
        """How one of our own subcommands is started."""
        return [self.python, "-m", "tocsin.site.command", *arguments]


def as_ourselves(environment: Mapping[str, str]) -> Launch:
    """Processes under our own account, with our own interpreter."""
    return Launch(sys.executable, {**environment, "PYTHONSAFEPATH": "1"})


def as_product(
    data: Path, accounts: Accounts, chosen: Configuration, environment: Mapping[str, str]
) -> Launch:
    """Edge, web, work, clock and the city. Gives their account what is theirs in `data`.

    Raises `NoAccount` when the account cannot reach what it needs.
    """
    if os.geteuid() != 0:
        return as_ourselves(environment)
    doors = Doors(accounts.product)
    python, more = interpreter(doors)
    doors.open(data)
    if chosen.log.directory:
        doors.open(Path(chosen.log.directory))
    if accounts.are_two:
        for key, path in files(chosen):
            _lend(Path(path), data / LENT / key, doors)
    # Django's settings read this as it stands.
    more["TOCSIN_DATA"] = str(doors.through(data))
    return Launch(python, {**environment, **more, **doors.environment()}, doors.options())


def as_server(data: Path, accounts: Accounts, environment: Mapping[str, str]) -> Launch:
    """What acts as the database's owner: migrations. It sees the configuration and no key."""
    if os.geteuid() != 0:
        return as_ourselves(environment)
    doors = Doors(accounts.server)
    python, more = interpreter(doors)
    doors.open(data / "run")
    return Launch(python, {**environment, **more, **doors.environment()}, doors.options())


def settle(data: Path, accounts: Accounts, chosen: Configuration, *, shared: bool) -> None:
    """Make the directories of `data`, each with its owner and mode; of an ordinary user, only make
    them. With `shared` (a demo) our processes may add to `data` itself.

    Root writes nowhere that an account could put a link in its way. Raises `NoAccount`.
    """
    product = accounts.product
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    (data / "run").mkdir(mode=0o755, exist_ok=True)
    (data / "keys").mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        return
    own_tree(data / "keys", product)
    if shared:
        _share(data, product)
    elif data.stat().st_uid == 0 and not data.stat().st_mode & stat.S_IXOTH:
        os.chown(data, 0, product.gid)
        data.chmod(0o750)
    if chosen.log.directory:
        _settle_logs(Path(chosen.log.directory), data, accounts)


def _share(data: Path, product: Account) -> None:
    if data.stat().st_uid != 0 or stat.S_IMODE(data.stat().st_mode) == _SHARED:
        return
    for path in data.iterdir():  # of a demo that root ran alone, or a directory just made
        if path.name not in _OURS:
            own_tree(path, product)
    os.chown(data, 0, product.gid)
    data.chmod(_SHARED)


def _settle_logs(directory: Path, data: Path, accounts: Accounts) -> None:
    """The directory of the logs: each process writes a file of its own in it, the supervisor too.

    One outside `data` that is there already stays as it is, and must let our account write.
    """
    product = accounts.product
    was_there = directory.is_dir()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = directory.stat()
    if not accounts.are_two and directory.is_relative_to(data):
        own_tree(directory, product)
    elif (not was_there or directory.is_relative_to(data)) and owner.st_uid == 0:
        if stat.S_IMODE(owner.st_mode) != _SHARED:
            for path in directory.glob("*.jsonl*"):
                if not path.name.startswith("supervisor."):
                    os.chown(path, *product.owner, follow_symlinks=False)
        os.chown(directory, 0, product.gid)
        directory.chmod(_SHARED)
    elif not _may_write(product, owner):
        raise NoAccount(
            say(
                f"the account {product.name} may not write logs in {directory}: give it the"
                f" directory (chgrp {product.name} and chmod 1770)",
                f"账户 {product.name} 无权在 {directory} 中写日志："
                f"请把目录交给它（chgrp {product.name} 并 chmod 1770）",
            )
        )


def _may_write(account: Account, of: os.stat_result) -> bool:
    if of.st_uid == account.uid:
        return bool(of.st_mode & stat.S_IWUSR)
    if of.st_gid == account.gid:
        return bool(of.st_mode & stat.S_IWGRP)
    return bool(of.st_mode & stat.S_IWOTH)


def _lend(path: Path, copy: Path, doors: Doors) -> None:
    """Let the account read one file of root's, such as a certificate or its key: as a copy of its
    own, made anew at each start and gone after it (`take_back`)."""
    copy.parent.mkdir(mode=0o710, exist_ok=True)
    os.chown(copy.parent, 0, doors.account.gid)
    write_durably(copy, path.read_text(), mode=0o600, owner=doors.account.owner)
    doors.lead(path, copy)


def take_back(data: Path) -> None:
    """Remove what was lent, by this run or by one that was killed. The caller owns `data`."""
    try:  # no link is followed: `data` may belong to an ordinary user
        run = os.open(data / LENT.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if os.fstat(run).st_uid == os.geteuid():
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(LENT.name, dir_fd=run)
    finally:
        os.close(run)
