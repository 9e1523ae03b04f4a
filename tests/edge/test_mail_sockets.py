"""Alarm mails over real sockets, sent by smtplib, with the real record: whom we take mail for, what
each sender hears, each limit, and nothing answered before it is on disk."""

import asyncio
import contextlib
import logging
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from live_intake import (
    Live,
    Record,
    certificate,
    commits_held_up,
    database_away,
    eventually,
    install,
    opened,
    running,
)
from msgspec.structs import replace

from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring
from tocsin.site.intakes.mail import Mail
from tocsin.wire.mail.rules import Rule

WAIT_S = 10.0
SAMPLES = Path(__file__).parent.parent / "frames" / "mail"
SECRET = "Open-Sesame-42"
OURS, KEPT_SECRET = "mill-road@alarm.example.org", "guarded@alarm.example.org"
SETTINGS = Mail(
    enabled=True,
    port=0,
    domains=("alarm.example.org", "example.com"),
    rules=(Rule(pattern="fire alarm*zone {zone}", code="FA"),),
)
PANEL = (SAMPLES / "panel_plain.eml").read_bytes()


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


@contextlib.contextmanager
def server(live: Live, over: str = "tcp") -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", live.ports[over], "sender.example.net", WAIT_S) as one:
        yield one


def kept(record: Record) -> list[tuple[Any, ...]]:
    """Intake, answer, problem, assurance, whether a device's, and what was read; oldest first."""
    record.rollback()
    rows: list[tuple[Any, ...]] = record.execute(
        "SELECT intake, answer, problem, assurance, device IS NOT NULL,"
        " convert_from(read, 'UTF8')::jsonb FROM heard.message ORDER BY id"
    ).fetchall()
    return rows


class Line:
    """A dialogue in the sender's own words."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S, (source, 0))
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *lines: bytes) -> None:
        self.socket.sendall(b"".join(line + b"\r\n" for line in lines))

    def reply(self, timeout_s: float = WAIT_S) -> bytes | None:
        """The last line of the next reply; None when the other side has closed."""
        self.socket.settimeout(timeout_s)
        while True:
            while b"\r\n" not in self.rest:
                try:
                    more = self.socket.recv(65_536)
                except (ConnectionResetError, BrokenPipeError):
                    more = b""
                if not more:
                    return None
                self.rest += more
            line, _, self.rest = self.rest.partition(b"\r\n")
            if line[3:4] != b"-":
                return line

    def says(self, *lines: bytes) -> bytes | None:
        """The reply to the last of these lines."""
        answer = None
        for line in lines:
            self.send(line)
            answer = self.reply()
        return answer


def ready(live: Live, recipient: str = OURS, over: str = "tcp") -> Line:
    """A dialogue up to DATA."""
    line = Line(live.ports[over])
    assert line.reply()[:3] == b"220"
    said = line.says(
        b"EHLO x", b"MAIL FROM:<a@b.example>", f"RCPT TO:<{recipient}>".encode(), b"DATA"
    )
    assert said is not None
    assert said[:3] == b"354"
    return line


# -- what is kept -------------------------------------------------------------------------------


def test_mail_of_a_device_is_kept_read_and_acknowledged(live, record, ring) -> None:
    before = len(kept(record))
    with server(live) as one:
        assert one.sendmail("eva.berg@example.net", [OURS], PANEL) == {}
    rows = kept(record)[before:]
    assert [row[:5] for row in rows] == [("mail.tcp", "ack", None, "none", True)]
    said = rows[0][5]
    assert (said["code"], said["codes"], said["zone"]) == ("FA", "sia", "7")
    assert (said["account"], said["token"]) == ("mill-road", "mail")
    assert "@" not in str(said)
    body, text = opened(record, ring)[-1]
    assert body == PANEL
    assert text.startswith("ALARM: Fire alarm Zone 7\nSite: Mill Road 4")
    assert "@" not in text


def test_starttls_and_tls_carry_the_same_and_vouch_for_nothing(live, record, tls) -> None:
    before = len(kept(record))
    context = ssl.create_default_context(cafile=tls["tls_cert"])
    for _ in range(20):  # a greeting that comes at once must not be lost
        with smtplib.SMTP("localhost", live.ports["tcp"], "x", WAIT_S) as one:
            assert one.starttls(context=context)[0] == 220
            assert one.sendmail("a@b.example", [OURS], PANEL) == {}
            assert not one.has_extn("starttls")
    with smtplib.SMTP_SSL(
        "localhost", live.ports["tls"], "x", timeout=WAIT_S, context=context
    ) as one:
        assert one.sendmail("a@b.example", [OURS], PANEL) == {}
        assert not one.has_extn("starttls")
    rows = kept(record)[before:]
    assert [row[0] for row in rows] == ["mail.starttls"] * 20 + ["mail.tls"]
    assert {row[3] for row in rows} == {"none"}


def test_what_was_said_in_clear_does_not_count_in_tls(live, tls) -> None:
    """A command slipped in behind STARTTLS, in clear, is not taken for one of the TLS dialogue."""
    with Line(live.ports["tcp"]) as line:
        line.reply()
        assert line.says(b"EHLO x", b"MAIL FROM:<a@b.example>")[:3] == b"250"
        line.send(b"STARTTLS", b"RSET")
        assert line.reply()[:3] == b"220"
        context = ssl.create_default_context(cafile=tls["tls_cert"])
        try:
            with context.wrap_socket(line.socket, server_hostname="localhost") as secure:
                secure.sendall(b"RCPT TO:<mill-road@alarm.example.org>\r\n")
                assert secure.recv(1_000)[:3] == b"503"  # no HELO, no MAIL: all is forgotten
                assert line.rest == b""
        except (ssl.SSLError, ConnectionResetError):
            pass  # what came in clear was read as a handshake, and refused


def test_unknown_account_of_our_domain_is_kept_as_a_stranger_s(live, record) -> None:
    before = len(kept(record))
    with server(live) as one:
        assert one.sendmail("a@b.example", ["nobody.here@EXAMPLE.com"], PANEL) == {}
    assert [row[:5] for row in kept(record)[before:]] == [
        ("mail.tcp", "ack", "unknown_account", "none", False)
    ]
    assert kept(record)[-1][5]["account"] == "nobody.here"
    assert eventually(lambda: record.counted("mail.unknown_account") == 1)


def test_secret_word_shows_whose_it_is_and_stays_in_nothing(live, record, ring) -> None:
    before = len(kept(record))
    with server(live) as one:
        one.sendmail("a@b.example", [KEPT_SECRET], PANEL)
        one.sendmail("a@b.example", [KEPT_SECRET], PANEL + SECRET.encode() + b"\r\n")
    assert [row[2:5] for row in kept(record)[before:]] == [
        ("wrong_secret", "none", False),
        (None, "none", True),
    ]
    for body, text in opened(record, ring):
        assert SECRET.encode() not in body
        assert SECRET not in text
    assert "[removed]" in opened(record, ring)[-1][1]


def test_one_mail_for_several_accounts_is_kept_for_each(live, record) -> None:
    before = len(kept(record))
    with server(live) as one:
        both = [OURS, "MILL-ROAD@alarm.example.org", "second@alarm.example.org"]
        assert one.sendmail("a@b.example", both, PANEL) == {}
    assert [row[5]["account"] for row in kept(record)[before:]] == ["mill-road", "second"]


def test_bounces_lists_and_automatic_mails_are_marked_and_nothing_is_sent(live, record) -> None:
    before = len(kept(record))
    with server(live) as one:
        one.sendmail("", [OURS], PANEL)
        for name in ("bounce", "list"):
            one.sendmail("a@b.example", [OURS], (SAMPLES / f"{name}.eml").read_bytes())
    tokens = [row[5]["token"] for row in kept(record)[before:]]
    assert tokens == ["bounce", "automatic", "list"]


def test_a_mail_brought_again_is_a_repeat_and_another_is_news(live, record) -> None:
    def repeats() -> list[bool]:
        record.rollback()
        rows = record.execute("SELECT repeat_of IS NOT NULL FROM heard.message ORDER BY id")
        return [row[0] for row in rows]

    before = len(repeats())
    one = PANEL.replace(b"20260304.1@", b"a.repeat@")
    with server(live) as sending:
        sending.sendmail("a@b.example", [OURS], one)
        sending.sendmail("a@b.example", [OURS], b"Received: by another\r\n" + one)
        sending.sendmail("a@b.example", [OURS], one.replace(b"Zone 7", b"Zone 8"))
        sending.sendmail("a@b.example", ["second@example.com"], one)
    assert repeats()[before:] == [False, True, False, False]


def test_a_bomb_is_kept_with_its_name(live, record, ring) -> None:
    bomb = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 5_000
    with server(live) as one:
        assert one.sendmail("a@b.example", [OURS], bomb) == {}
    assert kept(record)[-1][2] == "too_many_parts"
    assert opened(record, ring)[-1][0] == bomb


def test_byte_by_byte_and_all_at_once(live, record, ring) -> None:
    before = len(kept(record))
    said = (
        b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<" + OURS.encode() + b">\r\nDATA\r\n"
        b"Subject: fire alarm zone 9\r\n\r\n..dot\r\n.\r\nQUIT\r\n"
    )
    with Line(live.ports["tcp"]) as line:
        for at in range(len(said)):
            line.socket.sendall(said[at : at + 1])
        replies = [line.reply()[:3] for _ in range(7)]
        assert replies == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]
        assert line.reply() is None
    with Line(live.ports["tcp"]) as line:
        line.socket.sendall(said.replace(b"QUIT\r\n", b"") + said.replace(b"EHLO x\r\n", b""))
        assert [line.reply()[:3] for _ in range(11)][-1] == b"221"
    assert len(kept(record)) == before + 3
    assert [one[0] for one in opened(record, ring)[-3:]] == [
        b"Subject: fire alarm zone 9\r\n\r\n.dot\r\n"
    ] * 3


# -- never a relay ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "recipient",
    [
        "someone@elsewhere.example",
        "mill-road@sub.alarm.example.org",
        "mill-road@alarm.example.org.evil.example",
        "someone%elsewhere.example@alarm.example.org",
        "elsewhere.example!someone@alarm.example.org",
        "a@b@alarm.example.org",
        "mill-road",
        "",
        "x" * 65 + "@alarm.example.org",
        '"mill road"@alarm.example.org',
    ],
)
def test_mail_for_others_is_refused(live, record, recipient) -> None:
    before = len(kept(record))
    with server(live) as one:
        one.ehlo()
        one.mail("a@b.example")
        assert one.docmd("RCPT", f"TO:<{recipient}>")[0] in (550, 553)
        assert one.docmd("DATA")[0] == 503
    assert len(kept(record)) == before


def test_a_route_before_the_address_means_nothing(live) -> None:
    with server(live) as one:
        one.ehlo()
        one.mail("a@b.example")
        assert one.docmd("RCPT", f"TO:<@elsewhere.example:{OURS}>")[0] == 250
        assert one.docmd("RCPT", "TO:<@alarm.example.org:x@elsewhere.example>")[0] == 550


def test_what_is_not_offered(live) -> None:
    with server(live) as one:
        one.ehlo()
        offered = set(one.esmtp_features)
        assert offered == {"size", "8bitmime", "smtputf8", "starttls"}
        assert one.esmtp_features["size"] == str(1 << 20)
        for command in ("VRFY mill-road", "EXPN list", "HELP", "AUTH PLAIN AGEAYQ=="):
            assert one.docmd(command)[0] == 502
        assert one.docmd("ETRN x")[0] == 500
        assert one.docmd("NOOP")[0] == 250


def test_starttls_comes_first_where_it_must(urls, ring, record, tls) -> None:
    settings = replace(SETTINGS, require_starttls=True, **tls)
    context = ssl.create_default_context(cafile=tls["tls_cert"])
    with running("mail", settings, urls, ring) as live:
        with server(live) as one, pytest.raises(smtplib.SMTPSenderRefused) as refused:
            one.sendmail("a@b.example", [OURS], PANEL)
        assert refused.value.smtp_code == 530
        with smtplib.SMTP("localhost", live.ports["tcp"], "x", WAIT_S) as one:
            one.starttls(context=context)
            assert one.docmd("STARTTLS")[0] == 503
            assert one.sendmail("a@b.example", [OURS], PANEL) == {}
    assert record.counted("mail.tls_required") >= 1


# -- durable before it is acknowledged ----------------------------------------------------------


def is_answered_before_the_commit(urls: Urls, live: Live) -> bool:
    with ready(live) as line:
        with commits_held_up(urls):
            line.send(b"Subject: x", b"", b"y", b".")
            try:
                line.reply(0.4)
            except TimeoutError:
                pass
            else:
                return True
        assert line.reply()[:3] == b"250"
    return False


def test_nothing_is_acknowledged_before_it_is_on_disk(urls, live) -> None:
    assert not is_answered_before_the_commit(urls, live)


def test_one_that_answers_too_early_is_found_out(urls, ring, record) -> None:
    """The control: the same question of an intake that does not wait for its commit."""

    def hasten(intake: Any) -> None:
        keep, waiting = intake.keep, set()

        async def too_early(**values: Any) -> None:
            waiting.add(asyncio.ensure_future(keep(**values)))

        intake.keep = too_early

    with running("mail", SETTINGS, urls, ring, prepare=hasten) as hasty:
        assert is_answered_before_the_commit(urls, hasty)


def test_while_the_database_is_away_mails_are_to_come_again(
    urls, ring, record, live, administrator
) -> None:
    with running("mail", SETTINGS, urls, ring) as other:
        with database_away(administrator), ready(other) as line:
            assert eventually(lambda: not other.intake.can_keep)
            assert line.says(b"Subject: x\r\n\r\ny\r\n.")[:3] == b"451"
        assert eventually(lambda: other.intake.can_keep and live.intake.can_keep, 15)
        with server(other) as one:
            assert one.sendmail("a@b.example", [OURS], PANEL) == {}
    record.rollback()
    assert record.counted("mail.not_kept") >= 1


def test_a_stop_answers_what_is_in_flight(urls, ring, record) -> None:
    with running("mail", SETTINGS, urls, ring) as live:
        idle, busy = Line(live.ports["tcp"]), ready(live)
        idle.reply()
        before = len(kept(record))
        with commits_held_up(urls):
            busy.send(b"Subject: x", b"", b"y", b".")
            assert eventually(
                lambda: live.heard.waiting > 0 or live.intake.senders.at("127.0.0.1").in_flight > 0
            )
            live.intake.stop._loop.call_soon_threadsafe(live.intake.stop.set)
            assert idle.reply() is None
        assert busy.reply()[:3] == b"250"
        assert busy.reply() is None
    assert len(kept(record)) == before + 1
    for line in (idle, busy):
        line.socket.close()


# -- limits -------------------------------------------------------------------------------------


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
