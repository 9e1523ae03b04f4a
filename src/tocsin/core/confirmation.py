"""Confirmation of intrusion alarms: what a site asks for before its alarm counts as one, and which
alarms of one activation confirm each other.

Only an intrusion alarm ever waits, in the watch band, with a deadline. Fire, hold-up, medical,
panic and gas never do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final
from uuid import UUID

from tocsin.core.terms import IncidentType
from tocsin.core.zones import ZoneKind

WINDOW_S: Final = 1_800
"""Two alarms so near to each other belong to one activation (BS 8243: 30 to 60 minutes)."""
WINDOW_S_MIN: Final = 60
WINDOW_S_MAX: Final = 7_200
ABORT_S_MAX: Final = 600
"""A user's cancel counts for at most so long after the alarm (CP-01: 5 minutes or more)."""
TWO_TRIP_S_MAX: Final = 3_600

WAITING_TYPES: Final = frozenset({IncidentType.BURGLARY})
"""Types whose alarms may wait for a second one, and may be taken back by a message. No other."""


class ConfirmRule(StrEnum):
    """What confirms an intrusion alarm of a site."""

    NONE = "none"  # nothing has to
    TWO_ZONES = "two_zones"
    TWO_TECHNOLOGIES = "two_technologies"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Confirming:
    """What a site asks for. Seconds; `abort_s` and `two_trip_s` 0: there is none.

    With `two_trip_s` the first trip waits, and a second within that time raises it, whatever else
    the rule asks for.
    """

    rule: ConfirmRule = ConfirmRule.NONE
    window_s: int = WINDOW_S
    abort_s: int = 0
    two_trip_s: int = 0

    @property
    def waits(self) -> bool:
        """Whether an alarm that nothing confirms has to wait."""
        return self.rule is not ConfirmRule.NONE or self.two_trip_s > 0


AT_ONCE: Final = Confirming()


class Avs(IntEnum):
    """Alarm validation level (ANSI/TMA-AVS-01): how much is known of an intrusion or hold-up."""

    NO_CALL = 0  # no call for service
    LIMITED = 1  # a call with little or no further information
    PRESENCE = 2  # somebody is there, or very probably; what they intend is not known
    PROPERTY = 3  # a threat to property is confirmed
    LIFE = 4  # a threat to life is confirmed


class CancelOutcome(StrEnum):
    """What a user's cancel did: it closed the incident, or why it did not."""

    CLOSED = "closed"
    NOT_IN_FORCE = "not_in_force"  # the site has no abort window
    NOT_AUTHENTICATED = "not_authenticated"  # nothing vouches for who said it
    LATE = "late"  # it was said long before we heard it
    OUTSIDE_WINDOW = "outside_window"
    OTHER_DEVICE = "other_device"
    OTHER_PARTITION = "other_partition"
    UNITS_SENT = "units_sent"
    TAKEN = "taken"  # a person has it
    OTHER_ALARM = "other_alarm"  # another incident of the site is open, or was merged into it
    MORE_ALARMED = "more_alarmed"  # more than one sensor, or one that was checked
    REOPENED = "reopened"  # it did, and a person took that back


class Says(StrEnum):
    """What an alarm says of somebody's presence."""

    ALARM = "alarm"
    VERIFIED = "verified"  # checked before it was sent
    LIFE = "life"  # somebody called for help: hold-up, duress, panic


@dataclass(frozen=True, slots=True)
class Sensor:
    """What watches: a zone of a device. `zone` is empty where the device names none."""

    device: UUID | None
    zone: str


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened. `at`: as far as that can be known; `stamped`: by its device's own
    clock, which may be wrong."""

    at: datetime
    stamped: datetime | None = None


def is_before(one: Moment, other: Moment) -> bool:
    """Whether it happened before something else at the same device, in whatever order they came:
    its own clock tells, also a wrong one, where it stamped both."""
    if one.stamped is not None and other.stamped is not None:
        return one.stamped < other.stamped
    return one.at < other.at


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one alarm of an activation tells: nothing in it is of another day, site or person.

    `at`: when it happened, as far as that can be known; `stamped`: as its device says. `still`:
    reported before, so no new trip. `code`, with its list (`sia/FA`), and `type` tell which restore
    is its own; the log of before has neither.
    """

    says: Says
    at: datetime
    technology: ZoneKind
    sensor: Sensor
    partition: str = ""
    still: bool = False
    stamped: datetime | None = None
    code: str = ""
    type: IncidentType | None = None

    @property
    def moment(self) -> Moment:
        return Moment(self.at, self.stamped)


@dataclass(frozen=True, slots=True)
class OpenZone:
    """A zone that alarmed and has not restored: once for each `code` that it alarmed by. `since`:
    when it last did; `stamped`: by its device's own clock. `code` and `type` as in `Evidence`."""

    sensor: Sensor
    partition: str
    since: datetime
    stamped: datetime | None = None
    code: str = ""
    type: IncidentType | None = None

    @property
    def moment(self) -> Moment:
        return Moment(self.since, self.stamped)


@dataclass(frozen=True, slots=True)
class TakesBack:
    """Which alarms of a zone a restore is the restore of: those by `codes`, or, where a code table
    alone says what it restores, all of `type`."""

    codes: tuple[str, ...]
    type: IncidentType


def takes_back(told: TakesBack | None, zone: OpenZone, card: IncidentType | None) -> bool:
    """Whether a restore that says `told` is of the alarm of `zone`. Where the log of before does
    not say what alarmed, it is what its card is of (`card`); a restore of before said its zone."""
    if told is None:
        return True
    if not zone.code:
        return told.type is card
    return zone.code in told.codes if told.codes else told.type is zone.type


class RaisedBecause(StrEnum):
    """Why an incident left the watch band."""

    TWO_ZONES = "two_zones"
    TWO_TECHNOLOGIES = "two_technologies"
    VERIFIED = "verified"
    SECOND_TRIP = "second_trip"
    BY_HAND = "by_hand"  # a person says that somebody is there
    TIMELY = "timely"  # an alarm that waits for nothing joined


def two_zones(one: Evidence, other: Evidence) -> bool:
    """Whether two different zones told of it. A zone that is not named differs from none."""
    return bool(one.sensor.zone and other.sensor.zone) and one.sensor != other.sensor


def two_technologies(one: Evidence, other: Evidence) -> bool:
    """Whether it was seen in two different ways."""
    known = ZoneKind.OTHER not in (one.technology, other.technology)
    return known and one.technology is not other.technology


def confirmed_by(
    asked: Confirming, before: Iterable[Evidence], new: Evidence
) -> RaisedBecause | None:
    """What the alarm `new` and one of those `before` it fulfil; None: it goes on waiting."""
    if new.says is not Says.ALARM:
        return RaisedBecause.VERIFIED
    found = None
    for one in before:
        apart = abs(new.at - one.at)
        if apart <= timedelta(seconds=asked.window_s):
            if asked.rule is ConfirmRule.TWO_ZONES and two_zones(one, new):
                return RaisedBecause.TWO_ZONES
            if asked.rule is ConfirmRule.TWO_TECHNOLOGIES and two_technologies(one, new):
                return RaisedBecause.TWO_TECHNOLOGIES
        if not new.still and asked.two_trip_s and apart <= timedelta(seconds=asked.two_trip_s):
            found = RaisedBecause.SECOND_TRIP
    return found
