"""What a refused frame is shown as to whoever connects a panel: why it was refused, its first
bytes, and what to do."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy

from tocsin.core.texts.counters import COUNTERS
from tocsin.core.texts.intakes import TITLES

Row = dict[str, Any]

_NOT_DC09: Final = gettext_lazy(
    "The panel speaks another protocol. Choose SIA DC-09 (SIA-DCS or ADM-CID) at the panel."
)
_CONNECTIONS: Final = gettext_lazy(
    "More connections than are allowed. Let the panel close each connection, or keep one open."
)
ADVICE: Final[dict[str, Any]] = {
    "bad_crc": gettext_lazy(
        "The checksum does not fit. Compare the panel's make and firmware with the dialects on the"
        " page of DC-09."
    ),
    "bad_length": gettext_lazy(
        "The length in the frame is not that of its text. Compare the panel's make and firmware"
        " with the dialects on the page of DC-09; a converter on the way may change bytes."
    ),
    "malformed": gettext_lazy(
        "This is no frame of DC-09. Choose SIA DC-09 at the panel, without a header of its own."
    ),
    "cut_short": gettext_lazy(
        "The frame has no end: the connection broke, or the panel sends no CR behind it. Let it"
        " send again, and look at its connection."
    ),
    "rubbish": gettext_lazy(
        "These bytes are outside of any frame. Choose SIA DC-09 at the panel, and no greeting or"
        " serial wrapping before the frame."
    ),
    "oversized": gettext_lazy(
        "The frame is longer than any of DC-09. Compare the protocol that is set at the panel."
    ),
    "no_frame_yet": gettext_lazy(
        "The connection was opened and no whole frame came. Let the panel send a test; if it waits"
        " for us to speak first, it does not speak DC-09."
    ),
    "receivers_word": gettext_lazy(
        "This is what a receiver answers, not what a panel sends: two receivers are connected to"
        " each other."
    ),
    "foreign.galaxy": gettext_lazy(
        "A Galaxy panel in its own format. Choose SIA DC-09 at its Ethernet module."
    ),
    "foreign.osborne_hoffman": gettext_lazy(
        "A panel that speaks Osborne-Hoffman. Choose SIA DC-09 (also called XSIA) at the panel."
    ),
    "foreign.tls": gettext_lazy(
        "The panel opens with TLS on the port for clear frames. Give it the port of DC-09 over TLS,"
        " or switch TLS off at the panel."
    ),
    "foreign.http": gettext_lazy(
        "A browser or an HTTP device. Choose SIA DC-09 at the panel, or give it the address of the"
        " webhook."
    ),
    "foreign.sip": _NOT_DC09,
    "foreign.ssh": _NOT_DC09,
    "tls_refused": gettext_lazy(
        "TLS was not agreed. The panel must speak TLS 1.2 or later, trust our certificate, and show"
        " its own where one is asked for."
    ),
    "too_many_connections": _CONNECTIONS,
    "too_many_connections_of_address": _CONNECTIONS,
}


def shown(one: Row, language: str) -> Row:
    """One row of `record.refused.refused` as a row of the screen."""
    intake, reason, raw = one["intake"], one["reason"], one["raw"]
    return {
        "id": one["id"],
        "at": one["at"],
        "way_in": TITLES[intake].of(language) if intake in TITLES else intake,
        "address": one["source_address"],
        "reason": COUNTERS[reason].of(language) if reason in COUNTERS else reason,
        "advice": ADVICE.get(reason, ""),
        "further": one["further"],
        "hex": "" if raw is None else raw.hex(" "),
        "text": "" if raw is None else printable(raw),
        "unseen": 0 if raw is None else one["size"] - len(raw),
    }


def printable(raw: bytes) -> str:
    """The bytes as ASCII; a dot stands for each that is none, or has no face."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in raw)
