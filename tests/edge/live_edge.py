"""The edge on real sockets in a thread of its own, with the real record behind it, and a panel."""

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from unittest import mock
from uuid import UUID, uuid4

import uvloop

from tocsin.edge.dc09_serving import serve
from tocsin.record.arrivals import Sorter
from tocsin.record.database import Connection, Urls
from tocsin.record.devices import DeviceBook
from tocsin.record.heard import HeardLog
from tocsin.record.keys import Keyring
from tocsin.record.keys import seal as seal_key
from tocsin.site.intakes.dc09 import Dc09
from tocsin.site.tasks import READERS
from tocsin.wire.dc09.frames import Frame, decode, encode, seal, write_timestamp

PLAIN, ENCRYPTED = "1234", "5678"
KEY, WRONG_KEY = b"0123456789abcdef", b"fedcba9876543210"
WAIT_S = 5.0
EACH_S = 0.1  # what the edge does each second, so that no test waits for it
NOISE = bytes(range(16))
sequence = iter(range(1, 9_999))
_names = itertools.count(1)


def frame(data: str = "NFA7", account: str = PLAIN, token: str = "SIA-DCS", **fields: Any) -> bytes:
    number = fields.pop("number", None) or f"{next(sequence):04d}"
    fields = {"receiver": "1", "line": "0"} | fields
    body = f"#{account}|{data}".encode() if data else b""
    return encode(Frame(token, number, account=account, data=body, **fields))


def sealed(
    data: str = "NFA7",
    key: bytes = KEY,
    late_s: float = 0.0,
    token: str = "SIA-DCS",
    account: str = ENCRYPTED,
    number: str = "",
) -> bytes:
    sent = write_timestamp(datetime.now(UTC) - timedelta(seconds=late_s))
    body = f"#{account}|{data}".encode() if data else b""
    number = number or f"{next(sequence):04d}"
    clear = Frame(token, number, None, "0", account, body, timestamp=sent)
    return encode(seal(clear, key, NOISE))


@dataclass(frozen=True)
class Limits:
    host: str = "127.0.0.1"
    port: int = 0
    max_connections: int = 1_000
    max_connections_per_address: int = 500
    frames_in_flight_per_address: int = 1_000
    frame_bytes_max: int = Dc09().frame_bytes_max
    idle_s: float = 60.0
    half_frame_s: float = 30.0
    first_frame_s: float = 30.0
    tls_port: int = -1
    tls_cert: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""


@dataclass
class Edge:
    port: int
    tls_port: int = 0
    turns: list[bool] = field(default_factory=list)

    def listens(self, line: str) -> None:
        _, name, _, address = line.split()
        assert name in ("dc09", "dc09-tls")
        number = int(address.rpartition(":")[2])
        if name == "dc09":
            self.port = number
        else:
            self.tls_port = number

    def connect(self, source: str = "127.0.0.1") -> "Panel":
        return Panel(self.dial(self.port, source))

    def dial(self, port: int, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), WAIT_S, (source, 0))

    def datagrams(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.settimeout(WAIT_S)
        opened.connect(("127.0.0.1", self.port))
        return opened


class Panel:
    """One TCP connection of a panel."""

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, timeout_s: float = WAIT_S) -> Frame | None:
        """The next answer; None when the edge has closed. Raises TimeoutError on silence."""
        raw = self.receive_raw(timeout_s)
        return decode(raw) if raw else None

    def receive_raw(self, timeout_s: float = WAIT_S) -> bytes:
        """Its bytes; empty when the edge has closed."""
        self.socket.settimeout(timeout_s)
        # Not before its tenth byte: the two of a binary CRC may be anything.
        while b"\r" not in self.rest[9:]:
            try:
                more = self.socket.recv(65_536)
            except ConnectionResetError:
                more = b""
            if not more:
                return b""
            self.rest += more
        end = self.rest.index(b"\r", 9) + 1
        raw, self.rest = self.rest[:end], self.rest[end:]
        return raw

    def all(self) -> bytes:
        """Everything until the edge closes."""
        said = self.rest
        self.socket.settimeout(WAIT_S)
        with contextlib.suppress(ConnectionResetError):
            while more := self.socket.recv(65_536):
                said += more
        return said

    def is_silent(self, for_s: float = 0.4) -> bool:
        try:
            self.receive(for_s)
        except TimeoutError:
            return True
        return False


@contextmanager
def running(
    urls: Urls, keyring: Keyring, limits: Limits | None = None, *, new_loop: Any = None
) -> Iterator[Edge]:
    """The edge with its own loop (uvloop unless `new_loop` says otherwise), until the end."""
    ready = threading.Event()
    edge = Edge(port=0)
    failed: list[BaseException] = []
    stop: list[Callable[[], None]] = []

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(stopping.set))
        # Intakes of one name wait for each other's last commit; each of these has its own.
        heard, devices = HeardLog(name=f"edge {next(_names)}"), DeviceBook()
        await heard.start(urls, keyring)
        await devices.start(urls.application, keyring)
        try:
            await asyncio.wait_for(heard.connected(), WAIT_S)
            await serve(
                limits or Limits(),
                stopping,
                heard=heard,
                devices=devices,
                district="main",
                agency="fire",
                say=edge.listens,
                turn=turn,
            )
        finally:
            await heard.stop()
            await devices.stop()

    def turn(can_keep: bool) -> None:
        edge.turns.append(can_keep)
        ready.set()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=new_loop or uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:  # noqa: BLE001 - shown by the test that waits
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run, name="edge", daemon=True)
    quick = (
        mock.patch("tocsin.edge.dc09_serving.SWEEP_S", EACH_S),
        mock.patch("tocsin.record.heard.SEEN_EVERY_S", EACH_S),
        mock.patch("tocsin.record.devices.REFRESH_S", EACH_S),
    )
    with quick[0], quick[1], quick[2]:
        yield from _while_running(thread, edge, ready, stop, failed)
    assert not failed, failed


def _while_running(
    thread: threading.Thread,
    edge: Edge,
    ready: threading.Event,
    stop: list[Callable[[], None]],
    failed: list[BaseException],
) -> Iterator[Edge]:
    thread.start()
    try:
        assert ready.wait(WAIT_S * 2)
        assert not failed, failed
        yield edge
    finally:
        if stop and not failed:
            stop[0]()
        thread.join(WAIT_S * 4)
        assert not thread.is_alive()


def register(
    owner: Connection,
    keyring: Keyring,
    account: str,
    key: bytes | None = None,
    dialect: str = "",
) -> UUID:
    """A site with one device, written as an import writes it."""
    site, device = uuid4(), uuid4()
    sealed = None if key is None else seal_key(keyring.device(), key, device.bytes)
    owner.execute(
        "INSERT INTO ref.site (id, code, name_zh, name_en, address, lat, lon, datum, district,"
        " agency) VALUES (%s, %s, '一', 'One', 'Mill Road 4', 31, 121, 'WGS-84', 'north', 'fire')",
        (site, account),
    )
    owner.execute(
        "INSERT INTO ref.device (id, site, protocol, account, key, dialect, district, agency)"
        " VALUES (%s, %s, 'dc09', %s, %s, %s, 'north', 'fire')",
        (device, site, account, sealed, dialect),
    )
    owner.commit()
    return device


class Record:
    """The record as it is once everything that was kept is sorted in."""

    def __init__(self, connection: Connection, ring: Keyring) -> None:
        self.connection = connection
        self._sorter = Sorter(ring, READERS)

    def execute(self, query: str) -> Any:
        self._sorter.sort(self.connection)
        return self.connection.execute(query.encode())

    def rollback(self) -> None:
        self.connection.rollback()

    def counted(self, name: str) -> int:
        return counter(self.connection, name)


def counter(owner: Connection, name: str) -> int:
    owner.rollback()
    row = owner.execute("SELECT value FROM ref.intake_counter WHERE name = %s", (name,)).fetchone()
    return 0 if row is None else row[0]


def eventually(holds: Callable[[], bool], within_s: float = WAIT_S) -> bool:
    """Whether it comes true in time. The edge writes its counters each second."""
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
