"""A user takes an intrusion alarm back, by a cancel or by disarming. It closes the incident only
where everything speaks for it; else it is said on the incident, and a person decides.

Hold-up, duress, panic, fire, medical and gas are never taken back by a message.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tocsin.core.assurance import Assurance
from tocsin.core.code_tables import meaning
from tocsin.core.codes.confirming import CancelHow, takes_back
from tocsin.core.commands import JudgeSignal
from tocsin.core.confirmation import WAITING_TYPES, CancelOutcome, Says, is_before
from tocsin.core.evidence import happened_at, is_late, moment, partition
from tocsin.core.incidents.facts import (
    IncidentCancelled,
    IncidentClosed,
    IncidentFact,
    Source,
)
from tocsin.core.incidents.state import OPEN, Incident, IncidentState, alarm_count
from tocsin.core.signals import Effect
from tocsin.core.states import States, lives_on
from tocsin.core.terms import Context, Disposition


def takes_back_alarm(command: JudgeSignal) -> CancelHow | None:
    """How the signal takes an alarm back. What a code table makes more of it than a status is what
    the table says."""
    means = command.means or meaning(command.read)
    return takes_back(command.read) if means.effect is Effect.STATUS else None


def decide(
    states: States, command: JudgeSignal, where: UUID, how: CancelHow, context: Context
) -> list[IncidentFact]:
    """What follows for the incident `where` from a signal that has joined it."""
    incident = states[where]
    if not isinstance(incident, Incident) or incident.type not in WAITING_TYPES:
        return []
    outcome = _outcome(states, command, where, incident)
    closes = outcome is CancelOutcome.CLOSED
    before = incident.alarms.cancelled
    if before is not None and not before.overtaken and not closes:
        return []  # it was said before, and nothing is new
    cancelled = IncidentCancelled(command.signal, happened_at(command), how, outcome)
    if not closes:
        return [cancelled]
    return [cancelled, IncidentClosed(Disposition.CANCELLED_BY_USER, closed_at=context.now)]


def _outcome(
    states: States, command: JudgeSignal, where: UUID, incident: Incident
) -> CancelOutcome:
    """Whether it closes the incident; the first reason, of many that there may be, why not."""
    if not command.confirming.abort_s:
        return CancelOutcome.NOT_IN_FORCE
    if command.assurance is not Assurance.AUTHENTICATED:
        return CancelOutcome.NOT_AUTHENTICATED
    if is_late(command) or command.is_clock_off:
        return CancelOutcome.LATE
    if incident.units or incident.served:
        return CancelOutcome.UNITS_SENT
    if incident.state is not IncidentState.NEW:
        return CancelOutcome.TAKEN
    if _is_more_known(incident) or _others(states, command, where):
        return CancelOutcome.OTHER_ALARM
    told = [one.evidence for one in incident.alarms.evidence]
    sensors = {one.sensor for one in told}
    if (
        len(sensors) != 1
        or any(one.says is not Says.ALARM for one in told)
        or incident.alarms.late
        or (incident.alarm_count > 1 and not told[0].sensor.zone)
    ):
        return CancelOutcome.MORE_ALARMED
    first = min(told, key=lambda one: one.at)
    if command.device is None or first.sensor.device != command.device:
        return CancelOutcome.OTHER_DEVICE
    said = partition(command)
    if said and any(one.partition and one.partition != said for one in told):
        return CancelOutcome.OTHER_PARTITION
    newest = max(told, key=lambda one: one.at)
    if is_before(moment(command), newest.moment):  # it was heard out of its order
        return CancelOutcome.OUTSIDE_WINDOW
    after = happened_at(command) - first.at
    if not timedelta(0) <= after <= timedelta(seconds=command.confirming.abort_s):
        return CancelOutcome.OUTSIDE_WINDOW
    return CancelOutcome.CLOSED


def _is_more_known(incident: Incident) -> bool:
    """Whether anything but its own intrusion alarms speaks in it: people, who also move signals
    into it and out of it, an incident merged into it, or a fire that somebody calls a burglary."""
    alarms = incident.alarms
    if any(one.evidence.type not in (None, *WAITING_TYPES) for one in alarms.evidence):
        return True
    by_people = incident.report_count > 0 or incident.source is not Source.SIGNAL
    reopened = alarms.cancelled is not None and alarms.cancelled.outcome is CancelOutcome.REOPENED
    by_people = by_people or alarms.sorted_by_hand or alarms.validated is not None
    return bool(incident.absorbed) or by_people or reopened


def _others(states: States, command: JudgeSignal, where: UUID) -> bool:
    """Whether anything else is open at the site, or lives on in an incident of another one: a
    duress alarm beside the burglary, above all."""
    return any(
        isinstance(states.get(one), Incident)
        and (home := lives_on(states, one)) != where
        and isinstance(other := states.get(home), Incident)
        and other.state in OPEN
        and alarm_count(other) > 0
        for one in command.candidates
    )
