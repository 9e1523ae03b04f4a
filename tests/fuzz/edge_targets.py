"""What is fuzzed behind a socket, without one: the HTTP reader of the intakes, and what is done
with the messages of an MQTT broker. The record is a list here; all before it is the real thing."""

import asyncio
import json
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import httptools

from tocsin.core.code_tables import meaning
from tocsin.core.signals import Effect, SignalRead
from tocsin.edge import http_in
from tocsin.edge.http_parts import Request, Response
from tocsin.edge.mqtt_link import topic_of
from tocsin.edge.mqtt_taking import ANSWERS, Origin, Taking
from tocsin.wire.mqtt import packets
from tocsin.wire.mqtt import session as mqtt_session
from tocsin.wire.mqtt.redaction import SIGNS_MAX


class AtOnce(asyncio.SelectorEventLoop):
    """A loop on which no time passes: what would be done later is done next."""

    def call_later(self, _delay, callback, *args, context=None):  # type: ignore[no-untyped-def]
        return self.call_soon(callback, *args, context=context)


LOOP = AtOnce()


class Counts:
    """What an intake counts."""

    def __init__(self) -> None:
        self.added: Counter[str] = Counter()
        self.refusals: list[str] = []

    def add(self, name: str, number: int = 1) -> None:
        self.added[name] += number

    def refused(self, reason: object, address: str, _raw: bytes | None = None) -> None:
        address.encode()
        self.refusals.append(str(reason))


# -- HTTP -------------------------------------------------------------------------------------

HTTP_BODY_MAX = 1 << 20
"""The largest that the configuration of an intake allows."""


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 40_000)})
        self.written = b""
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: Any) -> None:
        assert not self.closing
        self.written += data

    def write_eof(self) -> None:
        assert not self.closing

    def can_write_eof(self) -> bool:
        return True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None:
        self.closing = True

    abort = close


class Answers:
    """Reads what the server wrote, with a parser that is not the server's."""

    def __init__(self, written: bytes) -> None:
        self.statuses: list[int] = []
        self.parser = httptools.HttpResponseParser(self)
        self.parser.feed_data(written)

    def on_message_complete(self) -> None:
        self.statuses.append(self.parser.get_status_code())


def http_intake() -> Any:
    return SimpleNamespace(
        name="http", counts=Counts(), enter=lambda place: place, leave=lambda _: None
    )


async def http_fed(data: bytes, pieces: int) -> tuple[list[Request], http_in.Server, bytes]:
    """One connection that sends `data` and ends its side."""
    taken: list[Request] = []

    async def answer(request: Request) -> Response:
        taken.append(request)
        return Response(200, b"{}")

    settings = SimpleNamespace(body_bytes_max=HTTP_BODY_MAX, proxy="", slow_s=10.0, idle_s=60.0)
    server = http_in.Server(
        http_intake(), cast("Any", settings), answer, lambda *_: Response(400, b"!")
    )
    connection, transport = http_in.Connection(server, is_tls=False), Transport()
    connection.connection_made(transport)
    step = max(1, -(-len(data) // pieces))
    for at in range(0, len(data), step):
        if transport.closing:
            break
        connection.data_received(data[at : at + step])
        await asyncio.sleep(0)
    while server.answering:
        await asyncio.wait(server.answering)
    connection.eof_received()
    connection.connection_lost(None)
    return taken, server, transport.written


def http_run(data: bytes) -> None:
    pieces = 1 + len(data) % 7
    taken, server, written = LOOP.run_until_complete(http_fed(data, pieces))
    refusals = server.intake.counts.refusals
    for request in taken:
        assert len(request.body) <= min(len(data), HTTP_BODY_MAX)
        assert len(request.path) <= http_in.PATH_CHARS_MAX
        assert len(request.headers) <= http_in.HEADERS_MAX
        length = request.headers.get("content-length")
        assert length is None or int(length) == len(request.body)
    # Each request is answered once; what is refused is refused once, at the end, and taken never.
    said = [status for status in Answers(written).statuses if status != 100]
    assert said[: len(taken)] == [200] * len(taken), (said, refusals)
    assert len(refusals) <= 1
    assert len(said) - len(taken) in ((0, 1) if refusals else (0,)), (said, refusals)
    assert (server.held_bytes, server.connections) == (0, set())


def http_seeds() -> list[bytes]:
    body = b'{"code":"FA"}'
    head = b"POST /hook/tower HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    whole = head + b"Content-Length: 13\r\n\r\n" + body
    chunks = b"5;a=b\r\n" + body[:5] + b"\r\n8\r\n" + body[5:] + b"\r\n0\r\nX-T: 1\r\n\r\n"
    return [
        whole,
        whole + whole,
        head + b"Expect: 100-continue\r\nContent-Length: 13\r\n\r\n" + body,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        b"GET /cap?x=1 HTTP/1.0\r\nX-Forwarded-For: 1.2.3.4, ::1\r\nAccept-Language: zh\r\n\r\n",
        head + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ]


HTTP_WORDS = [
    *(b"\r\n", b"\r\n\r\n", b"\n", b" ", b"\t", b":", b"Content-Length: 13\r\n"),
    *(b"Content-Length: 5, 5\r\n", b"Content-Length: +5\r\n", b"Content-Length: -1\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    *(b"ffffffff\r\n", b"HTTP/0.9", b"HTTP/2.0", b"PRI * HTTP/2.0", b"Expect: 100-continue\r\n"),
    *(b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"\x00", b"\xff", b"X: y\r\n" * 70),
]


def http_largest() -> list[bytes]:
    """At the limits: a body, the same in chunks of one byte, a head, a trailer."""
    post = b"POST /hook/tower HTTP/1.1\r\nHost: x\r\n"
    size = HTTP_BODY_MAX
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n"
    header = b"X: " + b"y" * (http_in.HEAD_BYTES_MAX - 400) + b"\r\n"
    return [
        post + b"Content-Length: %d\r\n\r\n" % size + b"x" * size,
        chunked + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n",
        chunked + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n",
        post + header + b"Content-Length: 0\r\n\r\n",
        chunked + b"0\r\n" + header + b"\r\n",
        post + b"\r\n" + (post + b"\r\n") * (http_in.PIPELINE_MAX - 1),
    ]


# -- a broker's messages ----------------------------------------------------------------------

PACKET_MAX = 1 << 20
"""The largest that the configuration allows."""

DIALECTS = ("tocsin", "home_assistant", "zigbee2mqtt", "frigate", "generic")
TOPICS = tuple(
    SimpleNamespace(
        filter=f"{dialect}/#" if dialect != "generic" else "+/+",
        dialect=dialect,
        account="site-{1}" if dialect == "generic" else "site-1",
        zone="",
        partition="",
        keys=(),
        labels=("person",),
        zones=(),
        at={"code": "/code", "zone": "/zone"},
        values={},
    )
    for dialect in DIALECTS
)


class Recorded:
    """In place of the record: what is kept, and what it says was heard last."""

    name = "mqtt"
    can_keep = True

    def __init__(self) -> None:
        self.counts = Counts()
        self.kept: list[tuple[SignalRead, ...]] = []

    async def keep(self, **what: Any) -> None:
        assert what["answer"] in ANSWERS
        assert isinstance(what["body"], bytes)
        what["source"].encode()
        self.kept.append(what["signals"])

    def seen(self, device: Any) -> None: ...

    async def repeat_keys(self, _protocol: str) -> set[bytes]:
        return set()

    async def messages(self, _protocol: str, _device: object) -> list[tuple[SignalRead, ...]]:
        return list(reversed(self.kept))[:100]


async def broker_fed(data: bytes) -> None:
    record = Recorded()
    taking = Taking(cast("Any", record), cast("Any", record))
    await taking.start()
    stream = mqtt_session.Session(mqtt_session.Limits(PACKET_MAX, 512, 8))
    stream.receive_data(data)
    while (event := stream.next_event()) is not None:
        if isinstance(event, mqtt_session.Connecting):
            stream.accept("broker")
        elif isinstance(event, mqtt_session.Ended):
            break
        elif isinstance(event, mqtt_session.Published):
            found = topic_of(cast("Any", TOPICS), event.publish.topic)
            if found is None:
                continue
            await broker_takes(taking, record, event.publish, found[0], stream.version)


async def broker_takes(
    taking: Taking, record: Recorded, publish: packets.Publish, topic: Any, version: int
) -> None:
    """One message of a broker. Afterwards it comes again, as it does when its answer was lost."""
    device = cast("Any", SimpleNamespace(id=1, is_probe=False))
    for known in (None, device):
        origin = Origin("site-1", known, "broker.example", "broker.x", "none", version, True)
        if publish.retain and not taking.knows(origin):
            await taking.learn(origin)
        before = len(record.kept)
        record.counts.refusals.clear()
        await taking.take(publish, packets.encode(publish, version), topic, origin)
        for signals in record.kept[before:]:
            assert signals
            for one in signals:
                one.text.encode()
                (one.account + one.zone + one.partition + one.code).encode()
            # None is refused and an alarm as well.
            alarms = [one for one in signals if meaning(one).effect is Effect.ALARM]
            assert not (record.counts.refusals and alarms), (record.counts.refusals, alarms)


def broker_run(data: bytes) -> None:
    LOOP.run_until_complete(broker_fed(data))


def broker_packet(topic: bytes, payload: bytes, first: int = 0x33) -> bytes:
    """A PUBLISH of MQTT 3.1.1, QoS 1, retained unless `first` says otherwise."""
    body = len(topic).to_bytes(2, "big") + topic + (b"\x00\x07" if first & 0x06 else b"") + payload
    length, rest = b"", len(body)
    while rest or not length:
        rest, low = divmod(rest, 128)
        length += bytes([low | (128 if rest else 0)])
    return bytes([first]) + length + body


CONNECT = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06broker"
PAYLOADS = {
    b"tocsin/1": b'{"code":"BA","zone":"7","at":"2026-03-01T08:00:00Z"}',
    b"home_assistant/alarm": b"triggered",
    b"zigbee2mqtt/kitchen": b'{"smoke":true,"battery":97,"tamper":false}',
    b"frigate/events": b'{"type":"new","after":{"label":"person","entered_zones":["yard"]}}',
    b"own/alarm": b'{"code":"FA","zone":3}',
}


def broker_seeds() -> list[bytes]:
    return [
        CONNECT + broker_packet(topic, payload, first) + broker_packet(topic, payload, first)
        for topic, payload in PAYLOADS.items()
        for first in (0x33, 0x3B, 0x30, 0x34)
    ]


def broker_largest() -> list[bytes]:
    """The largest packet there may be, of each dialect: long text, many names, deep nesting."""
    found = []
    for topic in PAYLOADS:
        room = PACKET_MAX - len(topic) - 16
        many = json.dumps({f"k{n}": n for n in range(60_000)}).encode()[:room]
        # At the limit of what is looked through: each name has two signs.
        few = json.dumps({f"k{n}": "x" * 180 for n in range(SIGNS_MAX // 2 - 2)}).encode()[:room]
        payloads = [b"x" * room, b"[" * room, many, few, b"pin=12 " * SIGNS_MAX]
        payloads.append(b'{"code":"' + b"B" * (room - 20) + b'"}')
        found += [CONNECT + broker_packet(topic, payload) for payload in payloads]
    return found
