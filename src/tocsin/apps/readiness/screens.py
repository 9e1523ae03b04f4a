"""Sites and devices on a screen: list, add, edit, import with a trial run, export. A key goes in
and never comes out again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
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
from tocsin.apps.readiness import site_shown, siting
from tocsin.apps.readiness.forms import ImportForm, SiteForm
from tocsin.core.access import ever
from tocsin.core.terms import Actor
from tocsin.core.texts.learnt import recognised_texts
from tocsin.record.book import SHEETS
from tocsin.record.credentials import RULES
from tocsin.record.site_rows import COLUMNS, shown_interval
from tocsin.record.views import BadFilter
from tocsin.record.workbooks import UNPACKED_BYTES_MAX

View = Callable[..., HttpResponse]


def for_managers(view: View) -> View:
    """Gives the view the actor; only to roles that manage sites."""
    return _guarded(view, "manage:sites")


def for_testers(view: View) -> View:
    """Gives the view the actor; only to roles that may put something on test."""
    return _guarded(view, "put_on_test")


def for_readers_of_blocks(view: View) -> View:
    """Gives the view the actor; only to roles that may see what is muted."""
    return _guarded(view, "read:block")


def for_blockers(view: View) -> View:
    """Gives the view the actor; only to roles that may mute a sender."""
    return _guarded(view, "try_block")


def for_readers_of_intakes(view: View) -> View:
    """Gives the view the actor; only to roles that may see counters and lag."""
    return _guarded(view, "read:intake")


def guarded(act: str) -> Callable[[View], View]:
    """Gives views the actor; only to roles that may do `act` at all."""
    return lambda view: _guarded(view, act)


def _guarded(view: View, act: str) -> View:
    @login_required
    @require_http_methods(["GET", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, **names: Any) -> HttpResponse:
        assert isinstance(request.user, Account)
        actor = actor_of(request.user)
        if not ever(actor, act):
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
    if request.method == "POST" and take(actor, form):
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("readiness_sites"))
    return render(request, "readiness/site_form.html", {"form": form, "title": _("Add a site")})


@for_managers
def show(request: HttpRequest, actor: Actor, site: UUID) -> HttpResponse:
    """A site: its devices, zones, plan, tests; its contacts when they are asked for."""
    row, devices = _found(actor, site)
    [named] = _named([row])
    with_contacts = request.method == "POST" and "contacts" in request.POST
    known = site_shown.register_of(actor, row, _language(), with_contacts=with_contacts)
    return render(
        request,
        "readiness/site.html",
        {"site": named, "devices": [_device(one) for one in devices], **known},
    )


@for_managers
def edit(
    request: HttpRequest, actor: Actor, site: UUID, device: UUID | None = None
) -> HttpResponse:
    """Changes a site together with one of its devices, or gives it another device."""
    row, devices = _found(actor, site)
    chosen = next((one for one in devices if one["id"] == str(device)), None)
    if device is not None and chosen is None:
        raise Http404
    form = SiteForm(request.POST or None, initial=_initial(row, chosen))
    form.fields["site"].disabled = True
    form.fields["account"].disabled = form.fields["protocol"].disabled = chosen is not None
    if request.method == "POST" and take(actor, form):
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("readiness_site", kwargs={"site": site}))
    title = (
        _("Edit device %(account)s") % {"account": chosen["account"]}
        if chosen
        else _("Add a device")
    )
    return render(
        request,
        "readiness/site_form.html",
        {
            "form": form,
            "title": title,
            "site": row,
            "device": _device(chosen) if chosen else None,
            "has_key": bool(chosen and chosen["has_key"]),
        },
    )


@for_managers
def forget_recognised(request: HttpRequest, actor: Actor, site: UUID, device: UUID) -> HttpResponse:
    """What was recognised of a device is forgotten, as for another panel. By POST."""
    _row, devices = _found(actor, site)
    if str(device) not in {one["id"] for one in devices}:
        raise Http404
    if request.method == "POST":
        siting.forget_recognised(device)
        messages.success(
            request, _("Forgotten. The device is recognised anew from what it sends next.")
        )
    return HttpResponseRedirect(reverse("readiness_site", kwargs={"site": site}))


@for_managers
def import_file(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A workbook or a CSV file: checked in a trial run, or taken whole."""
    form = ImportForm(request.POST or None, request.FILES or None)
    report, trial = None, False
    if request.method == "POST" and form.is_valid():
        trial = "check" in request.POST
        file = form.cleaned_data["file"]
        try:
            content = file.read(UNPACKED_BYTES_MAX + 1)
            report = siting.take_file(
                actor, file.name, content, dry_run=trial, language=_language()
            )
        except siting.NotReadable as error:
            form.add_error("file", str(error))
        else:
            if not report.errors and not trial:
                count = sum(report.rows_ok.values())
                text = ngettext("%(count)s row imported.", "%(count)s rows imported.", count)
                messages.success(request, text % {"count": count})
                return HttpResponseRedirect(reverse("readiness_sites"))
    context = {
        "form": form,
        "report": report,
        "rows_ok": sum(report.rows_ok.values()) if report else 0,
        "trial": trial,
        "columns": ",".join(COLUMNS),
        "sheets": [(name, ",".join(columns)) for name, columns in SHEETS.items()],
    }
    return render(request, "readiness/import.html", context)


@for_managers
def export_file(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The register as a workbook, without keys. By POST, since it is written down."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("readiness_sites"))
    name = f"sites-{datetime.now(UTC):%Y%m%d-%H%M}.xlsx"
    return HttpResponse(
        siting.exported(actor, name),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


@for_managers
def looked(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Who looked at what is kept closed."""
    return render(request, "readiness/looked.html", {"looks": site_shown.looks_of(actor)})


@for_managers
def kept(request: HttpRequest, _actor: Actor) -> HttpResponse:
    """How long what was heard is kept, and which days are past their time and still there."""
    return render(request, "readiness/kept.html", site_shown.heard_kept_shown())


def take(actor: Actor, form: SiteForm, place: siting.Row | None = None) -> bool:
    """Puts the form's row into the record, with `place` where the site is there already; what is
    wrong is shown at its field."""
    if not form.is_valid():
        return False
    row = form.row() | (place or {})
    for column, text in siting.take_row(actor, row, language=_language()):
        form.add_error(column if column in form.fields else None, text)
    return not form.errors


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
        "protocol": device["protocol"] if device else "dc09",
        "account": device["account"] if device else "",
        "dialect": device["dialect"] if device else "",
        "interval_s": shown_interval(device["interval_s"], device["supervision_class"])
        if device
        else "",
        "supervision_class": device["supervision_class"] if device else "",
        "confirm": row["confirming"]["rule"],
        "confirm_window_s": row["confirming"]["window_s"],
        **{name: row["confirming"][name] for name in ("abort_s", "two_trip_s")},
    }


def _device(row: siting.Row) -> siting.Row:
    name = RULES[row["protocol"]].name if row["protocol"] in RULES else row["protocol"]
    recognised = row["recognised"]
    texts = recognised_texts(**recognised) if recognised else []
    return {
        **row,
        "protocol_name": name,
        "recognised_texts": [text.of(_language()) for text in texts],
    }


def _language() -> str:
    return "en" if get_language() == "en" else "zh"
