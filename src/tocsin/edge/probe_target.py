"""What the probe sends to, and what became of it as far as its sender knows."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

HEADER: Final = "tocsin-probe"
"""Header of a test alarm or call over HTTP where the protocol has no account for its sender: the
account and its secret, with a full stop between them."""


class NotReached(Exception):
    """Nobody listens there, or TLS could not be agreed."""


class NotAnswered(Exception):
    """Another answer came than one that says that it is kept, or none."""


@dataclass(slots=True)
class Target:
    """One socket. `secret` is hexadecimal; `context` is for TLS, in mail also for STARTTLS;
    `domain` is one of those whose mail is ours; `host` what an HTTP client calls it."""

    intake: str
    over: str
    address: str
    port: int
    account: str
    secret: str
    context: ssl.SSLContext | None = None
    domain: str = ""
    host: str = "localhost"
    district: str = ""
    agency: str = ""
    reached_at: datetime | None = None

    @property
    def name(self) -> str:
        """Of the probe: `dc09.tcp`; pages have no transport of their own."""
        return self.intake if self.intake in ("call", "report") else f"{self.intake}.{self.over}"

    @property
    def shown(self) -> str:
        """What stands in HEADER or in an `Authorization: Bearer`."""
        return f"{self.account}.{self.secret}"

    def reached(self) -> None:
        """Somebody listens."""
        if self.reached_at is None:
            self.reached_at = datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Result:
    """`why`: in the words of the system, where it was not acknowledged."""

    name: str
    account: str
    reached_at: datetime | None
    acknowledged_at: datetime | None
    why: str


def client_context(cert: str, client_cert: str, client_key: str) -> ssl.SSLContext:
    """TLS as a device sees it whom nobody told a name: the certificate must be the one that we are
    set up with, and in its time. Raises OSError, ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cert)
    if client_cert:
        context.load_cert_chain(client_cert, client_key)
    return context
