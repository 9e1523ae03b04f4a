"""How far an administrator reaches on the screens under /admin/: what he sees there, and what a
form of his may say. What reaches how far is `core.access`; here is only what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tocsin.apps.log import connection
from tocsin.apps.people.grants import actor_of
from tocsin.apps.people.models import Account
from tocsin.core.access import may
from tocsin.core.terms import Actor, Role
from tocsin.record.views.standing import standings

if TYPE_CHECKING:
    Screens = admin.ModelAdmin[Any]
    Form = ModelForm[Any]
else:  # Django's classes are generic for the type checker only
    Screens, Form = admin.ModelAdmin, ModelForm


def actor_behind(request: HttpRequest) -> Actor:
    """The administrator who asks; only for requests that the admin has let in."""
    assert isinstance(request.user, Account)
    return actor_of(request.user)


def reaches(actor: Actor, act: str, agency: str, districts: Sequence[str]) -> bool:
    """Whether `actor` may do `act` in every one of `districts`; none stands for every district of
    the agency, which nobody reaches who is limited to some."""
    return all(may(actor, act, district=one, agency=agency) for one in districts or [""])


class ReachForm(Form):
    """Refuses a place that the administrator does not reach, at the field that names it."""

    actor: ClassVar[Actor]
    act: ClassVar[str]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        agency = values.get("agency", self.actor.agency)
        if agency != self.actor.agency:
            self._refuse("agency", _("You manage your own agency only."))
        else:
            self._check_districts(agency, values)
        return values

    def _check_districts(self, agency: str, values: dict[str, Any]) -> None:
        district = values.get("district")
        if district is not None and not reaches(self.actor, self.act, agency, [district]):
            self._refuse("district", _("You do not manage this district."))

    def _refuse(self, field: str, text: Any) -> None:
        self.add_error(field if field in self.fields else None, text)


class GrantForm(ReachForm):
    """A row that lets somebody act: it must not let him act where its maker reaches nothing."""

    def _check_districts(self, agency: str, values: dict[str, Any]) -> None:
        # Fields that are only shown to this administrator are as they are stored.
        districts = values.get("districts", self.instance.districts)
        unit = values.get("unit", self.instance.unit)
        role = values.get("role", self.instance.role)
        if not reaches(self.actor, self.act, agency, districts):
            self._refuse("districts", _("You do not manage all of these districts."))
        # A crew reaches whatever hangs on its unit, wherever its own row says that it belongs.
        if unit is not None and not self._reaches_unit(unit):
            self._refuse("unit", _("There is no such unit in what you manage."))
        if role == Role.CREW and unit is None and "unit" not in self.errors:
            self._refuse("unit", _("A crew needs the unit it speaks for."))

    def _reaches_unit(self, unit: UUID) -> bool:
        with connection() as opened:
            found = standings(opened, [unit])
        return any(
            of == unit and reaches(self.actor, self.act, agency, [district])
            for _, district, agency, of in found
        )


class Reach(Screens):
    """Screens of rows with an agency and one district. A foreign row answers as a missing one."""

    act = "manage:reference"
    form = ReachForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        actor = actor_behind(request)
        rows = super().get_queryset(request).filter(agency=actor.agency)
        return self.in_districts(rows, actor.districts) if actor.districts else rows

    def in_districts(self, rows: QuerySet[Any], districts: Sequence[str]) -> QuerySet[Any]:
        """Those of `rows` that an administrator of `districts` alone reaches."""
        return rows.filter(district__in=districts)

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> type[Any]:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"actor": actor_behind(request), "act": self.act})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        actor = actor_behind(request)
        return {**super().get_changeform_initial_data(request), "agency": actor.agency}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:  # noqa: ARG002
        """By the list's own filters only: Django lets an address filter by any field, so a hash or
        a digest could be guessed letter by letter."""
        return lookup.partition("__")[0] in self.get_list_filter(request)


class GrantReach(Reach):
    """The same for rows that let somebody act in several districts."""

    act = "manage:accounts"
    form = GrantForm

    def in_districts(self, rows: QuerySet[Any], districts: Sequence[str]) -> QuerySet[Any]:
        return rows.filter(districts__contained_by=districts).exclude(districts__len=0)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        districts = actor_behind(request).districts
        initial = super().get_changeform_initial_data(request)
        return {"districts": list(districts), **initial}
