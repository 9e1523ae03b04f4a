"""The forms of the code tables. What a row may hold is checked by the record, the same for a screen
and a file; here is only how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tocsin.apps.readiness.codes_shown import SEARCH_CHARS_MAX, told
from tocsin.core.codes.overrides import EFFECTS as KINDS
from tocsin.core.signals import Effect
from tocsin.core.terms import IncidentType, Level
from tocsin.core.texts.lists import EFFECTS, LEVELS
from tocsin.core.texts.types import INCIDENT_TYPES
from tocsin.record.code_rows import COLUMNS, TEXT_CHARS_MAX
from tocsin.record.code_tables import REASON_CHARS_MAX
from tocsin.record.code_trial import DAYS, DAYS_MAX

_LISTS = [("cid", "Contact ID"), ("sia", "SIA")]
_QUALIFIERS = [("", _("all")), ("1", _("1 new")), ("3", _("3 restore")), ("6", _("6 still"))]
_ANSWERS = [("yes", _("yes: it opens an incident")), ("no", _("no: it is only recorded"))]
_WIDE = forms.Textarea(attrs={"rows": 2})


def _effects(which: Sequence[Effect]) -> list[tuple[str, str]]:
    return [(one.value, told(EFFECTS[one])) for one in which]


class FilterForm(forms.Form):
    """Which rows of the whole table are shown."""

    search = forms.CharField(label=_("Code or words"), max_length=SEARCH_CHARS_MAX, required=False)
    list = forms.ChoiceField(
        label=_("List"),
        choices=[("", _("all")), *_LISTS, ("cap", "CAP")],
        required=False,
    )
    effect = forms.ChoiceField(label=_("Effect"), required=False)
    changed = forms.BooleanField(label=_("Only what differs"), required=False)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        field = self.fields["effect"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("all")), *_effects(KINDS)]


class RowForm(forms.Form):
    """One row of a draft: the columns of the file."""

    list = forms.ChoiceField(label=_("List"), choices=_LISTS)
    code = forms.CharField(label=_("Alarm code"), max_length=3)
    qualifier = forms.ChoiceField(
        label=_("Qualifier (Contact ID)"), choices=_QUALIFIERS, required=False
    )
    zone_from = forms.CharField(label=_("Zones from"), max_length=6, required=False)
    zone_to = forms.CharField(label=_("Zones to"), max_length=6, required=False)
    effect = forms.ChoiceField(label=_("Effect"))
    type = forms.ChoiceField(label=_("Incident type"))
    level = forms.ChoiceField(label=_("Priority"))
    text_zh = forms.CharField(label=_("Chinese text"), max_length=TEXT_CHARS_MAX, required=False)
    text_en = forms.CharField(label=_("English text"), max_length=TEXT_CHARS_MAX, required=False)
    needs_answer = forms.ChoiceField(label=_("Somebody must act"), choices=_ANSWERS)
    reason = forms.CharField(label=_("Why; it is kept"), max_length=200, required=False)
    edits = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        choices = {
            "effect": _effects(KINDS),
            "type": [(one.value, told(INCIDENT_TYPES[one])) for one in IncidentType],
            "level": [(str(one.value), told(LEVELS[one])) for one in Level],
        }
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = values

    def row(self) -> dict[str, str]:
        """The cleaned fields as a row of the file."""
        return {column: str(self.cleaned_data.get(column) or "") for column in COLUMNS}


class FileForm(forms.Form):
    """A CSV file that becomes the draft."""

    file = forms.FileField(label=_("CSV file (UTF-8)"))


class TrialForm(forms.Form):
    """How far back a trial looks, and codes typed by hand."""

    days = forms.IntegerField(label=_("Days back"), min_value=1, max_value=DAYS_MAX, initial=DAYS)
    samples = forms.CharField(
        label=_("Codes to try besides, with commas between"), max_length=200, required=False
    )


class ForceForm(forms.Form):
    """The second act: why a version is to decide."""

    reason = forms.CharField(
        label=_("Reason; it is kept"), max_length=REASON_CHARS_MAX, widget=_WIDE, required=False
    )
    silences = forms.CharField(
        label=_("Why these alarms may open no incident; it is kept"),
        max_length=REASON_CHARS_MAX,
        widget=_WIDE,
        required=False,
    )
    begins = forms.DateTimeField(
        label=_("From (UTC)"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
