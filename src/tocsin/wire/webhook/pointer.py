"""JSON Pointer (RFC 6901): the name of one value inside a JSON document."""

from __future__ import annotations

import re
from typing import Any, Final

DEPTH_MAX: Final = 16

_TOKEN: Final = re.compile(r"(?:[^~]|~[01])*")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}")  # RFC 6901 4: no leading zeros

Pointer = tuple[str, ...]


class BadPointer(ValueError):
    """The text is no JSON Pointer; the message says why."""


class Missing(Exception):
    """There is no such value in the document; `where` is how far the way leads."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


def parse(text: str) -> Pointer:
    """The reference tokens of `text`; () for "", the whole document. Raises `BadPointer`."""
    if not text:
        return ()
    if not text.startswith("/"):
        raise BadPointer('does not begin with "/" (RFC 6901)')
    tokens = text[1:].split("/")
    if len(tokens) > DEPTH_MAX:
        raise BadPointer(f"has more than {DEPTH_MAX} parts")
    for token in tokens:
        if not _TOKEN.fullmatch(token):
            raise BadPointer('has a "~" that is not "~0" or "~1" (RFC 6901)')
    # RFC 6901 4: "~1" first, so that "~01" becomes "~1" and not "/".
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)


def text_of(pointer: Pointer) -> str:
    """The inverse of `parse`."""
    return "".join(f"/{one.replace('~', '~0').replace('/', '~1')}" for one in pointer)


def find(document: Any, pointer: Pointer) -> Any:
    """The value there. Raises `Missing`."""
    value = document
    for place, token in enumerate(pointer):
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            raise Missing(text_of(pointer[: place + 1]))
    return value
