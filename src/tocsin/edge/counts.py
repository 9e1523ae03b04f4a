"""What an intake took, answered and turned away, and why: for screens (through the record), for
Prometheus, and for the log, where each reason speaks at most once in a while."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from prometheus_client import Counter

from tocsin.edge.refusals import Refusals

LOG_EVERY_S: Final = 10.0

_METRIC: Final = Counter(
    "tocsin_intake_total", "What an intake took, answered and turned away.", ["name"]
)

logger = logging.getLogger("tocsin.edge")


class Counts:
    """Counters of one intake, by name, since they were last handed on."""

    def __init__(self, intake: str) -> None:
        self._intake = intake
        self._since: dict[str, int] = {}
        self._refused: dict[str, tuple[int, str]] = {}
        self._spoken_at = 0.0
        self.refusals = Refusals()
        """What of it is shown to whoever connects a panel, until it is taken and handed on."""

    def add(self, name: str, by: int = 1) -> None:
        """Counts what is in order: `received`, `ack`, ..."""
        self._since[name] = self._since.get(name, 0) + by

    def refused(
        self, reason: str, address: str, raw: bytes | None = None, *, times: int = 1
    ) -> None:
        """Counts what is not, with the last address it came from. `raw`: what came (b"" for nothing
        that may be shown), where the record keeps no message of it."""
        if raw is not None:
            self.refusals.note(reason, address, raw)
        self._since[reason] = self._since.get(reason, 0) + times
        self._refused[reason] = (self._refused.get(reason, (0, ""))[0] + times, address)

    def hand_on(self, keep: Callable[[str, int], None]) -> None:
        """Gives everything counted since the last time to `keep(name, increase)` and to the
        metrics; names are `<intake>.<name>`."""
        since, self._since = self._since, {}
        for name, increase in since.items():
            full = f"{self._intake}.{name}"
            keep(full, increase)
            _METRIC.labels(full).inc(increase)

    def speak(self, now: float) -> None:
        """Logs what was refused, one line per reason, not more often than each 10 s. `now`:
        seconds of any steady clock."""
        if not self._refused or now - self._spoken_at < LOG_EVERY_S:
            return
        self._spoken_at = now
        refused, self._refused = self._refused, {}
        for reason, (times, address) in refused.items():
            logger.warning(
                "refused",
                extra={
                    "intake": self._intake,
                    "reason": reason,
                    "times": times,
                    "last_address": address,
                },
            )
