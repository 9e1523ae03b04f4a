"""What docs/protocols/dc09.md says besides the card: the tables that the code runs by."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.wire.card import table
from tocsin.wire.dc09.answers import EARLY_S_MAX, LATE_S_MAX, RULES, Answer, Rule
from tocsin.wire.dc09.dialects import DIALECTS
from tocsin.wire.dc09.frames import Reason
from tocsin.wire.dc09.states import CONNECTION, STREAM, Stage, Stream, diagram
from tocsin.wire.dc09.strangers import STRANGERS
from tocsin.wire.dc09.xdata import LETTERS

_HEARD = {
    Answer.ACK: "ACK; for an encrypted frame, encrypted",
    Answer.NAK: "NAK with our time",
    Answer.DUH: "DUH",
    Answer.NOTHING: "nothing",
}
_REFUSED = {
    Reason.MALFORMED: "the header, or the quotes around the token, are not there",
    Reason.BAD_LENGTH: "the length field does not say how long the frame is",
    Reason.BAD_CRC: "the checksum is not that of the bytes",
    Reason.OVERSIZED: "longer than the limit; passed over up to the next frame",
    Reason.CUT_SHORT: "a new frame began, or the sender fell silent or left, before the end",
    Reason.RUBBISH: "bytes outside of any frame",
}


def sections() -> Iterator[str]:
    """Everything that the code has in tables, as lines of Markdown."""
    yield from _extra_data()
    yield from _answers()
    yield from _dialects()
    yield from _machines()
    yield from _strangers()


def _extra_data() -> Iterator[str]:
    yield "## X-data"
    yield ""
    yield "Every block is gone through, also several of one letter; a block of another letter is"
    yield "text. Text may be Windows-1252 or UTF-8, and is stored sealed. Restores, tests and the"
    yield "like carry no position: a device that somebody carries must not leave a trail."
    yield ""
    rows = [(f"`{letter}`", what, where) for letter, (what, where) in LETTERS.items()]
    yield from table(("block", "what", "where it is found"), rows)
    yield ""


def _answer(rule: Rule) -> str:
    wanted = rule.if_duh_is_wanted
    return _HEARD[rule.answer] + (f"; {_HEARD[wanted]} where set" if wanted else "")


def _answers() -> Iterator[str]:
    yield "## What the sender hears"
    yield ""
    yield "Nothing is acknowledged before it is on disk. The first line that fits decides:"
    yield ""
    rows = [
        (
            "ordinary frame" if problem is None else f"`{problem.value}`",
            _answer(rule),
            "yes" if rule.is_stored else "no",
            rule.why,
        )
        for problem, rule in RULES.items()
    ]
    yield from table(("case", "answer", "kept and shown", "why"), rows)
    yield ""
    yield f"An encrypted frame may be {LATE_S_MAX} s old and {EARLY_S_MAX} s early; a plain one may"
    yield "have any time or none. A frame equal to one of the last three minutes in account,"
    yield "sequence, token and data is a repeat: acknowledged, kept, linked, not decided again. So"
    yield "is a ciphertext that comes again within its time, whatever the header around it says;"
    yield "later it fails the time test."
    yield "While the database is away nobody is answered, so that senders try again."
    yield ""
    yield "Bytes that are no frame hear nothing and are counted under their reason:"
    yield ""
    yield from table(("reason", "when"), [(f"`{r.value}`", why) for r, why in _REFUSED.items()])
    yield ""


def _dialects() -> Iterator[str]:
    yield "## Dialects"
    yield ""
    yield "Told from the frames of each sender, counted once for each as `dc09.dialect.<name>`, or"
    yield "set in the register of devices: `standard`, `eldes` or `binary_crc` is then the form of"
    yield "every answer, and `duh` and `local_time:+HH:MM` may stand beside it, after a `;`. Keys"
    yield "are 16, 24 or 32 bytes, entered as text or as hex, as the panel has it (Hikvision: hex)."
    yield "What was told of a registered device lasts over restarts and stands on its page; another"
    yield "key, another dialect, or a button there makes it forgotten."
    yield ""
    rows = [
        (f"`{one.name}`", one.heard_from, one.departs, one.told_by, one.answered)
        for one in DIALECTS
    ]
    yield from table(("dialect", "heard from", "departs", "told by", "answered"), rows)
    yield ""


def _machines() -> Iterator[str]:
    yield "## The bytes of a sender"
    yield ""
    yield "Each arrow: what comes, and what is reported then. What is blank is reported as nothing."
    yield "The two raw bytes of a binary CRC are `other`, also where they are an LF or a CR."
    yield ""
    yield from diagram(Stream.BETWEEN, STREAM)
    yield ""
    yield "## A connection"
    yield ""
    yield "Each arrow: what happens, and what is done. TCP, in clear or inside TLS; a datagram is a"
    yield "stream of its own that has no connection."
    yield ""
    yield from diagram(Stage.OPENED, CONNECTION)
    yield ""


def _strangers() -> Iterator[str]:
    yield "## Other protocols at the port"
    yield ""
    yield "Told by the first bytes of a connection or datagram, counted as `dc09.foreign.<name>`,"
    yield "never acknowledged. A connection is closed; a datagram hears nothing."
    yield ""
    rows = [
        (f"`{name.value}`", one.what, "its own refusal" if one.hears else "nothing")
        for name, one in STRANGERS.items()
    ]
    yield from table(("name", "what", "hears"), rows)
    yield ""
