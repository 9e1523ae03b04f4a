"""The page docs/protocols/dc09.md, written from the card and from the tables that the code runs by,
so that it cannot say what is not so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tocsin.wire.dc09.answers import EARLY_S_MAX, LATE_S_MAX, RULES, Answer
from tocsin.wire.dc09.frames import Reason

_HEARD = {
    Answer.ACK: "ACK; for an encrypted frame, encrypted",
    Answer.NAK: "NAK with our time",
    Answer.DUH: "DUH",
    Answer.NOTHING: "nothing",
}
_REFUSED = {
    Reason.MALFORMED: "the fields are not those of a frame",
    Reason.BAD_LENGTH: "the length field does not say how long the frame is",
    Reason.BAD_CRC: "the checksum is not that of the bytes",
    Reason.OVERSIZED: "longer than the limit; passed over up to the next frame",
    Reason.CUT_SHORT: "a new frame began, or the sender fell silent or left, before the end",
    Reason.RUBBISH: "bytes outside of any frame",
}


def page(card: dict[str, Any]) -> str:
    """Markdown of the whole page. `card`: the parsed card.toml."""
    return "\n".join(_lines(card)) + "\n"


def _lines(card: dict[str, Any]) -> Iterator[str]:
    yield f"# {card['name']}: {card['title']}"
    yield ""
    yield "Written from `src/tocsin/wire/dc09/card.toml` and the code's own tables by"
    yield "`python tests/wire/test_dc09_page.py`; change those, not this page."
    yield ""
    yield f"Maturity: **{card['maturity']}**. Standards: {', '.join(card['standards'])}."
    yield f"Transports: {'; '.join(card['transports'])}. Encryption: {card['encryption']}."
    yield ""
    yield from card["assurance"].strip().splitlines()
    yield ""
    yield "## What is read"
    yield ""
    yield from _table(("token", "read as"), [(f"`{t}`", s) for t, s in card["tokens"].items()])
    yield ""
    yield "## What the sender hears"
    yield ""
    yield "Nothing is acknowledged before it is on disk. The first line that fits decides:"
    yield ""
    rows = [
        (
            "ordinary frame" if problem is None else f"`{problem.value}`",
            _HEARD[rule.answer],
            "yes" if rule.is_stored else "no",
            rule.why,
        )
        for problem, rule in RULES.items()
    ]
    yield from _table(("case", "answer", "kept and shown", "why"), rows)
    yield ""
    yield f"An encrypted frame may be {LATE_S_MAX} s old and {EARLY_S_MAX} s early; a plain one may"
    yield "have any time or none. A frame equal to one of the last three minutes in account,"
    yield "sequence, token and data is a repeat: acknowledged, kept, linked, not decided again."
    yield "While the database is away nobody is answered, so that senders try again."
    yield ""
    yield "Bytes that are no frame hear nothing and are counted under their reason:"
    yield ""
    yield from _table(("reason", "when"), [(f"`{r.value}`", why) for r, why in _REFUSED.items()])
    yield ""
    yield "## Limits"
    yield ""
    yield from _table(
        ("what", "then"), [(limit["what"], limit["then"]) for limit in card["limits"]]
    )
    yield ""
    yield "## Tested with"
    yield ""
    for item in card["tested_with"]:
        yield f"- {item}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
