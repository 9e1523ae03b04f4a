"""DC-09 over real sockets, with the real record: each defined answer, each fault."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from dc09_asking import asks
from live_edge import (
    ENCRYPTED,
    KEY,
    PLAIN,
    WRONG_KEY,
    Edge,
    Limits,
    Panel,
    Record,
    counter,
    eventually,
    frame,
    register,
    running,
    sealed,
)

from tocsin.record.arrivals import Sorter
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.site.tasks import READERS
from tocsin.wire.dc09.frames import (
    FRAME_BYTES_LARGEST,
    Frame,
    decode,
    unseal,
    wrap,
    write_timestamp,
)

WAITING = "SELECT count(*) FROM heard.pending"  # nobody judges here


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("edge") / "keys")


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        register(owner, ring, PLAIN)
        register(owner, ring, ENCRYPTED, KEY)
        yield Record(owner, ring)


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring, record: Record) -> Iterator[Edge]:
    with running(urls, ring) as live:
        yield live


@pytest.fixture
def panel(edge: Edge) -> Iterator[Panel]:
    with edge.connect() as opened:
        yield opened


def messages(record: Record) -> list[tuple[str, str | None, int]]:
    """Answer, problem and number of signals of everything kept, oldest first."""
    record.rollback()
    rows: list[tuple[str, str | None, int]] = record.execute(
        "SELECT m.answer, m.problem, count(s.id) FROM heard.message m"
        " LEFT JOIN heard.signal s ON s.message = m.id"
        " GROUP BY m.id, m.answer, m.problem ORDER BY m.id"
    ).fetchall()
    return rows


def test_frame_of_a_known_account_is_kept_and_then_acknowledged(panel, record) -> None:
    before = len(messages(record))
    answer = asks(panel, frame(number="0042"))
    assert answer == Frame("ACK", "0042", "1", "0", PLAIN)
    assert messages(record)[before:] == [("ack", None, 1)]
    district = record.execute(
        "SELECT district, device IS NOT NULL, site IS NOT NULL FROM heard.signal ORDER BY id DESC"
    ).fetchone()
    assert district == ("north", True, True)


def test_encrypted_frame_is_acknowledged_encrypted(panel, record) -> None:
    answer = asks(panel, sealed())
    assert (answer.token, answer.encrypted, answer.receiver) == ("ACK", True, None)
    told = unseal(answer, KEY).sent_at
    assert told is not None
    assert abs((told - datetime.now(UTC)).total_seconds()) < 5
    assert messages(record)[-1] == ("ack", None, 1)


def test_stale_encrypted_frame_hears_our_time_and_opens_nothing(panel, record) -> None:
    pending = record.execute(WAITING).fetchone()
    answer = asks(panel, sealed(late_s=60))
    assert (answer.token, answer.encrypted) == ("NAK", False)
    assert answer.sent_at is not None
    assert messages(record)[-1][:2] == ("nak", "stale_time")
    assert record.execute(WAITING).fetchone() == pending
    whose = record.execute(
        "SELECT s.device = d.id, convert_from(s.read, 'UTF8')::jsonb FROM heard.signal s"
        f" JOIN ref.device d ON d.account = '{ENCRYPTED}' ORDER BY s.id DESC LIMIT 1"
    ).fetchone()
    assert whose is not None
    assert whose[0]
    assert (whose[1]["account"], whose[1].get("code", "")) == (ENCRYPTED, "")


def test_polls_are_acknowledged_and_only_noted(panel, record) -> None:
    before = len(messages(record))
    for raw in (frame("", token="NULL", number="0000"), sealed("", token="NULL")):
        assert asks(panel, raw).token == "ACK"
    assert len(messages(record)) == before

    def seen() -> bool:
        record.rollback()
        return record.execute("SELECT count(*) FROM ref.seen WHERE polls > 0").fetchone() == (2,)

    assert eventually(seen)


def test_unknown_account_is_kept_shown_and_acknowledged(panel, record) -> None:
    answer = asks(panel, frame(account="BEEF"))
    assert (answer.token, answer.account) == ("ACK", "BEEF")
    assert messages(record)[-1] == ("ack", "unknown_account", 1)
    assert record.execute(
        "SELECT district, agency FROM heard.signal ORDER BY id DESC"
    ).fetchone() == (
        "main",
        "fire",
    )
    assert eventually(lambda: record.counted("dc09.unknown_account") > 0)


def test_test_alarms_of_our_own_are_counted_apart(panel, record) -> None:
    """Or a way in on which no customer was ever heard would count as heard a minute ago."""

    def tested(nonce: int) -> None:
        before = record.counted("dc09.probe")
        assert asks(panel, frame("RP0", account=f"9E0B{nonce:012X}")).token == "ACK"
        assert eventually(lambda: record.counted("dc09.probe") == before + 1)

    tested(1)  # what was counted before it is on record now
    before = record.counted("dc09.ack")
    tested(2)
    assert record.counted("dc09.ack") == before
    assert asks(panel, frame()).token == "ACK"
    assert eventually(lambda: record.counted("dc09.ack") == before + 1)


def test_unknown_token_is_kept_shown_and_acknowledged(panel, record) -> None:
    assert asks(panel, frame("what", token="VIS-BBA")).token == "ACK"
    assert messages(record)[-1] == ("ack", "unknown_token", 1)
    assert eventually(lambda: record.counted("dc09.unknown_token") > 0)


def test_wrong_key_is_kept_and_shown_and_hears_nothing(panel, record) -> None:
    panel.send(sealed(key=WRONG_KEY))
    assert panel.is_silent()
    assert messages(record)[-1] == ("nothing", "wrong_key", 1)
    assert eventually(lambda: record.counted("dc09.wrong_key") > 0)
    assert asks(panel, sealed()).token == "ACK"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: raw.replace(b"NFA", b"NFB"), "bad_crc"),
        (lambda raw: raw.replace(b"NFA", b"NFFA"), "bad_length"),
        (lambda raw: raw[:1] + b"zzzz" + raw[5:], "malformed"),
        (lambda raw: raw[:-1] + b"x" * 9_000 + b"\r", "oversized"),
        (lambda raw: raw[1:], "rubbish"),
        (lambda raw: raw[:20] + b"\n\r", "cut_short"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_frames_hear_nothing_are_counted_and_hold_up_nothing(
    panel, record, change, reason
) -> None:
    before, counted = len(messages(record)), record.counted(f"dc09.{reason}")
    bad = change(frame())
    panel.send(bad + bad)
    assert panel.is_silent(0.2)
    assert asks(panel, frame()).token == "ACK"
    assert len(messages(record)) == before + 1
    assert eventually(lambda: record.counted(f"dc09.{reason}") == counted + 2)


@pytest.mark.parametrize(
    "body",
    [
        b'"SIA-DCS"0001L0#[#|NFA1]',
        b'"SIA-DCS"0001L0#AJAX-01[#AJAX-01|NFA1]',
        b'"SIA-DCS"0001L0#1234[#1234|NFA1] ',
        b'"*NULL"0000L0#1234[]',
        b'"\xff"\x00',
    ],
)
def test_a_frame_that_is_right_but_for_its_fields_is_kept_shown_and_answered(
    edge, panel, record, body
) -> None:
    before = len(messages(record))
    assert asks(panel, wrap(body)).token == "ACK"
    assert len(messages(record)) == before + 1
    assert messages(record)[-1] == ("ack", "unknown_form", 1)
    assert eventually(lambda: record.counted("dc09.unknown_form") > 0)
    with edge.datagrams() as datagrams:
        datagrams.send(wrap(body))
        assert decode(datagrams.recv(65_536)).token == "ACK"


def test_the_largest_frame_there_can_be_is_heard_on_both_transports(edge, panel, record) -> None:
    largest = frame("A" * (FRAME_BYTES_LARGEST - len(frame("A")) + 1))
    assert len(largest) == FRAME_BYTES_LARGEST
    assert largest[5:9] == b"0FFF"
    assert asks(panel, largest).token == "ACK"
    assert messages(record)[-1][:2] == ("ack", None)
    with edge.datagrams() as datagrams:
        datagrams.send(largest)
        assert decode(datagrams.recv(65_536)).token == "ACK"


def test_repeat_is_acknowledged_linked_and_not_decided_again(panel, record) -> None:
    """Annex C.2.3.7b: 9995, 9996, 9995 again, 9997."""
    pending = record.execute(WAITING).fetchone()
    for number in ("9995", "9996", "9995", "9997"):
        stamp = write_timestamp(datetime.now(UTC) + timedelta(seconds=int(number) % 7))
        assert asks(panel, frame("NBA3", number=number, timestamp=stamp)).sequence == number
    record.rollback()
    now = record.execute(WAITING).fetchone()
    assert pending is not None
    assert now == (pending[0] + 3,)
    linked = record.execute(
        "SELECT count(*) FROM (SELECT repeat_of FROM heard.signal ORDER BY id DESC LIMIT 4) AS s"
        " WHERE repeat_of IS NOT NULL"
    ).fetchone()
    assert linked == (1,)


def test_answers_come_in_the_order_of_their_frames(panel) -> None:
    numbers = [f"{n:04d}" for n in range(7000, 7200)]
    stream = b"".join(
        frame("", token="NULL", number=n) if int(n) % 3 else frame(number=n) for n in numbers
    )
    for at in range(0, len(stream), 700):  # frames split over segments, several in one
        panel.send(stream[at : at + 700])
    assert [panel.receive().sequence for _ in numbers] == numbers


def test_frame_sent_byte_by_byte(panel) -> None:
    panel.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw = frame()
    for at in range(len(raw)):
        panel.send(raw[at : at + 1])
    assert panel.receive().token == "ACK"


def test_sender_that_closes_its_side_still_hears_its_answer(edge) -> None:
    with edge.connect() as panel:
        panel.send(frame())
        panel.socket.shutdown(socket.SHUT_WR)
        assert panel.receive().token == "ACK"
        assert panel.receive() is None


def test_udp_has_the_same_answers(edge, record) -> None:
    before = len(messages(record))
    with edge.datagrams() as udp:
        udp.send(frame(number="0077"))
        assert decode(udp.recv(4_096)) == Frame("ACK", "0077", "1", "0", PLAIN)
        udp.send(sealed())
        assert decode(udp.recv(4_096)).encrypted
        udp.send(sealed(late_s=60))
        assert decode(udp.recv(4_096)).token == "NAK"
        udp.send(frame().replace(b"NFA", b"NFB"))
        udp.send(frame()[:-3])
        udp.send(b"")
        udp.send(frame(number="0078") + frame(number="0079"))
        assert [decode(udp.recv(4_096)).sequence for _ in range(2)] == ["0078", "0079"]
    assert len(messages(record)) == before + 5
    assert eventually(lambda: record.counted("dc09.cut_short") > 0)


def test_plain_asyncio_serves_too(urls, ring, record) -> None:
    """Where there is no uvloop."""
    with running(urls, ring, new_loop=asyncio.new_event_loop) as edge, edge.connect() as panel:
        assert asks(panel, frame()).token == "ACK"
        panel.send(frame() * 100)
        assert panel.receive().token == "ACK"


def test_stop_answers_what_is_in_flight(urls, ring, record) -> None:
    with running(urls, ring) as edge:
        panel = edge.connect()
        panel.send(frame(number="0008"))
        assert panel.receive().sequence == "0008"
        kept = len(messages(record))
        panel.send(frame(number="0009"))
        assert eventually(lambda: len(messages(record)) > kept)
    assert panel.receive().sequence == "0009"
    assert panel.receive() is None
    panel.socket.close()


def test_address_in_use_is_said(urls, ring, edge) -> None:
    with (
        pytest.raises(AssertionError, match="cannot listen"),
        running(urls, ring, Limits(port=edge.port)),
    ):
        raise RuntimeError("it listens on a number that is taken")


def test_lost_database_is_silence_and_comes_back_by_itself(tmp_path, ring) -> None:
    from tocsin.record.migrate import migrate
    from tocsin.site.postgres import Postgres

    postgres = Postgres(tmp_path / "pg")
    postgres.start()
    try:
        urls = postgres.urls()
        migrate(urls.owner)
        with connect(urls.owner) as owner:
            register(owner, ring, PLAIN)
        with running(urls, ring) as edge, edge.connect() as panel:
            assert asks(panel, frame()).token == "ACK"
            postgres.stop()
            assert eventually(lambda: edge.turns[-1] is False)
            panel.send(frame())
            panel.send(frame("", token="NULL"))
            assert panel.is_silent()
            postgres.start()
            assert eventually(lambda: edge.turns[-1] is True, 15)
            answer = asks(panel, frame(number="4711"))
            assert (answer.token, answer.sequence) == ("ACK", "4711")
            with psycopg.connect(urls.owner) as owner:
                assert Sorter(ring, READERS).sort(owner) == 2
            assert eventually(lambda: any_counted(urls, "dc09.not_kept") == 2)
    finally:
        postgres.stop()


def any_counted(urls: Urls, name: str) -> int:
    with connect(urls.owner) as owner:
        return counter(owner, name)
