"""Distances on the Earth taken as a sphere, and a plane that is good for one city."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import Final

import numpy as np

from tocsin.roads.graph import Floats

EARTH_M: Final = 6_371_008.8

Point = tuple[float, float]


def metres(start: Point, end: Point) -> float:
    """Great-circle metres between two places (lat, lon) in degrees."""
    lat, other = radians(start[0]), radians(end[0])
    half = sin((other - lat) / 2) ** 2
    half += cos(lat) * cos(other) * sin(radians(end[1] - start[1]) / 2) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(half)))


def plane(lat: Floats, lon: Floats, middle_lat: float) -> Floats:
    """Metres east and north in a plane good for one city; shape (n, 2)."""
    scale = np.radians(1.0) * EARTH_M
    return np.column_stack([lon * scale * np.cos(np.radians(middle_lat)), lat * scale])
