"""Where the base map is and what it covers, read from the head of its PMTiles file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final

_HEAD_BYTES: Final = 127
_NONE: Final = {"available": False, "center": None, "bounds": None}


def map_info(file: Path) -> dict[str, Any]:
    """`center` is longitude, latitude; `bounds` west, south, east, north. Degrees WGS-84."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD_BYTES)
    except OSError:
        return _NONE
    # PMTiles specification 3, section 3.1: positions are degrees times 10 million.
    if len(head) < _HEAD_BYTES or head[:8] != b"PMTiles\x03":
        return _NONE
    west, south, east, north = struct.unpack_from("<4i", head, 102)
    lon, lat = struct.unpack_from("<2i", head, 119)
    return {
        "available": True,
        "center": [lon / 1e7, lat / 1e7],
        "bounds": [west / 1e7, south / 1e7, east / 1e7, north / 1e7],
    }
