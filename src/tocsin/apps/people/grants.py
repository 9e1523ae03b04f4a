"""From a cookie or a token to the actor behind it, by one row of the view `people_grant`.

The stream (edge/stream.py) reads the same view by itself; revoking a session, a token or an account
removes the row, so both notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from tocsin.apps.people.accounts import digest_of
from tocsin.apps.people.models import Account
from tocsin.apps.people.sessions import digest
from tocsin.core.terms import Actor, Role

Kind = Literal["session", "token"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. `language` is `zh`, `en`, or empty: as the browser asks; `enrolled` is false
    for an account that still has to add a second factor before it may work."""

    actor: Actor
    kind: Kind
    language: str
    enrolled: bool
    username: str = ""


_FIND = (
    "SELECT actor, name, role, agency, districts, unit, language, second_factor, username"
    " FROM public.people_grant WHERE kind = %s AND credential = %s"
)
# At most one write a minute and token: knowing the last use to the minute is enough.
_USED = (
    "UPDATE public.people_token SET last_used_at = now() WHERE digest = %s"
    " AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')"
)


def find(kind: Kind, credential: str) -> Caller | None:
    """The caller of a session's or a token's digest; None when it opens nothing (any more)."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [kind, credential])
        row = cursor.fetchone()
        if row is not None and kind == "token":
            cursor.execute(_USED, [credential])
    if row is None:
        return None
    actor, name, role, agency, districts, unit, language, second_factor, username = row
    return Caller(
        actor=Actor(actor, name, Role(role), agency, tuple(districts), unit),
        kind=kind,
        language={"en": "en", "zh-hans": "zh"}.get(language, ""),
        enrolled=second_factor or settings.DEMO,
        username=username,
    )


def by_session(key: str) -> Caller | None:
    """The caller of a session cookie."""
    return find("session", digest(key))


def bearer(request: HttpRequest) -> str | None:
    """The token of an `Authorization: Bearer` header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def caller_of(request: HttpRequest) -> Caller | None:
    """By token if one is sent, else by session cookie."""
    token = bearer(request)
    if token is not None:
        return find("token", digest_of(token))
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return by_session(key) if key else None


def actor_of(account: Account) -> Actor:
    """An account as the core knows it."""
    return Actor(
        id=f"account:{account.pk}",
        name=account.display_name or account.username,
        role=Role(account.role),
        agency=account.agency,
        districts=tuple(account.districts),
        unit=account.unit if isinstance(account.unit, UUID) else None,
    )
