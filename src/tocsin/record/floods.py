"""Who sends far more than a device has to say: what floods is sorted in after what everybody else
sends, so that a flood delays nobody else's alarm. Nor does one in a device's name its own."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from itertools import islice
from typing import Final
from uuid import UUID

import msgspec

from tocsin.record.networks import network_of

WINDOW_S: Final = 10.0
CALM_MAX: Final = 100
"""Messages of one sender in a window; whoever sends more floods. A panel that waits for each answer
and tells of 64 zones at once stays below."""

SENDERS_MAX: Final = 50_000
"""Senders that are counted one by one in a window; all other networks count as one."""

HOMES_MAX: Final = 4
"""Networks that one device is known to send from."""

HOME_WINDOWS: Final = 360
"""A network from which nothing came for as many windows, an hour, may give way to another."""

DEVICES_MAX: Final = 2_000_000
"""Devices whose networks are known, some 200 bytes each; those longest known give way."""

AUTHENTICATED: Final = "authenticated"
ELSEWHERE: Final = "elsewhere"

_Part = tuple[int, str]


class Lane(IntEnum):
    """In which order what intakes committed is sorted in: all of a lane before any of the next."""

    KNOWN = 0
    UNKNOWN = 1
    FLOOD = 2
    ASIDE = 3  # what could not be sorted in; tried again from time to time


class _Sent(msgspec.Struct, gc=False):
    """What came under one device in a window: from one source, until another one is heard, or too
    much; then by parts. `part` is that of the last message, `others` further sources that may be
    the device's own."""

    source: str
    is_own: bool
    is_sure: bool
    sent: int = 0
    part: str = ""
    parts: dict[str, int] | None = None
    others: set[str] | None = None

    def note(self, source: str) -> None:
        if self.others is None:
            self.others = set()
        if len(self.others) < HOMES_MAX:
            self.others.add(source)


class Floods:
    """Chooses the lane of each message.

    What comes from unknown sources counts by network. What comes under a known device is one sender
    only where the device is: it counts by parts, namely what is authenticated, what comes from each
    network that the device is known to send from, and all else. So whoever sends in its name from
    elsewhere floods a part of its own. Who floods does so until a window in which it does not, and
    until all that it sent meanwhile is sorted in.

    A device is known to send from where it was heard while nothing flooded in its name.
    """

    def __init__(self) -> None:
        self._sent: dict[str, int] = {}
        self._flooding: dict[str, UUID] = {}  # with the last id of its last message's commit
        self._devices: dict[int, _Sent] = {}
        self._parts_flooding: dict[_Part, UUID] = {}
        self._loud: set[int] = set()  # devices of those parts
        # The one network of a device; or, of several, with the window when each was last heard.
        self._homes: dict[int, str | dict[str, int]] = {}
        self._window = 0

    def lane(
        self,
        device: UUID | None,
        source: str,
        last: UUID,
        is_own: bool = True,
        is_sure: bool = False,
    ) -> Lane:
        """The lane of a message. `last`: the last id that belongs to the commit it will be in.
        `is_own`: not one that anybody may have sent. `is_sure`: it is authenticated."""
        if device is None:
            return self._lane_of_network(network_of(source), last)
        key = device.int
        sent = self._devices.get(key)
        if sent is None:
            sent = self._devices[key] = _Sent(source, is_own, is_sure)
            if key not in self._loud:
                sent.sent = 1
                return Lane.KNOWN
        elif (
            sent.sent < CALM_MAX
            and sent.parts is None
            and sent.source == source
            and sent.is_own is is_own
            and sent.is_sure is is_sure
            and key not in self._loud
        ):
            sent.sent += 1
            return Lane.KNOWN
        return self._lane_of_part(key, sent, source, is_own, is_sure, last)

    def apart(self, device: UUID) -> str:
        """The part of the device's last message: it waits in a queue of its own, where it floods.
        There are HOMES_MAX + 2 of them at most."""
        return self._devices[device.int].part

    def polled(self, device: UUID, source: str) -> None:
        """A poll of the device's own, of which no message is kept."""
        key = device.int
        homes = self._homes.get(key)
        if homes == source:  # nearly always
            return
        if homes is not None and (network := network_of(source)) in _networks(homes):
            if not isinstance(homes, str):
                homes[network] = self._window + 1
            return
        sent = self._devices.get(key)
        if sent is None:
            self._devices[key] = _Sent(source, True, False)
        elif sent.source != source:
            sent.note(source)

    def _lane_of_network(self, sender: str, last: UUID) -> Lane:
        is_flooding = sender in self._flooding
        sent = self._sent.get(sender)
        if sent is None:
            if not is_flooding and len(self._sent) >= SENDERS_MAX:
                sender = ""
                is_flooding = sender in self._flooding
            sent = self._sent.get(sender, 0)
        self._sent[sender] = sent + 1
        if is_flooding or sent >= CALM_MAX:
            if not is_flooding and len(self._flooding) >= SENDERS_MAX:
                sender = ""
            self._flooding[sender] = last
            return Lane.FLOOD
        return Lane.UNKNOWN

    def _lane_of_part(
        self, key: int, sent: _Sent, source: str, is_own: bool, is_sure: bool, last: UUID
    ) -> Lane:
        if sent.parts is None:
            sent.part = self._part(key, sent)
            sent.parts = {sent.part: sent.sent}
        if (sent.source, sent.is_own, sent.is_sure) != (source, is_own, is_sure):
            if sent.is_own:
                sent.note(sent.source)
            sent.source, sent.is_own, sent.is_sure = source, is_own, is_sure
            sent.part = self._part(key, sent)
        part = sent.part
        before = sent.parts.get(part, 0)
        sent.parts[part] = before + 1
        if before >= CALM_MAX or (key in self._loud and (key, part) in self._parts_flooding):
            self._parts_flooding[key, part] = last
            self._loud.add(key)
            return Lane.FLOOD
        return Lane.KNOWN

    def _part(self, key: int, sent: _Sent) -> str:
        if sent.is_sure:
            return AUTHENTICATED
        network = network_of(sent.source)
        is_home = sent.is_own and network in _networks(self._homes.get(key, ""))
        return network if is_home else ELSEWHERE

    @property
    def senders(self) -> int:
        """How many flood now."""
        return len(self._flooding) + len(self._parts_flooding)

    def next_window(self, oldest: UUID | None) -> None:
        """A window is over. `oldest`: the oldest id that still waits in the lane of floods."""
        counted, self._sent = self._sent, {}
        self._flooding = {
            sender: last
            for sender, last in self._flooding.items()
            if counted.get(sender, 0) > CALM_MAX or (oldest is not None and oldest <= last)
        }
        devices, self._devices = self._devices, {}
        self._window += 1
        homes, loud = self._homes, self._loud
        for key, sent in devices.items():  # of a hundred thousand in a storm: nobody is heard then
            if sent.others is not None or not sent.is_own or homes.get(key, "") != sent.source:
                self._learn(key, sent, is_calm=key not in loud)
        for key in list(islice(homes, max(0, len(homes) - DEVICES_MAX))):
            del homes[key]
        parts = self._parts_flooding
        self._parts_flooding = {
            (key, part): last
            for (key, part), last in parts.items()
            if _count(devices.get(key), part) > CALM_MAX or (oldest is not None and oldest <= last)
        }
        self._loud = {key for key, _ in self._parts_flooding}

    def _learn(self, key: int, sent: _Sent, *, is_calm: bool) -> None:
        """Where the device was heard. While something floods in its name, nothing new is learnt."""
        homes = self._homes.get(key)
        if homes is None and sent.others is None:
            if sent.is_own and is_calm:
                self._homes[key] = network_of(sent.source)
            return
        sources = {sent.source} if sent.is_own else set()
        if sent.others is not None:
            sources |= sent.others
        heard = {homes: self._window} if isinstance(homes, str) else homes or {}
        for network in map(network_of, sources):
            if network not in heard:
                if not is_calm:
                    continue
                if len(heard) >= HOMES_MAX:
                    unheard = min(heard, key=heard.__getitem__)
                    if heard[unheard] + HOME_WINDOWS > self._window:
                        continue
                    del heard[unheard]
            heard[network] = self._window
        if heard:
            self._homes[key] = heard if len(heard) > 1 else next(iter(heard))


def _networks(homes: str | dict[str, int]) -> Collection[str]:
    return (homes,) if isinstance(homes, str) else homes


def _count(sent: _Sent | None, part: str) -> int:
    return 0 if sent is None or sent.parts is None else sent.parts.get(part, 0)
