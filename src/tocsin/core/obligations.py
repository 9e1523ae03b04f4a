"""Obligations: how long each state may last before the clock makes it speak.

The deadline itself is written into the fact that starts it, so a changed duration never moves a
deadline that is already running and the log alone rebuilds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Obligations:
    """Durations in seconds; four values are for the levels P1 to P4, 0 means no deadline.

    The defaults follow what alarm-receiving centres and fire services commonly promise (alarm
    handling within 60 s, turnout within 80-90 s: NFPA 1225 and 1710); a service sets its own.
    """

    take_s: tuple[int, int, int, int] = (60, 120, 300, 900)  # opened -> somebody takes it
    take_watch_s: int = 3_600  # the same, in the watch band
    assign_s: tuple[int, int, int, int] = (90, 180, 600, 1_800)  # taken -> a unit is on it
    close_s: int = 1_800  # last unit gone -> closed with a disposition
    receipt_s: int = 30  # order given -> a channel reports receipt
    answer_s: int = 60  # received -> accepted or refused
    turnout_s: int = 90  # accepted -> under way
    arrival_s: tuple[int, int, int, int] = (600, 900, 1_800, 3_600)  # under way -> at scene
    transport_s: int = 3_600  # transporting -> anything else
    return_s: int = 3_600  # returning -> in station, available or ordered again


DEFAULT_OBLIGATIONS: Final = Obligations()


def deadline(now: datetime, seconds: int) -> datetime | None:
    """`now` plus `seconds`; None where the obligation is switched off by 0."""
    return now + timedelta(seconds=seconds) if seconds else None
