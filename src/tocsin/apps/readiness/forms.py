"""The forms of the sites screens. What a field may hold is checked by the record's import, the same
for a screen and a file; here is only how it is asked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tocsin.core.confirmation import ConfirmRule
from tocsin.core.on_test import WHY_CHARS_MAX
from tocsin.core.supervision import REPORTING_S
from tocsin.core.terms import Datum
from tocsin.core.texts.confirming import CONFIRM_RULES
from tocsin.record import confirming_columns
from tocsin.record.credentials import ACCOUNT_CHARS_MAX, KEY_BYTES_MAX, RULES
from tocsin.record.site_rows import COLUMNS

_DATUMS = [(datum.value, datum.value) for datum in Datum]
_KEY_FORMS = [("hex", _("hexadecimal digits")), ("ascii", _("plain characters"))]
_PROTOCOLS = [(name, rules.name) for name, rules in RULES.items()]
_HOURS = (1, 2, 4, 8, 12, 24)


def _hours() -> list[tuple[int, str]]:
    return [
        (hours, ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours})
        for hours in _HOURS
    ]


def _rules() -> list[tuple[str, str]]:
    language = get_language() or "zh"
    return [(rule.value, CONFIRM_RULES[rule].of(language)) for rule in ConfirmRule]


def _classes() -> list[tuple[str, str]]:
    known = [(one.value, f"{one} · {span(seconds)}") for one, seconds in REPORTING_S.items()]
    return [("", gettext("none")), *known]


def span(seconds: int) -> str:
    """The time in the largest unit that says it whole: `25 hours`, `90 seconds`."""
    if seconds % 86_400 == 0:
        count = seconds // 86_400
        return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
    if seconds % 3_600 == 0:
        count = seconds // 3_600
        return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}
    if seconds % 60 == 0:
        count = seconds // 60
        return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}
    return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}


class SiteForm(forms.Form):
    """A site with one of its devices, as one row of the sites file."""

    site = forms.CharField(label=_("Name in your register"), max_length=200)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=200, required=False)
    name_en = forms.CharField(label=_("English name"), max_length=200, required=False)
    address = forms.CharField(label=_("Address"), max_length=200)
    address_en = forms.CharField(label=_("Address in English"), max_length=200, required=False)
    lat = forms.CharField(label=_("Latitude, degrees"), max_length=20)
    lon = forms.CharField(label=_("Longitude, degrees"), max_length=20)
    datum = forms.ChoiceField(label=_("Datum"), choices=_DATUMS)
    district = forms.CharField(label=_("District"), max_length=40)
    protocol = forms.ChoiceField(label=_("Protocol"), choices=_PROTOCOLS, initial="dc09")
    account = forms.CharField(label=_("Device account"), max_length=ACCOUNT_CHARS_MAX)
    key = forms.CharField(
        label=_("Device key"),
        max_length=2 * KEY_BYTES_MAX,
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    key_form = forms.ChoiceField(label=_("Form of the key"), choices=_KEY_FORMS)
    interval_s = forms.CharField(
        label=_("Supervision interval, seconds"), max_length=10, required=False
    )
    supervision_class = forms.ChoiceField(
        label=_("Supervision class (EN 50136-1)"), choices=_classes, required=False
    )
    dialect = forms.CharField(label=_("Dialect"), max_length=80, required=False)
    confirm = forms.ChoiceField(
        label=_("What confirms an intrusion alarm"), choices=_rules, required=False
    )
    confirm_window_s = forms.CharField(
        label=_("Confirmation window, seconds"), max_length=10, required=False
    )
    abort_s = forms.CharField(label=_("Abort window, seconds"), max_length=10, required=False)
    two_trip_s = forms.CharField(label=_("Two-trip window, seconds"), max_length=10, required=False)

    def row(self) -> dict[str, Any]:
        """The cleaned fields as a row of the sites file."""
        columns = (
            *(*COLUMNS, "address_en", "dialect", "supervision_class"),
            *confirming_columns.COLUMNS,
        )
        return {column: str(self.cleaned_data.get(column) or "") for column in columns}


class AdoptForm(SiteForm):
    """A device that was heard, for a site: one that is there, or a new one."""

    PLACE = ("name_zh", "name_en", "address", "address_en", "lat", "lon", "datum", "district")

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        for name in self.PLACE:
            self.fields[name].required = False


class ImportForm(forms.Form):
    """A CSV file of sites and devices, or a workbook of the whole register."""

    file = forms.FileField(label=_("Workbook (.xlsx) or CSV file (UTF-8)"))


class OnTestForm(forms.Form):
    """What is put on test; why, and for how long."""

    scope = forms.ChoiceField(label=_("What is on test"))
    why = forms.CharField(label=_("Why"), max_length=WHY_CHARS_MAX)
    hours = forms.TypedChoiceField(label=_("For"), choices=_hours, coerce=int, initial=1)


class ExtendForm(forms.Form):
    """How much longer, from now."""

    hours = forms.TypedChoiceField(label=_("From now"), choices=_hours, coerce=int)


class WatchForm(forms.Form):
    """Whom the installer waits for."""

    account = forms.CharField(
        label=_("Account that you wait for"), max_length=ACCOUNT_CHARS_MAX, required=False
    )
    address = forms.GenericIPAddressField(label=_("Network address"), required=False)
