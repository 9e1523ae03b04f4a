"""Rules of public reports: each opens an incident, joins a collecting card, or adds to either.

A report is kept whatever comes with it. Only how loud it is depends on how many come at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from tocsin.core.incidents.decide import (
    assign_by,
    checked_place,
    checked_text,
    due_anew,
    prioritised,
    require_open,
    titled,
)
from tocsin.core.incidents.duplicates import ids, possible_duplicates
from tocsin.core.incidents.evolving import evolve
from tocsin.core.incidents.facts import (
    IncidentFact,
    IncidentOpened,
    IncidentReleased,
    ReportAdded,
    ReportJoined,
    ReportWithdrawn,
    Source,
)
from tocsin.core.incidents.state import IncidentState
from tocsin.core.obligations import deadline
from tocsin.core.reports import (
    PHONE_CHARS_MAX,
    TEXT_CHARS_MAX,
    WHERE_CHARS_MAX,
    AddToReport,
    Collecting,
    ReceiveReport,
    ReportCommand,
    WithdrawReport,
    comes_to,
)
from tocsin.core.states import Decided, States, the_incident
from tocsin.core.terms import Context, IncidentType, Reason, Refused, SubjectKind
from tocsin.core.texts.text import Text
from tocsin.core.texts.types import INCIDENT_TYPES

REPORTED: Final = Text("网上报警", "Public report")
COLLECTED: Final[dict[Collecting, Text]] = {
    Collecting.NETWORK: Text("网上报警汇总（同一网络）", "Public reports, one network"),
    Collecting.AREA: Text("网上报警汇总（同一片区）", "Public reports, one area"),
    Collecting.REST: Text("网上报警汇总（其余）", "Public reports, all others"),
}


def decide(states: States, command: ReportCommand, context: Context) -> list[Decided]:
    """The facts on the incident, or `Refused`: text empty or too long, incident closed."""
    match command:
        case ReceiveReport():
            joined = _joined(command)
            if command.into is None:
                return _open(command, joined, context)
            return _join(states, command, joined, context)
        case AddToReport():
            require_open(the_incident(states, command.incident))
            added = ReportAdded(command.report, _within(checked_text(command.text), TEXT_CHARS_MAX))
            return [(SubjectKind.INCIDENT, command.incident, added)]
        case WithdrawReport():
            require_open(the_incident(states, command.incident))
            return [(SubjectKind.INCIDENT, command.incident, ReportWithdrawn(command.report))]
        case _:
            assert_never(command)


def _joined(command: ReceiveReport) -> ReportJoined:
    phone = command.phone
    return ReportJoined(
        command.report,
        command.kind,
        command.hurt,
        where=_within(checked_text(command.where), WHERE_CHARS_MAX),
        text=_within(command.text.strip(), TEXT_CHARS_MAX),
        caller_phone=None if phone is None else _within(phone, PHONE_CHARS_MAX),
    )


def _within(text: str, chars_max: int) -> str:
    if len(text) > chars_max:
        raise Refused(Reason.TEXT_TOO_LONG, chars_max=chars_max)
    return text


def _open(command: ReceiveReport, joined: ReportJoined, context: Context) -> list[Decided]:
    incident_type, level = comes_to(command.kind, command.hurt)
    now, incident = context.now, context.fresh_ids[0]
    collecting = command.collecting
    place = None if command.place is None else checked_place(command.place, "reporter")
    if collecting is None:
        zh, en = INCIDENT_TYPES[incident_type]
        title = Text(titled(zh, REPORTED.zh), titled(en, REPORTED.en))
    else:
        title = COLLECTED[collecting]
        if collecting is not Collecting.AREA:
            # It will hold all kinds, from all places.
            incident_type, place = IncidentType.UNKNOWN, None
    alike = possible_duplicates(incident_type, place, now, context.nearby)
    opened = IncidentOpened(
        number=context.incident_number,
        type=incident_type,
        level=level,
        place=place,
        district=command.district,
        agency=command.agency,
        source=Source.REPORT,
        opened_at=now,
        # A collecting card is one card, so it may be as loud as the gravest report in it.
        due_at=deadline(now, context.obligations.take_s[level - 1]),
        source_key=command.source_key,
        watch=collecting is not None,
        title_zh=title.zh,
        title_en=title.en,
        duplicates=ids(alike),
        likenesses=alike,
    )
    return [
        (SubjectKind.INCIDENT, incident, opened),
        (SubjectKind.INCIDENT, incident, joined),
    ]


def _join(
    states: States, command: ReceiveReport, joined: ReportJoined, context: Context
) -> list[Decided]:
    assert command.into is not None
    incident = the_incident(states, command.into)
    require_open(incident)
    facts: list[IncidentFact] = [joined]
    if incident.state is IncidentState.HELD:
        # A further report is news: whoever held the card must look again.
        released = IncidentReleased(due_at=assign_by(incident, context))
        facts.append(released)
        incident = evolve(incident, released)
    _, level = comes_to(command.kind, command.hurt)
    gravest = min(level, incident.level)
    take_by = deadline(context.now, context.obligations.take_s[gravest - 1])
    anew = due_anew(replace(incident, level=gravest), take_by, context)
    if anew is not None:
        incident = replace(incident, due_at=anew)
    if anew is not None or level < incident.level:
        facts.append(prioritised(incident, gravest, context))
    return [(SubjectKind.INCIDENT, command.into, fact) for fact in facts]
