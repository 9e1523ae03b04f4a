"""What docs/protocols/sos_access.md says besides the card: the table that the code runs by."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.wire.card import table
from tocsin.wire.sos_access.answers import RULES


def sections() -> Iterator[str]:
    """What a transmitter hears, as lines of Markdown."""
    yield "## What the sender hears"
    yield ""
    yield "Nothing is answered with 0 before it is on disk. The first line that fits decides:"
    yield ""
    rows = [
        (
            "ordinary request" if problem is None else f"`{problem.value}`",
            f"{rule.status.value} {rule.status.name}",
            ("as the device's" if rule.is_devices else "as an unknown source's")
            if rule.is_kept
            else "no",
            rule.why,
        )
        for problem, rule in RULES.items()
    ]
    yield from table(("case", "status", "kept and shown", "why"), rows)
    yield ""
    yield "What is kept as the device's is so only with the device's authentication. What is not"
    yield "answered with 0 is no alarm of a device: a transmitter takes it to its other receiver,"
    yield "and two alarms would be two dispatches. A field that stands twice counts as it stands"
    yield "first; what it says else is added to the text. While the database is away the answer is"
    yield "5 NOT_TREATED_NOT_DISTRIBUTED, on which a transmitter tries its other receiver, and then"
    yield "us again. A wrong authentication hears 4, as in the protocol's table of codes; an"
    yield "example in the same text has 6, which the `sos-access`"
    yield "client takes for no status at all."
    yield ""
    yield "After ten wrong authentications for one transmitter code from one address (of IPv6: its"
    yield "/64) within a minute none is looked at until the minute is over: the answer is 5,"
    yield "nothing is kept, and it is counted as `too_many_attempts`. Codes that nobody has are"
    yield "treated alike."
    yield ""
    yield "A request equal to one of the last three minutes, with a reference or a time of its own,"
    yield "is a repeat: answered with 0, kept, linked, not decided again."
    yield ""
