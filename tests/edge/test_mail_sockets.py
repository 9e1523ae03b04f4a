"""Alarm mails over real sockets, sent by smtplib, with the real record: whom we take mail for, what
each sender hears, and nothing answered before it is on disk."""

import asyncio
import smtplib
import ssl
from collections.abc import Iterator
from typing import Any

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
from live_mail import (
    KEPT_SECRET,
    OURS,
    PANEL,
    SAMPLES,
    SECRET,
    SETTINGS,
    WAIT_S,
    Line,
    kept,
    ready,
    server,
)
from msgspec.structs import replace

from tocsin.record.database import Urls, connect
from tocsin.record.keys import Keyring


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
    for _ in range(8):  # a greeting that comes at once must not be lost
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
    assert [row[0] for row in rows] == ["mail.starttls"] * 8 + ["mail.tls"]
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


def test_test_alarms_of_our_own_are_counted_apart(live, record) -> None:
    def tested(nonce: int) -> None:
        before = record.counted("mail.probe")
        with server(live) as one:
            assert one.sendmail("a@b.example", [f"tp.{nonce:012x}@example.com"], PANEL) == {}
        assert eventually(lambda: record.counted("mail.probe") == before + 1)

    tested(1)  # what was counted before it is on record now
    before = record.counted("mail.ack")
    tested(2)
    assert record.counted("mail.ack") == before
    with server(live) as one:
        assert one.sendmail("a@b.example", [OURS], PANEL + b"Another.\r\n") == {}
    assert eventually(lambda: record.counted("mail.ack") == before + 1)


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


@pytest.mark.parametrize("other", [OURS, "nobody@example.com"])
def test_secret_word_stays_in_no_copy_for_another_recipient(live, record, ring, other) -> None:
    before = len(kept(record))
    with server(live) as one:
        to = [other, KEPT_SECRET]
        one.sendmail("a@b.example", to, PANEL + SECRET.encode() + b"\r\n")
    copies = opened(record, ring)[before:]
    assert len(copies) == 2
    for body, text in copies:
        assert SECRET.encode() not in body
        assert SECRET not in text


def test_a_device_whose_secret_does_not_open_here_is_not_taken_for_one_without(
    urls, ring, record, tmp_path
) -> None:
    install(record.connection, Keyring(tmp_path / "other"), "mail", "lost", SECRET.encode())
    before = len(kept(record))
    with running("mail", SETTINGS, urls, ring) as live, server(live) as one:
        assert one.sendmail("a@b.example", ["lost@example.com"], PANEL) == {}
    assert [row[2:5] for row in kept(record)[before:]] == [("no_key", "none", False)]


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
    assert record.counted("mail.failed") == 0


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
