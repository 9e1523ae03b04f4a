"""Block rules, on a screen: what is muted and how much of it, live; a rule is tried, put in force
or approved by another person, made longer, ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from tocsin.apps.log import connection, keyring
from tocsin.apps.readiness.blocks_shown import rule_shown, whole
from tocsin.apps.readiness.screens import for_blockers, for_readers_of_blocks
from tocsin.apps.readiness.siting import district_names
from tocsin.core.access import ever, may
from tocsin.core.block_match import ACCOUNT_CHARS_MAX, ANY
from tocsin.core.blocking import ApproveBlock, EndBlock, ExtendBlock, PutBlockInForce, TryBlock
from tocsin.core.blocks import WHY_CHARS_MAX
from tocsin.core.commands import PersonCommand
from tocsin.core.terms import Actor, Refused
from tocsin.core.texts.refusals import refusal_text
from tocsin.record.credentials import RULES
from tocsin.record.handle import handle
from tocsin.record.views import get_row, list_rows

Row = dict[str, Any]

RULES_SHOWN = 50
_MINUTES = (15, 30, 60, 120, 240, 480, 720, 1440)


def _durations() -> list[tuple[int, str]]:
    short = [
        (one, ngettext("%(count)d minute", "%(count)d minutes", one) % {"count": one})
        for one in _MINUTES
        if one < 60
    ]
    long = [
        (one, ngettext("%(count)d hour", "%(count)d hours", one // 60) % {"count": one // 60})
        for one in _MINUTES
        if one >= 60
    ]
    return short + long


class TryForm(forms.Form):
    """What a rule is to mute: each field a value or `*`."""

    district = forms.ChoiceField(label=gettext_lazy("District"))
    protocol = forms.ChoiceField(label=gettext_lazy("Protocol"))
    network = forms.CharField(label=gettext_lazy("Network address or range"), max_length=50)
    account = forms.CharField(label=gettext_lazy("Account"), max_length=ACCOUNT_CHARS_MAX)
    code = forms.CharField(label=gettext_lazy("Alarm code"), max_length=40)
    qualifier = forms.ChoiceField(label=gettext_lazy("Qualifier of the code"))
    zone = forms.CharField(label=gettext_lazy("Zone"), max_length=8)
    grave = forms.BooleanField(
        label=gettext_lazy("Mute its alarms for people's lives too (one device, at most one hour)"),
        required=False,
    )
    why = forms.CharField(label=gettext_lazy("Why"), max_length=WHY_CHARS_MAX)
    minutes = forms.TypedChoiceField(
        label=gettext_lazy("For"), choices=_durations, coerce=int, initial=60
    )

    def __init__(self, actor: Actor, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        names = district_names(_language())
        reached = {
            code: name
            for code, name in names.items()
            if may(actor, "try_block", district=code, agency=actor.agency)
        }
        anything = [(ANY, _("any (*)"))]
        protocols = anything + [(name, rules.name) for name, rules in RULES.items()]
        qualifiers = [
            *anything,
            ("1", _("new (1)")),
            ("3", _("restore (3)")),
            ("6", _("still present (6)")),
        ]
        self.fields["district"].choices = sorted(reached.items())  # type: ignore[attr-defined]
        self.fields["protocol"].choices = protocols  # type: ignore[attr-defined]
        self.fields["qualifier"].choices = qualifiers  # type: ignore[attr-defined]


class LongerForm(forms.Form):
    """How much longer, from now."""

    minutes = forms.TypedChoiceField(
        label=gettext_lazy("From now"), choices=_durations, coerce=int, initial=60
    )


@for_readers_of_blocks
def rules(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What is muted now, what waits for its approval, what was last."""
    rows = _listed(actor, is_open=True)
    context = {
        "running": [one for one in rows if one["stage"] == "in_force"],
        "drafts": [one for one in rows if one["stage"] == "draft"],
        "ended": _listed(actor, is_open=False),
        "may_try": ever(actor, "try_block"),
    }
    name = "blocks_live.html" if "live" in request.GET else "blocks.html"
    return render(request, f"readiness/{name}", context)


@for_blockers
def draft(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A rule is drafted and tried on the last day; it mutes nothing yet."""
    form = TryForm(actor, request.POST or None)
    if request.method == "POST" and form.is_valid():
        fields = dict(form.cleaned_data)
        until = datetime.now(UTC) + timedelta(minutes=fields.pop("minutes"))
        made = _do(request, actor, TryBlock(**fields, until=until))
        if made is not None:
            return HttpResponseRedirect(reverse("readiness_block", kwargs={"block": made}))
    return render(request, "readiness/block_form.html", {"form": form})


@for_readers_of_blocks
def rule(request: HttpRequest, actor: Actor, block: UUID) -> HttpResponse:
    """One rule: its dry run, its signals as they come, its end."""
    row = _found(actor, block)
    form = LongerForm(request.POST or None)
    if request.method == "POST":
        command, done = _asked(request, block, form)
        place = {"district": row["district"], "agency": row["agency"]}
        if command is None or not may(actor, command.type, **place):
            raise Http404
        if _do(request, actor, command) is not None:
            messages.success(request, done)
        return HttpResponseRedirect(request.path)
    with connection() as opened:
        context = {**whole(opened, row, _language()), "form": form}
    context["is_author"] = row["by"] == actor.id
    context["may_put"] = ever(actor, "put_block_in_force")
    context["may_end"] = ever(actor, "end_block")
    name = "block_live.html" if "live" in request.GET else "block.html"
    return render(request, f"readiness/{name}", context)


def _asked(request: HttpRequest, block: UUID, form: LongerForm) -> tuple[PersonCommand | None, str]:
    """The command that a button stands for, and what to say when it is done."""
    if "end" in request.POST:
        return EndBlock(block), _("The rule has ended. Its signals alarm again.")
    if "put" in request.POST:
        return PutBlockInForce(block), _("The rule is in force.")
    if "approve" in request.POST:
        return ApproveBlock(block), _("The rule is in force.")
    if form.is_valid():
        until = datetime.now(UTC) + timedelta(minutes=form.cleaned_data["minutes"])
        return ExtendBlock(block, until), _("The rule was tried again and goes on longer.")
    return None, ""


def _do(request: HttpRequest, actor: Actor, command: PersonCommand) -> UUID | None:
    """The rule that the command was about; a refusal is said on the next page."""
    with connection() as opened:
        try:
            outcome = handle(
                opened,
                keyring(),
                command,
                actor=actor,
                key=f"screen:{actor.id}:{uuid4()}",
                now=datetime.now(UTC),
                obligations=settings.OBLIGATIONS,
            )
        except Refused as refusal:
            messages.error(request, refusal_text(refusal).of(_language()))
            return None
    return outcome.facts[0].subject


def _found(actor: Actor, block: UUID) -> Row:
    with connection() as opened:
        row = get_row(opened, "blocks", block)
    if row is None or not may(actor, "read:block", district=row["district"], agency=row["agency"]):
        raise Http404
    return row


def _listed(actor: Actor, *, is_open: bool) -> list[Row]:
    with connection() as opened:
        page = list_rows(
            opened,
            "blocks",
            limit=200 if is_open else RULES_SHOWN,
            filters={"open": is_open},
            districts=actor.districts,
            agency=actor.agency,
        )
    return [rule_shown(row, _language()) for row in page["items"]]


def _language() -> str:
    return "en" if get_language() == "en" else "zh"
