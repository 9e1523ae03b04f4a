"""MQTT messages read with a topic of each dialect, as their tests need them; a PIN to hide."""

from typing import Any

from msgspec.structs import replace

from tocsin.site.intakes.mqtt import Topic
from tocsin.wire.mqtt.packets import V3, Publish, decode, encode
from tocsin.wire.mqtt.signals import Reading, read

PIN = "739154"
TOPICS = {
    "tocsin": Topic(filter="#"),
    "home_assistant": Topic(filter="#", dialect="home_assistant"),
    "zigbee2mqtt": Topic(filter="#", dialect="zigbee2mqtt"),
    "frigate": Topic(filter="#", dialect="frigate", labels=("person",), zones=("drive",)),
    "generic": Topic(
        filter="#",
        dialect="generic",
        at={
            "code": "/event/kind",
            "zone": "/event/where",
            "text": "/note",
            "occurred_at": "/when",
        },
        values={"overheat": "KA"},
    ),
}


def reading(dialect: str, payload: str | bytes, name: str = "a/b", **fields: Any) -> Reading:
    data = payload.encode() if isinstance(payload, str) else payload
    publish = Publish(name, data, 1, 5)
    topic = replace(TOPICS[dialect], **fields)
    return read(publish, encode(publish, V3), V3, topic, "panel")


def payload_of(body: bytes) -> bytes:
    packet = decode(body, V3)
    assert isinstance(packet, Publish)
    return packet.payload
