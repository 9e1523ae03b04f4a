"""Django's registration of the accounts app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "tocsin.apps.people"
    label = "people"
    verbose_name = _("Accounts and tokens")
    default_auto_field = "django.db.models.BigAutoField"
