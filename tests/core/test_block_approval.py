"""Who may put a block rule in force: for how long, after which dry run and with whose approval; how
it is extended, ended and suspended."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.block_drafts import (
    BURGLARY,
    CALM,
    HOUR,
    approved,
    drafted,
    heard,
    in_force,
    of_device,
    rule,
    state,
    world,
)
from core.world import ANN, LI, NOON, SYSTEM, World
from tocsin.core.block_match import ANY
from tocsin.core.blocking import (
    ApproveBlock,
    EndBlock,
    ExtendBlock,
    PutBlockInForce,
    SuspendBlock,
    TryBlock,
)
from tocsin.core.blocks import BLOCK_MAX, GRAVE_MAX, OPEN_MAX, TRIED_MAX, BlockEnding, permitted
from tocsin.core.incidents.facts import Source
from tocsin.core.signals import Verdict, VerdictReason
from tocsin.core.terms import Level, Reason
from tocsin.core.texts.refusals import refusal_text

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    "fields", [{"protocol": ANY}, {"account": ANY}, {"account": "123*"}, {"account": "1234*"}]
)
def test_grave_alarms_of_more_than_one_device_are_no_rule(fields: dict[str, str]) -> None:
    command = replace(of_device(), **fields)  # type: ignore[arg-type]
    assert world().refused(command).reason is Reason.BLOCK_GRAVE_NEEDS_DEVICE


@pytest.mark.parametrize(
    ("figures", "needs"),
    [
        ({"sources": 10, "active": 1_000}, False),
        ({"sources": 11, "active": 1_000}, True),
        ({"sources": 1, "active": 1, "devices": 1, "active_devices": 1}, False),
        ({"sources": 2, "active": 199}, True),
        ({"sources": 2, "active": 200}, False),
        ({"sources": 10, "devices": 9, "active_devices": 900}, False),
        # Whoever invents a million senders makes no rule reach further into the known ones.
        ({"sources": 10, "active": 1_000_000, "devices": 10, "active_devices": 900}, True),
        ({"cut": True}, True),
        ({"grave": 1}, True),
        ({"spared": 5}, False),
    ],
)
def test_when_a_second_person_is_needed(figures: dict[str, object], needs: bool) -> None:
    one = world(**figures)
    subject = drafted(one)
    if needs:
        assert one.refused(PutBlockInForce(subject)).reason is Reason.BLOCK_NEEDS_SECOND
        assert one.refused(ApproveBlock(subject), LI).reason is Reason.BLOCK_NEEDS_SECOND
        one.do(ApproveBlock(subject), ANN)
        assert state(one, subject).approved_by_name == ANN.name
    else:
        one.do(PutBlockInForce(subject))
        assert state(one, subject).approved_by == ""
    assert state(one, subject).in_force_at == NOON


@pytest.mark.parametrize(
    ("figures", "refused"),
    [
        ({"sources": 200, "active": 1_000}, False),
        ({"sources": 201, "active": 1_000}, True),
        ({"devices": 180, "sources": 180, "active": 10_000}, False),
        ({"devices": 181, "sources": 181, "active": 10_000}, True),
    ],
)
def test_more_than_a_fifth_is_refused_whoever_approves(
    figures: dict[str, object], refused: bool
) -> None:
    one = world(**figures)
    subject = drafted(one)
    if not refused:
        one.do(ApproveBlock(subject), ANN)
        return
    refusal = one.refused(ApproveBlock(subject), ANN)
    assert refusal.reason is Reason.BLOCK_SHARE_TOO_GREAT
    assert str(figures["sources"]) in refusal_text(refusal).zh


def test_a_share_is_never_less_than_one() -> None:
    assert [permitted(active, 1) for active in (0, 1, 99, 199, 200)] == [1, 1, 1, 1, 2]


def test_a_dry_run_counts_for_a_quarter_of_an_hour() -> None:
    one = world()
    subject = drafted(one)
    one.now += TRIED_MAX
    one.do(PutBlockInForce(subject))
    two = world()
    late = drafted(two)
    two.now += TRIED_MAX + SECOND
    for command, who in ((PutBlockInForce(late), LI), (ApproveBlock(late), ANN)):
        assert two.refused(command, who).reason is Reason.DRY_RUN_OLD


def test_a_draft_lapses_by_itself() -> None:
    one = world()
    subject = drafted(one)
    one.wait_until(NOON + TRIED_MAX - SECOND)
    assert state(one, subject).ending is None
    one.wait_until(NOON + TRIED_MAX)
    assert state(one, subject).ending is BlockEnding.LAPSED
    assert one.refused(PutBlockInForce(subject)).reason is Reason.BLOCK_ENDED


def test_without_a_dry_run_there_is_no_rule() -> None:
    assert World().refused(rule()).reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("command", "longest"), [(rule(), BLOCK_MAX), (of_device(), GRAVE_MAX)], ids=["rule", "grave"]
)
def test_it_has_an_end(command: TryBlock, longest: timedelta) -> None:
    one = world()
    drafted(one, replace(command, until=NOON + longest))
    late = replace(command, until=NOON + longest + MINUTE + SECOND)
    refusal = one.refused(late)
    assert refusal.reason is Reason.BLOCK_TOO_LONG
    assert refusal.details["hours_max"] == longest // HOUR
    assert one.refused(replace(command, until=NOON)).reason is Reason.TIME_IN_PAST


def test_it_is_extended_after_another_dry_run() -> None:
    one = world()
    subject = in_force(one, rule(until=NOON + HOUR))
    assert one.refused(ExtendBlock(subject, NOON + HOUR)).reason is Reason.ALREADY_SO
    assert one.refused(ExtendBlock(subject, NOON + BLOCK_MAX + HOUR)).reason is (
        Reason.BLOCK_TOO_LONG
    )
    one.tried = replace(CALM, tried_at=one.now, sources=11)
    assert one.refused(ExtendBlock(subject, NOON + 2 * HOUR)).reason is Reason.BLOCK_ASK_AGAIN
    one.tried = None
    assert one.refused(ExtendBlock(subject, NOON + 2 * HOUR)).reason is Reason.NOT_FOUND
    one.tried = CALM
    one.do(ExtendBlock(subject, NOON + 2 * HOUR))
    one.wait_until(NOON + 90 * MINUTE)
    assert heard(one, BURGLARY).reason is VerdictReason.BLOCKED
    one.wait_until(NOON + 2 * HOUR)
    assert state(one, subject).ending is BlockEnding.TIME_UP


def test_what_needed_a_second_person_is_asked_for_anew() -> None:
    one = world()
    subject = approved(one, of_device())
    assert one.refused(ExtendBlock(subject, NOON + 50 * MINUTE)).reason is Reason.BLOCK_ASK_AGAIN
    draft = drafted(one)
    assert one.refused(ExtendBlock(draft, NOON + HOUR)).reason is Reason.BLOCK_NOT_IN_FORCE


def test_it_is_put_in_force_once_and_ended_once() -> None:
    one = world()
    subject = in_force(one)
    assert one.refused(PutBlockInForce(subject)).reason is Reason.ALREADY_SO
    assert one.refused(ApproveBlock(subject), ANN).reason is Reason.ALREADY_SO
    one.do(EndBlock(subject), ANN)
    for command in (EndBlock(subject), PutBlockInForce(subject), ExtendBlock(subject, NOON)):
        assert one.refused(command).reason is Reason.BLOCK_ENDED
    assert one.refused(EndBlock(UUID(int=5))).reason is Reason.NOT_FOUND


def test_one_that_mutes_more_than_it_may_suspends_itself_and_somebody_hears_of_it() -> None:
    one = world(sources=3, active=1_000, devices=2, active_devices=900)
    subject = in_force(one)
    now = state(one, subject)
    assert (now.sources_max, now.devices_max) == (10, 9)
    assert one.do(SuspendBlock(subject, 10, 9), SYSTEM) == []
    one.do(SuspendBlock(subject, 11, 0), SYSTEM)
    assert state(one, subject).ending is BlockEnding.SUSPENDED
    card = one.incident(one.incidents()[0])
    assert (card.watch, card.level, card.source) == (True, Level.P2, Source.BLOCK)
    assert "Gateway sends without end" in card.title_zh
    assert heard(one, BURGLARY).verdict is Verdict.OPENED
    assert one.do(SuspendBlock(subject, 99, 99), SYSTEM) == []
    two = world(devices=2, active_devices=900)
    by_devices = in_force(two)
    two.do(SuspendBlock(by_devices, 10, 10), SYSTEM)
    assert state(two, by_devices).ending is BlockEnding.SUSPENDED


def test_an_approved_one_stays_within_what_was_approved() -> None:
    one = world(sources=50, devices=20)
    subject = approved(one)
    assert (state(one, subject).sources_max, state(one, subject).devices_max) == (50, 20)


def test_no_machine_may_mute() -> None:
    one = world()
    subject = drafted(one)
    commands = (
        rule(),
        PutBlockInForce(subject),
        ApproveBlock(subject),
        ExtendBlock(subject, NOON + HOUR),
        EndBlock(subject),
    )
    for command in commands:
        assert one.refused(command, SYSTEM).reason is Reason.NOT_BY_MACHINE


def test_there_are_only_so_many() -> None:
    drafted(world(open_rules=OPEN_MAX - 1))
    assert world(open_rules=OPEN_MAX).refused(rule()).reason is Reason.BLOCKS_TOO_MANY
