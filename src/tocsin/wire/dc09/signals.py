"""What a DC-09 frame says: SIA-DCS, ADM-CID and NULL to signals. Nothing that was sent is lost:
what no grammar here reads becomes a signal without a code, with the device's own text."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from tocsin.core.code_tables import meaning
from tocsin.core.signals import Effect, Position, SignalRead
from tocsin.wire.dc09.dialects import NO_TIME
from tocsin.wire.dc09.events import Event, contact_id, is_other_account, sia
from tocsin.wire.dc09.frames import Frame
from tocsin.wire.dc09.xdata import Extra, extra, text_of

SIA_DCS: Final = "SIA-DCS"
ADM_CID: Final = "ADM-CID"
NULL: Final = "NULL"
TOKENS: Final = frozenset({SIA_DCS, ADM_CID, NULL})
TEXT_CHARS_MAX: Final = 4_096  # what a frame can hold; nothing of it is cut off
FURTHER_TEXT_CHARS_MAX: Final = 1_024  # of the second and further events of one frame
RIGHT_WITHIN: Final = timedelta(minutes=10)

# What nearly every frame of the field is; read at once, with the outcome of the longer way.
_USUAL_CID: Final = re.compile(r"#([0-9A-Za-z]*)\|([136])([0-9A-F]{3}) ([0-9A-F]{2}) ([0-9A-F]{3})")
_USUAL_SIA: Final = re.compile(r"#([0-9A-Za-z]*)\|N(?:ri([0-9]{1,8})/?)?([A-Z]{2})([0-9]{0,8})")
_NOTHING_TO_SAY: Final = re.compile(r"(?:#?[0-9A-Za-z]*\|)?[0 ]*")


def is_about(at: datetime, now: datetime) -> bool:
    """Whether a time is about that of now, so that no zone need be taken from it."""
    return abs(at - now) <= RIGHT_WITHIN


def read(
    frame: Frame, clock_ahead: timedelta = NO_TIME, now: datetime | None = None
) -> tuple[SignalRead, ...]:
    """The signals of a frame in clear, in the order sent; at least one, and never an error.

    NULL is one signal without a code: "I am here". So is everything that cannot be read, its data
    being the text. `clock_ahead`: of GMT, what the panel's clock shows. `now` where that was only
    learnt: then an occurred_at that is about right stays as it is.
    """
    frame, events = _events(frame)
    occurred_at = frame.sent_at
    if not frame.xdata and len(events) == 1 and not clock_ahead:
        return (_signal(frame, events[0], occurred_at),)
    besides = extra(frame.xdata)
    occurred_at = besides.occurred_at or occurred_at
    is_right = now is not None and occurred_at is not None and is_about(occurred_at, now)
    if clock_ahead and not is_right:
        occurred_at = _by_gmt(occurred_at, clock_ahead)
    first, *others = events
    return (
        _signal(frame, first, occurred_at, besides),
        *(
            _signal(
                *(frame, one, occurred_at, besides),
                FURTHER_TEXT_CHARS_MAX if one.code else TEXT_CHARS_MAX,
            )
            for one in others
        ),
    )


def _events(frame: Frame) -> tuple[Frame, list[Event]]:
    """What the data says, and the frame under the token that it was read by."""
    text = text_of(frame.data)
    if frame.token == ADM_CID:
        usual = _USUAL_CID.fullmatch(text)
        if usual is not None and (
            usual[1] == frame.account or not is_other_account(usual[1], frame.account)
        ):
            _, qualifier, code, partition, zone = usual.groups()
            events = [Event(code, qualifier, zone, partition)]
        else:
            events = contact_id(text, frame.account)
    elif frame.token == SIA_DCS:
        usual = _USUAL_SIA.fullmatch(text)
        if usual is not None and (
            usual[1] == frame.account or not is_other_account(usual[1], frame.account)
        ):
            _, partition, code, zone = usual.groups()
            events = [Event(code, "", zone, partition or "")]
        else:
            events = sia(text, frame.account)
    elif frame.token == NULL and _NOTHING_TO_SAY.fullmatch(text):
        events = [Event("")]
    else:
        token = frame.token.upper()
        if token.lstrip("*").startswith((ADM_CID, SIA_DCS)):  # ADM-CIDX, adm-cid: plain enough
            frame = frame._replace(token=token.lstrip("*"))
        if frame.token.startswith(ADM_CID):
            events = contact_id(text, frame.account)
        elif frame.token.startswith(SIA_DCS):
            events = sia(text, frame.account)
        else:
            events = [Event("", text=text)]
    return frame, events


def swapped(signal: SignalRead) -> SignalRead:
    """A signal in Contact ID of a panel that has user or zone in the two digits of the partition,
    and the partition in the three of the zone (pysiaalarm, issue 76: U-Prox)."""
    if not signal.token.startswith(ADM_CID) or not signal.code:
        return signal
    return replace(signal, zone=signal.partition.rjust(3, "0"), partition=signal.zone[-2:])


def unread(frame: Frame, clock_ahead: timedelta = NO_TIME) -> SignalRead:
    """The signal of a frame whose content is closed to us, as with a wrong key, or does not count:
    who sent it, and when by its clock, where it was opened."""
    return _signal(frame, Event(""), _by_gmt(frame.sent_at, clock_ahead))


def _by_gmt(at: datetime | None, clock_ahead: timedelta) -> datetime | None:
    try:
        return None if at is None else at - clock_ahead
    except OverflowError:  # in the first or last hours that a calendar has: it says nothing
        return None


def is_poll(frame: Frame) -> bool:
    """The device only says that it is there."""
    return frame.token == NULL and _NOTHING_TO_SAY.fullmatch(text_of(frame.data)) is not None


def _signal(
    frame: Frame,
    event: Event,
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
