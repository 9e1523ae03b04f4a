"""What an intake counts has words wherever it is shown: on the server's pages as on the console."""

import re
from pathlib import Path

import pytest

from tocsin.core.texts.counters import COUNTERS
from tocsin.wire.dc09.dialects import DIALECTS
from tocsin.wire.dc09.strangers import Stranger

SHEET = Path(__file__).parents[2] / "web" / "src" / "locale" / "counters.ts"


def on_the_console(language: str) -> dict[str, str]:
    words = SHEET.read_text(encoding="utf-8").partition(f"const {language}: Words = {{")[2]
    found = re.findall(r'"?([\w.]+)"?:\s*"([^"]*)"', words.partition("\n};")[0])
    return dict(found)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_console_and_the_pages_use_the_same_words(language: str) -> None:
    words = {name: getattr(text, language) for name, text in COUNTERS.items()}
    assert len(words) > 100
    assert on_the_console(language) == words


@pytest.mark.parametrize("name", [f"foreign.{one.value}" for one in Stranger])
def test_whoever_speaks_another_protocol_has_a_name(name: str) -> None:
    assert name in COUNTERS


@pytest.mark.parametrize("name", [f"dialect.{one.name}" for one in DIALECTS])
def test_every_dialect_has_a_name(name: str) -> None:
    assert name in COUNTERS
