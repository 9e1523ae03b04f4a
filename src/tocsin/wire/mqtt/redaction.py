"""What is taken out of a message before it is kept: PINs, and what names a person. It leaves the
bytes too, since those are kept; in its place stands a marker."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from tocsin.core.identity_fields import PERSONS, SECRETS, is_identity

MARKER: Final = "[removed]"
DEPTH_MAX: Final = 32
SIGNS_MAX: Final = 10_000
"""Commas, colons, equals signs and opening brackets of one message, which is what looking through
it costs by. Of more nothing is kept but how long it was and its digest."""

_SIGNS: Final = (b",", b":", b"=", b"[", b"{")
NAME_CHARS_MAX: Final = 64  # of a key that is remembered as folded

FOLLOWING: Final = frozenset(
    {"thumbnail", "snapshot", "pathdata", "attributes", "currentattributes"}
    | {"currentestimatedspeed"}
)
"""Keys, as `_name` folds them, of what shows or follows somebody (Frigate 0.14 and later)."""

_COMMANDING: Final = frozenset({"action", "command", "cmd"})
"""Beside one of these, `code` is somebody's PIN (alarm_control_panel of Home Assistant)."""

# On topics where keypads speak: a command, and the digits that are typed with it.
_ORDER: Final = re.compile(r"(?<![a-z])(?:arm|disarm|trigger)", re.IGNORECASE)
_TYPED: Final = re.compile(r"[0-9]{3,}")
_ONLY_TYPED: Final = re.compile(r"\s*[0-9]{3,}\s*")
_PIN: Final = re.compile(r"[0-9]{4,}")
_ONLY_PIN: Final = re.compile(rb"\s*\"?[0-9]{4,10}\"?\s*")
_BROKEN: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")
_NOT_NAME: Final = re.compile(r"[^a-z0-9]")
# In texts: a name, one or two signs, and what stands up to the next sign. The longest names first.
_WORDS: Final = sorted(
    (one.replace(" ", "[ _-]?") + "s?" for one in (*SECRETS, *PERSONS)), key=len, reverse=True
)
# A quote may stand behind backslashes, where JSON is a text in JSON; few, so that it ends soon.
_QUOTE: Final = r"(?:\\{0,4}[\"'])"
_SAID: Final = re.compile(
    rf"((?<![A-Za-z0-9])(?:{'|'.join(_WORDS)}){_QUOTE}?\s{{0,9}}[:=]\s{{0,9}})"
    # In quotes; a list or an object, as far as it goes; else a word, and the digits behind it.
    r"(\\{0,4}\"[^\"]*\"?|\\{0,4}'[^']*'?|\[[^\]]*\]?|\{[^}]*\}?"
    r"|[^\s,;}\]]+(?:[ ./()-]{1,3}[0-9]+)*)",
    re.IGNORECASE,
)
_CODE_SAID: Final = re.compile(
    rf"(\bcode{_QUOTE}?\s{{0,9}}[:=]\s{{0,9}}{_QUOTE}?)[0-9]{{4,}}", re.IGNORECASE
)


class Redacted(NamedTuple):
    """`payload` as it may be kept, `content` what was read from it (None: it is no JSON), `removed`
    how many values were taken out."""

    payload: bytes
    content: Any
    removed: int


def redact(
    payload: bytes,
    topic: str,
    *,
    code_at: str = "",
    digits_say: bool = False,
    is_keypads: bool = False,
) -> Redacted:
    """The message without PINs and identity. `code_at`: the JSON pointer of an event's code, which
    is none though it may look like one. `digits_say`: a bare number is a message, not a PIN.
    `is_keypads`: digits in a text, and beside a command, are what somebody typed."""
    last = _name(topic.rsplit("/", 1)[-1])
    if is_named(topic.rsplit("/", 1)[-1]) or (last == "code" and not digits_say):
        return Redacted(MARKER.encode(), None, 1)
    if len(payload) > SIGNS_MAX and sum(map(payload.count, _SIGNS)) > SIGNS_MAX:
        return _not_kept(payload, f"more than {SIGNS_MAX} values")
    try:
        content = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _of_text(payload, digits_say, is_keypads)
    if not isinstance(content, dict | list):
        found = _of_text(payload, digits_say, is_keypads)
        return found._replace(content=None if found.removed else content)
    walk = _Walk(code_at, is_keypads)
    clean = walk.through(content, "", 0)
    if not walk.removed and not _says_twice(payload):
        return Redacted(payload, content, 0)
    return Redacted(msgspec.json.encode(clean), clean, walk.removed or 1)


def is_named(key: str) -> bool:
    """Whether a key names a PIN or a person."""
    return is_identity(key) or _name(key) in FOLLOWING


def _says_twice(payload: bytes) -> bool:
    """Whether an object has a key twice: what was read is the last, and the others are not looked
    at. Also for what this reader does not take: then it is written anew, as it was read."""
    twice = False

    def note(pairs: list[tuple[str, Any]]) -> None:
        nonlocal twice
        twice = twice or len({key for key, _ in pairs}) != len(pairs)

    try:
        json.loads(payload, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return True
    return twice


def redact_text(text: str) -> tuple[str, int]:
    """Text of any form without what a name in it says is a PIN or a person."""
    if ":" not in text and "=" not in text:  # nearly every text: nothing is named in it
        return text, 0
    clean, removed = _SAID.subn(lambda found: found[1] + MARKER, text)
    clean, codes = _CODE_SAID.subn(lambda found: found[1] + MARKER, clean)
    return clean, removed + codes


def _of_text(payload: bytes, digits_say: bool, is_keypads: bool) -> Redacted:
    if not digits_say and _ONLY_PIN.fullmatch(payload):
        return Redacted(MARKER.encode(), None, 1)
    if _BROKEN.match(payload):  # nobody can tell which of its values name somebody
        return _not_kept(payload, "not JSON")
    # Latin-1 gives each byte a character and back, whatever the bytes are.
    clean, removed = redact_text(payload.decode("latin-1"))
    if is_keypads:
        clean, typed = _TYPED.subn(MARKER, clean)
        removed += typed
    return Redacted(clean.encode("latin-1") if removed else payload, None, removed)


def _not_kept(payload: bytes, why: str) -> Redacted:
    digest = hashlib.sha256(payload).hexdigest()
    kept = f"[not kept: {why}, {len(payload)} bytes, SHA-256 {digest}]"
    return Redacted(kept.encode(), None, 1)


def _name(key: str) -> str:
    return _folded(key) if len(key) <= NAME_CHARS_MAX else _NOT_NAME.sub("", key.lower())


@lru_cache(maxsize=2_048)
def _folded(key: str) -> str:
    return _NOT_NAME.sub("", key.lower())


class _Walk:
    """One way through a JSON value."""

    def __init__(self, code_at: str, is_keypads: bool) -> None:
        self.removed = 0
        self._code_at = code_at
        self._is_keypads = is_keypads

    def through(self, value: Any, at: str, depth: int) -> Any:
        if depth > DEPTH_MAX:
            self.removed += 1
            return MARKER
        if isinstance(value, dict):
            commands = any(_name(key) in _COMMANDING for key in value)
            return {
                self._text(key): self._entry(key, one, f"{at}/{key}", depth, commands)
                for key, one in value.items()
            }
        if isinstance(value, list):
            return [
                self.through(one, f"{at}/{place}", depth + 1) for place, one in enumerate(value)
            ]
        return self._text(value) if isinstance(value, str) else value

    def _entry(self, key: str, value: Any, at: str, depth: int, commands: bool) -> Any:
        name = _name(key)
        is_pin = (
            name == "code"
            and at != self._code_at
            and (commands or self._is_keypads or _PIN.fullmatch(str(value)) is not None)
        )
        if self._is_keypads and _ORDER.search(key) and _TYPED.search(str(value)):
            is_pin = True
        if not is_pin and not is_named(key):
            return self.through(value, at, depth + 1)
        if isinstance(value, bool) or value in (None, "", MARKER):
            return value
        self.removed += 1
        return MARKER

    def _text(self, text: str) -> str:
        clean, removed = redact_text(text)
        if self._is_keypads and (_ONLY_TYPED.fullmatch(clean) or _ORDER.search(clean)):
            clean, typed = _TYPED.subn(MARKER, clean)
            removed += typed
        self.removed += removed
        return clean
