"""Reference data under /admin/: edited where Django owns it, only shown where the log does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from tocsin.apps.people.scope import Reach
from tocsin.apps.readiness.models import Hydrant, IncidentRow, Station, UnitRow


class Shown(Reach):
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
class HydrantAdmin(Reach):
    """Water sources."""

    list_display = ("number", "address", "district", "litres_per_min", "in_service", "checked_on")
    list_filter = ("district", "in_service")
    search_fields = ("number", "address")


@admin.register(Station)
class StationAdmin(Reach):
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
