"""The start page: the console's built web application for who may see incidents, for any other
account the pages that it has."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import ensure_csrf_cookie

from tocsin.apps.people.grants import actor_of
from tocsin.apps.people.models import Account
from tocsin.core.access import ever

BUILT = Path(__file__).parent / "console"

# What opens a page (`core.access`), its address, its name, what is done there.
PAGES = (
    (
        "manage:sites",
        *("readiness_sites", gettext_lazy("Sites and devices")),
        gettext_lazy("The register: sites, devices, zones, keys; import, export, connect a panel."),
    ),
    (
        "manage:sites",
        *("readiness_codes", gettext_lazy("Alarm codes")),
        gettext_lazy("What each code of a panel means here: drafts, trials, versions in force."),
    ),
    (
        "read:on_test",
        *("readiness_on_tests", gettext_lazy("On test")),
        gettext_lazy("What is on test now, and what its signals would have done."),
    ),
    (
        "read:block",
        *("readiness_blocks", gettext_lazy("Block rules")),
        gettext_lazy("Senders that are muted, until when, and what has been muted."),
    ),
    (
        "read:intake",
        *("readiness_intakes", gettext_lazy("Intakes")),
        gettext_lazy("Whether every way in hears, and what came in by it."),
    ),
    (
        "manage:accounts",
        *("admin:index", gettext_lazy("Administration")),
        gettext_lazy("Accounts, tokens, stations, hydrants."),
    ),
)


@ensure_csrf_cookie
@login_required
def console(request: HttpRequest) -> HttpResponse:
    """`index.html` of the web build, or a page that says how to build it.

    An account that may see no incident gets a page with its own pages: an empty queue on the desk
    would read as if nothing were open.
    """
    assert isinstance(request.user, Account)
    actor = actor_of(request.user)
    if not ever(actor, "read:incident"):
        pages = [
            {"url": reverse(name), "name": title, "means": means}
            for act, name, title, means in PAGES
            if ever(actor, act)
        ]
        answer = render(request, "people/start.html", {"pages": pages})
        answer["Cache-Control"] = "no-store"
        return answer
    index = BUILT / "index.html"
    if index.is_file():
        return HttpResponse(index.read_bytes(), headers={"Cache-Control": "no-store"})
    return render(
        request,
        "failure.html",
        {
            "title": _("The console is not built"),
            "text": _("Run “make setup” in the source folder, then start again."),
            "status": "",
        },
        status=503,
    )
