"""The screens of public warnings: written from an incident, looked over as it will be read, and let
go out by a second person; later updated or cancelled in the same way."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tocsin.apps.log import connection, keyring
from tocsin.apps.readiness.screens import guarded
from tocsin.apps.readiness.warning_documents import document_of, previewed
from tocsin.apps.readiness.warning_forms import WarningForm, initial_of
from tocsin.core.access import may
from tocsin.core.commands import AddNote
from tocsin.core.terms import Actor, Datum, Refused
from tocsin.core.texts import warnings as texts
from tocsin.core.warnings import Kind, Urgency, is_listed, may_approve
from tocsin.record import warnings as record
from tocsin.record.database import Connection
from tocsin.record.handle import handle
from tocsin.record.views import get_row, list_rows
from tocsin.record.warning_texts import REASONS
from tocsin.record.warnings import Warned, WarningRefused
from tocsin.roads.datum import to_wgs84
from tocsin.wire.cap.signing import BadKey
from tocsin.wire.cap.writing import CannotWrite

RADIUS_KM = 1.0
ENDED_MIN = 60
"""What a first draft says until somebody says otherwise."""

for_writers = guarded("manage:warnings")


def _language() -> str:
    return "en" if get_language() == "en" else "zh"


@for_writers
def listed(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The agency's warnings, the newest first."""
    with connection() as opened:
        found = record.warnings(opened, actor.agency, actor.districts)
        named, left_out = record.listed(opened, _now())
    context = {
        "warnings": [_shown(one) for one in found],
        "feed": _feed(),
        "named": len(named),
        "left_out": left_out,
    }
    return render(request, "readiness/warnings.html", context)


@for_writers
def add(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A new draft about an open incident."""
    with connection() as opened:
        incidents = _incidents(opened, actor)
        known = {one["id"]: one for one in incidents}
        asked = known.get(request.GET.get("incident", ""))
        form = WarningForm(
            request.POST or None, incidents=_choices(incidents), initial=_begun(asked)
        )
        if request.method == "POST" and (content := form.content()) is not None:
            about = known[form.cleaned_data["incident"]]
            made = record.write(
                opened,
                actor,
                content,
                datetime.now(UTC),
                incident=UUID(about["id"]),
                district=about["district"],
            )
            return HttpResponseRedirect(_page_of(made))
    return render(request, "readiness/warning_form.html", {"form": form, "kind": ""})


@for_writers
def show(request: HttpRequest, actor: Actor, warning: UUID) -> HttpResponse:
    """A warning as it will be read or was published; what may be done with it."""
    now = datetime.now(UTC)
    with connection() as opened:
        one = _found(opened, actor, warning)
        if request.method == "POST":
            _act(request, opened, actor, one, now)
            return HttpResponseRedirect(_page_of(warning))
        before = record.chain(opened, one)
        context = {
            "warning": _shown(one),
            "before": [_shown(each) for each in before],
            "acts": record.acts(opened, warning),
            "may_approve": may_approve(one.written_by, actor.id)
            and may(actor, "manage:publication", district=one.district, agency=one.agency),
            "is_own": one.written_by == actor.id,
            "sender": settings.WARNINGS.get("sender", ""),
            "is_signed": bool(settings.WARNINGS.get("key")),
            "can_follow": one.state == "published"
            and one.kind is not Kind.CANCEL
            and one.followed_by is None
            and one.expires_at is not None
            and one.expires_at > now,
        }
        found = record.document(opened, warning)
    try:
        context["xml"] = found[0].decode() if found else previewed(one, before, now)
    except CannotWrite as error:
        context["problem"] = str(error)
    return render(request, "readiness/warning.html", context)


@for_writers
def edit(request: HttpRequest, actor: Actor, warning: UUID) -> HttpResponse:
    """Changes a draft; whoever does so has written it."""
    with connection() as opened:
        one = _found(opened, actor, warning)
        if one.state != "draft":
            raise Http404
        initial = {**initial_of(one.content, one.incident), "edits": one.edits}
        form = _fixed(request, opened, one, initial)
        if request.method == "POST" and (content := form.content()) is not None:
            seen = replace(one, edits=form.cleaned_data["edits"] or 0)
            if _tried(request, lambda: record.edit(opened, actor, seen, content, _now())):
                return HttpResponseRedirect(_page_of(warning))
    context = {"form": form, "kind": texts.KINDS[one.kind].of(_language()), "warning": one}
    return render(request, "readiness/warning_form.html", context)


@for_writers
def follow(request: HttpRequest, actor: Actor, warning: UUID, kind: str) -> HttpResponse:
    """A draft that updates or cancels a published warning."""
    wanted = Kind.CANCEL if kind == "cancel" else Kind.UPDATE
    with connection() as opened:
        one = _found(opened, actor, warning)
        form = _fixed(request, opened, one, _following(one, wanted))
        if request.method == "POST" and (content := form.content()) is not None:
            made: list[UUID] = []
            if _tried(
                request,
                lambda: made.append(record.follow(opened, actor, warning, wanted, content, _now())),
            ):
                return HttpResponseRedirect(_page_of(made[0]))
    context = {"form": form, "kind": texts.KINDS[wanted].of(_language()), "warning": one}
    return render(request, "readiness/warning_form.html", context)


def _act(
    request: HttpRequest, opened: Connection, actor: Actor, one: Warned, now: datetime
) -> None:
    seen = replace(one, edits=int(request.POST.get("edits") or 0))
    if "drop" in request.POST:
        if _tried(request, lambda: record.drop(opened, actor, seen, now)):
            messages.success(request, _("The draft was dropped."))
        return
    if "publish" not in request.POST:
        return
    if not may(actor, "manage:publication", district=one.district, agency=one.agency):
        messages.error(request, _("Only a supervisor lets a warning go out."))
        return
    if not settings.WARNINGS.get("sender"):
        messages.error(request, _("Warnings cannot be published: warnings.sender is not set."))
        return
    if _tried(request, lambda: record.publish(opened, actor, seen, now, document_of)):
        messages.success(request, _("The warning is published."))
        _note(opened, actor, one, now)


def _note(opened: Connection, actor: Actor, one: Warned, now: datetime) -> None:
    """On the incident's timeline; one that is over by now takes no notes, and needs none."""
    kind, words = texts.KINDS[one.kind], one.content
    text = f"对外{kind.zh}：{words.zh.headline} / {kind.en}: {words.en.headline} ({one.id})"
    with contextlib.suppress(Refused):
        handle(
            opened,
            keyring(),
            AddNote(one.incident, text),
            actor=actor,
            key=f"warning:{one.id}:{uuid4()}",
            now=now,
        )


def _tried(request: HttpRequest, act: Any) -> bool:
    """Whether it was done; else the next page says why not."""
    try:
        act()
    except WarningRefused as refusal:
        messages.error(request, REASONS[refusal.reason].of(_language()))
    except CannotWrite as error:
        messages.error(request, _("CAP cannot say this: %(why)s") % {"why": error})
    except (BadKey, OSError) as error:
        messages.error(request, _("It cannot be signed: %(why)s") % {"why": error})
    else:
        return True
    return False


def _now() -> datetime:
    return datetime.now(UTC)


def _page_of(warning: UUID) -> str:
    return reverse("readiness_warning", kwargs={"warning": warning})


def _feed() -> str:
    return f"{str(settings.WARNINGS.get('address', '')).rstrip('/')}/cap/feed.atom"


def _found(opened: Connection, actor: Actor, warning: UUID) -> Warned:
    try:
        one = record.warning(opened, warning)
    except WarningRefused:
        raise Http404 from None
    if not may(actor, "manage:warnings", district=one.district, agency=one.agency):
        raise Http404
    return one


def _incidents(opened: Connection, actor: Actor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = list_rows(
        opened,
        "incidents",
        limit=200,
        filters={"open": True},
        districts=actor.districts,
        agency=actor.agency,
    )["items"]
    return found


def _choices(incidents: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["id"], f"{one['number']} · {_place(one)}") for one in incidents]


def _place(one: dict[str, Any]) -> str:
    place = one.get("place") or {}
    return str(place.get(f"address_{_language()}") or place.get("address_zh") or one["type"])


def _begun(incident: dict[str, Any] | None) -> dict[str, Any]:
    """A first draft: a circle around the incident, as it stands."""
    if incident is None:
        return {}
    place = incident.get("place") or {}
    told: dict[str, Any] = {"incident": incident["id"]}
    if place.get("lat") is not None:
        lat, lon = to_wgs84(place["lat"], place["lon"], Datum(place["datum"]))
        told |= {"lat": round(lat, 5), "lon": round(lon, 5), "radius_km": RADIUS_KM}
    return {
        **told,
        "area_zh": place.get("address_zh") or "",
        "area_en": place.get("address_en") or "",
    }


def _following(one: Warned, kind: Kind) -> dict[str, Any]:
    told = initial_of(one.content, one.incident)
    if kind is Kind.CANCEL:
        told |= {
            "urgency": Urgency.PAST.value,
            "valid_min": ENDED_MIN,
            "headline_zh": f"解除：{one.content.zh.headline}",
            "headline_en": f"Ended: {one.content.en.headline}",
        }
    return told


def _fixed(
    request: HttpRequest, opened: Connection, one: Warned, initial: dict[str, Any]
) -> WarningForm:
    """A form whose incident is settled."""
    row = get_row(opened, "incidents", one.incident)
    choices = [(str(one.incident), str(one.incident))] if row is None else _choices([row])
    form = WarningForm(request.POST or None, incidents=choices, initial=initial)
    form.fields["incident"].disabled = True
    return form


def _shown(one: Warned) -> dict[str, Any]:
    language = _language()
    content = one.content
    now = datetime.now(UTC)
    is_on = one.sent_at is not None and one.expires_at is not None
    return {
        "id": one.id,
        "kind": texts.KINDS[one.kind].of(language),
        "is": one.state,
        "edits": one.edits,
        "incident": one.incident,
        "words": [content.zh, content.en] if language == "zh" else [content.en, content.zh],
        "headline": content.en.headline if language == "en" else content.zh.headline,
        "category": texts.CATEGORIES[content.category].of(language),
        "urgency": texts.URGENCIES[content.urgency].of(language),
        "severity": texts.SEVERITIES[content.severity].of(language),
        "certainty": texts.CERTAINTIES[content.certainty].of(language),
        "circle": content.circle,
        "polygon": content.polygon,
        "geocodes": content.geocodes,
        "valid_min": content.valid_min,
        "written_name": one.written_name,
        "written_at": one.written_at,
        "approved_name": one.approved_name,
        "sent_at": one.sent_at,
        "expires_at": one.expires_at,
        "followed_by": one.followed_by,
        "is_over": one.expires_at is not None and one.expires_at <= now,
        "in_feed": is_on
        and one.sent_at is not None
        and one.expires_at is not None
        and is_listed(one.sent_at, one.expires_at, now),
    }


urlpatterns = [
    path("", listed, name="readiness_warnings"),
    path("new/", add, name="readiness_warning_add"),
    path("<uuid:warning>/", show, name="readiness_warning"),
    path("<uuid:warning>/edit/", edit, name="readiness_warning_edit"),
    path("<uuid:warning>/<str:kind>/", follow, name="readiness_warning_follow"),
]
