"""Any one way in on real sockets, in a thread of its own, with the real record behind it."""

import asyncio
import importlib
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from live_edge import Record, eventually

from tocsin.edge.intake import Intake
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.devices import DeviceBook
from tocsin.record.heard import HeardLog
from tocsin.record.keys import Keyring
from tocsin.record.keys import seal as seal_key
from tocsin.record.sealing import DayKeys, open_body, open_text

__all__ = [
    "Live",
    "Record",
    "certificate",
    "commits_held_up",
    "database_away",
    "eventually",
    "install",
    "opened",
    "running",
]

WAIT_S = 10.0
_names = itertools.count(1)


@dataclass
class Live:
    """`ports` by transport, as announced (`tcp`, `tls`); `heard` may be given faults."""

    ports: dict[str, int] = field(default_factory=dict)
    intake: Any = None
    heard: Any = None


@contextmanager
def running(
    name: str,
    settings: Any,
    urls: Urls,
    keyring: Keyring,
    *,
    sockets: int = 1,
    prepare: Callable[[Any], None] = lambda _: None,
) -> Iterator[Live]:
    """`tocsin.edge.<name>` with its own loop until the end. `prepare` gets the Intake first."""
    ready = threading.Event()
    live = Live()
    failed: list[BaseException] = []
    stop: list[Callable[[], None]] = []

    def say(line: str) -> None:
        _, said_name, over, where = line.split(" ")
        assert said_name == name
        live.ports[over] = int(where.rsplit(":", 1)[1])
        if len(live.ports) == sockets:
            ready.set()

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(stopping.set))
        await _serve(name, settings, urls, keyring, stopping, say, live, prepare)

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:  # noqa: BLE001 - shown by the test that waits
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run, name=name)
    thread.start()
    try:
        assert ready.wait(WAIT_S)
        assert not failed, failed
        yield live
    finally:
        if stop and not failed:
            stop[0]()
        thread.join(WAIT_S * 2)
        assert not thread.is_alive()
    assert not failed, failed


async def _serve(
    name: str,
    settings: Any,
    urls: Urls,
    keyring: Keyring,
    stopping: asyncio.Event,
    say: Callable[[str], None],
    live: Live,
    prepare: Callable[[Any], None],
) -> None:
    heard, devices = HeardLog(name=f"{name} {next(_names)}"), DeviceBook()
    await heard.start(urls, keyring)
    await devices.start(urls.application, keyring)
    try:
        await asyncio.wait_for(heard.connected(), WAIT_S)
        common = {"district": "main", "agency": "fire", "limits": settings}
        intake = Intake(name, heard, devices, stopping, say, **common)
        live.heard, live.intake = heard, intake
        prepare(intake)
        ticking = asyncio.create_task(_tick(intake))
        try:
            await importlib.import_module(f"tocsin.edge.{name}").serve(settings, intake)
        finally:
            ticking.cancel()
            intake.tidy(asyncio.get_running_loop().time())
    finally:
        await heard.stop()
        await devices.stop()


async def _tick(intake: Intake) -> None:
    while True:
        intake.tidy(asyncio.get_running_loop().time())
        await asyncio.sleep(0.05)


def install(
    owner: Connection, keyring: Keyring, protocol: str, account: str, key: bytes | None
) -> UUID:
    """A site with one device, written as an import writes it."""
    site, device = uuid4(), uuid4()
    sealed = None if key is None else seal_key(keyring.device(), key, device.bytes)
    owner.execute(
        "INSERT INTO ref.site (id, code, name_zh, name_en, address, lat, lon, datum, district,"
        " agency) VALUES (%s, %s, '一', 'One', 'Mill Road 4', 31, 121, 'WGS-84', 'north', 'fire')",
        (site, f"{protocol} {account}"),
    )
    owner.execute(
        "INSERT INTO ref.device (id, site, protocol, account, key, district, agency)"
        " VALUES (%s, %s, %s, %s, %s, 'north', 'fire')",
        (device, site, protocol, account, sealed),
    )
    owner.commit()
    return device


def opened(record: Record, ring: Keyring) -> list[tuple[bytes, str]]:
    """Body and text of everything kept, opened as for one who may read it; oldest first."""
    record.rollback()
    rows = record.execute("SELECT id, body, text FROM heard.message ORDER BY id").fetchall()
    keys = DayKeys(ring, create=False)
    found = []
    for one, body, text in rows:
        cipher = keys.cipher(one.bytes)
        said = "" if text is None else open_text(cipher, one, text)
        found.append((open_body(cipher, one, body), said))
    return found


@contextmanager
def database_away(administrator: Connection) -> Iterator[None]:
    """The application may not connect, and is no longer connected."""
    administrator.execute("ALTER ROLE tocsin_app CONNECTION LIMIT 0")
    administrator.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tocsin_app'"
    )
    try:
        yield
    finally:
        administrator.execute("ALTER ROLE tocsin_app CONNECTION LIMIT -1")


@contextmanager
def commits_held_up(urls: Urls) -> Iterator[None]:
    """Whatever an intake wants to write waits until the end."""
    with connect(urls.owner) as holding:
        holding.execute("LOCK TABLE heard.arrived IN EXCLUSIVE MODE")
        yield
        holding.rollback()


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A certificate signed by itself, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file
