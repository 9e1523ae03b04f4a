"""Devices whose connection was lost: their last wills are signals, kept until they are on disk, and
so is that a device is back."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from tocsin.edge.intake import Intake
from tocsin.edge.mqtt_taking import Origin, Taking
from tocsin.record.heard import NotKept
from tocsin.wire.mqtt.packets import Publish, Will, encode
from tocsin.wire.mqtt.saying import TOCSIN, Topic
from tocsin.wire.mqtt.signals import LAST_WILL, Reading, back, topic_of, will

logger = logging.getLogger("tocsin.mqtt")

WAITING_MAX: Final = 10_000
"""Wills that wait for the record, and devices that are known to be lost."""

Client = tuple[str, str]
"""Account and client id."""


class Wills:
    """What is to be said of connections that were lost."""

    def __init__(self, intake: Intake, taking: Taking, topics: Sequence[Topic]) -> None:
        self._intake = intake
        self._taking = taking
        self._topics = topics
        self._waiting: OrderedDict[Client, tuple[Reading, Origin]] = OrderedDict()
        self._lost: OrderedDict[Client, None] = OrderedDict()
        self._saying: asyncio.Task[None] | None = None

    def lost(self, client: Client, said: Will, origin: Origin) -> None:
        """The client's connection has ended without a word: this was to be said then."""
        found = topic_of(self._topics, said.topic)
        topic = TOCSIN if found is None else found[0]
        publish = Publish(said.topic, said.payload, properties=_of_publish(said))
        reading = will(publish, origin.version, topic, origin.account)
        self._waiting[client] = (reading, origin)
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popitem(last=False)
            self._intake.counts.refused("will_not_kept", origin.source)
        self.say()

    def back(self, client: Client, origin: Origin) -> None:
        """The client has connected again: what was not said yet of its loss is said no more, and
        where it was, so is that it is back."""
        self._waiting.pop(client, None)
        if client not in self._lost:
            return
        del self._lost[client]
        signal = back(origin.account)
        body = encode(Publish("connected", b""), origin.version)
        self._waiting[client] = (Reading((signal,), body, frozenset()), origin)
        self.say()

    def say(self) -> None:
        """Keeps what waits, one after the other; what cannot be kept now waits for the next call,
        a second later."""
        if self._waiting and (self._saying is None or self._saying.done()):
            self._saying = asyncio.get_running_loop().create_task(self._say(), name="mqtt wills")

    async def _say(self) -> None:
        while self._waiting:
            client, (reading, origin) = next(iter(self._waiting.items()))
            try:
                await self._taking.keep(reading, reading.signals, origin, "nothing")
            except NotKept:
                return
            if self._waiting.get(client, (None,))[0] is reading:
                del self._waiting[client]
            if reading.signals[0].token == LAST_WILL:
                self._lost[client] = None
                if len(self._lost) > WAITING_MAX:
                    self._lost.popitem(last=False)


def _of_publish(said: Will) -> tuple[tuple[str, object], ...]:
    return tuple(one for one in said.properties if one[0] != "will_delay_s")
