"""Who may connect over MQTT: a device by its user name and password, compared so that the time it
takes tells nothing; and how often one address may be wrong."""

from __future__ import annotations

import hmac
from typing import Final

from tocsin.record.devices import Device

WINDOW_S: Final = 60.0
PLACES_MAX: Final = 20_000
"""Accounts and addresses whose failures are counted; the oldest are forgotten."""

_NOBODY: Final = b"\0" * 32


def has_password(device: Device | None, password: bytes | None) -> bool:
    """Whether it is the device's. For an account that we do not know as much is compared."""
    key = None if device is None else device.key
    is_equal = hmac.compare_digest(password or b"", key or _NOBODY)
    return is_equal and bool(key) and bool(password)


class Attempts:
    """Failures of the last minute. Each registered account has a count of its own at each address,
    and all names that are none share one: so whoever guesses behind the address of many panels
    shuts none of the others out, and no account is guessed at more often than that."""

    def __init__(self, failures_max: int) -> None:
        self.failures_max = failures_max
        self._failures: dict[tuple[str, str], tuple[float, int]] = {}

    def may_try(self, address: str, device: Device | None, now: float) -> bool:
        """Whether a password is looked at at all. `now`: seconds of any steady clock."""
        since, failures = self._failures.get(_place(address, device), (now, 0))
        return failures < self.failures_max or now - since > WINDOW_S

    def failed(self, address: str, device: Device | None, now: float) -> None:
        """Counts one more."""
        place = _place(address, device)
        since, failures = self._failures.pop(place, (now, 0))
        if now - since > WINDOW_S:
            since, failures = now, 0
        self._failures[place] = (since, failures + 1)
        if len(self._failures) > PLACES_MAX:
            del self._failures[next(iter(self._failures))]


def _place(address: str, device: Device | None) -> tuple[str, str]:
    return (address, "" if device is None else device.account)
