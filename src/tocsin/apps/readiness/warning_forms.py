"""The form of a public warning, and its way to and from what a warning says."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tocsin.core.texts import warnings as texts
from tocsin.core.warnings import (
    EVENT_CHARS_MAX,
    HEADLINE_CHARS_MAX,
    TEXT_CHARS_MAX,
    Category,
    Certainty,
    Content,
    Severity,
    Urgency,
    Words,
    Wrong,
    mistakes,
)

_LONG = forms.Textarea(attrs={"rows": 3})
_NAMES = ("event", "headline", "description", "instruction", "area")


def _line(label: Any, most: int) -> forms.CharField:
    return forms.CharField(label=label, max_length=most)


def _text(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=TEXT_CHARS_MAX, widget=_LONG)


class WarningForm(forms.Form):
    """A warning in both languages, and where it holds."""

    incident = forms.ChoiceField(label=_("Incident"))
    category = forms.ChoiceField(label=_("Category"))
    urgency = forms.ChoiceField(label=_("Urgency"))
    severity = forms.ChoiceField(label=_("Severity"))
    certainty = forms.ChoiceField(label=_("Certainty"))
    valid_min = forms.IntegerField(label=_("Valid for, minutes"), initial=120)
    event_zh = _line(_("Event, Chinese"), EVENT_CHARS_MAX)
    event_en = _line(_("Event, English"), EVENT_CHARS_MAX)
    headline_zh = _line(_("Headline, Chinese"), HEADLINE_CHARS_MAX)
    headline_en = _line(_("Headline, English"), HEADLINE_CHARS_MAX)
    description_zh = _text(_("What happens, Chinese"))
    description_en = _text(_("What happens, English"))
    instruction_zh = _text(_("What to do, Chinese"))
    instruction_en = _text(_("What to do, English"))
    area_zh = _line(_("Name of the area, Chinese"), HEADLINE_CHARS_MAX)
    area_en = _line(_("Name of the area, English"), HEADLINE_CHARS_MAX)
    lat = forms.FloatField(label=_("Centre, latitude (WGS-84)"), required=False)
    lon = forms.FloatField(label=_("Centre, longitude (WGS-84)"), required=False)
    radius_km = forms.FloatField(label=_("Radius, kilometres"), required=False)
    polygon = forms.CharField(label=_("Polygon (WGS-84)"), widget=_LONG, required=False)
    geocodes = forms.CharField(label=_("Codes of the area"), widget=_LONG, required=False)
    edits = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *arguments: Any, incidents: list[tuple[str, str]], **more: Any) -> None:
        super().__init__(*arguments, **more)
        language = "en" if get_language() == "en" else "zh"
        choices: dict[str, list[tuple[str, str]]] = {
            "incident": incidents,
            "category": [(one.value, texts.CATEGORIES[one].of(language)) for one in Category],
            "urgency": [(one.value, texts.URGENCIES[one].of(language)) for one in Urgency],
            "severity": [(one.value, texts.SEVERITIES[one].of(language)) for one in Severity],
            "certainty": [(one.value, texts.CERTAINTIES[one].of(language)) for one in Certainty],
        }
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = values

    def content(self) -> Content | None:
        """What the form says, None where something is wrong, which is shown at its field."""
        if not self.is_valid():
            return None
        told = self.cleaned_data
        language = "en" if get_language() == "en" else "zh"
        centre = (told["lat"], told["lon"], told["radius_km"])
        if any(one is not None for one in centre) and None in centre:
            self.add_error("lat", texts.WRONGS[Wrong.PLACE].of(language))
            return None
        try:
            polygon = tuple(_point(line) for line in told["polygon"].split("\n") if line.strip())
        except ValueError:
            self.add_error("polygon", texts.WRONGS[Wrong.POLYGON].of(language))
            return None
        pairs = [line.partition("=") for line in told["geocodes"].split("\n") if line.strip()]
        content = Content(
            zh=Words(*(told[f"{name}_zh"].replace("\r\n", "\n") for name in _NAMES)),
            en=Words(*(told[f"{name}_en"].replace("\r\n", "\n") for name in _NAMES)),
            category=Category(told["category"]),
            urgency=Urgency(told["urgency"]),
            severity=Severity(told["severity"]),
            certainty=Certainty(told["certainty"]),
            valid_min=told["valid_min"],
            circle=None if None in centre else centre,
            polygon=polygon,
            geocodes=tuple((name.strip(), code.strip()) for name, _sign, code in pairs),
        )
        wrong = mistakes(content)
        for field, one in wrong:
            self.add_error(field, texts.WRONGS[one].of(language))
        return None if wrong else content


def _point(line: str) -> tuple[float, float]:
    lat, lon = line.split(",")
    return float(lat), float(lon)


def initial_of(content: Content, incident: UUID) -> dict[str, Any]:
    """The form's values for what a warning says."""
    lat, lon, radius_km = content.circle or (None, None, None)
    return {
        "incident": str(incident),
        **{f"{name}_zh": getattr(content.zh, name) for name in _NAMES},
        **{f"{name}_en": getattr(content.en, name) for name in _NAMES},
        "category": content.category.value,
        "urgency": content.urgency.value,
        "severity": content.severity.value,
        "certainty": content.certainty.value,
        "valid_min": content.valid_min,
        "lat": lat,
        "lon": lon,
        "radius_km": radius_km,
        "polygon": "\n".join(f"{one},{other}" for one, other in content.polygon),
        "geocodes": "\n".join(f"{name}={code}" for name, code in content.geocodes),
    }
