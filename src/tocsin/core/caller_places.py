"""Where a caller was, as the phone said (AML): evidence of a place, shown for minutes and gone
within an hour, with nothing in it that names a person or tells a phone again."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

SHOWN_FOR: Final = timedelta(minutes=15)
KEPT_FOR: Final = timedelta(minutes=60)
"""Unless an incident uses it as evidence."""

SOURCE: Final = "aml"
"""Who told us, in a place that an incident has from here."""


class Method(StrEnum):
    """How the phone found itself."""

    GNSS = "gnss"
    WIFI = "wifi"
    CELL = "cell"
    FUSED = "fused"
    UNKNOWN = "unknown"


class CallerPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Degrees in WGS-84. `radius_m` is the uncertainty at `confidence` per cent; `at` is when it
    was measured (UTC), None where the phone does not say or its clock is plainly wrong.

    `altitude_m` is above the WGS-84 ellipsoid, within `vertical_m`; `floor` a label as in a lift.
    `length_differs`: the message is not quite as long as it says.
    """

    lat: float
    lon: float
    radius_m: float | None = None
    confidence: int | None = None
    method: Method = Method.UNKNOWN
    at: datetime | None = None
    altitude_m: float | None = None
    vertical_m: float | None = None
    floor: str = ""
    length_differs: bool = False
