"""What every protocol promises of its codec and its session, whatever the protocol is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hypothesis import given, settings
from hypothesis import strategies as st


class AnySession(Protocol):
    def receive_data(self, data: bytes) -> None: ...

    def next_event(self) -> Any: ...


@dataclass(frozen=True)
class Wire:
    """One protocol as the promises need it. `frames`: whole frames in their canonical form."""

    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]
    bad_frame: type[Exception]
    session: Callable[[], AnySession]
    frames: Sequence[bytes]


def events(wire: Wire, *segments: bytes) -> list[Any]:
    session = wire.session()
    found = []
    for segment in segments:
        session.receive_data(segment)
        while (event := session.next_event()) is not None:
            found.append(event)
    return found


def singly(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def keeps_its_promises(wire: Wire, rubbish: st.SearchStrategy[bytes]) -> None:
    """Fails where a promise is broken. `rubbish` should look like the protocol, to get deep."""
    for raw in wire.frames:
        assert wire.encode(wire.decode(raw)) == raw
        whole = events(wire, raw)
        assert [event.raw for event in whole] == [raw]
        assert events(wire, *singly(raw)) == whole
        assert events(wire, raw + raw) == whole * 2
        assert events(wire, raw[:7], raw[7:] + raw[:20], raw[20:]) == whole * 2
    everything = b"".join(wire.frames)
    assert [event.raw for event in events(wire, everything)] == list(wire.frames)

    @settings(max_examples=1_500, deadline=None)
    @given(rubbish)
    def rubbish_raises_only_bad_frame(data: bytes) -> None:
        try:
            frame = wire.decode(data)
        except wire.bad_frame:
            return
        assert wire.decode(wire.encode(frame)) == frame

    @settings(max_examples=700, deadline=None)
    @given(st.lists(st.one_of(rubbish, st.sampled_from(wire.frames)), max_size=6), st.data())
    def segments_do_not_matter(parts: list[bytes], data: st.DataObject) -> None:
        stream = b"".join(parts)
        whole = events(wire, stream)
        assert events(wire, *singly(stream)) == whole
        cut = data.draw(st.integers(0, len(stream)))
        assert events(wire, stream[:cut], stream[cut:]) == whole

    @settings(max_examples=300, deadline=None)
    @given(rubbish, st.sampled_from(wire.frames))
    def a_frame_is_found_again_after_anything(data: bytes, raw: bytes) -> None:
        assert events(wire, data, raw)[-1].raw == raw

    rubbish_raises_only_bad_frame()
    segments_do_not_matter()
    a_frame_is_found_again_after_anything()
