"""What docs/protocols/cap.md says besides the card: the tables that the code runs by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

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
    Reason.UNREADABLE: "it could not be read for a reason that nobody foresaw; counted as `failed`",
    Reason.NOT_FEED: "a feed's root is neither Atom, RSS, EDXL-DE nor an alert",
}
_FLAWED = {
    Flaw.NOT_SCHEMA_EXACTLY: "a time with `Z` or fractions of a second, or `All Clear` for"
    " `AllClear`; nothing vouches for it then, neither its signature nor who posted it",
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

FEED_KEYS: Final = {
    "name": "its name on screens and in counters",
    "url": "its address, http:// or https://",
    "kind": "`atom`, `rss`, `edxl`, `cap` (a bare alert), or `any`; another kind is a miss",
    "interval_s": "seconds between two polls, 60 or more; a tenth more or less by chance",
    "misses_max": "misses in a row after which the feed is said to be lost, as a signal",
    "languages": "in place of those of the section",
    "district": "of its alerts; without, that of unknown sources",
    "hosts": "`host` or `host:port` where its links and redirects may lead to besides its own",
    "anchors": "PEM file of authorities and signers; without, signatures are not looked at",
    "tls_ca": "PEM file of authorities for HTTPS in place of the system's",
    "authorization": "file with the value of that header; sent to the feed's own host only",
    "area": "polygon `lat,lon lat,lon ...`, the first point last again: alerts that do not meet it"
    " are counted as `not_our_area` and not kept",
    "geocodes": "`name=value` of areas that are ours; in doubt an alert is for us",
}
PARTNER_KEYS: Final = {
    "name": "its name in counters",
    "token": "file with its token, 16 characters or more, sent as `Authorization: Bearer`",
    "languages": "in place of those of the section",
    "district": "of its alerts; without, that of unknown sources",
    "anchors": "PEM file: then only a signature is trusted, and the token is not",
}


def sections() -> Iterator[str]:
    """Levels, refusals, flaws, signatures and settings, as lines of Markdown."""
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
    yield from _settings()


def _settings() -> Iterator[str]:
    yield "## Feeds and partners"
    yield ""
    yield "A feed is a table of the configuration:"
    yield ""
    yield from ("```toml", "[edge.cap]", "enabled = true", "", "[[edge.cap.feeds]]")
    yield from ('name = "weather"', 'url = "https://weather.example.org/alerts.atom"', "```")
    yield ""
    yield from table(("key", "meaning"), [(f"`{key}`", why) for key, why in FEED_KEYS.items()])
    yield ""
    yield "A feed that cannot be had is asked again after its interval, then after twice as long,"
    yield "up to 15 minutes, and not before its server asks (`Retry-After`, an hour at most)."
    yield "Its loss and its return are signals, `FeedLost` and `FeedBack`."
    yield ""
    yield "Partners post one alert to `/cap`, as `application/cap+xml`, and hear 200 once it is on"
    yield "disk, 422 where it is kept and cannot be read. Each is a table `[[edge.cap.partners]]`:"
    yield ""
    yield from table(("key", "meaning"), [(f"`{key}`", why) for key, why in PARTNER_KEYS.items()])
    yield ""
    yield "With `tls_client_ca` a client certificate of that authority vouches without a token."
    yield ""
