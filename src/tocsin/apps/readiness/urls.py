"""The reference-data screens that the Django admin cannot be: sites, devices, CSV import."""

from __future__ import annotations

from django.urls import include, path

from tocsin.apps.readiness import screens

urlpatterns = [
    path("codes/", include("tocsin.apps.readiness.codes")),
    path("sites/", screens.sites, name="readiness_sites"),
    path("sites/new/", screens.add, name="readiness_site_add"),
    path("sites/import/", screens.import_file, name="readiness_import"),
    path("sites/<uuid:site>/", screens.show, name="readiness_site"),
    path("sites/<uuid:site>/devices/new/", screens.edit, name="readiness_device_add"),
    path("sites/<uuid:site>/devices/<str:account>/", screens.edit, name="readiness_device"),
]
