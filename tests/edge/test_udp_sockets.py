"""The sockets on which datagrams are heard: several, so that what comes while the process is busy
has room; and what had none is counted."""

import contextlib
import socket
from collections.abc import Iterator

import pytest
from live_edge import Edge, Record, eventually, frame, running

from tocsin.edge import dc09_serving
from tocsin.edge.sockets import UDP_SOCKETS, Overflow, Pair, open_pairs
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.wire.dc09.frames import decode

SENDERS = 64


@pytest.fixture
def pair() -> Iterator[Pair]:
    [opened] = open_pairs("127.0.0.1", 0)
    with contextlib.closing(opened):
        yield opened


def sender_to(port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.connect(("127.0.0.1", port))
    return opened


def waiting(one: socket.socket) -> list[tuple[bytes, int]]:
    """What waits there, with the port that it came from."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            data, (_, port) = one.recvfrom(100)
            found.append((data, port))
    return found


def test_one_senders_datagrams_come_on_one_socket_and_all_of_them_are_used(pair: Pair) -> None:
    assert len(pair.udp) == UDP_SOCKETS
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(sender_to(pair.port)) for _ in range(SENDERS)]
        for number in range(3):
            for one in senders:
                one.send(b"%d" % number)
        heard = [waiting(one) for one in pair.udp]
    assert sum(map(len, heard)) == 3 * SENDERS
    # That 64 senders leave more than half of eight sockets unused is less likely than 1 in 10**16.
    assert sum(map(bool, heard)) > UDP_SOCKETS // 2
    ports = [{port for _, port in some} for some in heard]
    assert sum(map(len, ports)) == SENDERS  # none on two
    for some in heard:
        for port in {port for _, port in some}:
            assert [data for data, of in some if of == port] == [b"0", b"1", b"2"]


def test_what_a_full_buffer_loses_is_known(pair: Pair) -> None:
    overflow = Overflow(pair.udp)
    for one in pair.udp:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    with sender_to(pair.port) as sender:
        sender.send(b"x" * 100)
        assert overflow.more() == 0
        for _ in range(999):
            sender.send(b"x" * 100)
        lost = overflow.more()
        assert 0 < lost < 1_000
        assert overflow.more() == 0
        assert sum(len(waiting(one)) for one in pair.udp) == 1_000 - lost
        sender.send(b"x" * 100)
        assert overflow.more() == 0


def test_what_was_lost_is_counted_and_senders_on_any_socket_are_answered(
    urls: Urls, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [7]

    class Lossy(Overflow):
        def more(self) -> int:
            assert len(self._sockets) % UDP_SOCKETS == 0
            return super().more() + (losses.pop() if losses else 0)

    monkeypatch.setattr(dc09_serving, "Overflow", Lossy)
    with connect(urls.owner) as owner, running(urls, keyring) as edge:
        record = Record(owner, keyring)
        asks_from_many(edge)
        assert eventually(lambda: record.counted("dc09.datagrams_dropped") == 7)


def asks_from_many(edge: Edge) -> None:
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(edge.datagrams()) for _ in range(SENDERS // 4)]
        for number, one in enumerate(senders):
            one.send(frame(account=f"{number:X}", number=f"{number:04}"))
        for number, one in enumerate(senders):
            answer = decode(one.recv(4_096))
            assert (answer.token, answer.account) == ("ACK", f"{number:X}")
