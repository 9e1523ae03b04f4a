"""What the running simulation knows about its city; saved as JSON beside the roads."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

import msgspec

VERSION: Final = 1  # raise it when the same seed gives another city
MAP_VERSION: Final = 1  # raise it when the same city is drawn otherwise
NAMESPACE: Final = UUID("6f0d3f5e-5a1e-5d5c-9e1f-3a52c1c0a7b1")


class District(msgspec.Struct, frozen=True):
    code: str
    name_zh: str
    name_en: str


class Station(msgspec.Struct, frozen=True):
    """A station or a hospital; degrees WGS-84."""

    id: UUID
    kind: str  # fire, ambulance, police, hospital
    name_zh: str
    name_en: str
    lat: float
    lon: float
    district: str
    address_zh: str
    address_en: str


class Unit(msgspec.Struct, frozen=True):
    id: UUID
    call_sign: str
    kind: str
    capabilities: tuple[str, ...]
    station: UUID


class Panel(msgspec.Struct, frozen=True):
    """An alarm panel and how it speaks. `key` is hex, empty for plain frames."""

    account: str
    key: str
    key_form: str  # how the installer wrote the key down: ascii or hex
    token: str  # SIA-DCS or ADM-CID
    transport: str  # tcp_open, tcp_close, udp
    interval_s: int
    watches: tuple[str, ...]
    receiver: str | None
    line: str


class Site(msgspec.Struct, frozen=True):
    code: str
    kind: str
    name_zh: str
    name_en: str
    address_zh: str
    address_en: str
    lat: float
    lon: float
    district: str
    panels: tuple[Panel, ...]


class Corner(msgspec.Struct, frozen=True):
    """An address from which people call."""

    lat: float
    lon: float
    district: str
    address_zh: str
    address_en: str


class City(msgspec.Struct, frozen=True):
    version: int
    seed: int
    name_zh: str
    name_en: str
    agency: str
    agency_zh: str
    agency_en: str
    center: tuple[float, float]
    bounds: tuple[float, float, float, float]  # south, west, north, east
    districts: tuple[District, ...]
    stations: tuple[Station, ...]
    hospitals: tuple[Station, ...]
    units: tuple[Unit, ...]
    sites: tuple[Site, ...]
    corners: tuple[Corner, ...]


def stable_id(seed: int, what: str) -> UUID:
    """The same id for the same thing of the same city, always."""
    return uuid5(NAMESPACE, f"{VERSION}/{seed}/{what}")


def stamp(seed: int) -> str:
    """What a city on disk must have been built from to be used again."""
    return f"{seed}/{VERSION}/{MAP_VERSION}"


def encode(city: City) -> bytes:
    return msgspec.json.encode(city)


def save(city: City, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    written.touch(mode=0o600)  # it holds the panels' keys
    written.write_bytes(encode(city))
    written.replace(path)


def load(path: Path, seed: int) -> City | None:
    """The saved city, or None where there is none of this seed and version."""
    try:
        city = msgspec.json.decode(path.read_bytes(), type=City)
    except (OSError, msgspec.DecodeError):
        return None
    return city if (city.seed, city.version) == (seed, VERSION) else None
