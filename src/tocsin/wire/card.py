"""The page docs/protocols/<protocol>.md, written from the protocol's card.toml and from the tables
that its code runs by, so that it cannot say what is not so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any


def page(protocol: str, card: dict[str, Any], sections: Iterable[str] = ()) -> str:
    """Markdown of the whole page. `card`: the parsed card.toml; `sections`: lines of the protocol's
    own, between what is read and the limits."""
    return "\n".join(_lines(protocol, card, sections)) + "\n"


def _lines(protocol: str, card: dict[str, Any], sections: Iterable[str]) -> Iterator[str]:
    yield f"# {card['name']}: {card['title']}"
    yield ""
    yield f"Written from `src/tocsin/wire/{protocol}/card.toml` and the code's own tables by"
    yield "`python tests/wire/test_cards.py`; change those, not this page."
    yield ""
    yield f"Maturity: **{card['maturity']}**. Standards: {', '.join(card['standards'])}."
    yield f"Transports: {'; '.join(card['transports'])}. Encryption: {card['encryption']}."
    yield ""
    yield from card["assurance"].strip().splitlines()
    yield ""
    yield "## What is read"
    yield ""
    yield from table(("token", "read as"), [(f"`{t}`", s) for t, s in card["tokens"].items()])
    yield ""
    yield from sections
    yield "## Limits"
    yield ""
    limits = [(limit["what"], limit["then"]) for limit in card["limits"]]
    yield from table(("what", "then"), limits)
    yield ""
    yield "## Tested with"
    yield ""
    for item in card["tested_with"]:
        yield f"- {item}"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a table; a bar in a cell is escaped."""
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
