"""How what is heard is sealed: each message under a key of its own, that key wrapped under the key
of the day, and again under the key of each incident that a signal of it joins."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin.record.keys import Keyring, seal, unseal

_EPOCH_BYTES: Final = 8  # `20261121`
_BODY: Final = b"body"
_TEXT: Final = b"text"


def message_key(keyring: Keyring, message: UUID, wrapped_key: bytes) -> AESGCM:
    """The key of a message from what is stored beside it. Raises `KeyMissing`, `CannotOpen`."""
    epoch = wrapped_key[:_EPOCH_BYTES].decode("ascii", "replace")
    return AESGCM(unseal(keyring.heard(epoch), wrapped_key[_EPOCH_BYTES:], message.bytes))


def message_key_of_incident(
    keyring: Keyring, message: UUID, incident: UUID, wrapped_key: bytes
) -> AESGCM:
    """The same key from `heard.rewrapped`. Raises `KeyMissing`, `CannotOpen`."""
    return AESGCM(unseal(keyring.incident(incident), wrapped_key, message.bytes))


def rewrapped(keyring: Keyring, message: UUID, wrapped_key: bytes, incident: UUID) -> bytes:
    """The message's key under the incident's, which is on disk when this returns."""
    epoch = wrapped_key[:_EPOCH_BYTES].decode("ascii", "replace")
    key = unseal(keyring.heard(epoch), wrapped_key[_EPOCH_BYTES:], message.bytes)
    return seal(keyring.incident(incident, create=True), key, message.bytes)


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
