"""Other protocols that knock at the port: told by their first bytes, counted by name, sent away.
None of them is ever acknowledged: what they say would be taken for received and is not."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple


class Stranger(StrEnum):
    """Who it is. Counted as `foreign.<name>`."""

    HTTP = "http"
    TLS = "tls"
    SSH = "ssh"
    SIP = "sip"
    OSBORNE_HOFFMAN = "osborne_hoffman"
    GALAXY = "galaxy"


class Manners(NamedTuple):
    """What tells it and what it hears before the connection is closed. `begins`: the least that
    tells, so that it does not matter in which segments it comes."""

    begins: re.Pattern[bytes]
    hears: bytes
    what: str


_SAID: Final = (
    "This port is for alarm panels (SIA DC-09). Nothing was received.\n"
    "此端口用于报警主机（SIA DC-09）接入，未接收任何内容。\n"
).encode()
_BAD_REQUEST: Final = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n"
    b"Connection: close\r\n\r\n%b" % (len(_SAID), _SAID)
)
# RFC 8446 6.2, in the record version that every client takes: fatal, handshake_failure.
_TLS_ALERT: Final = b"\x15\x03\x01\x00\x02\x02\x28"

STRANGERS: Final[dict[Stranger, Manners]] = {
    Stranger.SIP: Manners(
        re.compile(rb"(?:[A-Z]{3,9} (?:sips?|tel):|SIP/2)"), b"", "SIP requests and answers"
    ),
    Stranger.HTTP: Manners(
        re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|TRACE|PRI) [/*h]|CONNECT [^ ]"),
        _BAD_REQUEST,
        "HTTP requests",
    ),
    Stranger.TLS: Manners(
        re.compile(rb"\x16\x03[\x00-\x04]"), _TLS_ALERT, "a TLS ClientHello; TLS has its own port"
    ),
    Stranger.SSH: Manners(re.compile(rb"SSH-"), b"", "SSH"),
    Stranger.OSBORNE_HOFFMAN: Manners(
        # Its ping; or a frame whose CRC is always 0101, with the account inside the brackets only.
        re.compile(
            rb'SR[0-9]{4}L[0-9]{4}|0101[0-9A-Fa-f]{4}"[^"]{1,32}"'
            rb"[0-9]{4}(?:R[0-9A-Fa-f]*)?(?:L[0-9A-Fa-f]*)?\["
        ),
        b"",
        "Osborne-Hoffman (Aritech, Interlogix, Honeywell): static CRC 0101, 3DES session",
    ),
    Stranger.GALAXY: Manners(
        # A DC-03 account block: the length with bit 6 (and 7) set, `#`, as many digits.
        re.compile(
            b"|".join(
                rb"[%b%b]#[0-9A-F]{%d}" % (re.escape(bytes([0x40 + n])), bytes([0xC0 + n]), n)
                for n in (4, 5, 6, 8)
            )
        ),
        b"",
        "Honeywell Galaxy: DC-03 blocks (`F#123456`)",
    ),
}


def stranger(beginning: bytes) -> tuple[Stranger, bytes] | None:
    """Who begins so, with the bytes that tell; None for nobody that is known here."""
    for name, manners in STRANGERS.items():
        found = manners.begins.match(beginning)
        if found is not None:
            return name, found[0]
    return None
