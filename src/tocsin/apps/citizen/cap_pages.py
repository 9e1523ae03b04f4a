"""The public warnings for whoever asks: an Atom feed of what holds or ended lately, and each CAP
document, as it was published and for good."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import http_date, parse_etags
from django.views.decorators.http import require_safe

from tocsin.apps.log import connection
from tocsin.record.warnings import document, documents
from tocsin.wire.cap.alert import decode
from tocsin.wire.cap.feeds import CAP_TYPE
from tocsin.wire.cap.writing import Listed
from tocsin.wire.cap.writing import feed as written

FEED_S = 30
"""So long a feed may be out of date on its way."""

DOCUMENT_S = 86_400


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """What is in force, and what ended within two days."""
    now = datetime.now(UTC)
    with connection() as opened:
        found = documents(opened, now)
        opened.rollback()
    base = _base(request)
    listed = [Listed(decode(raw), f"{base}/cap/{identifier}.xml") for identifier, raw, _ in found]
    # An empty feed is of no time of its own; it must be the same each time.
    updated = max((sent for *_, sent in found), default=datetime(2000, 1, 1, tzinfo=UTC))
    title = " / ".join(filter(None, (settings.SITE_NAME_ZH, settings.SITE_NAME_EN))) or "Tocsin"
    body = written(listed, title=title, own=f"{base}/cap/feed.atom", updated=updated)
    return _cached(request, body, "application/atom+xml", updated, FEED_S)


@require_safe
def alert(request: HttpRequest, warning: UUID) -> HttpResponse:
    """One document, byte by byte as it was signed."""
    with connection() as opened:
        found = document(opened, warning)
        opened.rollback()
    if found is None:
        raise Http404
    return _cached(request, found[0], CAP_TYPE, found[1], DOCUMENT_S)


def _base(request: HttpRequest) -> str:
    told = str(settings.WARNINGS.get("address") or "")
    return told.rstrip("/") or f"{request.scheme}://{request.get_host()}"


def _cached(
    request: HttpRequest, body: bytes, media_type: str, changed: datetime, seconds: int
) -> HttpResponse:
    etag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    known = etag in parse_etags(request.headers.get("If-None-Match", ""))
    answer = HttpResponse(
        b"" if known else body, status=304 if known else 200, content_type=media_type
    )
    answer["ETag"] = etag
    answer["Last-Modified"] = http_date(changed.timestamp())
    answer["Cache-Control"] = f"public, max-age={seconds}"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer
