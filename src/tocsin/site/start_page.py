"""The console's start page: the built web application, for people who are signed in."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie

BUILT = Path(__file__).parent / "console"


@ensure_csrf_cookie
@login_required
def console(request: HttpRequest) -> HttpResponse:
    """`index.html` of the web build, or a page that says how to build it."""
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
