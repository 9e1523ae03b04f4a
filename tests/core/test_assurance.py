"""What is not authenticated may alarm; it never dispatches by itself, mutes or reconfigures."""

import dataclasses
import itertools
from datetime import timedelta
from typing import get_args

import pytest

from core.world import LI, SYSTEM, World
from tocsin.core import access
from tocsin.core.assurance import (
    BY_MACHINE,
    Assurance,
    ByMachine,
    is_machine,
    require_allowed,
)
from tocsin.core.commands import (
    CloseIncident,
    Command,
    HoldIncident,
    JudgeSignal,
    PersonCommand,
    PutOnTest,
    RecallUnits,
    SendUnits,
)
from tocsin.core.confirmation import Confirming
from tocsin.core.incidents.facts import IncidentFact, IncidentOpened
from tocsin.core.incidents.state import IncidentState
from tocsin.core.on_test import OnTestFact
from tocsin.core.orders import OrderGiven
from tocsin.core.signals import SignalFact, SignalJudged, SignalRead, Verdict, VerdictReason
from tocsin.core.terms import Actor, Disposition, Reason, Refused, Role
from tocsin.core.units import UnitFact

TOKEN = Actor("token:7", "vehicle terminals", Role.SERVICE, "city")


def _type(command: type) -> str:
    return str(next(one.default for one in dataclasses.fields(command) if one.name == "type"))


COMMANDS = {_type(one): one for one in get_args(Command)}


def test_every_command_says_what_a_machine_may_do_with_it() -> None:
    assert set(BY_MACHINE) == set(COMMANDS)


def test_a_command_without_a_row_is_for_persons() -> None:
    with pytest.raises(Refused) as refused:
        require_allowed(SYSTEM, "arm_the_panel")
    assert refused.value.reason is Reason.NOT_BY_MACHINE


@pytest.mark.parametrize("name", [one for one in BY_MACHINE if BY_MACHINE[one] is ByMachine.NEVER])
@pytest.mark.parametrize("actor", [SYSTEM, TOKEN])
def test_what_mutes_or_acts_is_refused_to_every_machine(name: str, actor: Actor) -> None:
    """Before anything else is looked at, so also where it would be refused for another reason."""
    with pytest.raises(Refused) as refused:
        require_allowed(actor, name)
    assert refused.value.reason is Reason.NOT_BY_MACHINE
    require_allowed(LI, name)


def test_no_token_of_a_machine_reaches_what_it_may_never_do() -> None:
    """Two tables say so: the door's, by role, and the core's, whatever the door lets in."""
    commands = {_type(one) for one in get_args(PersonCommand)}
    assert {
        one for one in commands if access.relation(Role.SERVICE, one) is not access.Relation.NONE
    }
    for name in commands:
        if access.relation(Role.SERVICE, name) is not access.Relation.NONE:
            assert BY_MACHINE[name] is ByMachine.KEEPS


def test_machines_are_known_by_their_role() -> None:
    assert [role for role in Role if is_machine(Actor("x", "x", role, "city"))] == [Role.SERVICE]


# -- through the rules ----------------------------------------------------------------------------


def alarm(world: World, assurance: Assurance, **more: object) -> JudgeSignal:
    read = SignalRead(protocol="dc09", token="SIA-DCS", account="1234", code="FA", zone="1")
    return JudgeSignal(
        signal=world.id(),
        read=read,
        received_at=world.now,
        district="north",
        agency="city",
        site=world.id(),
        device=world.id(),
        assurance=assurance,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("assurance", list(Assurance))
def test_only_an_authenticated_alarm_is_dispatched_by_a_machine(assurance: Assurance) -> None:
    world = World()
    engine = world.unit("E11")
    facts = world.do(alarm(world, assurance), SYSTEM)
    judged = next(one for one in facts if isinstance(one, SignalJudged))
    assert judged.incident is not None
    send = SendUnits(judged.incident, (engine,))
    if assurance is Assurance.AUTHENTICATED:
        assert any(isinstance(one, OrderGiven) for one in world.do(send, SYSTEM))
    else:
        assert world.refused(send, SYSTEM).reason is Reason.NOT_AUTHENTICATED
        assert world.refused(send, TOKEN).reason is Reason.NOT_AUTHENTICATED
        assert any(isinstance(one, OrderGiven) for one in world.do(send, LI))


def test_a_call_is_dispatched_by_a_person_only() -> None:
    world = World()
    send = SendUnits(world.call(), (world.unit("E11"),))
    assert world.refused(send, SYSTEM).reason is Reason.NOT_AUTHENTICATED
    assert world.do(send, LI)


def test_a_machine_ends_nothing() -> None:
    world = World()
    engine, incident = world.unit("E11"), world.call()
    world.do(SendUnits(incident, (engine,)))
    until = world.now.replace(hour=13)
    for command in (
        CloseIncident(incident, Disposition.HANDLED),
        HoldIncident(incident, until, "later"),
        RecallUnits(incident, (engine,)),
        PutOnTest(world.id(), "work", until),
    ):
        assert world.refused(command, SYSTEM).reason is Reason.NOT_BY_MACHINE


# -- what a signal can lead to --------------------------------------------------------------------

LOUDER = {
    *("SignalJudged", "IncidentOpened", "SignalJoined"),
    *("IncidentReleased", "IncidentPrioritised"),  # a further alarm ends a hold, raises a level
    "OnTestSignalled",
}
"""The facts that judging adds; each keeps, opens, joins or makes louder."""


CODES = ("FA", "FR", "BA", "BR", "BC", "OP", "CL", "OR", "RP", "TX", "YC", "YK", "TS", "TE")
SAID_ONLY = {"IncidentCancelled"}
"""That the user takes the alarm back is said on the incident, which stays as it is."""


@pytest.mark.parametrize("abort_s", [0, 300])
@pytest.mark.parametrize("assurance", [Assurance.NONE, Assurance.INTEGRITY])
def test_nothing_that_is_not_authenticated_mutes_or_acts(
    assurance: Assurance, abort_s: int
) -> None:
    """Every kind of code, of known and unknown sources, after each alarm, also where a site's own
    word may take an alarm back."""
    quiet: set[str] = set()
    for first, code, is_known in itertools.product(("FA", "BA"), CODES, (True, False)):
        world = World()
        site, device = (world.id(), world.id()) if is_known else (None, None)
        how = {"device": device, "assurance": assurance, "confirming": Confirming(abort_s=abort_s)}
        world.hear(first, "1", site=site, **how)
        before = {one: world.incident(one) for one in world.incidents()}
        said = len(world.log)
        world.now += timedelta(seconds=20)
        world.hear(code, "1", site=site, **how)
        quiet |= {type(fact).__name__ for _, _, fact in world.log[said:]}
        for one, incident in before.items():
            now = world.incident(one)
            assert (now.state, now.held_until) == (incident.state, incident.held_until)
            assert now.level <= incident.level
            assert incident.watch or not now.watch
    kinds = {
        one.__name__
        for union in (IncidentFact, UnitFact, SignalFact, OnTestFact)
        for one in get_args(union)
    }
    assert quiet <= LOUDER | SAID_ONLY
    assert kinds >= LOUDER | SAID_ONLY  # none of these names is a mistyped one


def test_the_control_an_authenticated_word_in_time_does_close() -> None:
    world = World()
    how = {
        "site": world.id(),
        "device": world.id(),
        "assurance": Assurance.AUTHENTICATED,
        "confirming": Confirming(abort_s=300),
    }
    world.hear("BA", "1", **how)  # type: ignore[arg-type]
    [incident] = world.incidents()
    world.now += timedelta(seconds=20)
    world.hear("OR", "1", **how)  # type: ignore[arg-type]
    assert world.incident(incident).state is IncidentState.CLOSED


# -- what the probe sends -------------------------------------------------------------------------


def test_what_the_probe_sent_opens_nothing() -> None:
    world = World()
    command = alarm(world, Assurance.NONE, synthetic=True)
    facts = world.do(dataclasses.replace(command, site=None, device=None), SYSTEM)
    [judged] = facts
    assert isinstance(judged, SignalJudged)
    assert (judged.verdict, judged.reason) == (Verdict.RECORDED, VerdictReason.SYNTHETIC)


@pytest.mark.parametrize("of", ["site", "device"])
def test_no_alarm_of_a_registered_device_is_synthetic(of: str) -> None:
    world = World()
    command = alarm(world, Assurance.NONE, synthetic=True)
    other = {"site": "device", "device": "site"}[of]
    facts = world.do(dataclasses.replace(command, **{other: None}), SYSTEM)
    assert any(isinstance(one, IncidentOpened) for one in facts)


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        # (assurance, minutes ago)
        ((Assurance.AUTHENTICATED, 30), None, Reason.ALARM_LATE),
        ((Assurance.AUTHENTICATED, 30), (Assurance.NONE, 0), Reason.ALARM_LATE),
        ((Assurance.NONE, 0), (Assurance.AUTHENTICATED, 30), Reason.ALARM_LATE),
        ((Assurance.NONE, 0), (Assurance.AUTHENTICATED, 0), None),
        ((Assurance.AUTHENTICATED, 30), (Assurance.AUTHENTICATED, 0), None),
    ],
)
def test_one_and_the_same_alarm_is_authenticated_and_timely(
    first: tuple[Assurance, int], second: tuple[Assurance, int] | None, why: Reason | None
) -> None:
    world = World()
    site, engine = world.id(), world.unit("E11")
    for said in filter(None, (first, second)):
        assurance, minutes = said
        at = world.now - timedelta(minutes=minutes)
        world.hear("FA", "1", site=site, occurred_at=at, assurance=assurance)
    [incident] = world.incidents()
    send = SendUnits(incident, (engine,))
    if why is None:
        assert world.do(send, SYSTEM)
    else:
        assert world.refused(send, SYSTEM).reason is why
        assert world.do(send, LI)
