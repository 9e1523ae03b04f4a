"""What every way in shares: the record, the register of devices, counters, and a share for each
sender. A protocol's own module reads its socket and answers; here is what it may count on."""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, Protocol

from tocsin.core.caller_places import CallerPlace
from tocsin.core.probing import is_reserved
from tocsin.core.signals import SignalRead
from tocsin.edge.counts import Counts
from tocsin.edge.senders import Sender, Senders
from tocsin.edge.sockets import connections_possible, open_tcp
from tocsin.record.devices import Device, DeviceBook
from tocsin.record.fetching import Way
from tocsin.record.heard import HeardLog, NotKept
from tocsin.record.heard_rows import Heard

FINISH_S: Final = 5.0
"""At a stop, what is in flight has this long to be committed and answered."""


class Limits(Protocol):
    """What the settings of each listening intake say."""

    @property
    def max_connections(self) -> int: ...
    @property
    def max_connections_per_address(self) -> int: ...
    @property
    def in_flight_per_address(self) -> int: ...


class Crowded(NotKept):
    """This address has as much in flight as it may: it waits, and nobody else does."""


class Intake:
    """One way in, in this process. `district` and `agency` are those of unknown sources.

    `stop` is set when the process ends: finish what is in flight within FINISH_S, then return.
    """

    def __init__(
        self,
        name: str,
        heard: HeardLog,
        devices: DeviceBook,
        stop: asyncio.Event,
        say: Callable[[str], None],
        *,
        district: str,
        agency: str,
        limits: Limits | None = None,
    ) -> None:
        self.name = name
        self.stop = stop
        self.is_serving = False
        """Its sockets are open, as far as is known: set by whoever runs it."""
        self.say = say
        self.district = district
        self.agency = agency
        self.counts = Counts(name)
        self.senders = Senders(
            in_flight_max=1_000 if limits is None else limits.in_flight_per_address
        )
        self._heard = heard
        self._devices = devices
        self._connections = 0
        self._connections_max = (
            0 if limits is None else connections_possible(limits.max_connections)
        )
        self._per_address_max = 0 if limits is None else limits.max_connections_per_address

    # -- connections ----------------------------------------------------------------------------

    def open_tcp(self, host: str, port: int) -> list[socket.socket]:
        """Listening sockets, one for each address that `host` stands for; not blocking.

        Raises `AddressNotHad` where one cannot be had, OSError for what may pass.
        """
        return open_tcp(self.name, host, port)

    def enter(self, address: str) -> Sender | None:
        """A connection from `address` begins: its place, or None where there is none (counted).
        Each place is given back by `leave`."""
        sender = self.senders.at(address)
        if self._connections >= self._connections_max:
            self.counts.refused("too_many_connections", address, b"")
        elif sender.connections >= self._per_address_max:
            self.counts.refused("too_many_connections_of_address", address, b"")
        else:
            sender.connections += 1
            self._connections += 1
            return sender
        self.senders.forget_if_idle(sender)
        return None

    def leave(self, sender: Sender) -> None:
        """The connection has ended."""
        self._connections -= 1
        self.senders.disconnected(sender)

    @property
    def connections(self) -> int:
        """How many are open now."""
        return self._connections

    # -- the record -----------------------------------------------------------------------------

    def device(self, account: str) -> Device | None:
        """The device registered under `account` for this protocol."""
        return self._devices.find(self.name, account)

    def probe(self, shown: str) -> SignalRead | None:
        """The test alarm of our own probe, which shows its account and secret so, where the
        protocol has no account for it; None for anybody else."""
        account, _, given = shown.rpartition(".")
        right = self._devices.probe_secret(self.name, account)
        if right is None or not hmac.compare_digest(given.encode(), right.encode()):
            return None
        # Should it not be expected, it is a test report of an unknown source, and opens nothing.
        return SignalRead(self.name, "probe", account, code="RP", codes="sia")

    @property
    def can_keep(self) -> bool:
        """Whether the record can be written, as far as is known."""
        return self._heard.is_connected

    async def keep(
        self,
        *,
        source: str,
        body: bytes,
        answer: str,
        signals: tuple[SignalRead, ...],
        device: Device | None = None,
        problem: str | None = None,
        repeat_key: bytes | None = None,
        assurance: str = "none",
        transport: str = "",
        district: str = "",
        agency: str = "",
        is_named: bool = False,
        caller_place: CallerPlace | None = None,
    ) -> None:
        """Returns when the message is on disk: only then may its sender hear `answer`, under which
        it is counted (`probe` for our own test alarms).

        `source` is the sender's address; `transport` ends the record's `intake` (`mqtt.tls`);
        `district` and `agency` are of a source that is no device; with `is_named`, `repeat_key`
        stands for a name that the sender gave. Raises `Crowded` where it has too much in flight,
        `NotKept` where nothing can be written: both are counted, neither is answered as received.
        """
        counted = "probe" if signals and is_reserved(signals[0].account) else answer
        if device is not None and device.is_probe:
            device, assurance, counted = None, "none", "probe"
        sender = self.senders.at(source)
        if not self.senders.has_room(sender):
            self.counts.refused("too_many_in_flight", source)
            raise Crowded(f"{self.senders.in_flight_max} messages of {source} wait already")
        sender.in_flight += 1
        try:
            await self._heard.keep(
                Heard(
                    received_at=datetime.now(UTC),
                    intake=f"{self.name}.{transport}" if transport else self.name,
                    protocol=self.name,
                    source=source,
                    body=body,
                    answer=answer,
                    district=device.district if device else district or self.district,
                    agency=device.agency if device else agency or self.agency,
                    problem=problem,
                    device=None if device is None else device.id,
                    site=None if device is None else device.site,
                    signals=signals,
                    repeat_key=repeat_key,
                    assurance=assurance,
                    is_named=is_named,
                    caller_place=caller_place,
                )
            )
        except NotKept:
            self.counts.refused("not_kept", source)
            raise
        finally:
            self.senders.answered(sender)
        self.counts.add(counted)

    @property
    def url(self) -> str:
        """Where the record is, for what has to be known of what was heard before
        (record/recalling.py)."""
        return self._heard.url

    def seen(self, device: Device) -> None:
        """A poll that changes nothing: no message is kept, only when the device was last seen.
        Raises `NotKept` while nothing can be written: then nobody hears that all is well."""
        if not device.is_probe:
            self._heard.seen(device.id, datetime.now(UTC))
        self.counts.add("probe" if device.is_probe else "poll")

    # -- ways in that we go to ourselves ----------------------------------------------------------

    def fetches(self, ways: Iterable[Way]) -> None:
        """These are configured, and no others: said before the first of them is tried."""
        self._heard.fetching.begin(self.name, ways)

    def fetched(self, way: str, *, lasts: bool = False) -> None:
        """It was heard; with `lasts`, it is until something else is said of it."""
        self._heard.fetching.good(self.name, way, lasts=lasts)

    def not_fetched(self, way: str, problem: str) -> None:
        """It was not. `problem`: the name under which that is counted."""
        self._heard.fetching.failing(self.name, way, problem)

    def tidy(self, now: float) -> None:
        """Each second: whether it can hear, and its counters, go to the record, the counters also
        to the metrics and to the log."""
        self._heard.hears(self.name, can_hear=self.is_serving)
        self.counts.hand_on(self._heard.count)
        self._heard.refused(self.name, self.counts.refusals.take(), self.district, self.agency)
        self.counts.speak(now)
