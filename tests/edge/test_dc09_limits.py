"""The limits of DC-09 connections: how many, of one address, how long idle, how much in flight; who
exceeds one stops nobody else."""

from collections.abc import Iterator

import pytest
from dc09_asking import asks
from live_edge import PLAIN, Limits, Record, eventually, frame, register, running

from tocsin.edge.senders import Sender, Senders
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring


class SmallShare(Senders):
    """Remembers the most that one address had in flight."""

    most = 0

    def answered(self, sender: Sender) -> None:
        SmallShare.most = max(SmallShare.most, sender.in_flight)
        super().answered(sender)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("limits") / "keys")


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        register(owner, ring, PLAIN)
        yield Record(owner, ring)


def test_flood_of_one_address_does_not_stop_another(urls, ring, record) -> None:
    limits = Limits(max_connections=40, max_connections_per_address=10)
    refused = record.counted("dc09.too_many_connections_of_address")
    with running(urls, ring, limits) as edge:
        flood = [edge.connect("127.0.0.2") for _ in range(10)]
        for panel in flood:
            assert asks(panel, frame()).token == "ACK"  # who says nothing gives its place up
        flood += [edge.connect("127.0.0.2") for _ in range(20)]
        rubbish = b"\n" + b"x" * 500 + b"\r"
        for panel in flood:
            panel.socket.setblocking(False)
        for _ in range(20):
            for panel in flood:
                try:
                    panel.socket.send(rubbish * 200 + frame() * 50)
                except (BlockingIOError, ConnectionError):
                    continue
        with edge.connect("127.0.0.3") as other:
            for _ in range(20):
                assert asks(other, frame()).token == "ACK"
        for panel in flood:
            panel.socket.close()
        assert eventually(
            lambda: record.counted("dc09.too_many_connections_of_address") == refused + 20
        )


def test_connections_have_a_ceiling(urls, ring, record) -> None:
    refused = record.counted("dc09.too_many_connections")
    with running(urls, ring, Limits(max_connections=2)) as edge:
        first, second = (edge.connect(f"127.0.0.{n}") for n in (2, 3))
        assert asks(first, frame()).token == asks(second, frame()).token == "ACK"
        third = edge.connect("127.0.0.4")
        assert third.receive() is None
        assert asks(first, frame()).token == "ACK"
        second.socket.close()
        assert eventually(lambda: record.counted("dc09.too_many_connections") == refused + 1)
        with edge.connect("127.0.0.4") as fourth:
            assert asks(fourth, frame()).token == "ACK"
        first.socket.close()
        third.socket.close()


def test_half_a_frame_and_silence_is_closed_and_counted(urls, ring, record) -> None:
    counted = record.counted("dc09.cut_short")
    with running(urls, ring, Limits(half_frame_s=0.2, idle_s=30)) as edge, edge.connect() as panel:
        panel.send(frame()[:30])
        with edge.connect() as other:
            assert asks(other, frame()).token == "ACK"
            assert panel.receive() is None
            assert asks(other, frame()).token == "ACK"
        assert eventually(lambda: record.counted("dc09.cut_short") == counted + 1)


def test_idle_connection_is_closed_even_if_it_sends_rubbish(urls, ring, record) -> None:
    with running(urls, ring, Limits(idle_s=0.2)) as edge, edge.connect() as panel:
        assert asks(panel, frame()).token == "ACK"
        panel.send(b"\nrubbish\r")
        assert panel.receive() is None


def test_share_in_flight_makes_a_sender_wait_and_loses_nothing(
    urls, ring, record, monkeypatch
) -> None:
    monkeypatch.setattr("tocsin.edge.dc09.Senders", SmallShare)
    limits = Limits(frames_in_flight_per_address=3)
    with running(urls, ring, limits) as edge, edge.connect() as one, edge.connect() as two:
        numbers = [f"{n:04d}" for n in range(6000, 6150)]
        for number in numbers:
            one.send(frame(number=number))
            two.send(frame(number=number, account="ABCD"))
        assert [one.receive().sequence for _ in numbers] == numbers
        assert [two.receive().sequence for _ in numbers] == numbers
    assert SmallShare.most == 3
