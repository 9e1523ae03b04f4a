"""Whose share of the edge a network address has, and that each sender is recorded by its own."""

import contextlib
import socket
from collections.abc import Iterator

import pytest
from live_edge import PLAIN, WAIT_S, Edge, Limits, Panel, Record, eventually, frame, running
from live_edge import register as register_device

from tocsin.edge.senders import Sender, Senders
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("", ""),
    ],
)
def test_share_is_that_of_the_network(address: str, network: str) -> None:
    sender = Senders(in_flight_max=1).at(address)
    assert (sender.address, sender.share.network) == (address, network)


def test_addresses_of_one_network_share_what_they_may_hold() -> None:
    senders = Senders(in_flight_max=2)
    one, two = senders.at("2001:db8::1"), senders.at("2001:db8::2")
    other = senders.at("2001:db8:0:1::1")
    for sender in (one, two):
        sender.connections += 1
        sender.in_flight += 1
    assert (one.address, two.address) == ("2001:db8::1", "2001:db8::2")
    assert (one.connections, two.in_flight, other.connections) == (2, 2, 0)
    assert not senders.has_room(senders.at("2001:db8::3"))
    assert senders.has_room(other)
    senders.forget_if_idle(other)
    assert len(senders) == 1
    gone_on = []
    two.share.waiting[lambda: gone_on.append("two")] = None
    senders.answered(one)  # room for whoever waits, at whatever address of the network
    assert gone_on == ["two"]
    assert senders.has_room(two)
    senders.answered(two)
    for sender in (one, two):
        senders.disconnected(sender)
    assert len(senders) == 0


class Folded(Senders):
    """Sees each connection from ::1 as one of another host of its network."""

    hosts: Iterator[int]

    def at(self, address: str) -> Sender:
        return super().at(f"::{next(Folded.hosts):x}" if address == "::1" else address)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("senders") / "keys")


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        register_device(owner, ring, PLAIN)
        yield Record(owner, ring)


def dial(edge: Edge) -> Panel:
    return Panel(socket.create_connection(("::1", edge.port), WAIT_S))


def test_hosts_of_one_ipv6_network_share_its_connections(urls, ring, record, monkeypatch) -> None:
    Folded.hosts = iter(range(1, 100))
    monkeypatch.setattr("tocsin.edge.dc09.Senders", Folded)
    counted = record.counted("dc09.too_many_connections_of_address")
    with (
        running(urls, ring, Limits(host="::1", max_connections_per_address=3)) as edge,
        contextlib.ExitStack() as opened,
    ):
        for _ in range(3):
            panel = opened.enter_context(dial(edge))
            panel.send(frame())
            answer = panel.receive()
            assert answer is not None
            assert answer.token == "ACK"
        fourth = opened.enter_context(dial(edge))
        assert fourth.receive() is None
        assert eventually(
            lambda: record.counted("dc09.too_many_connections_of_address") == counted + 1
        )
    sources = record.execute("SELECT source_address FROM heard.message ORDER BY id").fetchall()
    record.rollback()
    assert sources == [("::1",), ("::2",), ("::3",)]
