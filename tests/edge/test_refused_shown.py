"""What DC-09 refuses reaches the record: with its reason and first bytes, sealed, and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from live_edge import Edge, eventually, frame, running

from tocsin.edge.refusals import OF_SENDER_MAX, Refusals
from tocsin.record.database import Connection, Urls
from tocsin.record.keys import Keyring
from tocsin.record.refused import BYTES_MAX, KEPT_MAX, refused


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("refused") / "keys")


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring) -> Iterator[Edge]:
    with running(urls, ring) as one:
        yield one


def rows(connection: Connection, ring: Keyring, address: str) -> list[dict[str, Any]]:
    connection.rollback()
    now = datetime.now(UTC)
    return refused(connection, ring, now - timedelta(hours=1), now, address=address)


def damaged() -> bytes:
    good = frame("NFA7 a fire at the mill")
    return good[:1] + (b"0000" if good[1:5] != b"0000" else b"1111") + good[5:]


@pytest.mark.parametrize(
    ("place", "sent", "reason"),
    [
        ("127.0.3.1", damaged(), "bad_crc"),
        ("127.0.3.2", b"\nnot a frame at all\r", "malformed"),
        ("127.0.3.3", frame()[:-5], "cut_short"),
        ("127.0.3.4", b"F#123456", "foreign.galaxy"),
        ("127.0.3.5", b"GET / HTTP/1.1\r\n\r\n", "foreign.http"),
        ("127.0.3.6", b"\x16\x03\x01\x02\x00", "foreign.tls"),
        ("127.0.3.7", b"SR0001L0001    012345XX", "foreign.osborne_hoffman"),
    ],
)
def test_what_is_refused_is_on_record_sealed(
    edge: Edge, ring: Keyring, connection: Connection, place: str, sent: bytes, reason: str
) -> None:
    with edge.connect(place) as panel:
        panel.send(sent)
    assert eventually(lambda: len(rows(connection, ring, place)) == 1)
    [one] = rows(connection, ring, place)
    assert (one["reason"], one["intake"], one["district"]) == (reason, "dc09", "main")
    assert one["raw"]
    assert sent.startswith(one["raw"])
    whole = repr(connection.execute("SELECT r::text FROM heard.refused r").fetchall())
    for clear in (one["raw"], b"fire at the mill", b"F#123456"):
        assert clear.hex() not in whole


def test_one_sender_cannot_fill_it_and_the_rest_is_told(
    edge: Edge, ring: Keyring, connection: Connection
) -> None:
    with edge.connect("127.0.3.20") as panel:
        panel.send(damaged() * 30)
    assert eventually(
        lambda: sum(1 + one["further"] for one in rows(connection, ring, "127.0.3.20")) == 30
    )
    assert any(one["further"] for one in rows(connection, ring, "127.0.3.20"))


def test_what_is_taken_leaves_no_row(edge: Edge, ring: Keyring, connection: Connection) -> None:
    with edge.connect("127.0.3.30") as panel:
        panel.send(frame())  # of an unknown account: kept as a message
        assert panel.receive() is not None
        panel.send(damaged())
    assert eventually(lambda: len(rows(connection, ring, "127.0.3.30")) == 1)
    assert rows(connection, ring, "127.0.3.30")[0]["reason"] == "bad_crc"


def test_the_bounds_of_a_second() -> None:
    noted = Refusals()
    for _ in range(OF_SENDER_MAX + 3):
        noted.note("bad_crc", "2001:db8::1", bytes(BYTES_MAX + 1))
    noted.note("bad_crc", "2001:db8::2", b"")  # of the same /64
    taken = noted.take()
    assert [one.further for one in taken] == [0] * (OF_SENDER_MAX - 1) + [4]
    assert {(len(one.raw), one.size) for one in taken} == {(BYTES_MAX, BYTES_MAX + 1)}
    for number in range(KEPT_MAX + 2):
        noted.note("bad_crc", f"192.0.2.{number}", b"")
    assert [one.further for one in noted.take()] == [0] * (KEPT_MAX - 1) + [2]
    assert noted.take() == []
