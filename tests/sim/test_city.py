"""The synthetic city: repeatable to the byte, connected, and named as a city is."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from math import cos, radians
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from seed_seven import SEED, Built
from shapely.geometry import Point

from tocsin.core.terms import Capability
from tocsin.roads.graph import Graph, save
from tocsin.roads.times import Times
from tocsin.sim.city import model
from tocsin.sim.city.build import build
from tocsin.sim.city.model import City, encode
from tocsin.sim.city.names import DISTRICTS, chinese_number
from tocsin.sim.city.plane import LAT, LON, METRES_PER_DEGREE, Xy
from tocsin.sim.tiles import LAYERS, write_layers

CJK = re.compile(r"[\u4e00-\u9fff]")


def to_plane(lat: float, lon: float) -> Xy:
    """Metres east and north of the drum tower, from what the city says in degrees."""
    east = METRES_PER_DEGREE * cos(radians(LAT))
    return (lon - LON) * east, (lat - LAT) * METRES_PER_DEGREE


def everything(made: Built, folder: Path) -> dict[str, bytes]:
    """All bytes that a seed leads to: the city, its roads, and the input of its map."""
    city, graph, drawing = made
    folder.mkdir()
    save(graph, folder / "roads")
    write_layers(city, drawing, folder)
    files = {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {"city": encode(city), **files}


def built_anew(seed: int, folder: Path) -> dict[str, bytes]:
    return everything(build(seed), folder)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_city(
    built: Built, tmp_path: Path
) -> None:
    # In processes of their own, where sets and dictionaries of text have another order.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        apart = [
            processes.submit(built_anew, seed, tmp_path / str(seed)) for seed in (SEED, SEED + 1)
        ]
        first = everything(built, tmp_path / "first")
        again, other = (one.result() for one in apart)
    assert set(first) >= {f"{layer}.ndjson" for layer in LAYERS}
    assert [name for name in first if first[name] != again[name]] == []
    assert [name for name in first if first[name] == other[name]] == []


def test_every_junction_can_be_reached_from_every_other(built: Built) -> None:
    graph = built[1]
    assert _parts(graph) == 1
    degree = Counter(zip(graph.arc_from.tolist(), graph.arc_to.tolist(), strict=True))
    assert max(degree.values()) == 1
    exits = np.bincount(graph.arc_from, minlength=graph.nodes)
    assert 3_000 <= int((exits > 2).sum()) <= 6_000
    one_way = set(zip(graph.arc_from.tolist(), graph.arc_to.tolist(), strict=True))
    assert any((b, a) not in one_way for a, b in one_way)


def _parts(graph: Graph) -> int:
    shape = (graph.nodes, graph.nodes)
    matrix = csr_array((np.ones(graph.arcs), (graph.arc_from, graph.arc_to)), shape=shape)
    return int(connected_components(matrix, directed=True, connection="strong")[0])


def test_every_place_is_reached_within_the_hour_and_not_at_once(built: Built) -> None:
    city, graph, _ = built
    times = Times(graph)
    stands = {station.id: (station.lat, station.lon) for station in city.stations}
    origins = [stands[unit.station] for unit in city.units]
    for site in city.sites[::20]:
        ways = times.ways(origins, (site.lat, site.lon))
        assert not np.isnan(ways.minutes).any()
        assert 0 < ways.minutes.min() < 12
        assert ways.minutes.max() < 40
        assert (ways.km / (ways.minutes / 60) < 80).all()


def test_units_stations_and_sites_are_as_many_as_promised(city: City) -> None:
    assert len(city.units) == 60
    assert len(city.sites) == 400
    assert len(city.hospitals) == len(city.districts) == 5
    assert {d.code for d in city.districts} == set(DISTRICTS)
    held = {capability for unit in city.units for capability in unit.capabilities}
    assert held == set(Capability)
    assert {unit.kind for unit in city.units} == {
        "engine",
        "ladder",
        "rescue",
        "command",
        "ambulance",
        "patrol",
    }
    homes = {station.id: station.kind for station in city.stations}
    for unit in city.units:
        wanted = {"ambulance": "ambulance", "patrol": "police"}.get(unit.kind, "fire")
        assert homes[unit.station] == wanted


def test_call_signs_cannot_be_taken_for_anything_else(city: City) -> None:
    signs = [unit.call_sign for unit in city.units]
    assert len(set(signs)) == 60
    for sign in signs:
        assert re.fullmatch(r"[A-Z]\d{3}", sign)  # P1 to P4 are priorities, words are verbs
        assert not sign.startswith("P")


def test_panels_speak_in_all_the_ways_they_may(city: City) -> None:
    panels = [panel for site in city.sites for panel in site.panels]
    assert len({panel.account for panel in panels}) == len(panels) >= 400
    assert {len(panel.key) // 2 for panel in panels} == {0, 16, 24, 32}
    assert {panel.token for panel in panels} == {"SIA-DCS", "ADM-CID"}
    assert {panel.transport for panel in panels} == {"tcp_open", "tcp_close", "udp"}
    assert {panel.key_form for panel in panels if panel.key} == {"ascii", "hex"}
    for panel in panels:
        if panel.key_form == "ascii":
            assert bytes.fromhex(panel.key).decode("ascii").isalnum()


def test_everything_has_a_name_in_both_languages_and_lies_in_its_district(built: Built) -> None:
    city, _, drawing = built
    for group in (city.stations, city.hospitals, city.sites):
        assert len({place.name_zh for place in group}) == len(group)
        assert len({place.name_en for place in group}) == len(group)
        for place in group:
            assert CJK.search(place.name_zh)
            assert not CJK.search(place.name_en + place.address_en)
            assert place.address_zh.startswith(DISTRICTS[place.district].zh)
            at = Point(to_plane(place.lat, place.lon))
            assert drawing.areas[place.district].distance(at) < 1
    streets = {street.name for street in drawing.net.streets}
    assert all(CJK.search(name.zh) and not CJK.search(name.en) for name in streets)
    zh = Counter(name.zh for name in streets)
    en = Counter(name.en for name in streets)
    assert max(zh.values()) == max(en.values()) == 1
    addresses = Counter(place.address_en for place in city.sites)
    assert max(addresses.values()) == 1


def test_lane_numbers_are_written_as_on_signs() -> None:
    assert [chinese_number(n) for n in (1, 10, 11, 20, 23)] == [
        "一",
        "十",
        "十一",
        "二十",
        "二十三",
    ]


def test_a_saved_city_is_read_again_only_for_its_own_seed(city: City, tmp_path: Path) -> None:
    path = tmp_path / "city" / "city.json"
    model.save(city, path)
    assert path.stat().st_mode & 0o077 == 0
    assert model.load(path, SEED) == city
    assert model.load(path, SEED + 1) is None
    path.write_bytes(b"{")
    assert model.load(path, SEED) is None
