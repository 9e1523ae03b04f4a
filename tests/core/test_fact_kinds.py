"""The stored names of facts: every fact has one, and what is stored comes back as it was."""

import dataclasses
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import pytest

from tocsin.core.blocks import BlockFact
from tocsin.core.incidents.facts import IncidentFact
from tocsin.core.kinds import KIND_OF, KINDS, kind_of
from tocsin.core.on_test import OnTestFact
from tocsin.core.orders import OrderFact
from tocsin.core.signals import SignalFact
from tocsin.core.states import STATE_CLASS
from tocsin.core.terms import SubjectKind
from tocsin.core.units import UnitFact

FACTS = {
    SubjectKind.INCIDENT: get_args(IncidentFact),
    SubjectKind.ORDER: get_args(OrderFact),
    SubjectKind.SIGNAL: get_args(SignalFact),
    SubjectKind.ON_TEST: get_args(OnTestFact),
    SubjectKind.BLOCK: get_args(BlockFact),
    SubjectKind.UNIT: get_args(UnitFact),
}


def example(hint: Any) -> Any:
    """A value of a type: never its default, so that a field that is lost shows."""
    if get_origin(hint) is UnionType or type(hint) is UnionType:
        return example(next(one for one in get_args(hint) if one is not NoneType))
    if get_origin(hint) is tuple:
        return (example(get_args(hint)[0]),)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        return hint(**{one.name: example(hints[one.name]) for one in dataclasses.fields(hint)})
    return {
        UUID: UUID(int=7),
        datetime: datetime(2026, 3, 2, 12, 0, 5, 250_000, tzinfo=UTC),
        str: "磨坊\u0000路",
        int: 42,
        float: 36.84,
        bool: True,
    }[hint]


def test_every_fact_has_a_stored_name_and_every_name_a_fact() -> None:
    facts = {fact for subject in FACTS.values() for fact in subject}
    assert {fact for fact, _ in KINDS.values()} == facts
    assert len(KIND_OF) == len(KINDS)
    assert all(version >= 1 for _, version in KINDS.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_begins_with_its_subject(kind: str) -> None:
    fact, _ = KINDS[kind]
    subject = SubjectKind(kind.partition(".")[0])
    assert fact in FACTS[subject]


@pytest.mark.parametrize("kind", KINDS)
def test_a_fact_comes_back_as_it_was(kind: str) -> None:
    fact_class, _ = KINDS[kind]
    fact = example(fact_class)
    assert kind_of(fact) == kind
    assert msgspec.json.decode(msgspec.json.encode(fact), type=fact_class) == fact


@pytest.mark.parametrize("kind", SubjectKind)
def test_a_state_comes_back_as_it_was_and_holds_nothing_sealed(kind: SubjectKind) -> None:
    state = example(STATE_CLASS[kind])
    assert msgspec.json.decode(msgspec.json.encode(state), type=STATE_CLASS[kind]) == state
    sealed = {
        field.name
        for fact in FACTS[kind]
        for field in dataclasses.fields(fact)
        if field.metadata.get("sealed")
    }
    assert not sealed & {field.name for field in dataclasses.fields(state)}


def test_what_a_person_says_is_sealed() -> None:
    sealed = {
        f"{kind}.{field.name}"
        for kind, (fact, _) in KINDS.items()
        for field in dataclasses.fields(fact)
        if field.metadata.get("sealed")
    }
    assert sealed == {
        "incident.opened.caller_name",
        "incident.opened.caller_phone",
        "incident.opened.note",
        "incident.report_joined.where",
        "incident.report_joined.text",
        "incident.report_joined.caller_phone",
        "incident.report_added.text",
        "incident.noted.text",
        "incident.held.reason",
        "incident.closed.note",
        "incident.reopened.reason",
        "incident.validated.reason",
        "incident.plan_kept.steps",
        "incident.step_ticked.text_zh",
        "incident.step_ticked.text_en",
        "incident.step_unticked.text_zh",
        "incident.step_unticked.text_en",
        "order.given.note",
        "order.recalled.note",
        "order.refused.note",
    }
