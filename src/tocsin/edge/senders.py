"""Who is sending, by network address, and how much of the edge each may hold at once: one that
floods waits for itself, and nobody else waits for it."""

from __future__ import annotations

from collections.abc import Callable

Resume = Callable[[], None]


class Sender:
    """One network address: its open connections and its frames that are not answered yet."""

    __slots__ = ("address", "connections", "in_flight", "waiting")

    def __init__(self, address: str) -> None:
        self.address = address
        self.connections = 0
        self.in_flight = 0
        self.waiting: dict[Resume, None] = {}  # connections that read on when there is room


class Senders:
    """Every address that holds something now. One that holds nothing is forgotten.

    `in_flight_max`: frames of one address that may wait for their commit. A gateway with a thousand
    stop-and-wait panels behind it needs as many; they delay another sender by some 25 ms.
    """

    def __init__(self, *, in_flight_max: int) -> None:
        self.in_flight_max = in_flight_max
        self._senders: dict[str, Sender] = {}

    def __len__(self) -> int:
        return len(self._senders)

    def at(self, address: str) -> Sender:
        """The sender at this address, new where it holds nothing yet."""
        sender = self._senders.get(address)
        if sender is None:
            sender = self._senders[address] = Sender(address)
        return sender

    def has_room(self, sender: Sender) -> bool:
        return sender.in_flight < self.in_flight_max

    def answered(self, sender: Sender) -> None:
        """One frame less in flight: lets those that wait read on, the longest waiting first."""
        sender.in_flight -= 1
        if sender.connections and not sender.waiting:  # nearly always
            return
        while sender.waiting and sender.in_flight < self.in_flight_max:
            resume = next(iter(sender.waiting))
            del sender.waiting[resume]
            resume()
        self.forget_if_idle(sender)

    def disconnected(self, sender: Sender) -> None:
        sender.connections -= 1
        self.forget_if_idle(sender)

    def forget_if_idle(self, sender: Sender) -> None:
        """Drops a sender that holds nothing."""
        if not sender.in_flight and not sender.connections:
            self._senders.pop(sender.address, None)
