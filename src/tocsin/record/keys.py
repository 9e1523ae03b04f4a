"""Keys, kept in files outside the database and its backups: one per incident (destroying it erases
what is sealed under it), one per day for what is heard, one each for devices, contacts and
fingerprints."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import threading
from collections import OrderedDict
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_CACHED_MAX: Final = 4_096


class KeyMissing(Exception):
    """The key is not in the key directory: destroyed on purpose, or the directory is not whole."""


class CannotOpen(Exception):
    """The key does not fit what it is to open: one of the two has been changed."""


def seal(cipher: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    """Nonce and AES-256-GCM of `plain`; it opens only with the same `bound_to`."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, bound_to)


def unseal(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    """The inverse of `seal`. Raises `CannotOpen`."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("the sealed bytes do not open with this key") from error


def derived(key: bytes, name: bytes) -> bytes:
    """The key of `name` under `key`: keyed BLAKE2b (RFC 7693), a pseudorandom function. Whoever has
    one such key has no other, and without `key` there is none."""
    return hashlib.blake2b(name, digest_size=KEY_BYTES, key=key, person=b"tocsin.derived").digest()


class Keyring:
    """The keys in one directory (made 0700, files 0600). May be shared by threads and processes.

    A key that a method returns is on disk: written to a temporary file, fsync, linked to its name
    (whoever is first wins), fsync of the directory.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        self._ciphers: OrderedDict[str, AESGCM] = OrderedDict()
        self._lock = threading.Lock()
        self._fingerprint_key: bytes | None = None
        _make_directory(self.directory)

    # -- incidents ----------------------------------------------------------------------------

    def incident(self, incident: UUID, *, create: bool = False) -> AESGCM:
        """The incident's key; with `create` made durable first if there is none.

        Raises `KeyMissing` without `create`, and always for a key that was destroyed.
        """
        return self._cipher(_incident_name(incident), create=create)

    def begin(self, incident: UUID) -> None:
        """Makes the key of an incident that is only being opened, durable when this returns.

        Nobody else has its id yet and, if we die meanwhile, nobody ever will: so the file is made
        under its own name at once, which takes a third of the time. Raises FileExistsError.
        """
        path = self.directory / _incident_name(incident)
        _make_directory(path.parent)
        key = secrets.token_bytes(KEY_BYTES)
        _write(path, key)
        _sync(path.parent)
        self._remember(_incident_name(incident), AESGCM(key))

    def destroy(self, incident: UUID) -> bool:
        """Erase what is sealed under the incident's key, for ever: the sealed part of its facts
        and its copy of its messages' keys. False if it was gone already.

        What was heard still opens with the key of its day as long as that exists. Other processes
        drop their copy when they end or have used 4,096 other keys; run it with retention, not to
        hide something at once.
        """
        name = _incident_name(incident)
        path = self.directory / name
        tomb = path.with_suffix(".destroyed")
        _make_directory(path.parent)
        _write_new(tomb, b"")
        with self._lock:
            self._ciphers.pop(name, None)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return False
        with path.open("r+b") as file:
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _sync(path.parent)
        return True

    def never_was(self, incident: UUID) -> None:
        """Remove the key of an incident whose opening was taken back: it seals nothing."""
        name = _incident_name(incident)
        with self._lock:
            self._ciphers.pop(name, None)
        (self.directory / name).unlink(missing_ok=True)

    # -- what is heard ------------------------------------------------------------------------

    def epoch(self, at: datetime) -> str:
        """The name of the heard key in use at `at`: its UTC day, `20261121`."""
        return at.strftime("%Y%m%d")

    def heard(self, epoch: str, *, create: bool = False) -> bytes:
        """The key of an epoch, from which its messages' keys are `derived`.

        Raises `KeyMissing` without `create`.
        """
        return self._bytes(f"heard/{epoch}.key", create=create)

    # -- devices, contacts and fingerprints ---------------------------------------------------

    def device(self) -> AESGCM:
        """The master key under which devices' keys are stored; made at first use."""
        return self._cipher("device.key", create=True)

    def contacts(self, site: UUID) -> AESGCM:
        """The key of a site's contacts, derived from one that is made at first use."""
        return AESGCM(derived(self._bytes("contacts.key", create=True), site.bytes))

    def fingerprint(self, content: bytes) -> bytes:
        """HMAC-SHA-256 of `content`: tells equal from other, and cannot be guessed backwards."""
        if self._fingerprint_key is None:
            self._fingerprint_key = self._bytes("fingerprint.key", create=True)
        return hmac.digest(self._fingerprint_key, content, hashlib.sha256)

    # -- files --------------------------------------------------------------------------------

    def _cipher(self, name: str, *, create: bool) -> AESGCM:
        with self._lock:
            known = self._ciphers.get(name)
            if known is not None:
                self._ciphers.move_to_end(name)
                return known
        cipher = AESGCM(self._bytes(name, create=create))
        self._remember(name, cipher)
        return cipher

    def _remember(self, name: str, cipher: AESGCM) -> None:
        with self._lock:
            self._ciphers[name] = cipher
            if len(self._ciphers) > _CACHED_MAX:
                self._ciphers.popitem(last=False)

    def _bytes(self, name: str, *, create: bool) -> bytes:
        path = self.directory / name
        with contextlib.suppress(FileNotFoundError):
            return _checked(path)
        if not create:
            raise KeyMissing(f"there is no key {name} in {self.directory}")
        if path.with_suffix(".destroyed").exists():
            raise KeyMissing(f"the key {name} was destroyed; nothing can be sealed under it again")
        _make_directory(path.parent)
        _write_new(path, secrets.token_bytes(KEY_BYTES))
        return _checked(path)


def _incident_name(incident: UUID) -> str:
    text = incident.hex
    # Ids begin with the time, so they spread over folders by their (random) end.
    return f"incidents/{text[-2:]}/{text}.key"


def _checked(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != KEY_BYTES or not any(key):
        raise KeyMissing(f"{path} is damaged: a key has {KEY_BYTES} bytes, not all zero")
    return key


def _write_new(path: Path, content: bytes) -> None:
    """Write `content` durably unless `path` exists; what exists is never replaced."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write(temporary, content)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def _write(path: Path, content: bytes) -> None:
    """A new file; its name is durable once its directory is synced."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        _give_to_keeper(descriptor, path.parent)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _make_directory(directory: Path) -> None:
    """Make `directory` and what is missing above it, 0700, each name durable."""
    missing = []
    here = directory
    while not here.exists():
        missing.append(here)
        here = here.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
        opened = os.open(one, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        _give_to_keeper(opened, one.parent)
        os.close(opened)
        _sync(one.parent)


def _give_to_keeper(descriptor: int, directory: Path) -> None:
    # A command that root types beside the running processes makes keys that these must read.
    keeper = directory.stat()
    if os.geteuid() == 0 and keeper.st_uid != 0:
        os.fchown(descriptor, keeper.st_uid, keeper.st_gid)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
