"""Which page or app answers which path. The stream and static files never come here (asgi.py)."""

from __future__ import annotations

import sys

import psycopg
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView
from django.views.i18n import set_language

from tocsin.apps.desk.api import api
from tocsin.apps.desk.problems import problem_for_status
from tocsin.apps.people.pages import failure
from tocsin.site.start_page import console

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Tocsin"
admin.site.index_title = _("Administration")
# Nothing of these is used here: an account has a role, no groups and no e-mail; second factors are
# added by their owner and removed as a whole.
for unused in (Group, EmailAddress, Authenticator):
    admin.site.unregister(unused)

urlpatterns = [
    path("", console, name="console"),
    path("api/v1/", api.urls),
    path("accounts/language/", set_language, name="set_language"),
    path("accounts/", include("tocsin.apps.people.urls")),
    path("", include("tocsin.apps.citizen.urls")),
    path("readiness/", include("tocsin.apps.readiness.urls")),
    # The admin's own form would let a password be guessed without the attempt limits.
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
]


def _answer(request: HttpRequest, status: int) -> HttpResponse:
    """A problem document below /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return problem_for_status(request, status)
    return failure(request, status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _answer(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _answer(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _answer(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    """Django calls this while the exception is being handled: a lost database is not a fault of
    ours but a state, and says so."""
    lost = isinstance(
        sys.exc_info()[1],
        OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError,
    )
    return _answer(request, 503 if lost else 500)


handler400 = bad_request
handler403 = forbidden
handler404 = not_found
handler500 = failed
