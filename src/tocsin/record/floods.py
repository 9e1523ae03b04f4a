"""Who sends far more than a device has to say: what floods is sorted in after what everybody else
sends, so that a flood delays nobody else's alarm."""

from __future__ import annotations

from enum import IntEnum
from typing import Final
from uuid import UUID

from tocsin.record.networks import network_of

WINDOW_S: Final = 10.0
CALM_MAX: Final = 100
"""Messages of one sender in a window; whoever sends more floods. A panel that waits for each answer
and tells of 64 zones at once stays below."""

SENDERS_MAX: Final = 50_000
"""Senders that are counted one by one in a window; all other networks count as one."""

Sender = UUID | str


class Lane(IntEnum):
    """In which order what intakes committed is sorted in: all of a lane before any of the next."""

    KNOWN = 0
    UNKNOWN = 1
    FLOOD = 2
    ASIDE = 3  # what could not be sorted in; tried again from time to time


class Floods:
    """Chooses the lane of each message.

    A known device is a sender by itself, wherever it sends from; what comes from unknown sources
    counts by network. Who floods does so until a window in which it does not, and until all that
    it sent meanwhile is sorted in: what one sender sends stays in its order.
    """

    def __init__(self) -> None:
        self._sent: dict[Sender, int] = {}
        self._flooding: dict[Sender, UUID] = {}  # with the last id of its last message's commit

    def lane(self, device: UUID | None, source: str, last: UUID) -> Lane:
        """The lane of a message. `last`: the last id that belongs to the commit it will be in."""
        sender: Sender = network_of(source) if device is None else device
        is_flooding = sender in self._flooding
        sent = self._sent.get(sender)
        if sent is None:
            if device is None and not is_flooding and len(self._sent) >= SENDERS_MAX:
                sender = ""
                is_flooding = sender in self._flooding
            sent = self._sent.get(sender, 0)
        self._sent[sender] = sent + 1
        if is_flooding or sent >= CALM_MAX:
            if device is None and not is_flooding and len(self._flooding) >= SENDERS_MAX:
                sender = ""
            self._flooding[sender] = last
            return Lane.FLOOD
        return Lane.UNKNOWN if device is None else Lane.KNOWN

    @property
    def senders(self) -> int:
        """How many flood now."""
        return len(self._flooding)

    def next_window(self, oldest: UUID | None) -> None:
        """A window is over. `oldest`: the oldest id that still waits in the lane of floods."""
        sent, self._sent = self._sent, {}
        self._flooding = {
            sender: last
            for sender, last in self._flooding.items()
            if sent.get(sender, 0) > CALM_MAX or (oldest is not None and oldest <= last)
        }
