"""What a CONNECT asks for, and with which codes it is refused."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

from tocsin.wire.mqtt.fields import Properties
from tocsin.wire.mqtt.packets import V3, Connect


class Refusal(NamedTuple):
    """A CONNACK's reason code in 3.1.1 (3.2.2.3) and 5.0 (3.2.2.2)."""

    v3: int
    v5: int


NOT_AUTHORISED: Final = Refusal(0x05, 0x87)
UNAVAILABLE: Final = Refusal(0x03, 0x88)
BAD_CLIENT_ID: Final = Refusal(0x02, 0x85)
BAD_METHOD: Final = Refusal(0x05, 0x8C)


def session_lasts_s(connect: Connect) -> float:
    """For how long a client's session outlives its connection, in seconds (3.1.1 3.1.2.4, 5.0
    3.1.2.11)."""
    if connect.version == V3:
        return 0.0 if connect.clean else math.inf
    lasts_s = property_of(connect.properties, "session_expiry_s") or 0
    return math.inf if lasts_s == 0xFFFF_FFFF else float(lasts_s)


def property_of(properties: Properties, name: str) -> Any:
    """The value of a property, None where it is not there."""
    return next((value for known, value in properties if known == name), None)
