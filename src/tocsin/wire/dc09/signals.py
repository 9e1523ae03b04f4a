"""What a DC-09 frame says: SIA-DCS, ADM-CID and NULL to signals. Nothing that was sent is lost:
what no grammar here reads becomes a signal without a code, with the device's own text."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tocsin.core.code_tables import meaning
from tocsin.core.signals import Effect, Position, SignalRead
from tocsin.wire.dc09.dialects import NO_TIME
from tocsin.wire.dc09.frames import Frame
from tocsin.wire.dc09.xdata import Extra, extra, text_of

SIA_DCS: Final = "SIA-DCS"
ADM_CID: Final = "ADM-CID"
NULL: Final = "NULL"
TOKENS: Final = frozenset({SIA_DCS, ADM_CID, NULL})
TEXT_CHARS_MAX: Final = 4_096  # what a frame can hold; nothing of it is cut off
FURTHER_TEXT_CHARS_MAX: Final = 1_024  # of the second and further signals of one frame
SIGNALS_MAX: Final = 64  # of one frame; what stands behind them is kept as text
RIGHT_WITHIN: Final = timedelta(minutes=10)

_CID: Final = re.compile(r"([136])([0-9A-F]{3}) ?([0-9A-F]{2}) ?([0-9A-F]{3})")
# A value ends where the slash or the code begins: `ri1/CL501`, `ri1CL0`, `ti19:44/id1/RP`. One in
# hex needs its slash, because `BA` in `ri1BA2` is a burglary and not part of the area's number.
_MODIFIER: Final = re.compile(r"([a-z]{2})(?:([0-9][0-9:.-]*)(?:/|(?=[A-Z])|$)|([0-9A-F:.-]*)/)")
# What nearly every frame of the field is; read at once, with the outcome of the longer way.
_USUAL_CID: Final = re.compile(r"#[0-9A-Za-z]*\|([136])([0-9A-F]{3}) ([0-9A-F]{2}) ([0-9A-F]{3})")
_USUAL_SIA: Final = re.compile(r"#[0-9A-Za-z]*\|N(?:ri([0-9]{1,8})/?)?([A-Z]{2})([0-9]{0,8})")
# An address has a digit and is short. What else stands there may be anything, a person's name or
# number too, so it is text, which is sealed.
_ADDRESS: Final = re.compile(r"(?=[A-Za-z]*[0-9])[0-9A-Za-z]{1,8}")
_EVENT: Final = re.compile(
    r"([A-Z]{2})([^/^*|]*)"
    r"(?:\^([^^]*)\^|\*'([^']*)'[A-Z]{2})?"  # `^text^`, or XSIA's `*'text'NM`
)
_NOTHING_TO_SAY: Final = re.compile(r"(?:#?[0-9A-Za-z]*\|)?[0 ]*")


class _Event(NamedTuple):
    code: str
    qualifier: str = ""
    zone: str = ""
    partition: str = ""
    text: str = ""


def is_about(at: datetime, now: datetime) -> bool:
    """Whether a time is about that of now, so that no zone need be taken from it."""
    return abs(at - now) <= RIGHT_WITHIN


def read(
    frame: Frame, clock_ahead: timedelta = NO_TIME, now: datetime | None = None
) -> tuple[SignalRead, ...]:
    """The signals of a frame in clear, in the order sent; at least one, and never an error.

    NULL is one signal without a code: "I am here". So is everything that cannot be read, its data
    being the text. `clock_ahead`: of GMT, what the panel's clock shows. `now` where that was only
    learnt: then a time of occurrence that is about right stays as it is.
    """
    text = text_of(frame.data)
    if frame.token == ADM_CID:
        usual = _USUAL_CID.fullmatch(text)
        if usual is not None:
            qualifier, code, partition, zone = usual.groups()
            events = [_Event(code, qualifier, zone, partition)]
        else:
            events = _contact_id(text, frame.account)
    elif frame.token == SIA_DCS:
        usual = _USUAL_SIA.fullmatch(text)
        if usual is not None:
            partition, code, zone = usual.groups()
            events = [_Event(code, "", zone, partition or "")]
        else:
            events = _sia(text, frame.account)
    elif frame.token == NULL and _NOTHING_TO_SAY.fullmatch(text):
        events = [_Event("")]
    else:
        events = [_Event("", text=text)]
    occurred_at = frame.sent_at
    if not frame.xdata and len(events) == 1 and not clock_ahead:
        return (_signal(frame, events[0], occurred_at),)
    besides = extra(frame.xdata)
    occurred_at = besides.occurred_at or occurred_at
    is_right = now is not None and occurred_at is not None and is_about(occurred_at, now)
    if occurred_at is not None and clock_ahead and not is_right:
        try:
            occurred_at -= clock_ahead
        except OverflowError:  # in the first or last hours that a calendar has: it says nothing
            occurred_at = None
    first, *others = events
    return (
        _signal(frame, first, occurred_at, besides),
        *(_signal(frame, one, occurred_at, besides, FURTHER_TEXT_CHARS_MAX) for one in others),
    )


def unread(frame: Frame) -> SignalRead:
    """The signal of a frame whose content is closed to us, as with a wrong key."""
    return _signal(frame, _Event(""), None)


def is_poll(frame: Frame) -> bool:
    """The device only says that it is there."""
    return frame.token == NULL and _NOTHING_TO_SAY.fullmatch(text_of(frame.data)) is not None


def _signal(
    frame: Frame,
    event: _Event,
    occurred_at: datetime | None,
    besides: Extra | None = None,
    text_chars_max: int = TEXT_CHARS_MAX,
) -> SignalRead:
    code, qualifier, zone, partition, text = event
    position: Position | None = None
    if besides is not None:
        altitude = ""
        if besides.position is not None and _tells_of_danger(frame.token, code, qualifier):
            position = besides.position
            altitude = besides.altitude and f"Z:{besides.altitude}"
        text = " · ".join(filter(None, (text, besides.text, altitude)))
    sequence = frame.sequence
    return SignalRead(
        "dc09",
        frame.token,
        (frame.account or "").upper(),
        frame.receiver,
        frame.line,
        int(sequence) if sequence.isdecimal() else None,
        code,
        qualifier,
        zone,
        partition,
        text[:text_chars_max],
        occurred_at,
        frame.encrypted,
        position=position,
    )


def _tells_of_danger(token: str, code: str, qualifier: str) -> bool:
    """Whether a place belongs to the message. A device that is carried must not leave a trail of
    where it was with every test and every arming, so only alarms keep theirs, and what may be
    one."""
    read_as = SignalRead("dc09", token, "", code=code, qualifier=qualifier, text="-")
    return meaning(read_as).effect in (Effect.ALARM, Effect.UNKNOWN)


def _blocks(text: str, account: str | None) -> list[str]:
    """The blocks of the data, which `|` divides, without the account that opens them."""
    blocks = text.split("|")
    opening = blocks[0]
    if len(blocks) > 1 and (opening[:1] in ("", "#") or opening == account):
        del blocks[0]
    return blocks


def _contact_id(text: str, account: str | None) -> list[_Event]:
    """DC-05 in DC-07: `#acct|QEEE GG CCC`, qualifier, event, partition, zone or user."""
    events: list[_Event] = []
    said = ""
    for block in _blocks(text, account):
        found = _CID.fullmatch(block.strip())
        if found is not None and len(events) < SIGNALS_MAX:
            qualifier, code, partition, zone = found.groups()
            events.append(_Event(code, qualifier, zone, partition))
        elif block[:1] == "A" and events:
            said += block[1:]
        else:
            return [*events, _Event("", text=text)]
    return [event._replace(text=said) for event in events] if said else events


def _sia(text: str, account: str | None) -> list[_Event]:
    """DC-03 in DC-07: `#acct|N` with modifiers and events between slashes, `|A` with a text."""
    events: list[_Event] = []
    said = ""
    for block in _blocks(text, account):
        if block[:1] == "A" and events:
            said += block[1:]
            continue
        if block.isdecimal():  # AlphaVision XL: `#0001|0|NRP`
            said += block
            continue
        # N (new) and O (old) open a block of events. They are also first letters of codes: `NNL2`
        # is code NL, and `OP3` without an N is an opening.
        read_events = (_sia_events(block[1:]) if block[:1] in ("N", "O") else None) or _sia_events(
            block
        )
        if read_events is None or len(events) + len(read_events) > SIGNALS_MAX:
            return [*events, _Event("", text=text)]
        events.extend(read_events)
    if not events:
        return [_Event("", text=text)]
    if said:
        return [e._replace(text=f"{e.text} {said}" if e.text else said) for e in events]
    return events


def _sia_events(block: str) -> list[_Event] | None:
    """The events of one block, or None where it is not wholly understood.

    The modifiers before an event hold for those behind it too: `ri` is the partition; `id` (user)
    and `pi` (peripheral) stand for the zone where the event names none. `ti` and `da` are the
    panel's wall clock without a zone, so they date nothing; they stay in the original.
    """
    events: list[_Event] = []
    modifiers: dict[str, str] = {}
    position = 0
    while position < len(block):
        modifier = _MODIFIER.match(block, position)
        if modifier is not None:
            modifiers[modifier[1]] = modifier[2] or modifier[3] or ""
            position = modifier.end()
            continue
        event = _EVENT.match(block, position)
        if event is None:
            return None
        code, address, caret, named = event.groups()
        named_zone, rest = _zone_and_rest(address.strip())
        known = {name: value for name, value in modifiers.items() if _ADDRESS.fullmatch(value)}
        zone = named_zone or known.get("id") or known.get("pi") or ""
        other = (modifiers[name] for name in ("ri", "id", "pi") if name in modifiers.keys() - known)
        said = " ".join(filter(None, (*other, rest, (caret or named or "").strip())))
        events.append(_Event(code, "", zone, known.get("ri", ""), said))
        position = event.end()
        if block[position : position + 1] == "/":
            position += 1
        elif position < len(block):
            return None
    return events or None


def _zone_and_rest(address: str) -> tuple[str, str]:
    """The zone at the beginning of an address, and what stands behind it."""
    first, _, rest = address.partition(" ")
    return (first, rest.strip()) if _ADDRESS.fullmatch(first) else ("", address)
