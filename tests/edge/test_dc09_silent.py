"""DC-09 connections that say nothing, or no good frame: closed in time, cheap, in nobody's way."""

import contextlib
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from dc09_asking import asks
from live_edge import PLAIN, Limits, Record, eventually, frame, register, running

from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("silent") / "keys")


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        register(owner, ring, PLAIN)
        yield Record(owner, ring)


def test_connection_without_a_good_frame_is_closed_and_counted(urls, ring, record) -> None:
    counted = record.counted("dc09.no_frame_yet")
    limits = Limits(first_frame_s=0.3, half_frame_s=30, idle_s=30)
    with running(urls, ring, limits) as edge, edge.connect() as known:
        assert asks(known, frame()).token == "ACK"
        with edge.connect() as silent, edge.connect() as drips, edge.connect() as babbles:
            drips.send(frame()[:20])
            babbles.send(b"\nrubbish\r")
            for panel in (silent, drips, babbles):
                assert panel.receive() is None
        assert asks(known, frame()).token == "ACK"  # held open afterwards
        assert eventually(lambda: record.counted("dc09.no_frame_yet") == counted + 3)


def test_default_for_the_first_frame_is_ten_seconds() -> None:
    from tocsin.site.intakes.dc09 import Dc09

    assert Dc09().first_frame_s == 10.0


def rss_kib() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


@pytest.mark.parametrize("said", [b"", frame()[:40]], ids=["silent", "half a frame"])
def test_idle_connection_costs_little(urls, ring, record, said) -> None:
    """Both ends of each are in this process, so it is the upper bound of what the edge holds."""
    number = 300
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft > 3 * number
    with running(urls, ring, Limits(max_connections_per_address=number)) as edge:
        before = rss_kib()
        opened = [edge.dial(edge.port) for _ in range(number)]
        for one in opened:
            one.sendall(said)
        with edge.connect("127.0.0.9") as other:
            assert asks(other, frame()).token == "ACK"
        cost = (rss_kib() - before) / number
        for one in opened:
            one.close()
    assert cost < 64


def test_two_thousand_that_say_nothing_keep_no_panel_out_of_their_own_address(
    urls, ring, record
) -> None:
    """As a NAT that an intruder stands behind with the panel. The oldest silent ones give way."""
    from tocsin.site.intakes.dc09 import Dc09

    idle = Dc09().max_connections_per_address
    assert idle == 2_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * idle + 1_000  # both ends of each are in this process
    assert wanted <= hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    gave_way = record.counted("dc09.gave_way")
    opened: list[socket.socket] = []
    try:
        limits = Limits(max_connections=10_000, max_connections_per_address=idle)
        with running(urls, ring, limits) as edge, edge.connect() as known:
            assert asks(known, frame()).token == "ACK"
            opened += [edge.dial(edge.port) for _ in range(idle - 1)]
            with edge.connect() as fresh, edge.connect() as another:
                assert asks(fresh, frame()).token == "ACK"
                assert asks(another, frame()).token == "ACK"
            assert asks(known, frame()).token == "ACK"  # who has spoken gives no way
            for silent in opened[:2]:
                silent.settimeout(10)
                with contextlib.suppress(ConnectionResetError):
                    assert silent.recv(1) == b""
            opened[2].settimeout(0.05)
            with pytest.raises(TimeoutError):
                opened[2].recv(1)
            assert eventually(lambda: record.counted("dc09.gave_way") == gave_way + 2)
    finally:
        for one in opened:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
