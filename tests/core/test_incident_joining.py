"""Two incidents: merged and split again, linked, and a signal moved from one to the other."""

from datetime import timedelta

import pytest

from core.world import NOON, World
from tocsin.core.commands import (
    AddNote,
    CloseIncident,
    HoldIncident,
    LinkIncidents,
    MergeIncidents,
    MoveSignal,
    SplitIncident,
    TakeIncident,
    UnlinkIncidents,
)
from tocsin.core.incidents.facts import (
    IncidentAbsorbed,
    IncidentMerged,
    IncidentReleasedOther,
    IncidentSplit,
)
from tocsin.core.incidents.state import (
    SIGNALS_NAMED_MAX,
    IncidentState,
    alarm_count,
    all_signals,
    signal_count,
)
from tocsin.core.signals import VerdictReason
from tocsin.core.states import due
from tocsin.core.terms import Disposition, Reason


def two_fires(world: World) -> tuple:
    """Two incidents of two sites, the first with an alarm and a restore."""
    one, other = world.id(), world.id()
    first = world.hear("FA", "7", site=one)
    restore = world.hear("FH", "7", site=one)
    second = world.hear("FA", "1", site=other)
    return (
        world.signal(first).incident,
        world.signal(second).incident,
        (first, restore),
        second,
    )


def test_a_merged_incident_lives_on_with_its_signals() -> None:
    world = World()
    one, other, signals, second = two_fires(world)
    facts = world.do(MergeIncidents(one, into=other))
    assert facts == [
        IncidentMerged(other),
        IncidentAbsorbed(one, signals, signal_count=2, alarm_count=1, open_zones=()),
    ]
    survivor = world.incident(other)
    assert all_signals(survivor) == (*signals, second)
    assert (signal_count(survivor), alarm_count(survivor)) == (3, 2)
    assert due(world.incident(one)) is None


@pytest.mark.parametrize("stood", ["new", "taken", "held", "overdue"])
def test_a_split_restores_both_exactly(stood: str) -> None:
    world = World()
    one, other, _, _ = two_fires(world)
    if stood == "taken":
        world.do(TakeIncident(one))
    elif stood == "held":
        world.do(HoldIncident(one, NOON + timedelta(minutes=9), "wait"))
    elif stood == "overdue":
        world.pass_time(minutes=5)
    before = world.incident(one), world.incident(other)
    world.do(MergeIncidents(one, into=other))
    assert world.incident(one).state is IncidentState.MERGED
    facts = world.do(SplitIncident(one))
    assert facts == [IncidentSplit(other), IncidentReleasedOther(one)]
    assert (world.incident(one), world.incident(other)) == before


def test_what_joined_after_the_merge_stays_with_the_survivor() -> None:
    world = World()
    one, other, signals, second = two_fires(world)
    site = world.incident(one).site
    world.do(MergeIncidents(one, into=other))
    later = world.hear("FA", "8", site=site)
    assert world.signal(later).incident == other
    world.do(SplitIncident(one))
    assert world.incident(one).signals == signals
    assert world.incident(other).signals == (second, later)


def test_a_split_after_its_deadline_lets_the_clock_speak_at_once() -> None:
    world = World()
    one, other, _, _ = two_fires(world)
    world.do(TakeIncident(other))
    world.do(MergeIncidents(one, into=other))
    world.do(CloseIncident(other, Disposition.HANDLED))
    assert world.pass_time(hours=1) == []
    world.do(SplitIncident(one))
    told = world.pass_time(seconds=0)
    assert len(told) == 1
    assert world.incident(one).overdue == "take"


def test_a_chain_of_merges_is_undone_from_its_end() -> None:
    world = World()
    one, other, signals, second = two_fires(world)
    third = world.call()
    world.do(MergeIncidents(one, into=other))
    world.do(MergeIncidents(other, into=third))
    assert all_signals(world.incident(third)) == (*signals, second)
    heard = world.hear("FA", "9", site=world.incident(one).site)
    assert world.signal(heard).incident == third
    assert world.refused(SplitIncident(one)).reason is Reason.INCIDENT_MERGED
    world.do(SplitIncident(other))
    world.do(SplitIncident(one))
    assert world.incident(third).absorbed == world.incident(other).absorbed == ()


def test_what_cannot_be_merged() -> None:
    world = World()
    one, other, _, _ = two_fires(world)
    assert world.refused(MergeIncidents(one, into=one)).reason is Reason.SAME_INCIDENT
    assert world.refused(MergeIncidents(one, into=world.id())).reason is Reason.NOT_FOUND
    abroad = world.call(district="south")
    assert world.refused(MergeIncidents(one, into=abroad)).reason is Reason.OTHER_DISTRICT
    unit = world.unit("E11")
    world.send(one, unit)
    assert world.refused(MergeIncidents(one, into=other)).reason is Reason.UNIT_ATTACHED
    world.do(MergeIncidents(other, into=one))
    assert world.refused(MergeIncidents(other, into=one)).reason is Reason.INCIDENT_MERGED
    assert world.refused(MergeIncidents(one, into=other)).reason is Reason.INCIDENT_MERGED
    third = world.call()
    world.do(CloseIncident(third, Disposition.TEST))
    assert world.refused(MergeIncidents(third, into=one)).reason is Reason.INCIDENT_CLOSED
    assert world.refused(MergeIncidents(one, into=third)).reason is Reason.INCIDENT_CLOSED
    assert world.refused(SplitIncident(one)).reason is Reason.INCIDENT_NOT_MERGED


def test_nothing_but_a_note_goes_into_a_merged_incident() -> None:
    world = World()
    one, other, _, _ = two_fires(world)
    world.do(MergeIncidents(one, into=other))
    assert world.refused(TakeIncident(one)).reason is Reason.INCIDENT_MERGED
    closing = CloseIncident(one, Disposition.DUPLICATE)
    assert world.refused(closing).reason is Reason.INCIDENT_MERGED
    world.do(AddNote(one, "same fire, second caller"))


def test_links_go_both_ways_and_can_be_removed() -> None:
    world = World()
    one, other, _, _ = two_fires(world)
    world.do(LinkIncidents(one, other))
    assert world.incident(one).linked == (other,)
    assert world.incident(other).linked == (one,)
    assert world.refused(LinkIncidents(other, one)).reason is Reason.ALREADY_SO
    assert world.refused(LinkIncidents(one, one)).reason is Reason.SAME_INCIDENT
    world.do(UnlinkIncidents(other, one))
    assert world.incident(one).linked == world.incident(other).linked == ()
    assert world.refused(UnlinkIncidents(one, other)).reason is Reason.ALREADY_SO


def test_a_merged_incident_gets_no_link() -> None:
    world = World()
    one, other, _, _ = two_fires(world)
    third = world.call()
    world.do(MergeIncidents(one, into=other))
    assert world.refused(LinkIncidents(third, one)).reason is Reason.INCIDENT_MERGED


def test_a_signal_moves_with_its_count() -> None:
    world = World()
    one, other, (alarm, restore), second = two_fires(world)
    world.do(MoveSignal(alarm, one, other))
    assert world.incident(one).signals == (restore,)
    assert (world.incident(one).signal_count, world.incident(one).alarm_count) == (1, 0)
    assert world.incident(other).signals == (second, alarm)
    assert (world.incident(other).signal_count, world.incident(other).alarm_count) == (2, 2)
    moved = world.signal(alarm)
    assert (moved.incident, moved.reason) == (other, VerdictReason.BY_HAND)
    again = world.refused(MoveSignal(alarm, one, other))
    assert again.reason is Reason.NOT_FOUND


def test_a_signal_moves_out_of_a_closed_incident_but_not_into_one() -> None:
    world = World()
    one, other, (alarm, _), second = two_fires(world)
    world.do(CloseIncident(one, Disposition.HANDLED))
    assert world.refused(MoveSignal(second, other, one)).reason is Reason.INCIDENT_CLOSED
    world.do(MoveSignal(alarm, one, other))
    assert due(world.incident(one)) is None
    abroad = world.call(district="south")
    assert world.refused(MoveSignal(alarm, other, abroad)).reason is Reason.OTHER_DISTRICT


def test_a_storm_is_counted_whole_and_named_by_its_newest() -> None:
    world = World()
    site = world.id()
    heard = [world.hear("FA", str(zone), site=site) for zone in range(SIGNALS_NAMED_MAX + 10)]
    incident = world.incident(world.incidents()[0])
    assert incident.signals == tuple(heard[-SIGNALS_NAMED_MAX:])
    assert incident.signal_count == incident.alarm_count == SIGNALS_NAMED_MAX + 10
