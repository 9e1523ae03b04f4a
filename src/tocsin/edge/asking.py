"""What a screen asks of the stream in its request, and how a refusal is answered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Scope, Send

# Answers for a refusal: (scope, status, reason) -> (body, media type).
Refuse = Callable[[Scope, int, str], tuple[bytes, str]]

# What `people_grant` knows a caller by: ("token", digest) or ("session", digest). The kind is part
# of it, and what is stored opens nothing by itself.
Credential = tuple[str, str]


def position_known(scope: Scope) -> int | None:
    """The position the client knows: Last-Event-ID of a reconnect, else `?after=`; None if it is
    not a number."""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    text = Headers(scope=scope).get("last-event-id") or query.get("after", ["0"])[-1]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def credential_of(scope: Scope) -> Credential | None:
    """What the caller shows: a bearer token (by its digest), else the session cookie, else None."""
    headers = Headers(scope=scope)
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return "token", hashlib.sha256(token.strip().encode()).hexdigest()
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    morsel = cookies.get("sessionid")
    if morsel is None or not morsel.value:
        return None
    # As apps/people/sessions.py stores it: the key itself is in no table.
    return "session", hashlib.sha256(morsel.value.encode()).hexdigest()[:40]


async def answer(scope: Scope, send: Send, status: int, reason: str, refuse: Refuse) -> None:
    body, media_type = refuse(scope, status, reason)
    headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-store")]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    if status == 405:
        headers.append((b"allow", b"GET"))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
