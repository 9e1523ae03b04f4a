"""What the dialects say their messages in: one event, a topic's entry of the configuration, and the
reading of texts and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

TEXT_CHARS_MAX: Final = 1_024
STATUS_REPORT: Final = "YY"


class Topic(Protocol):
    """How messages of some topics are read: one entry of the configuration."""

    @property
    def filter(self) -> str: ...
    @property
    def dialect(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def partition(self) -> str: ...
    @property
    def keys(self) -> Sequence[str]: ...
    @property
    def labels(self) -> Sequence[str]: ...
    @property
    def zones(self) -> Sequence[str]: ...
    @property
    def at(self) -> Mapping[str, str]: ...
    @property
    def values(self) -> Mapping[str, str]: ...


class Said(NamedTuple):
    """One event as a dialect reads it. `codes`: the list that `code` is of."""

    code: str
    codes: str = "sia"
    qualifier: str = ""
    zone: str = ""
    partition: str = ""
    text: str = ""
    occurred_at: datetime | None = None


class Unreadable(Exception):
    """The content is not what the dialect describes; the text says what was expected."""


def printable(payload: bytes) -> str:
    """As text that the database takes, without control characters, and not too long."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = payload.decode("latin-1")
    return clean_text(text)


def clean_text(text: str) -> str:
    if not text.isprintable():
        text = "".join(one if one.isprintable() else " " for one in text)
    return text[:TEXT_CHARS_MAX]


def instant(value: Any) -> datetime | None:
    """ISO 8601 with its zone, or seconds or milliseconds since 1970, as UTC. None for anything
    else: a wall clock without a zone dates nothing."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return found.astimezone(UTC) if found.tzinfo is not None else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1_000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


class OwnForm(NamedTuple):
    """Topics that no entry of the configuration is about: Tocsin's own form."""

    filter: str = "#"
    dialect: str = "tocsin"
    account: str = ""
    zone: str = ""
    partition: str = ""
    keys: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    at: Mapping[str, str] = MappingProxyType({})
    values: Mapping[str, str] = MappingProxyType({})


TOCSIN: Final = OwnForm()
