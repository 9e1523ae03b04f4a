"""The configuration of MQTT: what is said of a mistake, and that a whole one is read."""

from pathlib import Path
from typing import Any

import pytest

from tocsin.site.configuration import Configuration, ConfigurationRefused, commented_defaults, load

GOOD = """
[edge.mqtt]
enabled = true
port = -1
[[edge.mqtt.topics]]
filter = "z/+"
dialect = "zigbee2mqtt"
[[edge.mqtt.brokers]]
name = "garage"
host = "broker.example"
username = "tocsin"
password_file = "/etc/hostname"
[[edge.mqtt.brokers.topics]]
filter = "site/+/event"
account = "panel-{1}"
[[edge.mqtt.brokers.topics]]
filter = "plc/#"
dialect = "generic"
account = "plc"
at = { code = "/event/kind", zone = "/zone", codes = "sia" }
values = { overheat = "KA" }
"""


def chosen(tmp_path: Path, text: str) -> Configuration:
    file = tmp_path / "tocsin.toml"
    file.write_text(text)
    return load(file)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationRefused) as found:
        chosen(tmp_path, text)
    return str(found.value)


def test_brokers_and_topics_are_read(tmp_path: Path) -> None:
    mqtt = chosen(tmp_path, GOOD).edge.mqtt
    (broker,) = mqtt.brokers
    assert (broker.port, broker.tls, broker.version) == (8883, True, "5.0")
    assert [topic.dialect for topic in broker.topics] == ["tocsin", "generic"]
    assert mqtt.topics[0].filter == "z/+"


def test_the_defaults_are_off_and_described() -> None:
    assert not Configuration().edge.mqtt.enabled
    text = commented_defaults()
    assert "[edge.mqtt]" in text
    assert "keep_alive_s_max = 600" in text


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('filter = "z/+"', 'filter = "z/+x"', "edge.mqtt.topics[0].filter: 'z/+x' is no filter"),
        ('dialect = "zigbee2mqtt"', 'dialect = "frigate"', "topics[0].labels: give at least one"),
        ('"panel-{1}"', '"panel-{2}"', "brokers[0].topics[0].account: give the account"),
        ('account = "plc"', "", "brokers[0].topics[1].account: give the account"),
        ('code = "/event/kind"', 'code = "event"', "topics[1].at: give JSON pointers"),
        ('zone = "/zone"', 'when = "/zone"', "topics[1].at: give JSON pointers"),
        ('codes = "sia"', 'codes = "x"', "topics[1].at: give JSON pointers"),
        ('username = "tocsin"', "", "username and password_file belong together"),
        ('name = "garage"', 'name = "garage"\ntls = false', "would cross the network in clear"),
        ("port = -1", "port = 0\nhost = '0.0.0.0'", "edge.mqtt.port: 0.0.0.0 is reachable"),
        ("port = -1", "port = -1\ntls_port = 0", "edge.mqtt.tls_port: needs tls_cert"),
        ("port = -1", "port = -1\nbroker = 1", "edge.mqtt.broker: unknown key"),
        ('dialect = "zigbee2mqtt"', 'dialect = "xml"', "edge.mqtt.topics: Invalid enum value"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert GOOD.count(before) == 1
    assert said in refused(tmp_path, GOOD.replace(before, after))


def test_a_name_is_one_brokers(tmp_path: Path) -> None:
    again = GOOD + GOOD[GOOD.index("[[edge.mqtt.brokers]]") :]
    assert "edge.mqtt.brokers[1].name: garage is there twice" in refused(tmp_path, again)


def test_there_are_a_hundred_brokers_at_most(tmp_path: Path) -> None:
    head, mark, one = GOOD.partition("[[edge.mqtt.brokers]]")
    some = [mark + one.replace('"garage"', f'"garage-{place}"') for place in range(101)]
    assert len(chosen(tmp_path, head + "".join(some[:100])).edge.mqtt.brokers) == 100
    assert "edge.mqtt.brokers" in refused(tmp_path, head + "".join(some))


def test_a_mistake_is_said_in_chinese_too(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "不是有效的主题" in refused(tmp_path, GOOD.replace('filter = "z/+"', 'filter = "z/+x"'))


def test_a_client_only_needs_no_port(tmp_path: Path) -> None:
    without = GOOD[: GOOD.index("[[edge.mqtt.brokers]]")]
    assert "neither port nor tls_port is open" in refused(tmp_path, without)
