"""Ways in that Tocsin goes to itself, feeds that are polled and brokers that it is a client of: how
one fares, as far as is known."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from tocsin.core.probing import is_stale

FEEDS: Final = "cap"
BROKERS: Final = "mqtt"
"""The intakes that have such ways in."""


class Fetch(StrEnum):
    """How a way in fares. `WAITING`: not tried yet. `STALE` is never on record: whoever goes there
    says each minute that it lives, and has not."""

    WAITING = "waiting"
    GOOD = "good"
    FAILING = "failing"
    STALE = "stale"

    @property
    def is_trouble(self) -> bool:
        """Somebody has to look."""
        return self in (Fetch.FAILING, Fetch.STALE)


def faring(state: str, noted_at: datetime, now: datetime) -> Fetch:
    """What is shown of what was noted. What failed last is failing, however old that is."""
    noted = Fetch(state)
    if noted is not Fetch.FAILING and is_stale(noted_at, now):
        return Fetch.STALE
    return noted
