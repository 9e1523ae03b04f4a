"""One sender's bytes, without the socket: segments in, frames and refusals out, answers in order.
Shape of h11 and websockets: `receive_data`, `events_received`, `data_to_send`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from tocsin.wire.dc09.answers import usual
from tocsin.wire.dc09.frames import (
    CR,
    FRAME_BYTES_LARGEST,
    LF,
    RAW_HEADER,
    RAW_HEADER_BYTES,
    BadFrame,
    Frame,
    Reason,
    decode,
)
from tocsin.wire.dc09.sealed import Sealed, usual_sealed
from tocsin.wire.dc09.states import Stream
from tocsin.wire.dc09.strangers import Stranger, stranger

_LF: Final = LF[0]
_BLANK: Final = b"\r\n\x00 \t"  # between frames these say nothing (a G90B sends NUL after CR)
_RAW_CRC_ENDS: Final = 3  # behind LF and two bytes
_RAW_HEADER_BEGUN: Final = re.compile(rb"\n.{0,2}|\n..0[0-9A-Fa-f]{0,3}", re.DOTALL)


class Received(NamedTuple):
    """A whole frame whose length and CRC are right, with its bytes from LF to CR.

    `ack`: what a known device hears, where no word of the frame changes that; `stamp` its
    timestamp then, as it came. `sealed`: its parts, where it is encrypted and as usual. `frame` is
    read only where it is asked for.
    """

    raw: bytes
    account: str | None
    ack: bytes | None = None
    stamp: bytes | None = None
    decoded: Frame | None = None
    sealed: Sealed | None = None

    @property
    def frame(self) -> Frame:
        return self.decoded or decode(self.raw)


class Refused(NamedTuple):
    """Bytes that are no frame, and why. `raw` holds no more than the session's limit."""

    raw: bytes
    reason: Reason


class Foreign(NamedTuple):
    """The stream began as another protocol does; nothing of it is read any more."""

    raw: bytes
    name: Stranger


Event = Received | Refused | Foreign
Place = list[bytes | None]  # one element: the answer, None until it is decided


class Session:
    """The stream of one connection, or of one datagram.

    A frame runs from LF to the next CR; both occur nowhere else in DC-09, but for the two bytes of
    a binary CRC, so the stream is found again at the next LF after anything. However the bytes are
    cut into segments, the events are the same. Never holds more than `frame_bytes_max` plus one
    segment. What may follow what is in `states.STREAM`.

    Answers leave in the order in which their frames came: `expect_answer` when a frame is taken in
    hand, `answer` when it is decided (b"" for silence), `data_to_send` for what may go out now.
    """

    __slots__ = (
        "_answers",
        "_buffer",
        "_frame_bytes_max",
        "_inside",
        "_is_new",
        "_is_strange",
        "_position",
        "_rubbish",
        "nul_after_cr",
    )

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_LARGEST) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._buffer = b""
        self._position = 0  # of the first byte not yet gone through, or of the open frame's LF
        self._inside = False  # an LF was seen and its CR was not
        # What came outside of any frame and is not yet reported; None while the rest of an
        # oversized frame, which is reported already, passes by.
        self._rubbish: bytes | None = b""
        self._answers: deque[Place] = deque()
        self._is_new = True  # nothing was reported yet: it may still be another protocol
        self._is_strange = False
        self.nul_after_cr = False
        """A NUL came between frames, as a G90B sends it. Its reader may set it back."""

    @property
    def state(self) -> Stream:
        """Where the bytes have come to."""
        if self._is_strange:
            return Stream.STRANGE
        if self._inside:
            return Stream.INSIDE
        return Stream.PASSING if self._rubbish is None else Stream.BETWEEN

    @property
    def is_waiting_for_more(self) -> bool:
        """A frame was begun, or something else sent, and has not been ended."""
        if self._inside:
            return bool(self._buffer[self._position :].strip(_BLANK))
        return self._rubbish != b""

    @property
    def answers_open(self) -> int:
        """How many frames' answers have not left yet."""
        return len(self._answers)

    def receive_data(self, data: bytes) -> None:
        """Takes one segment; follow with `events_received`."""
        if self._is_strange:
            return
        rest = self._buffer[self._position :]
        self._buffer = rest + data if rest else data
        self._position = 0

    def events_received(self) -> Iterator[Event]:
        """What has become whole, in order. May be left early and taken up again later."""
        while (event := self.next_event()) is not None:
            yield event

    def next_event(self) -> Event | None:
        """The next event, or None when more bytes are needed."""
        while True:
            start, buffer = self._position, self._buffer
            if start >= len(buffer):
                return None
            if buffer[start] == _LF and not self._rubbish:
                self._inside = True  # what nearly every segment begins with
            cut = self._next_mark(start + self._inside)
            if cut - start < _RAW_CRC_ENDS:
                if self._inside and cut >= 0:
                    cut = self._behind_raw_crc(start, cut)
                if cut < 0:
                    return self._unfinished()
            event = self._within(start, cut) if self._inside else self._between(start, cut)
            self._inside = buffer[cut] == _LF
            self._position = cut + (not self._inside)
            if event is not None:
                self._is_new = False
                if self._is_strange:
                    self._buffer, self._position, self._inside = b"", 0, False
                return event

    def abandon(self) -> Refused | Foreign | None:
        """Gives up what is unfinished (silence, or the sender has gone) and says what it was."""
        unfinished = self._buffer[self._position :] if self._inside else self._rubbish
        was_inside = self._inside
        self._buffer, self._position, self._inside, self._rubbish = b"", 0, False, b""
        if not unfinished or not unfinished.strip(_BLANK):
            return None
        if was_inside:
            return self._refused(unfinished, Reason.CUT_SHORT)
        return Refused(unfinished, Reason.RUBBISH)

    def expect_answer(self) -> Place:
        """Holds the place of one frame's answer among those of its connection."""
        place: Place = [None]
        self._answers.append(place)
        return place

    def answer(self, place: Place, data: bytes) -> None:
        """Fills a place; b"" where the sender is to hear nothing."""
        place[0] = data

    def data_to_send(self) -> bytes:
        """Every answer that no earlier frame's answer holds back."""
        answers = self._answers
        if len(answers) == 1 and (only := answers[0][0]) is not None:  # a stop-and-wait sender
            answers.clear()
            return only
        ready = []
        while answers and (data := answers[0][0]) is not None:
            ready.append(data)
            answers.popleft()
        return ready[0] if len(ready) == 1 else b"".join(ready)

    def _next_mark(self, start: int) -> int:
        """Where the next LF or CR is; -1 for nowhere yet."""
        cr = self._buffer.find(CR, start)
        lf = self._buffer.find(LF, start, cr if cr >= 0 else len(self._buffer))
        return lf if lf >= 0 else cr

    def _behind_raw_crc(self, start: int, cut: int) -> int:
        """The frame's end, where what looks like one may be a raw byte of its CRC; -1 for not yet
        known."""
        head = self._buffer[start : start + RAW_HEADER_BYTES]
        if RAW_HEADER.fullmatch(head):
            return self._next_mark(start + RAW_HEADER_BYTES)
        return -1 if _RAW_HEADER_BEGUN.fullmatch(head) else cut

    def _unfinished(self) -> Refused | Foreign | None:
        """What is there has no end yet: keep it within the limit, or report it and let it pass."""
        waiting = self._buffer[self._position :]
        if not self._inside:
            found = self._note(waiting)
            self._buffer, self._position = b"", 0
            return found
        if len(waiting) > self._frame_bytes_max:
            self._inside, self._rubbish = False, None
            self._buffer, self._position = b"", 0
            self._is_new = False
            return Refused(waiting[: self._frame_bytes_max], Reason.OVERSIZED)
        return None

    def _within(self, start: int, cut: int) -> Event | None:
        """A frame ends at `cut`, by its CR or because another begins."""
        ended = self._buffer[cut] != _LF
        raw = self._buffer[start : cut + ended]
        self._rubbish = b""
        if len(raw) > self._frame_bytes_max:
            return Refused(raw[: self._frame_bytes_max], Reason.OVERSIZED)
        try:
            if ended:
                if raw[10:11] == b"*":  # behind the header and the quote: encrypted
                    if (sealed := usual_sealed(raw)) is not None:
                        return Received(raw, sealed.account.decode(), sealed=sealed)
                elif (found := usual(raw)) is not None:
                    return Received(raw, *found)
                frame = decode(raw)
                return Received(raw, frame.account, None, None, frame)
            reason = Reason.CUT_SHORT
        except BadFrame as bad:
            reason = bad.reason
        return self._refused(raw, reason) if raw.strip(_BLANK) else None

    def _refused(self, raw: bytes, reason: Reason) -> Refused | Foreign:
        """A frame that is none; at the beginning of a stream it may be another protocol's."""
        found = stranger(raw[1:]) if self._is_new else None
        if found is None:
            return Refused(raw, reason)
        self._is_strange = True
        return Foreign(raw, found[0])

    def _between(self, start: int, cut: int) -> Refused | Foreign | None:
        """No frame is open; whatever stands before `cut` is none."""
        if start < cut and (found := self._note(self._buffer[start:cut])):
            return found
        rubbish, self._rubbish = self._rubbish, b""
        return Refused(rubbish, Reason.RUBBISH) if rubbish else None

    def _note(self, outside: bytes) -> Foreign | None:
        if self._rubbish is None:
            return None
        if not self._rubbish:
            said = outside.lstrip(_BLANK)
            if b"\x00" in outside[: len(outside) - len(said)]:
                self.nul_after_cr = True
            outside = said
        self._rubbish += outside[: self._frame_bytes_max - len(self._rubbish)]
        if self._is_new and (found := stranger(self._rubbish)):
            self._is_strange, self._rubbish = True, b""
            return Foreign(found[1], found[0])
        return None
