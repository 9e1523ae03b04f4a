"""What every page of ours shows: the site's name and whether this is a demo."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from tocsin.apps.people.models import Notice


def site(request: HttpRequest) -> dict[str, object]:  # noqa: ARG001
    """Template variables; name and notice follow the page's language. The notice is looked up only
    where a page shows it."""
    chinese = (get_language() or "").startswith("zh")
    names = (settings.SITE_NAME_ZH, settings.SITE_NAME_EN)
    name = names[0] or names[1] if chinese else names[1] or names[0]

    def notice() -> str:
        found = Notice.objects.filter(place="sign_in").first()
        return "" if found is None else found.text_zh if chinese else found.text_en

    return {"site_name": name, "demo": settings.DEMO, "sign_in_notice": SimpleLazyObject(notice)}
