"""A text in both languages, and how one is chosen and filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

LANGUAGES: Final = ("zh", "en")


class Text(NamedTuple):
    """One text in both languages. `{name}` is filled from parameters."""

    zh: str
    en: str

    def filled(self, params: Mapping[str, Any]) -> Text:
        """Both languages with their placeholders filled; a missing one shows as a dash."""
        known = _Known(params)
        return Text(self.zh.format_map(known), self.en.format_map(known))

    def of(self, language: str) -> str:
        """The text in a language tag such as `zh-CN` or `en`; Chinese only for `zh`."""
        return self.zh if language.lower().startswith("zh") else self.en


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"
