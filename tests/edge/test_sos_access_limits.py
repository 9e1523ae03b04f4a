"""SOS Access over real sockets: each limit at its limit, TLS, and the settings."""

import os
import resource
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_intake import (
    Live,
    Record,
    certificate,
    eventually,
    install,
    running,
)
from live_sos_access import (
    AUTHENTICATION,
    CODE,
    SETTINGS,
    STATUS,
    WAIT_S,
    Line,
    alarm,
    document,
    sos_client,
    tls_of_a_client,
)
from msgspec.structs import replace

from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.wire.sos_access.requests import Kind, encode


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("sos") / "keys")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        install(owner, ring, "sos_access", CODE, AUTHENTICATION.encode())
        yield Record(owner, ring)


@pytest.fixture(scope="module")
def live(urls: Urls, ring: Keyring, record: Record, tls: tuple[Path, Path]) -> Iterator[Live]:
    settings = replace(SETTINGS, tls_port=0, tls_cert=str(tls[0]), tls_key=str(tls[1]))
    with running("sos_access", settings, urls, ring, sockets=2) as one:
        yield one


@pytest.fixture(autouse=True)
def client_s_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sos_client.TCPTransport, "_get_socket", tls_of_a_client)


@pytest.fixture
def line(live: Live) -> Iterator[Line]:
    with Line(live.ports["tcp"]) as opened:
        yield opened


def test_connections_have_a_ceiling_in_all_and_per_address(urls, ring, record) -> None:
    settings = replace(SETTINGS, max_connections=3, max_connections_per_address=2)
    ping = encode(alarm(kind=Kind.PING))
    with running("sos_access", settings, urls, ring) as live:
        port = live.ports["tcp"]
        lines = [Line(port), Line(port)]
        for line in lines:
            line.send(ping)
            assert line.status() == 0
        with Line(port) as third:
            assert third.status() is None
        lines.append(Line(port, "127.0.0.2"))
        lines[-1].send(ping)
        assert lines[-1].status() == 0
        with Line(port, "127.0.0.3") as fourth:
            assert fourth.status() is None
        lines.pop().socket.close()
        assert eventually(lambda: live.intake.connections == 2)
        lines.append(Line(port, "127.0.0.3"))
        lines[-1].send(ping)
        assert lines[-1].status() == 0
        for line in lines:
            line.socket.close()
    assert record.counted("sos_access.too_many_connections") == 1
    assert record.counted("sos_access.too_many_connections_of_address") == 1


@pytest.mark.parametrize("code", [CODE, "IK9999"], ids=["device", "nobody"])
def test_authentications_are_guessed_at_ten_times_a_minute(urls, ring, record, code) -> None:
    def tries(live: Live, authentication: str, source: str, code: str = code) -> int | None:
        with Line(live.ports["tcp"], source) as line:
            line.send(encode(alarm(transmittercode=code, authentication=authentication)))
            return line.status()

    counted = record.counted("sos_access.too_many_attempts")
    with running("sos_access", SETTINGS, urls, ring) as live:
        before = record.execute("SELECT count(*) FROM heard.message").fetchone()[0]
        guesses = [tries(live, f"guess{n}", "127.0.0.7") for n in range(12)]
        assert guesses == [4] * 10 + [5] * 2
        assert tries(live, AUTHENTICATION, "127.0.0.7") == 5  # also the right one is not looked at
        record.rollback()
        assert record.execute("SELECT count(*) FROM heard.message").fetchone()[0] == before + 10
        assert tries(live, AUTHENTICATION, "127.0.0.8", CODE) == 0  # elsewhere
        other = "IK9998" if code == CODE else CODE
        assert tries(live, "guess", "127.0.0.7", other) == 4  # and for another
    assert record.counted("sos_access.too_many_attempts") == counted + 3


def test_half_a_request_and_silence_hears_2_and_is_closed(urls, ring, record) -> None:
    with (
        running("sos_access", replace(SETTINGS, half_request_s=0.2), urls, ring) as live,
        Line(live.ports["tcp"]) as line,
    ):
        line.send(encode(alarm())[:50])
        assert line.status() == 2
        assert line.status() is None
    assert record.counted("sos_access.cut_short") == 1


def test_a_trickle_does_not_hold_a_connection_open(urls, ring, record) -> None:
    with (
        running("sos_access", replace(SETTINGS, half_request_s=0.3), urls, ring) as live,
        Line(live.ports["tcp"]) as line,
    ):
        line.send(b"<alarmrequest>")
        line.socket.settimeout(0.02)
        heard = b""
        for _ in range(200):
            try:
                line.send(b"x")
                heard = heard or line.socket.recv(4_096)
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
            if heard:
                break
        assert STATUS.search(heard)


def test_idle_connection_is_closed_even_if_it_sends_blanks(urls, ring, record) -> None:
    settings = replace(SETTINGS, idle_s=1.0)
    with running("sos_access", settings, urls, ring) as live, Line(live.ports["tcp"]) as line:
        for _ in range(3):
            line.send(b"\r\n")
        assert line.status() is None


def test_without_a_free_descriptor_one_waits_and_is_heard_then(urls, ring, record) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with running("sos_access", SETTINGS, urls, ring) as live, socket.socket() as waiting:
        waiting.settimeout(WAIT_S)
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            waiting.connect(("127.0.0.1", live.ports["tcp"]))
            waiting.sendall(encode(alarm()))
            assert eventually(lambda: record.counted("sos_access.not_accepted") > 0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert STATUS.search(waiting.recv(4_096))[1] == b"0"


def test_too_many_refusals_end_a_connection(live, record) -> None:
    from tocsin.edge.sos_access import REFUSED_MAX

    with Line(live.ports["tcp"]) as line:
        for _ in range(REFUSED_MAX):
            line.send(document("<a></b>"))
            assert line.status() == 2
        assert line.status() is None
    assert eventually(lambda: record.counted("sos_access.too_many_refused") == 1)


def test_a_flood_of_one_address_does_not_stop_another(live) -> None:
    flood = Line(live.ports["tcp"])
    flood.send(encode(alarm()) * 300)
    with Line(live.ports["tcp"], "127.0.0.2") as other:
        other.send(encode(alarm()))
        assert other.status() == 0
    flood.socket.close()


def test_tls_is_tls_and_nothing_else(live, tls) -> None:
    with Line(live.ports["tls"]) as line:
        line.send(encode(alarm()))
        assert line.status() is None
    context = ssl.create_default_context(cafile=str(tls[0]))
    assert context.check_hostname
    with (
        socket.create_connection(("127.0.0.1", live.ports["tls"]), WAIT_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(encode(alarm()))
        assert STATUS.search(secure.recv(4_096))[1] == b"0"
        # More than is read at once, so that reading pauses and goes on.
        big = encode(alarm(kind=Kind.PING)).replace(b"<auth", b"<!--" + b"x" * 90_000 + b"--><auth")
        secure.sendall(big * 12)
        answers = b""
        while answers.count(b"<status>0<") < 12:
            more = secure.recv(65_536)
            assert more
            answers += more


def test_a_greeting_that_comes_with_the_connection_is_not_lost(live, tls) -> None:
    """Again and again, since it is a race."""
    context = ssl.create_default_context(cafile=str(tls[0]))
    for _ in range(40):
        with (
            socket.create_connection(("127.0.0.1", live.ports["tls"]), WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(encode(alarm(kind=Kind.PING)))
            assert STATUS.search(secure.recv(4_096))[1] == b"0"


def test_what_never_shakes_hands_holds_a_place_and_no_more(urls, ring, record, tls) -> None:
    settings = replace(
        SETTINGS,
        max_connections_per_address=2,
        port=-1,
        tls_port=0,
        tls_cert=str(tls[0]),
        tls_key=str(tls[1]),
    )
    with running("sos_access", settings, urls, ring) as live:
        lines = [Line(live.ports["tls"]) for _ in range(3)]
        assert lines[2].status() is None
        assert live.intake.connections == 2
        for line in lines:
            line.socket.close()
        assert eventually(lambda: live.intake.connections == 0)


def test_settings_that_contradict_each_other_are_refused() -> None:
    def said(**values: Any) -> list[str]:
        return list(replace(SETTINGS, **values).contradictions("edge.sos_access"))

    assert said() == []
    assert said(port=-1)
    assert said(tls_port=0)
    assert "in clear" in said(host="0.0.0.0")[0]
    assert said(host="0.0.0.0", port=-1, tls_port=0, tls_cert="c", tls_key="k") == []
