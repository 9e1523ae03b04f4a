"""Sites and devices on a screen: list, add, edit, import with a trial run. A key goes in and never
comes out again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tocsin.apps.people.grants import actor_of
from tocsin.apps.people.models import Account
from tocsin.apps.readiness import siting
from tocsin.apps.readiness.forms import ImportForm, SiteForm
from tocsin.core.access import ever
from tocsin.core.terms import Actor
from tocsin.record.site_rows import COLUMNS
from tocsin.record.views import BadFilter

View = Callable[..., HttpResponse]


def for_managers(view: View) -> View:
    """Gives the view the actor; only to roles that manage sites."""

    @login_required
    @require_http_methods(["GET", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, **names: Any) -> HttpResponse:
        assert isinstance(request.user, Account)
        actor = actor_of(request.user)
        if not ever(actor, "manage:sites"):
            raise PermissionDenied
        return view(request, actor, **names)

    return guarded


@for_managers
def sites(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The list."""
    try:
        page = siting.listed(actor, request.GET.get("cursor"))
    except BadFilter:
        raise Http404 from None
    named = _named(page["items"])
    return render(request, "readiness/sites.html", {"sites": named, "next": page["next"]})


@for_managers
def add(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A new site with its first device."""
    form = SiteForm(request.POST or None)
    if request.method == "POST" and _take(actor, form):
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("readiness_sites"))
    return render(request, "readiness/site_form.html", {"form": form, "title": _("Add a site")})


@for_managers
def show(request: HttpRequest, actor: Actor, site: UUID) -> HttpResponse:
    """A site and its devices."""
    row, devices = _found(actor, site)
    [named] = _named([row])
    return render(request, "readiness/site.html", {"site": named, "devices": devices})


@for_managers
def edit(
    request: HttpRequest, actor: Actor, site: UUID, account: str | None = None
) -> HttpResponse:
    """Changes a site together with one of its devices, or gives it another device."""
    row, devices = _found(actor, site)
    device = next((one for one in devices if one["account"] == account), None)
    if account is not None and device is None:
        raise Http404
    form = SiteForm(request.POST or None, initial=_initial(row, device))
    form.fields["site"].disabled = True
    form.fields["account"].disabled = device is not None
    if request.method == "POST" and _take(actor, form):
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("readiness_site", kwargs={"site": site}))
    title = _("Edit device %(account)s") % {"account": account} if device else _("Add a device")
    return render(
        request,
        "readiness/site_form.html",
        {"form": form, "title": title, "site": row, "has_key": bool(device and device["has_key"])},
    )


@for_managers
def import_file(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A CSV file: checked in a trial run, or taken whole."""
    form = ImportForm(request.POST or None, request.FILES or None)
    report, trial = None, False
    if request.method == "POST" and form.is_valid():
        trial = "check" in request.POST
        try:
            content = form.cleaned_data["file"].read()
            rows = siting.rows_of(content)
        except siting.NotReadable as error:
            form.add_error("file", str(error))
        else:
            report = siting.take(actor, rows, dry_run=trial, language=_language())
            if not report.errors and not trial:
                count = report.rows_ok
                text = ngettext("%(count)s row imported.", "%(count)s rows imported.", count)
                messages.success(request, text % {"count": count})
                return HttpResponseRedirect(reverse("readiness_sites"))
    context = {"form": form, "report": report, "trial": trial, "columns": ",".join(COLUMNS)}
    return render(request, "readiness/import.html", context)


def _take(actor: Actor, form: SiteForm) -> bool:
    """Puts the form's row into the record; what is wrong is shown at its field."""
    if not form.is_valid():
        return False
    report = siting.take(actor, [form.row()], dry_run=False, language=_language())
    for _line, column, text in report.errors:
        form.add_error(column if column in form.fields else None, text)
    return not report.errors


def _found(actor: Actor, site: UUID) -> tuple[siting.Row, list[siting.Row]]:
    found = siting.one(actor, site)
    if found is None:
        raise Http404
    return found


def _named(rows: list[siting.Row]) -> list[siting.Row]:
    """Sites with their district's name and their address in the reader's language."""
    names = siting.district_names(_language())
    local = f"address_{_language()}"
    return [
        {
            **row,
            "district_name": names.get(row["district"], row["district"]),
            "address_local": row["place"].get(local) or row["address"],
        }
        for row in rows
    ]


def _initial(row: siting.Row, device: siting.Row | None) -> dict[str, Any]:
    return {
        "site": row["code"],
        **{name: row[name] for name in ("name_zh", "name_en", "address", "address_en", "district")},
        **{name: row["place"][name] for name in ("lat", "lon", "datum")},
        "account": device["account"] if device else "",
        "interval_s": (device["interval_s"] or "") if device else "",
    }


def _language() -> str:
    return "en" if get_language() == "en" else "zh"
