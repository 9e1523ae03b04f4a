"""Where an alert applies: polygons and circles in WGS-84 (latitude, longitude), what holds them,
and whether they meet the area that an installation answers for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec
import shapely
from shapely.geometry.base import BaseGeometry

from tocsin.core.signals import Position

Point = tuple[float, float]
"""Latitude and longitude, degrees."""

POINTS_MAX: Final = 20_000
RADIUS_KM_MAX: Final = 20_038.0  # half of the equator: nothing is farther away
EARTH_M: Final = 6_371_008.8
_CORNERS: Final = 32  # of the polygon that stands for a circle, drawn around it
_NUMBER: Final = r"[-+]?\d{1,3}(?:\.\d{1,20})?"
_POINT: Final = re.compile(rf"({_NUMBER})\s*,\s*({_NUMBER})", re.ASCII)
_AROUND_COMMA: Final = re.compile(r"\s*,\s*")


class BadArea(ValueError):
    """A polygon or circle that is none."""


class Circle(msgspec.Struct, frozen=True):
    """A centre and a radius in kilometres; radius 0 is a point."""

    centre: Point
    radius_km: float


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """One area: its name, and its geometry and codes as far as the sender gives them.

    A polygon's last point is its first.
    """

    description: str
    polygons: tuple[tuple[Point, ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()


def read_polygon(text: str) -> tuple[Point, ...]:
    """`lat,lon lat,lon ...`, at least four points, closed (CAP 1.2, 3.2.4). Raises `BadArea`."""
    words = _AROUND_COMMA.sub(",", text).split()
    if not 4 <= len(words) <= POINTS_MAX:
        raise BadArea(f"a polygon of {len(words)} points")
    points = tuple(_point(word) for word in words)
    if points[0] != points[-1]:
        raise BadArea("a polygon that is not closed")
    return points


def read_circle(text: str) -> Circle:
    """`lat,lon radius`, the radius in kilometres. Raises `BadArea`."""
    words = _AROUND_COMMA.sub(",", text).split()
    if len(words) != 2:
        raise BadArea("a circle without centre or radius")
    try:
        radius = float(words[1])
    except ValueError:
        raise BadArea("a radius that is no number") from None
    if not 0 <= radius <= RADIUS_KM_MAX:
        raise BadArea("a radius that is none on earth")
    return Circle(_point(words[0]), radius)


def _point(text: str) -> Point:
    found = _POINT.fullmatch(text)
    if found is None:
        raise BadArea("a point that is not two numbers")
    lat, lon = float(found[1]), float(found[2])
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise BadArea("a point that is not on earth")
    return lat, lon


def position(areas: Iterable[Area]) -> Position | None:
    """The middle of all geometry, with the radius in metres that holds it; None without any."""
    circles = [(one.centre, one.radius_km * 1_000) for area in areas for one in area.circles]
    corners = [(p, 0.0) for area in areas for polygon in area.polygons for p in polygon]
    places = circles + corners
    if not places:
        return None
    near = places[0][0][1]  # longitudes are taken about this one, so that 180 E is next to 180 W
    lats = [lat for (lat, _), _ in places]
    lons = [_about(lon, near) for (_, lon), _ in places]
    middle = ((min(lats) + max(lats)) / 2, _about((min(lons) + max(lons)) / 2, 0.0))
    radius = max(_distance_m(middle, place) + more for place, more in places)
    return Position(round(middle[0], 6), round(middle[1], 6), "WGS-84", float(math.ceil(radius)))


def _about(lon: float, centre: float) -> float:
    """The same longitude, within 180 degrees of `centre`."""
    return (lon - centre + 180) % 360 - 180 + centre


def _distance_m(one: Point, other: Point) -> float:
    """Great-circle distance, metres, on a sphere."""
    lat, other_lat = math.radians(one[0]), math.radians(other[0])
    half_lat, half_lon = (other_lat - lat) / 2, math.radians(other[1] - one[1]) / 2
    h = math.sin(half_lat) ** 2 + math.cos(lat) * math.cos(other_lat) * math.sin(half_lon) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(h)))


class Answered(msgspec.Struct, frozen=True):
    """The area that an installation answers for: a polygon, codes of areas (`name=value`), or both.
    Without either it is the whole world."""

    polygon: tuple[Point, ...] = ()
    geocodes: frozenset[str] = frozenset()


def concerns(areas: Iterable[Area], answered: Answered) -> bool:
    """Whether an alert for `areas` is for us. In doubt it is: where it has no area, or says of one
    in neither way that we could compare where it lies."""
    known = list(areas)
    if not known or not (answered.polygon or answered.geocodes):
        return True
    return any(_concerns(area, answered) for area in known)


def _concerns(area: Area, answered: Answered) -> bool:
    is_comparable = False
    if answered.geocodes and area.geocodes:
        is_comparable = True
        if any(f"{name}={value}" in answered.geocodes for name, value in area.geocodes):
            return True
    if answered.polygon and (area.polygons or area.circles):
        is_comparable = True
        home, near = _home(answered.polygon)
        if any(home.intersects(_shape(one, near)) for one in area.polygons):
            return True
        if any(home.intersects(_disc(one, near)) for one in area.circles):
            return True
    return not is_comparable


@lru_cache(maxsize=64)
def _home(polygon: tuple[Point, ...]) -> tuple[BaseGeometry, float]:
    """The area answered for, and the longitude about which all are compared with it."""
    near = polygon[0][1]
    return _shape(polygon, near), near


def _shape(polygon: Iterable[Point], near: float) -> BaseGeometry:
    """A polygon in the plane of degrees. Of one that crosses itself, as some drawn by hand do,
    nobody knows the inside: everything around it counts."""
    drawn = shapely.Polygon([(_about(lon, near), lat) for lat, lon in polygon])
    return drawn if drawn.is_valid else drawn.convex_hull


def _disc(circle: Circle, near: float) -> BaseGeometry:
    """A polygon that holds the circle."""
    lat, lon = circle.centre
    centre = (_about(lon, near), lat)
    if not circle.radius_km:
        return shapely.Point(centre)
    north = math.degrees(circle.radius_km * 1_000 / EARTH_M) / math.cos(math.pi / _CORNERS)
    if abs(lat) + north >= 89:  # around a pole every longitude is inside
        return shapely.box(near - 180, max(-90.0, lat - north), near + 180, min(90.0, lat + north))
    # Meridians draw together: widest in degrees is where the circle is nearest to its pole.
    east = north / math.cos(math.radians(abs(lat) + north))
    turns = [2 * math.pi * corner / _CORNERS for corner in range(_CORNERS)]
    corners = [(centre[0] + east * math.cos(t), centre[1] + north * math.sin(t)) for t in turns]
    return shapely.Polygon(corners)
