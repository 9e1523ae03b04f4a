"""Nobody works without a second factor, except in a demo."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

# The API checks the same thing by the grant (apps.desk.caller), with a problem document.
OPEN_PATHS = ("/accounts/", "/api/", "/static/", "/report", "/follow", "/cap/")


def second_factor(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Sends an account without authenticator app or passkey to the page where it adds one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if (
            not settings.DEMO
            and not request.path.startswith(OPEN_PATHS)
            and request.user.is_authenticated
            and not get_adapter().is_mfa_enabled(request.user, ["totp", "webauthn"])
        ):
            return HttpResponseRedirect(reverse("mfa_index"))
        return get_response(request)

    return middleware
