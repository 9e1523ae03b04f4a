"""The two tables of DC-09 are what the code does: the session goes by that of the stream, and what
it leaves out for speed is run beside it byte by byte; the connection's is checked for holes. What
is drawn on the page is what is tested here."""

import importlib.util
import itertools
import re
import string
from dataclasses import dataclass, field

import pytest
from dc09_frames import BY_ID, MESSAGES, plain
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tocsin.wire.dc09.frames import (
    RAW_HEADER,
    RAW_HEADER_BYTES,
    BadFrame,
    Form,
    Reason,
    decode,
    wrap,
)
from tocsin.wire.dc09.session import Foreign, Received, Refused, Session
from tocsin.wire.dc09.states import (
    CONNECTION,
    STREAM,
    Byte,
    Deed,
    Happening,
    Report,
    Stage,
    Stream,
    diagram,
)
from tocsin.wire.dc09.strangers import STRANGERS, Stranger, stranger

BLANK = b"\r\n\x00 \t"
LIMIT = 120


@dataclass
class ByTable:
    """The stream by its table, byte by byte, without any shortcut. Slow and plain."""

    state: Stream = Stream.BETWEEN
    open_frame: bytes = b""
    outside: bytes = b""
    is_new: bool = True
    said: list[object] = field(default_factory=list)

    def run(self, stream: bytes) -> None:
        place = 0
        while place < len(stream):
            raw_crc = RAW_HEADER.match(stream[place : place + RAW_HEADER_BYTES])
            begins = self.state is not Stream.STRANGE and stream[place] == 0x0A
            self.byte(stream[place])
            place += 1
            if begins and raw_crc:
                for byte in stream[place : place + 2]:
                    self.step(Byte.OTHER, byte)
                place += 2
        self.end()

    def byte(self, byte: int) -> None:
        self.step({0x0A: Byte.LF, 0x0D: Byte.CR}.get(byte, Byte.OTHER), byte)

    def end(self) -> None:
        self.step(Byte.END, None)

    def step(self, event: Byte, byte: int | None) -> None:
        if self.state is Stream.INSIDE and event in (Byte.OTHER, Byte.CR) and byte is not None:
            self.open_frame += bytes([byte])
            if len(self.open_frame) > LIMIT:
                self.go(Byte.TOO_LONG)
                if event is Byte.OTHER:
                    return
        if self.state is Stream.BETWEEN and event is Byte.OTHER and byte is not None:
            if self.outside or bytes([byte]).strip(BLANK):
                self.outside = (self.outside + bytes([byte]))[:LIMIT]
            if self.is_new and stranger(self.outside):
                self.go(Byte.STRANGER)
                return
        self.go(event)

    def go(self, event: Byte) -> None:
        self.state, report = STREAM[self.state, event]
        if event is Byte.LF and self.state is Stream.INSIDE:
            self.report(report)
            self.open_frame = b"\n"
            return
        self.report(report)

    def report(self, report: Report) -> None:
        frame, outside = self.open_frame, self.outside
        if report is not Report.NOTHING:
            self.open_frame = self.outside = b""
        match report:
            case Report.RUBBISH if outside:
                self.say(Refused(outside, Reason.RUBBISH))
            case Report.FOREIGN:
                found = stranger(outside)
                assert found is not None
                self.say(Foreign(found[1], found[0]))
            case Report.OVERSIZED:
                self.say(Refused(frame[:LIMIT], Reason.OVERSIZED))
            case Report.CUT_SHORT if frame.strip(BLANK):
                self.whole(frame, Reason.CUT_SHORT)
            case Report.FRAME if frame.strip(BLANK):
                try:
                    decode(frame)
                except BadFrame as bad:
                    self.whole(frame, bad.reason)
                else:
                    self.say(Received(frame, None))

    def whole(self, frame: bytes, reason: Reason) -> None:
        """A frame that is none: at the beginning of a stream it may be another protocol's."""
        found = stranger(frame[1:]) if self.is_new and self.state is not Stream.STRANGE else None
        if found is None:
            self.say(Refused(frame, reason))
        else:
            self.state = STREAM[Stream.INSIDE, Byte.STRANGER][0]
            self.say(Foreign(frame, found[0]))

    def say(self, event: object) -> None:
        self.is_new = False
        self.said.append(event)


def by_session(*segments: bytes) -> tuple[list[object], Stream]:
    session, said = Session(LIMIT), []
    for segment in segments:
        session.receive_data(segment)
        said += [
            Received(event.raw, None) if isinstance(event, Received) else event
            for event in session.events_received()
        ]
    state = session.state
    unfinished = session.abandon()
    return said + ([unfinished] if unfinished else []), state


GALAXY, TLS = b"F#123456", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
OSBORNE = b"\n01010053\"SIA-DCS\"0007R0075L0001[#001465|NRP000*'X'NM]7C96|#001465\r\x00"
pieces = st.one_of(
    st.sampled_from([c.raw for c in MESSAGES if len(c.raw) <= LIMIT]),
    st.sampled_from([b"\n", b"\r", b"\x00", b" ", b"\r\n", b'\n\n0029"', b'\n\r0029"', b"\n\r\n"]),
    st.sampled_from(
        [GALAXY, TLS, OSBORNE, b"GET / HTTP/1.1\r\n", b"SSH-2.0-x\r\n", b"SR0001L0001 "]
    ),
    st.sampled_from([plain()[:12], plain()[5:], plain().replace(b"NFA", b"NFB")]),
    st.integers(0, 2 * LIMIT).map(lambda n: b"\n" + b"x" * n),
    st.integers(0, 2 * LIMIT).map(lambda n: b"x" * n),
    st.binary(max_size=12),
)


ENDS_IN_A_CRC = re.compile(rb"\n(?:\n.?|.\n)(?:0[0-9A-Fa-f]{0,3})?\Z", re.DOTALL)


@settings(max_examples=1_500, deadline=None)
@given(st.lists(pieces, max_size=6), st.data())
@example([b"\n" + b"x" * 200, b"\n", b"rubbish", b"\r"], None)
def test_session_goes_by_its_table(parts, data) -> None:
    stream = b"".join(parts)
    # Where it ends within what may be a binary CRC with LF in it, nobody can say what that was.
    assume(not ENDS_IN_A_CRC.search(stream))
    table = ByTable()
    table.run(stream)
    said, _ = by_session(stream)
    assert said == table.said
    cuts = [] if data is None else data.draw(st.lists(st.integers(0, len(stream)), max_size=4))
    places = [0, *sorted(cuts), len(stream)]
    segments = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert by_session(*segments)[0] == table.said
    assert by_session(*(stream[at : at + 1] for at in range(len(stream))))[0] == table.said
    # Nothing is both refused and recorded, and nothing is recorded that was not sent.
    recorded = [event.raw for event in said if isinstance(event, Received)]
    refused = [event.raw for event in said if not isinstance(event, Received)]
    assert sum(map(len, recorded + refused)) <= len(stream)
    assert all(raw in stream for raw in recorded)
    if any(isinstance(event, Foreign) for event in said):
        assert isinstance(said[-1], Foreign)


def test_the_table_says_what_follows_in_each_state() -> None:
    for state in Stream:
        for event in (Byte.LF, Byte.CR, Byte.OTHER, Byte.END):
            assert (state, event) in STREAM
    good = plain()
    for segment, state in (
        (good, Stream.BETWEEN),
        (good[:9], Stream.INSIDE),
        (b"\n" + b"x" * 200, Stream.PASSING),
        (GALAXY, Stream.STRANGE),
    ):
        assert by_session(segment)[1] is state


RUNS = [
    plain() + b"\r" + plain()[:9] + plain(),
    plain() + b"rubbish\r" + b"more\n" + plain()[:9],
    plain() + b"more",
    plain() + b"\n" + b"x" * 200 + b"\n" + plain(),
    plain() + b"\n" + b"x" * 200 + b"\r" + plain(),
    plain() + b"\n" + b"x" * 200,
    *(GALAXY, GALAXY + b"\n", GALAXY + b"\r", GALAXY + b"x", OSBORNE, OSBORNE[:-2]),
    OSBORNE.replace(b"\r", b"\n"),
]
"""Together they pass every arrow of the table but that of the bytes of an open frame, which stay
where they are until its end comes."""


def passed(session: Session, stream: bytes) -> list[object]:
    """All that can be seen of a session that is fed byte by byte."""
    seen: list[object] = []
    for byte in stream:
        session.receive_data(bytes([byte]))
        seen += [(type(event).__name__, event.raw) for event in session.events_received()]
        seen.append(session.state)
    unfinished = session.abandon()
    return [*seen, unfinished and (type(unfinished).__name__, unfinished.raw), session.state]


@pytest.mark.parametrize(
    "arrow", [x for x in STREAM if x != (Stream.INSIDE, Byte.OTHER)], ids="-".join
)
def test_another_table_makes_another_session(arrow, monkeypatch) -> None:
    before = [passed(Session(LIMIT), run) for run in RUNS]
    leads_to, _ = STREAM[arrow]
    elsewhere = Stream.BETWEEN if leads_to is Stream.PASSING else Stream.PASSING
    monkeypatch.setitem(STREAM, arrow, (elsewhere, Report.NOTHING))
    spec = importlib.util.find_spec("tocsin.wire.dc09.session")
    assert spec is not None
    assert spec.loader is not None
    other = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(other)
    assert [passed(other.Session(LIMIT), run) for run in RUNS] != before


def test_another_protocol_is_told_only_at_the_beginning() -> None:
    said, _ = by_session(plain() + GALAXY + b"\r" + plain())
    assert [type(event) for event in said] == [Received, Refused, Received]
    said, _ = by_session(b"x\r" + GALAXY + b"\r" + plain())
    assert [type(event) for event in said] == [Refused, Refused, Received]


def test_every_stranger_is_told_and_none_acknowledged() -> None:
    beginnings = {
        Stranger.HTTP: [b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n", b"CONNECT a:443 HTTP/1.1\r\n"],
        Stranger.TLS: [TLS, b"\x16\x03\x03\x0d\x0a\x01"],
        Stranger.SSH: [b"SSH-2.0-OpenSSH_9.6\r\n"],
        Stranger.SIP: [
            b"REGISTER sip:3402000000 SIP/2.0\r\n",
            b"OPTIONS sip:a SIP/2.0\r\n",
            b"SIP/2.0 200 OK\r\n",
        ],
        Stranger.OSBORNE_HOFFMAN: [
            b"SR0001L0001    006969XX    [ID00000000]\r",
            OSBORNE,
        ],
        Stranger.GALAXY: [GALAXY, b"D#1234", b"\xc6#001234\x00"],
    }
    assert beginnings.keys() == STRANGERS.keys() == set(Stranger)
    for name, streams in beginnings.items():
        assert b"ACK" not in STRANGERS[name].hears
        for stream in streams:
            said, state = by_session(stream + plain())
            assert [type(event) for event in said] == [Foreign], stream
            assert (said[0].name, state) == (name, Stream.STRANGE)


def test_no_frame_of_a_panel_is_taken_for_another_protocol() -> None:
    for captured in MESSAGES:
        assert stranger(captured.raw[1:]) is None
    # An account in the header, or a CRC that is right: DC-09, even where its CRC is 0101.
    for text in itertools.product(string.ascii_letters, repeat=4):
        body = b'"SIA-DCS"0001L0[#1|NBA1^%b^]' % "".join(text).encode()
        if wrap(body)[1:5] == b"0101":
            said, _ = by_session(wrap(body))
            assert [type(event) for event in said] == [Received]
            return
    raise AssertionError("no such frame")


def test_http_is_told_in_both_languages() -> None:
    answer = STRANGERS[Stranger.HTTP].hears
    head, _, said = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Content-Length: %d" % len(said) in head
    assert "alarm panels" in said.decode()
    assert "报警主机" in said.decode()


def test_connection_table_has_no_holes() -> None:
    always = {Happening.HALF_FRAME, Happening.STOP, Happening.LOST}
    for stage in Stage:
        told = {event for (at, event) in CONNECTION if at is stage}
        assert told == set() if stage is Stage.CLOSED else told >= always
    assert CONNECTION[Stage.OPENED, Happening.FRAME] == (Stage.HEARD, Deed.TAKE)
    # What the fast road of a connection takes for granted.
    assert CONNECTION[Stage.HEARD, Happening.FRAME] == (Stage.HEARD, Deed.TAKE)
    reached = {Stage.OPENED}
    for _ in Stage:
        reached |= {then for (at, _), (then, _) in CONNECTION.items() if at in reached}
    assert reached == set(Stage)
    for stage, deed in CONNECTION.values():
        assert (stage is Stage.CLOSED) is (
            deed in (Deed.CLOSE, Deed.COUNT_AND_CLOSE, Deed.SEND_AWAY, Deed.NOTHING)
        )


def test_diagram_has_every_arrow() -> None:
    drawn = "\n".join(diagram(Stage.OPENED, CONNECTION))
    for (stage, event), (then, deed) in CONNECTION.items():
        line = next(x for x in drawn.splitlines() if x.strip().startswith(f"{stage} --> {then}:"))
        assert f"{event} / {deed}" in line if deed is not Deed.NOTHING else event in line
    assert drawn.startswith("```mermaid\nstateDiagram-v2\n    [*] --> opened\n")


def test_forms_of_frames_are_in_the_streams_that_are_tested() -> None:
    # A misprinted CRC ends no frame otherwise than a right one does.
    forms = {decode(c.raw).form for c in MESSAGES if len(c.raw) <= LIMIT}
    assert forms == set(Form) - {Form.MISPRINTED_CRC}
    assert len(BY_ID["std-nfa129"].raw) <= LIMIT
