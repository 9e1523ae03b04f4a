"""The road graph of a city in the engine's form: decision nodes, the chains of plain nodes between
them, and the time of the fastest way between any two decision nodes in each travel mode."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from tocsin.sim.engine.city import City
from tocsin.sim.engine.fastest import search_back
from tocsin.sim.engine.refusal import refused
from tocsin.sim.engine.tables import Floats, Ints

DECISION_NODES_MAX: Final = 32_000  # the next node of a way is kept in two bytes
TABLE_BYTES_MAX: Final = 8_000_000_000


class Roads(NamedTuple):
    """Arrays of the compiled functions. `side` 0 and 1: the two directions of a two-way chain."""

    decision: NDArray[np.int32]
    """decision[node]: its number among the decision nodes, or -1."""
    chain_of: NDArray[np.int32]
    """chain_of[node, side]: the chains that a plain node lies on, or -1."""
    place_of: NDArray[np.int32]
    """place_of[node, side]: where in that chain."""
    chain_from: NDArray[np.int32]
    chain_to: NDArray[np.int32]
    chain_begin: NDArray[np.int32]
    """Places of a chain's first node in `chain_node`, with one more at the end."""
    chain_node: NDArray[np.int32]
    chain_time: Floats
    """chain_time[mode, place]: days since the chain's first node."""
    out_begin: NDArray[np.int32]
    """The chains out of a decision node are numbered on from here."""
    time: Floats
    """time[mode, to, from]: days of the fastest way between decision nodes."""
    onward: NDArray[np.int16]
    """onward[mode, to, from]: the next decision node of that way."""


def build_roads(city: City) -> Roads:
    """Chains and tables of a city's roads. Raises `InputRefused` where a road leads nowhere."""
    count = len(city.nodes)
    arcs, arc_time = _shortest_arcs(city)
    _check_connected(city, arcs)
    out = _neighbours(arcs[0], arcs[1], count)
    into = _neighbours(arcs[1], arcs[0], count)
    number = {(int(a), int(b)): place for place, (a, b) in enumerate(arcs.T)}
    kept = _decision_nodes(out, into)
    chains = _chains(out, kept)
    places = np.flatnonzero(kept)
    _check_size(city, len(places))
    decision = np.full(count, -1, np.int32)
    decision[places] = np.arange(len(places))
    begin = np.cumsum([0, *(len(chain) for chain in chains)]).astype(np.int32)
    node = np.array([one for chain in chains for one in chain], np.int32)
    steps = np.array([number[pair] for chain in chains for pair in pairwise(chain)])
    time = np.zeros((len(arc_time), len(node)))
    inner = np.ones(len(node), np.bool_)
    inner[begin[:-1]] = False
    for mode, times in enumerate(arc_time):
        time[mode, inner] = times[steps]
        for first, last in pairwise(begin.tolist()):
            time[mode, first:last] = np.cumsum(time[mode, first:last])
    chain_of, place_of = _sides(count, chains)
    chain_from, chain_to = decision[node[begin[:-1]]], decision[node[begin[1:] - 1]]
    fastest, onward = _tables(chain_from, chain_to, time[:, begin[1:] - 1], len(places))
    out_begin = np.searchsorted(chain_from, np.arange(len(places) + 1)).astype(np.int32)
    ways = (chain_from, chain_to, begin, node, time, out_begin)
    return Roads(decision, chain_of, place_of, *ways, fastest, onward)


def nearest(city: City, x: Floats, y: Floats) -> tuple[Ints, Floats]:
    """The node that each place is reached from, and how far off the road it lies (km)."""
    scale = np.array(city.scale)
    usable = np.flatnonzero(city.access)
    tree = cKDTree(np.c_[city.nodes.x, city.nodes.y][usable] * scale)
    distance, found = tree.query(np.c_[x, y] * scale)
    return usable[np.asarray(found)], np.asarray(distance, np.float64)


def _shortest_arcs(city: City) -> tuple[Ints, Floats]:
    """One arc for each pair of nodes, in order, with its least time in each mode."""
    key = city.arc_from * len(city.nodes) + city.arc_to
    unique, group = np.unique(key, return_inverse=True)
    times = np.full((len(city.arc_time), len(unique)), np.inf)
    for mode, given in enumerate(city.arc_time):
        np.minimum.at(times[mode], group, given)
    return np.array(np.divmod(unique, len(city.nodes))), times


def _check_size(city: City, junctions: int) -> None:
    most = min(DECISION_NODES_MAX, int((TABLE_BYTES_MAX / 10 / len(city.arc_time)) ** 0.5))
    if junctions > most:
        raise refused(
            None,
            f"{city.path}: {junctions} junctions; expected at most {most}",
            f"{city.path}：路口 {junctions} 个，最多 {most} 个",
        )


def _check_connected(city: City, arcs: Ints) -> None:
    count = len(city.nodes)
    graph = csr_array((np.ones(arcs.shape[1]), (arcs[0], arcs[1])), shape=(count, count))
    parts, part = connected_components(graph, connection="strong")
    if parts > 1:
        largest = int(np.argmax(np.bincount(part)))
        node = int(np.flatnonzero(part != largest)[0])
        x, y = city.nodes.x[node], city.nodes.y[node]
        raise refused(
            None,
            f"{city.path}: the roads are not connected: node {node + 1} ({x:g}, {y:g}) cannot be"
            f" reached and left again ({count - int((part == largest).sum())} such nodes)",
            f"{city.path}：道路不连通：节点 {node + 1}（{x:g}，{y:g}）无法往返"
            f"（此类节点共 {count - int((part == largest).sum())} 个）",
        )


def _neighbours(of: Ints, other: Ints, count: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(count)]
    for one, two in zip(of.tolist(), other.tolist(), strict=True):
        found[one].append(two)
    return found


def _decision_nodes(out: list[list[int]], into: list[list[int]]) -> NDArray[np.bool_]:
    """A plain node only passes on: one way from a to b, or both ways between a and b."""
    kept = np.ones(len(out), np.bool_)
    for node, (ahead, behind) in enumerate(zip(out, into, strict=True)):
        if len(ahead) == len(behind) == 1:
            kept[node] = ahead == behind
        elif len(ahead) == len(behind) == 2:
            kept[node] = set(ahead) != set(behind)
    if not kept.any():  # the whole network is one ring
        kept[0] = True
    for node in np.flatnonzero(kept).tolist():
        for first in out[node]:
            if not kept[first] and _follow(out, kept, node, first)[-1] == node:
                kept[first] = True  # a loop has two ways to the same end
    return kept


def _follow(out: list[list[int]], kept: NDArray[np.bool_], node: int, first: int) -> list[int]:
    chain = [node, first]
    while not kept[chain[-1]]:
        ahead = out[chain[-1]]
        chain.append(ahead[1] if len(ahead) == 2 and ahead[0] == chain[-2] else ahead[0])
    return chain


def _chains(out: list[list[int]], kept: NDArray[np.bool_]) -> list[list[int]]:
    return [
        _follow(out, kept, node, first)
        for node in np.flatnonzero(kept).tolist()
        for first in out[node]
    ]


def _sides(count: int, chains: list[list[int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    chain_of = np.full((count, 2), -1, np.int32)
    place_of = np.zeros((count, 2), np.int32)
    for number, chain in enumerate(chains):
        for place, node in enumerate(chain[1:-1], 1):
            side = 0 if chain_of[node, 0] < 0 else 1
            chain_of[node, side] = number
            place_of[node, side] = place
    return chain_of, place_of


def _tables(
    begin: NDArray[np.int32], end: NDArray[np.int32], length: Floats, count: int
) -> tuple[Floats, NDArray[np.int16]]:
    """Searched backwards from each destination, so that one row holds all ways to it."""
    time = np.empty((len(length), count, count))
    onward = np.empty((len(length), count, count), np.int16)
    key = end.astype(np.int64) * count + begin
    unique, group = np.unique(key, return_inverse=True)
    least = np.full((len(length), len(unique)), np.inf)
    for mode, lengths in enumerate(length):
        np.minimum.at(least[mode], group, lengths)
    into, neighbour = np.divmod(unique, count)
    first = np.searchsorted(into, np.arange(count + 1)).astype(np.int32)
    searches = [
        (first, neighbour.astype(np.int32), least[mode], time[mode], onward[mode])
        for mode in range(len(length))
    ]
    nothing = np.zeros((0, 0))  # compiled once, before the modes run beside each other
    search_back(first[:1], neighbour.astype(np.int32), least[0], nothing, nothing.astype(np.int16))
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda search: search_back(*search), searches))
    return time, onward
