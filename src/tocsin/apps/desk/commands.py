"""POST /commands: a body becomes a command of the core, and what it did is the answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from pydantic import TypeAdapter, ValidationError

from tocsin.apps.desk import bodies, caller_places, standing
from tocsin.apps.desk.door import actor_of
from tocsin.apps.desk.field_errors import field_errors
from tocsin.apps.desk.problems import Problem, language_of
from tocsin.apps.desk.test_calls import answer_test_call, is_probe
from tocsin.apps.log import connection, keyring
from tocsin.core.commands import OpenIncident, PersonCommand
from tocsin.record.counting import CALL, count_one
from tocsin.record.database import Connection
from tocsin.record.facts import StoredFact
from tocsin.record.handle import Also, handle, key_of_caller, outcome_of
from tocsin.record.tracks import Position, store_positions

KEY_CHARS: Final = (8, 200)
_POSITIONS: Final = TypeAdapter(bodies.PositionsBody)


def answer_command(request: HttpRequest) -> HttpResponse:
    """Does the command once per key. Raises `Problem` and what `record.handle` raises."""
    actor = actor_of(request)
    body = _validated(request, bodies.ADAPTER, strip=1)
    key = key_of_caller(actor, _key(request))
    command = bodies.command_of(body, actor)
    with connection() as log:
        if is_probe(actor):
            return answer_test_call(log, actor, command, key)
        command = caller_places.as_evidence(log, actor, command, language_of(request))
        # What was done is told again even to one whose reach has ended since: a crew's own clearing
        # ends its access, and its answer may have been lost.
        outcome = outcome_of(log, keyring(), command, actor=actor, key=key)
        if outcome is None:
            standing.require_command(log, actor, command)
            # What was read decided nothing that handle does not decide again under its locks.
            log.rollback()
            now = datetime.now(UTC)
            outcome = handle(
                log,
                keyring(),
                command,
                actor=actor,
                key=key,
                now=now,
                obligations=settings.OBLIGATIONS,
                also=_also(command, now),
            )
    return HttpResponse(
        msgspec.json.encode({"facts": outcome.facts}),
        content_type="application/json",
        headers={"Idempotent-Replayed": "true"} if outcome.replayed else {},
    )


def _also(command: PersonCommand, now: datetime) -> Also | None:
    """What is committed together with the command: a call that is typed is counted as heard."""
    if not isinstance(command, OpenIncident):
        return caller_places.keep_evidence(command)

    def also(opened: Connection, facts: list[StoredFact]) -> None:  # noqa: ARG001
        count_one(opened, CALL, now)

    return also


def answer_positions(request: HttpRequest) -> HttpResponse:
    """Keeps the positions of units that the actor speaks for and that have an order; the others,
    foreign or unknown ones too, are ignored alike. Raises `Problem`, `Refused`."""
    actor = actor_of(request)
    standing.require_act(actor, "report_positions")
    sent = _validated(request, _POSITIONS, strip=0).positions
    with connection() as log:
        mine = standing.reached(log, actor, "report_positions", [one.unit for one in sent])
        own = [Position(**one.model_dump()) for one in sent if one.unit in mine]
        log.rollback()
        stored = store_positions(log, own, datetime.now(UTC)).stored
    return HttpResponse(
        msgspec.json.encode({"kept": stored, "ignored": len(sent) - stored}),
        content_type="application/json",
    )


def _validated(request: HttpRequest, adapter: TypeAdapter[Any], *, strip: int) -> Any:
    """The body by its schema. `strip`: how many first parts of a finding's location are not the
    body's own fields (inside a union, the first is the command's type)."""
    if request.content_type != "application/json":
        raise Problem(415, "unsupported")
    try:
        value = bodies.parse_json(request.body)
    except ValueError as error:
        raise Problem(400, "malformed") from error
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        found = [{**one, "loc": one["loc"][strip:]} for one in error.errors(include_url=False)]
        raise Problem(422, "invalid", errors=field_errors(found, language_of(request))) from error


def _key(request: HttpRequest) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not KEY_CHARS[0] <= len(key) <= KEY_CHARS[1] or not key.isprintable():
        raise Problem(400, "key_missing")
    return key
