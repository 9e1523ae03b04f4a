"""docs/glossary.toml: one word, one meaning, in both languages, and the words not to use."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TERMS = tomllib.loads((ROOT / "docs/glossary.toml").read_text(encoding="utf-8"))["term"]


def names_in(text: str) -> set[str]:
    """Identifiers of Python source, lower-cased, CamelCase opened up to snake_case."""
    words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text)
    return {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower() for word in words}


def uses(text: str, avoided: str) -> bool:
    return any(
        name == avoided or name.startswith(f"{avoided}_") or name.endswith(f"_{avoided}")
        for name in names_in(text)
    )


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["en"])
def test_term_is_complete(term: dict[str, object]) -> None:
    assert set(term) == {"en", "zh", "meaning", "avoid"}
    assert re.search(r"[\u4e00-\u9fff]", str(term["zh"])), "the Chinese term has no Chinese"
    assert str(term["meaning"]).endswith(".")


def test_no_term_twice_and_no_avoided_word_is_a_term() -> None:
    words = [term["en"] for term in TERMS]
    assert len(words) == len(set(words))
    avoided = {word for term in TERMS for word in term["avoid"]}
    assert not avoided & set(words)


def test_the_check_finds_an_avoided_word() -> None:
    assert uses("class TicketOpened: ...", "ticket")
    assert not uses("ticketing = 1", "ticket")


def test_no_avoided_word_in_the_source() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word!r} (say {term['en']!r})"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for text in [path.read_text(encoding="utf-8")]
        for term in TERMS
        for word in term["avoid"]
        if uses(text, word)
    ]
    assert not found, "\n".join(found)
