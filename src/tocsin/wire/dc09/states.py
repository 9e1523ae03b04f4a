"""The two machines of a sender's bytes and of its connection, as tables: state and event to next
state and action. The page of the protocol draws them; session.py and edge/dc09 go by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, TypeVar


class Stream(StrEnum):
    """Where a sender's bytes have come to."""

    BETWEEN = "between"  # no frame is open
    INSIDE = "inside"  # an LF was seen, its CR was not
    PASSING = "passing"  # the rest of an oversized frame goes by
    STRANGE = "strange"  # another protocol: nothing is read any more


class Byte(StrEnum):
    """What comes. The two raw bytes of a binary CRC are `other`, whatever they are."""

    LF = "lf"
    CR = "cr"
    OTHER = "other"
    TOO_LONG = "too_long"  # the open frame is longer than the limit
    STRANGER = "stranger"  # the stream began as another protocol does
    END = "end"  # silence for too long, or the sender has gone


class Report(StrEnum):
    """What is said of the bytes since the last report. Blank bytes are reported as nothing."""

    NOTHING = "nothing"
    FRAME = "frame"  # decoded: a frame, a refusal with its reason, or at the beginning a stranger
    CUT_SHORT = "cut_short"
    RUBBISH = "rubbish"
    OVERSIZED = "oversized"
    FOREIGN = "foreign"


STREAM: Final[Mapping[tuple[Stream, Byte], tuple[Stream, Report]]] = {
    (Stream.BETWEEN, Byte.LF): (Stream.INSIDE, Report.RUBBISH),
    (Stream.BETWEEN, Byte.CR): (Stream.BETWEEN, Report.RUBBISH),
    (Stream.BETWEEN, Byte.OTHER): (Stream.BETWEEN, Report.NOTHING),
    (Stream.BETWEEN, Byte.STRANGER): (Stream.STRANGE, Report.FOREIGN),
    (Stream.BETWEEN, Byte.END): (Stream.BETWEEN, Report.RUBBISH),
    (Stream.INSIDE, Byte.LF): (Stream.INSIDE, Report.CUT_SHORT),
    (Stream.INSIDE, Byte.CR): (Stream.BETWEEN, Report.FRAME),
    (Stream.INSIDE, Byte.OTHER): (Stream.INSIDE, Report.NOTHING),
    (Stream.INSIDE, Byte.TOO_LONG): (Stream.PASSING, Report.OVERSIZED),
    (Stream.INSIDE, Byte.STRANGER): (Stream.STRANGE, Report.FOREIGN),
    (Stream.INSIDE, Byte.END): (Stream.BETWEEN, Report.CUT_SHORT),
    (Stream.PASSING, Byte.LF): (Stream.INSIDE, Report.NOTHING),
    (Stream.PASSING, Byte.CR): (Stream.BETWEEN, Report.NOTHING),
    (Stream.PASSING, Byte.OTHER): (Stream.PASSING, Report.NOTHING),
    (Stream.PASSING, Byte.END): (Stream.BETWEEN, Report.NOTHING),
    (Stream.STRANGE, Byte.LF): (Stream.STRANGE, Report.NOTHING),
    (Stream.STRANGE, Byte.CR): (Stream.STRANGE, Report.NOTHING),
    (Stream.STRANGE, Byte.OTHER): (Stream.STRANGE, Report.NOTHING),
    (Stream.STRANGE, Byte.END): (Stream.STRANGE, Report.NOTHING),
}


class Stage(StrEnum):
    """How far a connection has come."""

    OPENED = "opened"  # nobody knows yet who it is
    HEARD = "heard"  # it has sent a whole, right frame
    LEAVING = "leaving"  # the sender has closed its side; answers are on their way
    CLOSED = "closed"


class Happening(StrEnum):
    """What happens to a connection."""

    FRAME = "frame"  # whole and right, whatever it says
    REFUSED = "refused"  # bytes that are no frame
    STRANGER = "stranger"  # another protocol
    NO_FRAME_YET = "no_frame_yet"  # `first_frame_s` have passed
    SILENCE = "silence"  # no frame for `idle_s`
    HALF_FRAME = "half_frame"  # a frame begun and not ended for `half_frame_s`
    SENDER_DONE = "sender_done"  # the sender has closed its side, and all is answered
    SENDER_WAITS = "sender_waits"  # the sender has closed its side, and waits for answers
    ALL_ANSWERED = "all_answered"  # the last answer of a sender that waits has left
    STOP = "stop"  # the process ends; what was in flight is answered, or its time is up
    LOST = "lost"  # the connection is gone


class Deed(StrEnum):
    """What is done about it."""

    TAKE = "take"  # kept first, then answered
    COUNT = "count"  # under its reason; the sender hears nothing
    SEND_AWAY = "send_away"  # counted by name; hears what it understands, then closed
    COUNT_AND_CLOSE = "count_and_close"
    CLOSE = "close"
    WAIT = "wait"
    NOTHING = "nothing"


_ENDS: Final = {
    Happening.HALF_FRAME: (Stage.CLOSED, Deed.CLOSE),
    Happening.STOP: (Stage.CLOSED, Deed.CLOSE),
    Happening.LOST: (Stage.CLOSED, Deed.NOTHING),
}
CONNECTION: Final[Mapping[tuple[Stage, Happening], tuple[Stage, Deed]]] = {
    (Stage.OPENED, Happening.FRAME): (Stage.HEARD, Deed.TAKE),
    (Stage.OPENED, Happening.REFUSED): (Stage.OPENED, Deed.COUNT),
    (Stage.OPENED, Happening.STRANGER): (Stage.CLOSED, Deed.SEND_AWAY),
    (Stage.OPENED, Happening.NO_FRAME_YET): (Stage.CLOSED, Deed.COUNT_AND_CLOSE),
    (Stage.OPENED, Happening.SENDER_DONE): (Stage.CLOSED, Deed.CLOSE),
    **{(Stage.OPENED, one): then for one, then in _ENDS.items()},
    (Stage.HEARD, Happening.FRAME): (Stage.HEARD, Deed.TAKE),
    (Stage.HEARD, Happening.REFUSED): (Stage.HEARD, Deed.COUNT),
    (Stage.HEARD, Happening.SILENCE): (Stage.CLOSED, Deed.CLOSE),
    (Stage.HEARD, Happening.SENDER_DONE): (Stage.CLOSED, Deed.CLOSE),
    (Stage.HEARD, Happening.SENDER_WAITS): (Stage.LEAVING, Deed.WAIT),
    **{(Stage.HEARD, one): then for one, then in _ENDS.items()},
    (Stage.LEAVING, Happening.ALL_ANSWERED): (Stage.CLOSED, Deed.CLOSE),
    (Stage.LEAVING, Happening.SILENCE): (Stage.CLOSED, Deed.CLOSE),
    **{(Stage.LEAVING, one): then for one, then in _ENDS.items()},
}
"""What is not in the table does not happen, or changes nothing: a closed connection stays so."""

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)
Then = TypeVar("Then", bound=StrEnum)


def diagram(
    begins: State, table: Mapping[tuple[State, Event], tuple[State, Then]]
) -> Iterator[str]:
    """The table as a state diagram in Mermaid; arrows between the same two states are one."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {begins}"
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, event), (following, then) in table.items():
        said = event if then == "nothing" else f"{event} / {then}"
        arrows.setdefault((state, following), []).append(said)
    for (state, following), said_all in arrows.items():
        yield f"    {state} --> {following}: {', '.join(said_all)}"
    yield "```"
