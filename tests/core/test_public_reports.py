"""Public reports in the core: type and level are provisional, a collecting card is as loud as the
gravest report in it, nothing personal is in the open, and nothing sends anybody."""

import dataclasses
from uuid import UUID

import pytest

from core.world import LI, NOON, SYSTEM, World, place
from tocsin.core.access import TABLE
from tocsin.core.commands import (
    ClassifyIncident,
    CloseIncident,
    HoldIncident,
    TakeIncident,
)
from tocsin.core.incidents.facts import (
    IncidentOpened,
    IncidentPrioritised,
    IncidentReleased,
    ReportAdded,
    ReportJoined,
    ReportWithdrawn,
    Source,
)
from tocsin.core.incidents.state import Band, Incident, IncidentState, band
from tocsin.core.obligations import DEFAULT_OBLIGATIONS
from tocsin.core.reactions import reactions
from tocsin.core.reports import (
    AddToReport,
    Collecting,
    Hurt,
    ReceiveReport,
    ReportKind,
    WithdrawReport,
    comes_to,
)
from tocsin.core.terms import Disposition, IncidentType, Level, Reason, Refused

CARD = {"collecting": Collecting.NETWORK, "source_key": "report/network/x"}


def report(world: World, **fields: object) -> ReceiveReport:
    given: dict[str, object] = {
        "report": world.id(),
        "kind": ReportKind.FIRE,
        "hurt": Hurt.UNKNOWN,
        "where": "Mill Road 4, second floor",
        "district": "north",
        "agency": "city",
        **fields,
    }
    return ReceiveReport(**given)  # type: ignore[arg-type]


def opened(world: World, command: ReceiveReport) -> tuple[UUID, Incident]:
    world.do(command, SYSTEM)
    subject = world.log[-1][1]
    state = world.states[subject]
    assert isinstance(state, Incident)
    return subject, state


@pytest.mark.parametrize("kind", ReportKind)
@pytest.mark.parametrize("hurt", Hurt)
def test_every_choice_comes_to_a_type_and_level_and_hurt_is_never_less_urgent(
    kind: ReportKind, hurt: Hurt
) -> None:
    incident_type, level = comes_to(kind, hurt)
    assert incident_type in IncidentType
    assert comes_to(kind, Hurt.YES)[1] <= level
    assert comes_to(kind, Hurt.NO)[1] == comes_to(kind, Hurt.UNKNOWN)[1]


def test_a_report_opens_an_incident_that_waits_to_be_taken() -> None:
    world = World()
    command = report(world, text="flames", phone="13900001111", place=place())
    facts = world.do(command, SYSTEM)
    assert [type(fact) for fact in facts] == [IncidentOpened, ReportJoined]
    _, incident = world.log[-1][1], world.states[world.log[-1][1]]
    assert isinstance(incident, Incident)
    assert (incident.source, incident.type, incident.level) == (
        Source.REPORT,
        IncidentType.FIRE,
        Level.P1,
    )
    assert (incident.state, band(incident)) == (IncidentState.NEW, Band.UNASSIGNED)
    assert incident.title_zh == "火警 · 网上报警"
    assert incident.report_count == 1
    assert incident.place is not None
    assert incident.place.source == "reporter"
    assert (incident.due_at - NOON).seconds == DEFAULT_OBLIGATIONS.take_s[0]  # type: ignore[operator]
    # Nothing reacts to it: whoever is sent is sent by a person.
    assert all(reactions(subject, fact) == () for _, subject, fact in world.log)


def test_nothing_personal_is_in_the_state() -> None:
    world = World()
    _, incident = opened(world, report(world, text="flames", phone="13900001111"))
    said = repr(dataclasses.asdict(incident))
    assert "13900001111" not in said
    assert "flames" not in said
    assert "second floor" not in said


def test_no_role_may_send_these_commands() -> None:
    assert not {"receive_report", "add_to_report", "withdraw_report"} & set(TABLE)


def test_a_collecting_card_waits_in_the_watch_band_and_takes_the_gravest_level() -> None:
    world = World()
    first = report(world, kind=ReportKind.TECHNICAL, place=place(), **CARD)
    card, incident = opened(world, first)
    assert (band(incident), incident.type, incident.level) == (
        Band.WATCH,
        IncidentType.UNKNOWN,  # it will hold all kinds, from all places
        Level.P3,
    )
    assert incident.place is None
    due_at = incident.due_at
    facts = world.do(report(world, into=card, **CARD), SYSTEM)
    assert [type(fact) for fact in facts] == [ReportJoined, IncidentPrioritised]
    joined = world.states[card]
    assert isinstance(joined, Incident)
    assert (joined.report_count, joined.level, band(joined)) == (2, Level.P1, Band.WATCH)
    assert joined.due_at is not None
    assert due_at is not None
    assert joined.due_at < due_at
    less = world.do(report(world, into=card, kind=ReportKind.OTHER, **CARD), SYSTEM)
    assert [type(fact) for fact in less] == [ReportJoined]


def test_a_card_of_an_area_keeps_its_type_and_place() -> None:
    world = World()
    _, incident = opened(
        world, report(world, place=place(), collecting=Collecting.AREA, source_key="report/area/1")
    )
    assert incident.type is IncidentType.FIRE
    assert incident.place is not None


def test_a_further_report_ends_a_hold() -> None:
    world = World()
    card, _ = opened(world, report(world, **CARD))
    world.do(TakeIncident(card), LI)
    world.do(HoldIncident(card, world.now.replace(hour=13), "later"), LI)
    facts = world.do(report(world, into=card, **CARD), SYSTEM)
    assert [type(fact) for fact in facts] == [ReportJoined, IncidentReleased]


def test_a_graver_report_that_ends_a_hold_has_a_deadline() -> None:
    world = World()
    card, _ = opened(world, report(world, kind=ReportKind.TECHNICAL, **CARD))
    world.do(HoldIncident(card, world.now.replace(hour=17), "later"), LI)
    facts = world.do(report(world, into=card, hurt=Hurt.YES, **CARD), SYSTEM)
    assert [type(fact) for fact in facts] == [ReportJoined, IncidentReleased, IncidentPrioritised]
    incident = world.incident(card)
    assert (incident.state, incident.level) == (IncidentState.TAKEN, Level.P1)
    assert incident.due_at is not None
    assert (incident.due_at - NOON).seconds == DEFAULT_OBLIGATIONS.assign_s[0]


def test_a_closed_card_takes_no_report_and_a_closed_incident_no_addition() -> None:
    world = World()
    card, _ = opened(world, report(world, **CARD))
    world.do(TakeIncident(card), LI)
    world.do(CloseIncident(card, Disposition.UNFOUNDED), LI)
    one = UUID(int=99)
    for command in (
        report(world, into=card, **CARD),
        AddToReport(card, one, "more"),
        WithdrawReport(card, one),
    ):
        assert world.refused(command, SYSTEM).reason is Reason.INCIDENT_CLOSED


def test_what_is_added_is_counted_and_no_longer_needed_closes_nothing() -> None:
    world = World()
    command = report(world)
    subject, _ = opened(world, command)
    assert world.do(AddToReport(subject, command.report, " two cars "), SYSTEM) == [
        ReportAdded(command.report, "two cars")
    ]
    assert world.do(WithdrawReport(subject, command.report), SYSTEM) == [
        ReportWithdrawn(command.report)
    ]
    incident = world.states[subject]
    assert isinstance(incident, Incident)
    assert (incident.report_additions, incident.reports_withdrawn) == (1, 1)
    assert incident.state is IncidentState.NEW
    assert incident.due_at is not None


@pytest.mark.parametrize(
    ("fields", "most"),
    [({"where": "x" * 301}, 300), ({"text": "x" * 2_001}, 2_000), ({"phone": "1" * 31}, 30)],
)
def test_a_text_over_its_limit_is_refused_and_one_at_it_is_not(
    fields: dict[str, str], most: int
) -> None:
    world = World()
    refusal = world.refused(report(world, **fields), SYSTEM)
    assert (refusal.reason, refusal.details["chars_max"]) == (Reason.TEXT_TOO_LONG, most)
    world.do(report(world, **{name: text[:-1] for name, text in fields.items()}), SYSTEM)


def test_a_report_without_a_place_in_words_is_refused() -> None:
    world = World()
    with pytest.raises(Refused):
        world.do(report(world, where="  "), SYSTEM)


def test_classifying_a_card_brings_it_into_the_queue() -> None:
    world = World()
    card, _ = opened(world, report(world, **CARD))
    world.do(ClassifyIncident(card, IncidentType.FIRE), LI)
    incident = world.states[card]
    assert isinstance(incident, Incident)
    assert band(incident) is Band.UNASSIGNED
