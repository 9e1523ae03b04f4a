"""The API's door: who is calling, and the one way a problem leaves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf
from psycopg_pool import PoolTimeout

from tocsin.apps.desk.field_errors import field_errors
from tocsin.apps.desk.problems import (
    Problem,
    Words,
    answer,
    document,
    language_of,
    problem_for_status,
    words,
)
from tocsin.apps.desk.test_calls import probe_caller
from tocsin.apps.people import attempts, grants
from tocsin.apps.people.accounts import digest_of
from tocsin.core.terms import RACES, Actor, Reason, Refused
from tocsin.core.texts.refusals import refusal_text
from tocsin.record.database import DatabaseAway
from tocsin.record.handle import KeyInvalid, KeyReused, NotStorable, OutcomeUnknown
from tocsin.record.views import BadFilter

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ByToken(HttpBearer):
    """`Authorization: Bearer TOKEN`, made by `tocsin token create`."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        caller = grants.find("token", digest_of(token)) or probe_caller(request, token)
        if caller is None:
            limit = attempts.TOKENS_PER_SOURCE
            if not attempts.count(f"token:{attempts.source_of(request)}", limit, timezone.now()):
                raise Problem(429, "too_many_requests", retry_after_s=60)
            raise Problem(401, "not_signed_in")
        request.caller = caller  # type: ignore[attr-defined]
        return caller.actor


class BySession(APIKeyCookie):
    """The cookie of a person who signed in; writes also send `X-CSRFToken`."""

    param_name = "sessionid"

    def _get_key(self, request: HttpRequest) -> str | None:
        return request.COOKIES.get(self.param_name)

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        caller = grants.by_session(key) if key else None
        if caller is None:
            return None
        request.caller = caller  # type: ignore[attr-defined]
        if request.method not in SAFE_METHODS and check_csrf(request) is not None:
            raise Problem(403, "csrf")
        if not caller.enrolled:
            raise Problem(403, "second_factor_missing")
        return caller.actor


def caller_of(request: HttpRequest) -> grants.Caller:
    """The caller that the door has let in."""
    found: grants.Caller = request.caller  # type: ignore[attr-defined]
    return found


def actor_of(request: HttpRequest) -> Actor:
    """The actor that the door has let in."""
    found: Actor = request.auth  # type: ignore[attr-defined]
    return found


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """A refusal of the core: 404 and 403 for access, 409 for a lost race, 422 for the rest."""
    if refusal.reason is Reason.NOT_FOUND:
        return answer(request, Problem(404, "not_found"))
    if refusal.reason is Reason.NOT_ALLOWED:
        return answer(request, Problem(403, "not_allowed"))
    text = refusal_text(refusal)
    status = 409 if refusal.reason in RACES else 422
    title = words("refused" if status == 422 else "lost_race", language_of(request)).title
    detail = text.en if language_of(request) == "en" else text.zh
    details = {**refusal.details, "text_zh": text.zh, "text_en": text.en}
    return document(status, refusal.reason.value, Words(title, detail), **details)


def install_problems(api: NinjaAPI) -> None:
    """Registers what each exception becomes."""
    becomes: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Problem: answer,
        Refused: refused,
        ValidationError: _invalid,
        HttpError: _http,
        Http404: _missing,
        KeyReused: _key_reused,
        KeyInvalid: _key_missing,
        NotStorable: _not_storable,
        BadFilter: _not_storable,
        OutcomeUnknown: _lost,
        DatabaseAway: _lost,
        OperationalError: _lost,
        InterfaceError: _lost,
        psycopg.OperationalError: _lost,
        psycopg.InterfaceError: _lost,
        PoolTimeout: _lost,
    }
    for exception, answers in becomes.items():
        api.add_exception_handler(exception, answers)


def _missing(request: HttpRequest, error: Exception) -> HttpResponse:  # noqa: ARG001
    return problem_for_status(request, 404)


def _key_reused(request: HttpRequest, error: Exception) -> HttpResponse:  # noqa: ARG001
    return answer(request, Problem(422, "key_reused"))


def _key_missing(request: HttpRequest, error: Exception) -> HttpResponse:  # noqa: ARG001
    return answer(request, Problem(400, "key_missing"))


def _not_storable(request: HttpRequest, error: Exception) -> HttpResponse:
    return answer(request, Problem(422, "invalid", errors=[("", str(error))]))


def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem_for_status(request, error.status_code)


def _lost(request: HttpRequest, error: Exception) -> HttpResponse:  # noqa: ARG001
    return answer(request, Problem(503, "database_lost", retry_after_s=1))


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    found = field_errors(error.errors, language_of(request))
    return answer(request, Problem(422, "invalid", errors=found))
