"""How much one network, and all together, may send. Over a limit a report is still kept where it
can be, and the page always says what happened.

Networks are counted by a keyed digest of their address, which is kept only while it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest

from tocsin.apps.log import keyring
from tocsin.apps.people.attempts import count, forgive, source_of
from tocsin.apps.people.models import Attempt
from tocsin.core.reports import Collecting

Limit = tuple[int, timedelta]

OWN_PER_NETWORK: Final[Limit] = (4, timedelta(minutes=10))
"""Reports that open incidents of their own; further ones go on the network's collecting card."""

OWN_OF_ALL: Final[Limit] = (30, timedelta(minutes=5))
"""The same for all networks together; further ones go on the collecting card of their area."""

KEPT_PER_NETWORK: Final[Limit] = (120, timedelta(minutes=10))
KEPT_OF_ALL: Final[Limit] = (6_000, timedelta(minutes=10))
"""What is kept at all, so that no flood fills the disk; beyond it the page says NOT received."""

GUESSES_PER_NETWORK: Final[Limit] = (60, timedelta(minutes=5))
GUESSES_OF_ALL: Final[Limit] = (1_000, timedelta(minutes=5))
"""Wrong follow-up codes. A code has 72 bits: at this rate a guess at 100,000 live ones succeeds
once in some 400 million years."""

KNOWN_FOR: Final = timedelta(days=7)
"""For so long a network that sent a report or knew a code is not stopped by guesses of others."""

_NEVER: Final = 2_000_000_000


class Crowded(Exception):
    """More reports than can be kept: this one was not."""


class TooManyGuesses(Exception):
    """The code was not even looked up."""


@dataclass(frozen=True, slots=True)
class Network:
    """Where a request comes from, as far as limits need to know."""

    digest: str

    @classmethod
    def of(cls, request: HttpRequest) -> Network:
        address = source_of(request).encode()
        return cls(keyring().fingerprint(b"tocsin.report.network\n" + address)[:9].hex())

    def of_day(self, now: datetime) -> str:
        """What the network's collecting card is known by: for a day, and never again."""
        name = f"tocsin.report.card\n{now:%Y%m%d}\n{self.digest}"
        return keyring().fingerprint(name.encode())[:6].hex()


def charge_report(network: Network, now: datetime) -> tuple[Collecting, str] | None:
    """Counts a report; None if it may open an incident of its own, else why not and what its
    network is known by. Raises `Crowded`."""
    if not count(f"report-kept:{network.digest}", KEPT_PER_NETWORK, now):
        raise Crowded
    if not count("report-kept", KEPT_OF_ALL, now):
        raise Crowded
    if not count(f"report-own:{network.digest}", OWN_PER_NETWORK, now):
        return Collecting.NETWORK, network.of_day(now)
    # One network's flood is over before this line: it uses up nothing of what all have.
    if not count("report-own", OWN_OF_ALL, now):
        return Collecting.AREA, ""
    return None


def remember(network: Network, now: datetime) -> None:
    """The network has sent a report, or knew a code."""
    count(_known(network), (_NEVER, KNOWN_FOR), now)


def charge_guess(network: Network, now: datetime) -> list[str]:
    """Counts a code that may be wrong; what to `forgive` when it is right. Raises
    `TooManyGuesses`."""
    keys = [f"follow:{network.digest}"]
    if not count(keys[0], GUESSES_PER_NETWORK, now):
        raise TooManyGuesses
    if not Attempt.objects.filter(key=_known(network), ends_at__gt=now).exists():
        keys.append("follow")
        if not count(keys[1], GUESSES_OF_ALL, now):
            raise TooManyGuesses
    return keys


def was_right(network: Network, charged: list[str], now: datetime) -> None:
    """The code was right: it was no guess."""
    forgive(charged)
    remember(network, now)


def _known(network: Network) -> str:
    return f"report-known:{network.digest}"
