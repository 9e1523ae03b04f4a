"""Django's registration of the desk app. It has no tables: its rows are the log's read tables."""

from __future__ import annotations

from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "tocsin.apps.desk"
    label = "desk"
