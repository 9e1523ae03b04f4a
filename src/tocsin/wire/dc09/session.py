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
from tocsin.wire.dc09.states import STREAM, Byte, Report, Stream
from tocsin.wire.dc09.strangers import Stranger, stranger

_LF: Final = LF[0]
_BLANK: Final = b"\r\n\x00 \t"  # between frames these say nothing (a G90B sends NUL after CR)
_RAW_CRC_ENDS: Final = 3  # behind LF and two bytes
# What every frame passes, at hand: Python 3.11 takes 0.15 us to find a member of an enumeration.
_BETWEEN, _INSIDE = Stream.BETWEEN, Stream.INSIDE
_FRAME, _RUBBISH = Report.FRAME, Report.RUBBISH
_AT_LF: Final = {state: STREAM[state, Byte.LF] for state in Stream}
_AT_CR: Final = {state: STREAM[state, Byte.CR] for state in Stream}
_DEAF: Final = frozenset(
    state
    for state in Stream
    if all(then == (state, Report.NOTHING) for (at, _), then in STREAM.items() if at is state)
)
"""States that nothing changes: what still comes there is not even kept."""
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


NoFrame = Refused | Foreign
Event = Received | NoFrame
Place = list[bytes | None]  # one element: the answer, None until it is decided


class Session:
    """The stream of one connection, or of one datagram.

    A frame runs from LF to the next CR; both occur nowhere else in DC-09, but for the two bytes of
    a binary CRC, so the stream is found again at the next LF after anything. However the bytes are
    cut into segments, the events are the same. Never holds more than `frame_bytes_max` plus one
    segment. What follows what, and what is reported then, is looked up in `states.STREAM`.

    Answers leave in the order in which their frames came: `expect_answer` when a frame is taken in
    hand, `answer` when it is decided (b"" for silence), `data_to_send` for what may go out now.
    """

    __slots__ = (
        "_answers",
        "_buffer",
        "_frame_bytes_max",
        "_is_new",
        "_position",
        "_rubbish",
        "nul_after_cr",
        "state",
    )

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_LARGEST) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._buffer = b""
        self._position = 0  # of the first byte not yet gone through, or of the open frame's LF
        self._rubbish = b""  # what came outside of any frame and is not yet reported
        self._answers: deque[Place] = deque()
        self._is_new = True  # nothing was reported yet: it may still be another protocol
        self.state = _BETWEEN
        """Where the bytes have come to. For its reader; only the table changes it."""
        self.nul_after_cr = False
        """A NUL came between frames, as a G90B sends it. Its reader may set it back."""

    @property
    def is_waiting_for_more(self) -> bool:
        """A frame was begun, or something else sent, and has not been ended."""
        if self.state is _INSIDE:
            return bool(self._buffer[self._position :].strip(_BLANK))
        return self.state is Stream.PASSING or self._rubbish != b""

    @property
    def answers_open(self) -> int:
        """How many frames' answers have not left yet."""
        return len(self._answers)

    def receive_data(self, data: bytes) -> None:
        """Takes one segment; follow with `events_received`."""
        if self.state in _DEAF:
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
        while (start := self._position) < len(self._buffer):
            buffer, cut, inside = self._buffer, start, self.state is _INSIDE
            if inside or buffer[start] != _LF:  # nearly every segment begins with one
                cut = self._next_mark(start + inside)
                if inside and 0 <= cut < start + _RAW_CRC_ENDS:
                    cut = self._behind_raw_crc(start, cut)
                if cut != start and ((others := self._others(start, cut)) or cut < 0):
                    return others
            self.state, report = (_AT_LF if buffer[cut] == _LF else _AT_CR)[self.state]
            self._position = cut if self.state is _INSIDE else cut + 1
            event: Event | None
            if report is _FRAME:
                event = self._frame(buffer[start : cut + 1])
            elif report is _RUBBISH and not self._rubbish:
                continue
            else:
                event = self._reported(report, buffer[start : self._position])
            if event is not None:
                self._is_new = False
                return event
        return None

    def abandon(self) -> NoFrame | None:
        """Gives up what is unfinished (silence, or the sender has gone) and says what it was."""
        unfinished = self._buffer[self._position :]
        self._buffer, self._position = b"", 0
        return self._step(Byte.END, unfinished)

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

    def _others(self, start: int, cut: int) -> NoFrame | None:
        """The bytes before the next mark, all of them `other`; `cut` -1: no mark is there yet."""
        buffer, most = self._buffer, self._frame_bytes_max
        end = cut if cut >= 0 else len(buffer)
        if self.state is _INSIDE:
            # The CR is the frame's own last byte; an LF is the next one's first.
            if end - start + (cut >= 0 and buffer[cut] != _LF) <= most:
                return None  # kept until its end comes
            end, what = start + most, Byte.TOO_LONG
        else:
            what = Byte.OTHER
        others, name = buffer[start:end], None
        if self.state is _BETWEEN and (found := self._note(others)):
            name, others = found
            what = Byte.STRANGER
        if cut >= 0:
            self._position = cut
        else:
            self._buffer, self._position = b"", 0
        return self._step(what, others, name)

    def _step(self, what: Byte, raw: bytes, name: Stranger | None = None) -> NoFrame | None:
        """One step by the table. `raw`: the open frame, or what is a stranger's; `name`: whose."""
        self.state, report = STREAM[self.state, what]
        event = self._reported(report, raw, name)
        self._is_new = self._is_new and event is None
        return event

    def _reported(self, report: Report, raw: bytes, name: Stranger | None = None) -> NoFrame | None:
        """What the table wants reported of what is no frame, where there is anything to say."""
        match report:
            case Report.CUT_SHORT:
                return self._refused(raw, Reason.CUT_SHORT)
            case Report.OVERSIZED:
                return Refused(raw, Reason.OVERSIZED)
            case Report.RUBBISH if self._rubbish:
                rubbish, self._rubbish = self._rubbish, b""
                return Refused(rubbish, Reason.RUBBISH)
            case Report.FOREIGN if name is not None:
                self._buffer, self._position, self._rubbish = b"", 0, b""
                return Foreign(raw, name)
        return None

    def _frame(self, raw: bytes) -> Event | None:
        """What stands from an LF to its CR."""
        try:
            if raw[10:11] == b"*":  # behind the header and the quote: encrypted
                if (sealed := usual_sealed(raw)) is not None:
                    return Received(raw, sealed.account.decode(), sealed=sealed)
            elif (found := usual(raw)) is not None:
                return Received(raw, *found)
            frame = decode(raw)
        except BadFrame as bad:
            return self._refused(raw, bad.reason)
        return Received(raw, frame.account, None, None, frame)

    def _refused(self, raw: bytes, reason: Reason) -> NoFrame | None:
        """A frame that is none; at the beginning of a stream it may be another protocol's."""
        if not raw.strip(_BLANK):
            return None
        if self._is_new and (found := stranger(raw[1:])):
            return self._step(Byte.STRANGER, raw, found[0])
        return Refused(raw, reason)

    def _note(self, outside: bytes) -> tuple[Stranger, bytes] | None:
        """Keeps what came between frames, within the limit; says whether it is a stranger's."""
        if not self._rubbish:
            said = outside.lstrip(_BLANK)
            if b"\x00" in outside[: len(outside) - len(said)]:
                self.nul_after_cr = True
            outside = said
        self._rubbish += outside[: self._frame_bytes_max - len(self._rubbish)]
        return stranger(self._rubbish) if self._is_new else None
