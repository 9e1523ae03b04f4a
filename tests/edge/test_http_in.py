"""The HTTP server of the intakes at its limits: heads, bodies, slowness, pipelines, connections.
Each limit is tried at it and behind it, is named to the sender, and is counted."""

import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest
from live_edge import Record, eventually
from live_intake import Live, commits_held_up, running
from live_webhook import SETTINGS, with_sources
from msgspec.structs import replace
from signed_requests import sender, standard

from tocsin.edge import http_in
from tocsin.edge.http_in import HEAD_BYTES_MAX, HEADERS_MAX, PATH_CHARS_MAX, PIPELINE_MAX
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring

BODY = b'{"code": "FA"}'
LIMITS = replace(
    SETTINGS,
    body_bytes_max=4_096,
    slow_s=1.0,
    idle_s=2.0,
    max_connections=8,
    max_connections_per_address=4,
    proxy="127.0.0.9",
)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("http") / "keys")


@pytest.fixture(scope="module")
def prepared(urls: Urls, ring: Keyring) -> Urls:
    return with_sources(urls, ring)


@pytest.fixture(scope="module")
def edge(prepared: Urls, ring: Keyring) -> Iterator[Live]:
    with running("webhook", LIMITS, prepared, ring) as live:
        yield live


@pytest.fixture
def record(prepared: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(prepared.owner) as owner:
        yield Record(owner, ring)


@contextmanager
def line(edge: Live, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    address = ("127.0.0.1", edge.ports["http"])
    with socket.create_connection(address, 5, (source, 0)) as opened:
        yield opened


def request(body: bytes = BODY, path: str = "/hook/tower", **more: str) -> bytes:
    headers = standard(body) | {"host": "x", "content-length": str(len(body))} | more
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def answers(opened: socket.socket) -> list[tuple[int, str]]:
    """Status and reason of every answer, to the end of the connection."""
    data = b""
    try:
        while more := opened.recv(65_536):
            data += more
    except ConnectionResetError:
        pass
    found = []
    for part in re.split(rb"HTTP/1\.1 (?=\d{3} )", data)[1:]:
        reason = part.partition(b'"reason":"')[2].partition(b'"')[0]
        found.append((int(part[:3]), reason.decode()))
    return found


def asked(edge: Live, *parts: bytes) -> list[tuple[int, str]]:
    with line(edge) as opened:
        for part in parts:
            opened.sendall(part)
        return answers(opened)


def test_a_request_byte_by_byte_and_two_in_one_segment(edge: Live) -> None:
    whole = request() + request(connection="close")
    assert asked(edge, whole) == [(202, "")] * 2
    with line(edge) as opened:
        for place in range(len(whole)):
            opened.sendall(whole[place : place + 1])
        assert answers(opened) == [(202, "")] * 2


def test_a_body_in_chunks_and_one_that_waits_for_leave(edge: Live) -> None:
    head, _, body = request(**{"content-length": "0"}).partition(b"\r\n\r\n")
    head = head.replace(b"content-length: 0", b"transfer-encoding: chunked\r\nconnection: close")
    chunks = b"".join(b"1\r\n%c\r\n" % one for one in body)
    assert asked(edge, head + b"\r\n\r\n" + chunks + b"0\r\n\r\n") == [(202, "")]
    asking = request(expect="100-continue", connection="close")
    with line(edge) as opened:
        opened.sendall(asking[: -len(BODY)])
        assert opened.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        opened.sendall(BODY)
        assert answers(opened) == [(202, "")]


CHUNKED = (
    request(**{"content-length": "0"})
    .partition(b"\r\n\r\n")[0]
    .replace(b"content-length: 0", b"transfer-encoding: chunked\r\nconnection: close")
)


def chunked(edge: Live, chunks: bytes, pieces: list[bytes]) -> list[tuple[int, str]]:
    with line(edge) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.sendall(CHUNKED + b"\r\n\r\n")
        with suppress(ConnectionError):
            for piece in (chunks, *pieces):
                if select.select([opened], [], [], 0.002)[0]:
                    break  # it has been answered
                opened.sendall(piece)
        return answers(opened)


def test_trailers_at_their_limit_and_behind_it(edge: Live, record: Record) -> None:
    body = b"%x\r\n%s\r\n" % (len(BODY), BODY)
    piece = b"a" * 1_000
    fits = [b"0\r\nx: ", *[piece] * 16, b"\r\n\r\n"]
    assert chunked(edge, body, fits) == [(202, "")]
    refused = [(431, "trailer_too_large")]
    assert chunked(edge, body, [b"0\r\nx: ", *[piece] * 40]) == refused
    assert chunked(edge, body, [b"0\r\n", *[piece] * 40]) == refused
    assert chunked(edge, body, [b"0\r\n", *[b"x: 1\r\n" * 150] * 40]) == refused
    assert chunked(edge, b"1;x=", [piece] * 40) == refused
    little = b"1;x=" + b"a" * 1_000 + b"\r\na\r\n"
    assert chunked(edge, b"", [little] * 60) == refused
    many = chunked(edge, b"1\r\n \r\n" * 4_000, [body, b"0\r\n\r\n"])
    assert many == [(401, "signature_wrong")]
    assert eventually(lambda: record.counted("webhook.trailer_too_large") >= 5)


def test_a_trailer_is_not_read_as_a_header(edge: Live) -> None:
    name = b"webhook-signature: "
    lines = CHUNKED.split(b"\r\n")
    (signature,) = [one for one in lines if one.startswith(name)]
    head = b"\r\n".join(one for one in lines if one != signature)
    body = b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY)
    assert asked(edge, head + b"\r\n\r\n" + body + signature + b"\r\n\r\n") == [
        (401, "signature_missing")
    ]
    typed = b"content-type: text/plain\r\n\r\n"
    assert asked(edge, CHUNKED + b"\r\n\r\n" + body + typed) == [(202, "")]


def test_leave_to_go_on_comes_behind_the_answers_to_what_was_asked_before(edge: Live) -> None:
    asking = request(expect="100-continue", connection="close")
    with line(edge) as opened:
        opened.sendall(request() + asking[: -len(BODY)])
        said = b""
        while b"100 Continue\r\n\r\n" not in said:
            more = opened.recv(65_536)
            assert more
            said += more
        assert said.startswith(b"HTTP/1.1 202")
        opened.sendall(BODY)
        assert answers(opened) == [(202, "")]


def test_the_largest_body_and_one_byte_more(edge: Live) -> None:
    for size, status in ((4_096, 202), (4_097, 413)):
        body = b'{"code": "FA", "x": "' + b"a" * (size - 23) + b'"}'
        assert len(body) == size
        with sender(edge.ports["http"]) as one:
            answer = one.send(body)
        assert answer.status_code == status
    assert answer.json()["reason"] == "body_too_large"
    chunked = b"POST /hook/tower HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    assert asked(edge, chunked, b"1000\r\n" + b"a" * 4_096 + b"\r\n1\r\na\r\n") == [
        (413, "body_too_large")
    ]
    declared = b"POST /hook/tower HTTP/1.1\r\ncontent-length: %d\r\n\r\n"
    for length in (4_097, 10**13):  # before any of it comes
        assert asked(edge, declared % length) == [(413, "body_too_large")]


def test_a_sender_that_goes_on_after_a_refusal_reads_it(edge: Live) -> None:
    """A reset would take the answer away."""
    with line(edge) as opened:
        opened.sendall(b"POST /hook/tower HTTP/1.1\r\ncontent-length: 9000000\r\n\r\n")
        assert select.select([opened], [], [], 5)[0]  # the answer is there, not read yet
        for _ in range(20):
            opened.sendall(b"a" * 65_536)
        assert answers(opened) == [(413, "body_too_large")]


def test_heads_at_their_limits(edge: Live) -> None:
    def with_headers(count: int, size: int = 1) -> bytes:
        many = "".join(f"x{i}: {'a' * size}\r\n" for i in range(count))
        return f"GET /hook/tower HTTP/1.1\r\nconnection: close\r\n{many}\r\n".encode()

    too_large = [(431, "head_too_large")]
    assert asked(edge, with_headers(HEADERS_MAX - 1)) == [(405, "method_not_allowed")]
    assert asked(edge, with_headers(HEADERS_MAX)) == too_large
    assert asked(edge, with_headers(1, HEAD_BYTES_MAX - 200)) == [(405, "method_not_allowed")]
    assert asked(edge, with_headers(1, HEAD_BYTES_MAX)) == too_large
    path = "/hook/" + "a" * (PATH_CHARS_MAX - 6)
    get = "GET {} HTTP/1.1\r\nconnection: close\r\n\r\n"
    assert asked(edge, get.format(path).encode()) == [(404, "unknown_source")]
    assert asked(edge, get.format(path + "a").encode()) == too_large


def test_a_head_without_an_end_is_cut_off(edge: Live) -> None:
    with line(edge) as opened:
        opened.sendall(b"GET / HTTP/1.1\r\nx: ")
        for _ in range(6):
            opened.sendall(b"a" * 4_096)
        assert answers(opened) == [(431, "head_too_large")]
    # All of it in one segment, and behind another request.
    assert asked(edge, b"GET / HTTP/1.1\r\nx: " + b"a" * 30_000) == [(431, "head_too_large")]
    with line(edge) as opened:
        opened.sendall(b"GET /hook/tower HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nx: ")
        assert opened.recv(65_536).startswith(b"HTTP/1.1 405")
        opened.sendall(b"a" * 30_000)
        assert answers(opened) == [(431, "head_too_large")]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nx y: 1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http(edge: Live, rubbish: bytes) -> None:
    assert asked(edge, rubbish) == [(400, "not_http")]


def test_nothing_is_upgraded(edge: Live) -> None:
    upgrade = b"POST /hook/tower HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    for head in (upgrade, b"CONNECT x:1 HTTP/1.1\r\n\r\n"):
        (answer,) = asked(edge, head + b"more of another protocol")
        assert re.fullmatch(r"un(supported_type|known_source)", answer[1])


def test_a_body_is_read_though_another_protocol_is_asked_for(edge: Live) -> None:
    """As Java's client and `curl --http2` ask with the first request of a connection."""
    ask = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAA"}
    both = request(**ask) + request(**{**ask, "connection": "close, Upgrade"})
    for parts in ([both], [both[at : at + 1] for at in range(len(both))]):
        assert asked(edge, *parts) == [(202, ""), (202, "")]


def test_all_bodies_of_an_intake_together_at_their_limit(edge: Live, record, monkeypatch) -> None:
    monkeypatch.setattr(http_in, "HELD_BYTES_MAX", 8_000)
    body = b'{"code": "FA", "x": "' + b"a" * 3_977 + b'"}'
    for _ in range(3):  # what is answered, refused or broken off is let go
        with line(edge) as first, line(edge) as second, line(edge) as third:
            first.sendall(request(body)[:-1])
            second.sendall(request(body, connection="close")[:-1])
            third.sendall(request(connection="close")[:-1])  # nearly whole
            assert answers(third) == [(503, "too_full")]
            second.sendall(body[-1:])
            assert answers(second) == [(202, "")]
    assert asked(edge, request(body, connection="close")) == [(202, "")]
    assert eventually(lambda: record.counted("webhook.too_full") >= 1)


def test_a_slow_request_is_ended_and_a_silent_connection_closed(edge: Live, record: Record) -> None:
    with line(edge) as body, line(edge) as head, line(edge) as silent:
        body.sendall(request()[:-3])
        head.sendall(b"POST /hook/tower HT")
        assert answers(body) == [(408, "too_slow")]
        assert answers(head) == [(408, "too_slow")]
        assert answers(silent) == []


def test_requests_that_do_not_wait_for_answers(edge: Live) -> None:
    get = b"GET /hook/tower HTTP/1.1\r\n\r\n"
    last = b"GET /hook/tower HTTP/1.1\r\nconnection: close\r\n\r\n"
    assert (
        asked(edge, get * (PIPELINE_MAX - 1) + last) == [(405, "method_not_allowed")] * PIPELINE_MAX
    )
    found = asked(edge, get * (PIPELINE_MAX + 5))
    assert found[-1] == (429, "too_many_at_once")
    assert found[:-1] == [(405, "method_not_allowed")] * PIPELINE_MAX


def test_connections_of_one_address_and_of_all(edge: Live) -> None:
    def is_served(opened: socket.socket) -> bool:
        try:
            opened.sendall(b"GET /hook/tower HTTP/1.1\r\n\r\n")
            return bool(opened.recv(100))
        except ConnectionError:
            return False

    opened: list[socket.socket] = []
    address = ("127.0.0.1", edge.ports["http"])
    try:
        served = []
        for source in ("127.0.0.1",) * 5 + ("127.0.0.2",) * 3 + ("127.0.0.3",) * 2:
            opened.append(socket.create_connection(address, 5, (source, 0)))
            served.append(is_served(opened[-1]))
        assert served == [True] * 4 + [False] + [True] * 4 + [False]
    finally:
        for one in opened:
            one.close()
    assert eventually(lambda: edge.intake.connections == 0)


def test_what_is_refused_is_counted_by_its_reason(edge: Live, record: Record) -> None:
    head = b"POST /hook/tower HTTP/1.1\r\n"
    asked(edge, head + b"content-length: 9999\r\n\r\n")
    asked(edge, head + b"x: " + b"a" * 20_000)
    asked(edge, b"rubbish\r\n\r\n")
    asked(edge, b"GET /hook/tower HTTP/1.1\r\n\r\n" * (PIPELINE_MAX + 1))
    with line(edge) as broken_off:
        broken_off.sendall(head)
    with ExitStack() as many:
        for source in ("127.0.0.1",) * 5 + ("127.0.0.2",) * 4 + ("127.0.0.3",):
            opened = many.enter_context(line(edge, source))
            opened.sendall(b"GET /hook/tower HTTP/1.1\r\n\r\n")
            with suppress(ConnectionError):
                opened.recv(100)
    reasons = {"body_too_large", "head_too_large", "not_http", "too_many_at_once", "cut_off"}
    reasons |= {"too_many_connections_of_address", "too_many_connections", "method_not_allowed"}
    assert eventually(lambda: all(record.counted(f"webhook.{one}") for one in reasons))


def test_behind_the_declared_proxy_the_sender_is_who_it_names(edge: Live, record: Record) -> None:
    forwarded = {"x-forwarded-for": "203.0.113.1, 192.0.2.44", "connection": "close"}
    for source, named in (("127.0.0.9", "192.0.2.44"), ("127.0.0.1", "127.0.0.1")):
        with line(edge, source) as opened:
            opened.sendall(request(**forwarded))
            assert answers(opened) == [(202, "")]
        record.rollback()
        row = record.execute("SELECT source_address FROM heard.message ORDER BY id").fetchall()
        assert row[-1] == (named,)
    with line(edge, "127.0.0.9") as opened:
        opened.sendall(request(**{"x-forwarded-for": "nobody", "connection": "close"}))
        assert answers(opened) == [(202, "")]
    lines = [line(edge, "127.0.0.9") for _ in range(6)]  # more than one address may have
    served = []
    for one in lines:
        with one as opened:
            opened.sendall(request(connection="close"))
            served += answers(opened)
    assert served == [(202, "")] * 6


def test_a_stop_lets_what_is_in_flight_be_answered(prepared: Urls, ring: Keyring) -> None:
    served, holding = ExitStack(), ExitStack()
    live = served.enter_context(running("webhook", LIMITS, prepared, ring))
    ending = threading.Thread(target=served.close)
    with line(live) as waiting, line(live) as idle:
        holding.enter_context(commits_held_up(prepared))
        waiting.sendall(request() + request())
        assert eventually(lambda: live.intake.senders.at("127.0.0.1").in_flight == 1)
        assert live.intake.connections == 2
        ending.start()
        assert answers(idle) == []  # what is idle is closed at once
        with pytest.raises(ConnectionRefusedError), line(live):
            pass
        assert ending.is_alive()
        holding.close()
        assert answers(waiting) == [(202, "")]  # what was not begun is not confirmed
    ending.join(10)
    assert not ending.is_alive()


def test_a_fault_of_ours_is_said_and_confirms_nothing(
    edge: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(**_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(edge.intake, "keep", broken)
    with sender(edge.ports["http"]) as one:
        answer: httpx.Response = one.send({"code": "FA"})
        assert (answer.status_code, answer.json()["reason"]) == (500, "failed")
    monkeypatch.undo()
    with sender(edge.ports["http"]) as one:
        assert one.send({"code": "FA"}).status_code == 202
