"""What is wrong with a field, for a person: pydantic's findings in the caller's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext, gettext_noop

# pydantic's error type (or its beginning) -> msgid; `ctx` fills the placeholders.
_TEXTS: Final = {
    "missing": gettext_noop("is required"),
    "extra_forbidden": gettext_noop("is not a field of this command"),
    "union_tag_not_found": gettext_noop("is required"),
    "union_tag_invalid": gettext_noop("is none of the known commands"),
    "enum": gettext_noop("must be %(expected)s"),
    "literal_error": gettext_noop("must be %(expected)s"),
    "uuid": gettext_noop("must be a UUID"),
    "string_too_long": gettext_noop("has more than %(max_length)s characters"),
    "too_long": gettext_noop("has more than %(max_length)s entries"),
    "string": gettext_noop("must be text"),
    "int": gettext_noop("must be a whole number"),
    "float": gettext_noop("must be a number"),
    "finite_number": gettext_noop("must be a number"),
    "bool": gettext_noop("must be true or false"),
    "list": gettext_noop("must be a list"),
    "less_than_equal": gettext_noop("must be at most %(le)s"),
    "greater_than_equal": gettext_noop("must be at least %(ge)s"),
    "timezone": gettext_noop("must be a time with its offset, such as 2026-11-21T10:00:00Z"),
    "datetime": gettext_noop("must be a time with its offset, such as 2026-11-21T10:00:00Z"),
    "model": gettext_noop("must be an object"),
    "dict": gettext_noop("must be an object"),
}
_WRONG: Final = gettext_noop("is not valid")
_UNKNOWN_FILTER: Final = gettext_noop("is not a filter of this list")
# Where the value stood, as ninja puts it before the field's own name.
_PLACES: Final = frozenset({"body", "query", "path", "header", "filters"})


def field_errors(errors: Sequence[Mapping[str, Any]], language: str) -> list[tuple[str, str]]:
    """(field, message) of each finding; a field inside a list reads `units[0]`."""
    with translation.override("en" if language == "en" else "zh-hans"):
        return [(_field(error), _message(error)) for error in errors]


def unknown_filters(names: Sequence[str], language: str) -> list[tuple[str, str]]:
    """A filter that is not known must not be passed over: the list would hold what nobody asked
    for."""
    with translation.override("en" if language == "en" else "zh-hans"):
        return [(name, gettext(_UNKNOWN_FILTER)) for name in names]


def _field(error: Mapping[str, Any]) -> str:
    if str(error["type"]).startswith("union_tag"):
        return "type"
    field = ""
    for part in error["loc"]:
        if isinstance(part, int):
            field += f"[{part}]"
        elif field or part not in _PLACES:
            field += f".{part}" if field else str(part)
    return field


def _message(error: Mapping[str, Any]) -> str:
    kind = str(error["type"])
    while kind not in _TEXTS and "_" in kind:
        kind = kind.rpartition("_")[0]
    text = gettext(_TEXTS.get(kind, _WRONG))
    try:
        return text % dict(error.get("ctx") or {})
    except KeyError:
        return gettext(_WRONG)
