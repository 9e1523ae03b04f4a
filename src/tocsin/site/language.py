"""The language of what the `tocsin` command says: Chinese where the terminal's locale is Chinese,
else English. Logs are for machines and stay English."""

from __future__ import annotations

import os


def chinese() -> bool:
    """True when LC_ALL, LC_MESSAGES or LANG (the first that is set) asks for Chinese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return value.lower().startswith("zh")
    return False


def say(en: str, zh: str) -> str:
    """The text in the reader's language."""
    return zh if chinese() else en
