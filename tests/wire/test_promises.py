"""The harness of the wire's promises fails where a promise is broken."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from promises import Wire, keeps_its_promises


def test_a_broken_codec_is_caught() -> None:
    """The harness itself fails for a session that takes one segment for one frame."""

    class OneSegmentOneFrame:
        def __init__(self) -> None:
            self.waiting: list[bytes] = []

        def receive_data(self, data: bytes) -> None:
            self.waiting.append(data)

        def next_event(self) -> Any:
            return Event(self.waiting.pop()) if self.waiting else None

    @dataclass(frozen=True)
    class Event:
        raw: bytes

    wire = Wire(bytes, bytes, ValueError, OneSegmentOneFrame, [b"\nsomething longer\r"])
    with pytest.raises(AssertionError):
        keeps_its_promises(wire, st.binary())
