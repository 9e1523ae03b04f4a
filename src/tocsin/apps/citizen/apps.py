"""Django's registration of the public pages."""

from __future__ import annotations

from django.apps import AppConfig


class CitizenConfig(AppConfig):
    name = "tocsin.apps.citizen"
    label = "citizen"
