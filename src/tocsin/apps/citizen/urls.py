"""The public pages' addresses. They are printed on posters: with or without a slash."""

from __future__ import annotations

from django.urls import path, re_path

from tocsin.apps.citizen import cap_pages, follow_pages, report_pages

urlpatterns = [
    re_path(r"^report/?$", report_pages.report, name="citizen_report"),
    re_path(r"^follow/?$", follow_pages.ask, name="citizen_ask"),
    path("cap/feed.atom", cap_pages.feed, name="citizen_warnings"),
    path("cap/<uuid:warning>.xml", cap_pages.alert, name="citizen_warning"),
    path("follow/<str:code>", follow_pages.follow, name="citizen_follow"),
]
