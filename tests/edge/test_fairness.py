"""Every way in is bounded and fair: a flood of one sender takes no other sender's place, and
whatever is turned away is counted and told. A way in without a row here fails."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from live_edge import Edge as Dc09Edge
from live_edge import Limits, Record, eventually, frame
from live_edge import running as running_dc09
from live_intake import Live, commits_held_up, running
from live_mail import SETTINGS as MAIL
from live_mqtt import running as running_mqtt
from live_sos_access import alarm

from tocsin.core.signals import SignalRead
from tocsin.edge.intake import Crowded, Intake
from tocsin.record.database import Urls, connect
from tocsin.record.devices import DeviceBook
from tocsin.record.heard import HeardLog, NotKept
from tocsin.record.keys import Keyring
from tocsin.site.intakes import Edge
from tocsin.site.intakes.aml import Aml
from tocsin.site.intakes.aml import Known as Operator
from tocsin.site.intakes.cap import Cap, Partner
from tocsin.site.intakes.sos_access import SosAccess
from tocsin.site.intakes.webhook import Webhook
from tocsin.wire.sos_access.requests import Kind, encode

FLOODS, ANOTHER = "127.0.0.2", "127.0.0.3"
PLACES, MORE = 3, 9
BOUNDS: dict[str, Any] = {
    "max_connections_per_address": PLACES,
    "max_connections": PLACES + 2,
    "in_flight_per_address": 2,
}
HTTP = b"GET / HTTP/1.1\r\nHost: tocsin\r\n\r\n"
MQTT = bytes.fromhex("100d00044d5154540402003c000161")
"""CONNECT, MQTT 3.1.1, client `a`, without a name: it is answered, with a refusal."""


class Way(NamedTuple):
    """`settings` in a folder for its secrets; `asks`: what one says who wants an answer."""

    settings: Callable[[Path], Any]
    asks: Callable[[], bytes]


def secret(folder: Path) -> str:
    (folder / "secret").write_text("0123456789abcdef0123456789abcdef\n")
    return str(folder / "secret")


def aml(folder: Path) -> Aml:
    operators = (Operator(name="operator", secret_file=secret(folder)),)
    return Aml(enabled=True, port=0, operators=operators, **BOUNDS)


def cap(folder: Path) -> Cap:
    partners = (Partner(name="county", token=secret(folder)),)
    return Cap(enabled=True, port=0, partners=partners, **BOUNDS)


# One row for each section of `edge` in the configuration. What we ask ourselves (MQTT brokers, CAP
# feeds) nobody can open to us: their bounds are in test_mqtt_brokers.py and test_cap_feeds.py.
WAYS: dict[str, Way] = {
    "dc09": Way(lambda _: None, lambda: frame(account="9")),
    "mqtt": Way(lambda _: None, lambda: MQTT),
    "sos_access": Way(
        lambda _: SosAccess(enabled=True, port=0, **BOUNDS),
        lambda: encode(alarm(kind=Kind.PING)),
    ),
    "mail": Way(lambda _: _with(MAIL, BOUNDS), lambda: b"NOOP\r\n"),
    "webhook": Way(lambda _: Webhook(enabled=True, port=0, **BOUNDS), lambda: HTTP),
    "aml": Way(aml, lambda: HTTP),
    "cap": Way(cap, lambda: HTTP),
}


def _with(settings: Any, changes: dict[str, Any]) -> Any:
    return type(settings)(
        **{name: getattr(settings, name) for name in settings.__struct_fields__} | changes
    )


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("fairness") / "keys")


@pytest.fixture
def record(urls: Urls, ring: Keyring) -> Iterator[Record]:
    with connect(urls.owner) as owner:
        yield Record(owner, ring)


@contextlib.contextmanager
def open_way(name: str, urls: Urls, ring: Keyring, folder: Path) -> Iterator[int]:
    """The port of a way in that runs with BOUNDS; its counters are written at the end."""
    running_one: Any
    if name == "dc09":
        running_one = running_dc09(urls, ring, Limits(max_connections_per_address=PLACES))
    elif name == "mqtt":
        running_one = running_mqtt(urls, ring, **BOUNDS)
    else:
        running_one = running(name, WAYS[name].settings(folder), urls, ring)
    with running_one as found:
        if isinstance(found, Dc09Edge):
            yield found.port
        elif isinstance(found, Live):
            yield next(iter(found.ports.values()))
        else:
            yield found.port
            found.intake.tidy(0.0)


def dial(port: int, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5.0, (source, 0))


def is_over(one: socket.socket) -> bool:
    """Whether the other end has told it that it has no place, and closed."""
    one.settimeout(5.0)
    try:
        while one.recv(4_096):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def test_every_way_in_has_its_row() -> None:
    assert set(WAYS) == set(Edge.__struct_fields__)


@pytest.mark.parametrize("name", WAYS)
def test_connections_of_one_take_no_place_of_another(
    name: str, urls: Urls, ring: Keyring, record: Record, tmp_path: Path
) -> None:
    counter = f"{name}.too_many_connections_of_address"
    before = record.counted(counter)
    with open_way(name, urls, ring, tmp_path) as port, contextlib.ExitStack() as opened:
        for _ in range(PLACES):
            taken = opened.enter_context(dial(port, FLOODS))
            if name == "dc09":  # who says nothing there gives its place up (test_dc09_silent.py)
                taken.settimeout(5.0)
                taken.sendall(WAYS[name].asks())
                assert taken.recv(1)
        more = [opened.enter_context(dial(port, FLOODS)) for _ in range(MORE)]
        assert all(map(is_over, more))
        with dial(port, ANOTHER) as other:
            other.settimeout(5.0)
            other.sendall(WAYS[name].asks())
            assert other.recv(1)
    assert eventually(lambda: record.counted(counter) == before + MORE)


@pytest.mark.parametrize("name", sorted(set(WAYS) - {"dc09"}))
def test_messages_of_one_that_wait_hold_up_nobody_else_s(
    name: str, urls: Urls, ring: Keyring, record: Record
) -> None:
    """What all but DC-09 share (edge/intake.py); DC-09's own bound is in test_dc09_failures.py."""
    before = record.counted(f"{name}.too_many_in_flight")
    bounds = type("Bounds", (), BOUNDS)()

    async def main() -> tuple[list[Any], Any]:
        heard, devices = HeardLog(name=f"fair {name}"), DeviceBook()
        await heard.start(urls, ring)
        await devices.start(urls.application, ring)
        try:
            await heard.connected()
            intake = Intake(
                *(name, heard, devices, asyncio.Event(), print),
                district="main",
                agency="fire",
                limits=bounds,
            )
            with contextlib.ExitStack() as held:
                # In a thread: what the intake prepares just now must be able to end.
                await asyncio.to_thread(held.enter_context, commits_held_up(urls))
                flood = [asyncio.create_task(keep(intake, FLOODS)) for _ in range(6)]
                other = asyncio.create_task(keep(intake, ANOTHER))
                await asyncio.sleep(0.05)
                assert not other.done()  # it waits for the disk, and for nothing else
            kept = await asyncio.gather(*flood, return_exceptions=True), await other
            intake.tidy(0.0)
            return kept
        finally:
            await heard.stop()
            await devices.stop()

    async def keep(intake: Intake, source: str) -> str:
        signal = SignalRead(protocol=name, token="X", account=source)
        await intake.keep(source=source, body=b"x", answer="kept", signals=(signal,))
        return "kept"

    flood, other = asyncio.run(main())
    assert other == "kept"
    assert [one for one in flood if one == "kept"] == ["kept"] * 2
    refused = [one for one in flood if isinstance(one, Crowded)]
    assert len(refused) == 4
    assert all(isinstance(one, NotKept) for one in refused)  # nobody is told that it was kept
    assert eventually(lambda: record.counted(f"{name}.too_many_in_flight") == before + 4)
