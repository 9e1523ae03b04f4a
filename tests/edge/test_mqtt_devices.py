"""Devices on our own MQTT acceptor: real clients, the real record, answers after the commit."""

import contextlib
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live_edge import Record, eventually
from live_mqtt import (
    OTHER,
    PANEL,
    PASSWORD,
    Device,
    Edge,
    Raw,
    certificate,
    kept,
    register,
    running,
    soon,
)

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
    Connect,
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
ALARM = b'{"code":"BA","zone":"7"}'


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
    before = edge.counted("not_authorised")
    word = None if password is None else password.encode()
    with Raw(edge.port, version) as raw:
        raw.say(connecting(version, user=user, password=word))
        raw.say(Publish("alarm", ALARM, 1, 1))
        assert raw.hear() == ConnAck(code)
        assert raw.hear() is None
    assert edge.counted("not_authorised") == before + 1


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
        assert guesses == [0x87, 0x87, 0x87, 0x9F, 0x9F]
        assert tries(edge, OTHER, PASSWORD) == 0x9F
        assert tries(edge, PANEL, PASSWORD) == 0
        guesses = [tries(edge, PANEL, f"guess number {n}") for n in range(4)]
        assert guesses == [0x87, 0x87, 0x87, 0x9F]
        assert edge.counted("too_many_attempts") == 4


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


# -- messages that come again ---------------------------------------------------------------------


def repeats(record: Record, ring: Keyring) -> list[bool]:
    return [one.repeat_of is not None for one in kept(record, ring)]


def says(edge: Edge, *publishes: Publish) -> None:
    for publish in publishes:
        with opened(edge.port) as device:
            device.say(publish)
            answer = device.hear()
            assert isinstance(answer, Ack)


FIRST = Publish("alarm", ALARM, 1, 1)
AGAIN = Publish("alarm", ALARM, 1, 1, dup=True)


def test_what_is_sent_again_is_no_second_alarm(edge: Edge, record: Record, ring: Keyring) -> None:
    says(edge, FIRST, AGAIN, AGAIN)
    assert repeats(record, ring) == [False, True, True]


def test_what_only_looks_alike_is_a_second_alarm(edge: Edge, record: Record, ring: Keyring) -> None:
    """A panel counts its packet ids from 1 again with each connection."""
    other = Publish("alarm", b'{"code":"BA","zone":"8"}', 1, 1)
    says(edge, other, other, Publish("alarm", other.payload, 1, 1, dup=True))
    assert repeats(record, ring) == [False, False, True]
    (_, second, third) = kept(record, ring)
    assert third.repeat_of == second.id


def test_what_only_came_as_a_resending_hides_nothing(
    edge: Edge, record: Record, ring: Keyring
) -> None:
    lost = Publish("alarm", b'{"code":"BA","zone":"9"}', 1, 1, dup=True)  # its first was lost
    says(edge, lost, Publish("alarm", lost.payload, 1, 1))
    assert repeats(record, ring) == [False, False]


def test_a_resending_is_told_after_a_restart_too(
    urls: Urls, ring: Keyring, devices: None, record: Record
) -> None:
    for publishes, told in (
        ((FIRST,), [False]),
        ((AGAIN,), [False, True]),
        ((FIRST,), [False, True, False]),  # not marked: after a restart too it is a new one
    ):
        with running(urls, ring) as edge:
            says(edge, *publishes)
        assert repeats(record, ring) == told


def test_where_the_record_cannot_be_asked_it_alarms(
    urls: Urls, ring: Keyring, devices: None, record: Record
) -> None:
    with running(urls, ring) as edge:
        says(edge, FIRST)
    with running(urls, ring) as edge:  # what was kept is not sorted in
        assert edge.counted("record_not_asked") == 1
        says(edge, FIRST)
    assert repeats(record, ring) == [False, False]


# -- states ---------------------------------------------------------------------------------------


def codes(record: Record, ring: Keyring) -> list[tuple[str, str]]:
    return [(s.code, s.token) for one in kept(record, ring) for s in one.signals]


def test_a_retained_alarm_alarms_once_also_after_a_restart(
    urls: Urls, ring: Keyring, devices: None, record: Record
) -> None:
    def say(edge: Edge, payload: str, retain: bool = True) -> None:
        with Device(edge.port) as device:
            assert device.is_told(device.publish("home/alarm", payload, 1, retain))

    alarm, known = ("BA", "home_assistant.retained"), ("YY", "retained")
    with running(urls, ring, topics=TOPICS) as edge:
        say(edge, "triggered")
        say(edge, "triggered")
    told = [alarm, known]
    assert codes(record, ring) == told
    with running(urls, ring, topics=TOPICS) as edge:
        say(edge, "triggered")
        told += [known]
        assert codes(record, ring) == told
        say(edge, "disarmed")
        say(edge, "triggered")
        told += [("OP", "home_assistant.retained"), alarm]
        assert codes(record, ring) == told
        say(edge, "triggered", retain=False)  # not retained: it happens now
        told += [("BA", "home_assistant")]
        assert codes(record, ring) == told


def test_a_retained_alarm_that_could_not_be_kept_is_not_taken_for_known(
    edge: Edge, record: Record, ring: Keyring, administrator: Connection
) -> None:
    publish = Publish("home/alarm", b"triggered", 1, 1, retain=True)
    with opened(edge.port) as device:
        device.say(Publish("home/alarm", b"disarmed", 1, 5))
        assert device.hear() == Ack(PUBACK, 5)
        assert len(kept(record, ring)) == 1
        with database_away(administrator, edge):
            with contextlib.suppress(ConnectionError):
                device.say(publish)
            assert device.hear() is None
    says(edge, Publish("home/alarm", b"triggered", 1, 1, dup=True, retain=True))
    assert codes(record, ring)[-1] == ("BA", "home_assistant.retained")


def test_all_is_well_again_and_again_is_a_poll(edge: Edge, record: Record, ring: Keyring) -> None:
    calm, fire = '{"smoke":false,"tamper":false}', '{"smoke":true,"tamper":false}'
    with Device(edge.port) as device:
        for payload in (calm, calm, fire, calm, calm):
            assert device.is_told(device.publish("z/1", payload))
    assert [one.codes for one in kept(record, ring)] == [("FR", "TR"), ("FA", "TR"), ("FR", "TR")]


# -- the end of a connection ----------------------------------------------------------------------


def test_a_lost_connection_is_a_signal_and_so_is_its_return(
    edge: Edge, record: Record, ring: Keyring
) -> None:
    will = Will("panel/state", b"offline", 1, True)
    with opened(edge.port, will=will):
        pass  # the socket is closed without a DISCONNECT
    soon(lambda: codes(record, ring) == [("YC", "last_will")])
    with opened(edge.port, will=will) as device:
        soon(lambda: codes(record, ring)[1:] == [("YK", "connected")])
        device.say(Disconnect())
        assert device.hear() is None
    with opened(edge.port) as device:
        device.say(Ping(PINGREQ))
        assert device.hear() == Ping(PINGRESP)
    assert len(kept(record, ring)) == 2


def test_a_silent_device_is_lost(edge: Edge, record: Record, ring: Keyring) -> None:
    with opened(edge.port, V5, keep_alive_s=1, will=Will("w", b"gone")) as device:
        assert device.hear() == Disconnect(0x8D)
        assert device.hear() is None
    soon(lambda: codes(record, ring) == [("YC", "last_will")])
    assert edge.counted("keep_alive") == 1


def test_a_will_waits_for_the_record(
    edge: Edge, record: Record, ring: Keyring, administrator: Connection
) -> None:
    will = Will("w", b"gone")
    with (
        opened(edge.port, client_id="w", will=will) as device,
        database_away(administrator, edge),
    ):
        device.socket.close()
        assert edge.intake is not None
        intake = edge.intake
        soon(lambda: not intake.connections)
    soon(lambda: codes(record, ring) == [("YC", "last_will")])


# -- other programs -------------------------------------------------------------------------------


def test_debians_client_is_heard(edge: Edge, record: Record, ring: Keyring) -> None:
    for version in ("mqttv311", "mqttv5"):
        command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(edge.port), "-V", version]
        command += ["-u", PANEL, "-P", PASSWORD, "-q", "2", "-t", "alarm", "-m", ALARM.decode()]
        subprocess.run(command, check=True, timeout=5)
    assert [one.codes for one in kept(record, ring)] == [("BA",), ("BA",)]


def test_no_pin_is_anywhere_in_what_is_kept(edge: Edge, record: Record, ring: Keyring) -> None:
    pin = "918273"
    said = {
        "z/keypad": f'{{"action":"disarm","action_code":"{pin}","action_transaction":1}}',
        "z/broken": f'{{"action":"disarm","action_code":"{pin}"',
        "z/keypad2": pin,
        "home/alarm": f'{{"state":"disarmed","code":{pin}}}',
        "home/alarm/set": f"DISARM {pin}",
        "alarm": f'{{"code":"OP","user_code":"{pin}","text":"PIN: {pin}"}}',
        "any/pin": pin,
    }
    with Device(edge.port, will=("alarm", f"pin={pin}".encode())) as device:
        for topic, payload in said.items():
            assert device.is_told(device.publish(topic, payload))
        sock = device.client.socket()
        assert sock is not None
        sock.shutdown(2)
        soon(lambda: len(kept(record, ring)) == len(said) + 1)
    messages = kept(record, ring)
    assert len({one.body for one in messages}) > 5
    for one in messages:
        assert pin.encode() not in one.body
        assert pin not in repr(one.signals) + repr(one.texts)
        assert b"[removed]" in one.body
    assert eventually(lambda: edge.counted("removed") >= len(said))
