"""Devices on our own MQTT acceptor: real clients, the real record, answers after the commit."""

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_broker import certificate
from live_edge import Record
from live_mqtt import (
    ALARM,
    OTHER,
    PANEL,
    PASSWORD,
    Device,
    Edge,
    Raw,
    connecting,
    database_away,
    kept,
    opened,
    record_stopped,
    register,
    running,
    soon,
)

from tocsin.edge.mqtt_taking import Taking
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.keys import Keyring
from tocsin.site.intakes.mqtt import Topic
from tocsin.wire.mqtt.packets import (
    PINGREQ,
    PINGRESP,
    PUBACK,
    V3,
    V5,
    Ack,
    ConnAck,
    Disconnect,
    Ping,
    Publish,
    Will,
    encode,
)

TOPICS = (
    Topic(filter="home/alarm", dialect="home_assistant"),
    Topic(filter="z/+", dialect="zigbee2mqtt"),
)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def devices(urls: Urls, ring: Keyring) -> None:
    with connect(urls.owner) as owner:
        register(owner, ring)
        register(owner, ring, OTHER)


@pytest.fixture(scope="module")
def edge(urls: Urls, ring: Keyring, devices: None) -> Iterator[Edge]:
    with running(urls, ring, topics=TOPICS) as found:
        yield found


@pytest.fixture
def record(owner: Connection, ring: Keyring) -> Record:
    owner.execute("TRUNCATE heard.message, heard.further, heard.pending, heard.arrived")
    owner.commit()
    return Record(owner, ring)


# -- kept, then answered --------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V3, V5])
@pytest.mark.parametrize(("qos", "answer"), [(1, "puback"), (2, "pubrec")])
def test_a_message_is_kept_and_acknowledged(
    edge: Edge, record: Record, ring: Keyring, version: int, qos: int, answer: str
) -> None:
    with Device(edge.port, version) as device:
        assert device.is_told(device.publish("alarm", ALARM, qos))
    (one,) = kept(record, ring)
    assert (one.answer, one.intake, one.assurance) == (answer, "mqtt.tcp", "none")
    (signal,) = one.signals
    assert (signal.account, signal.code, signal.zone, signal.codes) == (PANEL, "BA", "7", "sia")


def test_qos_0_is_kept(edge: Edge, record: Record, ring: Keyring) -> None:
    with Device(edge.port) as device:
        device.publish("alarm", ALARM, 0)
        soon(lambda: [one.answer for one in kept(record, ring)] == ["published"])


@pytest.mark.parametrize("version", [V3, V5])
@pytest.mark.parametrize("qos", [1, 2])
def test_nothing_is_acknowledged_before_the_commit(
    edge: Edge, urls: Urls, record: Record, version: int, qos: int
) -> None:
    with opened(edge.port, version) as device:
        with record_stopped(urls):
            device.say(Publish("alarm", ALARM, qos, 9))
            assert device.is_silent(0.5)
        answer = device.hear()
        assert isinstance(answer, Ack)
        assert answer.packet_id == 9
        record.rollback()
        assert record.execute("SELECT count(*) FROM heard.message").fetchone() == (1,)


@pytest.mark.parametrize("version", [V3, V5])
def test_what_could_not_be_kept_comes_again(
    edge: Edge, record: Record, ring: Keyring, administrator: Connection, version: int
) -> None:
    with Device(edge.port, version, clean=False, client_id=f"again{version}") as device:
        with database_away(administrator, edge):
            mid = device.publish("alarm", ALARM, 1)
            soon(lambda: bool(device.ended))  # silence alone would not make it come again
            assert device.acknowledged == []
            with Raw(edge.port, version) as raw:
                raw.say(connecting(version))
                assert raw.hear() == ConnAck(0x88 if version == V5 else 3)
        device.again()
        assert device.is_told(mid)
        assert device.connected[-1][1] is True  # its session was remembered
    assert [one.codes for one in kept(record, ring)] == [("BA",)]


def test_a_poll_is_answered_while_something_can_be_kept(
    edge: Edge, owner: Connection, administrator: Connection
) -> None:
    with opened(edge.port) as device:
        device.say(Ping(PINGREQ))
        assert device.hear() == Ping(PINGRESP)
        seen = "SELECT s.polls FROM ref.seen s JOIN ref.device d ON d.id = s.device"
        seen += f" WHERE d.account = '{PANEL}'"

        def polls() -> int:
            owner.rollback()
            row = owner.execute(seen.encode()).fetchone()
            return 0 if row is None else int(row[0])

        soon(lambda: polls() > 0)
        with database_away(administrator, edge):
            with contextlib.suppress(ConnectionError):
                device.say(Ping(PINGREQ))
            assert device.hear() is None


def test_messages_beyond_the_limit_wait_and_none_is_lost(
    urls: Urls, ring: Keyring, devices: None, record: Record
) -> None:
    with running(urls, ring, in_flight_max=2, in_flight_per_address=3) as edge:
        with opened(edge.port) as device:
            for number in range(1, 61):
                device.say(Publish("alarm", ALARM, 1, number))
            answers = [device.hear() for _ in range(60)]
        assert answers == [Ack(PUBACK, number) for number in range(1, 61)]
        assert edge.counted("too_many_in_flight") == 0
    assert record.execute("SELECT count(*) FROM heard.message").fetchone() == (60,)


# -- who may connect ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "password"),
    [("nobody", PASSWORD), (PANEL, "a wrong password"), (PANEL, None), (None, None), ("", "")],
)
@pytest.mark.parametrize(("version", "code"), [(V3, 5), (V5, 0x87)])
def test_who_is_not_known_is_refused_and_counted(
    edge: Edge, user: str | None, password: str | None, version: int, code: int
) -> None:
    before = edge.counted("unauthorized")
    word = None if password is None else password.encode()
    with Raw(edge.port, version) as raw:
        raw.say(connecting(version, user=user, password=word))
        raw.say(Publish("alarm", ALARM, 1, 1))
        assert raw.hear() == ConnAck(code)
        assert raw.hear() is None
    assert edge.counted("unauthorized") == before + 1


def test_guessing_is_bounded_and_shuts_nobody_else_out(
    urls: Urls, ring: Keyring, devices: None
) -> None:
    def tries(edge: Edge, user: str, password: str) -> int:
        with Raw(edge.port, V5) as raw:
            raw.say(connecting(V5, user=user, password=password.encode()))
            answer = raw.hear()
            assert isinstance(answer, ConnAck)
            return answer.code

    with running(urls, ring, failures_per_minute=3) as edge:
        assert tries(edge, PANEL, PASSWORD) == 0  # it has shown its password here
        guesses = [tries(edge, OTHER, f"guess number {n}") for n in range(5)]
        assert guesses == [0x87] * 5
        assert tries(edge, OTHER, PASSWORD) == 0x87
        assert tries(edge, PANEL, PASSWORD) == 0
        guesses = [tries(edge, PANEL, f"guess number {n}") for n in range(4)]
        assert guesses == [0x87] * 4
        assert edge.counted("too_many_attempts") == 4
        # A name that is none is answered as an account is, whatever it has tried before.
        guesses = [tries(edge, f"nobody-{n}", "guess") for n in range(5)]
        assert guesses == [0x87] * 5
        assert edge.counted("too_many_attempts") == 6


@pytest.mark.parametrize("where", ["take", "knows"])
def test_a_message_that_fails_ends_the_connection(
    edge: Edge, record: Record, ring: Keyring, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("not foreseen")

    before = edge.counted("failed")
    with monkeypatch.context() as broken, opened(edge.port, V5) as raw:
        if where == "knows":
            broken.setattr(Taking, "knows", lambda *_: False)
            broken.setattr(Taking, "learn", failing)
        else:
            broken.setattr(Taking, "take", failing)
        raw.say(Publish("alarm", ALARM, 1, 1, False, where == "knows"))
        assert raw.hear() == Disconnect(0x80)
        assert raw.hear() is None
    assert edge.counted("failed") == before + 1
    with opened(edge.port, V5) as raw:
        raw.say(Publish("alarm", ALARM, 1, 1))
        assert raw.hear() == Ack(PUBACK, 1)


def test_an_older_connection_of_the_same_client_is_closed(
    edge: Edge, record: Record, ring: Keyring
) -> None:
    will = Will("x", b"gone")
    with opened(edge.port, V5, will=will) as old, opened(edge.port, V5, will=will) as new:
        assert old.hear() == Disconnect(0x8E)
        assert old.hear() is None
        new.say(Publish("alarm", ALARM, 1, 1))
        assert new.hear() == Ack(PUBACK, 1)
        new.say(Disconnect())
        assert new.hear() is None
    with opened(edge.port, V5, user=OTHER), opened(edge.port, V5) as other:
        assert other.is_silent(0.1)  # the client id of another device is another client's
    assert [one.codes for one in kept(record, ring)] == [("BA",)]  # and no will


def test_who_is_no_longer_registered_is_closed(
    edge: Edge, urls: Urls, ring: Keyring, owner: Connection
) -> None:
    device = register(owner, ring, "removed")
    soon(lambda: edge.intake is not None and edge.intake.device("removed") is not None)
    with opened(edge.port, V5, user="removed") as raw:
        owner.execute("DELETE FROM ref.device WHERE id = %s", (device,))
        owner.execute("NOTIFY devices")
        owner.commit()
        assert raw.hear() == Disconnect(0x98)
        assert raw.hear() is None


# -- limits ---------------------------------------------------------------------------------------


def test_connections_are_bounded(urls: Urls, ring: Keyring, devices: None) -> None:
    with running(urls, ring, max_connections_per_address=2) as edge:
        with opened(edge.port, client_id="1"), opened(edge.port, client_id="2"):
            with Raw(edge.port) as third:
                assert third.hear() is None
            assert edge.counted("too_many_connections_of_address") == 1
        soon(lambda: edge.intake is not None and not edge.intake.connections)
        with opened(edge.port, client_id="3"):
            pass


def test_who_is_slow_is_closed(urls: Urls, ring: Keyring, devices: None) -> None:
    with running(urls, ring, connect_s=0.2, half_packet_s=0.2) as edge:
        with Raw(edge.port) as nobody, Raw(edge.port) as half, opened(edge.port) as device:
            half.say(encode(connecting(), V3)[:9])
            device.say(encode(Publish("alarm", ALARM, 1, 1), V3)[:9])
            assert nobody.hear() is None
            assert half.hear() is None
            assert device.hear() is None
        assert (edge.counted("no_connect"), edge.counted("cut_short")) == (2, 1)


def test_a_packet_that_is_too_large_ends_the_connection(
    urls: Urls, ring: Keyring, devices: None
) -> None:
    with running(urls, ring, packet_bytes_max=256) as edge, opened(edge.port, V5) as device:
        fits = Publish("alarm", b" " * 242, 1, 1)
        assert len(encode(fits, V5)) == 256 - 1
        device.say(fits)
        assert device.hear() == Ack(PUBACK, 1)
        device.say(Publish("alarm", b" " * 244, 1, 2))
        assert device.hear() == Disconnect(0x95)
        assert device.hear() is None
        assert edge.counted("oversized") == 1


def test_over_tls_a_device_is_authenticated(
    urls: Urls, ring: Keyring, devices: None, record: Record, tmp_path: Path
) -> None:
    cert, key = certificate(tmp_path)
    files = {"tls_cert": str(cert), "tls_key": str(key)}
    context = ssl.create_default_context(cafile=str(cert))
    context.check_hostname = False  # the client calls us by our address
    with (
        running(urls, ring, port=-1, tls_port=0, **files) as edge,
        Device(edge.ports["tls"], V5, tls=context) as device,
    ):
        assert device.is_told(device.publish("alarm", ALARM))
    (one,) = kept(record, ring)
    assert (one.intake, one.assurance) == ("mqtt.tls", "authenticated")
    client, client_key = certificate(tmp_path, "device")
    files["tls_client_ca"] = str(client)
    with running(urls, ring, port=-1, tls_port=0, **files) as edge:
        with (
            pytest.raises(AssertionError, match="no CONNACK"),
            Device(edge.ports["tls"], tls=context, wait_s=0.5),
        ):
            raise RuntimeError("it has shown no certificate")
        context.load_cert_chain(client, client_key)
        with Device(edge.ports["tls"], tls=context) as device:
            assert device.is_told(device.publish("alarm", ALARM))
