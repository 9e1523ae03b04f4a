"""Who may connect over MQTT: a device by its user name and password, compared so that the time it
takes tells nothing."""

from __future__ import annotations

import hmac
from typing import Final

from tocsin.record.devices import Device

_NOBODY: Final = b"\0" * 32


def has_password(device: Device | None, password: bytes | None) -> bool:
    """Whether it is the device's. For an account that we do not know as much is compared."""
    key = None if device is None else device.key
    is_equal = hmac.compare_digest(password or b"", key or _NOBODY)
    return is_equal and bool(key) and bool(password)
