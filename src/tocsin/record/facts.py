"""A fact as it is stored: canonical bytes, a salt, and its personal fields sealed under the
incident's key; and back again."""

from __future__ import annotations

import dataclasses
import functools
import os
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from tocsin.core.kinds import KIND_OF, KINDS
from tocsin.core.states import STATE_CLASS, Fact, State
from tocsin.core.terms import SubjectKind
from tocsin.record.keys import CannotOpen, KeyMissing, Keyring, seal, unseal

SALT_BYTES: Final = 32


class UnknownFact(Exception):
    """The log holds a fact that this program does not know: it was written by a later version."""


class NotStorable(ValueError):
    """A value of the command cannot be stored: a wrong type, U+0000 in a field that is filtered
    by, or text that is not Unicode."""


@dataclass(frozen=True, slots=True)
class StoredFact:
    """One fact as callers see it. `data` is without sealed fields unless they were asked for."""

    kind: str
    subject: UUID
    subject_kind: SubjectKind
    version: int
    incident: UUID | None
    data: dict[str, Any]


@functools.cache
def sealed_fields(fact: type) -> frozenset[str]:
    """Names of the fields of a fact class that may hold personal data."""
    return frozenset(
        field.name for field in dataclasses.fields(fact) if field.metadata.get("sealed")
    )


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8: the same value is always the same bytes."""
    return msgspec.json.encode(value, order="sorted")


def parts(fact: Fact) -> tuple[bytes, bytes | None]:
    """Canonical bytes of the open fields, and of the sealed ones that hold something."""
    kind: type = type(fact)
    hidden = sealed_fields(kind)
    if not hidden:
        return canonical(fact), None
    open_part: dict[str, Any] = {}
    sealed_part: dict[str, Any] = {}
    for field in dataclasses.fields(fact):
        value = getattr(fact, field.name)
        if field.name not in hidden:
            open_part[field.name] = value
        elif value not in (None, ""):
            sealed_part[field.name] = value
    return canonical(open_part), canonical(sealed_part) if sealed_part else None


def new_salt() -> bytes:
    """Makes the commitment to a fact's few possible contents unguessable once its key is gone."""
    return os.urandom(SALT_BYTES)


def bound_to(subject: UUID, version: int, kind: str) -> bytes:
    """What a sealed part belongs to: it opens nowhere else."""
    return subject.bytes + version.to_bytes(8, "big") + kind.encode()


def sealed_part(keyring: Keyring, incident: UUID | None, plain: bytes, binding: bytes) -> bytes:
    """`plain` sealed under the incident's key, which is on disk before this returns.

    Raises `ValueError` for a fact of no incident: its key could never be found again.
    """
    if incident is None:
        raise ValueError("a fact with personal fields must belong to an incident")
    return seal(keyring.incident(incident, create=True), plain, binding)


def decode(kind: str, kind_version: int, body: bytes) -> Fact:
    """The fact, its sealed fields left at their defaults. Raises `UnknownFact`."""
    known = KINDS.get(kind)
    if known is None or kind_version > known[1]:
        raise UnknownFact(
            f"the log holds {kind} version {kind_version}, which this program does not know;"
            " start the version of Tocsin that wrote it, or a later one"
        )
    return cast("Fact", _fact_decoder(known[0]).decode(body))


def data_of(body: bytes) -> dict[str, Any]:
    """The open fields as JSON values."""
    return cast("dict[str, Any]", msgspec.json.decode(body))


def data_with_sealed(
    keyring: Keyring,
    body: bytes,
    sealed: bytes | None,
    *,
    incident: UUID | None,
    binding: bytes,
) -> dict[str, Any]:
    """Open and sealed fields; `"erased": true` where the incident's key has been destroyed."""
    data = data_of(body)
    if sealed is None or incident is None:
        return data
    try:
        plain = unseal(keyring.incident(incident), sealed, binding)
    except (KeyMissing, CannotOpen):
        return data | {"erased": True}
    return data | cast("dict[str, Any]", msgspec.json.decode(plain))


def encode_state(state: State) -> bytes:
    return msgspec.json.encode(state)


def require_readable(kind: str, kind_version: int, body: bytes) -> None:
    """What cannot be read back is never written: it would block its subject for good.

    A command built in Python may hold any value; nothing but this, and the same for states, stands
    between it and the log. Raises `NotStorable`.
    """
    try:
        decode(kind, kind_version, body)
    except msgspec.ValidationError as error:
        raise NotStorable(f"{kind}: {error}") from error


def readable_state(kind: str, state: State) -> bytes:
    """The state as a head row keeps it; `kind` is its `SubjectKind`. Raises `NotStorable`."""
    encoded = encode_state(state)
    try:
        is_same = decode_state(kind, encoded) == state
    except msgspec.ValidationError as error:
        raise NotStorable(f"{kind}: {error}") from error
    if not is_same:
        raise NotStorable(f"the state of the {kind} does not read back as it was")
    return encoded


def decode_state(kind: str, state: bytes) -> State:
    """The state of a head row; `kind` is its `SubjectKind`."""
    return cast("State", _STATE_DECODER[kind].decode(state))


def kind_of(fact: Fact) -> tuple[str, int]:
    """Stored name and version of a fact."""
    kind = KIND_OF[type(fact)]
    return kind, KINDS[kind][1]


@functools.cache
def _fact_decoder(fact: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(fact)


_STATE_DECODER: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    kind.value: msgspec.json.Decoder(state) for kind, state in STATE_CLASS.items()
}
