"""What one signal is evidence of, before it is judged: when it happened, what watched, and whether
it is of now or of long ago."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tocsin.core.code_tables import built_in, list_of, partition_of, zone_of
from tocsin.core.codes.confirming import is_verified, technology
from tocsin.core.codes.meaning import NEW, STILL_PRESENT, Meaning
from tocsin.core.codes.restoring import restored_by
from tocsin.core.commands import JudgeSignal
from tocsin.core.confirmation import Evidence, Moment, Says, Sensor, TakesBack
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

_OF_NO_ALARM: Final = frozenset({IncidentType.TECHNICAL, IncidentType.UNKNOWN})
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
        code=_in_list(command, command.read.code),
        type=means.type,
    )


def restores(command: JudgeSignal, means: Meaning) -> tuple[Sensor, TakesBack] | None:
    """What is quiet again, and of which alarms; None for what restores no alarm, or names no
    zone."""
    if means.effect is not Effect.RESTORE:
        return None
    sensor = _sensor(command)
    told = _takes_back(command, means) if sensor.zone else None
    return None if told is None else (sensor, told)


def _takes_back(command: JudgeSignal, means: Meaning) -> TakesBack | None:
    """As the pairs of its list say. Where its list knows of none, a code table may say by the type
    of its row what it restores; equipment and what has no type restore no alarm."""
    read, is_by_table = command.read, command.codes_version > 0
    listed = list_of(read)
    codes = restored_by(listed, read.code, read.qualifier)
    if codes:
        # Contact ID: the restore of a trouble, unless a table makes its event an alarm.
        is_event = listed == "cid" and not is_by_table
        if is_event and built_in(listed, read.code, NEW).effect is not Effect.ALARM:
            return None
        return TakesBack(tuple(_in_list(command, one) for one in codes), means.type)
    standard = built_in(listed, read.code, read.qualifier)
    is_its_word = standard.effect is not Effect.RESTORE or standard.type is not means.type
    if is_by_table and is_its_word and means.type not in _OF_NO_ALARM:
        return TakesBack((), means.type)
    return None


def _in_list(command: JudgeSignal, code: str) -> str:
    return f"{list_of(command.read)}/{code}"


def partition(command: JudgeSignal) -> str:
    """The partition it names; empty for none, and for the whole system."""
    return partition_of(command.read).lstrip("0")


def _sensor(command: JudgeSignal) -> Sensor:
    zone = zone_number(zone_of(command.read))
    return Sensor(command.device, "" if zone == "0" else zone)
