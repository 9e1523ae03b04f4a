"""What happens in the city: a seeded, endless sequence of alarms, restores, faults and calls.

Rates follow the hour of the day; one emergency may be told twice, by two panels or two callers.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import cos, pi
from typing import Final

from tocsin.sim.city.model import City, Corner, Panel, Site
from tocsin.sim.words import CALLER_NAMES, CALLS, NOISE, ZONES, CallKind

START_HOUR: Final = 8.0
# Events in an hour of average load; the daily rhythm moves them up and down.
PER_HOUR: Final = {"alarm": 18.0, "call": 26.0, "fault": 20.0}


@dataclass(frozen=True, slots=True)
class PanelSpeaks:
    """A panel reports: SIA code, Contact ID code and qualifier, zone, words of the zone."""

    panel: Panel
    sia: str
    cid: str
    qualifier: str
    zone: int
    text: str


@dataclass(frozen=True, slots=True)
class SomebodyCalls:
    """A call as the call-taker types it."""

    incident_type: str
    level: int
    corner: Corner
    caller_name: str
    caller_phone: str
    note: str


Happening = PanelSpeaks | SomebodyCalls


@dataclass(order=True, slots=True)
class Event:
    """`at` in city seconds since the start."""

    at: float
    number: int
    what: Happening = field(compare=False)


# What a panel says when something happens: alarm and restore in both languages of panels.
SAYS: Final = {
    "fire": (("FA", "110"), ("FH", "110")),
    "burglary": (("BA", "130"), ("BH", "130")),
    "holdup": (("HA", "122"), ("HH", "122")),
    "panic": (("PA", "120"), ("PH", "120")),
    "medical": (("MA", "100"), ("MH", "100")),
    "gas": (("GA", "151"), ("GH", "151")),
}
FAULTS: Final = (
    (("AT", "301"), ("AR", "301")),
    (("YT", "302"), ("YR", "302")),
    (("FT", "373"), ("FJ", "373")),
)


def load(city_time: float) -> float:
    """How busy the city is at this time, about 1 on average: quiet at four, full at sixteen."""
    hour = (START_HOUR + city_time / 3600) % 24
    return 1.0 - 0.55 * cos((hour - 4.0) / 24 * 2 * pi)


class Rhythm:
    """Iterating gives events in order of time, without end, the same for the same seed."""

    def __init__(self, city: City, seed: int) -> None:
        self._city = city
        self._dice = random.Random(f"{seed}/events")
        self._number = itertools.count()
        self._heap: list[Event] = []
        self._next = dict.fromkeys(PER_HOUR, 0.0)
        self._panels = [(site, panel) for site in city.sites for panel in site.panels]

    def __iter__(self) -> Iterator[Event]:
        self._open_the_day()
        for kind in self._next:
            self._next[kind] = 30.0
            self._advance(kind)
        while True:
            kind = min(self._next, key=lambda name: self._next[name])
            while not self._heap or self._heap[0].at > self._next[kind]:
                self._happen(kind, self._next[kind])
                self._advance(kind)
                kind = min(self._next, key=lambda name: self._next[name])
            yield heapq.heappop(self._heap)

    def _open_the_day(self) -> None:
        """The first minute is the same kind of minute each time, so that a newcomer sees much."""
        self._alarm_at(0.6, "fire", duplicate=False, false=False)
        self._call_at(6.0, CALLS[0])
        self._fault_at(9.0)
        self._alarm_at(14.0, "burglary", duplicate=False, false=False)
        self._call_at(22.0, CALLS[4])

    def _advance(self, kind: str) -> None:
        """The next moment of this kind: a Poisson process whose rate follows the day."""
        most = PER_HOUR[kind] * 1.6 / 3600
        at = self._next[kind]
        while True:
            at += self._dice.expovariate(most)
            if self._dice.random() * 1.6 <= load(at):
                self._next[kind] = at
                return

    def _happen(self, kind: str, at: float) -> None:
        dice = self._dice
        if kind == "alarm":
            weights = {"fire": 40, "burglary": 22, "panic": 10, "holdup": 4, "medical": 8, "gas": 6}
            what = dice.choices(list(weights), list(weights.values()))[0]
            false = dice.random() < 0.55
            self._alarm_at(at, what, duplicate=not false and dice.random() < 0.3, false=false)
        elif kind == "call":
            self._call_at(at, dice.choices(CALLS, [call.weight for call in CALLS])[0])
        else:
            self._fault_at(at)

    def _push(self, at: float, what: Happening) -> None:
        heapq.heappush(self._heap, Event(round(at, 3), next(self._number), what))

    def _alarm_at(self, at: float, kind: str, *, duplicate: bool, false: bool) -> None:
        """An alarm, further zones of the same panel, perhaps a second source, and its restore."""
        dice = self._dice
        site, panel = dice.choice([p for p in self._panels if kind in p[1].watches])
        (sia, cid), (sia_back, cid_back) = SAYS[kind]
        zones = dice.sample(range(1, 33), 1 if false else dice.randint(1, 3))
        moment = at
        for zone in zones:
            text = dice.choice(ZONES[kind])
            self._push(moment, PanelSpeaks(panel, sia, cid, "1", zone, text))
            moment += dice.uniform(6, 35)
        if duplicate:
            self._told_again(at + dice.uniform(15, 70), site, kind)
        lasts = dice.uniform(40, 150) if false else dice.uniform(360, 1_200)
        for zone in zones:
            moment = at + lasts + dice.uniform(0, 20)
            self._push(moment, PanelSpeaks(panel, sia_back, cid_back, "3", zone, ""))

    def _told_again(self, at: float, site: Site, kind: str) -> None:
        """The same emergency from somebody else: a neighbour's panel or a passer-by."""
        dice = self._dice
        near = sorted(
            (s for s in self._city.sites if s is not site),
            key=lambda s: (s.lat - site.lat) ** 2 + (s.lon - site.lon) ** 2,
        )[0]
        panel = next((p for p in near.panels if kind in p.watches), None)
        if panel is not None and dice.random() < 0.5:
            (sia, cid), _ = SAYS[kind]
            text = dice.choice(ZONES[kind])
            self._push(at, PanelSpeaks(panel, sia, cid, "1", dice.randint(1, 32), text))
            return
        call = next((c for c in CALLS if c.incident_type == kind), None)
        if call is not None:
            corner = Corner(site.lat, site.lon, site.district, site.address_zh, site.address_en)
            self._push(at, self._call(call, corner))

    def _call_at(self, at: float, call: CallKind) -> None:
        dice = self._dice
        corner = dice.choice(self._city.corners)
        self._push(at, self._call(call, corner))
        if dice.random() < call.seen_by_many:
            self._push(at + dice.uniform(20, 90), self._call(call, corner))

    def _call(self, call: CallKind, corner: Corner) -> SomebodyCalls:
        dice = self._dice
        name = dice.choice(CALLER_NAMES) if dice.random() < 0.8 else ""
        # 000 is no exchange that is given out: the number rings nowhere.
        phone = f"1990000{dice.randint(0, 9999):04d}"
        note = dice.choice(call.notes)
        return SomebodyCalls(call.incident_type, call.level, corner, name, phone, note)

    def _fault_at(self, at: float) -> None:
        dice = self._dice
        _, panel = dice.choice(self._panels)
        if dice.random() < 0.4:
            code = dice.choice(NOISE)
            self._push(at, PanelSpeaks(panel, *code, 0, ""))
            return
        (sia, cid), (sia_back, cid_back) = dice.choice(FAULTS)
        self._push(at, PanelSpeaks(panel, sia, cid, "1", 0, ""))
        back = at + dice.uniform(120, 2_400)
        self._push(back, PanelSpeaks(panel, sia_back, cid_back, "3", 0, ""))
