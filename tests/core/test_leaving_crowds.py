"""A person takes one sender out of a crowd: it has an incident of its own, and the crowd is without
it."""

from datetime import timedelta
from uuid import UUID

import pytest

from core.test_crowds import crowd_of, flood
from core.world import MILL_ROAD, NOON, World
from tocsin.core.commands import CloseIncident, MergeIncidents, SplitSender
from tocsin.core.crowds import OWN_MAX
from tocsin.core.incidents.crowd import ExceptionKind
from tocsin.core.incidents.leaving import SENDER_SIGNALS_MAX
from tocsin.core.incidents.state import Band, IncidentState, band
from tocsin.core.signals import Verdict, VerdictReason
from tocsin.core.states import due
from tocsin.core.terms import Disposition, IncidentType, Level, Reason, SubjectKind


def crowded(
    world: World, kind: ExceptionKind = ExceptionKind.TROUBLE
) -> tuple[UUID, tuple[UUID, ...]]:
    """A crowd of a growing flood, and its senders' signals."""
    flood(world, OWN_MAX, kind)
    signals = flood(world, 3 * OWN_MAX, kind)
    crowd, _ = crowd_of(world, kind)
    return crowd, tuple(signals)


def test_the_sender_gets_an_incident_with_all_that_it_said_and_the_crowd_drops_it() -> None:
    world = World()
    crowd, _ = crowded(world)
    site = world.id()
    said = [world.hear(code, site=site) for code in ("AT", "YP", "AR")]
    assert {world.signal(one).incident for one in said} == {crowd}
    before = world.incident(crowd)
    world.do(SplitSender(said[0], crowd))
    own = world.incidents()[-1]
    incident, after = world.incident(own), world.incident(crowd)
    assert own != crowd
    assert (incident.signals, incident.signal_count) == (tuple(said), 3)
    assert (incident.site, incident.place) == (site, MILL_ROAD)
    assert (incident.state, band(incident)) == (IncidentState.NEW, Band.UNASSIGNED)
    assert (incident.exception, incident.crowd) == (None, None)
    assert due(incident) is not None
    for one in said:
        signal = world.signal(one)
        assert (signal.incident, signal.sender) == (own, "")
        assert (signal.verdict, signal.reason) == (Verdict.JOINED, VerdictReason.BY_HAND)
    assert after.crowd is not None
    assert before.crowd is not None
    assert after.crowd.senders == before.crowd.senders - 1
    assert after.crowd.said == before.crowd.said
    assert after.signal_count == before.signal_count - 3
    assert not set(said) & set(after.signals)
    assert world.rebuilt() == world.states


def test_what_the_sender_says_next_is_told_on_its_own_incident() -> None:
    world = World()
    crowd, _ = crowded(world)
    site = world.id()
    trouble = world.hear("AT", site=site)
    world.do(SplitSender(trouble, crowd))
    own = world.signal(trouble).incident
    assert world.signal(world.hear("AR", site=site)).incident == own
    assert world.signal(world.hear("AT", site=site)).incident == own


def test_an_unknown_source_is_known_again_and_its_alarm_keeps_type_and_priority() -> None:
    world = World()
    crowd, _ = crowded(world, ExceptionKind.UNKNOWN_ALARM)
    alarm = world.hear("FA", account="F1", source="10.9.9.9")
    assert world.signal(alarm).incident == crowd
    world.do(SplitSender(alarm, crowd))
    own = world.signal(alarm).incident
    assert own is not None
    incident = world.incident(own)
    assert (incident.type, incident.level) == (IncidentType.FIRE, Level.P1)
    assert (incident.source_key, incident.site, incident.alarm_count) == ("dc09/F1", None, 1)
    again = world.hear("FA", account="F1", source="10.9.9.9")
    assert world.signal(again).incident == own


def test_each_of_the_others_stays() -> None:
    world = World()
    crowd, signals = crowded(world)
    world.do(SplitSender(signals[0], crowd))
    assert {world.signal(one).incident for one in signals[1:]} == {crowd}


def test_it_goes_out_of_a_closed_crowd_and_not_out_of_a_merged_one() -> None:
    world = World()
    crowd, signals = crowded(world)
    call = world.call(IncidentType.TECHNICAL)
    world.do(CloseIncident(crowd, Disposition.HANDLED))
    world.do(SplitSender(signals[0], crowd))
    assert world.incident(crowd).state is IncidentState.CLOSED
    # Twice is once: it is no more there.
    refused = world.refused(SplitSender(signals[0], crowd))
    assert refused.reason is Reason.NOT_FOUND
    world.pass_time(minutes=11)
    other, more = crowded(world, ExceptionKind.UNKNOWN_CODE)
    world.do(MergeIncidents(other, into=call))
    assert world.refused(SplitSender(more[0], other)).reason is Reason.INCIDENT_MERGED


def test_a_card_that_is_no_crowd_is_refused() -> None:
    world = World()
    alarm = world.hear("FA", site=world.id())
    incident = world.signal(alarm).incident
    assert incident is not None
    assert world.refused(SplitSender(alarm, incident)).reason is Reason.NOT_A_CROWD


@pytest.mark.parametrize("count", [SENDER_SIGNALS_MAX, SENDER_SIGNALS_MAX + 1])
def test_a_sender_leaves_with_as_many_signals_as_one_command_moves(count: int) -> None:
    world = World()
    crowd, _ = crowded(world)
    site = world.id()
    first = world.hear("AT", site=site)
    for _ in range(count - 1):
        world.hear("AR", site=site)
    if count > SENDER_SIGNALS_MAX:
        refused = world.refused(SplitSender(first, crowd))
        assert refused.reason is Reason.SENDER_SIGNALS_TOO_MANY
        assert refused.details == {"signals_max": SENDER_SIGNALS_MAX}
        return
    world.do(SplitSender(first, crowd))
    own = world.signal(first).incident
    assert own is not None
    assert world.incident(own).signal_count == count


def test_one_that_goes_leaves_no_more_room_for_cards_than_there_was() -> None:
    world = World()
    crowd, signals = crowded(world)
    world.do(SplitSender(signals[0], crowd))
    (further,) = flood(world, 1, ExceptionKind.TROUBLE)
    assert world.signal(further).incident == crowd
    assert world.now - NOON == timedelta(0)
    assert len(world.all_of(SubjectKind.INCIDENT)) == OWN_MAX + 2
