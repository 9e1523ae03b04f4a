"""Reference systems of Chinese maps: GCJ-02, BD-09 and CGCS2000 to WGS-84.

Formulas: the published ones of EvilTransform and of Baidu's map. Both are smooth, so the inverse is
found by iterating the forward direction; six rounds leave less than 1 mm.
"""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, cos, hypot, pi, sin, sqrt
from typing import Final

from tocsin.core.terms import Datum

LatLon = tuple[float, float]

_A: Final = 6_378_245.0  # Krasovsky 1940, which GCJ-02 distorts on
_EE: Final = 0.00669342162296594323
_BD: Final = pi * 3000.0 / 180.0
_ROUNDS: Final = 6


def to_wgs84(lat: float, lon: float, datum: Datum) -> LatLon:
    """A coordinate in degrees of `datum` as WGS-84 (<= 0.1 m).

    CGCS2000 differs from WGS-84 by less than 0.1 m and is taken as equal.
    """
    if datum is Datum.BD_09:
        lat, lon = _inverse(_gcj_to_bd, lat, lon)
    if datum in (Datum.BD_09, Datum.GCJ_02):
        lat, lon = _inverse(_wgs_to_gcj, lat, lon)
    return lat, lon


def _outside_china(lat: float, lon: float) -> bool:
    return not (72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271)


def _waves(x: float, *terms: tuple[float, float]) -> float:
    return sum(size * sin(x * pi / wave) for size, wave in terms) * 2.0 / 3.0


def _wgs_to_gcj(lat: float, lon: float) -> LatLon:
    if _outside_china(lat, lon):
        return lat, lon
    x, y = lon - 105.0, lat - 35.0
    both = _waves(x, (20.0, 1 / 6), (20.0, 1 / 2))
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + both
    d_lat += _waves(y, (20.0, 1.0), (40.0, 3.0), (160.0, 12.0), (320.0, 30.0))
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + both
    d_lon += _waves(x, (20.0, 1.0), (40.0, 3.0), (150.0, 12.0), (300.0, 30.0))
    radians = lat / 180.0 * pi
    magic = 1.0 - _EE * sin(radians) ** 2
    d_lat *= 180.0 / (_A * (1.0 - _EE) / (magic * sqrt(magic)) * pi)
    d_lon *= 180.0 / (_A / sqrt(magic) * cos(radians) * pi)
    return lat + d_lat, lon + d_lon


def _gcj_to_bd(lat: float, lon: float) -> LatLon:
    z = hypot(lon, lat) + 0.00002 * sin(lat * _BD)
    theta = atan2(lat, lon) + 0.000003 * cos(lon * _BD)
    return z * sin(theta) + 0.006, z * cos(theta) + 0.0065


def _inverse(forward: Callable[[float, float], LatLon], lat: float, lon: float) -> LatLon:
    guess_lat, guess_lon = lat, lon
    for _ in range(_ROUNDS):
        there_lat, there_lon = forward(guess_lat, guess_lon)
        guess_lat, guess_lon = guess_lat - (there_lat - lat), guess_lon - (there_lon - lon)
    return guess_lat, guess_lon
