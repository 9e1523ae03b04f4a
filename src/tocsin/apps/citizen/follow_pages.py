"""`/follow`: how a report stands, for whoever has its code; its sender may add to it, or say that
help is no longer needed. A wrong code answers as one that never was."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tocsin.apps.citizen import limits
from tocsin.apps.citizen.answering import (
    is_foreign,
    language_of,
    log_failure,
    new_token,
    page,
    public,
    read_token,
)
from tocsin.apps.citizen.form import Problem, cleaned
from tocsin.apps.citizen.words import WORDS
from tocsin.apps.log import connection, keyring
from tocsin.core.reports import TEXT_CHARS_MAX
from tocsin.core.terms import Disposition, Refused
from tocsin.record.handle import KeyReused
from tocsin.record.report_codes import grouped, read_code
from tocsin.record.report_following import (
    ADDITIONS_MAX,
    Followed,
    NoReport,
    Stage,
    TooManyAdditions,
    add,
    standing,
    withdraw,
)

logger = logging.getLogger("tocsin.citizen")

PURPOSE = "add"
TYPED_CHARS_MAX = 40

# Coarse on purpose: what the desk thinks of a report is not for its sender.
_ENDED = {
    Disposition.HANDLED: "ended_handled",
    Disposition.FALSE_ALARM: "ended_no_emergency",
    Disposition.UNFOUNDED: "ended_no_emergency",
    Disposition.TEST: "ended_no_emergency",
    Disposition.NO_RESPONSE_NEEDED: "ended_no_response_needed",
    Disposition.TRANSFERRED: "ended_transferred",
    Disposition.DUPLICATE: "ended_duplicate",
}


@csrf_exempt  # it changes nothing; another method is told so, and not asked for a cookie
@require_http_methods(["GET", "HEAD"])
def ask(request: HttpRequest) -> HttpResponse:
    """The form to type a code."""
    language = language_of(request)
    typed = request.GET.get("code", "").strip()
    if not typed:
        return page("ask", language)
    code = read_code(typed)
    if code is None:
        return _unknown(request, language, typed)
    return _to(code, language)


@csrf_exempt  # there is no session; who has the code may
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest, code: str) -> HttpResponse:
    """How the report of this code stands."""
    language = language_of(request)
    read = read_code(code)
    try:
        if read is None:
            return _unknown(request, language, code)
        found = _look(request, read)
        if request.method == "POST":
            return _act(request, read, found, language)
        return _shown(request, read, found, language)
    except limits.TooManyGuesses:
        return page("ask", language, status=429, notice="guesses")
    except NoReport:
        return page("ask", language, status=404, notice="unknown", typed=code[:TYPED_CHARS_MAX])
    except Exception as error:  # noqa: BLE001
        # Whoever added something must not believe that it was stored.
        log_failure(logger, "a report could not be followed", error)
        text = cleaned(request.POST.get("text", ""))
        return page("message", language, status=503, notice="away", kept=text)


def _unknown(request: HttpRequest, language: str, typed: str) -> HttpResponse:
    """For what cannot be a code the same as for one that is nobody's, and counted alike."""
    try:
        limits.charge_guess(limits.Network.of(request), datetime.now(UTC))
    except limits.TooManyGuesses:
        return page("ask", language, status=429, notice="guesses")
    except Exception as error:  # noqa: BLE001
        log_failure(logger, "a report could not be followed", error)
        return page("message", language, status=503, notice="away")
    return page("ask", language, status=404, notice="unknown", typed=typed[:TYPED_CHARS_MAX])


def _look(request: HttpRequest, code: str) -> Followed:
    now = datetime.now(UTC)
    network = limits.Network.of(request)
    charged = limits.charge_guess(network, now)
    with connection() as log:
        found = standing(log, keyring(), code, now)
    limits.was_right(network, charged, now)
    return found


def _act(request: HttpRequest, code: str, found: Followed, language: str) -> HttpResponse:
    now = datetime.now(UTC)
    text = cleaned(request.POST.get("text", ""))
    if is_foreign(request):
        return _shown(request, code, found, language, text=text, problem="problem_origin")
    try:
        if request.POST.get("act") == "withdraw":
            with connection() as log:
                withdraw(log, keyring(), code, now=now)
            return _to(code, language)
        token = read_token(request.POST.get("token", ""), PURPOSE)
        if token is None:
            return _shown(request, code, found, language, text=text, problem="problem_token")
        if not text:
            return _shown(request, code, found, language, problem="problem_text")
        if len(text) > TEXT_CHARS_MAX:
            return _shown(request, code, found, language, text=text, problem="problem_text_long")
        with connection() as log:
            add(log, keyring(), code, text, token=token, now=now)
    except KeyReused:
        # Sent twice, the second time with other words: as if it were a new form.
        return _shown(request, code, found, language, text=text, problem="problem_token")
    except TooManyAdditions:
        return _shown(request, code, found, language, text=text, problem="add_none_left")
    except Refused:
        with connection() as log:
            found = standing(log, keyring(), code, now)
        return _shown(request, code, found, language, text=text, problem="closed_meanwhile")
    return _to(code, language, "added")


def _to(code: str, language: str, how: str = "") -> HttpResponse:
    where = reverse("citizen_follow", args=[grouped(code)])
    query = f"{how}&lang={language}" if how else f"lang={language}"
    return HttpResponseRedirect(f"{where}?{query}", headers={"Cache-Control": "no-store"})


def _shown(
    request: HttpRequest,
    code: str,
    found: Followed,
    language: str,
    *,
    text: str = "",
    problem: str = "",
) -> HttpResponse:
    said = ""
    if problem:
        one = Problem("text", problem, TEXT_CHARS_MAX, len(text))
        said = one.shown(language)["text"]
    withdrawn = None
    if found.withdrawn_at is not None:
        time = public().shown(found.withdrawn_at, language)
        withdrawn = WORDS["withdrawn"].filled({"time": time}).of(language)
    ended = ""
    if found.disposition is not None:
        ended = WORDS[_ENDED[Disposition(found.disposition)]].of(language)
    left = ADDITIONS_MAX - found.additions
    return page(
        "follow",
        language,
        status=422 if problem else 200,
        code=grouped(code),
        is_new="received" in request.GET,
        is_again="again" in request.GET,
        is_added="added" in request.GET and not problem,
        collected=found.collected and found.stage is Stage.RECEIVED,
        steps=[
            {
                "what": WORDS[f"stage_{stage.value}"].of(language),
                "at": at.isoformat(timespec="seconds"),
                "shown": public().shown(at, language),
            }
            for stage, at in found.steps
        ],
        waiting=found.stage is Stage.RECEIVED,
        closed=found.stage is Stage.CLOSED,
        ended=ended,
        withdrawn=withdrawn,
        left=left,
        hint=WORDS["add_hint"].filled({"left": left}).of(language),
        token=new_token(PURPOSE),
        text=text,
        problem=said,
    )
