"""Secrets of the web process: files beside the database, made at the first start."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet


def web_secret(directory: Path) -> str:
    """The key that signs sessions and forms."""
    return _kept(directory / "web_secret", lambda: secrets.token_urlsafe(64).encode()).decode()


def authenticator_key(directory: Path) -> bytes:
    """The Fernet key under which second-factor seeds are stored."""
    return _kept(directory / "authenticators", Fernet.generate_key)


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`, made once: 0600, whole or absent after a power cut, and the same for
    two processes that start together (`os.link` refuses an existing name)."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            keeper = path.parent.stat()
            if os.geteuid() == 0 and keeper.st_uid != 0:  # whose processes must read it
                os.fchown(descriptor, keeper.st_uid, keeper.st_gid)
            with os.fdopen(descriptor, "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        finally:
            draft.unlink()
    return path.read_bytes()
