"""Every list member, refusal, advice reason and fact kind has a text in both languages."""

import inspect
import re
import string
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum

import pytest

from core.test_fact_kinds import example
from tocsin.core import dispatch, orders, signals, terms, units
from tocsin.core.incidents import facts, state
from tocsin.core.kinds import KINDS
from tocsin.core.terms import Actor, Reason, Refused
from tocsin.core.texts.advice import ADVICE, SHORTFALL, advice_text, shortfall_text
from tocsin.core.texts.lists import LISTS, text_of
from tocsin.core.texts.refusals import REFUSALS, refusal_text
from tocsin.core.texts.text import Text
from tocsin.core.texts.timeline import TIMELINE, sentence

CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Enums that are no list a person reads from: names of standards, and those with texts elsewhere.
NOT_LISTS = {terms.Datum, terms.Reason, dispatch.AdviceCode}


def enums() -> list[type[Enum]]:
    modules = (terms, facts, state, orders, signals, units, dispatch)
    return sorted(
        {
            member
            for module in modules
            for _, member in inspect.getmembers(module, inspect.isclass)
            if issubclass(member, Enum) and member.__module__.startswith("tocsin.core")
        }
        - NOT_LISTS,
        key=lambda enum: enum.__name__,
    )


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def complete(text: Text) -> bool:
    same = names(text.zh) == names(text.en)
    return bool(CHINESE.search(text.zh) or names(text.zh)) and same and bool(text.en.strip())


@pytest.mark.parametrize("enum", enums(), ids=lambda enum: enum.__name__)
def test_every_member_of_every_list_has_a_text(enum: type[Enum]) -> None:
    assert set(LISTS[enum]) == set(enum)
    for member in enum:
        assert complete(text_of(member)), member
        assert not CHINESE.search(text_of(member).en)
    texts = list(LISTS[enum].values())
    assert len({text.zh for text in texts}) == len({text.en for text in texts}) == len(texts)


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_has_a_text(reason: Reason) -> None:
    text = REFUSALS[reason]
    assert complete(text)
    assert text.zh.endswith("。")
    assert text.en.endswith(".")


def test_a_refusal_names_who_when_and_what() -> None:
    at = datetime(2026, 3, 2, 12, 0, 5, tzinfo=UTC)
    busy = Refused(Reason.UNIT_BUSY, by="李伟", at=at, call_sign="E11", incident=None)
    assert refusal_text(busy).zh == "E11 已由 李伟 于 12:00:05Z 派出，正在执行任务。"
    assert "于 20:00:05 派出" in refusal_text(busy, timezone(timedelta(hours=8))).zh
    step = Refused(Reason.ORDER_STEP_IMPOSSIBLE, state=units.UnitState.AT_SCENE)
    assert refusal_text(step).of("zh-CN") == "当前状态为“到场”，不能执行这一步。"
    assert refusal_text(step).of("en") == "This step cannot follow the present state, At scene."
    attached = Refused(Reason.UNIT_ATTACHED, units=["E11", "L12"])
    assert "E11、L12" in refusal_text(attached).zh
    assert "E11, L12" in refusal_text(attached).en


@pytest.mark.parametrize("code", dispatch.AdviceCode)
def test_every_reason_of_advice_has_a_text(code: dispatch.AdviceCode) -> None:
    assert complete(ADVICE[code])


def test_advice_reads_as_a_dispatcher_would_say_it() -> None:
    reason = dispatch.AdviceReason(
        dispatch.AdviceCode.DIVERTING, {"capability": terms.Capability.PUMP, "level": 4}
    )
    assert advice_text(reason).en == "Would leave a P4 incident: Pump"
    short = dispatch.Shortfall(terms.Capability.LADDER, 1)
    assert shortfall_text(short) == Text("缺 1 个：登高举升", "Short of 1: Ladder")
    assert complete(SHORTFALL)


def test_every_kind_of_fact_has_a_sentence() -> None:
    assert set(TIMELINE) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_asks_only_for_what_there_is(kind: str) -> None:
    fact, _ = KINDS[kind]
    text = TIMELINE[kind]
    assert complete(text)
    assert names(text.en) <= {one.name for one in fields(fact)} | {"actor", "call_sign"}
    actor = Actor("li", "Li Wei", terms.Role.DISPATCHER, "city")
    said = sentence(example(fact), {"actor": actor.name, "call_sign": "E11"})
    assert "–" not in said.en
    assert "{" not in said.zh + said.en


def test_a_sentence_reads_as_an_officer_would_write_it() -> None:
    at = datetime(2026, 3, 2, 12, 0, 5, tzinfo=UTC)
    closed = facts.IncidentClosed(terms.Disposition.FALSE_ALARM, at)
    assert sentence(closed, {"actor": "Li Wei"}) == Text(
        "Li Wei 结案：误报", "Li Wei closed it: False alarm"
    )
    overdue = orders.OrderOverdue(orders.OrderStep.ANSWER, at)
    assert sentence(overdue, {"call_sign": "E11"}).zh == "E11 超时未签收（期限 12:00:05Z）"


def test_a_missing_parameter_shows_as_a_dash() -> None:
    assert refusal_text(Refused(Reason.ALREADY_TAKEN)).en == "– took this incident at –."
