"""One connection to a site's broker: paho-mqtt speaks, on our loop. What it delivers is
acknowledged only after the commit, so that it delivers again what we could not keep."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from paho.mqtt.client import (
    MQTT_CLEAN_START_FIRST_ONLY,
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tocsin.edge.intake import Intake
from tocsin.edge.mqtt_taking import Origin, Taking, version_of
from tocsin.edge.mqtt_tls import Tls, has_pending
from tocsin.record.heard import NotKept
from tocsin.wire.mqtt.packets import V5, Publish, encode
from tocsin.wire.mqtt.saying import Topic
from tocsin.wire.mqtt.signals import account_of, topic_of

logger = logging.getLogger("tocsin.mqtt")

CONNECT_S: Final = 10.0
TICK_S: Final = 1.0
IN_FLIGHT_MAX: Final = 200
"""Messages of one broker that may wait for their commit; from then on it is not read."""

ACCOUNT_CHARS_MAX: Final = 128
"""A broker's topic may hold tens of thousands; no device's account is so long."""


class BrokerSettings(Protocol):
    """One of `edge.mqtt.brokers` of the configuration."""

    @property
    def name(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls(self) -> bool: ...
    @property
    def ca_file(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def password_file(self) -> str: ...
    @property
    def keep_alive_s(self) -> int: ...
    @property
    def session_expiry_s(self) -> int: ...
    @property
    def silent_s(self) -> float: ...
    @property
    def packet_bytes_max(self) -> int: ...
    @property
    def topics(self) -> Sequence[Topic]: ...


class Broken(Exception):
    """The connection is over; the text is the name under which it is counted, if it is not yet."""


class _Place:
    """One message's place among those that are to be acknowledged."""

    __slots__ = ("is_kept", "packet_id", "qos")

    def __init__(self, packet_id: int, qos: int) -> None:
        self.packet_id = packet_id
        self.qos = qos
        self.is_kept = False


class Link:
    """One connection to the broker, from its beginning to its end. Paho's own state ends with it;
    what was not acknowledged is delivered again, since the session is the broker's to remember."""

    def __init__(
        self,
        settings: BrokerSettings,
        intake: Intake,
        taking: Taking,
        connected: Callable[[], None],
    ) -> None:
        self.was_connected = False
        self._settings = settings
        self._intake = intake
        self._taking = taking
        self._connected = connected
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[str] = self._loop.create_future()
        self._version = version_of(settings.version)
        self._waiting: asyncio.Queue[tuple[Publish, _Place]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places: deque[_Place] = deque()  # in the order delivered, as they are acknowledged
        self._sock: Any = None
        self._is_reading = False
        self._client = self._made()

    async def run(self) -> None:
        """Until the connection ends, which raises `Broken`, or `stop` is set."""
        settings, client = self._settings, self._client
        try:
            await self._loop.run_in_executor(None, self._connect)
        except (OSError, ValueError) as why:  # ssl.SSLError among them
            said = {"broker": settings.name, "why": str(why)}
            logger.warning("a broker cannot be reached", extra=said)
            self._close()
            raise Broken("broker_unreachable") from None
        self._sock = client.socket()
        taking = self._loop.create_task(self._take_in_turn())
        stopping = self._loop.create_task(self._intake.stop.wait())
        until = self._loop.time() + CONNECT_S
        try:
            self._read_on()
            self._want_write()
            while not self._over.done() and not stopping.done():
                await asyncio.wait(
                    (self._over, stopping), timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED
                )
                self._went(client.loop_misc)
                if not self.was_connected and self._loop.time() > until:
                    self._end("broker_silent")
            if self._over.done():
                raise Broken(self._over.result())
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=CONNECT_S / 2)
            client.disconnect()
            self._went(client.loop_write)
        finally:
            stopping.cancel()
            taking.cancel()
            self._end("")
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(taking, *self._tasks, return_exceptions=True)
            self._close()

    # -- paho -----------------------------------------------------------------------------------

    def _made(self) -> Client:
        settings = self._settings
        is_v5 = self._version == V5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id or f"tocsin-{settings.name}",
            clean_session=None if is_v5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if is_v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = lambda *_: self._want_write()
        client.on_socket_unregister_write = lambda *_: self._no_write()
        return client

    def _connect(self) -> None:
        """In a thread: it waits for names, for the socket and for TLS. Files are read anew each
        time, so that a password may be changed."""
        settings, client = self._settings, self._client
        if settings.username:
            word = Path(settings.password_file).read_text(encoding="utf-8").strip()
            client.username_pw_set(settings.username, word)
        if settings.tls:
            context = Tls(ssl.PROTOCOL_TLS_CLIENT)  # which asks for a certificate with its name
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if settings.ca_file:
                context.load_verify_locations(settings.ca_file)
            else:
                context.load_default_certs()
            client.tls_set_context(context)
        properties = None
        if self._version == V5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = settings.session_expiry_s
            properties.ReceiveMaximum = IN_FLIGHT_MAX
            properties.MaximumPacketSize = settings.packet_bytes_max
        # That the session goes on is said here in version 5, and in 3.1.1 where paho is made.
        client.connect(
            settings.host,
            settings.port,
            settings.keep_alive_s,
            clean_start=False if self._version == V5 else MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
        )

    def _on_connect(
        self, _: Client, __: Any, flags: ConnectFlags, code: ReasonCode, ___: Any
    ) -> None:
        if code.is_failure:
            said = {"broker": self._settings.name, "why": str(code)}
            logger.warning("a broker refuses us", extra=said)
            self._end("broker_refused")
            return
        self.was_connected = True
        self._connected()
        # QoS 1 and not 2: after PUBREC a broker forgets the message, and a restart of ours between
        # that and the commit would lose it. It lowers what was published with QoS 2.
        self._client.subscribe([(topic.filter, 1) for topic in self._settings.topics])
        self._intake.counts.add("broker_connected")
        more = {"session_present": flags.session_present}
        logger.info("connected to a broker", extra={**self._named, **more})

    def _on_subscribe(
        self, _: Client, __: Any, ___: int, codes: list[ReasonCode], ____: Any
    ) -> None:
        for topic, code in zip(self._settings.topics, codes, strict=False):
            if code.is_failure:
                self._intake.counts.refused("subscription_refused", self._settings.host)
                self._intake.not_fetched(self._settings.name, "subscription_refused")
                said = {"broker": self._settings.name, "filter": topic.filter, "why": str(code)}
                logger.error("a broker refuses a subscription", extra=said)
        if not any(code.is_failure for code in codes):
            self._intake.fetched(self._settings.name, lasts=True)

    def _on_disconnect(
        self, _: Client, __: Any, ___: DisconnectFlags, code: ReasonCode, ____: Any
    ) -> None:
        if not self._over.done() and code.is_failure:
            logger.warning("a broker has gone", extra={**self._named, "why": str(code)})
        self._end("broker_lost" if self.was_connected else "broker_refused")

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        place = _Place(message.mid, message.qos)
        self._places.append(place)
        try:
            name = message.topic
        except UnicodeDecodeError:
            self._refuse("bad_topic", place)
            return
        if len(message.payload) > self._settings.packet_bytes_max:
            self._refuse("oversized", place)
            return
        publish = Publish(
            name, bytes(message.payload), message.qos, message.mid, message.dup, message.retain
        )
        self._waiting.put_nowait((publish, place))
        if len(self._places) >= IN_FLIGHT_MAX:
            self._read_no_more()

    # -- the socket -----------------------------------------------------------------------------

    def _went(self, act: Callable[[], MQTTErrorCode]) -> None:
        """Lets paho act; whatever it meets ends this connection and nothing else."""
        if self._over.done():
            return
        try:
            code = act()
        except Exception:
            logger.exception("a broker sent what cannot be read", extra=self._named)
            self._end("broker_failed")
        else:
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._end("broker_lost" if self.was_connected else "broker_refused")

    def _readable(self) -> None:
        self._went(self._client.loop_read)
        # What TLS has opened already is not seen on the socket.
        while self._is_reading and not self._over.done() and has_pending(self._sock):
            self._went(self._client.loop_read)

    def _read_on(self) -> None:
        if not self._is_reading and not self._over.done():
            self._is_reading = True
            self._loop.add_reader(self._sock.fileno(), self._readable)
            self._loop.call_soon(self._readable_if_pending)

    def _readable_if_pending(self) -> None:
        if self._is_reading and has_pending(self._sock):
            self._readable()

    def _read_no_more(self) -> None:
        """As many wait for their commit as may: the broker waits."""
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._sock.fileno())

    def _want_write(self) -> None:
        if self._sock is not None and not self._over.done():  # None: still in the thread
            self._loop.add_writer(self._sock.fileno(), self._went, self._client.loop_write)

    def _no_write(self) -> None:
        if self._sock is not None and self._sock.fileno() >= 0:
            self._loop.remove_writer(self._sock.fileno())

    def _on_socket_close(self, _: Client, __: Any, ___: Any) -> None:
        self._leave_socket()

    def _leave_socket(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None and sock.fileno() >= 0:
            self._is_reading = False
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())

    def _end(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(reason)

    def _close(self) -> None:
        sock = self._client.socket()
        self._leave_socket()
        if sock is not None:
            sock.close()

    # -- messages -------------------------------------------------------------------------------

    async def _take_in_turn(self) -> None:
        """Each in the order in which they were delivered; commits go on side by side. What fails
        here ends the connection too: nothing would be taken any more."""
        try:
            await self._take_each()
        except Exception:
            logger.exception("a broker's message failed", extra=self._named)
            self._end("failed")

    async def _take_each(self) -> None:
        while True:
            publish, place = await self._waiting.get()
            found = topic_of(self._settings.topics, publish.topic)
            if found is None:  # a subscription of an earlier configuration
                self._refuse("no_topic", place)
                continue
            topic, wildcards = found
            account = account_of(topic, wildcards)[:ACCOUNT_CHARS_MAX]
            origin = Origin(
                account,
                self._intake.device(account),
                self._settings.host,
                f"broker.{self._settings.name}",
                version=self._version,
                is_broker=True,
            )
            if publish.retain and not self._taking.knows(origin):
                await self._taking.learn(origin)
            # Half of what the address may have in flight: devices may share it.
            while len(self._tasks) >= max(1, self._intake.senders.in_flight_max // 2):
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            task = self._loop.create_task(self._keep(publish, topic, origin, place))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _keep(self, publish: Publish, topic: Topic, origin: Origin, place: _Place) -> None:
        raw = encode(publish, self._version)
        try:
            await self._taking.take(publish, raw, topic, origin)
        except NotKept:
            # It is delivered again when we connect again, and only then.
            self._end("")
        except Exception:
            # Its place stays open, so nothing after it could be acknowledged any more.
            logger.exception("a broker's message failed", extra=self._named)
            self._end("failed")
        else:
            self._kept(place)

    def _refuse(self, reason: str, place: _Place) -> None:
        """It would come again and again: it is counted, and acknowledged."""
        self._intake.counts.refused(reason, self._settings.host)
        self._kept(place)

    def _kept(self, place: _Place) -> None:
        """Acknowledges what is kept, in the order delivered (MQTT 5.0 4.6)."""
        place.is_kept = True
        places = self._places
        while places and places[0].is_kept:
            done = places.popleft()
            if done.qos and not self._over.done():
                self._client.ack(done.packet_id, done.qos)
        if len(places) < IN_FLIGHT_MAX // 2 and self._sock is not None:
            self._read_on()

    @property
    def _named(self) -> dict[str, str]:
        return {"broker": self._settings.name}
