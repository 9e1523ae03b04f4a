"""The reference-data screens that the Django admin cannot be: sites and devices, import and export,
what is on test, connecting a panel."""

from __future__ import annotations

from django.urls import include, path

from tocsin.apps.readiness import blocks, connecting, intakes, screens, testing

urlpatterns = [
    path("codes/", include("tocsin.apps.readiness.codes")),
    path("sites/", screens.sites, name="readiness_sites"),
    path("sites/new/", screens.add, name="readiness_site_add"),
    path("sites/import/", screens.import_file, name="readiness_import"),
    path("sites/export/", screens.export_file, name="readiness_export"),
    path("sites/<uuid:site>/", screens.show, name="readiness_site"),
    path("sites/<uuid:site>/devices/new/", screens.edit, name="readiness_device_add"),
    path("sites/<uuid:site>/devices/<uuid:device>/", screens.edit, name="readiness_device"),
    path(
        "sites/<uuid:site>/devices/<uuid:device>/forget/",
        screens.forget_recognised,
        name="readiness_forget",
    ),
    path("sites/<uuid:site>/test/", testing.put_on_test, name="readiness_put_on_test"),
    path("tests/", testing.tests, name="readiness_on_tests"),
    path("tests/<uuid:on_test>/", testing.test, name="readiness_on_test"),
    path("blocks/", blocks.rules, name="readiness_blocks"),
    path("blocks/try/", blocks.draft, name="readiness_block_try"),
    path("blocks/<uuid:block>/", blocks.rule, name="readiness_block"),
    path("connect/", connecting.begin, name="readiness_connect"),
    path("connect/frames/", connecting.heard, name="readiness_frames"),
    path("connect/device/", connecting.adopt, name="readiness_adopt"),
    path("warnings/", include("tocsin.apps.readiness.warning_pages")),
    path("kept/", screens.kept, name="readiness_kept"),
    path("looked/", screens.looked, name="readiness_looked"),
    path("intakes/", intakes.intakes, name="readiness_intakes"),
]
