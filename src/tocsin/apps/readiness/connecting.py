"""Connecting a new panel: what unknown senders say, or one account, live for half an hour, and from
there to a device of a site in one form. Each time somebody begins to look it is written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tocsin.apps.log import connection, keyring
from tocsin.apps.readiness import refused_shown, siting
from tocsin.apps.readiness.forms import AdoptForm, WatchForm
from tocsin.apps.readiness.frames_shown import shown
from tocsin.apps.readiness.screens import for_managers, take
from tocsin.core.access import may
from tocsin.core.terms import Actor
from tocsin.record.commissioning import frames, last_seen
from tocsin.record.credentials import RULES
from tocsin.record.looked import Looked, record_look
from tocsin.record.refused import KEPT_MAX, refused

WATCH_S: Final = 1_800
BEFORE: Final = timedelta(minutes=5)
"""What the panel sent while the installer was on the way to the screen is shown too."""

_SALT: Final = "commissioning"


@for_managers
def begin(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Whom to wait for. Beginning is written down; then it shows for half an hour."""
    form = WatchForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account, address = form.cleaned_data["account"], form.cleaned_data["address"]
        now = datetime.now(UTC)
        about = ", ".join(filter(None, (account and f"#{account}", address))) or "*"
        with connection() as opened:
            record_look(opened, actor, Looked.COMMISSIONING, about, now=now)
        watch = {"actor": actor.id, "account": account, "address": address, "at": now.timestamp()}
        token = signing.dumps(watch, salt=_SALT)
        return HttpResponseRedirect(f"{reverse('readiness_frames')}?{urlencode({'watch': token})}")
    return render(request, "readiness/connect.html", {"form": form})


@for_managers
def heard(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The frames, newest first; the page asks for this again every two seconds."""
    token = request.GET.get("watch", "")
    try:
        watch = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        raise Http404 from None
    if watch["actor"] != actor.id:  # somebody else's look was written down, not this one's
        raise Http404
    begun_at = datetime.fromtimestamp(watch["at"], UTC)
    ends_at = begun_at + timedelta(seconds=WATCH_S)
    is_over = datetime.now(UTC) >= ends_at
    context = {
        "account": watch["account"],
        "address": watch["address"],
        "watch": token,
        "ends_at": ends_at,
        "is_over": is_over,
        "refused_max": KEPT_MAX,
        **({} if is_over else _heard(actor, watch, begun_at - BEFORE)),
    }
    name = "frames_live.html" if "live" in request.GET else "frames.html"
    return render(request, f"readiness/{name}", context)


@for_managers
def adopt(request: HttpRequest, actor: Actor) -> HttpResponse:
    """An account that was heard becomes a device of a site."""
    protocol, account = request.GET.get("protocol", "dc09"), request.GET.get("account", "")
    if protocol not in RULES:
        raise Http404
    form = AdoptForm(request.POST or None, initial={"protocol": protocol, "account": account})
    form.fields["protocol"].disabled = form.fields["account"].disabled = True
    if request.method == "POST" and form.is_valid():
        site = siting.by_code(actor, form.cleaned_data["site"].strip())
        if take(actor, form, None if site is None else _place(site)):
            messages.success(request, _("Device %(account)s is registered.") % {"account": account})
            found = siting.by_code(actor, form.cleaned_data["site"].strip())
            if found is not None:
                return HttpResponseRedirect(reverse("readiness_site", args=[found["id"]]))
    return render(request, "readiness/adopt.html", {"form": form, "account": account})


def _place(site: siting.Row) -> dict[str, str]:
    place = {name: str(site["place"][name]) for name in ("lat", "lon", "datum")}
    names = ("name_zh", "name_en", "address", "address_en", "district")
    return {**place, **{name: site[name] for name in names}}


def _heard(actor: Actor, watch: dict[str, Any], since: datetime) -> dict[str, Any]:
    """What was kept, what was refused, and when a registered device was last seen."""
    language = "en" if get_language() == "en" else "zh"
    account, address = watch["account"], watch["address"]

    def is_theirs(one: dict[str, Any]) -> bool:
        return may(actor, "manage:sites", district=one["district"], agency=one["agency"])

    with connection() as opened:
        found = frames(opened, keyring(), since, account=account, address=address)
        turned_away = refused(opened, keyring(), since, datetime.now(UTC), address=address)
        seen = last_seen(opened, account) if account else []
        return {
            "frames": [shown(opened, keyring(), one, language) for one in found if is_theirs(one)],
            "refused": [
                refused_shown.shown(one, language) for one in turned_away if is_theirs(one)
            ],
            "is_full": any(one["is_full"] for one in turned_away if is_theirs(one)),
            "seen": [one for one in seen if is_theirs(one)],
        }
