"""What docs/protocols/mail.md says besides the card: the tables that the code runs by."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.wire.card import table
from tocsin.wire.mail.signals import WHY

REPLIES = (
    ("250 after the message", "it is on disk, for every recipient"),
    ("451 after the message", "it could not be kept: send it again later"),
    ("421", "too many connections; too many commands on one"),
    ("452 to RCPT", "more recipients than the limit"),
    ("500, 502", "a line that is too long; VRFY, EXPN, HELP and AUTH are not offered"),
    ("530", "STARTTLS must come first, where `require_starttls` says so"),
    ("550 to RCPT", "the address is in no domain of ours, or is none that a device may have"),
    ("552", "the message is larger than the limit, said by SIZE or found on the way"),
)
"""What a sender hears, and when; the socket is in tocsin.edge.mail."""


def sections() -> Iterator[str]:
    """What a sender hears, what is kept with a mark, and the rules, as lines of Markdown."""
    yield "## What the sender hears"
    yield ""
    yield from table(("reply", "when"), REPLIES)
    yield ""
    yield "No mail is ever sent or passed on, also no bounce and no confirmation."
    yield ""
    yield "## What is kept and shown with a mark"
    yield ""
    yield "Every mail to an address in our domains is kept. The first line that fits is shown:"
    yield ""
    yield from table(("mark", "why"), [(f"`{one.value}`", why) for one, why in WHY.items()])
    yield ""
    yield "The same Message-ID with the same date, subject and text for the same account is a"
    yield "repeat: kept, linked, not decided again. Mail servers try for days, so this holds for"
    yield "days where the date is right to within five, else for three minutes."
    yield ""
    yield "## Rules"
    yield ""
    yield "A table `[[edge.mail.rules]]` for each; the first that fits decides:"
    yield ""
    yield "```toml"
    yield "[edge.mail]"
    yield "enabled = true"
    yield 'domains = ["alarm.example.com"]'
    yield ""
    yield "[[edge.mail.rules]]"
    yield 'account = "mill-road"       # the device; "*", the default: every one'
    yield 'pattern = "fire alarm*zone {zone}"'
    yield 'look_in = "subject"         # or "text", or "both", the default'
    yield 'code = "FA"                 # of codes = "sia", the default, or "cid"'
    yield "```"
    yield ""
    yield "A pattern is words, in any case and with any white space between; `*` stands for"
    yield "anything, and alone fits every mail but bounces and lists, for a device that writes only"
    yield "when it alarms;"
    yield "`{zone}` and `{partition}` stand for 1 to 8 letters or digits. Keys `qualifier`"
    yield "(Contact ID: 1, 3 or 6), `zone`, `partition` and `text` say the rest. With"
    yield "`codes_in_subject = true` a code in brackets in the subject comes before all rules:"
    yield "`[BA 7]`, `[E130 01 007]`."
    yield ""
