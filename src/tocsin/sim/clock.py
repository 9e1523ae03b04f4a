"""The simulation's clock: city seconds that pass `speed` times as fast as real ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Clock:
    """City time starts at 0 when the simulation does; it only ever goes forward."""

    def __init__(self, speed: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        if not 0 < speed <= 1_000:
            raise ValueError("speed must be above 0 and at most 1,000")
        self.speed = speed
        self._monotonic = monotonic
        self._start = monotonic()

    def now(self) -> float:
        """City seconds since the start."""
        return (self._monotonic() - self._start) * self.speed

    def real(self, city_seconds: float) -> float:
        """How many real seconds that is."""
        return max(0.0, city_seconds) / self.speed

    async def until(self, city_time: float) -> None:
        await asyncio.sleep(self.real(city_time - self.now()))

    async def sleep(self, city_seconds: float) -> None:
        await asyncio.sleep(self.real(city_seconds))
