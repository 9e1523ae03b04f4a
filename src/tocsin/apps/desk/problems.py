"""Every refusal of the API as a problem document (RFC 9457) in the caller's language.

Reasons of the core have their texts in `tocsin.core.texts`; the door's own (malformed body, not
signed in, database lost) have theirs here, translated by gettext.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal at the door. `errors` name fields of the body or query: (field, message)."""

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.errors = errors
        self.retry_after_s = retry_after_s


# reason -> (title, detail); both are msgids.
WORDS: Mapping[str, tuple[str, str]] = {
    "malformed": (
        gettext_noop("Malformed request"),
        gettext_noop("The body is not valid JSON, or the request cannot be read."),
    ),
    "not_signed_in": (
        gettext_noop("Not signed in"),
        gettext_noop("Sign in, or send a valid token; it may have expired or been revoked."),
    ),
    "csrf": (
        gettext_noop("Not allowed"),
        gettext_noop("A write by session needs the X-CSRFToken header with the cookie's value."),
    ),
    "second_factor_missing": (
        gettext_noop("Second factor missing"),
        gettext_noop("Add an authenticator app or a passkey to your account before working."),
    ),
    "not_allowed": (
        gettext_noop("Not allowed"),
        gettext_noop("Your role may not do this."),
    ),
    "not_found": (
        gettext_noop("Not found"),
        gettext_noop("There is no such thing, or you have no access to it."),
    ),
    "method_not_allowed": (
        gettext_noop("Method not allowed"),
        gettext_noop("This address does not take this method."),
    ),
    "too_large": (
        gettext_noop("Too large"),
        gettext_noop("The body is larger than this address takes."),
    ),
    "unsupported": (
        gettext_noop("Unsupported media type"),
        gettext_noop("Send JSON, with the content type application/json."),
    ),
    "invalid": (
        gettext_noop("Invalid request"),
        gettext_noop("Some fields are missing or wrong."),
    ),
    "refused": (gettext_noop("Refused"), gettext_noop("The command cannot be done.")),
    "lost_race": (gettext_noop("Somebody was first"), gettext_noop("The command cannot be done.")),
    "key_missing": (
        gettext_noop("Idempotency key missing"),
        gettext_noop("A command needs an Idempotency-Key header of 8 to 200 characters."),
    ),
    "key_reused": (
        gettext_noop("Idempotency key reused"),
        gettext_noop("This key was used for another command. Use a fresh key for each command."),
    ),
    "too_many_requests": (
        gettext_noop("Too many requests"),
        gettext_noop("Wait a moment and try again."),
    ),
    "database_lost": (
        gettext_noop("The database cannot be reached"),
        gettext_noop("Nothing was confirmed. Send the same request with the same key again."),
    ),
    "overloaded": (
        gettext_noop("Overloaded"),
        gettext_noop("Every worker is busy. Try again in a moment."),
    ),
    "fault": (
        gettext_noop("Fault"),
        gettext_noop("Something went wrong on our side. The fault has been recorded."),
    ),
}

_BY_STATUS: Mapping[int, str] = {
    400: "malformed",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported",
    422: "invalid",
    429: "too_many_requests",
    503: "database_lost",
}


@dataclass(frozen=True, slots=True)
class Words:
    """Title and detail in one language."""

    title: str
    detail: str


def preferred_language(accept_language: str) -> str | None:
    """`zh` or `en`, whichever an Accept-Language header names first; None if neither."""
    for part in accept_language.lower().split(","):
        code = part.split(";")[0].strip()[:2]
        if code in ("zh", "en"):
            return code
    return None


def language_of(request: HttpRequest) -> str:
    """`zh` or `en`: what the request asks for, else the account's, else Chinese."""
    asked = preferred_language(request.headers.get("Accept-Language", ""))
    caller = getattr(request, "caller", None)
    return asked or (str(caller.language) if caller is not None else "") or "zh"


def words(reason: str, language: str) -> Words:
    """The door's own texts."""
    title, detail = WORDS[reason]
    with translation.override("en" if language == "en" else "zh-hans"):
        return Words(gettext(title), gettext(detail))


def encode(status: int, reason: str, texts: Words, **more: Any) -> bytes:
    """The document's bytes, `about:blank` type: the reason code tells problems apart."""
    return msgspec.json.encode(
        {
            "type": "about:blank",
            "title": texts.title,
            "status": status,
            "detail": texts.detail,
            "reason": reason,
            "errors": [],
            **more,
        }
    )


def document(status: int, reason: str, texts: Words, **more: Any) -> HttpResponse:
    """The response. `more`: `errors`, `by`, `at`, and details of the reason, as far as known."""
    return HttpResponse(
        encode(status, reason, texts, **more),
        status=status,
        content_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store"},
    )


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A `Problem` as the caller reads it."""
    response = document(
        problem.status,
        problem.reason,
        words(problem.reason, language_of(request)),
        errors=[{"field": field, "message": message} for field, message in problem.errors],
    )
    if problem.retry_after_s is not None:
        response["Retry-After"] = str(problem.retry_after_s)
    if problem.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def problem_for_status(request: HttpRequest, status: int) -> HttpResponse:
    """For an error that arose outside our own code and left nothing but its status."""
    retry = 1 if status in (429, 503) else None
    return answer(request, Problem(status, _BY_STATUS.get(status, "fault"), retry_after_s=retry))


def documents_only(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: whatever fails below /api/ leaves as a problem document, whoever answered."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if (
            response.status_code >= 400
            and request.path.startswith("/api/")
            and response.get("Content-Type") != MEDIA_TYPE
        ):
            plain = response
            response = problem_for_status(request, plain.status_code)
            if "Allow" in plain:
                response["Allow"] = plain["Allow"]
        return response

    return middleware
