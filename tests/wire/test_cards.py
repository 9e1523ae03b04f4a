"""Each protocol's page says what its card and its code say. Write them anew with
`python tests/wire/test_cards.py`."""

import importlib
import importlib.util
import tomllib
from pathlib import Path

import pytest

from tocsin.wire import card

ROOT = Path(__file__).parent.parent.parent
WIRE = ROOT / "src" / "tocsin" / "wire"
PAGES = ROOT / "docs" / "protocols"
PROTOCOLS = sorted(one.parent.name for one in WIRE.glob("*/card.toml"))


def read(protocol: str) -> dict[str, object]:
    return tomllib.loads((WIRE / protocol / "card.toml").read_text(encoding="utf-8"))


def written(protocol: str) -> str:
    sections = ()
    if importlib.util.find_spec(f"tocsin.wire.{protocol}.page"):
        sections = importlib.import_module(f"tocsin.wire.{protocol}.page").sections()
    return card.page(protocol, read(protocol), sections)


def test_every_protocol_has_a_card_and_every_page_a_protocol() -> None:
    folders = {one.parent.name for one in WIRE.glob("*/__init__.py")}
    assert folders == set(PROTOCOLS) == {one.stem for one in PAGES.glob("*.md")}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_page_is_current(protocol: str) -> None:
    assert (PAGES / f"{protocol}.md").read_text(encoding="utf-8") == written(protocol)


def test_dc09_card_names_every_token() -> None:
    from tocsin.wire.dc09.signals import TOKENS

    tokens = read("dc09")["tokens"]
    assert isinstance(tokens, dict)
    assert set(tokens) == {*TOKENS, "any other"}


if __name__ == "__main__":
    for one in PROTOCOLS:
        (PAGES / f"{one}.md").write_text(written(one), encoding="utf-8")
