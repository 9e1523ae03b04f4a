"""Alarm validation levels (ANSI/TMA-AVS-01), 0 to 4, of an intrusion or hold-up incident.

From the evidence of its own activation only. The standard also takes the history of a site or a
person; this never does. Other types of incident have no level.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import combinations
from typing import Final
from uuid import UUID

from tocsin.core.confirmation import Avs, CancelOutcome, Evidence, Says, two_technologies, two_zones
from tocsin.core.incidents.alarms import Alarms
from tocsin.core.incidents.state import Incident
from tocsin.core.terms import IncidentType

AVS_TYPES: Final = frozenset({IncidentType.BURGLARY, IncidentType.HOLDUP, IncidentType.PANIC})


class AvsWhy(StrEnum):
    """Which rule gives the level."""

    ALARM = "alarm"  # 1: an alarm and no more
    LATE = "late"  # 1: only alarms of long ago, which are no evidence of now
    TWO_ZONES = "two_zones"  # 2
    TWO_TECHNOLOGIES = "two_technologies"  # 2
    VERIFIED = "verified"  # 2: checked by the panel, by sound or by a picture
    LIFE = "life"  # 4: somebody called for help
    MERGED = "merged"  # the level of an incident that was merged into it
    CANCELLED = "cancelled"  # 0: a user who is vouched for took it back in time
    BY_HAND = "by_hand"  # a person saw, heard or was told


@dataclass(frozen=True, slots=True)
class Assessment:
    """A level, the rule that gives it, and the signals that it rests on."""

    level: Avs
    why: AvsWhy
    evidence: tuple[UUID, ...] = ()


def by_evidence(incident: Incident) -> Assessment | None:
    """What the evidence alone says; None where the type has no level, or nothing alarmed.

    No code says what somebody means to do, so 3 (a threat to property) is only a person's word.
    """
    if incident.type not in AVS_TYPES:
        return None
    found = _own(incident)
    brought = max((one.avs for one in incident.absorbed if one.avs is not None), default=None)
    if brought is not None and (found is None or brought > found.level):
        signals = tuple(
            signal for one in incident.absorbed if one.avs is brought for signal in one.signals
        )
        return Assessment(brought, AvsWhy.MERGED, signals)
    return found


def assessed(incident: Incident) -> Assessment | None:
    """The level that holds. What a person set holds until new evidence says more."""
    found, validated = by_evidence(incident), incident.alarms.validated
    if validated is None or incident.type not in AVS_TYPES:
        return found
    if found is not None and found.level > max(validated.avs, validated.by_evidence or 0):
        return found
    return Assessment(validated.avs, AvsWhy.BY_HAND, found.evidence if found else ())


def level_of(incident: Incident) -> Avs | None:
    """The level that holds, by itself."""
    found = assessed(incident)
    return None if found is None else found.level


def is_offered(incident: Incident) -> bool:
    """Whether a user took it back in a way that closes nothing: level 0 is a person's to give."""
    cancelled = incident.alarms.cancelled
    stands = cancelled is not None and not cancelled.overtaken
    return stands and level_of(incident) is not Avs.NO_CALL


def _own(incident: Incident) -> Assessment | None:
    alarms = incident.alarms
    if incident.alarm_count == 0:
        return None
    cancelled = alarms.cancelled
    closed = cancelled is not None and cancelled.outcome is CancelOutcome.CLOSED
    if cancelled is not None and closed and not cancelled.overtaken:
        return Assessment(Avs.NO_CALL, AvsWhy.CANCELLED, (cancelled.signal,))
    for says, level, why in (
        (Says.LIFE, Avs.LIFE, AvsWhy.LIFE),
        (Says.VERIFIED, Avs.PRESENCE, AvsWhy.VERIFIED),
    ):
        signals = tuple(one.signal for one in alarms.evidence if one.evidence.says is says)
        if signals:
            return Assessment(level, why, signals)
    pair = _pair(alarms)
    if pair is not None:
        return pair
    told = tuple(one.signal for one in alarms.evidence)
    if told or not incident.late:
        return Assessment(Avs.LIMITED, AvsWhy.ALARM, told or incident.signals[:1])
    return Assessment(Avs.LIMITED, AvsWhy.LATE, incident.signals[:1])


def _pair(alarms: Alarms) -> Assessment | None:
    """The first two alarms within the site's window that are of two zones, or of two kinds."""
    for why, differ in (
        (AvsWhy.TWO_ZONES, two_zones),
        (AvsWhy.TWO_TECHNOLOGIES, two_technologies),
    ):
        for one, other in combinations(alarms.evidence, 2):
            if _near(one.evidence, other.evidence, alarms.window_s) and differ(
                one.evidence, other.evidence
            ):
                return Assessment(Avs.PRESENCE, why, (one.signal, other.signal))
    return None


def _near(one: Evidence, other: Evidence, window_s: int) -> bool:
    return abs(one.at - other.at) <= timedelta(seconds=window_s)
