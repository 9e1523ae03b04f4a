"""How an actor stands to the objects a command or path names, put to the one policy.

An object outside the actor's reach is reported exactly as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from tocsin.core import access
from tocsin.core.blocking import TryBlock
from tocsin.core.commands import OpenIncident, PersonCommand, subjects
from tocsin.core.putting_on_test import PutOnTest
from tocsin.core.terms import Actor, Reason, Refused
from tocsin.record.database import Connection
from tocsin.record.views.standing import standings


def require_act(actor: Actor, act: str) -> None:
    """Raises `Refused(NOT_ALLOWED)` if the role can never do this, whatever the object."""
    if not access.ever(actor, act):
        raise Refused(Reason.NOT_ALLOWED)


def reached(connection: Connection, actor: Actor, act: str, objects: Iterable[UUID]) -> set[UUID]:
    """Those of the objects that exist and to which `actor` may do `act`."""
    return {
        found
        for found, district, agency, unit in standings(connection, objects, actor.unit)
        if access.may(actor, act, district=district, agency=agency, unit=unit)
    }


def require(connection: Connection, actor: Actor, act: str, objects: Iterable[UUID]) -> None:
    """Raises `Refused`: NOT_ALLOWED for the role, NOT_FOUND for an object missing or foreign."""
    require_act(actor, act)
    wanted = set(objects)
    if wanted - reached(connection, actor, act, wanted):
        raise Refused(Reason.NOT_FOUND)


def require_command(connection: Connection, actor: Actor, command: PersonCommand) -> None:
    """Whether `actor` may send `command`, by its type and everything it names."""
    if isinstance(command, OpenIncident):
        require_act(actor, command.type)
        if not access.may(actor, command.type, district=command.district, agency=command.agency):
            raise Refused(Reason.OPENING_ELSEWHERE)
        return
    if isinstance(command, TryBlock):
        require_act(actor, command.type)
        if not access.may(actor, command.type, district=command.district, agency=actor.agency):
            raise Refused(Reason.NOT_FOUND, subject_kind="district")
        return
    named = [subject for _, subject in subjects(command)]
    if isinstance(command, PutOnTest):
        named.append(command.site)
    require(connection, actor, command.type, named)
