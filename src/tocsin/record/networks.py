"""How a network address is written, and whose share it has. Every bound of one sender counts by
that, from the socket that it opens to the card that it is shown on."""

from __future__ import annotations

import socket
from typing import Final

_MAPPED: Final = bytes(10) + b"\xff\xff"
"""An IPv4 address in an IPv6 one begins so."""


def at_port(host: str, port: int) -> str:
    """As it is written: `203.0.113.9:9000`, an IPv6 address in brackets (RFC 3986 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def network_of(address: str) -> str:
    """Whose share an address has: of IPv6 its /64, in which any host may take as many addresses as
    it likes; an IPv4 address its own, also where it stands in an IPv6 one. What is no address is
    its own too.

    Whoever has a shorter prefix has more shares: 256 with a /56, as homes are given, 65,536 with a
    /48. What bounds all senders together bounds those.
    """
    if ":" not in address:
        return address
    try:
        packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except (OSError, ValueError):
        return address
    if packed.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed[:8] + bytes(8)) + "/64"
