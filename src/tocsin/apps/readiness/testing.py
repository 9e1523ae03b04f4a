"""On test, on a screen: what is on test and what it said, live; put on test, make longer, end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tocsin.apps.log import connection, keyring
from tocsin.apps.readiness.forms import ExtendForm, OnTestForm
from tocsin.apps.readiness.screens import for_testers
from tocsin.apps.readiness.site_shown import test_shown
from tocsin.core.access import may
from tocsin.core.commands import PersonCommand
from tocsin.core.putting_on_test import EndOnTest, ExtendOnTest, PutOnTest
from tocsin.core.terms import Actor, Refused
from tocsin.core.texts.refusals import refusal_text
from tocsin.record.handle import handle
from tocsin.record.register import zones_of
from tocsin.record.views import get_row, list_rows

Row = dict[str, Any]

SIGNALS_SHOWN = 30
TESTS_SHOWN = 50
_WHOLE = "site"


@for_testers
def tests(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What is on test, and what was last."""
    context = {"running": _listed(actor, is_open=True), "ended": _listed(actor, is_open=False)}
    name = "on_tests_live.html" if "live" in request.GET else "on_tests.html"
    return render(request, f"readiness/{name}", context)


@for_testers
def test(request: HttpRequest, actor: Actor, on_test: UUID) -> HttpResponse:
    """One test: its signals as they come, its summary at the end."""
    row = _found(actor, "on_tests", on_test)
    form = ExtendForm(request.POST or None, initial={"hours": 1})
    if request.method == "POST" and "end" in request.POST:
        if _do(request, actor, EndOnTest(on_test)):
            messages.success(request, _("The test has ended."))
        return HttpResponseRedirect(request.path)
    if request.method == "POST" and form.is_valid():
        until = datetime.now(UTC) + timedelta(hours=form.cleaned_data["hours"])
        if _do(request, actor, ExtendOnTest(on_test, until)):
            messages.success(request, _("The test goes on longer."))
        return HttpResponseRedirect(request.path)
    context = {"test": test_shown(row, _language()), "form": form, "signals": _signals(row)}
    name = "on_test_live.html" if "live" in request.GET else "on_test.html"
    return render(request, f"readiness/{name}", context)


@for_testers
def put_on_test(request: HttpRequest, actor: Actor, site: UUID) -> HttpResponse:
    """Puts the site, one of its devices or one of their zones on test."""
    row = _found(actor, "sites", site)
    form = OnTestForm(request.POST or None)
    form.fields["scope"].choices = _scopes(row)  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        scope = form.cleaned_data["scope"]
        device, _separator, zone = ("" if scope == _WHOLE else scope).partition("/")
        until = datetime.now(UTC) + timedelta(hours=form.cleaned_data["hours"])
        command = PutOnTest(
            site=site,
            why=form.cleaned_data["why"],
            until=until,
            device=UUID(device) if device else None,
            zone=zone,
        )
        made = _do(request, actor, command)
        if made is not None:
            return HttpResponseRedirect(reverse("readiness_on_test", kwargs={"on_test": made}))
    return render(request, "readiness/on_test_form.html", {"form": form, "site": row})


def _do(request: HttpRequest, actor: Actor, command: PersonCommand) -> UUID | None:
    """The test that the command was about; a refusal is said on the next page."""
    with connection() as opened:
        try:
            outcome = handle(
                opened,
                keyring(),
                command,
                actor=actor,
                key=f"screen:{actor.id}:{uuid4()}",
                now=datetime.now(UTC),
            )
        except Refused as refusal:
            messages.error(request, refusal_text(refusal).of(_language()))
            return None
    return outcome.facts[0].subject


def _found(actor: Actor, kind: str, identifier: UUID) -> Row:
    with connection() as opened:
        row = get_row(opened, kind, identifier)
    if row is None or not may(actor, "put_on_test", district=row["district"], agency=row["agency"]):
        raise Http404
    return row


def _listed(actor: Actor, *, is_open: bool) -> list[Row]:
    with connection() as opened:
        page = list_rows(
            opened,
            "on_tests",
            limit=TESTS_SHOWN,
            filters={"open": is_open},
            districts=actor.districts,
            agency=actor.agency,
        )
    return [test_shown(row, _language()) for row in page["items"]]


def _signals(test: Row) -> list[Row]:
    language = _language()
    would = {
        "opened": _("opens an incident"),
        "joined": _("joins an incident"),
        "recorded": _("is recorded only"),
    }
    with connection() as opened:
        found = list_rows(
            opened,
            "signals",
            limit=500,
            filters={"site": test["site"], "since": test["begun_at"]},
        )["items"]
    mine = [one for one in found if one["on_test"] == test["id"]][:SIGNALS_SHOWN]
    return [
        {
            **one,
            "received_at": datetime.fromisoformat(one["received_at"]),
            "meaning": one[f"text_{language}"],
            "would_have_text": would[one["would_have"]],
        }
        for one in mine
    ]


def _scopes(site: Row) -> list[tuple[str, str]]:
    """The whole site, each device, each zone: (device/zone, what it is called)."""
    with connection() as opened:
        filters = {"site": site["id"]}
        devices = list_rows(opened, "devices", limit=500, filters=filters)["items"]
        zones = zones_of(opened, UUID(site["id"]))
    scopes = [(_WHOLE, _("The whole site"))]
    for device in sorted(devices, key=lambda one: one["account"]):
        scopes.append((device["id"], _("Device %(account)s") % {"account": device["account"]}))
        for zone in zones:
            if zone["device"] == device["id"]:
                name = zone[f"name_{_language()}"]
                text = _("Device %(account)s, zone %(zone)s") % {
                    "account": device["account"],
                    "zone": f"{zone['number']} {name}".strip(),
                }
                scopes.append((f"{device['id']}/{zone['number']}", text))
    return scopes


def _language() -> str:
    return "en" if get_language() == "en" else "zh"
