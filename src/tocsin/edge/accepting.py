"""Accepts connections for an intake, one task each: each has its place from the first moment on,
also while TLS shakes hands, and each is let finish when the process ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from tocsin.edge.intake import FINISH_S, Intake
from tocsin.edge.senders import Sender
from tocsin.record.networks import at_port

logger = logging.getLogger("tocsin.edge")

HANDSHAKE_S: Final = 10.0
NO_FILE_S: Final = 0.2
"""When the machine gives no further connection, the next try is after so long."""

Talk = Callable[[socket.socket, Sender], Awaitable[None]]


class Reception:
    """The connections of one intake. `talk` holds one from its accepting to its end, and closes
    it; while it only waits for its sender it says so with `idle`."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._accepting: list[asyncio.Task[None]] = []
        self._listening: list[socket.socket] = []
        self._talking: dict[asyncio.Task[None], bool] = {}  # whether it may be ended at once

    def listen(self, host: str, port: int, over: str, talk: Talk, turned_away: bytes = b"") -> None:
        """Opens `port` and says so. `turned_away` is what one hears for whom there is no place.
        Raises `AddressNotHad`, or OSError for what may pass."""
        for sock in self._intake.open_tcp(host, port):
            self._listening.append(sock)
            shown, number = sock.getsockname()[:2]
            self._accepting.append(asyncio.create_task(self._accept(sock, talk, turned_away)))
            self._intake.say(f"listening {self._intake.name} {over} {at_port(shown, number)}")

    @contextlib.contextmanager
    def idle(self) -> Iterator[None]:
        """While the connection of this task only waits for its sender."""
        task = asyncio.current_task()
        assert task is not None
        self._talking[task] = True
        try:
            yield
        finally:
            self._talking[task] = False

    async def until_stop(self) -> None:
        """Until the intake stops; then what is in flight has FINISH_S to be answered."""
        waiting = asyncio.create_task(self._intake.stop.wait())
        try:
            done, _ = await asyncio.wait(
                [waiting, *self._accepting], return_when=asyncio.FIRST_COMPLETED
            )
            for task in done - {waiting}:
                task.result()  # accepting ends by an error only
        finally:
            waiting.cancel()
            await self.close()

    async def close(self) -> None:
        """Accepts nobody, and lets those who are here finish."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for sock in self._listening:
            sock.close()
        for task, may_end in list(self._talking.items()):
            if may_end:
                task.cancel()
        if self._talking:
            _, late = await asyncio.wait(list(self._talking), timeout=FINISH_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _accept(self, listening: socket.socket, talk: Talk, turned_away: bytes) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, peer = await loop.sock_accept(listening)
            except OSError:  # no descriptor, no memory, or the sender is gone again
                self._intake.counts.refused("not_accepted", "")
                await asyncio.sleep(NO_FILE_S)
                continue
            sender = self._intake.enter(str(peer[0]))
            if sender is None:
                with contextlib.suppress(OSError):  # not blocking: a first line always has room
                    sock.send(turned_away)
                sock.close()
                continue
            task = asyncio.create_task(self._hold(sock, sender, talk))
            self._talking[task] = False
            task.add_done_callback(lambda ended: self._talking.pop(ended, None))

    async def _hold(self, sock: socket.socket, sender: Sender, talk: Talk) -> None:
        try:
            await talk(sock, sender)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the sender is gone, or we are at our end
        except Exception:
            logger.exception("a connection failed", extra={"intake": self._intake.name})
            self._intake.counts.refused("failed", sender.address)
        finally:
            self._intake.leave(sender)


async def streams(
    sock: socket.socket, context: ssl.SSLContext | None, limit: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An accepted socket as streams, over TLS where a context is given. Raises OSError or
    TimeoutError where the sender shakes no hands."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit)
    protocol = asyncio.StreamReaderProtocol(reader)
    try:
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol,
            sock,
            ssl=context,
            ssl_handshake_timeout=None if context is None else HANDSHAKE_S,
        )
    except BaseException:
        sock.close()
        raise
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
