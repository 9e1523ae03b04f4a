"""A site's own broker: a real mosquitto; we are its client, with the real record behind us."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from live_broker import Broker as Mosquitto
from live_broker import broker, certificate
from live_edge import Record
from live_mqtt import (
    OTHER,
    PANEL,
    Edge,
    Kept,
    kept,
    register,
    running,
    soon,
)

from tocsin.edge.mqtt_taking import Taking
from tocsin.record.database import Connection, Urls, connect
from tocsin.record.judging import judge_pending
from tocsin.record.keys import Keyring
from tocsin.record.views.reading import get_row
from tocsin.site.intakes.mqtt import Broker, Topic
from tocsin.wire.mqtt.signals import account_of

TOPICS = (
    Topic(filter="home/alarm", dialect="home_assistant", account=PANEL),
    Topic(filter="z/+", dialect="zigbee2mqtt", account="{1}"),
    Topic(filter="own/+/event", account=PANEL),
)
ALARM = '{"code":"BA","zone":"7"}'


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module", autouse=True)
def devices(urls: Urls, ring: Keyring) -> None:
    with connect(urls.owner) as owner:
        register(owner, ring)
        register(owner, ring, OTHER)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with broker(tmp_path_factory.mktemp("broker")) as found:
        yield found


@pytest.fixture
def record(owner: Connection, ring: Keyring) -> Record:
    owner.execute("TRUNCATE heard.message, heard.further, heard.pending, heard.arrived")
    owner.commit()
    return Record(owner, ring)


@contextmanager
def following(
    urls: Urls,
    ring: Keyring,
    site: Mosquitto,
    in_flight: int = 200,
    listens: int = -1,
    **more: Any,
) -> Iterator[Edge]:
    """The intake as a client of `site`; nothing listens unless `listens` is a port."""
    said = {"name": "garage", "host": "127.0.0.1", "port": site.port, "tls": False}
    chosen = Broker(**(said | {"topics": TOPICS} | more))
    with running(
        urls, ring, port=listens, in_flight_per_address=in_flight, brokers=(chosen,)
    ) as edge:
        yield edge


@contextmanager
def connected(urls: Urls, ring: Keyring, site: Mosquitto, **more: Any) -> Iterator[Edge]:
    with following(urls, ring, site, **more) as edge:
        soon(lambda: edge.counted("broker_connected") == 1)
        yield edge


def told(messages: list[Kept]) -> list[tuple[str, str, str]]:
    return [(s.account, s.code, s.token) for one in messages for s in one.signals]


@pytest.mark.parametrize("version", ["5.0", "3.1.1"])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_what_a_site_publishes_is_kept(
    urls: Urls, ring: Keyring, site: Mosquitto, record: Record, version: str, qos: int
) -> None:
    with connected(urls, ring, site, version=version, client_id=f"q{qos}{version}"):
        site.say("home/alarm", "triggered", qos)
        soon(lambda: len(kept(record, ring)) == 1)
        site.say(f"z/{OTHER}", '{"smoke":true}', qos)
        soon(lambda: len(kept(record, ring)) == 2)
    first, second = kept(record, ring)
    assert told([first, second]) == [
        (PANEL, "BA", "home_assistant"),
        (OTHER, "FA", "zigbee2mqtt"),
    ]
    # What was published with QoS 2 is taken with QoS 1, which no restart can lose.
    assert (first.answer, first.intake) == ("puback" if qos else "published", "mqtt.broker.garage")
    assert first.body.endswith(b"triggered")


def test_nothing_is_acknowledged_before_the_commit(
    urls: Urls, ring: Keyring, site: Mosquitto, record: Record, administrator: Connection
) -> None:
    """The broker delivers again what we had in hand when the database broke off the commit."""
    with connected(urls, ring, site, client_id="held") as edge:
        with connect(urls.owner) as holding:
            holding.execute("LOCK TABLE heard.arrived IN SHARE ROW EXCLUSIVE MODE")
            site.say("own/1/event", ALARM)
            commits = "FROM pg_stat_activity WHERE application_name LIKE 'tocsin heard mqtt%'"
            commits += " AND wait_event_type = 'Lock'"
            ended = f"SELECT pg_terminate_backend(pid) {commits}"
            soon(lambda: administrator.execute(ended.encode()).rowcount == 1)
            soon(lambda: edge.counted("not_kept") == 1)
        soon(lambda: len(kept(record, ring)) == 1)
    assert told(kept(record, ring)) == [(PANEL, "BA", "tocsin")]


def test_what_came_while_we_were_away_is_delivered(
    urls: Urls, ring: Keyring, site: Mosquitto, record: Record
) -> None:
    for version in ("5.0", "3.1.1"):
        more: dict[str, Any] = {"in_flight": 4, "version": version, "client_id": f"away{version}"}
        with connected(urls, ring, site, **more):
            pass
        for number in range(30):  # more than mosquitto has in flight at once
            site.say("own/1/event", f'{{"code":"FA","zone":"{number}"}}')
        before = len(kept(record, ring))
        with connected(urls, ring, site, **more) as edge:
            soon(lambda before=before: len(kept(record, ring)) == before + 30)
            assert edge.counted("too_many_in_flight") == 0
        zones = [one.signals[0].zone for one in kept(record, ring)[before:]]
        assert zones == [str(number) for number in range(30)]


def test_a_retained_alarm_alarms_only_where_another_state_was_known(
    urls: Urls, ring: Keyring, record: Record, tmp_path: Path
) -> None:
    alarm, known = (PANEL, "BA", "home_assistant.retained"), (PANEL, "YY", "retained")
    found = (PANEL, "BA", "home_assistant.found")
    with broker(tmp_path) as site:
        site.say("home/alarm", "triggered", retain=True)
        with connected(urls, ring, site) as edge:
            soon(lambda: told(kept(record, ring)) == [found])  # nothing was known of it
            site.stop()
            soon(lambda: edge.counted("broker_lost") == 1)
            site.start()
            site.say("home/alarm", "triggered", retain=True)
            soon(lambda: len(kept(record, ring)) == 2, 10)
        assert told(kept(record, ring))[1] in (known, (PANEL, "BA", "home_assistant"))
        with connected(urls, ring, site):
            soon(lambda: len(kept(record, ring)) == 3)
        assert told(kept(record, ring))[2:] == [known]
        # While we are away it is disarmed, and triggered again: that is another one.
        site.say("home/alarm", "disarmed", retain=True)
        with connected(urls, ring, site):
            soon(lambda: (PANEL, "OP", "home_assistant") in told(kept(record, ring)))
            soon(lambda: len(kept(record, ring)) >= 4)
        site.say("home/alarm", "triggered", 0, retain=True)  # not stored for us
        with connected(urls, ring, site):
            soon(lambda: told(kept(record, ring))[-1] == alarm)


def test_what_is_found_at_the_first_connection_is_a_card_that_an_alarm_raises(
    urls: Urls, ring: Keyring, record: Record, tmp_path: Path
) -> None:
    """From a real broker to the queue: the signals judged as `tocsin work` judges them."""
    with broker(tmp_path) as site:
        site.say("home/alarm", "triggered", retain=True)
        with connected(urls, ring, site):
            soon(lambda: len(kept(record, ring)) == 1)
            site.say("home/alarm", "triggered")
            soon(lambda: len(kept(record, ring)) == 2)
    ids = [one.id for one in kept(record, ring)]
    cards = []
    with connect(urls.application) as connection:
        for signal in ids:
            judge_pending(connection, ring, datetime.now(UTC), 1)
            connection.commit()
            row = get_row(connection, "signals", signal)
            assert row is not None
            card = get_row(connection, "incidents", row["incident"])
            assert card is not None
            cards.append((row["verdict"], row["reason"], card["level"], card["band"]))
    assert cards == [
        ("opened", "needs_answer", 4, "watch"),
        ("joined", "same_site", 2, "unassigned"),
    ]


@pytest.mark.parametrize(
    ("limit", "most"),
    [("record.recalling.ANSWER_S_MAX", 0.0), ("edge.mqtt_taking.MESSAGES_MAX", 0)],
)
def test_where_a_state_may_have_been_known_a_retained_alarm_alarms(
    urls: Urls,
    ring: Keyring,
    record: Record,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    most: float,
) -> None:
    """The record does not answer, or the account said more than is looked at."""
    monkeypatch.setattr(f"tocsin.{limit}", most)
    with broker(tmp_path) as site:
        site.say(f"z/{PANEL}", '{"smoke":true}', retain=True)
        with connected(urls, ring, site):
            soon(lambda: told(kept(record, ring)) == [(PANEL, "FA", "zigbee2mqtt.retained")])


def test_a_broker_that_is_away_is_a_signal(
    urls: Urls, ring: Keyring, record: Record, tmp_path: Path
) -> None:
    with broker(tmp_path) as site, connected(urls, ring, site, silent_s=1) as edge:
        site.stop()
        soon(lambda: told(kept(record, ring)) == [("garage", "YC", "broker")], 8)
        assert edge.counted("broker_silent_s") >= 1
        assert edge.counted("broker_lost") == 1
        site.start()
        soon(lambda: told(kept(record, ring))[1:] == [("garage", "YK", "broker")], 8)
        site.say("own/1/event", ALARM)
        soon(lambda: len(kept(record, ring)) == 3)


def test_a_broker_that_takes_the_connection_and_says_nothing_is_told(
    urls: Urls, ring: Keyring, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.edge.mqtt_link.CONNECT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        site = Mosquitto(mute.getsockname()[1], tmp_path)
        with following(urls, ring, site) as edge:
            soon(lambda: edge.counted("broker_silent") >= 1)
    with following(urls, ring, site) as edge:
        soon(lambda: edge.counted("broker_unreachable") >= 1)


def test_silence_is_judged_only_while_the_broker_is_connected(
    urls: Urls, ring: Keyring, record: Record, tmp_path: Path
) -> None:
    with broker(tmp_path) as site:
        with connected(urls, ring, site) as edge:
            intake = edge.intake
            assert intake is not None
            assert intake.is_serving
            site.stop()
            soon(lambda: not intake.is_serving)
            site.start()
            soon(lambda: intake.is_serving, 10)
        site.stop()
        with following(urls, ring, site) as edge:
            soon(lambda: edge.counted("broker_unreachable") >= 1)
            assert edge.intake is not None
            assert not edge.intake.is_serving
        with following(urls, ring, site, listens=0) as edge:  # devices connect to us too
            soon(lambda: edge.counted("broker_unreachable") >= 1)
            assert edge.intake is not None
            assert edge.intake.is_serving


@pytest.mark.parametrize("where", ["mqtt_taking.Taking.take", "mqtt_link.account_of"])
def test_a_message_that_fails_ends_the_connection_and_comes_again(
    urls: Urls,
    ring: Keyring,
    site: Mosquitto,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    real = {"mqtt_taking.Taking.take": Taking.take, "mqtt_link.account_of": account_of}[where]
    failures = [RuntimeError("not foreseen")]

    def failing(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*arguments)

    monkeypatch.setattr(f"tocsin.edge.{where}", failing)
    with connected(urls, ring, site, client_id=f"fails {where}") as edge:
        site.say("own/1/event", ALARM)
        soon(lambda: len(kept(record, ring)) == 1)
        assert edge.counted("failed") == 1
    assert told(kept(record, ring)) == [(PANEL, "BA", "tocsin")]


def test_an_account_from_a_topic_has_a_limit(
    urls: Urls, ring: Keyring, site: Mosquitto, record: Record
) -> None:
    with connected(urls, ring, site, client_id="long"):
        for length in (128, 129):
            site.say(f"z/{'x' * length}", '{"smoke":true}')
        soon(lambda: len(kept(record, ring)) == 2)
    assert {one.signals[0].account for one in kept(record, ring)} == {"x" * 128}


def test_what_cannot_be_taken_is_counted_and_holds_up_nothing(
    urls: Urls, ring: Keyring, site: Mosquitto, record: Record
) -> None:
    with connected(urls, ring, site, version="3.1.1", client_id="l", packet_bytes_max=256) as edge:
        site.say("own/1/event", "x" * 257)
        site.say("own/2/event", " " * (256 - len(ALARM)) + ALARM)
        soon(lambda: len(kept(record, ring)) == 1)
        assert edge.counted("oversized") == 1


def test_no_pin_of_a_site_is_kept(
    urls: Urls, ring: Keyring, site: Mosquitto, record: Record
) -> None:
    pin = "846251"
    with connected(urls, ring, site, client_id="p"):
        site.say(f"z/{PANEL}", f'{{"action":"disarm","action_code":"{pin}"}}')
        site.say(f"z/{PANEL}", f'{{"action":"disarm","action_code":"{pin}"')
        soon(lambda: len(kept(record, ring)) == 2)
    for one in kept(record, ring):
        assert pin.encode() not in one.body
        assert pin not in repr(one.signals) + repr(one.texts)


def test_over_tls_with_a_password(
    urls: Urls, ring: Keyring, record: Record, tmp_path: Path
) -> None:
    cert, key = certificate(tmp_path)
    words = tmp_path / "words"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(words), "tocsin", "open"], check=True)
    words.chmod(0o644)
    password = tmp_path / "password"
    password.write_text("wrong\n")
    lines = (f"certfile {cert}", f"keyfile {key}", f"password_file {words}")
    with broker(tmp_path, *lines, "allow_anonymous false") as site:
        login = {"username": "tocsin", "password_file": str(password)}
        login |= {"tls": True, "ca_file": str(cert), "host": "localhost"}
        with following(urls, ring, site, **login) as edge:
            soon(lambda: edge.counted("broker_refused") >= 1)
            password.write_text("open\n")
            soon(lambda: edge.counted("broker_connected") == 1, 10)
            site.say(
                "own/1/event", ALARM, more=("-u", "tocsin", "-P", "open", "--cafile", str(cert))
            )
            soon(lambda: len(kept(record, ring)) == 1)
        with following(urls, ring, site, **(login | {"ca_file": ""})) as edge:
            soon(lambda: edge.counted("broker_unreachable") >= 1)  # nobody vouches for it
