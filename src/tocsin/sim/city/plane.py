"""The flat metre plane on which the synthetic city is drawn, and its place on Earth."""

from __future__ import annotations

from math import cos, pi, radians
from typing import Final

LAT: Final = 30.2360  # the drum tower of Yunjiang, WGS-84
LON: Final = 113.4210
METRES_PER_DEGREE: Final = 6_371_008.8 * pi / 180
_EAST: Final = METRES_PER_DEGREE * cos(radians(LAT))

Xy = tuple[float, float]


def to_lat_lon(point: Xy) -> tuple[float, float]:
    """Metres east and north of the drum tower as degrees, rounded to 0.01 m."""
    return round(LAT + point[1] / METRES_PER_DEGREE, 7), round(LON + point[0] / _EAST, 7)
