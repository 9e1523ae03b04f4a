"""What all MQTT connections share: who may connect, whose connection it is, what is remembered of a
client's session, and how much of each address is in flight."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from tocsin.edge.attempts import Attempts
from tocsin.edge.intake import FINISH_S, Intake
from tocsin.edge.mqtt_access import has_password
from tocsin.edge.mqtt_link import BrokerSettings
from tocsin.edge.mqtt_taking import Taking
from tocsin.edge.mqtt_wills import Wills
from tocsin.edge.senders import Sender
from tocsin.record.devices import Device
from tocsin.wire.mqtt.packets import Connect
from tocsin.wire.mqtt.refusals import (
    NOT_AUTHORISED,
    UNAVAILABLE,
    Refusal,
)
from tocsin.wire.mqtt.saying import Topic
from tocsin.wire.mqtt.session import (
    Limits,
    Session,
)

if TYPE_CHECKING:
    from tocsin.edge.mqtt_connection import Connection

SESSIONS_MAX: Final = 20_000
"""Sessions that are remembered between connections of a client; the oldest are forgotten."""

SHUTTING_DOWN, TAKEN_OVER = 0x8B, 0x8E


class Settings(Protocol):
    """The `edge.mqtt` section of the configuration."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls_port(self) -> int: ...
    @property
    def tls_cert(self) -> str: ...
    @property
    def tls_key(self) -> str: ...
    @property
    def tls_client_ca(self) -> str: ...
    @property
    def packet_bytes_max(self) -> int: ...
    @property
    def topic_bytes_max(self) -> int: ...
    @property
    def in_flight_max(self) -> int: ...
    @property
    def keep_alive_s_max(self) -> int: ...
    @property
    def connect_s(self) -> float: ...
    @property
    def half_packet_s(self) -> float: ...
    @property
    def failures_per_minute(self) -> int: ...
    @property
    def topics(self) -> Sequence[Topic]: ...
    @property
    def brokers(self) -> Sequence[BrokerSettings]: ...


class Acceptor:
    """What all connections share."""

    def __init__(self, settings: Settings, intake: Intake, taking: Taking) -> None:
        self.settings = settings
        self.intake = intake
        self.taking = taking
        self.attempts = Attempts(settings.failures_per_minute)
        self.limits = Limits(
            settings.packet_bytes_max,
            settings.topic_bytes_max,
            settings.in_flight_max,
            settings.keep_alive_s_max,
        )
        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.wills = Wills(intake, taking, settings.topics)
        self.is_finishing = False
        self._clients: dict[tuple[str, str], Connection] = {}
        self._sessions: OrderedDict[tuple[str, str], tuple[frozenset[int], float]] = OrderedDict()
        self._beginning: dict[str, int] = {}

    def has_room(self, sender: Sender) -> bool:
        """Whether one more message of this address may be in flight, those counted too whose
        keeping begins at the loop's next turn."""
        beginning = self._beginning.get(sender.share.network, 0)
        return sender.in_flight + beginning < self.intake.senders.in_flight_max

    def begins(self, sender: Sender) -> None:
        self._beginning[sender.share.network] = self._beginning.get(sender.share.network, 0) + 1

    def begun(self, sender: Sender) -> None:
        left = self._beginning[sender.share.network] - 1
        if left:
            self._beginning[sender.share.network] = left
        else:
            del self._beginning[sender.share.network]

    def decide(self, connect: Connect, address: str, now: float) -> tuple[str, Refusal | None]:
        """Why a client may not connect (a name for our counts, and what it hears)."""
        if not self.intake.can_keep:  # it may have another way to somebody
            return "not_kept", UNAVAILABLE
        device = self.intake.device(connect.user or "")
        # All names that are none share one count. Which count is full, nobody is told: it would say
        # which names are accounts.
        account = "" if device is None else device.account
        if not self.attempts.may_try(address, account, now):
            return "too_many_attempts", NOT_AUTHORISED
        if not has_password(device, connect.password):
            self.attempts.failed(address, account, now)
            return "unauthorized", NOT_AUTHORISED
        return "", None

    def is_still(self, device: Device) -> bool:
        """Whether it is registered as it was when it connected, with the same password."""
        now = self.intake.device(device.account)
        return now is not None and (now.id, now.key) == (device.id, device.key)

    def enter(self, client: tuple[str, str], connection: Connection) -> frozenset[int] | None:
        """A client is connected; an older connection of it is closed, and no will of it is said:
        it is there. What is remembered of its session, None for nothing."""
        before = self._clients.pop(client, None)
        if before is not None:
            before.close(TAKEN_OVER, "taken_over")
        self._clients[client] = connection
        remembered, until = self._sessions.pop(client, (None, 0.0))
        return remembered if until > connection.now() else None

    def leave(self, client: tuple[str, str], connection: Connection, session: Session) -> None:
        """Its connection has ended."""
        if self._clients.get(client) is connection:
            del self._clients[client]
        if connection.lasts_s:
            until = connection.now() + connection.lasts_s
            self._sessions[client] = (frozenset(session.unreleased), until)
            if len(self._sessions) > SESSIONS_MAX:
                self._sessions.popitem(last=False)

    def start(self, keeping: asyncio.Task[None]) -> None:
        self.tasks.add(keeping)
        keeping.add_done_callback(self.tasks.discard)

    async def finish(self) -> None:
        """Lets what is in flight be kept and answered, then closes."""
        self.is_finishing = True
        for connection in self.connections:
            connection.pause()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=FINISH_S)
        for connection in list(self.connections):
            connection.close(SHUTTING_DOWN, "")
        for task in list(self.tasks):
            task.cancel()
