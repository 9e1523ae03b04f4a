"""The MQTT intake on real sockets in a thread of its own with the real record behind it, a device
that speaks paho, and a real broker."""

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID, uuid4

import msgspec
import uvloop
from live_edge import Record, eventually
from msgspec.structs import replace
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tocsin.core.signals import SignalRead
from tocsin.edge.intake import Intake
from tocsin.edge.mqtt import serve
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.devices import DeviceBook
from tocsin.record.heard import HeardLog
from tocsin.record.keys import Keyring
from tocsin.record.keys import seal as seal_key
from tocsin.record.sealing import message_key, open_body, open_text
from tocsin.site.intakes.mqtt import Mqtt
from tocsin.wire.mqtt.fields import BadPacket
from tocsin.wire.mqtt.packets import V3, V5, ConnAck, Connect, Packet, decode, encode

PANEL, PASSWORD = "panel-1", "a long password"
OTHER = "panel-2"
WAIT_S = 5.0
ALARM = b'{"code":"BA","zone":"7"}'
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
_names = itertools.count(1)


@dataclass
class Edge:
    ports: dict[str, int] = field(default_factory=dict)
    intake: Intake | None = None
    stop_now: Callable[[], None] = lambda: None

    @property
    def port(self) -> int:
        return self.ports["tcp"]

    def counted(self, name: str) -> int:
        """Since the counters were last handed on, which no test of this harness does."""
        assert self.intake is not None
        return self.intake.counts._since.get(name, 0)


@contextmanager
def running(
    urls: Urls, keyring: Keyring, *, hold: Callable[[HeardLog], None] | None = None, **settings: Any
) -> Iterator[Edge]:
    """The intake with a loop of its own until the end. `hold` may change what keeps."""
    chosen = replace(Mqtt(port=0), **settings)
    edge = Edge()
    ready = threading.Event()
    failed: list[BaseException] = []
    stop: list[Callable[[], None]] = []
    sockets = sum(port >= 0 for port in (chosen.port, chosen.tls_port))

    def listening(line: str) -> None:
        _, _, over, address = line.split()
        edge.ports[over] = int(address.rsplit(":", 1)[1])
        if len(edge.ports) == sockets:
            ready.set()

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(stopping.set))
        heard, devices = HeardLog(name=f"mqtt {next(_names)}"), DeviceBook()
        await heard.start(urls, keyring)
        await devices.start(urls.application, keyring)
        common = {"district": "main", "agency": "fire", "limits": chosen}
        edge.intake = Intake("mqtt", heard, devices, stopping, listening, **common)
        if hold is not None:
            hold(heard)
        try:
            await asyncio.wait_for(heard.connected(), WAIT_S)
            if not sockets:
                loop.call_later(0.05, ready.set)
            await serve(chosen, edge.intake)
        finally:
            await heard.stop()
            await devices.stop()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:  # noqa: BLE001 - shown by the test that waits
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run, name="mqtt edge")
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
    assert not failed, failed


def register(
    owner: Connection, keyring: Keyring, account: str = PANEL, password: str = PASSWORD
) -> UUID:
    """A site with one device, written as an import writes it."""
    site, device = uuid4(), uuid4()
    sealed = seal_key(keyring.device(), password.encode(), device.bytes)
    owner.execute(
        "INSERT INTO ref.site (id, code, name_zh, name_en, address, lat, lon, datum, district,"
        " agency) VALUES (%s, %s, '一', 'One', 'Mill Road 4', 31, 121, 'WGS-84', 'north', 'fire')",
        (site, account),
    )
    owner.execute(
        "INSERT INTO ref.device (id, site, protocol, account, key, district, agency)"
        " VALUES (%s, %s, 'mqtt', %s, %s, 'north', 'fire')",
        (device, site, account, sealed),
    )
    owner.commit()
    return device


class Device:
    """A client of paho's, with what it was told."""

    def __init__(
        self,
        port: int,
        version: int = V3,
        *,
        account: str = PANEL,
        password: str | None = PASSWORD,
        client_id: str = "c1",
        clean: bool = True,
        keep_alive_s: int = 60,
        will: tuple[str, bytes] | None = None,
        tls: Any = None,
        wait_s: float = WAIT_S,
    ) -> None:
        self.wait_s = wait_s
        is_v5 = version == V5
        self.connected: list[Any] = []
        self.acknowledged: list[int] = []
        self.granted: list[Any] = []
        self.ended: list[Any] = []
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if is_v5 else clean,
            protocol=MQTTProtocolVersion.MQTTv5 if is_v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client = self.client
        client.username_pw_set(account, password)
        client.on_connect = lambda _c, _u, flags, code, told: self.connected.append(
            (code, flags.session_present, told)
        )
        client.on_publish = lambda _c, _u, mid, _code, _p: self.acknowledged.append(mid)
        client.on_subscribe = lambda _c, _u, _mid, codes, _p: self.granted.extend(codes)
        client.on_disconnect = lambda _c, _u, _f, code, _p: self.ended.append(code)
        if will is not None:
            client.will_set(*will)
        if tls is not None:
            client.tls_set_context(tls)
        properties = None
        if is_v5 and not clean:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 600
        more = {"clean_start": clean, "properties": properties} if is_v5 else {}
        client.connect("127.0.0.1", port, keep_alive_s, **more)
        client.loop_start()

    def __enter__(self) -> Self:
        if not eventually(lambda: bool(self.connected), self.wait_s):
            self.client.loop_stop()
            raise AssertionError("no CONNACK")
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def again(self) -> None:
        """Connects once more with what it remembers."""
        self.client.loop_stop()
        self.client._reset_sockets(sockpair_only=True)  # paho forgets to close these
        self.client.reconnect()
        self.client.loop_start()

    def publish(self, topic: str, payload: bytes | str, qos: int = 1, retain: bool = False) -> int:
        return self.client.publish(topic, payload, qos, retain).mid

    def is_told(self, mid: int, within_s: float = WAIT_S) -> bool:
        """Whether the message was acknowledged in time."""
        return eventually(lambda: mid in self.acknowledged, within_s)


class Raw:
    """A client that says and hears bytes, for what no library would do."""

    def __init__(self, port: int, version: int = V3) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S)
        self.version = version
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, packet: Packet | bytes) -> None:
        raw = packet if isinstance(packet, bytes) else encode(packet, self.version)
        self.socket.sendall(raw)

    def hear(self, timeout_s: float = WAIT_S) -> Packet | None:
        """The next packet; None when the other side has closed. Raises TimeoutError on silence."""
        self.socket.settimeout(timeout_s)
        while True:
            for end in range(2, len(self.rest) + 1):
                with contextlib.suppress(BadPacket):
                    packet = decode(self.rest[:end], self.version)
                    self.rest = self.rest[end:]
                    return packet
            try:
                more = self.socket.recv(65_536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.rest += more

    def is_silent(self, for_s: float = 0.3) -> bool:
        try:
            self.hear(for_s)
        except TimeoutError:
            return True
        return False


@dataclass(frozen=True)
class Kept:
    """One message of the record, opened."""

    id: UUID
    intake: str
    answer: str
    problem: str | None
    repeat_of: UUID | None
    assurance: str
    body: bytes
    signals: tuple[SignalRead, ...]
    texts: tuple[str, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(one.code for one in self.signals)


def kept(record: Record, keyring: Keyring) -> list[Kept]:
    """Everything on record, sorted in, opened, in the order kept."""

    found = []
    rows = record.execute(
        "SELECT id, intake, answer, problem, repeat_of, assurance, body FROM heard.message"
        " WHERE protocol = 'mqtt' ORDER BY id"
    ).fetchall()
    for identifier, intake, answer, problem, repeat_of, assurance, body in rows:
        cipher = message_key(keyring, identifier)
        signals = record.connection.execute(
            "SELECT id, read, text FROM heard.signal WHERE message = %s ORDER BY id", (identifier,)
        ).fetchall()
        found.append(
            Kept(
                identifier,
                intake,
                answer,
                problem,
                repeat_of,
                assurance,
                open_body(cipher, identifier, body),
                tuple(msgspec.json.decode(read, type=SignalRead) for _, read, _ in signals),
                tuple("" if t is None else open_text(cipher, one, t) for one, _, t in signals),
            )
        )
    record.rollback()
    return found


def soon(holds: Callable[[], bool], within_s: float = WAIT_S) -> None:
    """Fails unless it comes true in time."""
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.02)


@contextmanager
def record_stopped(urls: Urls) -> Iterator[None]:
    """The database answers, and no commit of an intake ends."""
    with connect(urls.owner) as holding:
        holding.execute("LOCK TABLE heard.arrived IN SHARE ROW EXCLUSIVE MODE")
        yield


@contextmanager
def database_away(administrator: Connection, edge: Edge) -> Iterator[None]:
    administrator.execute("ALTER ROLE tocsin_app CONNECTION LIMIT 0")
    administrator.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'tocsin heard mqtt%'"
    )
    assert edge.intake is not None
    intake = edge.intake
    try:
        soon(lambda: not intake.can_keep)
        yield
    finally:
        administrator.execute("ALTER ROLE tocsin_app CONNECTION LIMIT -1")
    soon(lambda: intake.can_keep, 10)


def connecting(version: int = V3, client_id: str = "raw", **fields: object) -> Connect:
    said = {"clean": True, "keep_alive_s": 60, "user": PANEL, "password": PASSWORD.encode()}
    return Connect(version, client_id, **(said | fields))  # type: ignore[arg-type]


@contextmanager
def opened(port: int, version: int = V3, **fields: object) -> Iterator[Raw]:
    with Raw(port, version) as raw:
        raw.say(connecting(version, **fields))
        answer = raw.hear()
        assert isinstance(answer, ConnAck)
        assert answer.code == 0
        yield raw


def codes(record: Record, ring: Keyring) -> list[tuple[str, str]]:
    return [(s.code, s.token) for one in kept(record, ring) for s in one.signals]
