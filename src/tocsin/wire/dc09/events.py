"""The events in a frame's data, as DC-05 (ADM-CID) and DC-03 (SIA-DCS) write them. What cannot be
read costs none of the events beside it: it comes behind them, as one without a code."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

EVENTS_MAX: Final = 64  # of one frame; what stands behind them is kept as text

# `E` and `R` are how programming sheets print the qualifiers 1 and 3.
_CID: Final = re.compile(
    r"([136ER])([0-9A-F]{3}) *([0-9A-F]{2}) *([0-9A-F]{3})", re.IGNORECASE | re.ASCII
)
_QUALIFIERS: Final = {"E": "1", "R": "3"}
# The event alone stands as it should: its groups are read where blanks divide them, whatever their
# length. Without a qualifier only an alarm is one, since nobody is told of a closing by a guess.
_CID_BEGUN: Final = re.compile(
    r"(?:([136ER])([0-9]{3})|(1[0-9]{2})(?= |$))"
    r"(?: +([0-9A-F]{1,2})(?= |$))?(?: +([0-9A-F]{1,4})(?= |$))?",
    re.IGNORECASE | re.ASCII,
)
# The sixteen digits of DC-05 on a telephone line: account, 18 or 98, the event, a checksum.
_CLASSIC: Final = re.compile(
    r"([0-9A-F]{4}) ?(?:18|98) ?([136])([0-9A-F]{3}) ?([0-9A-F]{2}) ?([0-9A-F]{3}) ?[0-9A-F]",
    re.IGNORECASE | re.ASCII,
)
_CLASSIC_SUM: Final = 15
_BARE_ACCOUNT: Final = re.compile(r"[0-9A-Fa-f]{1,8}|[0-9A-Fa-f]{10,16}")  # nine are an event

# A value ends where the slash, the code or the next modifier begins: `ri1/CL501`, `ri1CL0`,
# `ti19:44/id1/RP`, `id3ri2FA3`. One in hex needs its slash, because `BA` in `ri1BA2` is a burglary
# and not part of the area's number.
_MODIFIER: Final = re.compile(r"([a-z]{2})(?:([0-9][0-9:.-]*)(?:/|(?=[A-Za-z])|$)|([0-9A-F:.-]*)/)")
# An address has a digit and is short. What else stands there may be anything, a person's name or
# number too, so it is text, which is sealed.
_ADDRESS: Final = re.compile(r"(?=[A-Za-z]*[0-9])[0-9A-Za-z]{1,8}")
_FIELDS: Final = (
    r"([A-Z]{2})%s([^/^*|]*)"
    r"(?:\^([^^]*)(?:\^|$)|\*'([^']*)'[A-Z]{2})?"  # `^text^`, or XSIA's `*'text'NM`
)
_EVENT: Final = re.compile(_FIELDS % "")
# Behind something that is none a code must not be the beginning of a word.
_PLAIN_EVENT: Final = re.compile(_FIELDS % "(?=[0-9A-Za-z]{0,7}[0-9]|[^0-9A-Za-z]|$)")
_MARK: Final = re.compile(r"[|^]")
_NEW_BLOCK: Final = re.compile(r"\|[NO](?:[a-z]{2}[0-9A-F:.-]+/?)*[A-Z]{2}(?![A-Za-z])")


class Event(NamedTuple):
    """One thing that a device says; without a code: what could not be read of it, as text."""

    code: str
    qualifier: str = ""
    zone: str = ""
    partition: str = ""
    text: str = ""


def contact_id(text: str, account: str | None) -> list[Event]:
    """DC-05 in DC-07: `#acct|QEEE GG CCC`, qualifier, event, partition, zone or user; at least one
    event. `account`: the header's."""
    blocks, other = _without_account(text.split("|"), account)
    opening, *others = blocks
    if others and _BARE_ACCOUNT.fullmatch(opening):
        events, said, unread = _contact_id_blocks(others)
        if events:  # it is an account, and not the header's; else it may be an event
            return _told(text, events, f"{opening} {said}".strip(), unread)
    events, said, unread = _contact_id_blocks(blocks)
    return _told(text, events, f"{other} {said}".strip(" ") if other else said, unread)


def _contact_id_blocks(blocks: list[str]) -> tuple[list[Event], str, list[str]]:
    events: list[Event] = []
    unread: list[str] = []
    said = ""
    for block in blocks:
        if block[:1] == "A" and events:
            said += block[1:]
            continue
        for part in filter(None, map(str.strip, block.split("/"))):
            event = _contact_id_event(part) if len(events) < EVENTS_MAX else None
            if event is None:
                unread.append(part)
            else:
                events.append(event)
    return events, said, unread


def _is_sum_right(part: str) -> bool:
    """The digits add up to a multiple of 15, a 0 counting as 10."""
    digits = (int(digit, 16) for digit in part if digit != " ")
    return sum(digit or 10 for digit in digits) % _CLASSIC_SUM == 0


def _contact_id_event(part: str) -> Event | None:
    classic = _CLASSIC.fullmatch(part)
    if classic is not None:
        _, qualifier, code, partition, zone = map(str.upper, classic.groups())
        return Event(code, qualifier, zone, partition, "" if _is_sum_right(part) else part)
    found = _CID.fullmatch(part)
    if found is not None:
        qualifier, code, partition, zone = found.group(1, 2, 3, 4)
        rest = ""
    else:
        found = _CID_BEGUN.match(part)
        if found is None:
            return None
        qualifier, code, alarm, partition, zone = found.groups(default="")
        qualifier, code = (qualifier, code) if code else ("1", alarm)
        rest = part[found.end() :].strip()
    qualifier = qualifier.upper()
    return Event(
        code.upper(), _QUALIFIERS.get(qualifier, qualifier), zone.upper(), partition.upper(), rest
    )


def sia(text: str, account: str | None) -> list[Event]:
    """DC-03 in DC-07: `#acct|N` with modifiers and events between slashes, `|A` with a text; at
    least one event. `account`: the header's."""
    events: list[Event] = []
    unread: list[str] = []
    blocks, said = _without_account(_sia_blocks(text), account)
    for block in blocks:
        if block[:1] == "A" and events:
            said += block[1:]
            continue
        if block.isdecimal():  # AlphaVision XL: `#0001|0|NRP`
            said += block
            continue
        found, rest = _sia_block(block.strip(), EVENTS_MAX - len(events))
        events += found
        unread += rest
    return _told(text, events, said, unread)


def _told(text: str, events: list[Event], said: str, unread: list[str]) -> list[Event]:
    """The events, each with what is `said` of all of them; behind them what could not be read."""
    if not events:
        return [Event("", text=text)]
    if said:
        events = [e._replace(text=f"{e.text} {said}" if e.text else said) for e in events]
    return [*events, Event("", text="|".join(unread))] if unread else events


def _without_account(blocks: list[str], account: str | None) -> tuple[list[str], str]:
    """The blocks of the data without the account that opens them, and that account, with its `#`,
    where it is another than the header's."""
    opening = blocks[0].strip()
    if len(blocks) > 1 and (opening[:1] in ("", "#") or opening == account):
        return blocks[1:], opening if is_other_account(opening.removeprefix("#"), account) else ""
    return blocks, ""


def is_other_account(inner: str, account: str | None) -> bool:
    """Whether the data names an account and not that of the header, which is the one that a message
    is kept under: in an encrypted frame anybody may have changed the header. Zeros name nobody."""
    named = inner.lstrip("0").upper()
    return named not in ("", (account or inner).lstrip("0").upper())


def _sia_blocks(text: str) -> list[str]:
    """What `|` divides. One between carets belongs to the text, but for one behind which events
    begin: then the caret before it was never closed."""
    if "^" not in text:
        return text.split("|")
    blocks: list[str] = []
    start = at = 0
    while (mark := _MARK.search(text, at)) is not None:
        at = mark.end()
        if mark[0] == "|":
            blocks.append(text[start : mark.start()])
            start = at
            continue
        closing = text.find("^", at)
        has_end = text[closing + 1 : closing + 2] in ("", "/", "|")
        inside = text[at : max(closing, at)]
        if "|" not in inside or (has_end and _NEW_BLOCK.search(inside) is None):
            at = max(closing + 1, at)
    return [*blocks, text[start:]]


def _sia_block(block: str, room: int) -> tuple[list[Event], list[str]]:
    """The events of one block, `room` at most, and what in it is none.

    N (new) and O (old) open a block of events. They are also first letters of codes: `NNL2` is
    code NL, and `OP3` without an N is an opening.
    """
    found, unread = _sia_events(block[1:] if block[:1] in ("N", "O") else block, room)
    if (unread or not found) and block[:1] in ("N", "O"):
        whole = _sia_events(block, room)
        if len(whole[0]) > len(found):
            found, unread = whole
    return (found, unread) if found else ([], [block] if block else [])


def _sia_events(block: str, room: int) -> tuple[list[Event], list[str]]:
    """The modifiers before an event hold for those behind it too: `ri` is the partition; `id`
    (user) and `pi` (peripheral) stand for the zone where the event names none. `ti` and `da` are
    the panel's wall clock without a zone, so they date nothing; they stay in the original."""
    events: list[Event] = []
    unread: list[str] = []
    modifiers: dict[str, str] = {}
    position, grammar = 0, _EVENT
    while position < len(block):
        if block[position] in "/ ":
            position += 1
            continue
        modifier = _MODIFIER.match(block, position)
        if modifier is not None:
            modifiers[modifier[1]] = modifier[2] or modifier[3] or ""
            position = modifier.end()
            continue
        event = grammar.match(block, position)
        if event is None or len(events) == room:
            end = block.find("/", position) if len(events) < room else -1
            end = len(block) if end < 0 else end
            unread.append(block[position:end])
            position, grammar = end, _PLAIN_EVENT
            continue
        events.append(_sia_event(event, modifiers))
        position = event.end()
        if block[position : position + 1] not in ("", "/", " "):
            grammar = _PLAIN_EVENT
    return events, unread


def _sia_event(found: re.Match[str], modifiers: dict[str, str]) -> Event:
    code, address, caret, named = found.groups()
    named_zone, rest = _zone_and_rest(address.strip())
    known = {name: value for name, value in modifiers.items() if _ADDRESS.fullmatch(value)}
    zone = named_zone or known.get("id") or known.get("pi") or ""
    other = (modifiers[name] for name in ("ri", "id", "pi") if name in modifiers.keys() - known)
    said = " ".join(filter(None, (*other, rest, (caret or named or "").strip())))
    return Event(code, "", zone, known.get("ri", ""), said)


def _zone_and_rest(address: str) -> tuple[str, str]:
    """The zone at the beginning of an address, and what stands behind it."""
    first, _, rest = address.partition(" ")
    return (first, rest.strip()) if _ADDRESS.fullmatch(first) else ("", address)
