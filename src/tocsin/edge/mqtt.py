"""MQTT: devices on TCP and TLS, and the brokers of sites, until the end. We are no broker: nobody
is sent anything."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from functools import partial
from pathlib import Path
from typing import Final

from tocsin.edge.intake import FINISH_S, Intake
from tocsin.edge.mqtt_acceptor import Acceptor, Settings
from tocsin.edge.mqtt_brokers import Hearing, follow
from tocsin.edge.mqtt_connection import Connection
from tocsin.edge.mqtt_taking import Taking
from tocsin.edge.sockets import BACKLOG, tls_context
from tocsin.record.fetching import Way, address_of_host
from tocsin.record.networks import at_port
from tocsin.record.recalling import Recall

HANDSHAKE_S: Final = 10.0
SWEEP_S: Final = 1.0


async def serve(settings: Settings, intake: Intake) -> None:
    """Hears devices, and the brokers of the configuration, until `intake.stop` is set; then
    finishes what is in flight.

    Raises `AddressNotHad` where an address cannot be had, OSError for what may pass.
    """
    loop = asyncio.get_running_loop()
    recall = Recall(intake.url)
    taking = Taking(intake, recall)
    acceptor = Acceptor(settings, intake, taking)
    servers: list[asyncio.Server] = []
    following: list[asyncio.Task[None]] = []
    intake.fetches(
        Way(one.name, address_of_host(one.host, one.port), one.tls) for one in settings.brokers
    )
    try:
        await taking.start()
        for port, over in ((settings.port, "tcp"), (settings.tls_port, "tls")):
            if port >= 0:
                servers += await _listen(settings, acceptor, port, over)
        hearing = Hearing(intake, settings.brokers, is_listening=bool(servers))
        following = [
            loop.create_task(follow(broker, intake, taking, hearing), name=f"broker {broker.name}")
            for broker in settings.brokers
        ]
        while not intake.stop.is_set():
            for connection in list(acceptor.connections):
                connection.tidy(loop.time())
            acceptor.wills.say()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(intake.stop.wait(), SWEEP_S)
    finally:
        for server in servers:
            server.close()
        await acceptor.finish()
        if following:
            _, late = await asyncio.wait(following, timeout=FINISH_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
        await recall.close()


async def _listen(
    settings: Settings, acceptor: Acceptor, port: int, over: str
) -> list[asyncio.Server]:
    context: ssl.SSLContext | None = None
    if over == "tls":
        client_ca = Path(settings.tls_client_ca) if settings.tls_client_ca else None
        context = tls_context(Path(settings.tls_cert), Path(settings.tls_key), client_ca)
    servers = []
    for sock in acceptor.intake.open_tcp(settings.host, port):
        host, number = sock.getsockname()[:2]
        servers.append(
            await asyncio.get_running_loop().create_server(
                partial(Connection, acceptor, over),
                sock=sock,
                backlog=BACKLOG,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_S if context else None,
            )
        )
        acceptor.intake.say(f"listening {acceptor.intake.name} {over} {at_port(host, number)}")
    return servers
