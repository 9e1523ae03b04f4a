"""TLS towards a site's broker, as paho is given it."""

from __future__ import annotations

import ssl
from typing import Any


class Tls(ssl.SSLContext):
    """Shakes hands as soon as it can, where ssl closes what fails; paho would leave it open."""

    def wrap_socket(self, *arguments: Any, **named: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*arguments, **(named | {"do_handshake_on_connect": True}))


def has_pending(sock: Any) -> bool:
    """Whether TLS has opened what the socket does not show any more."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
