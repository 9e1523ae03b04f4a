"""How often one network may be wrong about who it is: failures of the last minute, of each account
by itself, so that whoever guesses behind the address of many devices shuts out none of them."""

from __future__ import annotations

from typing import Final

from tocsin.record.networks import network_of

WINDOW_S: Final = 60.0
PLACES_MAX: Final = 20_000
"""Accounts and networks whose failures are counted; the oldest are forgotten."""


class Attempts:
    """Failures of the last minute, by network (of IPv6 the /64) and account."""

    def __init__(self, failures_max: int) -> None:
        self.failures_max = failures_max
        self._failures: dict[tuple[str, str], tuple[float, int]] = {}

    def may_try(self, address: str, account: str, now: float) -> bool:
        """Whether a secret is looked at at all. `now`: seconds of any steady clock."""
        since, failures = self._failures.get((network_of(address), account), (now, 0))
        return failures < self.failures_max or now - since > WINDOW_S

    def failed(self, address: str, account: str, now: float) -> None:
        """Counts one more."""
        place = (network_of(address), account)
        since, failures = self._failures.pop(place, (now, 0))
        if now - since > WINDOW_S:
            since, failures = now, 0
        self._failures[place] = (since, failures + 1)
        if len(self._failures) > PLACES_MAX:
            del self._failures[next(iter(self._failures))]
