"""What devices say again, what they say retained, and what their wills say: real clients, the real
record, restarts of ours."""

import contextlib
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from live_edge import Record, eventually
from live_mqtt import (
    ALARM,
    OTHER,
    PANEL,
    PASSWORD,
    Device,
    Edge,
    codes,
    database_away,
    kept,
    opened,
    register,
    running,
    soon,
)

from tocsin.record.database import Connection, Urls, connect
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.views.reading import get_row
from tocsin.site.intakes.mqtt import Topic
from tocsin.wire.mqtt.packets import (
    PINGREQ,
    PINGRESP,
    PUBACK,
    V5,
    Ack,
    Disconnect,
    Ping,
    Publish,
    Will,
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
    urls: Urls,
    ring: Keyring,
    devices: None,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tocsin.record.recalling.SORTED_S_MAX", 0.2)
    with running(urls, ring) as edge:
        says(edge, FIRST)
    with running(urls, ring) as edge:  # what was kept is not sorted in
        assert edge.counted("record_not_asked") == 1
        says(edge, FIRST)
    assert repeats(record, ring) == [False, False]


# -- states ---------------------------------------------------------------------------------------


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


def test_what_opens_an_incident_and_what_only_tells_a_state(
    edge: Edge, record: Record, ring: Keyring, urls: Urls
) -> None:
    """From the packet to the queue: signals judged as `tocsin work` judges them."""
    says(
        edge,
        Publish("z/9", b'{"smoke":true}', 1, 1, retain=True),
        Publish("z/9", b'{"smoke":true}', 1, 2, retain=True),
        Publish("z/keypad", b'{"action":"disarm","action_code":"7777"}', 1, 3),
        Publish("alarm", b'{"code":"130","zone":"2"}', 1, 4),
        Publish("alarm", b"rubbish", 1, 5),
    )
    ids = [one.id for one in kept(record, ring)]
    with connect(urls.application) as connection:
        while judge_pending(connection, ring, datetime.now(UTC)):
            connection.commit()
        rows = [get_row(connection, "signals", one) for one in ids]
    told = [(row["verdict"], row["effect"], row["text_en"]) for row in rows if row is not None]
    assert told == [
        ("opened", "alarm", "Fire alarm, zone 9"),
        ("joined", "status", "Status report"),
        ("joined", "status", "Status report"),
        ("opened", "alarm", "Burglary alarm, zone 2"),
        ("joined", "unknown", "Content cannot be read"),
    ]


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
        assert b"[removed]" in one.body or b"[not kept: " in one.body
    assert eventually(lambda: edge.counted("identity_dropped") >= len(said))
