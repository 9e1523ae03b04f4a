"""Devices on our own MQTT acceptor: real clients, the real record, answers after the commit."""

from collections.abc import Iterator

import pytest
from live_edge import Record
from live_mqtt import OTHER, PANEL, Device, Edge, kept, register, running, soon

from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.wire.mqtt.packets import V3, V5


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring) -> Iterator[Edge]:
    with connect(urls.owner) as owner:
        register(owner, ring)
        register(owner, ring, OTHER)
    with running(urls, ring) as found:
        yield found


@pytest.fixture
def record(owner: Connection, ring: Keyring) -> Record:
    owner.execute("TRUNCATE heard.message, heard.further, heard.pending, heard.arrived")
    owner.commit()
    return Record(owner, ring)


@pytest.mark.parametrize("version", [V3, V5])
@pytest.mark.parametrize(("qos", "answer"), [(1, "puback"), (2, "pubrec")])
def test_a_message_is_kept_then_acknowledged(
    edge: Edge, record: Record, ring: Keyring, version: int, qos: int, answer: str
) -> None:
    with Device(edge.port, version) as device:
        assert device.is_told(device.publish("alarm", '{"code":"BA","zone":"7"}', qos))
    (one,) = kept(record, ring)
    assert (one.answer, one.intake, one.assurance) == (answer, "mqtt.tcp", "none")
    (signal,) = one.signals
    assert (signal.account, signal.code, signal.zone, signal.codes) == (PANEL, "BA", "7", "sia")


def test_qos_0_is_kept(edge: Edge, record: Record, ring: Keyring) -> None:
    with Device(edge.port) as device:
        device.publish("alarm", '{"code":"FA"}', 0)
        soon(lambda: [one.answer for one in kept(record, ring)] == ["published"])
