"""Block rules: who may be muted, for how long, after which dry run and with whose approval; what is
muted is recorded with what it would have done; grave alarms go through; it ends by itself."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.block_drafts import CALM, HOUR, drafted, rule, world
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
from tocsin.core.blocks import (
    BLOCK_MAX,
    GRAVE_MAX,
    OPEN_MAX,
    TRIED_MAX,
    Block,
    BlockEnding,
    BlockSwallowed,
    permitted,
)
from tocsin.core.incidents.facts import Source
from tocsin.core.putting_on_test import PutOnTest
from tocsin.core.signals import Signal, Verdict, VerdictReason
from tocsin.core.supervision import FAILED, SILENCE
from tocsin.core.supervision import PROTOCOL as SUPERVISION
from tocsin.core.terms import (
    IncidentType,
    Level,
    Reason,
    Watched,
)
from tocsin.core.texts.refusals import refusal_text

SITE, PANEL, OTHER = UUID(int=900), UUID(int=901), UUID(int=902)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)

BURGLARY, FIRE = "BA", "FA"


def of_device() -> TryBlock:
    return rule(protocol="dc09", account="1234", grave=True, until=NOON + HOUR)


def in_force(one: World, command: TryBlock | None = None) -> UUID:
    subject = drafted(one, command)
    one.do(PutBlockInForce(subject))
    return subject


def approved(one: World, command: TryBlock | None = None) -> UUID:
    subject = drafted(one, command)
    one.do(ApproveBlock(subject), ANN)
    return subject


def state(one: World, subject: UUID) -> Block:
    found = one.states[subject]
    assert isinstance(found, Block)
    return found


def heard(one: World, code: str, **more: object) -> Signal:
    known = {"site": SITE, "device": PANEL}
    return one.signal(one.hear(code, **(known | more)))  # type: ignore[arg-type]


def unknown(one: World, code: str, **more: object) -> Signal:
    return heard(one, code, site=None, device=None, **more)


def test_what_it_names_is_recorded_with_what_it_would_have_done() -> None:
    one = world()
    subject = in_force(one)
    signal = heard(one, BURGLARY, zone="3")
    assert (signal.verdict, signal.reason) == (Verdict.RECORDED, VerdictReason.BLOCKED)
    assert (signal.blocked, signal.would_have) == (subject, Verdict.OPENED)
    assert signal.incident is None
    assert one.incidents() == []
    told = one.log[-1][2]
    assert isinstance(told, BlockSwallowed)
    assert (told.source, told.device, told.zone) == (str(PANEL), PANEL, "3")
    assert (told.type, told.would_have) == (IncidentType.BURGLARY, Verdict.OPENED)
    assert heard(one, "BR").would_have is Verdict.RECORDED
    now = state(one, subject)
    assert (now.signals, now.would_have_opened, now.last_at) == (2, 1, NOON)


def test_a_draft_mutes_nothing_and_an_ended_rule_nothing_more() -> None:
    one = world()
    subject = drafted(one)
    assert heard(one, BURGLARY).verdict is Verdict.OPENED
    one.do(PutBlockInForce(subject))
    assert heard(one, BURGLARY).reason is VerdictReason.BLOCKED
    one.do(EndBlock(subject))
    assert heard(one, BURGLARY).verdict is Verdict.JOINED
    assert state(one, subject).ending is BlockEnding.BY_HAND


def test_it_joins_nothing_either() -> None:
    one = world()
    heard(one, BURGLARY)
    in_force(one)
    signal = heard(one, BURGLARY)
    assert (signal.would_have, signal.incident) == (Verdict.JOINED, None)
    assert len(one.incident(one.incidents()[0]).signals) == 1


GRAVE = [
    ("FA", "SIA-DCS", ""), ("HA", "SIA-DCS", ""), ("PA", "SIA-DCS", ""), ("MA", "SIA-DCS", ""),
    ("110", "ADM-CID", "1"), ("122", "ADM-CID", "1"), ("120", "ADM-CID", "1"),
    ("121", "ADM-CID", "1"), ("100", "ADM-CID", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "token", "qualifier"), GRAVE)
def test_a_grave_alarm_of_a_known_site_is_never_muted(
    code: str, token: str, qualifier: str
) -> None:
    for by in (in_force, approved):
        one = world()
        by(one)
        signal = heard(one, code, token=token, qualifier=qualifier)
        assert (signal.verdict, signal.reason) == (Verdict.OPENED, VerdictReason.ALARM)
        assert signal.blocked is None


@pytest.mark.parametrize(("code", "token", "qualifier"), GRAVE)
def test_but_by_a_rule_that_names_that_very_device_and_a_second_person_approved(
    code: str, token: str, qualifier: str
) -> None:
    one = world()
    assert one.refused(PutBlockInForce(drafted(one, of_device()))).reason is (
        Reason.BLOCK_NEEDS_SECOND
    )
    approved(one, of_device())
    assert heard(one, code, token=token, qualifier=qualifier).reason is VerdictReason.BLOCKED
    other = heard(one, code, token=token, qualifier=qualifier, account="5678", device=OTHER)
    assert other.verdict is Verdict.OPENED


@pytest.mark.parametrize(
    "fields", [{"protocol": ANY}, {"account": ANY}, {"account": "123*"}, {"account": "1234*"}]
)
def test_grave_alarms_of_more_than_one_device_are_no_rule(fields: dict[str, str]) -> None:
    command = replace(of_device(), **fields)  # type: ignore[arg-type]
    assert world().refused(command).reason is Reason.BLOCK_GRAVE_NEEDS_DEVICE


def test_a_grave_alarm_of_an_unknown_sender_needs_the_second_person_too() -> None:
    one = world()
    in_force(one)
    assert unknown(one, FIRE).verdict is Verdict.OPENED
    two = world(grave=1)
    subject = drafted(two)
    assert two.refused(PutBlockInForce(subject)).reason is Reason.BLOCK_NEEDS_SECOND
    two.do(ApproveBlock(subject), ANN)
    assert unknown(two, FIRE).reason is VerdictReason.BLOCKED


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


def test_it_ends_by_itself_and_a_late_clock_mutes_nothing() -> None:
    one = world()
    subject = in_force(one, rule(until=NOON + HOUR))
    one.now = NOON + HOUR - SECOND
    assert heard(one, BURGLARY).reason is VerdictReason.BLOCKED
    one.now = NOON + HOUR
    assert heard(one, BURGLARY).verdict is Verdict.OPENED
    one.wait_until(NOON + HOUR)
    ended = state(one, subject)
    assert (ended.ending, ended.signals) == (BlockEnding.TIME_UP, 1)


def test_what_was_received_before_it_alarms_though_judged_later() -> None:
    one = world()
    in_force(one)
    one.now -= SECOND
    assert heard(one, BURGLARY).verdict is Verdict.OPENED


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


def test_our_own_word_that_a_device_is_silent_is_never_muted() -> None:
    one = world()
    in_force(one, rule(network=ANY, account="1234"))
    signal = heard(one, FAILED, token=SILENCE, source="", qualifier="", protocol=SUPERVISION)
    assert signal.verdict is Verdict.OPENED


def test_a_repeat_stays_a_repeat_and_a_test_a_test() -> None:
    one = world()
    one.watched = Watched("north", "city", devices=((PANEL, "1234"),))
    subject = in_force(one)
    first = one.hear(BURGLARY, site=SITE, device=PANEL)
    again = heard(one, BURGLARY, repeat_of=first)
    assert (again.reason, again.blocked) == (VerdictReason.REPEAT, None)
    one.do(PutOnTest(SITE, "Walk test", one.now + HOUR))
    assert heard(one, BURGLARY).reason is VerdictReason.ON_TEST
    assert state(one, subject).signals == 1


def test_a_repeat_of_what_was_muted_alarms_when_the_rule_has_ended() -> None:
    one = world()
    subject = in_force(one)
    first = one.hear(BURGLARY, site=SITE, device=PANEL)
    one.do(EndBlock(subject))
    again = heard(one, BURGLARY, repeat_of=first)
    assert (again.verdict, again.repeat_of) == (Verdict.OPENED, first)


def test_another_district_is_not_muted() -> None:
    one = world()
    in_force(one, rule(district="south"))
    assert heard(one, BURGLARY).verdict is Verdict.OPENED


def test_the_log_alone_rebuilds_it_without_the_incidents() -> None:
    one = world()
    subject = in_force(one)
    heard(one, BURGLARY)
    assert one.rebuilt() == one.states
    assert state(one, subject).tried.incidents == ()
