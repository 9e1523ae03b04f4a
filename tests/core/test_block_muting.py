"""What a block rule in force mutes: recorded with what it would have done; grave alarms, tests and
our own words go through; it ends by itself."""

from datetime import timedelta

import pytest

from core.block_drafts import (
    BURGLARY,
    HOUR,
    OTHER,
    PANEL,
    SITE,
    approved,
    drafted,
    heard,
    in_force,
    of_device,
    rule,
    state,
    world,
)
from core.world import ANN, NOON, World
from tocsin.core.block_match import ANY
from tocsin.core.blocking import ApproveBlock, EndBlock, PutBlockInForce
from tocsin.core.blocks import BlockEnding, BlockSwallowed
from tocsin.core.putting_on_test import PutOnTest
from tocsin.core.signals import Signal, Verdict, VerdictReason
from tocsin.core.supervision import FAILED, SILENCE
from tocsin.core.supervision import PROTOCOL as SUPERVISION
from tocsin.core.terms import IncidentType, Reason, Watched

SECOND = timedelta(seconds=1)
FIRE = "FA"


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


def test_a_grave_alarm_of_an_unknown_sender_needs_the_second_person_too() -> None:
    one = world()
    in_force(one)
    assert unknown(one, FIRE).verdict is Verdict.OPENED
    two = world(grave=1)
    subject = drafted(two)
    assert two.refused(PutBlockInForce(subject)).reason is Reason.BLOCK_NEEDS_SECOND
    two.do(ApproveBlock(subject), ANN)
    assert unknown(two, FIRE).reason is VerdictReason.BLOCKED


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
