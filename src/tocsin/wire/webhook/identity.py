"""Identity of people and their things that a sender's JSON may carry: it is dropped before anything
is kept, out of the original too, and a fixed marker stands in its place."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from tocsin.core.identity_fields import is_identity

MARKER: Final = "[dropped]"


def without(document: Any) -> tuple[Any, int]:
    """The document with MARKER in place of each value that identifies somebody, and how many there
    were. Nothing, and true or false, identify nobody."""
    dropped = 0

    def clean(value: Any) -> Any:
        nonlocal dropped
        if isinstance(value, list):
            return [clean(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {}
        for name, one in value.items():
            if is_identity(name) and not (isinstance(one, bool) or one in (None, "", [], {})):
                dropped += 1
                found[name] = MARKER
            else:
                found[name] = clean(one)
        return found

    return clean(document), dropped


def written(document: Any) -> bytes:
    """A cleaned document as it is kept in place of the original."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()


def in_place_of(body: bytes, reason: str) -> bytes:
    """What is kept of bytes that cannot be read: nobody can tell which of them name somebody, so
    none; the digest shows whether something else is the original."""
    digest = hashlib.sha256(body).hexdigest()
    return f"[not kept: {reason}, {len(body)} bytes, SHA-256 {digest}]".encode()
