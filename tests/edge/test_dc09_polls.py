"""What a million devices send each minute, a poll in a datagram, has a short way of its own. It is
taken only by polls that the long one answers with the same bytes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from live_edge import (
    ENCRYPTED,
    KEY,
    PLAIN,
    Edge,
    Record,
    eventually,
    frame,
    register,
    running,
)

from tocsin.edge.dc09 import Intake
from tocsin.edge.senders import Senders
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.wire.dc09.frames import Form, Frame, decode, encode, write_timestamp

ELDES, STRANGER = "E1DE5", "BEEF"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("polls") / "keys")


@pytest.fixture(scope="module")
def devices(urls: Urls, ring: Keyring) -> dict[str, UUID]:
    with connect(urls.owner) as owner:
        known = {
            PLAIN: register(owner, ring, PLAIN),
            ENCRYPTED: register(owner, ring, ENCRYPTED, KEY),
            ELDES: register(owner, ring, ELDES),
        }
        owner.execute(
            "UPDATE ref.device SET dialect = 'crc_with_cr' WHERE id = %s", (known[ELDES],)
        )
        owner.commit()
        return known


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        yield Record(owner, ring)


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring, devices: dict[str, UUID]) -> Iterator[Edge]:
    with running(urls, ring) as live:
        yield live


@pytest.fixture
def took_the_long_way(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    took: list[bytes] = []
    take = Intake.take

    def taken(self: Intake, received, *rest) -> None:  # type: ignore[no-untyped-def]
        took.append(received.raw)
        take(self, received, *rest)

    monkeypatch.setattr(Intake, "take", taken)
    return took


def polls(account: str, **fields: object) -> Frame:
    return Frame("NULL", "0000", None, "0", account)._replace(**fields)  # type: ignore[arg-type]


def at(late_s: float) -> str:
    return write_timestamp(datetime.now(UTC) - timedelta(seconds=late_s))


def asks(edge: Edge, raw: bytes) -> Frame:
    with edge.datagrams() as panel:
        panel.send(raw)
        return decode(panel.recv(4_096))


def polls_of(record: Record, device: UUID) -> int:
    row = record.connection.execute(
        "SELECT polls FROM ref.seen WHERE device = %s", (device,)
    ).fetchone()
    record.rollback()
    return 0 if row is None else int(row[0])


def test_a_usual_poll_is_answered_counted_and_noted(
    edge, record, devices, took_the_long_way
) -> None:
    counted, noted = record.counted("dc09.poll"), polls_of(record, devices[PLAIN])
    for raw in (polls(PLAIN), polls(PLAIN, receiver="1"), polls(PLAIN, timestamp=at(0))):
        sent = encode(raw)
        assert asks(edge, sent) == raw._replace(token="ACK", timestamp=None)
    assert took_the_long_way == []
    assert eventually(lambda: polls_of(record, devices[PLAIN]) == noted + 3)
    assert eventually(lambda: record.counted("dc09.poll") == counted + 3)


def test_a_poll_in_clear_of_a_device_with_a_key_is_no_sign_of_life(
    edge, record, devices, took_the_long_way
) -> None:
    counted, noted = record.counted("dc09.poll_in_clear"), polls_of(record, devices[PLAIN])
    assert asks(edge, encode(polls(ENCRYPTED))).token == "ACK"
    assert asks(edge, encode(polls(PLAIN))).token == "ACK"
    assert len(took_the_long_way) == 1
    # What is heard is noted in the order it came.
    assert eventually(lambda: polls_of(record, devices[PLAIN]) == noted + 1)
    assert eventually(lambda: record.counted("dc09.poll_in_clear") == counted + 1)
    assert polls_of(record, devices[ENCRYPTED]) == 0


def test_any_other_goes_the_long_way(edge, record, devices, took_the_long_way) -> None:
    other = [
        frame("NFA1"),
        encode(polls(STRANGER)),
        encode(polls(ELDES)),
        encode(polls(PLAIN, timestamp=at(90))),
        encode(polls(PLAIN, line="")),
        encode(polls(PLAIN, form=Form.CRC_WITH_CR)),
    ]
    for raw in other:
        assert asks(edge, raw).token == "ACK"
    assert took_the_long_way == other
    counted = record.counted("dc09.bad_crc")
    right = encode(polls(PLAIN))
    with edge.datagrams() as panel:
        panel.send(right[:1] + b"0000" + right[5:])
        panel.send(right)
        assert decode(panel.recv(4_096)).token == "ACK"
    assert eventually(lambda: record.counted("dc09.bad_crc") == counted + 1)


def test_a_sender_that_has_no_room_is_told_without_a_share_of_its_own() -> None:
    senders = Senders(in_flight_max=2)
    busy = senders.at("2001:db8::1")
    for held, is_full in ((1, False), (2, True)):
        busy.in_flight = held
        assert senders.is_full("2001:db8::2") is is_full  # the same /64
    assert not senders.is_full("192.0.2.1")
    assert len(senders) == 1
