"""RT 90 2.5 gon V, the Swedish grid of older transmitters, to WGS-84: Gauss's conformal projection
by Krüger's series, straight from the grid to SWEREF 99, which is WGS-84 to within a metre."""

from __future__ import annotations

from math import asin, atan, cos, cosh, degrees, radians, sin, sinh
from typing import Final

# Lantmäteriet, "RT 90 - SWEREF 99": parameters of the direct projection, on GRS 80.
_A: Final = 6_378_137.0
_F: Final = 1 / 298.257222101
_CENTRAL_MERIDIAN: Final = radians(15 + 48 / 60 + 22.624306 / 3600)
_SCALE: Final = 1.00000561024
_FALSE_NORTHING: Final = -667.711
_FALSE_EASTING: Final = 1_500_064.274

# Lantmäteriet, "Gauss Conformal Projection": the series of the way back, in the third flattening.
_N: Final = _F / (2 - _F)
_RECTIFYING: Final = _A / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_DELTA: Final = (
    _N / 2 - 2 / 3 * _N**2 + 37 / 96 * _N**3 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 / 1440 * _N**4,
    17 / 480 * _N**3 - 37 / 840 * _N**4,
    4397 / 161280 * _N**4,
)
_E2: Final = _F * (2 - _F)
_LATITUDE: Final = (
    _E2 + _E2**2 + _E2**3 + _E2**4,
    -(7 * _E2**2 + 17 * _E2**3 + 30 * _E2**4) / 6,
    (224 * _E2**3 + 889 * _E2**4) / 120,
    -4279 * _E2**4 / 1260,
)

# The grid is made for Sweden; elsewhere a number is a mistake and no place.
_LAT: Final = (54.5, 69.5)
_LON: Final = (9.5, 25.5)


def to_wgs84(x: float, y: float) -> tuple[float, float] | None:
    """Latitude and longitude in degrees of `x` (metres north) and `y` (metres east), to within 1 m
    or so; None for what is not in Sweden."""
    xi = (x - _FALSE_NORTHING) / (_SCALE * _RECTIFYING)
    eta = (y - _FALSE_EASTING) / (_SCALE * _RECTIFYING)
    if not (0 < xi < 1.5 and abs(eta) < 0.5):
        return None
    waves = [(2 * place, delta) for place, delta in enumerate(_DELTA, 1)]
    xi, eta = (
        xi - sum(delta * sin(k * xi) * cosh(k * eta) for k, delta in waves),
        eta - sum(delta * cos(k * xi) * sinh(k * eta) for k, delta in waves),
    )
    conformal = asin(sin(xi) / cosh(eta))
    squared = sin(conformal) ** 2
    series = sum(term * squared**power for power, term in enumerate(_LATITUDE))
    lat = degrees(conformal + sin(conformal) * cos(conformal) * series)
    lon = degrees(_CENTRAL_MERIDIAN + atan(sinh(eta) / cos(xi)))
    if not (_LAT[0] <= lat <= _LAT[1] and _LON[0] <= lon <= _LON[1]):
        return None
    return lat, lon
