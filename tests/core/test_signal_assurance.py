"""What vouches for a signal is kept with it, and an incident has the weakest of its own alarms."""

from dataclasses import replace

import msgspec
import pytest

from core.world import World
from tocsin.core.assurance import Assurance
from tocsin.core.commands import MoveSignal
from tocsin.core.incidents.alarms import NO_ALARMS
from tocsin.core.incidents.facts import SignalJoined, SignalLeft
from tocsin.core.incidents.state import Incident
from tocsin.core.signals import SignalJudged

AUTHENTICATED, INTEGRITY, NONE = Assurance.AUTHENTICATED, Assurance.INTEGRITY, Assurance.NONE


def test_a_signal_and_its_incident_say_what_vouches_for_them() -> None:
    world = World()
    signal = world.hear("BA", "1", site=world.id(), assurance=INTEGRITY)
    assert world.signal(signal).assurance is INTEGRITY
    (incident,) = world.incidents()
    assert world.incident(incident).assurance is INTEGRITY


def test_an_incident_has_the_weakest_of_its_alarms_and_of_nothing_else() -> None:
    world = World()
    site = world.id()
    world.hear("BA", "1", site=site, assurance=AUTHENTICATED)
    (incident,) = world.incidents()
    world.hear("BR", "1", site=site)  # a restore is no alarm
    assert world.incident(incident).assurance is AUTHENTICATED
    world.hear("BA", "2", site=site, assurance=INTEGRITY)
    assert world.incident(incident).assurance is INTEGRITY
    in_clear = world.hear("BA", "3", site=site)
    assert world.incident(incident).assurance is NONE
    world.hear("BA", "4", site=site, assurance=AUTHENTICATED)  # it vouches for no other
    assert world.incident(incident).assurance is NONE

    other = world.call()
    assert world.incident(other).assurance is NONE
    world.do(MoveSignal(in_clear, incident, other))
    assert world.incident(incident).assurance is INTEGRITY
    assert world.incident(other).assurance is NONE
    assert world.rebuilt() == world.states


@pytest.mark.parametrize("kind", [SignalJudged, SignalJoined, SignalLeft])
def test_facts_from_before_read_as_vouched_for_by_nothing(kind: type) -> None:
    world = World()
    site = world.id()
    signal = world.hear("BA", "1", site=site)
    (incident,) = world.incidents()
    world.do(MoveSignal(signal, incident, world.call()))
    (fact,) = [fact for _, _, fact in world.log if isinstance(fact, kind)][:1]
    stored = msgspec.json.decode(msgspec.json.encode(fact))
    for added in ("assurance", "evidence"):
        stored.pop(added, None)
    read = msgspec.convert(stored, kind)
    assert read == (replace(fact, evidence=None) if kind is SignalJoined else fact)


def test_a_state_from_before_reads_as_vouched_for_by_nothing() -> None:
    world = World()
    world.hear("BA", "1", site=world.id())
    state = world.incident(world.incidents()[0])
    stored = msgspec.json.decode(msgspec.json.encode(state))
    del stored["alarms"]
    read = msgspec.convert(stored, Incident)
    assert read == replace(state, alarms=NO_ALARMS)
    assert (read.assurance, read.late) == (NONE, False)
