"""Django's registration of the readiness app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReadinessConfig(AppConfig):
    name = "tocsin.apps.readiness"
    label = "readiness"
    verbose_name = _("Reference data")
    default_auto_field = "django.db.models.BigAutoField"
