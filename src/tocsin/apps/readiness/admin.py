"""Reference data under /admin/: edited where Django owns it, only shown where the log does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tocsin.apps.people.models import Account
from tocsin.apps.readiness.models import Hydrant, IncidentRow, Station, UnitRow

if TYPE_CHECKING:
    Screens = admin.ModelAdmin[Any]
else:  # Django's class is generic for the type checker only
    Screens = admin.ModelAdmin


class Scoped(Screens):
    """Shows what belongs to the administrator's agency and districts, and nothing else."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        account = request.user
        assert isinstance(account, Account)
        rows = super().get_queryset(request).filter(agency=account.agency)
        return rows.filter(district__in=account.districts) if account.districts else rows


class Shown(Scoped):
    """Never changed here: what decides is changed by commands only."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Any = None,  # noqa: ARG002
    ) -> bool:
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Any = None,  # noqa: ARG002
    ) -> bool:
        return False


@admin.register(Hydrant)
class HydrantAdmin(Scoped):
    """Water sources."""

    list_display = ("number", "address", "district", "litres_per_min", "in_service", "checked_on")
    list_filter = ("district", "in_service")
    search_fields = ("number", "address")


@admin.register(Station)
class StationAdmin(Scoped):
    """A station's names and place. Which units it has is the log's."""

    list_display = ("name_zh", "name_en", "district", "agency")
    list_filter = ("district",)
    search_fields = ("name_zh", "name_en")
    readonly_fields = ("district", "agency")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Any = None,  # noqa: ARG002
    ) -> bool:
        return False


@admin.register(IncidentRow)
class IncidentAdmin(Shown):
    """Incidents, to look at."""

    list_display = ("number", "type", "level", "state", "district", "opened_at", "closed_at")
    list_filter = ("state", "type", "level", "district")
    ordering = ("-opened_at",)


@admin.register(UnitRow)
class UnitAdmin(Shown):
    """Units, to look at."""

    list_display = ("call_sign", "kind", "state", "district")
    list_filter = ("state", "kind", "district")
    ordering = ("call_sign",)
