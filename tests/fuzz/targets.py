"""What is fuzzed: for each protocol right messages, its words, and everything that its bytes go
through here, with the one error that may come of it."""

import base64
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import edge_targets as behind
import file_targets as whole
from fastcrc import crc16

from tocsin.core.code_tables import meaning
from tocsin.core.signals import Effect, SignalRead
from tocsin.wire import aml, cap, dc09, mail, mqtt, sos_access, webhook  # noqa: F401 - packages
from tocsin.wire.aml import form, sms, text
from tocsin.wire.aml.place import BadMessage
from tocsin.wire.cap import alert, document, feeds
from tocsin.wire.cap import signals as cap_signals
from tocsin.wire.dc09 import answers, frames, sealed, session, strangers
from tocsin.wire.mail import rules
from tocsin.wire.mail import signals as mail_signals
from tocsin.wire.mqtt import session as mqtt_session
from tocsin.wire.mqtt import signals as mqtt_signals
from tocsin.wire.sos_access import answers as sos_answers
from tocsin.wire.sos_access import requests as sos_requests
from tocsin.wire.sos_access import session as sos_session
from tocsin.wire.webhook import identity, json_text, mapping
from tocsin.wire.webhook import signals as webhook_signals

FRAMES = Path(__file__).parent.parent / "frames"
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
KEY = b"0123456789abcdef"
NOISE = bytes(range(16))


@dataclass(frozen=True)
class Target:
    """`run` takes one message through; anything it raises is a finding. `share`: its part of all
    inputs, which follows from what one costs. `largest`: messages at the limits of their size."""

    name: str
    seeds: Sequence[bytes]
    words: Sequence[bytes]
    run: Callable[[bytes], None]
    share: float
    repair: Callable[[bytes], bytes] | None = None
    largest: Callable[[], Sequence[bytes]] = list


def understood(signals: Sequence[SignalRead] | None) -> None:
    """What is read can be looked up and stored as text."""
    for one in signals or ():
        meaning(one)
        one.text.encode()
        (one.account + one.zone + one.partition + one.code).encode()


# -- DC-09 ------------------------------------------------------------------------------------


def dc09_seeds() -> list[bytes]:
    captured = json.loads((FRAMES / "dc09" / "captured_frames.json").read_text(encoding="utf-8"))
    found = [bytes.fromhex(one["raw_hex"]) for one in captured if one.get("raw_hex")]
    clear = frames.Frame(
        "ADM-CID", "0001", "1", "0", "1234", b"#1234|1130 01 007", (b"VX", b"X006E07.7", b"IText")
    )
    stamped = clear._replace(timestamp="08:00:00,03-01-2026")
    found += [frames.encode(clear), frames.encode(frames.seal(stamped, KEY, NOISE))]
    return [*found, found[-1] + found[-2]]


def dc09_repaired(data: bytes) -> bytes:
    """Length and CRC of the first frame made right."""
    start, end = data.find(b'"'), data.find(b"\r")
    if start < 0 or end < start:
        return data
    body = data[start:end]
    if len(body) > 0xFFF:
        return data
    return b"\n%04X%04X%b\r" % (crc16.arc(body), len(body), body) + data[end + 1 :]


def dc09_short_way(raw: bytes, parts: sealed.Sealed, longer: answers.Reception) -> None:
    """Where an encrypted frame is opened at once, the outcome is that of the longer way."""
    told = sealed.open_usual(parts, KEY, NOW, NOISE)
    if told is None:
        return
    assert (longer.answer, longer.problem) == (answers.Answer.ACK, None)
    assert told[1:] == (longer.data, longer.repeat_key, longer.replay_key, longer.dialects)
    assert answers.read_kept(raw, told.region) == longer[3:5]


def dc09_run(data: bytes) -> None:
    stream = session.Session(2_048)
    stream.receive_data(data)
    at = 0
    for event in (*stream.events_received(), stream.abandon()):
        if event is None:
            continue
        # Each byte is in one event at most: none is both refused and recorded.
        found = data.find(event.raw, at)
        assert found >= 0, (event, at)
        at = found + len(event.raw)
        if not isinstance(event, session.Received):
            continue
        answers.usual(event.raw)
        known, key = ((True, KEY), (True, None), (False, None))[len(data) % 3]
        reception = answers.receive(event.frame, is_known=known, key=key, now=NOW, noise=NOISE)
        understood(reception.signals)
        if reception.data:
            frames.decode(reception.data)  # what we say is a frame
        if not event.frame.encrypted:
            understood(answers.read_kept(event.raw, None)[0])
        elif event.sealed is not None and known and key is not None:
            dc09_short_way(event.raw, event.sealed, reception)
    strangers.stranger(data)


# -- MQTT -------------------------------------------------------------------------------------


def mqtt_packet(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, low = divmod(rest, 128)
        length += bytes([low | (128 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


def mqtt_text(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def mqtt_seeds() -> list[bytes]:
    payloads = [
        b'{"code":"BA","zone":"7","partition":"1","text":"hall","at":"2026-03-01T08:00:00Z"}',
        b'{"state":"triggered"}',
        b"triggered",
        b'{"action":"disarm","action_code":"1234","action_zone":0,"smoke":true}',
        b'{"type":"new","after":{"label":"person","sub_label":"x","entered_zones":["yard"]}}',
    ]
    found = []
    for version in (4, 5):
        properties = b"\x05\x11\x00\x00\x00\x3c" if version == 5 else b""
        name = mqtt_text(b"MQTT") + bytes([version, 0xC2, 0, 60]) + properties
        connect = mqtt_packet(
            0x10, name + mqtt_text(b"panel") + mqtt_text(b"site-1") + mqtt_text(b"a secret word")
        )
        for number, payload in enumerate(payloads):
            body = mqtt_text(b"home/alarm") + (number + 1).to_bytes(2, "big")
            body += (b"\x00" if version == 5 else b"") + payload
            found.append(connect + mqtt_packet(0x32, body) + b"\xc0\x00")
        found.append(connect + mqtt_packet(0x82, b"\x00\x09" + mqtt_text(b"a/#") + b"\x01"))
    return found


_TOPICS = [
    SimpleNamespace(
        filter="#",
        dialect=dialect,
        account="site-1",
        zone="",
        partition="",
        keys=(),
        labels=("person",),
        zones=(),
        at={"code": "/code", "zone": "/zone"},
        values={},
    )
    for dialect in ("tocsin", "home_assistant", "zigbee2mqtt", "frigate", "generic")
]


def mqtt_run(data: bytes) -> None:
    stream = mqtt_session.Session(mqtt_session.Limits(4_096, 128, 8))
    stream.receive_data(data)
    while (event := stream.next_event()) is not None:
        if isinstance(event, mqtt_session.Connecting):
            stream.accept("site-1")
        elif isinstance(event, mqtt_session.Published):
            topic = _TOPICS[len(data) % len(_TOPICS)]
            reading = mqtt_signals.read(event.publish, event.raw, stream.version, topic, "site-1")
            understood(reading.signals)
            assert reading.signals or not reading.is_news
            stream.answer(event.publish, event.place)
        elif isinstance(event, mqtt_session.Ended):
            break
        stream.data_to_send()
    stream.abandon("closed")
    stream.data_to_send()


# -- the others -------------------------------------------------------------------------------


def sos_run(data: bytes) -> None:
    stream = sos_session.Session()
    stream.receive_data(data)
    at = 0
    for event in iter(stream.next_event, None):
        assert len(event.raw) <= len(data)
        if isinstance(event, sos_session.Refused):
            continue
        found = data.find(event.raw, at)
        assert found >= 0
        at = found + len(event.raw)
        try:
            request = sos_requests.decode(event.raw)
        except sos_requests.BadRequest:
            continue
        own = request.authentication.encode()  # the right one, whatever became of it
        for known, key in ((True, own), (True, b"secret"), (False, None)):
            reception = sos_answers.receive(
                request, event.raw, is_known=known, key=key, contact_id=True
            )
            understood(reception.signals)
            # None is both refused and recorded as a device's alarm.
            assert reception.status is sos_answers.Status.OK or not (
                reception.is_devices
                and any(meaning(one).effect is Effect.ALARM for one in reception.signals)
            )
            sos_answers.answer(request.kind, reception.status, now=NOW)
    stream.abandon()


def cap_run(data: bytes) -> None:
    try:
        found = alert.decode(data)
    except document.BadAlert as error:
        understood([cap_signals.unread(error, "feed")])
    else:
        understood([cap_signals.read(found, ("zh-CN", "en"))])


def feed_run(data: bytes) -> None:
    with contextlib.suppress(document.BadAlert):
        feeds.read(data)


_FIELDS = mapping.Fields(code="/code", zone="/zone", text="/text", occurred_at="/at")


def webhook_run(data: bytes) -> None:
    try:
        found = json_text.read(data)
    except json_text.BadJson as error:
        identity.in_place_of(data, error.reason)
        return
    clean, _ = identity.without(found)
    identity.written(clean)
    reading = webhook_signals.read(clean, _FIELDS, "source")
    assert reading.signals
    understood(reading.signals)


def aml_run(data: bytes) -> None:
    for read in (
        lambda: form.read(data, NOW),
        lambda: form.signer(data, [("operator", b"secret")]),
        lambda: text.read(data.decode("latin-1"), NOW),
        lambda: text.read(sms.text_of(data), NOW),
        lambda: sms.text_of_hex(data.hex()),
    ):
        with contextlib.suppress(BadMessage):
            read()
    text.without_identity(data.decode("latin-1"))


def mail_run(data: bytes) -> None:
    taken = mail_signals.take(
        data,
        "panel",
        is_known=True,
        key=b"Correct Horse 7",
        rules=rules.Rules(()),
        codes_in_subject=True,
        now=NOW,
    )
    assert b"Correct Horse 7" not in taken.body
    understood(taken.signals)


def files(folder: str, *endings: str) -> list[bytes]:
    return [
        one.read_bytes() for one in sorted((FRAMES / folder).iterdir()) if one.suffix in endings
    ]


def texts(folder: str, name: str) -> list[bytes]:
    """Every longer text of a JSON file, as bytes: messages, in whatever order it has them."""
    found: list[bytes] = []

    def look(value: Any) -> None:
        if isinstance(value, str) and len(value) > 20:
            found.append(value.encode())
        elif isinstance(value, dict):
            for one in value.values():
                look(one)
        elif isinstance(value, list):
            for one in value:
                look(one)

    look(json.loads((FRAMES / folder / name).read_text(encoding="utf-8")))
    return found


XML_WORDS = [
    *(b"<!DOCTYPE x>", b"&lt;", b"&#0;", b"&#x110000;", b"<![CDATA[", b"]]>", b"<!--", b"-->"),
    *(b"<?xml version='1.0' encoding='utf-16'?>", b"xmlns:x='y'", b"<a>", b"</a>", b"\x00"),
]
JSON_WORDS = [
    *(b"null", b"true", b"NaN", b"1e999", b"[[[[[[[[[[", b"{}", b'""', b"\\ud800", b"\\u0000"),
    *(b'"code":', b'"at":', b"-0", b","),
]

TARGETS = [
    Target(
        "dc09",
        dc09_seeds(),
        [
            *(b"\n", b"\r", b'"', b"[", b"]", b"|", b"#", b"_", b"R1", b"L", b'"*', b"NULL"),
            *(b"SIA-DCS", b"ADM-CID", b"ri1/", b"^x^", b"*'x'NM", b"[X006E07.7]", b"/BA1"),
            *(b"\x80", b"\x00", b"1130 01 007", b"0000", b"9999"),
        ],
        dc09_run,
        0.4995,
        dc09_repaired,
    ),
    Target(
        "mqtt",
        mqtt_seeds(),
        [b"\x10", b"\x32", b"\xff\xff\xff\x7f", b"\x00\x04MQTT", b"\x26", b"\x0b", *JSON_WORDS],
        mqtt_run,
        0.20,
    ),
    Target("aml", texts("aml", "messages.json"), [b"&hmac=", b";", b"=", b"%00"], aml_run, 0.05),
    Target(
        "webhook",
        [b'{"code":"BA","zone":7,"text":"x","at":"2026-03-01T08:00:00Z"}', b"[1,2,{}]"],
        JSON_WORDS,
        webhook_run,
        0.15,
    ),
    Target(
        "sos_access",
        texts("sos_access", "published_messages.json"),
        [b"<alarmrequest>", b"<position>N597295E0176288</position>", *XML_WORDS],
        sos_run,
        0.03,
    ),
    Target(
        "cap", files("cap", ".cap", ".xml"), [b"-00:00", b"1,2 3,4", *XML_WORDS], cap_run, 0.014
    ),
    Target("feeds", files("cap", ".atom", ".rss", ".xml"), XML_WORDS, feed_run, 0.01),
    Target(
        "mail",
        [*files("mail", ".eml"), base64.b64encode(b"x" * 60)],
        [
            *(b"Content-Type: multipart/mixed; boundary=x\r\n", b"--x\r\n", b"charset=utf-7"),
            *(b"=?utf-8?b?", b"?=", b"Correct Horse 7", b"\r\n\r\n", b"quoted-printable"),
            *(b"Content-Transfer-Encoding: ", b"[BA 7]", b"message/rfc822"),
        ],
        mail_run,
        0.005,
    ),
    Target(
        "http",
        behind.http_seeds(),
        behind.HTTP_WORDS,
        behind.http_run,
        0.01,
        largest=behind.http_largest,
    ),
    Target(
        "broker",
        behind.broker_seeds(),
        [b"\x33", b"\x3b", b"\x34", *JSON_WORDS],
        behind.broker_run,
        0.02,
        largest=behind.broker_largest,
    ),
    Target(
        "signatures",
        whole.signature_seeds(),
        [*whole.SIGNATURE_WORDS, *XML_WORDS],
        whole.signature_run,
        0.006,
        largest=whole.signature_largest,
    ),
    Target("csv", whole.csv_seeds(), whole.TABLE_WORDS, whole.csv_run, 0.005),
    Target("xlsx", whole.xlsx_seeds(), whole.XLSX_WORDS, whole.xlsx_run, 0.0005),
]
