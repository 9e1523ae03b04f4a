"""Whose share a network address has, in the lanes of what was heard and in the queues of senders: a
host that has a /64 to itself is one sender."""

from uuid import uuid4

import pytest
from arriving import Arrivals, message

from tocsin.core.block_match import source_of
from tocsin.record.database import Urls, connect
from tocsin.record.floods import CALM_MAX, Floods, Lane
from tocsin.record.keys import Keyring
from tocsin.record.networks import at_port, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("2001:db8:1:1:ffff:ffff:ffff:ffff", "2001:db8:1:1::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.10", "203.0.113.10"),
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.10", "203.0.113.10"),
        ("no:address", "no:address"),
        ("2001:db8::1\x00", "2001:db8::1\x00"),
        ("a broker", "a broker"),
        ("", ""),
    ],
)
def test_an_address_has_the_share_of_its_network(address: str, network: str) -> None:
    assert network_of(address) == network
    assert source_of(None, address) == network  # block rules count senders alike


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("2001:db8::1", "[2001:db8::1]:9000"),
        ("::", "[::]:9000"),
        ("fe80::1%eth0", "[fe80::1%eth0]:9000"),
        ("203.0.113.9", "203.0.113.9:9000"),
        ("localhost", "localhost:9000"),
    ],
)
def test_an_address_and_a_port_are_told_apart(host: str, shown: str) -> None:
    assert at_port(host, 9000) == shown


def test_every_address_of_one_64_is_one_sender_and_the_next_64_is_another() -> None:
    floods, commit = Floods(), uuid4()
    hosts = [f"2001:db8:0:7::{host:x}" for host in range(CALM_MAX + 1)]
    lanes = [floods.lane(None, host, commit) for host in hosts]
    assert lanes == [Lane.UNKNOWN] * CALM_MAX + [Lane.FLOOD]
    assert floods.lane(None, "2001:db8:0:7:ffff::1", commit) is Lane.FLOOD
    assert floods.lane(None, "2001:db8:0:8::1", commit) is Lane.UNKNOWN
    # Of a /56, as homes are given, each of its 256 networks is a sender.
    assert floods.lane(None, "2001:db8:0:f:ffff::1", commit) is Lane.UNKNOWN
    assert floods.lane(uuid4(), "2001:db8:0:7::1", commit) is Lane.KNOWN
    assert floods.senders == 1


def test_ipv4_counts_by_address_however_it_is_written() -> None:
    floods, commit = Floods(), uuid4()
    for _ in range(CALM_MAX):
        assert floods.lane(None, "198.51.100.7", commit) is Lane.UNKNOWN
    assert floods.lane(None, "::ffff:198.51.100.7", commit) is Lane.FLOOD
    assert floods.lane(None, "198.51.100.8", commit) is Lane.UNKNOWN


def test_signals_of_one_network_wait_in_one_queue(urls: Urls, keyring: Keyring) -> None:
    with connect(urls.owner) as connection:
        arrivals = Arrivals(connection, keyring)
        arrivals.sort(
            message(source="2001:db8:0:7::1"),
            message(source="2001:db8:0:7:ffff::2"),
            message(source="2001:db8:0:8::1"),
            message(source="192.0.2.7"),
        )
        queues = connection.execute("SELECT queue FROM heard.pending ORDER BY signal").fetchall()
        assert queues == [
            ("2001:db8:0:7::/64",),
            ("2001:db8:0:7::/64",),
            ("2001:db8:0:8::/64",),
            ("192.0.2.7",),
        ]
        # The record has the address itself.
        sources = connection.execute("SELECT source_address FROM heard.message ORDER BY id")
        assert sources.fetchall()[0] == ("2001:db8:0:7::1",)
