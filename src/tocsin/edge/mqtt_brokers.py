"""A site's own broker, of which we are a client: connected again whenever the connection ends, and
its silence is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

from tocsin.edge.intake import Intake
from tocsin.edge.mqtt_link import TICK_S, Broken, BrokerSettings, Link
from tocsin.edge.mqtt_taking import Origin, Taking
from tocsin.record.heard import NotKept
from tocsin.wire.mqtt.signals import Reading, broker_back, broker_lost

logger = logging.getLogger("tocsin.mqtt")

AGAIN_S: Final = (0.5, 60.0)
"""A broker is tried again after the first, then after twice as long, up to the second."""

STEADY_S: Final = 5.0
"""A connection that lasted so long was none that fails at once: the next waits as the first."""


class Hearing:
    """Whether the intake hears anybody. Where nothing listens, only while every broker is
    connected: the devices behind one that is away are not silent, we do not hear them."""

    def __init__(
        self, intake: Intake, brokers: Sequence[BrokerSettings], *, is_listening: bool
    ) -> None:
        self._intake = intake
        self._is_listening = is_listening
        self._away = {broker.name for broker in brokers}
        self._say()

    def lost(self, broker: str) -> None:
        self._away.add(broker)
        self._say()

    def connected(self, broker: str) -> None:
        self._away.discard(broker)
        self._say()

    def _say(self) -> None:
        self._intake.is_serving = self._is_listening or not self._away


async def follow(
    settings: BrokerSettings, intake: Intake, taking: Taking, hearing: Hearing
) -> None:
    """Stays connected to the broker until `intake.stop` is set, and says so where it cannot."""
    silence = Silence(settings, intake, taking, hearing)
    watching = asyncio.create_task(silence.watch(), name=f"broker {settings.name} silence")
    wait_s = AGAIN_S[0] / 2
    loop = asyncio.get_running_loop()
    try:
        while not intake.stop.is_set():
            began = loop.time()
            if not intake.can_keep:  # what it delivered now would only have to come again
                await asyncio.sleep(AGAIN_S[0])
                continue
            link = Link(settings, intake, taking, silence.ended)
            try:
                await link.run()
            except Broken as why:
                if str(why):
                    intake.counts.refused(str(why), settings.host)
                intake.not_fetched(settings.name, str(why) or "not_kept")
            except Exception:
                logger.exception("a broker's connection failed", extra={"broker": settings.name})
                intake.counts.refused("broker_failed", settings.host)
                intake.not_fetched(settings.name, "broker_failed")
            silence.began()
            is_steady = link.was_connected and loop.time() - began > STEADY_S
            wait_s = AGAIN_S[0] if is_steady else min(2 * wait_s, AGAIN_S[1])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(intake.stop.wait(), wait_s)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


class Silence:
    """A broker that cannot be reached: counted each second, and after `silent_s` a signal."""

    def __init__(
        self, settings: BrokerSettings, intake: Intake, taking: Taking, hearing: Hearing
    ) -> None:
        self._hearing = hearing
        self._settings = settings
        self._intake = intake
        self._taking = taking
        self._since: float | None = asyncio.get_running_loop().time()
        self._is_told = False

    def began(self) -> None:
        self._hearing.lost(self._settings.name)
        if self._since is None:
            self._since = asyncio.get_running_loop().time()

    def ended(self) -> None:
        self._hearing.connected(self._settings.name)
        self._since = None

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        name = self._settings.name
        while True:
            await asyncio.sleep(TICK_S)
            since = self._since
            if since is not None:
                self._intake.counts.add("broker_silent_s")
                if not self._is_told and loop.time() - since >= self._settings.silent_s:
                    self._is_told = await self._say(broker_lost(name))
            elif self._is_told:
                self._is_told = not await self._say(broker_back(name))

    async def _say(self, reading: Reading) -> bool:
        """Whether it is kept; else it is tried again."""
        name, host = self._settings.name, self._settings.host
        origin = Origin(name, self._intake.device(name), host, f"broker.{name}")
        try:
            await self._taking.keep(reading, reading.signals, origin, "nothing")
        except NotKept:
            return False
        return True
