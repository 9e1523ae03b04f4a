"""Stations, hospitals, units and protected sites of the city, drawn from its addresses."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import hypot
from typing import Final

from tocsin.core.terms import Capability
from tocsin.sim.city.layout import Address
from tocsin.sim.city.model import Panel, Site, Station, Unit, stable_id
from tocsin.sim.city.names import DISTRICTS, HOSPITALS, SITE_KINDS, Name, StreetNames
from tocsin.sim.city.plane import to_lat_lon

SITES: Final = 400
STATIONS: Final = {"fire": 9, "ambulance": 7, "police": 7}
STATION_NAMES: Final = {
    "fire": Name("消防救援站", "Fire Station"),
    "ambulance": Name("急救站", "Ambulance Station"),
    "police": Name("派出所", "Police Station"),
}


# Kind, capabilities, number, the stations they stand at, the first letter of their call signs.
# Call signs are one letter and three digits: no verb, no priority (P1) and no incident number.
class _Fleet:
    ENGINE: Final = ("engine", (Capability.PUMP,), 10, "fire", "E")
    RESCUE_ENGINE: Final = ("engine", (Capability.PUMP, Capability.RESCUE), 4, "fire", "E")
    LADDER: Final = ("ladder", (Capability.LADDER,), 5, "fire", "L")
    RESCUE: Final = ("rescue", (Capability.RESCUE,), 3, "fire", "R")
    HAZMAT: Final = ("rescue", (Capability.HAZMAT, Capability.RESCUE), 2, "fire", "R")
    COMMAND: Final = ("command", (Capability.COMMAND,), 5, "fire", "C")
    AMBULANCE: Final = ("ambulance", (Capability.AMBULANCE,), 9, "ambulance", "A")
    ADVANCED: Final = (
        "ambulance",
        (Capability.AMBULANCE, Capability.ADVANCED_LIFE_SUPPORT),
        6,
        "ambulance",
        "A",
    )
    PATROL: Final = ("patrol", (Capability.PATROL,), 10, "police", "J")
    TRAFFIC: Final = ("patrol", (Capability.PATROL, Capability.TRAFFIC), 6, "police", "J")
    ALL: Final = (
        ENGINE,
        RESCUE_ENGINE,
        LADDER,
        RESCUE,
        HAZMAT,
        COMMAND,
        AMBULANCE,
        ADVANCED,
        PATROL,
        TRAFFIC,
    )


def _spread(pool: Sequence[Address], count: int, dice: random.Random) -> list[Address]:
    """`count` addresses far from each other, the first near the middle of the city."""
    sample = dice.sample(pool, min(len(pool), 700))
    chosen = [min(sample, key=lambda a: hypot(*a.at))]
    while len(chosen) < count:
        chosen.append(
            max(
                sample,
                key=lambda a: (
                    min(hypot(a.at[0] - c.at[0], a.at[1] - c.at[1]) for c in chosen)
                    - 0.4 * hypot(*a.at)  # denser towards the middle, as people live
                ),
            )
        )
    return chosen


def stations(pool: Sequence[Address], seed: int) -> tuple[Station, ...]:
    found = []
    free = list(pool)
    for kind, count in STATIONS.items():
        dice = random.Random(f"{seed}/stations/{kind}")
        numbers: dict[str, int] = {}
        for place in _spread(free, count, dice):
            free.remove(place)
            district = DISTRICTS[place.district]
            number = numbers[place.district] = numbers.get(place.district, 0) + 1
            what = STATION_NAMES[kind]
            nth = "一二三四五六七八九"[number - 1]
            short = district.en.removesuffix(" District")
            found.append(
                _station(
                    seed,
                    kind,
                    place,
                    f"{district.zh}第{nth}{what.zh}",
                    f"{short} {what.en} {number}",
                )
            )
    return tuple(found)


def hospitals(pool: Sequence[Address], seed: int) -> tuple[Station, ...]:
    """One hospital in each district, named after it."""
    dice = random.Random(f"{seed}/hospitals")
    wanted = ("laocheng", "donghu", "jiangbei", "jiangnan", "xishan")
    found = []
    for name, code in zip(HOSPITALS, wanted, strict=True):
        here = [a for a in pool if a.district == code]
        east, north = (sum(a.at[i] for a in here) / len(here) for i in (0, 1))
        near = sorted(here, key=lambda a: hypot(a.at[0] - east, a.at[1] - north))[:12]
        found.append(_station(seed, "hospital", dice.choice(near), name.zh, name.en))
    return tuple(found)


def _station(seed: int, kind: str, place: Address, zh: str, en: str) -> Station:
    lat, lon = to_lat_lon(place.at)
    return Station(stable_id(seed, en), kind, zh, en, lat, lon, place.district, place.zh, place.en)


def units(stands: Sequence[Station], seed: int) -> tuple[Unit, ...]:
    """Sixty units; a station's number is the first digit of its units' call signs."""
    homes = {kind: [s for s in stands if s.kind == kind] for kind in STATIONS}
    at_station: dict[tuple[str, int], int] = {}
    turn: dict[str, int] = {}
    found = []
    for kind, capabilities, count, home, letter in _Fleet.ALL:
        for _ in range(count):
            number = turn.get(letter, 0) % len(homes[home])
            turn[letter] = turn.get(letter, 0) + 1
            here = at_station[letter, number] = at_station.get((letter, number), 0) + 1
            call_sign = f"{letter}{number + 1}0{here}"
            station = homes[home][number]
            names = tuple(str(c) for c in capabilities)
            found.append(Unit(stable_id(seed, call_sign), call_sign, kind, names, station.id))
    return tuple(sorted(found, key=lambda unit: unit.call_sign))


def sites(pool: Sequence[Address], seed: int) -> tuple[Site, ...]:
    """Four hundred sites with one or two panels each."""
    dice = random.Random(f"{seed}/sites")
    words = StreetNames(random.Random(f"{seed}/site-names"))
    kinds = list(SITE_KINDS)
    weights = [SITE_KINDS[kind].weight for kind in kinds]
    accounts = dice.sample(range(0x1000, 0x10000), SITES * 2)
    taken: set[str] = set()
    found = []
    for number, place in enumerate(dice.sample(pool, SITES)):
        kind = dice.choices(kinds, weights)[0]
        name = _site_name(kind, words, taken)
        watched = SITE_KINDS[kind].watches
        two = len(watched) > 1 and watched[0] == "fire" and dice.random() < 0.15
        shares = (watched[:1], watched[1:]) if two else (watched,)
        panels = tuple(_panel(dice, f"{accounts.pop():04X}", share) for share in shares)
        lat, lon = to_lat_lon(place.at)
        code = f"YJ{number + 1:04d}"
        found.append(Site(code, kind, *name, place.zh, place.en, lat, lon, place.district, panels))
    return tuple(found)


def _site_name(kind: str, words: StreetNames, taken: set[str]) -> Name:
    what = SITE_KINDS[kind]
    while True:
        word = words.street()
        zh, en = word.zh[:-1] + what.zh, f"{word.en.split()[0]} {what.en}"
        if kind == "bank":
            zh, en = f"云江{zh}", f"Yunjiang {en}"
        if en not in taken:
            taken.add(en)
            return Name(zh, en)


def _panel(dice: random.Random, account: str, watches: tuple[str, ...]) -> Panel:
    size = dice.choices((0, 16, 24, 32), (45, 30, 8, 17))[0]
    form = dice.choice(("ascii", "hex"))
    if form == "ascii":
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
        key = "".join(dice.choice(letters) for _ in range(size)).encode()
    else:
        key = dice.randbytes(size)
    transport = dice.choices(("tcp_open", "tcp_close", "udp"), (40, 35, 25))[0]
    return Panel(
        account=account,
        key=key.hex(),
        key_form=form if size else "",
        token=dice.choices(("SIA-DCS", "ADM-CID"), (60, 40))[0],
        transport=transport,
        interval_s=dice.choice((60, 90, 120, 180, 300)),
        watches=watches,
        receiver=dice.choice((None, None, "0", "1", "2B")),
        line=dice.choice(("0", "0", "1", "A5")),
    )
