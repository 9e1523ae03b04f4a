"""The protocol's page says what the card and the code say. Write it anew with
`python tests/wire/test_dc09_page.py`."""

import tomllib
from pathlib import Path

from tocsin.wire.dc09.page import page
from tocsin.wire.dc09.signals import TOKENS

ROOT = Path(__file__).parent.parent.parent
CARD = ROOT / "src" / "tocsin" / "wire" / "dc09" / "card.toml"
PAGE = ROOT / "docs" / "protocols" / "dc09.md"


def written() -> str:
    return page(tomllib.loads(CARD.read_text(encoding="utf-8")))


def test_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == written()


def test_card_names_every_token() -> None:
    tokens = tomllib.loads(CARD.read_text(encoding="utf-8"))["tokens"]
    assert set(tokens) == {*TOKENS, "any other"}


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
