"""Places in a data directory that belong to one running server: the lock that makes its owner the
only one, the directory of its socket, and the note that tells other commands where it is."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final
from urllib.parse import parse_qs, urlsplit

from tocsin.site.cluster import DatabaseRefused
from tocsin.site.language import say
from tocsin.site.privilege import Accounts

LOCK: Final = "lock"
SOCKET_NAME: Final = ".s.PGSQL.5432"
_SOCKET_BYTES_MAX: Final = 107  # sockaddr_un.sun_path without its final NUL


class DirectoryInUse(DatabaseRefused):
    """Another tocsin process owns this data directory."""


def lock_directory(data: Path) -> IO[str]:
    """Own `data` until the returned file is closed or this process ends, however it ends."""
    # As root, possibly in an ordinary user's directory: no link is followed, and it stays theirs.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(data / LOCK, flags, 0o644)
    owner = data.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    lock = os.fdopen(descriptor, "a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise DirectoryInUse(
            say(
                f"another tocsin (process {holder}) already runs on {data}:"
                " stop it, or choose another directory with --data",
                f"另一个 tocsin（进程 {holder}）正在使用 {data}："
                "请先停止它，或用 --data 选择其他目录",
            )
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def socket_directory(data: Path, accounts: Accounts) -> Path:
    """A directory for the socket, with a path short enough. It belongs to the server's account,
    0700; where our processes have one of their own, that one may pass (0710).

    DATA/run/pg for an ordinary user; /run/tocsin/… for root, since the unprivileged server might
    not reach DATA; a fresh temporary directory where neither will do.
    """
    if os.geteuid() == 0:
        name = hashlib.sha256(str(data).encode()).hexdigest()[:12]
        place = Path("/run/tocsin") / name
    else:
        place = data / "run" / "pg"
    fits = len(os.fsencode(place / SOCKET_NAME)) <= _SOCKET_BYTES_MAX
    try:
        if not fits:
            raise OSError  # noqa: TRY301
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
    except OSError:
        place = Path(tempfile.mkdtemp(prefix="tocsin-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(place, accounts.server.uid, accounts.product.gid)
        if accounts.are_two:
            place.chmod(0o710)
    return place


def forget_old_sockets(data: Path) -> None:
    """Remove the temporary socket directory of a run that was killed."""
    old = running_urls(data)
    if old is not None:
        place = Path(parse_qs(urlsplit(old["administrator"]).query)["host"][0])
        if place.parent == Path("/tmp") and place.name.startswith("tocsin-"):  # noqa: S108
            shutil.rmtree(place, ignore_errors=True)


def running_urls(data: Path) -> Mapping[str, str] | None:
    """URLs (`administrator`, `owner`, `application`) of the server that runs on `data` now."""
    try:
        text = (data / "run" / "database.json").read_text()
    except FileNotFoundError:
        return None
    urls: dict[str, str] = json.loads(text)
    return urls
