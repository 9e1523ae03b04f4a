"""What is taken out of MQTT messages before they are kept: PINs and other secrets; nothing else."""

import json
import time

import pytest
from mqtt_readings import PIN, payload_of, reading

from tocsin.core.identity_fields import SECRETS
from tocsin.wire.mqtt.fields import USER
from tocsin.wire.mqtt.packets import V5, Publish, decode, encode
from tocsin.wire.mqtt.redaction import MARKER, SIGNS_MAX, redact
from tocsin.wire.mqtt.saying import TOCSIN
from tocsin.wire.mqtt.signals import COMMAND, read
from tocsin.wire.mqtt.topics import is_command


def test_what_has_nothing_to_hide_is_kept_as_it_came() -> None:
    raw = b'{ "code" : "BA",  "zone":"7" }'
    assert payload_of(reading("tocsin", raw).body) == raw


@pytest.mark.parametrize(
    "payload",
    [
        *(json.dumps({"code": "BA", key: PIN}) for key in sorted(SECRETS)),
        json.dumps({"action": "DISARM", "code": "739154"}),
        json.dumps({"command": "ARM", "code": "739154", "x": [{"Action-Code": int(PIN)}]}),
        json.dumps({"code": PIN}),
        json.dumps({"a": {"b": [{"USER_CODE": [PIN]}]}}),
        json.dumps({"a": json.dumps({"pin": PIN})}),
        json.dumps({"a": json.dumps({"a": json.dumps({"action_code": PIN})})}),
        json.dumps({"text": f"user pin: {PIN}"}),
        f'{{"action":"disarm","action_code":"{PIN}",',  # cut short
        f"pin={PIN}",
        f"code: {PIN}",
        PIN,
        f'"{PIN}"',
        "[" * 60 + f'{{"pin":"{PIN}"}}' + "]" * 60,
        f"\ufeff{{'password': '{PIN}'}}",
    ],
)
@pytest.mark.parametrize("dialect", ["tocsin", "home_assistant", "zigbee2mqtt"])
def test_no_pin_is_kept(dialect: str, payload: str) -> None:
    found = reading(dialect, payload)
    assert found.removed
    assert PIN.encode() not in found.body
    assert PIN not in repr(found.signals)
    # What is no secret is still there, and read.
    if payload.startswith('{"code": "BA"') and dialect == "tocsin":
        assert [one.code for one in found.signals] == ["BA"]


@pytest.mark.parametrize(
    "payload",
    [
        *("DISARM 1234", "1234 DISARM", "ARM_AWAY 123", '"DISARM 1234"', '["1234"]', "x 123 y"),
        *('{"payload":"DISARM 1234"}', '{"disarm":"1234"}', '{"disarm":1234}', '{"code":"123"}'),
        *('{"code":"1"}', '{"state":"1234 ARM_HOME"}', '{"x":{"trigger":[123]}}'),
    ],
)
@pytest.mark.parametrize("dialect", ["home_assistant", "zigbee2mqtt"])
def test_what_is_typed_on_a_keypad_is_not_kept(dialect: str, payload: str) -> None:
    found = reading(dialect, payload, "home/keypad")
    digits = payload_of(found.body)
    assert b"[removed]" in digits
    assert not any(one in digits for one in (b"123", b'"1"'))
    assert "123" not in repr([one.text for one in found.signals])


def test_what_a_sensor_measures_is_kept() -> None:
    raw = b'{"smoke":true,"voltage":3000,"last_seen":"2026-05-04T10:11:12Z","alarm":false}'
    assert payload_of(reading("zigbee2mqtt", raw).body) == raw


@pytest.mark.parametrize("name", ["z/keypad/action_code", "door/PIN", "alarm/code"])
def test_a_topic_may_name_a_pin_too(name: str) -> None:
    found = reading("zigbee2mqtt", PIN, name)
    assert payload_of(found.body) == MARKER.encode()
    assert PIN not in repr(found.signals)


@pytest.mark.parametrize("name", ["home/alarm/set", "zigbee2mqtt/Keypad/set", "a/command/b"])
def test_command_topics_are_not_read(name: str) -> None:
    found = reading("home_assistant", f"DISARM {PIN}", name)
    assert found.problem == COMMAND
    assert [one.code for one in found.signals] == ["YY"]  # opens nothing
    assert PIN.encode() not in found.body
    assert PIN not in repr(found.signals)
    assert is_command(name)


def test_user_properties_are_clean_too() -> None:
    properties = ((USER, ("pin", PIN)), (USER, ("note", f"code={PIN}")), (USER, ("site", "A")))
    publish = Publish("a", b'{"code":"BA"}', 1, 5, properties=properties)
    found = read(publish, encode(publish, V5), V5, TOCSIN, "panel")
    assert PIN.encode() not in found.body
    packet = decode(found.body, V5)
    assert isinstance(packet, Publish)
    assert packet.properties[2] == (USER, ("site", "A"))


def test_a_configured_code_is_not_taken_for_a_pin() -> None:
    at = {"code": "/code", "codes": "cid"}
    found = reading(
        "generic", '{"code":"5130","other":{"code":"5130"}}', at=at, values={"5130": "130"}
    )
    assert [one.code for one in found.signals] == ["130"]
    assert payload_of(found.body) == b'{"code":"5130","other":{"code":"[removed]"}}'


@pytest.mark.parametrize(
    "payload",
    [
        f'{{"pin":"{PIN}","pin":null}}',
        f'{{"a":[{{"plates":"{PIN}","plates":""}}]}}',
        f'{{"x":"{PIN}","x":"y"}}',
        f'{{"n":{"1" * 5_000},"pin":"{PIN}","pin":null}}',
    ],
)
def test_a_key_that_stands_twice_does_not_carry_its_first_value(payload: str) -> None:
    found = redact(payload.encode(), "a")
    assert PIN.encode() not in found.payload
    assert found.removed
    once = b'{"state": "on",  "pin":null}'
    assert redact(once, "a").payload == once  # as it came


def test_of_broken_json_nothing_is_kept() -> None:
    broken = b'{"score": NaN, "faces":["Alice","Bob"], "plate":{"confidence":0.9,"text":"ABC123"}}'
    for dialect in ("tocsin", "home_assistant", "zigbee2mqtt", "generic"):
        found = reading(dialect, broken.decode())
        assert [one for one in ("Alice", "Bob", "ABC123") if one in repr(found)] == []


@pytest.mark.parametrize(
    "text", ["phone: +33 6 12 34 56 78 called", "faces=[Ann, Bob] seen", "Face id: Ann; seen"]
)
def test_the_whole_of_a_number_leaves_a_text(text: str) -> None:
    clean = redact(text.encode(), "a").payload.decode()
    assert [one for one in ("12", "34", "78", "Ann", "Bob") if one in clean] == []
    assert clean.endswith(("called", "seen"))


def test_taking_out_takes_no_longer_than_reading() -> None:
    """However a message is made, a few milliseconds for 64 KiB."""
    for evil in (b"\\" * 65_000, b"pin " * 16_000, b'"pin":' * 10_000, b"pin:" + b" " * 65_000):
        began = time.process_time()
        redact(evil, "a")
        assert time.process_time() - began < 1.0


@pytest.mark.parametrize("dialect", ["tocsin", "home_assistant", "zigbee2mqtt", "frigate"])
def test_of_more_than_is_looked_through_nothing_is_kept_and_somebody_is_told(dialect: str) -> None:
    def listed(signs: int) -> bytes:
        return b"[" + b",".join([b"12345"] * signs) + b"]"

    assert redact(listed(SIGNS_MAX), "a").removed == 0
    over = listed(SIGNS_MAX + 1)
    assert b"more than 10000 values" in redact(over, "a").payload
    found = reading(dialect, over.decode())
    assert found.signals
    assert found.problem == "unreadable"
    assert "12345" not in repr(found)
