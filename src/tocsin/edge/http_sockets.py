"""The listening sockets of an HTTP intake, in clear and with TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from tocsin.edge.http_parts import Settings
from tocsin.edge.intake import Intake
from tocsin.edge.sockets import tls_context


def open_sockets(
    intake: Intake, settings: Settings, opened: list[socket.socket]
) -> Iterator[tuple[socket.socket, ssl.SSLContext | None]]:
    """Each listening socket with its TLS; also added to `opened`, for whoever closes them.

    Raises `AddressNotHad`, and OSError where the files of TLS cannot be read.
    """
    if settings.port >= 0:
        clear = intake.open_tcp(settings.host, settings.port)
        opened += clear
        for sock in clear:
            yield sock, None
    if settings.tls_port >= 0:
        client_ca = Path(settings.tls_client_ca) if settings.tls_client_ca else None
        context = tls_context(Path(settings.tls_cert), Path(settings.tls_key), client_ca)
        sealed = intake.open_tcp(settings.host, settings.tls_port)
        opened += sealed
        for sock in sealed:
            yield sock, context
