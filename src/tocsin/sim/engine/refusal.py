"""What the engine says of input that it does not take: in both languages, with the place."""

from __future__ import annotations

from pathlib import Path

from tocsin.core.texts.text import Text


class InputRefused(Exception):
    """Input that cannot be simulated. `text` names file, row, column and what was expected."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def refused(path: Path | None, en: str, zh: str, *, row: int = 0, column: str = "") -> InputRefused:
    """An `InputRefused` of this place; rows count from 1 with the first line of the file."""
    place_en = ", ".join(
        [
            *([path.name] if path else []),
            *([f"row {row}"] if row else []),
            *([column] * bool(column)),
        ]
    )
    place_zh = "，".join(
        [
            *([path.name] if path else []),
            *([f"第 {row} 行"] if row else []),
            *([column] * bool(column)),
        ]
    )
    if not place_en:
        return InputRefused(Text(zh, en))
    return InputRefused(Text(f"{place_zh}：{zh}", f"{place_en}: {en}"))
