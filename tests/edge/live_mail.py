"""A mail server that brings alarm mails, for tests: smtplib, and a dialogue in its own words."""

import contextlib
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from live_intake import (
    Live,
    Record,
)

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
