"""A further alarm on an incident whose deadline has spoken starts an obligation anew: it is due,
and speaks a second time. Until somebody acts it is overdue all the while: no sender, however often
it alarms, makes look timely what nobody has taken."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core.alarmed_site import AlarmedSite
from core.test_warning_judging import card, warn
from core.world import NOON, SYSTEM, World
from tocsin.core.commands import HoldIncident, ReportStatus, TakeIncident, ValidateIncident
from tocsin.core.confirmation import Avs, Confirming, ConfirmRule
from tocsin.core.incidents.facts import IncidentOverdue, IncidentStep
from tocsin.core.incidents.state import Band, IncidentState, band, due
from tocsin.core.obligations import Obligations
from tocsin.core.reports import Collecting, Hurt, ReceiveReport, ReportKind
from tocsin.core.terms import Level
from tocsin.core.units import UnitState

TWO_ZONES = Confirming(ConfirmRule.TWO_ZONES, window_s=1_800)


def stands(site: AlarmedSite) -> tuple[IncidentStep | None, datetime | None]:
    return site.incident.overdue, due(site.incident)


def spoken(site: AlarmedSite) -> list[IncidentOverdue]:
    return [fact for *_, fact in site.world.log if isinstance(fact, IncidentOverdue)]


def is_told_again(world: World, one: UUID) -> bool:
    """Whether its deadline speaks once more when it passes."""
    at, step = due(world.incident(one)), world.incident(one).state
    assert at is not None
    told = world.wait_until(at)
    expected = IncidentStep.TAKE if step is IncidentState.NEW else IncidentStep.ASSIGN
    return IncidentOverdue(expected, at) in told


@pytest.mark.parametrize("code", ["FA", "FG"])
@pytest.mark.parametrize(("taken", "within_s"), [(True, 90), (False, 60)])
def test_it_is_due_as_its_state_and_level_ask(code: str, taken: bool, within_s: int) -> None:
    site = AlarmedSite()
    site.hear(code, "7")
    if taken:
        site.world.do(TakeIncident(site.id))
    site.after(86_400)
    step = IncidentStep.ASSIGN if taken else IncidentStep.TAKE
    assert stands(site) == (step, None)
    site.hear("FA", "9")
    assert len(site.ids) == 1
    assert site.incident.level is Level.P1
    assert stands(site) == (step, site.world.now + timedelta(seconds=within_s))
    assert is_told_again(site.world, site.id)
    assert site.world.rebuilt() == site.world.states


@pytest.mark.parametrize("every_s", [1, 59, 60, 61, 100, 119, 121, 600])
def test_a_panel_that_alarms_again_and_again_never_hides_that_nobody_has_come(
    every_s: int,
) -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    site.after(120)
    told = len(spoken(site))
    assert told == 1
    for _ in range(20):
        site.hear("BA", "1")
        assert site.incident.overdue is IncidentStep.TAKE
        assert due(site.incident) is not None
        site.after(every_s)
        assert site.incident.overdue is IncidentStep.TAKE
    assert len(site.ids) == 1
    # And it is told again, as often as its new deadline passes.
    assert len(spoken(site)) >= told + 20 * every_s // (120 + every_s)


@pytest.mark.parametrize("act", ["take", "hold", "send"])
def test_whoever_acts_takes_the_mark_off(act: str) -> None:
    site = AlarmedSite()
    site.hear("BA", "1")
    site.after(500)
    site.hear("BA", "2")
    assert site.incident.overdue is IncidentStep.TAKE
    unit = site.world.unit("E11")
    if act == "take":
        site.world.do(TakeIncident(site.id))
    elif act == "hold":
        site.world.do(HoldIncident(site.id, site.world.now + timedelta(hours=1), "keyholder"))
    else:
        site.world.send(site.id, unit)
    assert site.incident.overdue is None


@pytest.mark.parametrize("code", ["BA", "BV"])
def test_what_a_machine_makes_graver_is_overdue_as_before(code: str) -> None:
    """Out of the watch band, to another level, or both: nobody has come yet."""
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.after(1_800)
    assert stands(site) == (IncidentStep.TAKE, None)
    site.hear(code, "2")
    assert band(site.incident) is Band.UNASSIGNED
    within_s = 60 if code == "BV" else 120
    assert stands(site) == (IncidentStep.TAKE, site.world.now + timedelta(seconds=within_s))
    assert is_told_again(site.world, site.id)


def test_a_persons_word_that_somebody_is_there_starts_it_as_new() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.after(1_800)
    site.world.do(ValidateIncident(site.id, Avs.PRESENCE, "seen"))
    assert stands(site) == (None, site.world.now + timedelta(seconds=120))


def test_a_deadline_that_runs_stays() -> None:
    site = AlarmedSite()
    site.hear("FA", "7")
    site.after(59)
    site.hear("FA", "9")
    assert stands(site) == (None, NOON + timedelta(seconds=60))


def test_one_that_units_are_on_has_none() -> None:
    site = AlarmedSite()
    site.hear("FA", "7")
    unit = site.world.unit("E11")
    site.world.send(site.id, unit)
    site.hear("FA", "9")
    assert stands(site) == (None, None)
    site.world.do(ReportStatus(unit, UnitState.AT_SCENE))
    assert stands(site) == (None, None)


def test_what_is_of_long_ago_starts_none() -> None:
    site = AlarmedSite()
    site.hear("FA", "7")
    site.after(3_601)
    site.hear("FA", "9", age_s=3_601)
    assert stands(site) == (IncidentStep.TAKE, None)


def test_nor_does_what_is_switched_off() -> None:
    off = Obligations(take_s=(0, 0, 0, 0), assign_s=(0, 0, 0, 0))
    site = AlarmedSite(world=World(obligations=off))
    site.hear("FA", "7")
    site.hear("FA", "8")
    site.world.do(TakeIncident(site.id))
    site.hear("FA", "9")
    assert stands(site) == (None, None)


def test_a_graver_level_whose_obligation_runs_has_its_deadline() -> None:
    some = Obligations(take_s=(60, 0, 0, 0))
    site = AlarmedSite(world=World(obligations=some))
    site.hear("BA", "1")
    assert stands(site) == (None, None)
    site.hear("BV", "1")
    assert stands(site) == (None, NOON + timedelta(seconds=60))


@pytest.mark.parametrize("rule", [ConfirmRule.TWO_ZONES, ConfirmRule.VERIFIED])
def test_what_waits_for_a_second_one_waits_anew_when_its_window_is_over(rule: ConfirmRule) -> None:
    site = AlarmedSite(Confirming(rule, window_s=1_800))
    site.hear("BA", "1")
    site.after(6 * 3_600)
    assert stands(site) == (IncidentStep.TAKE, None)
    site.hear("BA", "2")
    assert band(site.incident) is Band.WATCH
    again = site.world.now + timedelta(seconds=1_800)
    assert stands(site) == (IncidentStep.TAKE, again)
    assert is_told_again(site.world, site.id)


def test_what_was_taken_while_it_waited_and_is_confirmed_later_is_due() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.world.do(TakeIncident(site.id))
    site.after(400)
    assert stands(site) == (IncidentStep.ASSIGN, None)
    site.hear("BA", "2")
    assert stands(site) == (IncidentStep.ASSIGN, site.world.now + timedelta(seconds=180))


def test_confirmed_by_a_graver_one_it_is_due_as_that_asks() -> None:
    site = AlarmedSite(TWO_ZONES)
    site.hear("BA", "1")
    site.world.do(TakeIncident(site.id))
    site.hear("BV", "2")
    assert site.incident.level is Level.P1
    assert stands(site) == (None, NOON + timedelta(seconds=90))


@pytest.mark.parametrize(("taken", "within_s"), [(True, 1_800), (False, 3_600)])
def test_an_alarm_of_an_unknown_source(taken: bool, within_s: int) -> None:
    world = World()
    world.hear("FA", account="FFFF")
    (one,) = world.incidents()
    if taken:
        world.do(TakeIncident(one))
    world.pass_time(hours=5)
    assert due(world.incident(one)) is None
    world.hear("FA", account="FFFF")
    assert due(world.incident(one)) == world.now + timedelta(seconds=within_s)
    assert is_told_again(world, one)


def test_which_ends_no_hold_and_leaves_its_time() -> None:
    world = World()
    world.hear("FA", account="FFFF")
    (one,) = world.incidents()
    until = NOON + timedelta(hours=1)
    world.do(HoldIncident(one, until, "installer called"))
    world.hear("FA", account="FFFF")
    held = world.incident(one)
    assert (held.state, held.due_at, due(held)) == (IncidentState.HELD, None, until)


def test_a_warning_is_due_as_its_source_states() -> None:
    world = World()
    warn(world, Level.P3)
    world.pass_time(hours=5)
    assert due(card(world)) is None
    warn(world, Level.P3)
    assert due(card(world)) == world.now + timedelta(seconds=world.obligations.take_s[2])


@pytest.mark.parametrize("hurt", [Hurt.NO, Hurt.YES])
@pytest.mark.parametrize("taken", [True, False])
def test_a_further_report_on_a_collecting_card(hurt: Hurt, taken: bool) -> None:
    world = World()

    def told(kind: ReportKind, into: UUID | None = None, hurt: Hurt = Hurt.NO) -> None:
        given = (world.id(), kind, hurt, "Mill Road 4", "north", "city")
        card = ReceiveReport(*given, collecting=Collecting.REST, source_key="k", into=into)
        world.do(card, SYSTEM)

    told(ReportKind.TECHNICAL)
    (one,) = world.incidents()
    if taken:
        world.do(TakeIncident(one))
    world.pass_time(hours=5)
    assert due(world.incident(one)) is None
    told(ReportKind.TECHNICAL, one, hurt)
    level = world.incident(one).level
    obligations = world.obligations.assign_s if taken else world.obligations.take_s
    assert due(world.incident(one)) == world.now + timedelta(seconds=obligations[level - 1])
    assert is_told_again(world, one)
