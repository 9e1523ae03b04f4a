"""The forms of the sites screens. What a field may hold is checked by the record's import, the same
for a screen and a file; here is only how it is asked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tocsin.core.terms import Datum
from tocsin.record.site_rows import COLUMNS

_DATUMS = [(datum.value, datum.value) for datum in Datum]
_KEY_FORMS = [("hex", _("hexadecimal digits")), ("ascii", _("plain characters"))]


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
    account = forms.CharField(label=_("Device account"), max_length=16)
    key = forms.CharField(
        label=_("Device key"),
        max_length=64,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    key_form = forms.ChoiceField(label=_("Form of the key"), choices=_KEY_FORMS)
    interval_s = forms.CharField(
        label=_("Supervision interval, seconds"), max_length=10, required=False
    )

    def row(self) -> dict[str, Any]:
        """The cleaned fields as a row of the sites file."""
        values = {**self.cleaned_data, "protocol": "dc09"}
        return {column: str(values.get(column) or "") for column in (*COLUMNS, "address_en")}


class ImportForm(forms.Form):
    """A CSV file of sites and devices."""

    file = forms.FileField(label=_("CSV file (UTF-8)"))
