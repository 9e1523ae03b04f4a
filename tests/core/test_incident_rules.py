"""An incident by itself: opened by a call, taken, classified, held, closed, reopened, overdue."""

from datetime import timedelta

import pytest

from core.world import ANN, LI, MILL_ROAD, NOON, SYSTEM, World, place
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
    ReportStatus,
    TakeIncident,
    TimeIsUp,
)
from tocsin.core.incidents.duplicates import Alike, Likeness
from tocsin.core.incidents.facts import (
    IncidentClosed,
    IncidentHeld,
    IncidentNoted,
    IncidentOpened,
    IncidentOverdue,
    IncidentReleased,
    IncidentStep,
    IncidentTaken,
    Source,
)
from tocsin.core.incidents.state import Band, IncidentState, band
from tocsin.core.obligations import Obligations
from tocsin.core.states import due
from tocsin.core.terms import (
    NOTE_CHARS_MAX,
    RACES,
    Datum,
    Disposition,
    IncidentType,
    Level,
    Place,
    Reason,
    SubjectKind,
)
from tocsin.core.units import UnitState


def test_a_call_opens_an_incident_that_waits_to_be_taken() -> None:
    world = World()
    opened = world.do(
        OpenIncident(IncidentType.FIRE, Level.P1, "north", "city", MILL_ROAD, "Bob", "555", "smoke")
    )
    assert opened == [
        IncidentOpened(
            number=1,
            type=IncidentType.FIRE,
            level=Level.P1,
            place=Place(
                MILL_ROAD.lat,
                MILL_ROAD.lon,
                Datum.WGS_84,
                "磨坊路 4 号",
                "Mill Road 4",
                "call_taker",
            ),
            district="north",
            agency="city",
            source=Source.CALL,
            opened_at=NOON,
            due_at=NOON + timedelta(seconds=60),
            title_zh="火警 · 磨坊路 4 号",
            title_en="Fire · Mill Road 4",
            caller_name="Bob",
            caller_phone="555",
            note="smoke",
        )
    ]
    incident = world.incident(world.incidents()[0])
    assert incident.state is IncidentState.NEW
    assert band(incident) is Band.UNASSIGNED


@pytest.mark.parametrize(
    "wrong", [(91.0, 0.0), (0.0, -181.0), (float("nan"), 0.0), (0.0, float("inf"))]
)
def test_a_coordinate_that_is_none_is_refused(wrong: tuple[float, float]) -> None:
    world = World()
    bad = Place(*wrong, Datum.WGS_84)
    opening = OpenIncident(IncidentType.FIRE, Level.P1, "north", "city", bad)
    assert world.refused(opening).reason is Reason.PLACE_INVALID
    incident = world.call()
    assert world.refused(LocateIncident(incident, bad)).reason is Reason.PLACE_INVALID


def test_a_caller_of_any_length_is_refused() -> None:
    world = World()
    opening = OpenIncident(
        IncidentType.FIRE, Level.P1, "north", "city", MILL_ROAD, caller_name="x" * 201
    )
    assert world.refused(opening).reason is Reason.TEXT_TOO_LONG


def test_taking_starts_the_time_to_send_somebody() -> None:
    world = World()
    incident = world.call(level=Level.P2)
    taken = world.do(TakeIncident(incident))
    assert taken == [IncidentTaken("li", "Li Wei", NOON, NOON + timedelta(seconds=180))]
    assert world.incident(incident).state is IncidentState.TAKEN


def test_the_second_to_take_is_told_who_was_first_and_when() -> None:
    world = World()
    incident = world.call()
    world.do(TakeIncident(incident), LI)
    refused = world.refused(TakeIncident(incident), ANN)
    assert refused.reason is Reason.ALREADY_TAKEN
    assert refused.reason in RACES
    assert refused.details == {"by": "Li Wei", "at": NOON}
    assert world.refused(TakeIncident(incident), LI).reason is Reason.ALREADY_SO


def test_classified_prioritised_located_and_noted() -> None:
    world = World()
    incident = world.call()
    world.do(ClassifyIncident(incident, IncidentType.GAS))
    world.do(PrioritiseIncident(incident, Level.P3))
    world.do(LocateIncident(incident, place(50, "Mill Road 6")))
    assert world.do(AddNote(incident, "  smell in the cellar ")) == [
        IncidentNoted("smell in the cellar")
    ]
    now = world.incident(incident)
    assert (now.type, now.level) == (IncidentType.GAS, Level.P3)
    assert now.place is not None
    assert (now.place.address_en, now.place.source) == ("Mill Road 6", "call_taker")
    assert world.refused(ClassifyIncident(incident, IncidentType.GAS)).reason is Reason.ALREADY_SO
    assert world.refused(PrioritiseIncident(incident, Level.P3)).reason is Reason.ALREADY_SO


def test_a_more_urgent_level_never_leaves_more_time() -> None:
    world = World()
    incident = world.call(level=Level.P4)
    world.pass_time(seconds=880)
    world.do(PrioritiseIncident(incident, Level.P3))
    assert due(world.incident(incident)) == NOON + timedelta(seconds=900)
    world.do(PrioritiseIncident(incident, Level.P1))
    assert due(world.incident(incident)) == NOON + timedelta(seconds=900)
    world.do(PrioritiseIncident(incident, Level.P2))
    assert due(world.incident(incident)) == NOON + timedelta(seconds=880 + 120)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", Reason.TEXT_EMPTY), (" \n ", Reason.TEXT_EMPTY), ("x" * 4_001, Reason.TEXT_TOO_LONG)],
)
def test_an_empty_or_endless_text_is_refused(text: str, reason: Reason) -> None:
    world = World()
    incident = world.call()
    assert NOTE_CHARS_MAX == 4_000
    for command in (
        AddNote(incident, text),
        HoldIncident(incident, NOON + timedelta(minutes=5), text),
        CloseIncident(incident, Disposition.TEST, text),
    ):
        assert world.refused(command).reason is reason


def test_a_hold_ends_by_itself_when_its_time_comes() -> None:
    world = World()
    incident = world.call()
    until = NOON + timedelta(minutes=10)
    held = world.do(HoldIncident(incident, until, "keyholder on the way"))
    assert [type(fact) for fact in held] == [IncidentTaken, IncidentHeld]
    assert due(world.incident(incident)) == until
    assert world.do(TimeIsUp(incident, SubjectKind.INCIDENT), SYSTEM) == []

    told = world.pass_time(minutes=10)
    assert told == [IncidentReleased(by_time=True, due_at=until + timedelta(seconds=90))]
    now = world.incident(incident)
    assert (now.state, now.held_until) == (IncidentState.TAKEN, None)


def test_a_hold_ends_by_hand_and_only_once() -> None:
    world = World()
    incident = world.call()
    world.do(HoldIncident(incident, NOON + timedelta(minutes=10), "wait"))
    world.do(ReleaseIncident(incident))
    assert world.refused(ReleaseIncident(incident)).reason is Reason.INCIDENT_NOT_HELD


def test_a_hold_into_the_past_is_refused() -> None:
    world = World()
    incident = world.call()
    assert world.refused(HoldIncident(incident, NOON, "wait")).reason is Reason.TIME_IN_PAST


def test_a_hold_may_be_made_longer() -> None:
    world = World()
    incident = world.call()
    world.do(HoldIncident(incident, NOON + timedelta(minutes=10), "wait"))
    world.do(HoldIncident(incident, NOON + timedelta(minutes=20), "wait longer"))
    assert due(world.incident(incident)) == NOON + timedelta(minutes=20)


def test_an_incident_with_a_unit_on_it_is_neither_held_nor_closed() -> None:
    world = World()
    unit, incident = world.unit("E11"), world.call()
    world.send(incident, unit)
    hold = world.refused(HoldIncident(incident, NOON + timedelta(minutes=5), "wait"))
    close = world.refused(CloseIncident(incident, Disposition.HANDLED))
    assert hold.reason is close.reason is Reason.UNIT_ATTACHED
    assert close.details == {"units": ["E11"]}


def test_a_closed_incident_has_a_disposition_and_no_deadline() -> None:
    world = World()
    incident = world.call()
    closed = world.do(CloseIncident(incident, Disposition.FALSE_ALARM, "burnt toast"))
    assert closed == [IncidentClosed(Disposition.FALSE_ALARM, NOON, "burnt toast")]
    now = world.incident(incident)
    assert (now.disposition, now.closed_at, due(now)) == (Disposition.FALSE_ALARM, NOON, None)
    assert band(now) is Band.CLOSED
    assert world.pass_time(days=1) == []


def test_a_held_incident_may_be_closed_and_leaves_no_deadline() -> None:
    world = World()
    incident = world.call()
    world.do(HoldIncident(incident, NOON + timedelta(minutes=10), "wait"))
    world.do(CloseIncident(incident, Disposition.UNFOUNDED))
    assert due(world.incident(incident)) is None
    assert world.incident(incident).held_until is None


def test_nothing_but_a_note_goes_into_a_closed_incident() -> None:
    world = World()
    incident = world.call()
    world.do(CloseIncident(incident, Disposition.HANDLED))
    for command in (
        TakeIncident(incident),
        ClassifyIncident(incident, IncidentType.GAS),
        PrioritiseIncident(incident, Level.P4),
        LocateIncident(incident, MILL_ROAD),
        HoldIncident(incident, NOON + timedelta(minutes=5), "wait"),
        ReleaseIncident(incident),
        CloseIncident(incident, Disposition.HANDLED),
    ):
        assert world.refused(command).reason is Reason.INCIDENT_CLOSED
    world.do(AddNote(incident, "the owner rang: it was the toaster"))


@pytest.mark.parametrize("taken", [True, False])
def test_a_reopened_incident_stands_where_it_stood(taken: bool) -> None:
    world = World()
    incident = world.call()
    assert world.refused(ReopenIncident(incident, "why")).reason is Reason.INCIDENT_NOT_CLOSED
    if taken:
        world.do(TakeIncident(incident))
    world.do(CloseIncident(incident, Disposition.HANDLED))
    world.do(ReopenIncident(incident, "smoke again"))
    now = world.incident(incident)
    assert now.state is (IncidentState.TAKEN if taken else IncidentState.NEW)
    assert (now.disposition, now.closed_at) == (None, None)
    assert due(now) == NOON + timedelta(seconds=90 if taken else 60)


def test_not_taken_then_not_assigned_then_not_closed_each_speaks_once() -> None:
    world = World()
    unit, incident = world.unit("E11"), world.call()
    assert world.pass_time(hours=1) == [
        IncidentOverdue(IncidentStep.TAKE, NOON + timedelta(seconds=60))
    ]
    assert world.incident(incident).overdue is IncidentStep.TAKE
    world.do(TakeIncident(incident))
    assert world.incident(incident).overdue is None
    assert world.pass_time(hours=1) == [
        IncidentOverdue(IncidentStep.ASSIGN, NOON + timedelta(hours=1, seconds=90))
    ]
    world.send(incident, unit)
    assert world.incident(incident).overdue is None
    world.do(ReportStatus(unit, UnitState.AT_SCENE))
    world.do(ReportStatus(unit, UnitState.IN_STATION))
    assert world.pass_time(hours=1) == [
        IncidentOverdue(IncidentStep.CLOSE, NOON + timedelta(hours=2, minutes=30))
    ]


def test_an_obligation_of_zero_seconds_is_none() -> None:
    world = World(obligations=Obligations(take_s=(0, 0, 0, 0)))
    assert due(world.incident(world.call())) is None


def test_what_does_not_exist_is_said_to_be_missing() -> None:
    world = World()
    nowhere = world.id()
    refused = world.refused(TakeIncident(nowhere))
    assert refused.reason is Reason.NOT_FOUND
    assert world.do(TimeIsUp(nowhere, SubjectKind.INCIDENT), SYSTEM) == []


def test_duplicates_are_named_by_place_time_and_type() -> None:
    world = World()
    same = world.call(IncidentType.FIRE, at=place(0))
    gas = world.call(IncidentType.GAS, at=place(200))
    world.call(IncidentType.FIRE, at=place(2_000))
    world.call(IncidentType.MEDICAL, at=place(10))
    opened = world.incident(world.call(IncidentType.FIRE, at=place(10)))
    assert opened.duplicates == (same, gas)
    assert opened.likenesses == (
        Likeness(same, Alike.SAME_TYPE, 10, 0),
        Likeness(gas, Alike.SAME_EVENT, 190, 0),
    )
    world.now += timedelta(minutes=14, seconds=10)
    unclear = world.incident(world.call(IncidentType.UNKNOWN, at=place(2_100)))
    assert [(one.alike, one.distance_m, one.apart_s) for one in unclear.likenesses] == [
        (Alike.UNKNOWN_TYPE, 100, 850)
    ]

    assert world.incident(world.call(IncidentType.FIRE, at=None)).duplicates == ()
    world.now += timedelta(hours=3)
    assert world.incident(world.call(IncidentType.FIRE, at=place(10))).duplicates == ()


def test_at_the_same_place_the_same_type_comes_first_and_then_the_latest() -> None:
    world = World()
    gas = world.call(IncidentType.GAS, at=place(0))
    world.now += timedelta(minutes=1)
    older = world.call(IncidentType.FIRE, at=place(0))
    world.now += timedelta(minutes=1)
    latest = world.call(IncidentType.FIRE, at=place(0))
    assert world.incident(world.call(IncidentType.FIRE, at=place(0))).duplicates == (
        latest,
        older,
        gas,
    )


def test_a_place_of_another_datum_is_no_duplicate() -> None:
    world = World()
    world.call(at=place(0))
    shifted = Place(MILL_ROAD.lat, MILL_ROAD.lon, Datum.GCJ_02)
    assert world.incident(world.call(at=shifted)).duplicates == ()
