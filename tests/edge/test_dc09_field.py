"""What panels of the field do at the socket: dialects answered as each sender takes it, clocks in
local time, other protocols sent away, the stages of a connection."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from dc09_asking import asks
from live_edge import (
    KEY,
    PLAIN,
    Edge,
    Limits,
    Panel,
    Record,
    eventually,
    frame,
    register,
    running,
    sealed,
)

from tocsin.edge.dc09_sockets import Connection
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.wire.dc09.frames import Form, crc, decode, encode, unseal, wrap, write_timestamp
from tocsin.wire.dc09.states import Stage
from tocsin.wire.dc09.strangers import STRANGERS, Stranger

DUH, LOCAL, LEARNT, ELDES, TRIKDIS, SET_ELDES, ODD, PRINTED = (
    *("D0F", "10CA", "1EA4", "4F39", "9413", "4F40", "0DD", "D07"),
)
EIGHT = timedelta(hours=8)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("field") / "keys")


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        for account in (PLAIN, LEARNT, ELDES, TRIKDIS, PRINTED):
            register(owner, ring, account)
        register(owner, ring, DUH, dialect="duh")
        register(owner, ring, LOCAL, KEY, dialect="local_time:+08:00")
        register(owner, ring, SET_ELDES, dialect="eldes")
        register(owner, ring, ODD, dialect="klingon")
        yield Record(owner, ring)


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring, record: Record) -> Iterator[Edge]:
    with running(urls, ring) as live:
        yield live


@pytest.fixture
def panel(edge: Edge) -> Iterator[Panel]:
    with edge.connect() as opened:
        yield opened


def last(record: Record) -> tuple[str, str | None]:
    row: tuple[str, str | None] = record.execute(
        "SELECT answer, problem FROM heard.message ORDER BY id DESC LIMIT 1"
    ).fetchone()
    record.rollback()
    return row


def occurred(record: Record) -> datetime:
    row = record.execute(
        "SELECT convert_from(read, 'utf8')::json->>'occurred_at' FROM heard.message"
        " ORDER BY id DESC LIMIT 1"
    ).fetchone()
    record.rollback()
    return datetime.fromisoformat(row[0])


def asks_raw(panel: Panel, raw: bytes) -> bytes:
    panel.send(raw)
    return panel.receive_raw()


def in_form(form: Form, data: str, account: str, **fields: str) -> bytes:
    return encode(decode(frame(data, account, **fields))._replace(form=form))


# -- dialects -----------------------------------------------------------------------------------


def test_binary_crc_is_answered_in_two_bytes(panel, record) -> None:
    raw = in_form(Form.RAW_CRC, "NBA1", TRIKDIS)
    for at in range(len(raw)):
        panel.send(raw[at : at + 1])
    told = panel.receive_raw()
    assert told[1:3] == crc(told[7:-1]).to_bytes(2, "big")
    assert decode(told).token == "ACK"
    assert last(record) == ("ack", None)
    assert eventually(lambda: record.counted("dc09.dialect.binary_crc") == 1)


def test_panel_that_does_not_take_its_answer_gets_the_other_form(panel, record) -> None:
    first = in_form(Form.CRC_WITH_CR, "NBA1", ELDES)
    forms = [asks(panel, first).form for _ in range(3)]
    assert forms == [Form.STANDARD, Form.CRC_WITH_CR, Form.STANDARD]
    asks(panel, first)  # this one it takes
    for data in ("NBA2", "NBA3", "NBA4"):
        assert asks(panel, in_form(Form.CRC_WITH_CR, data, ELDES)).form is Form.CRC_WITH_CR
    assert eventually(lambda: record.counted("dc09.dialect.eldes") == 1)
    assert asks(panel, frame("NBA5", ELDES)).form is Form.STANDARD


def test_panel_built_from_the_misprinted_table_is_heard_on_every_frame(panel, record) -> None:
    def of_panel(is_spoilt: bool) -> bytes:
        frames = (in_form(Form.MISPRINTED_CRC, f"NFA{n}", PRINTED) for n in count(1))
        return next(raw for raw in frames if (decode(raw).form is not Form.STANDARD) is is_spoilt)

    def told_by_both(raw: bytes) -> list[bytes]:
        said = decode(raw)
        ack = b'"ACK"%bR1L0#%b[]' % (said.sequence.encode(), PRINTED.encode())
        return [wrap(ack), wrap(ack, Form.MISPRINTED_CRC)]

    usual, spoilt = of_panel(False), of_panel(True)
    assert asks_raw(panel, usual) == told_by_both(usual)[0]
    heard = [asks_raw(panel, spoilt) for _ in range(3)]
    assert heard == [told_by_both(spoilt)[turn % 2] for turn in range(3)]
    assert last(record) == ("ack", None)
    asks_raw(panel, spoilt)  # the printed table's, and it takes this one
    for raw in (of_panel(True), of_panel(False), of_panel(True)):
        assert asks_raw(panel, raw) == told_by_both(raw)[1]
    assert eventually(lambda: record.counted("dc09.dialect.misprinted_crc") == 1)


def test_form_that_the_register_sets_is_kept_to(panel) -> None:
    for form in (Form.CRC_WITH_CR, Form.STANDARD):
        raw = in_form(form, "NBA1", SET_ELDES)
        for _ in range(3):
            assert asks(panel, raw).form is Form.CRC_WITH_CR


def test_duh_is_heard_by_whom_it_is_set_for_and_the_message_is_kept(panel, record) -> None:
    assert asks(panel, frame("what", DUH, token="VIS-BBA", number="0031")).token == "DUH"
    assert last(record) == ("duh", "unknown_token")
    assert asks(panel, frame("NFA1", DUH)).token == "ACK"
    assert eventually(lambda: record.counted("dc09.dialect.duh") == 1)


def test_word_of_the_register_that_is_none_is_counted_and_changes_nothing(panel, record) -> None:
    assert asks(panel, frame("NFA1", ODD)).token == "ACK"
    assert eventually(lambda: record.counted("dc09.unknown_dialect") == 1)


def test_empty_line_nul_after_cr_and_sequence_in_hex(edge, panel, record) -> None:
    raw = frame("NBA4", line="") + b"\x00"
    panel.send(raw)
    assert panel.receive().line == ""
    panel.send(frame("NBA5", number="000A") + b"\x00")
    assert panel.receive().sequence == "000A"
    with edge.datagrams() as udp:
        udp.send(frame("NBA6", line="") + b"\x00")
        assert decode(udp.recv(4_096)).line == ""
    for name in ("empty_line", "hex_sequence", "nul_after_cr"):
        assert eventually(lambda name=name: record.counted(f"dc09.dialect.{name}") == 1)


# -- clocks -------------------------------------------------------------------------------------


def test_clock_that_is_off_is_marked_and_no_trouble(panel, record) -> None:
    stamp = write_timestamp(datetime.now(UTC) - timedelta(days=400))
    assert asks(panel, frame("NBA6", timestamp=stamp)).token == "ACK"
    assert last(record) == ("ack", "clock_off")
    for seconds in (-35, 0, 15):
        stamp = write_timestamp(datetime.now(UTC) + timedelta(seconds=seconds))
        assert asks(panel, frame("NBA7", timestamp=stamp)).token == "ACK"
        assert last(record) == ("ack", None)
    assert eventually(lambda: record.counted("dc09.clock_off") == 1)


def test_local_time_is_learnt_from_polls_and_dates_what_comes_then(panel, record) -> None:
    def stamp(off_s: int = 0) -> str:
        return write_timestamp(datetime.now(UTC) + EIGHT + timedelta(seconds=off_s))

    for off_s in range(3):
        assert asks(panel, frame("NBA8", LEARNT, timestamp=stamp())).token == "ACK"
        assert last(record) == ("ack", "clock_off")
        poll = frame("", LEARNT, token="NULL", timestamp=stamp(off_s))
        assert asks(panel, poll).token == "ACK"
    assert asks(panel, frame("NBA9", LEARNT, timestamp=stamp())).token == "ACK"
    assert last(record) == ("ack", None)
    assert abs(occurred(record) - datetime.now(UTC)) < timedelta(seconds=5)
    assert eventually(lambda: record.counted("dc09.dialect.local_time") >= 1)


def test_local_time_set_in_the_register_holds_for_encrypted_frames(panel, record) -> None:
    def local(late_s: float = 0.0, data: str = "NFA1") -> bytes:
        return sealed(data, account=LOCAL, late_s=late_s - EIGHT.total_seconds())

    told = unseal(asks(panel, local()), KEY)
    assert abs(told.sent_at - datetime.now(UTC) - EIGHT) < timedelta(seconds=5)
    assert last(record) == ("ack", None)
    assert abs(occurred(record) - datetime.now(UTC)) < timedelta(seconds=5)
    for raw in (local(late_s=60), sealed("NFA2", account=LOCAL)):  # late; in GMT
        answer = asks(panel, raw)
        assert answer.token == "NAK"
        assert abs(answer.sent_at - datetime.now(UTC) - EIGHT) < timedelta(seconds=5)
        assert last(record) == ("nak", "stale_time")


# -- other protocols ----------------------------------------------------------------------------

KNOCKS = {
    Stranger.HTTP: b"GET / HTTP/1.1\r\nHost: arc\r\n\r\n",
    Stranger.TLS: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
    Stranger.SSH: b"SSH-2.0-OpenSSH_9.6\r\n",
    Stranger.SIP: b"REGISTER sip:3402000000 SIP/2.0\r\nVia: x\r\n\r\n",
    Stranger.OSBORNE_HOFFMAN: b"SR0001L0001    006969XX    [ID00000000]\r",
    Stranger.GALAXY: b"F#123456",
}


@pytest.mark.parametrize("name", Stranger)
def test_other_protocol_is_counted_by_name_refused_and_closed(edge, record, name) -> None:
    counted = record.counted(f"dc09.foreign.{name}")
    for segments in ([KNOCKS[name]], [KNOCKS[name][:2], KNOCKS[name][2:]]):
        with edge.connect() as panel:
            for segment in segments:
                panel.send(segment)
            assert panel.all() == STRANGERS[name].hears
    with edge.datagrams() as udp:
        udp.send(KNOCKS[name])
        udp.send(frame(number="0099"))
        assert decode(udp.recv(4_096)).sequence == "0099"  # and nothing before it
    assert eventually(lambda: record.counted(f"dc09.foreign.{name}") == counted + 3)


def test_panel_that_has_been_heard_may_send_anything(panel) -> None:
    assert asks(panel, frame()).token == "ACK"
    panel.send(KNOCKS[Stranger.GALAXY] + b"\r" + frame(number="0098"))
    assert panel.receive().sequence == "0098"


# -- the table, at the socket -------------------------------------------------------------------


class FakeTransport(asyncio.Transport):
    """Takes down what a connection does with it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.7", 1)})
        self.is_closed = asyncio.Event()

    @property
    def closed(self) -> bool:
        return self.is_closed.is_set()

    def write(self, *_: object) -> None:
        return

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.is_closed.set()

    abort = close

    def set_write_buffer_limits(self, *_: object, **__: object) -> None:
        return

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return


def test_connection_passes_its_stages(urls, ring, record) -> None:
    from tocsin.edge.dc09 import Intake
    from tocsin.edge.dc09_channels import TCP
    from tocsin.record.devices import DeviceBook
    from tocsin.record.heard import HeardLog

    async def go() -> None:
        def opened() -> tuple[Connection, FakeTransport]:
            connection, transport = Connection(intake, TCP), FakeTransport()
            connection.connection_made(transport)
            assert connection.stage is Stage.OPENED
            return connection, transport

        heard, devices = HeardLog(name="stages"), DeviceBook()
        await heard.start(urls, ring)
        await devices.start(urls.application, ring)
        await asyncio.wait_for(heard.connected(), 10)
        intake = Intake(Limits(), heard, devices, district="main", agency="fire")
        try:
            one, transport = opened()
            one.data_received(b"\nrubbish\r")
            assert one.stage is Stage.OPENED
            one.data_received(frame())
            assert one.stage is Stage.HEARD
            assert one.eof_received()  # its answer is on the way
            assert (one.stage, transport.closed) == (Stage.LEAVING, False)
            await asyncio.wait_for(transport.is_closed.wait(), 10)
            assert one.stage is Stage.CLOSED
            one.connection_lost(None)

            two, transport = opened()
            two.data_received(b"SSH-2.0")
            assert (two.stage, transport.closed) == (Stage.CLOSED, True)
            two.data_received(frame())
            assert two.stage is Stage.CLOSED
            two.connection_lost(None)

            three, transport = opened()
            assert not three.eof_received()
            assert (three.stage, transport.closed) == (Stage.CLOSED, True)
            three.connection_lost(None)
            four, transport = opened()
            four.stop()
            assert (four.stage, transport.closed) == (Stage.CLOSED, True)
            four.connection_lost(None)
            assert len(intake.senders) == 0
        finally:
            await heard.stop()
            await devices.stop()

    asyncio.run(go())
