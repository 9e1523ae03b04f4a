"""How what is heard is sealed: each message under a key of its own, made from the key of the day
and its id, and kept again under the key of each incident that a signal of it joins."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin.record.ids import time_of
from tocsin.record.keys import Keyring, derived, seal, unseal

_BODY: Final = b"body"
_TEXT: Final = b"text"
_DAY_MS: Final = 86_400_000


def message_key(keyring: Keyring, message: UUID) -> AESGCM:
    """The key of a message while the key of its day is there. Raises `KeyMissing`."""
    return AESGCM(_key(keyring, message))


def message_key_of_incident(
    keyring: Keyring, message: UUID, incident: UUID, wrapped_key: bytes
) -> AESGCM:
    """The same key from `heard.rewrapped`. Raises `KeyMissing`, `CannotOpen`."""
    return AESGCM(unseal(keyring.incident(incident), wrapped_key, message.bytes))


def _key(keyring: Keyring, message: UUID) -> bytes:
    # The id holds the time of the commit, whose UTC day names the key that it was made from.
    return derived(keyring.heard(keyring.epoch(time_of(message))), message.bytes)


class DayKeys:
    """Keys of many messages, one after the other. Each day's key is made durable, or read, once."""

    def __init__(self, keyring: Keyring, *, create: bool = True) -> None:
        """Without `create`, a day without a key raises `KeyMissing`."""
        self._keyring = keyring
        self._create = create
        self._days: dict[int, bytes] = {}

    def cipher(self, message: bytes) -> AESGCM:
        """For the message of this id. Raises `KeyMissing`."""
        return AESGCM(self._of(message))

    def rewrapped(self, message: UUID, incident: UUID) -> bytes:
        """The message's key under the incident's, which is on disk when this returns. Raises
        `KeyMissing`."""
        cipher = self._keyring.incident(incident, create=True)
        return seal(cipher, self._of(message.bytes), message.bytes)

    def _of(self, message: bytes) -> bytes:
        day = int.from_bytes(message[:6], "big") // _DAY_MS
        key = self._days.get(day)
        if key is None:
            epoch = self._keyring.epoch(time_of(UUID(bytes=message)))
            key = self._keyring.heard(epoch, create=self._create)
            self._days = {day: key}
        return derived(key, message)

    def fingerprint(self, content: bytes) -> bytes:
        """Tells equal from other, and nothing more, to whoever has no keys."""
        return self._keyring.fingerprint(content)


def open_body(cipher: AESGCM, message: UUID, sealed: bytes) -> bytes:
    """The bytes as they came. Raises `CannotOpen`."""
    return unseal(cipher, sealed, _BODY + message.bytes)


def open_text(cipher: AESGCM, signal: UUID, sealed: bytes) -> str:
    """The device's own text of a signal. Raises `CannotOpen`."""
    return unseal(cipher, sealed, _TEXT + signal.bytes).decode()


def seal_text(cipher: AESGCM, signal: UUID, text: str) -> bytes:
    return seal(cipher, text.encode(), _TEXT + signal.bytes)


def body_binding(message: bytes) -> bytes:
    """What a sealed body is bound to, for the writer that seals many at once."""
    return _BODY + message
