"""Limits on guessing, kept in the database so that every process counts together.

A guess is charged to where it comes from, never to the account alone: someone else's guesses must
not keep an on-duty dispatcher out. Three counters:

- a *known device* (it carries our signed cookie from an earlier sign-in of this account) has a
  counter of its own, so neither a flood nor a colleague behind the same address closes it;
- any other *source address* (IPv6: its /64);
- all unknown devices together per account and day, against guessing from many addresses. An
  address from which the account signed in lately is not counted here, and a passkey, which
  cannot be guessed, always signs in.
"""

from __future__ import annotations

import ipaddress
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tocsin.apps.people.addresses import address_in
from tocsin.apps.people.models import Account, KnownAddress

GUESSES_PER_SOURCE = (10, timedelta(minutes=5))
GUESSES_PER_ACCOUNT = (100, timedelta(days=1))
TOKENS_PER_SOURCE = (60, timedelta(minutes=1))
CLEARED_AT_ONCE = 20
DEVICE_COOKIE = "tocsin_device"
DEVICE_SECONDS = 365 * 86_400
ADDRESS_DAYS = 30
_SALT = "tocsin.people.device"


def count(key: str, limit: tuple[int, timedelta], now: datetime) -> bool:
    """Charges one attempt to `key`; False when its window already holds `limit` of them. Clears
    away a few counters whose time is over, more than it adds, so that a flood from ever new
    addresses leaves nothing for good."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO people_attempt AS a (key, count, ends_at) VALUES (%s, 1, %s)"
            " ON CONFLICT (key) DO UPDATE SET"
            " count = CASE WHEN a.ends_at <= %s THEN 1 ELSE a.count + 1 END,"
            " ends_at = CASE WHEN a.ends_at <= %s THEN excluded.ends_at ELSE a.ends_at END"
            " RETURNING count",
            [key, now + limit[1], now, now],
        )
        row = cursor.fetchone()
        # SKIP LOCKED: never waits for a neighbour who is just clearing or counting the same row.
        # ARRAY: the rows are chosen once; IN lets the planner choose anew for every row it meets.
        cursor.execute(
            "DELETE FROM people_attempt WHERE key = ANY(ARRAY(SELECT key FROM people_attempt"
            " WHERE ends_at <= %s ORDER BY ends_at LIMIT %s FOR UPDATE SKIP LOCKED))",
            [now, CLEARED_AT_ONCE],
        )
    return bool(row[0] <= limit[0])


def forgive(keys: list[str]) -> None:
    """Takes back the attempt that turned out to be right."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_attempt SET count = greatest(count - 1, 0) WHERE key = ANY(%s)", [keys]
        )


def source_of(request: HttpRequest) -> str:
    """The address a guess is charged to. Behind a declared proxy `site.asgi` has already put the
    client's own address here. All who come from no address at all share one counter."""
    address = address_in(request.META.get("REMOTE_ADDR", ""))
    if address is None:
        return "0.0.0.0"  # noqa: S104
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address), 64), strict=False).network_address)
    return str(address)


def known_device(request: HttpRequest, username: str) -> str | None:
    """The id of the device if it carries our cookie for this very account, else None."""
    try:
        value = signing.loads(
            request.COOKIES.get(DEVICE_COOKIE, ""), salt=_SALT, max_age=DEVICE_SECONDS
        )
    except signing.BadSignature:
        return None
    device = value.get(username.lower()) if isinstance(value, dict) else None
    return device if isinstance(device, str) else None


def charge(request: HttpRequest, username: str) -> list[str] | None:
    """Charges one guess at `username`'s secret; the counters charged, or None when it is over a
    limit and must not be tried at all."""
    now = timezone.now()
    name = username.lower()
    device = known_device(request, name)
    if device is not None:
        key = f"device:{device}"
        return [key] if count(key, GUESSES_PER_SOURCE, now) else None
    source = source_of(request)
    keys = [f"source:{source}"]
    if not count(keys[0], GUESSES_PER_SOURCE, now):
        return None
    lately = now - timedelta(days=ADDRESS_DAYS)
    if not KnownAddress.objects.filter(
        account__username__iexact=name, address=source, seen_at__gt=lately
    ).exists():
        keys.append(f"account:{name[:150]}")
        if not count(keys[1], GUESSES_PER_ACCOUNT, now):
            return None
    return keys


def remember(request: HttpRequest, response: HttpResponse, account: Account) -> None:
    """Marks device and address as known for `account` after a complete sign-in."""
    now = timezone.now()
    name = account.username.lower()
    KnownAddress.objects.update_or_create(
        account=account, address=source_of(request), defaults={"seen_at": now}
    )
    KnownAddress.objects.filter(seen_at__lt=now - timedelta(days=ADDRESS_DAYS)).delete()
    try:
        devices = signing.loads(request.COOKIES.get(DEVICE_COOKIE, ""), salt=_SALT)
    except signing.BadSignature:
        devices = {}
    # A desk is shared by its shifts: the cookie knows the last few who signed in there.
    kept = dict(list(devices.items())[-7:])
    kept[name] = kept.get(name) or secrets.token_urlsafe(12)
    response.set_cookie(
        DEVICE_COOKIE,
        signing.dumps(kept, salt=_SALT),
        max_age=DEVICE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
