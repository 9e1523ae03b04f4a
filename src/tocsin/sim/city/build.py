"""The whole city from a seed: the same seed gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tocsin.roads.graph import Graph
from tocsin.sim.city import layout, places
from tocsin.sim.city.arterials import Bones, draw
from tocsin.sim.city.model import VERSION, City, Corner, District
from tocsin.sim.city.names import AGENCY, DISTRICTS
from tocsin.sim.city.plane import to_lat_lon
from tocsin.sim.city.streets import Growth, Net

ADDRESSES = 2_600
CORNERS = 1_200


@dataclass(frozen=True, slots=True)
class Drawing:
    """What only the map needs; it is not kept once the tiles are built."""

    bones: Bones
    net: Net
    areas: dict[str, layout.Area]
    houses: NDArray[Any]


def build(seed: int) -> tuple[City, Graph, Drawing]:
    """About five seconds of work; everything in it is drawn from `seed` alone."""
    bones = draw(seed)
    net = Growth(bones, seed).net
    areas = layout.districts(bones)
    graph, _ = layout.road_graph(net, seed)
    houses = layout.buildings(net, bones, seed)
    pool = layout.addresses(net, areas, seed, ADDRESSES)
    rest = pool[CORNERS:]
    stands = places.stations(rest, seed)
    corners = []
    for address in pool[:CORNERS]:
        lat, lon = to_lat_lon(address.at)
        corners.append(Corner(lat, lon, address.district, address.zh, address.en))
    city = City(
        version=VERSION,
        seed=seed,
        name_zh="云江市",
        name_en="Yunjiang",
        agency=AGENCY,
        agency_zh="云江市应急联动指挥中心",
        agency_en="Yunjiang Emergency Response Centre",
        center=to_lat_lon((0.0, 0.0)),
        bounds=(
            float(graph.node_lat.min()),
            float(graph.node_lon.min()),
            float(graph.node_lat.max()),
            float(graph.node_lon.max()),
        ),
        districts=tuple(District(code, name.zh, name.en) for code, name in DISTRICTS.items()),
        stations=stands,
        hospitals=places.hospitals(rest, seed),
        units=places.units(stands, seed),
        sites=places.sites(rest, seed),
        corners=tuple(corners),
    )
    return city, graph, Drawing(bones, net, areas, houses)
