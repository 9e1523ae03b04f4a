"""The plain pages of the site's edge: what went wrong, in words, with a way back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def failure(request: HttpRequest, status: int) -> HttpResponse:
    """A page for one of 400, 403, 404, 429, 500, 503."""
    title, text = _words(status)
    response = render(
        request, "failure.html", {"title": title, "text": text, "status": status}, status=status
    )
    if status == 503:
        response["Retry-After"] = "2"
    return response


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """The form's token did not match: usually a page left open past a sign-out."""
    text = _("The page was open for too long. Go back, reload it and send the form again.")
    return render(
        request,
        "failure.html",
        {"title": _("The form could not be accepted"), "text": text, "status": 403},
        status=403,
    )


def _words(status: int) -> tuple[str, str]:
    if status == 503:
        return (
            _("The database cannot be reached"),
            _("Nothing was changed. The service resumes by itself; try again in a moment."),
        )
    if status == 404:
        return _("Page not found"), _("The address is wrong, or the page has moved.")
    if status == 403:
        return _("Not allowed"), _("Your account does not have access to this page.")
    if status == 429:
        return (
            _("Too many attempts"),
            _("Wait a few minutes, or sign in with a passkey."),
        )
    if status == 400:
        return _("The request was not understood"), _("Go back and try again.")
    return (
        _("Something went wrong"),
        _("The fault has been recorded. Try again; if it stays, tell your administrator."),
    )
