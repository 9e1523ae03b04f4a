"""Rules of an incident: what a call-taker or dispatcher may do with it, and what the clock does.

Rules that span units and orders are in `tocsin.core.sending` and `tocsin.core.reporting`; the
judging of signals is in `tocsin.core.judging`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import Final, assert_never

from tocsin.core import avs, caller_places
from tocsin.core.commands import (
    AddNote,
    ClassifyIncident,
    CloseIncident,
    HoldIncident,
    LocateIncident,
    OpenIncident,
    PrioritiseIncident,
    ReleaseIncident,
    ReopenIncident,
    TakeIncident,
    ValidateIncident,
)
from tocsin.core.confirmation import Avs, RaisedBecause
from tocsin.core.incidents.alarms import waits
from tocsin.core.incidents.duplicates import ids, possible_duplicates
from tocsin.core.incidents.facts import (
    IncidentClassified,
    IncidentClosed,
    IncidentFact,
    IncidentHeld,
    IncidentLocated,
    IncidentNoted,
    IncidentOpened,
    IncidentOverdue,
    IncidentPrioritised,
    IncidentRaised,
    IncidentReleased,
    IncidentReopened,
    IncidentTaken,
    IncidentValidated,
    Source,
)
from tocsin.core.incidents.state import OPEN, Incident, IncidentState, due, step
from tocsin.core.obligations import Obligations, deadline
from tocsin.core.states import Decided
from tocsin.core.terms import (
    NOTE_CHARS_MAX,
    Context,
    Level,
    Place,
    Reason,
    Refused,
    SubjectKind,
)
from tocsin.core.texts.types import INCIDENT_TYPES

IncidentCommand = (
    TakeIncident
    | ClassifyIncident
    | PrioritiseIncident
    | LocateIncident
    | AddNote
    | HoldIncident
    | ReleaseIncident
    | CloseIncident
    | ReopenIncident
    | ValidateIncident
)

CALLER_CHARS_MAX: Final = 200


def decide(  # noqa: C901 - one case each
    incident: Incident, command: IncidentCommand, context: Context
) -> list[IncidentFact]:
    """The facts that follow from a command about one incident alone, or `Refused`."""
    match command:
        case TakeIncident():
            return [_take(incident, context)]
        case ClassifyIncident():
            require_open(incident)
            if incident.type is command.incident_type:
                raise Refused(Reason.ALREADY_SO)
            due_at = incident.due_at
            if incident.watch:
                due_at = _out_of_watch_by(incident, incident.level, context)
            return [IncidentClassified(command.incident_type, due_at=due_at)]
        case PrioritiseIncident():
            require_open(incident)
            if incident.level == command.level:
                raise Refused(Reason.ALREADY_SO)
            return [prioritised(incident, command.level, context)]
        case LocateIncident():
            require_open(incident)
            return [_located(command)]
        case AddNote():
            # A note is allowed on a closed or merged incident: late knowledge belongs there too.
            return [IncidentNoted(checked_text(command.text))]
        case HoldIncident():
            return _hold(incident, command, context)
        case ReleaseIncident():
            require_open(incident)
            if incident.state is not IncidentState.HELD:
                raise Refused(Reason.INCIDENT_NOT_HELD)
            return [IncidentReleased(due_at=assign_by(incident, context))]
        case CloseIncident():
            return _close(incident, command, context)
        case ReopenIncident():
            return _reopen(incident, command, context)
        case ValidateIncident():
            return _validate(incident, command, context)
        case _:
            assert_never(command)


def open_by_call(command: OpenIncident, context: Context) -> list[Decided]:
    """A call-taker opens an incident; it waits to be taken like any other."""
    place = None
    if command.place is not None:
        place = checked_place(command.place)
    for personal in (command.caller_name, command.caller_phone):
        if personal is not None and len(personal) > CALLER_CHARS_MAX:
            raise Refused(Reason.TEXT_TOO_LONG, chars_max=CALLER_CHARS_MAX)
    zh, en = INCIDENT_TYPES[command.incident_type]
    now = context.now
    alike = possible_duplicates(command.incident_type, place, now, context.nearby)
    opened = IncidentOpened(
        number=context.incident_number,
        type=command.incident_type,
        level=command.level,
        place=place,
        district=command.district,
        agency=command.agency,
        source=Source.CALL,
        opened_at=now,
        due_at=deadline(now, context.obligations.take_s[command.level - 1]),
        title_zh=titled(zh, place.address_zh if place else ""),
        title_en=titled(en, place.address_en if place else ""),
        duplicates=ids(alike),
        likenesses=alike,
        caller_name=command.caller_name,
        caller_phone=command.caller_phone,
        note=None if command.note is None else checked_text(command.note),
    )
    return [(SubjectKind.INCIDENT, context.fresh_ids[0], opened)]


def time_is_up(incident: Incident, now: datetime, obligations: Obligations) -> list[IncidentFact]:
    """A hold ends by itself; a step that did not happen is said once."""
    due_at = due(incident)
    if due_at is None or now < due_at:
        return []
    if incident.state is IncidentState.HELD:
        return [
            IncidentReleased(by_time=True, due_at=_assign_deadline(incident, now, obligations)),
        ]
    return [IncidentOverdue(step(incident), due_at)]


def require_open(incident: Incident) -> None:
    """Refuses for a closed or merged incident."""
    if incident.state is IncidentState.MERGED:
        raise Refused(Reason.INCIDENT_MERGED)
    if incident.state is IncidentState.CLOSED:
        raise Refused(Reason.INCIDENT_CLOSED)


def taken(incident: Incident, context: Context) -> IncidentTaken:
    """The fact that the actor takes the incident, with the deadline for a unit."""
    return IncidentTaken(
        by=context.actor.id,
        by_name=context.actor.name,
        at=context.now,
        due_at=assign_by(incident, context),
    )


def assign_by(incident: Incident, context: Context) -> datetime | None:
    """By when a unit must be on the incident, or somebody must have closed it."""
    return _assign_deadline(incident, context.now, context.obligations)


def due_anew(incident: Incident, take_by: datetime | None, context: Context) -> datetime | None:
    """By when somebody must act where an alarm or a report joins an incident whose deadline has
    spoken: `take_by` if nobody has taken it, else as when it was taken. It is overdue meanwhile.
    None where a deadline runs, where units are, and while it is held."""
    if incident.due_at is not None or incident.units or incident.state is IncidentState.HELD:
        return None
    return take_by if incident.state is IncidentState.NEW else assign_by(incident, context)


def prioritised(incident: Incident, level: Level, context: Context) -> IncidentPrioritised:
    """The level changes; a more urgent one never leaves more time than there was."""
    due_at = incident.due_at
    if due_at is not None:
        obligations = context.obligations
        if incident.state is IncidentState.NEW:
            anew = deadline(context.now, obligations.take_s[level - 1])
        elif incident.served:
            anew = due_at
        else:
            anew = deadline(context.now, obligations.assign_s[level - 1])
        if anew is not None and level < incident.level:
            anew = min(anew, due_at)
        due_at = anew
    return IncidentPrioritised(level, due_at=due_at)


def as_grave(incident: Incident, level: Level, context: Context) -> list[IncidentPrioritised]:
    """What a signal that is no alarm, and needs an answer at `level`, makes of the incident that it
    comes to: nothing where that is as grave."""
    if incident.level <= level:
        return []
    take_by = deadline(context.now, context.obligations.take_s[level - 1])
    anew = due_anew(incident, take_by, context)
    incident = incident if anew is None else replace(incident, due_at=anew)
    return [prioritised(incident, level, context)]


def _located(command: LocateIncident) -> IncidentLocated:
    """By evidence it keeps its uncertainty and its age; what a person says has neither."""
    if command.place is None:
        raise Refused(Reason.PLACE_INVALID, lat=None, lon=None)
    if command.evidence is None:
        return IncidentLocated(checked_place(command.place))
    place = checked_place(command.place, caller_places.SOURCE)
    measured = replace(
        place, radius_m=command.place.radius_m, measured_at=command.place.measured_at
    )
    return IncidentLocated(measured, evidence=command.evidence)


def checked_place(place: Place, source: str = "call_taker") -> Place:
    """The place as the word of `source`, refused if its coordinate is none."""
    if not (
        isfinite(place.lat)
        and isfinite(place.lon)
        and -90 <= place.lat <= 90
        and -180 <= place.lon <= 180
    ):
        raise Refused(Reason.PLACE_INVALID, lat=place.lat, lon=place.lon)
    return Place(place.lat, place.lon, place.datum, place.address_zh, place.address_en, source)


def checked_text(text: str) -> str:
    """The text without outer white space, refused if empty or too long."""
    stripped = text.strip()
    if not stripped:
        raise Refused(Reason.TEXT_EMPTY)
    if len(stripped) > NOTE_CHARS_MAX:
        raise Refused(Reason.TEXT_TOO_LONG, chars_max=NOTE_CHARS_MAX)
    return stripped


def titled(what: str, where: str) -> str:
    return f"{what} · {where}" if where else what


def _assign_deadline(
    incident: Incident, now: datetime, obligations: Obligations
) -> datetime | None:
    if incident.units:
        return None
    if incident.served:
        return deadline(now, obligations.close_s)
    return deadline(now, obligations.assign_s[incident.level - 1])


def _take(incident: Incident, context: Context) -> IncidentTaken:
    require_open(incident)
    if incident.state is not IncidentState.NEW:
        if incident.taken_by == context.actor.id:
            raise Refused(Reason.ALREADY_SO)
        raise Refused(Reason.ALREADY_TAKEN, by=incident.taken_by_name, at=incident.taken_at)
    return taken(incident, context)


def _hold(incident: Incident, command: HoldIncident, context: Context) -> list[IncidentFact]:
    require_open(incident)
    if incident.units:
        raise Refused(Reason.UNIT_ATTACHED, units=call_signs(incident))
    if command.until <= context.now:
        raise Refused(Reason.TIME_IN_PAST)
    held = IncidentHeld(until=command.until, reason=checked_text(command.reason))
    if incident.state is IncidentState.NEW:
        return [taken(incident, context), held]
    return [held]


def _close(incident: Incident, command: CloseIncident, context: Context) -> list[IncidentFact]:
    require_open(incident)
    if incident.units:
        raise Refused(Reason.UNIT_ATTACHED, units=call_signs(incident))
    note = None if command.note is None else checked_text(command.note)
    return [IncidentClosed(command.disposition, closed_at=context.now, note=note)]


def _reopen(incident: Incident, command: ReopenIncident, context: Context) -> list[IncidentFact]:
    if incident.state is IncidentState.MERGED:
        raise Refused(Reason.INCIDENT_MERGED)
    if incident.state in OPEN:
        raise Refused(Reason.INCIDENT_NOT_CLOSED)
    by_level = (
        context.obligations.take_s if incident.taken_at is None else (context.obligations.assign_s)
    )
    due_at = deadline(context.now, by_level[incident.level - 1])
    return [IncidentReopened(due_at=due_at, reason=checked_text(command.reason))]


def _validate(
    incident: Incident, command: ValidateIncident, context: Context
) -> list[IncidentFact]:
    """A person's word that somebody is there confirms what waits for it."""
    require_open(incident)
    if incident.type not in avs.AVS_TYPES:
        raise Refused(Reason.AVS_NOT_FOR_TYPE)
    found = avs.assessed(incident)
    if found is not None and (found.level, found.why) == (command.avs, avs.AvsWhy.BY_HAND):
        raise Refused(Reason.ALREADY_SO)
    evidence = avs.by_evidence(incident)
    validated = IncidentValidated(
        avs=command.avs,
        by=context.actor.id,
        by_name=context.actor.name,
        at=context.now,
        by_evidence=None if evidence is None else evidence.level,
        reason=checked_text(command.reason),
    )
    if command.avs < Avs.PRESENCE or not waits(incident.alarms):
        return [validated]
    return [validated, raised(incident, RaisedBecause.BY_HAND, incident.level, context)]


def raised(
    incident: Incident, reason: RaisedBecause, level: Level, context: Context
) -> IncidentRaised:
    """It leaves the watch band, never with more time than it had."""
    return IncidentRaised(reason, due_at=_out_of_watch_by(incident, level, context))


def _out_of_watch_by(incident: Incident, level: Level, context: Context) -> datetime | None:
    """By when somebody must have acted on what leaves the watch band."""
    due_at = incident.due_at
    if incident.state is not IncidentState.NEW or incident.units:
        return due_at
    anew = deadline(context.now, context.obligations.take_s[level - 1])
    return anew if due_at is None or anew is None else min(anew, due_at)


def call_signs(incident: Incident) -> list[str]:
    """Call signs of the attached units, as a refusal names them."""
    return [unit.call_sign for unit in incident.units]
