"""Test calls of our own probe: a call goes the way of any call-taker's, up to the commit, and is
taken back. Whoever shows the secret of one that is expected may do this and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tocsin.apps.desk import standing
from tocsin.apps.log import connection, keyring
from tocsin.apps.people.grants import Caller
from tocsin.core.commands import Command, OpenIncident
from tocsin.core.terms import Actor, Reason, Refused, Role
from tocsin.record import probing
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.probe_secret import shown_by

PATH: Final = "/api/v1/commands"
_ACTOR: Final = "probe:"


def probe_caller(request: HttpRequest, token: str) -> Caller | None:
    """The probe, where it sends a test call that is expected; None for any other token."""
    if request.method != "POST" or request.path != PATH:
        return None
    account = shown_by(keyring(), "call", token)
    if account is None:
        return None
    with connection() as log:
        if not probing.is_expected(log, account, datetime.now(UTC)):
            return None
    actor = Actor(_ACTOR + account, "Tocsin", Role.SERVICE, settings.AGENCY)
    return Caller(actor, "token", language="", enrolled=True)


def is_probe(actor: Actor) -> bool:
    return actor.id.startswith(_ACTOR)


def answer_test_call(log: Connection, actor: Actor, command: Command, key: str) -> HttpResponse:
    """Raises `Refused` for anything but a call, and what `record.handle` raises."""
    if not isinstance(command, OpenIncident):
        raise Refused(Reason.NOT_ALLOWED)
    standing.require_command(log, actor, command)
    log.rollback()
    now = datetime.now(UTC)
    handle(
        log,
        keyring(),
        command,
        actor=actor,
        key=key,
        now=now,
        obligations=settings.OBLIGATIONS,
        is_rehearsal=True,
    )
    probing.arrived(log, actor.id.removeprefix(_ACTOR), now)
    return HttpResponse(msgspec.json.encode({"facts": []}), content_type="application/json")
