"""The sockets on which DC-09 panels are heard, until the process is asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable
from typing import Final

from tocsin.edge.dc09 import Intake
from tocsin.edge.dc09_channels import TCP, UDP, Settings
from tocsin.edge.dc09_sockets import Connection, Datagrams
from tocsin.edge.dc09_tls import TlsDoor, open_tls
from tocsin.edge.sockets import BACKLOG, Overflow, open_pairs
from tocsin.record.devices import DeviceBook
from tocsin.record.heard import HeardLog
from tocsin.record.networks import at_port

SWEEP_S: Final = 1.0


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    heard: HeardLog,
    devices: DeviceBook,
    district: str,
    agency: str,
    say: Callable[[str], None],
    turn: Callable[[bool], None] = lambda _: None,
) -> None:
    """Hears panels until `stop` is set, then finishes what is in flight.

    `heard` and `devices` are started already and stay the caller's to stop. `say` gets one line per
    socket: `listening dc09 tcp HOST:PORT`, `listening dc09-tls tcp HOST:PORT`. `turn` is called
    each second, and with False while the record can keep nothing: then nobody is answered, and
    senders try again. Raises OSError where the address cannot be had.
    """
    loop = asyncio.get_running_loop()
    intake = Intake(settings, heard, devices, district=district, agency=agency)
    pairs = open_pairs(settings.host, settings.port)
    servers: list[asyncio.Server] = []
    endpoints: list[asyncio.BaseTransport] = []
    doors: list[tuple[TlsDoor, str]] = []
    try:
        for pair in pairs:
            servers.append(
                await loop.create_server(
                    lambda: Connection(intake, TCP), sock=pair.tcp, backlog=BACKLOG
                )
            )
            for one in pair.udp:
                hears = loop.create_datagram_endpoint(lambda: Datagrams(intake, UDP), sock=one)
                endpoints.append((await hears)[0])
            say(f"listening dc09 tcp {at_port(pair.host, pair.port)}")
            say(f"listening dc09 udp {at_port(pair.host, pair.port)}")
        doors = open_tls(settings, intake)
        for _, address in doors:
            say(f"listening dc09-tls tcp {address}")
        gc.freeze()  # all that is loaded by now stays; a storm must not pay for looking it over
        gc.set_threshold(100_000)  # and what is made for a frame goes by itself, once answered
        overflow = Overflow(one for pair in pairs for one in pair.udp)
        while not stop.is_set():
            turn(heard.is_connected)
            if dropped := overflow.more():
                intake.counts.refused("datagrams_dropped", "", times=dropped)
            intake.tidy(loop.time())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SWEEP_S)
    finally:
        for server in servers:
            server.close()
        for door, _ in doors:
            await door.close()
        await intake.finish()
        for endpoint in endpoints:
            endpoint.close()
        for pair in pairs:
            pair.close()
