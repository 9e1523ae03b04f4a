"""AML as a data message: the GSM 7-bit alphabet packed into octets (3GPP TS 23.038), with or
without a user data header (TS 23.040), as a gateway hands it over in hexadecimal."""

from __future__ import annotations

import re
from typing import Final

from tocsin.wire.aml.place import BadMessage

OCTETS_MAX: Final = 1_024

# 3GPP TS 23.038 6.2.1, the default alphabet; the escape to its extension is not followed.
_ALPHABET: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_AML: Final = 'A"ML='


def text_of_hex(text: str) -> str:
    """The characters of user data in hexadecimal. Raises `BadMessage`."""
    plain = text.strip()
    if len(plain) > 2 * OCTETS_MAX or not _HEX.fullmatch(plain):
        raise BadMessage("not_hex")
    return text_of(bytes.fromhex(plain))


def text_of(data: bytes) -> str:
    """The characters of user data, whether it is packed, in octets, or behind a header."""
    for start in (0, _header(data)):
        if data[start:].startswith(_AML.encode()):  # one character an octet
            return data[start:].decode("latin-1").rstrip("\x00")
        found = unpack(data, start)
        if found.startswith(_AML):
            return found.rstrip("@\r")  # septets of padding read as @ or CR
    raise BadMessage("not_aml")


def _header(data: bytes) -> int:
    """How many octets the user data header has with its length (TS 23.040 9.2.3.24)."""
    return min(data[0] + 1, len(data)) if data else 0


def unpack(data: bytes, start: int = 0) -> str:
    """The septets from octet `start` on; behind a header they begin at the next whole septet."""
    number = int.from_bytes(data, "little")
    first = -(-start * 8 // 7)
    count = len(data) * 8 // 7
    return "".join(_ALPHABET[number >> 7 * at & 0x7F] for at in range(first, count))


def pack(text: str) -> bytes:
    """The inverse of `unpack`. Raises ValueError for a character that the alphabet lacks."""
    number = 0
    for at, character in enumerate(text):
        number |= _ALPHABET.index(character) << 7 * at
    return number.to_bytes(-(-len(text) * 7 // 8), "little")
