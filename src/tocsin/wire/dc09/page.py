"""What docs/protocols/dc09.md says besides the card: the tables that the code runs by."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.wire.card import table
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


def sections() -> Iterator[str]:
    """What a sender hears and what is refused, as lines of Markdown."""
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
    yield from table(("case", "answer", "kept and shown", "why"), rows)
    yield ""
    yield f"An encrypted frame may be {LATE_S_MAX} s old and {EARLY_S_MAX} s early; a plain one may"
    yield "have any time or none. A frame equal to one of the last three minutes in account,"
    yield "sequence, token and data is a repeat: acknowledged, kept, linked, not decided again."
    yield "While the database is away nobody is answered, so that senders try again."
    yield ""
    yield "Bytes that are no frame hear nothing and are counted under their reason:"
    yield ""
    yield from table(("reason", "when"), [(f"`{r.value}`", why) for r, why in _REFUSED.items()])
    yield ""
