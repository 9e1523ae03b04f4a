"""DC-09 inside TLS, on a port of its own: who may come in, and the handshake, which has a limit of
its own in number and time. What comes afterwards is a connection like any other."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tocsin.edge.dc09_channels import TLS, Settings
from tocsin.edge.dc09_sockets import Connection
from tocsin.edge.senders import Sender
from tocsin.edge.sockets import AddressNotHad, open_tcp, tls_context
from tocsin.record.networks import at_port

if TYPE_CHECKING:
    from tocsin.edge.dc09 import Intake

SHUTDOWN_S: Final = 2.0
"""A client that does not close its side of TLS holds its place for so long and no longer."""

ACCEPT_AGAIN_S: Final = 0.5
"""When the machine has no descriptor for one more connection, so long until the next try."""

_NOTHING_FREE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class TlsDoor:
    """The listening socket for TLS: a connection holds its place from the first packet on, so that
    half-made handshakes count like any other, and has `first_frame_s` to complete its own."""

    def __init__(self, intake: Intake, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._intake = intake
        self._socket = sock
        self._context = context
        self._handshakes: dict[asyncio.Task[None], socket.socket] = {}
        self._task = asyncio.create_task(self._accept(), name="dc09 tls")

    async def close(self) -> None:
        """No further connections; handshakes under way are given up."""
        self._task.cancel()
        for opened in self._handshakes.values():
            # Not by cancelling: uvloop would keep the transport until the handshake's time is up.
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        await asyncio.gather(self._task, *self._handshakes, return_exceptions=True)
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                opened, peer = await loop.sock_accept(self._socket)
            except OSError as error:
                if error.errno in _NOTHING_FREE:
                    self._intake.counts.refused("tls_not_accepted", "")
                    await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            sender = self._intake.let_in(str(peer[0]))
            if sender is None:
                opened.close()
                continue
            task = asyncio.create_task(self._shake_hands(opened, sender))
            self._handshakes[task] = opened
            task.add_done_callback(self._handshakes.pop)

    async def _shake_hands(self, opened: socket.socket, sender: Sender) -> None:
        intake = self._intake
        connection = Connection(intake, TLS, sender)
        intake.handshakes += 1
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                opened,
                ssl=self._context,
                ssl_handshake_timeout=intake.settings.first_frame_s,
                ssl_shutdown_timeout=SHUTDOWN_S,
            )
        except (OSError, ssl.SSLError):  # a time-out is an OSError too
            intake.counts.refused("tls_refused", sender.address, b"")
        finally:
            intake.handshakes -= 1
            if not connection.has_begun:  # else the place is the connection's to give back
                intake.senders.disconnected(sender)
                opened.close()


def open_tls(settings: Settings, intake: Intake) -> list[tuple[TlsDoor, str]]:
    """The doors for TLS, each with its address; none where no port is set.

    Raises `AddressNotHad` where the certificate or the address cannot be used.
    """
    if settings.tls_port < 0:
        return []
    client_ca = settings.tls_client_ca
    try:
        context = tls_context(
            Path(settings.tls_cert),
            Path(settings.tls_key),
            Path(client_ca) if client_ca else None,
        )
    except (OSError, ssl.SSLError) as error:
        raise AddressNotHad(error.errno, f"dc09 cannot use its certificate: {error}") from error
    doors = []
    for sock in open_tcp("dc09-tls", settings.host, settings.tls_port):
        address, port = sock.getsockname()[:2]
        doors.append((TlsDoor(intake, sock, context), at_port(address, port)))
    return doors
