"""A signal that a person moves makes the incident it comes to as grave as a card of its own; the
one that it leaves stays as it was."""

from datetime import timedelta
from uuid import UUID

import pytest

from core.alarmed_site import AlarmedSite
from core.world import NOON, World
from tocsin.core.codes.meaning import Meaning
from tocsin.core.commands import CloseIncident, HoldIncident, MoveSignal, TakeIncident
from tocsin.core.confirmation import Confirming, ConfirmRule, RaisedBecause
from tocsin.core.incidents.alarms import waits
from tocsin.core.incidents.facts import IncidentRaised, IncidentStep
from tocsin.core.incidents.state import Band, IncidentState, band
from tocsin.core.obligations import deadline
from tocsin.core.signals import Effect
from tocsin.core.states import due
from tocsin.core.terms import Disposition, IncidentType, Level

FIRE_TAKE = NOON + timedelta(seconds=60)


def where(world: World, signal: UUID) -> UUID:
    found = world.signal(signal).incident
    assert found is not None
    return found


def moved(world: World, signal: UUID, to: UUID) -> UUID:
    """Moves it; answers with the incident that it left. The log alone says the same."""
    left = where(world, signal)
    world.do(MoveSignal(signal, left, to))
    assert world.rebuilt() == world.states
    return left


def a_fire_and_a_trouble(world: World) -> tuple[UUID, UUID]:
    """A fire alarm, and the watch card of another site's trouble."""
    return world.hear("FA", "7", site=world.id()), where(world, world.hear("AT", site=world.id()))


def test_a_fire_moved_into_a_trouble_is_a_fire_there() -> None:
    world = World()
    fire, trouble = a_fire_and_a_trouble(world)
    before = world.incident(trouble)
    assert (before.level, band(before), due(before)) == (
        *(Level.P4, Band.WATCH, NOON + timedelta(hours=1)),
    )
    moved(world, fire, trouble)
    after = world.incident(trouble)
    assert (after.level, band(after), due(after)) == (Level.P1, Band.UNASSIGNED, FIRE_TAKE)


def test_the_incident_it_leaves_keeps_its_level_band_and_deadline() -> None:
    world = World()
    fire, trouble = a_fire_and_a_trouble(world)
    second = world.hear("FA", "8", site=world.incident(where(world, fire)).site)
    left = moved(world, fire, trouble)
    for _ in range(2):  # with one alarm that remains, then with none
        after = world.incident(left)
        assert (after.level, band(after), due(after)) == (Level.P1, Band.UNASSIGNED, FIRE_TAKE)
        if where(world, second) == left:
            moved(world, second, trouble)


@pytest.mark.parametrize("stood", ["taken", "held", "overdue"])
def test_what_was_done_with_the_incident_it_leaves_stays(stood: str) -> None:
    world = World()
    fire, trouble = a_fire_and_a_trouble(world)
    left = where(world, fire)
    if stood == "taken":
        world.do(TakeIncident(left))
    elif stood == "held":
        world.do(HoldIncident(left, NOON + timedelta(hours=2), "keyholder"))
    else:
        world.pass_time(seconds=61)
    before = world.incident(left)
    moved(world, fire, trouble)
    after = world.incident(left)
    assert (after.state, after.level, due(after), after.overdue) == (
        *(before.state, before.level, due(before), before.overdue),
    )
    # Here nobody has taken it yet.
    there = world.incident(trouble)
    assert (there.level, band(there), due(there)) == (
        *(Level.P1, Band.UNASSIGNED, world.now + timedelta(seconds=60)),
    )


def test_it_has_no_more_time_than_it_had() -> None:
    world = World()
    fire, trouble = a_fire_and_a_trouble(world)
    world.pass_time(seconds=40)
    moved(world, fire, trouble)
    assert due(world.incident(trouble)) == FIRE_TAKE


def test_what_is_graver_already_stays_as_it_is() -> None:
    world = World()
    burglary = world.hear("BA", "1", site=world.id())
    fire = where(world, world.hear("FA", "1", site=world.id()))
    facts = len(world.log)
    moved(world, burglary, fire)
    assert len(world.log) == facts + 3
    assert (world.incident(fire).level, due(world.incident(fire))) == (Level.P1, FIRE_TAKE)


def test_it_ends_a_hold_and_starts_a_deadline_that_has_spoken() -> None:
    world = World()
    held, let_pass = (world.call(IncidentType.BURGLARY, Level.P3) for _ in range(2))
    world.do(HoldIncident(held, NOON + timedelta(hours=9), "keyholder"))
    world.do(TakeIncident(let_pass))
    world.pass_time(hours=1)
    assert due(world.incident(let_pass)) is None
    for one in (held, let_pass):
        moved(world, world.hear("FA", "7", site=world.id()), one)
        after = world.incident(one)
        assert (after.state, after.level) == (IncidentState.TAKEN, Level.P1)
        assert after.overdue is (IncidentStep.ASSIGN if one == let_pass else None)
        assert due(after) == deadline(world.now, world.obligations.assign_s[0])


def test_a_hold_of_the_incident_it_leaves_was_not_for_what_belongs_elsewhere() -> None:
    world = World()
    fire, _ = a_fire_and_a_trouble(world)
    held = world.call(IncidentType.BURGLARY, Level.P3)
    for one in (held, where(world, fire)):
        world.do(HoldIncident(one, NOON + timedelta(hours=9), "keyholder"))
    left = moved(world, fire, held)
    assert world.incident(held).state is IncidentState.TAKEN
    assert world.incident(left).state is IncidentState.HELD


def test_out_of_a_closed_incident_it_is_news_where_it_belongs() -> None:
    world = World()
    fire, trouble = a_fire_and_a_trouble(world)
    left = where(world, fire)
    world.do(CloseIncident(left, Disposition.HANDLED))
    world.pass_time(minutes=10)
    moved(world, fire, trouble)
    assert due(world.incident(left)) is None
    after = world.incident(trouble)
    assert (after.level, band(after)) == (Level.P1, Band.UNASSIGNED)
    assert due(after) == world.now + timedelta(seconds=60)


def test_where_units_are_it_is_graver_and_has_no_deadline() -> None:
    world = World()
    call = world.call(IncidentType.BURGLARY, Level.P3)
    world.send(call, world.unit("E11"))
    moved(world, world.hear("FA", "7", site=world.id()), call)
    after = world.incident(call)
    assert (after.level, band(after), due(after)) == (Level.P1, Band.WORKING, None)


def test_an_alarm_of_long_ago_shows_how_grave_it_is_and_stays_in_the_watch_band() -> None:
    site = AlarmedSite()
    site.hear("BA", "1", age_s=7_200)
    old = site.incident.signals[0]
    trouble = where(site.world, site.world.hear("AT", site=site.world.id()))
    moved(site.world, old, trouble)
    after = site.world.incident(trouble)
    assert (after.level, band(after)) == (Level.P2, Band.WATCH)
    assert due(after) == NOON + timedelta(hours=1)


def test_what_waits_for_a_second_alarm_waits_there_too_and_no_longer() -> None:
    site = AlarmedSite(Confirming(ConfirmRule.TWO_ZONES))
    alarm = site.hear("BA", "1")
    by = due(site.incident)
    assert by is not None
    trouble = where(site.world, site.world.hear("AT", site=site.world.id()))
    moved(site.world, alarm, trouble)
    after = site.world.incident(trouble)
    assert (after.level, band(after), due(after)) == (Level.P2, Band.WATCH, by)


def test_a_second_alarm_that_is_moved_in_confirms_the_first() -> None:
    site = AlarmedSite(Confirming(ConfirmRule.TWO_ZONES))
    site.hear("BA", "1")
    first = site.id
    elsewhere = AlarmedSite(Confirming(ConfirmRule.TWO_ZONES), site.world)
    second = elsewhere.hear("BA", "9")
    assert waits(site.world.incident(first).alarms)
    moved(site.world, second, first)
    after = site.world.incident(first)
    assert (band(after), waits(after.alarms)) == (Band.UNASSIGNED, False)
    raised = [fact for _, _, fact in site.world.log if isinstance(fact, IncidentRaised)]
    assert [fact.reason for fact in raised] == [RaisedBecause.TWO_ZONES]


def test_what_an_unknown_source_said_counts_where_a_person_says_that_it_belongs() -> None:
    world = World()
    unknown = world.hear("FA", "7", account="FFFF")
    trouble = where(world, world.hear("AT", site=world.id()))
    left = moved(world, unknown, trouble)
    after = world.incident(trouble)
    assert (after.level, band(after), due(after)) == (Level.P1, Band.UNASSIGNED, FIRE_TAKE)
    assert (world.incident(left).level, band(world.incident(left))) == (Level.P4, Band.WATCH)


def test_among_unknown_sources_nobody_vouches_for_it() -> None:
    world = World()
    alarm = world.hear("FA", "7", account="FFFF", source="192.0.2.8")
    card = where(world, world.hear("AT", account="EEEE", source="192.0.2.9"))
    moved(world, alarm, card)
    after = world.incident(card)
    assert (after.level, band(after)) == (Level.P4, Band.WATCH)


@pytest.mark.parametrize(
    ("effect", "level"), [(Effect.TROUBLE, Level.P2), (Effect.STATUS, Level.P2)]
)
def test_what_needs_an_answer_makes_a_quieter_card_as_grave(effect: Effect, level: Level) -> None:
    world = World()
    means = Meaning(effect, IncidentType.TECHNICAL, level, "试验", "Trial", needs_answer=True)
    told = world.hear("AT", site=world.id(), means=means, codes_version=3)
    quiet = where(world, world.hear("YT", site=world.id()))
    call = world.call(IncidentType.BURGLARY, Level.P3)
    world.do(HoldIncident(call, NOON + timedelta(hours=2), "keyholder"))
    moved(world, told, quiet)
    after = world.incident(quiet)
    assert (after.level, band(after)) == (level, Band.WATCH)
    assert due(after) == NOON + timedelta(seconds=120)
    second = world.hear("AT", site=world.id(), means=means, codes_version=3)
    moved(world, second, call)
    # It is no alarm: it ends no hold.
    assert (world.incident(call).level, world.incident(call).state) == (level, IncidentState.HELD)


@pytest.mark.parametrize("code", ["FH", "FB"])
def test_what_nobody_need_act_on_makes_nothing_grave(code: str) -> None:
    """The restore of a fire, and its bypass, have a fire's level."""
    world = World()
    site = world.id()
    world.hear("FA", "7", site=site)
    quiet = world.hear(code, "7", site=site)
    assert world.signal(quiet).level is Level.P1
    trouble = where(world, world.hear("AT", site=world.id()))
    before = world.incident(trouble)
    moved(world, quiet, trouble)
    after = world.incident(trouble)
    assert (after.level, band(after), due(after)) == (before.level, Band.WATCH, due(before))
