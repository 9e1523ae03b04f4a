"""`tocsin web`, `edge`, `work` and `clock`: one process each, as `tocsin up` starts them. By hand
they need TOCSIN_DATABASE_URL, or a `tocsin up` that runs on the same data."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec
import uvloop

from tocsin.edge.sockets import AddressNotHad
from tocsin.record.database import DatabaseAway, Urls
from tocsin.record.devices import DeviceBook
from tocsin.record.heard import HeardLog
from tocsin.record.keys import Keyring
from tocsin.record.networks import at_port
from tocsin.site.command.options import CommandRefused, configuration, data_directory
from tocsin.site.configuration import Configuration
from tocsin.site.doors import through
from tocsin.site.health import Heart
from tocsin.site.intakes import hear
from tocsin.site.language import say
from tocsin.site.listening_rows import ListeningRows
from tocsin.site.loops import run_loops
from tocsin.site.places import running_urls
from tocsin.site.postgres import external_urls
from tocsin.site.probe import intakes_shown
from tocsin.site.probe_age import measure_probe
from tocsin.site.process import end_by_force_later, served
from tocsin.site.sockets import PortTaken, announce, listen, print_line
from tocsin.site.supervisor import listen_to_signals

if TYPE_CHECKING:
    import uvicorn

RETRY_S_MIN: Final = 0.05
RETRY_S_MAX: Final = 1.0

# A server that hangs, ends or starts up while it is asked, not only one that cannot be reached.
GARBAGE_AFTER: Final = 20_000
"""Objects made and not gone again, after which a worker looks for rings of them."""

_AWAY: Final = (DatabaseAway, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

logger = logging.getLogger("tocsin.process")


def prepare(arguments: argparse.Namespace) -> tuple[Path, Configuration, str]:
    """Data directory, configuration and the application's database URL of one process."""
    data = data_directory(arguments)
    external = external_urls(os.environ)
    running = running_urls(data)
    if external is not None:
        url = external.application
    elif running is not None:
        url = running["application"]
    else:
        raise CommandRefused(
            say(
                f"no database: no tocsin runs on {data}, and TOCSIN_DATABASE_URL is not set."
                " `tocsin up` starts everything together",
                f"没有数据库：{data} 上没有运行 tocsin，也未设置 TOCSIN_DATABASE_URL。"
                "`tocsin up` 会启动全部进程",
            )
        )
    os.environ["TOCSIN_DATA"] = str(data)
    os.environ["TOCSIN_DATABASE_URL"] = url
    return data, configuration(arguments), url


def run_web(arguments: argparse.Namespace) -> int:
    """HTTP: the console, the API, the stream."""
    _, chosen, url = prepare(arguments)
    web = chosen.web
    rows = ListeningRows(url, "web")
    os.environ.update(
        TOCSIN_WEB_HOST=web.host,
        TOCSIN_WEB_NAMES=",".join(web.names),
        TOCSIN_WEB_TLS="1" if web.tls_cert else "0",
        TOCSIN_WEB_PROXY=web.proxy,
        TOCSIN_SITE_NAME_ZH=chosen.name_zh,
        TOCSIN_SITE_NAME_EN=chosen.name_en,
        TOCSIN_OBLIGATIONS=msgspec.json.encode(chosen.obligations).decode(),
        TOCSIN_PUBLIC=msgspec.json.encode(chosen.public).decode(),
        TOCSIN_INTAKES=msgspec.json.encode(intakes_shown(chosen)).decode(),
        TOCSIN_PROBE="1" if chosen.probe.enabled else "0",
        TOCSIN_WARNINGS=chosen.warnings.told(),
        TOCSIN_HEARD_DAYS=str(chosen.retention.heard_days),
        TOCSIN_DISTRICT=chosen.district,
        TOCSIN_AGENCY=chosen.agency,
    )
    import uvicorn

    class Server(uvicorn.Server):
        """Leaves signals to us: uvicorn raises the one it caught again once it has served, which
        would end the process by it, before it has said so."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    sockets = listen(web.host, web.port)
    with served("web", chosen, refresh=lambda: measure_probe(url)) as heart:
        server = Server(
            uvicorn.Config(
                "tocsin.site.asgi:application",
                loop="uvloop",
                http="httptools",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # the application believes its one declared proxy
                ssl_certfile=str(through(Path(web.tls_cert))) if web.tls_cert else None,
                ssl_keyfile=str(through(Path(web.tls_key))) if web.tls_key else None,
                timeout_graceful_shutdown=3,
                limit_concurrency=None,
                backlog=1024,
            )
        )
        uvloop.run(_serve_web(server, sockets, web.host, bool(web.tls_cert), heart, rows))
    rows.stop()
    return 0


async def _serve_web(
    server: uvicorn.Server,
    sockets: list[socket.socket],
    host: str,
    tls: bool,
    heart: Heart,
    rows: ListeningRows,
) -> None:
    async def beat() -> None:
        said = False
        while True:
            if server.started:
                from tocsin.site import asgi  # by now uvicorn has loaded it

                if problem := asgi.stream.problem:
                    heart.not_ready(problem)
                else:
                    heart.ready()
                heart.beat()
                if not said:
                    said = True
                    port = int(sockets[0].getsockname()[1])
                    scheme = "https" if tls else "http"
                    announce("web", scheme, host, port)
                    rows.hear(
                        f"listening web {scheme} {at_port(sockets[0].getsockname()[0], port)}"
                    )
            elif not said:
                heart.beat()
            if server.should_exit:
                return
            await asyncio.sleep(1.0 if said and heart.problem is None else 0.05)

    beating = asyncio.create_task(beat())

    def ask_to_stop() -> None:
        server.should_exit = True
        end_by_force_later()

    on_signals(ask_to_stop)
    try:
        await server.serve(sockets=sockets)
    finally:
        beating.cancel()


def run_edge(arguments: argparse.Namespace) -> int:
    """Alarm devices, and every other way in."""
    data, chosen, url = prepare(arguments)
    rows = ListeningRows(url, "edge")
    with served("edge", chosen) as heart:
        try:
            uvloop.run(_serve_edge(data, chosen, url, heart, rows))
        except AddressNotHad as error:
            raise PortTaken(str(error)) from None
        finally:
            rows.stop()
    return 0


async def _serve_edge(
    data: Path, chosen: Configuration, url: str, heart: Heart, rows: ListeningRows
) -> None:
    def announced(line: str) -> None:
        print_line(line)
        rows.hear(line)

    stop = asyncio.Event()
    stop_on_signals(stop)
    keyring = Keyring(data / "keys")
    heard, devices = HeardLog(), DeviceBook()
    try:
        async with _beating(heart):
            await heard.start(Urls(application=url, owner=url), keyring)
            if not await _devices_known(devices, url, keyring, heart, stop):
                return

        def turn(can_keep: bool) -> None:
            heart.beat()
            if can_keep:
                heart.ready()
            else:
                heart.not_ready("database lost")

        await hear(
            chosen.edge,
            stop,
            heard=heard,
            devices=devices,
            district=chosen.district,
            agency=chosen.agency,
            say=announced,
            turn=turn,
        )
    finally:
        await heard.stop()
        await devices.stop()


@contextlib.asynccontextmanager
async def _beating(heart: Heart) -> AsyncIterator[None]:
    """While it starts, the event loop is what must turn: a large register takes its time."""

    async def beat() -> None:
        while True:
            heart.beat()
            await asyncio.sleep(1.0)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


async def _devices_known(
    devices: DeviceBook, url: str, keyring: Keyring, heart: Heart, stop: asyncio.Event
) -> bool:
    """Wait for the first reading of the register: without keys every panel would look unknown.

    False when asked to stop meanwhile.
    """
    wait_s = RETRY_S_MIN
    while not stop.is_set():
        try:
            await devices.start(url, keyring)
        except PermissionError:  # a key that we may not read: another try changes nothing
            raise
        except _AWAY as error:
            heart.not_ready("database lost")
            logger.warning("database lost", extra={"why": str(error) or type(error).__name__})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_s)
            wait_s = min(2 * wait_s, RETRY_S_MAX)
        else:
            return True
    return False


def run_work(arguments: argparse.Namespace) -> int:
    """Signals to incidents, what facts call for, the order of the log."""
    data, chosen, url = prepare(arguments)
    return _run_loops("work", data, chosen, url)


def run_clock(arguments: argparse.Namespace) -> int:
    """Deadlines, and the partitions of what is kept for a time."""
    data, chosen, url = prepare(arguments)
    return _run_loops("clock", data, chosen, url)


def _run_loops(name: str, data: Path, chosen: Configuration, url: str) -> int:
    from tocsin.site.tasks import loops_of, measure

    stop = threading.Event()

    def ask_to_stop(*_: object) -> None:
        end_by_force_later()
        stop.set()

    listen_to_signals(ask_to_stop)
    # All that is loaded by now stays, and what is made for a signal goes by itself: looking it all
    # over again and again would take a sixth of the time of judging.
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
    with served(name, chosen, refresh=lambda: measure(url, chosen.retention.heard_days)) as heart:
        run_loops(url, loops_of(name, Keyring(data / "keys"), chosen), heart, stop)
    return 0


def stop_on_signals(event: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `event`; a stop that hangs ends by force."""

    def stop() -> None:
        end_by_force_later()
        event.set()

    on_signals(stop)


def on_signals(stop: Callable[[], None]) -> None:
    """SIGTERM and SIGINT call `stop` in the running loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
