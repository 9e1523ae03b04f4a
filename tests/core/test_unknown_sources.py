"""Signals of a source that no site is known for open one watch card, or few for an address; nothing
that needs an answer hides in a card that was dealt with."""

from datetime import timedelta
from typing import Any

import pytest

from core.world import NOON, World
from tocsin.core.assurance import Assurance
from tocsin.core.commands import HoldIncident, PrioritiseIncident, ReportStatus, TakeIncident
from tocsin.core.incidents.state import Band, IncidentState, IncidentStep, band
from tocsin.core.judging import WATCH_CARDS_PER_ADDRESS_MAX
from tocsin.core.signals import Verdict, VerdictReason
from tocsin.core.states import due
from tocsin.core.terms import Level
from tocsin.core.units import UnitState


def test_an_unknown_source_opens_one_watch_card() -> None:
    world = World()
    first = world.hear("FA", "7", account="FFFF", source="198.51.100.7")
    second = world.hear("BA", "1", account="FFFF", source="198.51.100.8")
    restore = world.hear("BH", "1", account="FFFF", source="198.51.100.7")
    card = world.signal(first).incident
    assert card is not None
    assert {world.signal(one).incident for one in (second, restore)} == {card}
    assert world.signal(second).reason is VerdictReason.SAME_SOURCE
    incident = world.incident(card)
    assert band(incident) is Band.WATCH
    assert incident.title_en == "Fire alarm, zone 7 · #FFFF"
    # Who takes it makes it an incident like any other.
    world.do(TakeIncident(card))
    assert band(world.incident(card)) is Band.UNASSIGNED


def test_an_unknown_source_is_heard_again_after_its_units_have_gone() -> None:
    world = World()
    world.hear("FA", "7", account="FFFF")
    (first,) = world.incidents()
    unit = world.unit("E11")
    world.send(first, unit)
    world.do(ReportStatus(unit, UnitState.AT_SCENE))
    world.do(ReportStatus(unit, UnitState.RETURNING))
    world.pass_time(hours=5)
    again = world.signal(world.hear("FA", "3", account="FFFF"))
    assert (again.verdict, again.reason) == (Verdict.OPENED, VerdictReason.UNKNOWN_SOURCE)
    assert again.incident is not None
    assert band(world.incident(again.incident)) is Band.WATCH
    assert due(world.incident(again.incident)) == world.now + timedelta(hours=1)
    # That card has its further ones.
    assert world.signal(world.hear("BA", account="FFFF")).incident == again.incident
    assert world.signal(world.hear("BH", account="FFFF")).incident == again.incident


@pytest.mark.parametrize("taken", [True, False])
def test_an_alarm_of_an_unknown_source_hides_in_no_trouble_of_it(taken: bool) -> None:
    world = World()
    world.hear("AT", account="EEEE")
    (trouble,) = world.incidents()
    if taken:
        world.do(TakeIncident(trouble))
    world.pass_time(hours=3)
    fire = world.signal(world.hear("FA", "3", account="EEEE"))
    assert (fire.verdict, fire.reason) == (Verdict.OPENED, VerdictReason.UNKNOWN_SOURCE)
    assert fire.incident is not None
    card = world.incident(fire.incident)
    assert (card.title_en, band(card)) == ("Fire alarm, zone 3 · #EEEE", Band.WATCH)
    assert due(card) == world.now + timedelta(hours=1)


@pytest.mark.parametrize("code", ["AT", "QQ"])
def test_what_an_unknown_source_wants_answered_hides_in_no_card_that_was_dealt_with(
    code: str,
) -> None:
    world = World()
    first = world.signal(world.hear("FA", account="FFFF")).incident
    assert first is not None
    assert world.signal(world.hear(code, account="FFFF")).incident == first
    world.do(HoldIncident(first, NOON + timedelta(hours=1), "installer called"))
    assert world.signal(world.hear(code, account="FFFF")).verdict is Verdict.OPENED
    assert world.signal(world.hear("FH", account="FFFF")).verdict is Verdict.JOINED


@pytest.mark.parametrize("dealt_with", ["held", "taken"])
def test_where_an_address_has_many_cards_a_new_account_hides_in_none_that_was_dealt_with(
    dealt_with: str,
) -> None:
    world = World()
    for account in range(WATCH_CARDS_PER_ADDRESS_MAX):
        world.hear("FA", account=f"A{account:03}")
    for one in world.incidents():
        hold = HoldIncident(one, NOON + timedelta(hours=9), "installer called")
        world.do(hold if dealt_with == "held" else TakeIncident(one))
    sixth = world.signal(world.hear("FA", "3", account="B001"))
    assert sixth.verdict is Verdict.OPENED
    assert sixth.incident is not None
    assert world.incident(sixth.incident).title_en == "Fire alarm, zone 3 · #B001"
    # It has the rest of that address until somebody has seen it.
    for account in range(2, 50):
        told = world.signal(world.hear("FA", account=f"B{account:03}"))
        assert (told.incident, told.reason) == (sixth.incident, VerdictReason.SAME_ADDRESS)


def test_an_alarm_of_an_address_hides_in_no_trouble_of_another_account_there() -> None:
    world = World()
    for account in range(WATCH_CARDS_PER_ADDRESS_MAX):
        world.hear("AT", account=f"A{account:03}")
    fire = world.signal(world.hear("FA", account="B001"))
    assert fire.verdict is Verdict.OPENED
    further = world.signal(world.hear("FA", account="B002"))
    trouble = world.signal(world.hear("AT", account="B003"))
    assert further.incident == trouble.incident == fire.incident
    assert further.reason is VerdictReason.SAME_ADDRESS


def test_a_flood_of_invented_accounts_shares_few_cards() -> None:
    world = World()
    for account in range(50):
        world.hear("FA", account=f"A{account:03}", source="198.51.100.7")
    other = world.hear("FA", account="B001", source="203.0.113.9")
    assert len(world.incidents()) == WATCH_CARDS_PER_ADDRESS_MAX + 1
    assert world.signal(other).verdict is Verdict.OPENED
    assert sum(world.incident(one).signal_count for one in world.incidents()) == 51


@pytest.mark.parametrize(
    "known",
    [
        {"protocol": "mqtt"},
        {"protocol": "cap", "level": Level.P1, "codes": "cap"},
        {"assurance": Assurance.AUTHENTICATED},
    ],
    ids=["another protocol", "a warning", "authenticated"],
)
def test_who_is_none_of_them_hides_in_no_card_of_the_unknown_of_its_address(
    known: dict[str, Any],
) -> None:
    world = World()
    for account in range(WATCH_CARDS_PER_ADDRESS_MAX):
        world.hear("FA", account=f"A{account:03}")
    told = world.signal(world.hear("CBRNE", account="civil@example.org", **known))
    assert told.verdict is Verdict.OPENED
    assert told.incident is not None
    # Nor does one of them hide there.
    assert world.signal(world.hear("FA", account="B001")).incident != told.incident


def test_each_that_warns_has_a_card_of_its_own_wherever_it_sends_from() -> None:
    world = World()
    for sender in range(WATCH_CARDS_PER_ADDRESS_MAX + 2):
        world.hear(
            "Met", account=f"{sender}@example.org", protocol="cap", codes="cap", level=Level.P1
        )
    assert len(world.incidents()) == WATCH_CARDS_PER_ADDRESS_MAX + 2


def test_an_unknown_source_starts_no_deadline_on_a_card_that_a_person_made_graver() -> None:
    world = World()
    world.hear("FA", account="FFFF")
    (one,) = world.incidents()
    world.do(PrioritiseIncident(one, Level.P1))
    world.pass_time(hours=5)
    assert world.incident(one).overdue is IncidentStep.TAKE
    world.hear("FA", account="FFFF")
    assert world.incident(one).overdue is IncidentStep.TAKE
    assert due(world.incident(one)) is None  # nor is it told again because of it


def test_a_hold_on_an_unknown_source_is_not_ended_by_it() -> None:
    world = World()
    card = world.signal(world.hear("FA", account="FFFF")).incident
    assert card is not None
    world.do(HoldIncident(card, NOON + timedelta(hours=1), "installer called"))
    world.hear("FA", account="FFFF")
    assert world.incident(card).state is IncidentState.HELD
