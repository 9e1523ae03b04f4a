"""What docs/protocols/cap.md says besides the card: the tables that the code runs by."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.wire.cap.alert import Flaw
from tocsin.wire.cap.document import Reason
from tocsin.wire.cap.signals import LEVEL_ELSE, LEVELS, NOT_ACTUAL
from tocsin.wire.cap.signing import Outcome
from tocsin.wire.card import table

_REFUSED = {
    Reason.TOO_LARGE: "longer than the limit, also after it was unpacked",
    Reason.UNKNOWN_CHARSET: "it declares an encoding that we do not know",
    Reason.WRONG_CHARSET: "it is not written in the encoding that it declares",
    Reason.DOCTYPE: "it has a document type declaration, as entity attacks need",
    Reason.NOT_XML: "it is not well-formed",
    Reason.TOO_MANY_ELEMENTS: "more elements than the limit",
    Reason.TOO_DEEP: "deeper than the limit",
    Reason.NOT_CAP: "its root is no alert",
    Reason.EARLIER_CAP: "it is CAP 1.1 or 1.0",
    Reason.NOT_SCHEMA: "it breaks the schema: an element is missing or none of CAP's words, a time"
    " has `Z` or a fraction",
    Reason.NOT_FEED: "a feed's root is neither Atom, RSS, EDXL-DE nor an alert",
}
_FLAWED = {
    Flaw.BAD_IDENTIFIER: "identifier or sender is empty, or has white space, a comma, `<` or `&`",
    Flaw.BAD_TIME: "a time that exists in no calendar",
    Flaw.BAD_REFERENCE: "a reference that is not sender, identifier, time",
    Flaw.NO_REFERENCES: "an update, cancel, answer or error that refers to nothing",
    Flaw.NO_INFO: "an alert or update that tells nothing",
    Flaw.NO_RESTRICTION: "restricted, and not to whom",
    Flaw.NO_ADDRESSES: "private, and not for whom",
    Flaw.BAD_AREA: "a polygon that is not closed, a circle without radius, a point not on earth;"
    " the others still count",
    Flaw.TOO_MUCH: "more infos or references than are read",
}
_SIGNED = {
    Outcome.VERIFIED: "as it came",
    Outcome.VERIFIED_WITHOUT_BLANKS: "once text of white space only is taken out, as WMO's"
    " signers do before they sign",
    Outcome.NOT_SIGNED: "no signature",
    Outcome.BAD_FORM: "more than one signature, not of the whole alert, or not strict base64",
    Outcome.WEAK: "a method that is no longer safe, as SHA-1",
    Outcome.UNKNOWN_SIGNER: "nobody configured, or not valid at the time of signing",
    Outcome.ALTERED: "it does not fit the alert",
}


def sections() -> Iterator[str]:
    """Levels, refusals, flaws and signatures, as lines of Markdown."""
    yield "## Level"
    yield ""
    yield "The first row that fits decides; of several infos, the gravest."
    yield ""
    rows = [(*(", ".join(sorted(part)) for part in row[:3]), f"P{row.level}") for row in LEVELS]
    yield from table(
        ("urgency", "severity", "certainty", "level"),
        [*rows, ("any other", "", "", f"P{LEVEL_ELSE}")],
    )
    yield ""
    yield f"A status other than Actual ({', '.join(sorted(NOT_ACTUAL))}) never alarms: it is the"
    yield "signal's code in place of the category, and recorded as a test."
    yield ""
    yield "## What is not read"
    yield ""
    yield "It is kept and shown with its reason, and with its headline where it has one:"
    yield ""
    yield from table(("reason", "when"), [(f"`{r.value}`", why) for r, why in _REFUSED.items()])
    yield ""
    yield "## Read with a flaw"
    yield ""
    yield "These cost nobody the warning; the first is shown with it:"
    yield ""
    yield from table(("flaw", "when"), [(f"`{f.value}`", why) for f, why in _FLAWED.items()])
    yield ""
    yield "## Signatures"
    yield ""
    yield "Looked at where the source has trust anchors. What is not verified is kept, shown as"
    yield "`bad_signature` (`not_signed` without any) and never trusted; it cannot stand in for the"
    yield "alert that is, nor end it."
    yield ""
    yield from table(("outcome", "when"), [(f"`{o.value}`", why) for o, why in _SIGNED.items()])
    yield ""
