"""What all public pages share: the language asked for, their headers, tokens of their forms, and
the page that stands in where the web process itself must refuse."""

from __future__ import annotations

import html
import logging
import secrets
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core import signing
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.utils.html import escape
from psycopg_pool import PoolTimeout

from tocsin.apps.citizen.public import Public
from tocsin.apps.citizen.words import WORDS, in_language
from tocsin.record.database import DatabaseAway

PATHS: Final = ("/report", "/follow")
LOST: Final = (DatabaseAway, psycopg.Error, PoolTimeout, DatabaseError, InterfaceError)
"""What is raised where the database is away: a state, and no fault."""

TOKEN_SECONDS: Final = 86_400
TOKEN_BYTES: Final = 16
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:;"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    # The one thing that these pages may ask of a phone, and only when its owner presses a button.
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


def public() -> Public:
    """What the installation says of itself."""
    found: Public = settings.PUBLIC
    return found


def language_of(request: HttpRequest) -> str:
    """`zh` or `en`: a link or the form says so, else what the browser prefers."""
    asked = request.POST.get("language") or request.GET.get("lang")
    if asked in ("zh", "en"):
        return asked
    return "zh" if getattr(request, "LANGUAGE_CODE", "zh").startswith("zh") else "en"


def page(
    template: str, language: str, *, status: int = 200, notice: str = "", **context: Any
) -> HttpResponse:
    """A page. `notice` is the beginning of the names of a title and a text that say how it stands.

    No context processor runs: nothing here looks at a session, so no cookie is set or read.
    """
    words = in_language(language)
    names = (settings.SITE_NAME_ZH, settings.SITE_NAME_EN)
    first, second = names if language == "zh" else names[::-1]
    if notice:
        context["notice"] = {"title": words[f"{notice}_title"], "text": words[f"{notice}_text"]}
    content = get_template(f"citizen/{template}.html").render(
        {
            "t": words,
            "language": language,
            "other": "en" if language == "zh" else "zh",
            "site_name": first or second or "Tocsin",
            "numbers": public().numbers(language),
            **context,
        }
    )
    response = HttpResponse(content, status=status, headers=HEADERS)
    response["Content-Language"] = "zh-CN" if language == "zh" else "en"
    if status == 503:
        response["Retry-After"] = "5"
    # Django logs the path of an answer over 400. Here it may hold a code, which opens a report.
    response._has_been_logged = True  # type: ignore[attr-defined] # noqa: SLF001
    return response


# -- a form's token: it was ours, and it is the same form however often it is sent ----------------


def new_token(purpose: str) -> str:
    return signing.TimestampSigner(salt=_salt(purpose)).sign(secrets.token_hex(TOKEN_BYTES))


def read_token(token: str, purpose: str) -> bytes | None:
    """What tells this form from every other; None if it is not ours or older than a day."""
    try:
        signer = signing.TimestampSigner(salt=_salt(purpose))
        return bytes.fromhex(signer.unsign(token, max_age=TOKEN_SECONDS))
    except (signing.BadSignature, ValueError):
        return None


def is_foreign(request: HttpRequest) -> bool:
    """Whether another site's page sent this form. There is no session to abuse, but a visitor's
    network address would speak for somebody else's words."""
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched is not None:
        return fetched not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc.lower() != request.get_host().lower()


def _salt(purpose: str) -> str:
    return f"tocsin.citizen.{purpose}"


def log_failure(logger: logging.Logger, what: str, error: Exception) -> None:
    """One line where the database is away, which everybody knows; a trace for what nobody does."""
    if isinstance(error, LOST):
        logger.warning(what, extra={"error": str(error).strip()})
    else:
        logger.error(what, exc_info=error)


def refusal(status: int, language: str) -> bytes:
    """A page for what the web process refuses before Django is asked: a body too large, too many
    requests at once, a database that answers nothing. Without a template and without a query."""
    words = {name: WORDS[name].of(language) for name in ("refused_title", "refused_text", "danger")}
    numbers = " ".join(
        f'<a href="tel:{escape(one["tel"])}">{escape(one["what"])} {escape(one["number"])}</a>'
        for one in public().numbers(language)
    )
    tag = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html><html lang="{tag}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(words['refused_title'])}</title>"
        '<link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/static/citizen/public.css"></head>'
        f'<body><div class="danger"><p>{html.escape(words["danger"])}</p>'
        f'<p class="numbers">{numbers}</p></div><main class="plain">'
        f"<h1>{html.escape(words['refused_title'])}</h1><p>{html.escape(words['refused_text'])}</p>"
        f'<p class="muted">{status}</p></main></body></html>'
    ).encode()
