"""Who may connect over MQTT: a device by its user name and password, compared so that the time it
takes tells nothing; and how often one address may be wrong."""

from __future__ import annotations

import hmac
from typing import Any, Final

from tocsin.record.devices import Device

WINDOW_S: Final = 60.0
PLACES_MAX: Final = 20_000
"""Addresses, and accounts known at one, whose failures are counted; the oldest are forgotten."""

_NOBODY: Final = b"\0" * 32


def has_password(device: Device | None, password: bytes | None) -> bool:
    """Whether it is the device's. For an account that we do not know as much is compared."""
    key = None if device is None else device.key
    is_equal = hmac.compare_digest(password or b"", key or _NOBODY)
    return is_equal and bool(key) and bool(password)


class Attempts:
    """Failures of the last minute. An address that was wrong too often is not asked any more, but
    for accounts that have shown their password there: each of those has a count of its own, so that
    a stranger behind the same address cannot shut a panel out by guessing at others."""

    def __init__(self, failures_max: int) -> None:
        self.failures_max = failures_max
        self._failures: dict[tuple[str, str], tuple[float, int]] = {}
        self._known: dict[tuple[str, str], None] = {}

    def may_try(self, address: str, account: str, now: float) -> bool:
        """Whether a password is looked at at all. `now`: seconds of any steady clock."""
        since, failures = self._failures.get(self._place(address, account), (now, 0))
        return failures < self.failures_max or now - since > WINDOW_S

    def failed(self, address: str, account: str, now: float) -> None:
        place = self._place(address, account)
        since, failures = self._failures.pop(place, (now, 0))
        if now - since > WINDOW_S:
            since, failures = now, 0
        self._failures[place] = (since, failures + 1)
        _bounded(self._failures)

    def succeeded(self, address: str, account: str) -> None:
        self._known.pop((address, account), None)
        self._known[address, account] = None
        _bounded(self._known)

    def _place(self, address: str, account: str) -> tuple[str, str]:
        return (address, account if (address, account) in self._known else "")


def _bounded(places: dict[tuple[str, str], Any]) -> None:
    if len(places) > PLACES_MAX:
        del places[next(iter(places))]
