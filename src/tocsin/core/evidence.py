"""What one signal is evidence of, before it is judged: when it happened, what watched, and whether
it is of now or of long ago."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tocsin.core.code_tables import partition_of, zone_of
from tocsin.core.codes.confirming import ends_alarm, is_verified, technology
from tocsin.core.codes.meaning import STILL_PRESENT, Meaning
from tocsin.core.commands import JudgeSignal
from tocsin.core.confirmation import Evidence, Moment, Says, Sensor
from tocsin.core.signals import Effect, SignalRead
from tocsin.core.terms import IncidentType
from tocsin.core.zones import zone_number

LATE_AFTER: Final = timedelta(minutes=10)
OLD_AFTER: Final = timedelta(hours=1)

QUEUED_AT_MOST: Final = {
    "mail": timedelta(days=5),  # RFC 5321, 4.5.4.1: so long a server tries at least
    "webhook": timedelta(hours=24),  # senders give up within a day
    "mqtt": timedelta(hours=24),  # so long clients and brokers are told to keep messages
}
"""The longest that a message waits on its way. What says that it is older has a wrong clock, and is
of now. DC-09 is not among them: panels flush memories of days, and their clocks are learnt."""

_CALLS_FOR_HELP: Final = frozenset({IncidentType.HOLDUP, IncidentType.PANIC})


def is_late(command: JudgeSignal) -> bool:
    """Whether it occurred more than ten minutes before we heard of it, by its device's clock."""
    occurred_at = command.read.occurred_at
    return occurred_at is not None and command.received_at - occurred_at > LATE_AFTER


def is_old(command: JudgeSignal) -> bool:
    """Whether it occurred more than an hour ago, as far as that can be known: where the device's
    clock is wrong, it may be of now, and in doubt it is. A warning is as old as it is and in force
    nevertheless."""
    return is_of_long_ago(command.read, command.received_at, is_clock_off=command.is_clock_off)


def is_of_long_ago(read: SignalRead, received_at: datetime, *, is_clock_off: bool) -> bool:
    """`is_old`, asked before it is known what the signal is judged by."""
    if read.occurred_at is None or is_clock_off or read.codes == "cap":
        return False
    age = received_at - read.occurred_at
    return OLD_AFTER < age <= QUEUED_AT_MOST.get(read.protocol, timedelta.max)


def happened_at(command: JudgeSignal) -> datetime:
    """When it happened: as the device says where that can be, else when we heard of it."""
    occurred_at = command.read.occurred_at
    if occurred_at is None or command.is_clock_off or occurred_at > command.received_at:
        return command.received_at
    most = QUEUED_AT_MOST.get(command.read.protocol, timedelta.max)
    return command.received_at if command.received_at - occurred_at > most else occurred_at


def moment(command: JudgeSignal) -> Moment:
    """The same with what its device says, which orders what one device told."""
    return Moment(happened_at(command), command.read.occurred_at)


def evidence(command: JudgeSignal, means: Meaning) -> Evidence | None:
    """What an alarm of a known site tells; None for what is no alarm, or of long ago."""
    if means.effect is not Effect.ALARM or command.site is None or is_old(command):
        return None
    says = Says.VERIFIED if is_verified(command.read) else Says.ALARM
    if means.type in _CALLS_FOR_HELP:
        says = Says.LIFE
    sensor = _sensor(command)
    watches = dict(command.zone_kinds).get(sensor.zone) if sensor.zone else None
    return Evidence(
        says=says,
        at=happened_at(command),
        technology=watches or technology(command.read, means.type),
        sensor=sensor,
        partition=partition(command),
        still=command.read.qualifier == STILL_PRESENT,
        stamped=command.read.occurred_at,
    )


def restores(command: JudgeSignal, means: Meaning) -> Sensor | None:
    """What is quiet again; None for what restores no alarm, or names no zone."""
    if means.effect is not Effect.RESTORE or not ends_alarm(command.read):
        return None
    sensor = _sensor(command)
    return sensor if sensor.zone else None


def partition(command: JudgeSignal) -> str:
    """The partition it names; empty for none, and for the whole system."""
    return partition_of(command.read).lstrip("0")


def _sensor(command: JudgeSignal) -> Sensor:
    zone = zone_number(zone_of(command.read))
    return Sensor(command.device, "" if zone == "0" else zone)
