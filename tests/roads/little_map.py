"""A small OpenStreetMap file in a few words, written by hand for tests: not from the real map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

LAT, LON, STEP = 30.0, 115.0, 0.001
"""Node 10 * row + column stands at so many steps north and east."""


def place(node: int) -> tuple[float, float]:
    return LAT + STEP * (node // 10), LON + STEP * (node % 10)


def tagged(tags: Mapping[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())


def write_map(
    path: Path,
    ways: Mapping[int, tuple[Sequence[int], Mapping[str, str]]],
    turns: Sequence[tuple[Mapping[str, str], Sequence[tuple[str, str, int]]]] = (),
    nodes: Mapping[int, Mapping[str, str]] | None = None,
    outside: Sequence[int] = (),
) -> Path:
    """Ways by number: their nodes, and tags (`highway=residential` where they have none). Turns:
    tags, and members (role, type, number). `outside`: nodes that the extract does not have."""
    tags = nodes or {}
    used = sorted({node for on, _ in ways.values() for node in on} - set(outside))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6" generator="hand">']
    for node in used:
        lat, lon = place(node)
        inner = tagged(tags.get(node, {}))
        lines.append(f'<node id="{node}" version="1" lat="{lat}" lon="{lon}">{inner}</node>')
    for way, (on, said) in ways.items():
        inner = "".join(f'<nd ref="{node}"/>' for node in on)
        inner += tagged({"highway": "residential"} | dict(said))
        lines.append(f'<way id="{way}" version="1">{inner}</way>')
    for number, (said, members) in enumerate(turns, 1):
        inner = "".join(
            f'<member type="{kind}" ref="{ref}" role="{role}"/>' for role, kind, ref in members
        )
        inner += tagged({"type": "restriction"} | dict(said))
        lines.append(f'<relation id="{number}" version="1">{inner}</relation>')
    path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    return path


def over(origin: int, via: int, target: int) -> list[tuple[str, str, int]]:
    """The members of a turn from a way over a node to a way."""
    return [("from", "way", origin), ("via", "node", via), ("to", "way", target)]
