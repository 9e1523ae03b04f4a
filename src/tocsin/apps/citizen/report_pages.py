"""`/report`: the form, and what becomes of it. It is received only when the record has committed
it; whatever else happens, the page says so and keeps what was filled in."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.conf import settings
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
from tocsin.apps.citizen.form import DATUMS, Entered, Problem
from tocsin.apps.citizen.words import HURT, KINDS, WORDS
from tocsin.apps.log import connection, keyring
from tocsin.core.reports import TEXT_CHARS_MAX, WHERE_CHARS_MAX
from tocsin.record import probing
from tocsin.record.handle import OutcomeUnknown
from tocsin.record.probe_secret import shown_by
from tocsin.record.report_codes import grouped
from tocsin.record.reports import Received, count_turned_away, receive, received_before

logger = logging.getLogger("tocsin.citizen")

PURPOSE = "report"


@csrf_exempt  # there is no session; a form has a signed token of its own (`answering`)
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form; sent, the way to the page that follows the report."""
    language = language_of(request)
    if not public().report:
        return page("message", language, status=404, notice="off")
    if request.method != "POST":
        return _form(language, Entered(), new_token(PURPOSE))
    entered = Entered.of(request.POST)
    sent = request.POST.get("token", "")
    token = read_token(sent, PURPOSE)
    if request.POST.get("switch") in ("zh", "en"):
        # The other language was asked for in the middle of filling in: nothing is checked yet.
        other = request.POST["switch"]
        return _form(other, entered, sent if token else new_token(PURPOSE), posted=True)
    if is_foreign(request):
        found = [Problem("top", "problem_origin")]
        return _form(language, entered, new_token(PURPOSE), status=403, problems=found)
    if token is None:
        found = [Problem("top", "problem_token")]
        return _form(language, entered, new_token(PURPOSE), status=422, problems=found)
    if found := entered.problems():
        return _form(language, entered, sent, status=422, problems=found)
    try:
        received = _receive(request, entered, token)
    except limits.Crowded:
        return _form(language, entered, sent, status=429, notice="crowded")
    except OutcomeUnknown:
        return _form(language, entered, sent, status=503, notice="unsure")
    except Exception as error:  # noqa: BLE001
        # Whatever it was, a person waits for help and must not believe that it is on its way.
        log_failure(logger, "a public report was not received", error)
        return _form(language, entered, sent, status=503, notice="lost")
    where = reverse("citizen_follow", args=[grouped(received.code)])
    how = "again" if received.replayed and not received.same else "received"
    return HttpResponseRedirect(
        f"{where}?{how}&lang={language}", headers={"Cache-Control": "no-store"}
    )


def _receive(request: HttpRequest, entered: Entered, token: bytes) -> Received:
    now = datetime.now(UTC)
    if received := _tested(request, entered, token, now):
        return received
    network = limits.Network.of(request)
    with connection() as log:
        before = received_before(log, keyring(), entered.report(), token=token)
        if before is not None:
            return before  # sent twice, charged once
        try:
            collecting = limits.charge_report(network, now)
        except limits.Crowded:
            count_turned_away(log, now)
            raise
        received = receive(
            log,
            keyring(),
            entered.report(),
            token=token,
            collecting=collecting,
            district=settings.DISTRICT,
            agency=settings.AGENCY,
            now=now,
            obligations=settings.OBLIGATIONS,
        )
    try:
        limits.remember(network, now)
    except Exception as error:  # noqa: BLE001 - it is received: that must be said all the same
        log_failure(logger, "a network that sent a report was not remembered", error)
    return received


def _tested(request: HttpRequest, entered: Entered, token: bytes, now: datetime) -> Received | None:
    """A test report of our own probe goes as far as any other, and is taken back; None for anybody
    else's."""
    account = shown_by(keyring(), "report", request.headers.get("Tocsin-Probe", ""))
    if account is None:
        return None
    with connection() as log:
        if not probing.is_expected(log, account, now):
            return None
        received = receive(
            log,
            keyring(),
            entered.report(),
            token=token,
            collecting=None,
            district=settings.DISTRICT,
            agency=settings.AGENCY,
            now=now,
            obligations=settings.OBLIGATIONS,
            is_rehearsal=True,
        )
        probing.arrived(log, account, now)
    return received


def _form(
    language: str,
    entered: Entered,
    token: str,
    *,
    status: int = 200,
    problems: list[Problem] | None = None,
    notice: str = "",
    posted: bool = False,
) -> HttpResponse:
    found = [one.shown(language) for one in problems or []]
    return page(
        "report",
        language,
        status=status,
        notice=notice,
        problems=found,
        problem={one["field"]: one["text"] for one in found},
        entered=entered,
        token=token,
        posted=posted or status != 200,
        has_place=bool(entered.position),
        kinds=[
            {
                "value": kind.value,
                "what": what.of(language),
                "more": more.of(language),
                "checked": entered.kind == kind.value,
            }
            for kind, (what, more) in KINDS.items()
        ],
        hurts=[
            {"value": hurt.value, "what": what.of(language), "checked": entered.hurt == hurt.value}
            for hurt, what in HURT.items()
        ],
        datums=[
            {
                "value": datum.value,
                "what": WORDS[word].of(language),
                "checked": entered.datum == datum.value,
            }
            for datum, word in DATUMS.items()
        ],
        most={"where": WHERE_CHARS_MAX, "text": TEXT_CHARS_MAX},
    )
