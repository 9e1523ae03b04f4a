"""JSON as a stranger sends it (RFC 8259, and RFC 7493 where that leaves a choice): whatever two
readers could read in two ways is refused by name, and what reading costs is bounded beforehand."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

DEPTH_MAX: Final = 32
VALUES_MAX: Final = 20_000
"""Values in one body, counted by the commas and brackets between them."""

NUMBER_CHARS_MAX: Final = 40
KEY_SHOWN_CHARS: Final = 60

_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")


class BadJson(Exception):
    """It is no JSON that everybody reads alike. `reason` names why, `where` shows the place."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason} {where}".strip())
        self.reason = reason
        self.where = where


def read(body: bytes) -> Any:
    """The value of `body`: None, bool, int, float, str, list, dict. Raises `BadJson` only:
    `not_utf8`, `too_deep`, `too_many_values`, `not_json`, `duplicate_key`, `not_a_number` (NaN and
    the infinities), `number_too_large`."""
    try:
        text = body.decode("utf-8").removeprefix("\ufeff")  # RFC 8259 8.1 lets a reader skip it
    except UnicodeDecodeError as error:
        raise BadJson("not_utf8", f"byte {error.start}") from None
    _bounded(text)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise BadJson("not_json", f"line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise BadJson("too_deep") from None


def _bounded(text: str) -> None:
    """Before anything is built: nesting and the number of values."""
    outside = _STRING.sub("", text)
    if outside.count(",") + outside.count("[") + outside.count("{") >= VALUES_MAX:
        raise BadJson("too_many_values", f"more than {VALUES_MAX}")
    depth = 0
    for match in _BRACKET.finditer(outside):
        depth += 1 if match[0] in "[{" else -1
        if depth > DEPTH_MAX:
            raise BadJson("too_deep", f"more than {DEPTH_MAX} levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set()
        for key, _ in pairs:
            if key in seen:
                # A key may be anything, also half a character, which no answer could carry.
                shown = key[:KEY_SHOWN_CHARS].encode("utf-8", "replace").decode()
                raise BadJson("duplicate_key", shown)
            seen.add(key)
    return found


def _integer(text: str) -> int:
    if len(text) > NUMBER_CHARS_MAX:
        raise BadJson("number_too_large", f"more than {NUMBER_CHARS_MAX} characters")
    return int(text)


def _fraction(text: str) -> float:
    number = float(text)
    if len(text) > NUMBER_CHARS_MAX or math.isinf(number):
        raise BadJson("number_too_large", text[:NUMBER_CHARS_MAX])
    return number


def _no_number(text: str) -> Any:
    raise BadJson("not_a_number", text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_fraction,
    parse_constant=_no_number,
)
