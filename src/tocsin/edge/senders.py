"""Who is sending, by network address, and how much of the edge each may hold at once: one that
floods waits for itself, and nobody else waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tocsin.record.networks import network_of

Resume = Callable[[], None]


class Share:
    """What one network address, of IPv6 its /64, holds: open connections and frames that are not
    answered yet."""

    __slots__ = ("connections", "in_flight", "network", "silent", "waiting")

    def __init__(self, network: str) -> None:
        self.network = network
        self.connections = 0
        self.in_flight = 0
        self.silent: dict[Any, None] = {}  # connections that have said nothing yet, oldest first
        self.waiting: dict[Resume, None] = {}  # connections that read on when there is room


class Sender:
    """One network address as it is recorded, and its share, which others may have with it."""

    __slots__ = ("address", "share")

    def __init__(self, address: str, share: Share) -> None:
        self.address = address
        self.share = share

    @property
    def connections(self) -> int:
        """Of its share."""
        return self.share.connections

    @connections.setter
    def connections(self, number: int) -> None:
        self.share.connections = number

    @property
    def in_flight(self) -> int:
        """Of its share."""
        return self.share.in_flight

    @in_flight.setter
    def in_flight(self, number: int) -> None:
        self.share.in_flight = number


class Senders:
    """Every share that holds something now. One that holds nothing is forgotten.

    `in_flight_max`: frames of one share that may wait for their commit. A gateway with a thousand
    stop-and-wait panels behind it needs as many; they delay another sender by some 25 ms.
    """

    def __init__(self, *, in_flight_max: int) -> None:
        self.in_flight_max = in_flight_max
        self._shares: dict[str, Share] = {}

    def __len__(self) -> int:
        return len(self._shares)

    def at(self, address: str) -> Sender:
        """The sender at this address, with a new share where its network holds nothing yet."""
        network = network_of(address) if ":" in address else address
        share = self._shares.get(network)
        if share is None:
            share = self._shares[network] = Share(network)
        return Sender(address, share)

    def has_room(self, sender: Sender) -> bool:
        return sender.share.in_flight < self.in_flight_max

    def is_full(self, address: str) -> bool:
        """Whether the sender at this address has no room, without making a share for it."""
        share = self._shares.get(network_of(address) if ":" in address else address)
        return share is not None and share.in_flight >= self.in_flight_max

    def answered(self, sender: Sender) -> None:
        """One frame less in flight: lets those that wait read on, the longest waiting first."""
        share = sender.share
        share.in_flight -= 1
        if share.connections and not share.waiting:  # nearly always
            return
        while share.waiting and share.in_flight < self.in_flight_max:
            resume = next(iter(share.waiting))
            del share.waiting[resume]
            resume()
        self.forget_if_idle(sender)

    def disconnected(self, sender: Sender) -> None:
        sender.share.connections -= 1
        self.forget_if_idle(sender)

    def forget_if_idle(self, sender: Sender) -> None:
        """Drops a share that holds nothing."""
        share = sender.share
        if not share.in_flight and not share.connections:
            self._shares.pop(share.network, None)
