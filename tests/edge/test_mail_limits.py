"""Alarm mails over real sockets: each limit at its limit, what the log tells, and the settings."""

import contextlib
import logging
import select
import threading
import time
from collections.abc import Iterator
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
from live_mail import (
    OURS,
    PANEL,
    SECRET,
    SETTINGS,
    WAIT_S,
    Line,
    ready,
    server,
)
from msgspec.structs import replace

from tocsin.edge import mail
from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.wire.mail.rules import Rule


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("mail") / "keys")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    cert, key = certificate(tmp_path_factory.mktemp("tls"))
    return {"tls_cert": str(cert), "tls_key": str(key)}


@pytest.fixture(scope="module")
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        install(owner, ring, "mail", "mill-road", None)
        install(owner, ring, "mail", "guarded", SECRET.encode())
        yield Record(owner, ring)


@pytest.fixture(scope="module")
def live(urls: Urls, ring: Keyring, record: Record, tls: dict[str, str]) -> Iterator[Live]:
    with running("mail", replace(SETTINGS, tls_port=0, **tls), urls, ring, sockets=2) as one:
        yield one


def test_size_at_its_limit(urls, ring, record) -> None:
    settings = replace(SETTINGS, message_bytes_max=20_000)
    with running("mail", settings, urls, ring) as live:
        for length, code in ((20_000, 250), (20_001, 552)):
            raw = b"Subject: x\r\n\r\n" + b"y" * 900 + b"\r\n"
            raw += b"z" * 998 + b"\r\n"
            raw = (raw * 20)[: length - 2] + b"\r\n"
            with ready(live) as line:
                assert len(raw) == length
                line.socket.sendall(raw + b".\r\n")
                assert int(line.reply()[:3]) == code
        with server(live) as one:
            one.ehlo()
            assert one.mail("a@b.example", ["SIZE=20001"])[0] == 552
            assert one.mail("a@b.example", ["SIZE=20000"])[0] == 250
    assert record.counted("mail.too_big") == 2


def test_recipients_at_their_limit(urls, ring, record) -> None:
    with (
        running("mail", replace(SETTINGS, recipients_max=2), urls, ring) as live,
        server(live) as one,
    ):
        one.ehlo()
        one.mail("a@b.example")
        codes = [one.rcpt(f"a{n}@example.com")[0] for n in range(3)]
        assert codes == [250, 250, 452]
    assert record.counted("mail.too_many_recipients") == 1


def test_lines_at_their_limit(live, record) -> None:
    for length, code in ((998, b"250"), (1_001, b"500")):
        with ready(live) as line:
            assert line.says(b"x" * length + b"\r\n.")[:3] == code
    with Line(live.ports["tcp"]) as line:
        line.reply()
        assert line.says(b"NOOP " + b"x" * 2_000)[:3] == b"500"
        assert line.says(b"NOOP")[:3] == b"250"
    assert eventually(lambda: record.counted("mail.line_too_long") == 2)


def endlessly(line: Line, piece: bytes) -> None:
    for _ in range(2_000):
        line.socket.sendall(piece * 10)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r"], ids=["none", "lf", "cr"])
def test_a_line_without_end_is_cut_off_and_never_hoarded(live, record, end) -> None:
    before = record.counted("mail.line_too_long")
    with ready(live) as line, pytest.raises((BrokenPipeError, ConnectionResetError)):
        endlessly(line, b"x" * 1_000 + end)
    assert eventually(lambda: record.counted("mail.line_too_long") == before + 1)


def test_commands_and_bad_commands_at_their_limits(urls, ring, record) -> None:
    with running("mail", replace(SETTINGS, commands_max=5), urls, ring) as live:
        with Line(live.ports["tcp"]) as line:
            line.reply()
            codes = [line.says(b"NOOP")[:3] for _ in range(6)]
            assert codes == [b"250"] * 5 + [b"421"]
            assert line.reply() is None
        with Line(live.ports["tcp"]) as line:
            line.reply()
            codes = []
            while (said := line.says(b"WHAT%d" % len(codes))) is not None and len(codes) < 20:
                codes.append(said[:3])
            assert codes[-1] == b"502"
            assert len(codes) < 10
    assert record.counted("mail.too_many_commands") == 1
    assert record.counted("mail.too_many_bad_commands") == 1


def test_silence_ends_a_connection_and_so_does_a_trickle(urls, ring, record) -> None:
    with running("mail", replace(SETTINGS, idle_s=0.5), urls, ring) as live:
        with Line(live.ports["tcp"]) as line:
            line.reply()
            assert line.reply() is None
        with ready(live) as line:
            until = time.monotonic() + WAIT_S
            line.socket.settimeout(0.02)
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                while time.monotonic() < until:
                    line.socket.sendall(b"x\r\n")
                    with contextlib.suppress(TimeoutError):
                        if not line.socket.recv(100):
                            break
            assert time.monotonic() < until
    assert record.counted("mail.timed_out") == 2


def test_connections_have_a_ceiling_in_all_and_per_address(urls, ring, record) -> None:
    settings = replace(SETTINGS, max_connections=3, max_connections_per_address=2)
    with running("mail", settings, urls, ring) as live:
        port = live.ports["tcp"]
        lines = [Line(port), Line(port)]
        assert [line.reply()[:3] for line in lines] == [b"220"] * 2
        with Line(port) as third:
            assert third.reply()[:3] == b"421"
            assert third.reply() is None
        lines.append(Line(port, "127.0.0.2"))
        assert lines[-1].reply()[:3] == b"220"
        with Line(port, "127.0.0.3") as fourth:
            assert fourth.reply()[:3] == b"421"
        for line in lines:
            line.socket.close()
        assert eventually(lambda: live.intake.connections == 0)
    assert record.counted("mail.too_many_connections") == 1
    assert record.counted("mail.too_many_connections_of_address") == 1


def test_hostile_mails_of_one_do_not_hold_up_the_loop(live, monkeypatch) -> None:
    """While mails are read that take as long as they like, a new connection is greeted."""
    done = threading.Event()

    def slow(*given: Any, **named: Any) -> Any:
        assert done.wait(WAIT_S)
        return read(*given, **named)

    read = mail.take
    monkeypatch.setattr(mail, "take", slow)
    parts = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(48)
    )
    bomb = b"".join(parts) + b"\r\n" * 49_000
    lines = [ready(live) for _ in range(4)]
    for line in lines:
        line.socket.sendall(bomb + b".\r\n")
    for _ in lines:
        with Line(live.ports["tcp"], "127.0.0.2") as other:
            assert other.reply()[:3] == b"220"
    assert not select.select([line.socket for line in lines], [], [], 0)[0]
    done.set()
    for line in lines:
        assert line.reply()[:3] == b"250"
        line.socket.close()


def test_no_address_and_no_line_of_a_mail_is_in_the_log(live, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    with server(live) as one:
        one.sendmail("eva.berg@example.net", [OURS], PANEL)
        one.docmd("WHAT eva.berg@example.net")
    said = " ".join(entry.getMessage() + str(entry.__dict__) for entry in caplog.records)
    assert "eva.berg" not in said
    assert "Mill Road" not in said


def test_settings_that_contradict_each_other_are_refused() -> None:
    def said(**values: Any) -> list[str]:
        return list(replace(SETTINGS, **values).contradictions("edge.mail"))

    assert said() == []
    assert "domains" in said(domains=())[0]
    assert "require_starttls" in said(require_starttls=True)[0]
    assert "in clear" in said(host="0.0.0.0")[0]
    assert said(host="0.0.0.0", require_starttls=True, tls_cert="c", tls_key="k") == []
    assert said(host="0.0.0.0", port=-1, tls_port=0, tls_cert="c", tls_key="k") == []
    assert "rules[0].code" in said(rules=(Rule(pattern="x", code="?"),))[0]
