"""The screens of the code tables: what every code means for an agency or a site, the versions, and
the road of a change: edit a draft, try it, put it in force."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from tocsin.apps.log import connection
from tocsin.apps.people.scope import reaches
from tocsin.apps.readiness import codes_shown as shown
from tocsin.apps.readiness import siting
from tocsin.apps.readiness.code_forms import FileForm, FilterForm, ForceForm, RowForm, TrialForm
from tocsin.apps.readiness.screens import for_managers
from tocsin.core.codes.overrides import CodeOverride
from tocsin.core.signals import SignalRead
from tocsin.core.terms import Actor
from tocsin.record import code_force
from tocsin.record import code_tables as tables
from tocsin.record.code_rows import COLUMNS, as_fields, read_table
from tocsin.record.code_tables import CodesRefused, Scope, Version, Who
from tocsin.record.code_texts import REASONS
from tocsin.record.code_trial import sampled, try_version
from tocsin.record.database import Connection
from tocsin.record.workbooks import guarded

PAGE_ROWS = 200
SAMPLES_MAX = 20


def _who(actor: Actor) -> Who:
    return Who(actor.id, actor.name)


def _reached(opened: Connection, actor: Actor, scope: Scope) -> dict[str, Any]:
    """The scope's names for its pages, and whether the actor may change it: an agency's codes
    decide in every district, so only who manages all of them. Raises `Http404` for somebody
    else's."""
    if scope.agency != actor.agency:
        raise Http404
    if scope.site is None:
        may_change = reaches(actor, "manage:sites", scope.agency, [])
        return {"site": None, "name": "", "may_change": may_change}
    row = opened.execute(
        "SELECT code, name_zh, name_en, district, agency FROM ref.site WHERE id = %s",
        (scope.site,),
    ).fetchone()
    if row is None or not reaches(actor, "manage:sites", row[4], [row[3]]):
        raise Http404
    name = row[2] if shown.language() == "en" else row[1]
    return {"site": scope.site, "name": f"{row[0]} · {name}", "may_change": True}


def _require_change(names: dict[str, Any]) -> None:
    if not names["may_change"]:
        raise PermissionDenied


def _address(name: str, scope: Scope, **more: Any) -> str:
    return reverse(name, kwargs={**({"site": scope.site} if scope.site else {}), **more})


@for_managers
def table(request: HttpRequest, actor: Actor, site: UUID | None = None) -> HttpResponse:
    """The whole table that decides, with filters."""
    form = FilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else dict.fromkeys(form.fields, "")
    with connection() as opened:
        scope = _scope_of(opened, actor, site)
        names = _reached(opened, actor, scope)
        rows = shown.table_rows(tables.in_force(opened, scope), wanted)
        draft = tables.of_state(opened, scope, "draft")
    number = request.GET.get("page", "1")
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    page = min(int(number), pages) if number.isdecimal() and number != "0" else 1
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        **names,
        "form": form,
        "rows": rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
        "count": len(rows),
        "page": page,
        "pages": pages,
        "query": query.urlencode(),
        "draft": draft,
    }
    return render(request, "readiness/codes.html", context)


@for_managers
def history(request: HttpRequest, actor: Actor, site: UUID | None = None) -> HttpResponse:
    """The versions, who did what; a draft is begun here."""
    with connection() as opened:
        scope = _scope_of(opened, actor, site)
        names = _reached(opened, actor, scope)
        if request.method == "POST":
            _require_change(names)
            draft = tables.of_state(opened, scope, "draft")
            number = draft.version if draft else _begun(opened, actor, scope)
            return HttpResponseRedirect(reverse("readiness_codes_version", args=[number]))
        context = {
            **names,
            "versions": [shown.version_row(one) for one in tables.versions(opened, scope)],
            "changes": shown.change_rows(tables.changes(opened, scope)),
            "draft": tables.of_state(opened, scope, "draft"),
        }
    return render(request, "readiness/codes_history.html", context)


@for_managers
def show(request: HttpRequest, actor: Actor, version: int) -> HttpResponse:
    """A version: its rows, and what can be done with it."""
    with connection() as opened:
        chosen, names = _chosen(opened, actor, version)
        if request.method == "POST":
            _require_change(names)
        if request.method == "POST" and "file" in request.FILES:
            return _take_file(request, opened, actor, chosen, names)
        if request.method == "POST" and "drop" in request.POST:
            tables.drop_draft(opened, chosen.scope, _who(actor), datetime.now(UTC))
            messages.success(request, _("The draft was dropped."))
            return HttpResponseRedirect(_address("readiness_codes_history", chosen.scope))
        return _page(request, opened, chosen, names)


@for_managers
def export(_request: HttpRequest, actor: Actor, version: int) -> HttpResponse:
    """The version's rows as the file that can be read in again."""
    with connection() as opened:
        _chosen(opened, actor, version)
        rows = tables.table_of(opened, version).rows
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in rows:  # no text becomes a formula of the spreadsheet that opens it
        writer.writerow({name: guarded(field) for name, field in as_fields(row).items()})
    answer = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="codes-{version}.csv"'
    return answer


@for_managers
def edit(
    request: HttpRequest, actor: Actor, version: int, place: int | None = None
) -> HttpResponse:
    """Changes, adds or removes one row of a draft."""
    with connection() as opened:
        chosen, names = _chosen(opened, actor, version)
        _require_change(names)
        rows = list(tables.table_of(opened, version).rows)
        if chosen.state != "draft" or (place is not None and place >= len(rows)):
            raise Http404
        initial = {"effect": "alarm", "level": "2"} if place is None else as_fields(rows[place])
        form = RowForm(request.POST or None, initial={**initial, "edits": chosen.edits})
        if request.method == "POST" and form.is_valid():
            seen = replace(chosen, edits=form.cleaned_data["edits"])
            if _save_row(opened, actor, seen, rows, place, form, "remove" in request.POST):
                messages.success(request, _("Saved. The draft must be tried again."))
                return HttpResponseRedirect(reverse("readiness_codes_version", args=[version]))
    context = {**names, "form": form, "version": chosen, "place": place}
    return render(request, "readiness/codes_row.html", context)


@for_managers
def trial(request: HttpRequest, actor: Actor, version: int) -> HttpResponse:
    """Tries a version and shows what would have been; only by POST, since it is written down."""
    with connection() as opened:
        chosen, names = _chosen(opened, actor, version)
        _require_change(names)
        form = TrialForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return _page(request, opened, chosen, names, trial_form=form)
        samples, unread = _samples(form.cleaned_data["samples"])
        if unread:
            text = _("%(codes)s: write a code as CID:130:1:5 or SIA:BA:5.") % {"codes": unread}
            form.add_error("samples", text)
            return _page(request, opened, chosen, names, trial_form=form)
        found = [sampled(opened, chosen, read) for read in samples]
        days = form.cleaned_data["days"]
        try:
            answer = try_version(opened, chosen, _who(actor), datetime.now(UTC), days)
        except CodesRefused as refusal:
            return _page(request, opened, chosen, names, trial_form=form, refusal=refusal)
        chosen = tables.version(opened, version)
        context = {**names, "version": shown.version_row(chosen), "force": ForceForm()}
        context |= shown.trial_shown(answer, found)
    return render(request, "readiness/codes_trial.html", context)


@for_managers
def force(request: HttpRequest, actor: Actor, version: int) -> HttpResponse:
    """The second act: a version decides from now on, or the one before it does again."""
    with connection() as opened:
        chosen, names = _chosen(opened, actor, version)
        _require_change(names)
        form = ForceForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return _page(request, opened, chosen, names, force=form)
        who, now = _who(actor), datetime.now(UTC)
        told = {name: form.cleaned_data[name] for name in ("reason", "silences")}
        begins = form.cleaned_data["begins"]
        try:
            if "withdraw" in request.POST:
                code_force.withdraw(opened, chosen.scope, who, now, reason=told["reason"])
                messages.success(request, _("Withdrawn: it does not come into force."))
                return HttpResponseRedirect(_address("readiness_codes_history", chosen.scope))
            if "back" in request.POST:
                number = code_force.roll_back(opened, chosen.scope, who, now, **told)
            else:
                code_force.put_in_force(opened, version, who, now, **told, begins=begins)
                number = version
        except CodesRefused as refusal:
            return _page(request, opened, chosen, names, force=form, refusal=refusal)
    if number and begins is not None and "back" not in request.POST:
        text = _("Version %(number)s comes into force at %(at)s UTC.")
        messages.success(request, text % {"number": number, "at": f"{begins:%Y-%m-%d %H:%M}"})
    elif number:
        messages.success(request, _("Version %(number)s is in force.") % {"number": number})
    else:
        messages.success(request, _("The built-in tables decide again."))
    return HttpResponseRedirect(_address("readiness_codes_history", chosen.scope))


def _page(
    request: HttpRequest,
    opened: Connection,
    chosen: Version,
    names: dict[str, Any],
    *,
    trial_form: TrialForm | None = None,
    file_form: FileForm | None = None,
    force: ForceForm | None = None,
    refusal: CodesRefused | None = None,
) -> HttpResponse:
    """The page of one version, with what was wrong in any of its forms."""
    chosen = tables.version(opened, chosen.version)
    silences = refusal.silences if refusal else ()
    if chosen.state != "in_force":
        silences = tuple(tables.would_silence(opened, chosen))
    context = {
        **names,
        "version": shown.version_row(chosen),
        "rows": shown.override_rows(tables.table_of(opened, chosen.version).rows),
        "trial_form": trial_form or TrialForm(),
        "file_form": file_form or FileForm(),
        "force": force or ForceForm(),
        "refusal": shown.told(REASONS[refusal.reason]) if refusal else "",
        "silences": shown.silenced(silences),
    }
    return render(request, "readiness/codes_version.html", context)


def _scope_of(opened: Connection, actor: Actor, site: UUID | None) -> Scope:
    if site is None:
        return Scope(actor.agency)
    row = opened.execute("SELECT agency FROM ref.site WHERE id = %s", (site,)).fetchone()
    if row is None:
        raise Http404
    return Scope(row[0], site)


def _chosen(opened: Connection, actor: Actor, version: int) -> tuple[Version, dict[str, Any]]:
    try:
        chosen = tables.version(opened, version)
    except CodesRefused:
        raise Http404 from None
    return chosen, _reached(opened, actor, chosen.scope)


def _begun(opened: Connection, actor: Actor, scope: Scope) -> int:
    """A draft that holds what is in force."""
    current = tables.of_state(opened, scope, "in_force")
    rows = tables.table_of(opened, current.version).rows if current else ()
    return tables.save_draft(opened, scope, rows, _who(actor), datetime.now(UTC))


def _save_row(
    opened: Connection,
    actor: Actor,
    seen: Version,
    rows: list[CodeOverride],
    place: int | None,
    form: RowForm,
    remove: bool,
) -> bool:
    """Puts the form's row into the draft, or takes it out; what is wrong is shown at its field."""
    others = [row for number, row in enumerate(rows) if number != place]
    if not remove:
        told = [as_fields(row) for row in others] + [form.row()]
        found, errors = read_table(told, shown.language())
        for _line, column, text in errors:
            form.add_error(column if column in form.fields else None, text)
        if errors:
            return False
        others = found
    reason = form.cleaned_data["reason"]
    try:
        tables.save_draft(
            opened, seen.scope, others, _who(actor), datetime.now(UTC), reason=reason, seen=seen
        )
    except CodesRefused as refusal:
        form.add_error(None, shown.told(REASONS[refusal.reason]))
        return False
    return True


def _take_file(
    request: HttpRequest, opened: Connection, actor: Actor, chosen: Version, names: dict[str, Any]
) -> HttpResponse:
    form = FileForm(request.POST, request.FILES)
    if chosen.state == "draft" and form.is_valid():
        try:
            rows = siting.rows_of(form.cleaned_data["file"].read())
        except siting.NotReadable as error:
            form.add_error("file", str(error))
            return _page(request, opened, chosen, names, file_form=form)
        found, errors = read_table(rows, shown.language())
        for line, column, text in errors[:20]:
            form.add_error("file", f"{line}, {column}: {text}")
        if not errors:
            now = datetime.now(UTC)
            tables.save_draft(
                opened, chosen.scope, found, _who(actor), now, reason=_("from a file")
            )
            messages.success(request, _("Saved. The draft must be tried again."))
            return HttpResponseRedirect(reverse("readiness_codes_version", args=[chosen.version]))
    return _page(request, opened, chosen, names, file_form=form)


def _samples(text: str) -> tuple[list[SignalRead], str]:
    """The typed codes, and those that could not be read."""
    reads, unread = [], []
    for one in [part.strip() for part in text.split(",") if part.strip()][:SAMPLES_MAX]:
        parts = one.upper().split(":")
        if parts[0] == "SIA":
            parts = [*parts[:2], "", *parts[2:]]
        if len(parts) not in (2, 3, 4) or parts[0] not in ("CID", "SIA") or not parts[1]:
            unread.append(one)
            continue
        listed, code, qualifier, zone = [*parts, "", ""][:4]
        reads.append(
            SignalRead("", "", "", code=code, qualifier=qualifier, zone=zone, codes=listed.lower())
        )
    return reads, ", ".join(unread)


urlpatterns = [
    path("", table, name="readiness_codes"),
    path("versions/", history, name="readiness_codes_history"),
    path("site/<uuid:site>/", table, name="readiness_codes"),
    path("site/<uuid:site>/versions/", history, name="readiness_codes_history"),
    path("<int:version>/", show, name="readiness_codes_version"),
    path("<int:version>/csv/", export, name="readiness_codes_export"),
    path("<int:version>/new/", edit, name="readiness_codes_add"),
    path("<int:version>/rows/<int:place>/", edit, name="readiness_codes_row"),
    path("<int:version>/try/", trial, name="readiness_codes_try"),
    path("<int:version>/force/", force, name="readiness_codes_force"),
]
