"""Ways for an unprivileged process into directories below closed ones (/root, `mktemp -d`): root
opens such a directory and hands it down, and the process enters it as /proc/self/fd/N."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tocsin.site.installation import CACHE, import_path, import_path_for, unreadable
from tocsin.site.language import say
from tocsin.site.privilege import Account, NoAccount, drop_to

VARIABLE: Final = "TOCSIN_DOORS"
"""In a child's environment: JSON, from the path of a file or directory to its way in."""

_FIRST: Final = 200
"""The doors are numbered from here, so that a command line is the same at each start."""


class Doors:
    """The doors that one account needs. They stay open as long as this process runs: what is
    started again later enters by the same ones."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.ways: dict[Path, Path] = {}
        self._opened: list[int] = []

    def open(self, *directories: Path) -> None:
        """Make sure that the account can read in `directories`. Raises `NoAccount`."""
        for directory in self._closed(directories):
            if self.through(directory) != directory:
                continue  # within one that has just been opened
            # A place, and no right to read what its owner closed: the modes below still count.
            low = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            number = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _FIRST)
            os.close(low)
            self._opened.append(number)
            self.ways[directory] = Path(f"/proc/self/fd/{number}")
        if shut := self._closed([self.through(one) for one in directories]):
            names = ", ".join(str(one) for one in directories if self.through(one) in shut)
            raise NoAccount(
                say(
                    f"the account {self.account.name} may not read {names}: give it the right"
                    " (chmod -R go+rX), or start Tocsin as an ordinary user",
                    f"账户 {self.account.name} 无权读取 {names}：请放开权限（chmod -R go+rX），"
                    "或以普通用户启动 Tocsin",
                )
            )

    def lead(self, path: Path, elsewhere: Path) -> None:
        """Let the account find `elsewhere` where the configuration names `path`."""
        self.ways[path] = self.through(elsewhere)

    def keep(self, descriptor: int) -> None:
        """Hand an open file down without a way to it: as long as any of us has it open, it says
        that it is in use."""
        self._opened.append(descriptor)

    def through(self, path: Path) -> Path:
        """How the account reaches `path`."""
        return _through(path, self.ways)

    def options(self) -> dict[str, Any]:
        """Arguments of `subprocess` that run a child as the account, with its doors."""
        return {**drop_to(self.account), "pass_fds": tuple(self._opened)}

    def close(self) -> None:
        """Nothing more will be started through them."""
        while self._opened:
            os.close(self._opened.pop())
        self.ways.clear()

    def environment(self) -> dict[str, str]:
        """What the child must know: its doors, and that root's home is not its own."""
        named = {str(path): str(way) for path, way in self.ways.items()}
        return {
            VARIABLE: json.dumps(named),
            "HOME": "/nonexistent",
            "USER": self.account.name,
            "LOGNAME": self.account.name,
        }

    def _closed(self, directories: Sequence[Path]) -> list[Path]:
        return unreadable(self.account, directories, self.options())


def through(path: Path) -> Path:
    """How this process reaches `path`: by the door it was given, else as it is."""
    named = os.environ.get(VARIABLE)
    if not named:
        return path
    return _through(path, {Path(one): Path(way) for one, way in json.loads(named).items()})


def _through(path: Path, ways: dict[Path, Path]) -> Path:
    nearest = [one for one in (path, *path.parents) if one in ways]
    return ways[nearest[0]] / path.relative_to(nearest[0]) if nearest else path


def interpreter(doors: Doors) -> tuple[str, dict[str, str]]:
    """The Python to start as the account, and the environment in which it finds this installation.

    It is our own where the account can read it. Otherwise the interpreter comes through a door, and
    the packages from a copy: some of them ask for the true path of their files. Raises `NoAccount`.
    """
    base = Path(sys.base_prefix).resolve()
    program = Path(sys.executable).resolve()
    places = import_path()
    readable = import_path_for(doors.account, doors.keep)
    doors.open(base, program.parent)
    environment = {"PYTHONSAFEPATH": "1", **_bytecode(doors.account, [base, *places])}
    if readable == places and doors.through(program) == program:
        return sys.executable, environment
    libraries = [library for place in readable for library in sorted(place.glob("*.libs"))]
    if base in doors.ways:
        environment["PYTHONHOME"] = str(doors.through(base))
        if sysconfig.get_config_var("Py_ENABLE_SHARED"):
            libraries.insert(0, Path(sysconfig.get_config_var("LIBDIR")).resolve())
    # The loader finds a library beside a program by its true path, which may be closed.
    environment["LD_LIBRARY_PATH"] = ":".join(str(doors.through(one)) for one in libraries)
    environment["PYTHONPATH"] = ":".join(map(str, readable))
    return str(doors.through(program)), environment


def _bytecode(account: Account, parts: Sequence[Path]) -> dict[str, str]:
    """A place for compiled modules of the account's own: it may not write beside root's files, and
    would compile everything at each start, which takes some ten seconds. One for each installation,
    since by its doors one looks like another."""
    place = CACHE / f"bytecode-{account.name}"
    try:
        CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        place.mkdir(mode=0o700, exist_ok=True)
        if place.lstat().st_uid == os.geteuid():
            os.chown(place, *account.owner, follow_symlinks=False)
        if place.lstat().st_uid != account.uid:
            return {}
    except OSError:
        return {}  # a file system that only reads: slower, and no worse
    installation = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
    return {"PYTHONPYCACHEPREFIX": str(place / installation)}
