"""The one policy: every act is in the table, and nobody does more than the table says."""

from typing import get_args, get_type_hints
from uuid import UUID

import pytest

from tocsin.core.access import ROLES, TABLE, Relation, ever, may, relation
from tocsin.core.commands import InternalCommand, PersonCommand
from tocsin.core.terms import Actor, Role

UNIT = UUID(int=1)


def types_of(union: object) -> set[str]:
    return {get_args(get_type_hints(command)["type"])[0] for command in get_args(union)}


def actor(role: Role, *districts: str, unit: UUID | None = None) -> Actor:
    return Actor("x", "X", role, "city", districts, unit)


def test_every_command_of_a_person_is_in_the_table_and_no_other() -> None:
    assert types_of(PersonCommand) <= set(TABLE)
    for act in types_of(InternalCommand):
        assert act not in TABLE
        assert not any(relation(role, act) is not Relation.NONE for role in Role)
    others = set(TABLE) - types_of(PersonCommand)
    assert all(act.startswith(("read:", "manage:", "report_positions")) for act in others)


def test_every_role_has_a_column() -> None:
    assert set(ROLES) == set(Role)
    assert all(len(row) == len(ROLES) for row in TABLE.values())


@pytest.mark.parametrize("act", TABLE)
@pytest.mark.parametrize("role", Role)
def test_the_relation_decides(role: Role, act: str) -> None:
    stands = relation(role, act)
    here = {"district": "north", "agency": "city"}
    assert may(actor(role), act, **here) is (stands is Relation.DISTRICT)
    assert may(actor(role, "north"), act, **here) is (stands is Relation.DISTRICT)
    assert not may(actor(role, "south"), act, **here)
    assert not may(actor(role), act, district="north", agency="neighbour")
    crew = actor(role, "south", unit=UNIT)
    assert may(crew, act, unit=UNIT, **here) is (stands is Relation.OWN_UNIT)
    assert not may(crew, act, unit=UUID(int=2), **here)
    assert not may(actor(role, "south"), act, unit=None, **here)
    assert ever(actor(role), act) is (stands is not Relation.NONE)


def test_what_must_never_be() -> None:
    writes = types_of(PersonCommand)
    assert not any(ever(actor(Role.INSPECTOR), act) for act in writes)
    # Who installs a panel tests it; nothing else of the desk's is an administrator's.
    tests = {"put_on_test", "extend_on_test", "end_on_test"}
    mutes = {"try_block", "put_block_in_force", "approve_block", "extend_block"}
    assert tests | mutes | {"end_block"} == {
        act for act in writes if ever(actor(Role.ADMINISTRATOR), act)
    }
    for role in (Role.CALL_TAKER, Role.CREW, Role.SERVICE):
        assert not any(ever(actor(role), act) for act in tests | mutes | {"end_block"})
    for role in set(Role) - {Role.SUPERVISOR, Role.ADMINISTRATOR}:
        assert not any(ever(actor(role), act) for act in mutes)
    assert not ever(actor(Role.ADMINISTRATOR), "read:incident")
    assert not ever(actor(Role.SERVICE), "read:sealed")
    assert not ever(actor(Role.CALL_TAKER), "send_units")
    assert all(relation(Role.CREW, act) in (Relation.NONE, Relation.OWN_UNIT) for act in TABLE)
    assert not may(actor(Role.SUPERVISOR), "no_such_act", district="north", agency="city")
