"""Small cities drawn by seed, in the table format: a grid of streets with some one-way, some of
several pieces, some without access, and times that differ by mode. All of it made up."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

PRIORITIES = ("highPriority", "medPriority", "lowPriority")
CONFIG = """<?xml version="1.0"?>
<genConfig><sim><startTime>0.0</startTime><callDistributions>
<interarrivalTime seed="1">Exponential(1/200)</interarrivalTime>
<priority>Categorical([0.5, 0.3, 0.2])</priority>
<dispatchDelay>Normal(50/60/60/24, 0)</dispatchDelay>
<onSceneDuration>Exponential(12/60/24)</onSceneDuration>
<transport>Bernoulli(0.8)</transport>
<handoverDuration>Exponential(12/60/24)</handoverDuration>
</callDistributions></sim></genConfig>
"""


def write_city(folder: Path, seed: int, *, calls: int = 60, units: int = 3) -> Path:
    """Writes a city of about 40 nodes; the same seed writes the same bytes."""
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    nodes, arcs = _roads(draw)
    stations, hospitals = 3, 2

    def place() -> str:
        return f"{draw.uniform(0.01, 4.99):.6f},{draw.uniform(0.01, 4.99):.6f}"

    def write(name: str, *tables: str) -> None:
        (folder / name).write_text("\n,,,\n".join(tables) + "\n", encoding="utf-8")

    write("map_1.csv", "map,1,,,,\nxMin,xMax,yMin,yMax,xScale,yScale\n-1,6,-1,6,1.0,1.1")
    rows = [
        f"{number}.0,{x:.6f},{y:.6f},{access}" for number, (x, y, access) in enumerate(nodes, 1)
    ]
    data = "nodes,,,\nindex,x,y,offRoadAccess\n" + "\n".join(rows) + "\n,,,\n"
    (folder / "nodes.csv.gz").write_bytes(gzip.compress(data.encode(), mtime=0))
    rows = [f"{n},{a},{b},{t1!r},{t2!r}" for n, (a, b, t1, t2) in enumerate(arcs, 1)]
    write(
        "arcs.csv",
        "miscData,,\narcForm,numModes\ndirected,2",
        "arcs,,\nindex,fromNode,toNode,mode_1,mode_2\n" + "\n".join(rows),
    )
    rows = [f'{number},{place()},5,"a, b"' for number in range(1, stations + 1)]
    write("stations_1.csv", "stations,,note\nindex,x,y,capacity,NAME\n" + "\n".join(rows))
    rows = [f"{number},{place()},h" for number in range(1, hospitals + 1)]
    write("hospitals_1.csv", "hospitals\nindex,x,y,name\n" + "\n".join(rows))
    rows = [f"{number},{draw.randint(1, stations)},1," for number in range(1, units + 1)]
    write("ambulances_1.csv", "ambulances,,\nindex,stationIndex,class,\n" + "\n".join(rows))
    _write_rules(write)
    (folder / "gen_config_test.xml").write_text(CONFIG, encoding="utf-8")
    _write_calls(folder / "calls_1.csv", draw, calls)
    return folder


def _write_rules(write: Callable[..., None]) -> None:
    """Priorities, travel, demand and redispatch: the same for every city."""
    write(
        "priorities_1.csv",
        "priorities,,,\npriority,name,targetResponseTime,note\n"
        + "\n".join(f"{n},{name},{n * 0.004}," for n, name in enumerate(PRIORITIES, 1)),
    )
    write(
        "travel_1.csv",
        "travelModes,,\ntravelModeIndex,offRoadSpeed,note\n1,1128,\n2,792,",
        "travelSets,,\ntravelSetIndex,priority,travelModeIndex\n"
        + "\n".join(f"1,{name},{1 if name != PRIORITIES[2] else 2}" for name in PRIORITIES),
        "travelSetsTiming,,\nstartTime,travelSetIndex,\n0,1,",
    )
    write(
        "demand_1.csv",
        "demandRasters\nrasterIndex,rasterFilename\n1,made.tif",
        "demandModes\nmodeIndex,rasterIndex,priority,arrivalRate,note\n"
        + "\n".join(f"{n},1,{name},{60 * n}," for n, name in enumerate(PRIORITIES, 1)),
        "demandSets\nsetIndex,modeIndices\n1,[1; 2; 3]",
        "demandSetsTiming\nstartTime,setIndex\n0,1",
    )
    write(
        "demand_coverage_1.csv",
        "coverTimes\ndemandPriority,coverTime\n"
        + "\n".join(f"{name},0.002" for name in PRIORITIES),
    )
    write(
        "redispatch.csv",
        "miscData\nallowRedispatch\n1",
        "redispatchConditions\nfromCallPriority,toCallPriority,allowRedispatch\n"
        "lowPriority,highPriority,1\nmedPriority,highPriority,1",
    )


def _write_calls(path: Path, draw: random.Random, count: int) -> None:
    rows, at = [], 0.0
    for number in range(1, count + 1):
        at += draw.expovariate(300)
        x, y = draw.uniform(0.01, 4.99), draw.uniform(0.01, 4.99)
        rows.append(
            f"{number}.0,{draw.choices((1, 2, 3), (5, 3, 2))[0]},{x:.6f},{y:.6f},{at!r},"
            f"{draw.uniform(0.0001, 0.001)!r},{draw.expovariate(200)!r},"
            f"{int(draw.random() < 0.7)}.0,-1,{draw.expovariate(200)!r}"
        )
    path.write_text(
        "index,priority,x,y,arrivalTime,dispatchDelay,onSceneDuration,transport,hospitalIndex,"
        "handoverDuration\n" + "\n".join(rows) + "\n",
        encoding="utf-8",
    )


Node = tuple[float, float, int]
Arc = tuple[int, int, float, float]


def _roads(draw: random.Random) -> tuple[list[Node], list[Arc]]:
    """A ring around a grid, so that one-way streets inside cut nobody off."""
    side = 5
    nodes: list[Node] = [
        (x + draw.uniform(-0.2, 0.2), y + draw.uniform(-0.2, 0.2), int(draw.random() > 0.15))
        for y in range(side)
        for x in range(side)
    ]
    arcs: list[Arc] = []

    def street(a: int, b: int, *, both: bool) -> None:
        chain = [a]
        for _ in range(draw.choice((0, 0, 1, 2))):
            share = draw.random()
            x, y = (nodes[a][i] * share + nodes[b][i] * (1 - share) for i in (0, 1))
            nodes.append((x, y, 1))
            chain.append(len(nodes) - 1)
        chain.append(b)
        for one, two in pairwise(chain):
            took = draw.uniform(0.0003, 0.001)
            arcs.append((one + 1, two + 1, took, took * draw.uniform(1.3, 1.5)))
            if both:
                took *= draw.uniform(0.9, 1.1)
                arcs.append((two + 1, one + 1, took, took * draw.uniform(1.3, 1.5)))

    for y in range(side):
        for x in range(side):
            here = y * side + x
            edge_x, edge_y = y in (0, side - 1), x in (0, side - 1)
            if x + 1 < side:
                street(here, here + 1, both=edge_x or draw.random() < 0.7)
            if y + 1 < side:
                street(here, here + side, both=edge_y or draw.random() < 0.7)
    return nodes, arcs
