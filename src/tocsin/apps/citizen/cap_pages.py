"""The public warnings for whoever asks: an Atom feed of what holds or ended lately, and each CAP
document, as it was published and for good."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from threading import Lock
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import http_date, parse_etags
from django.views.decorators.http import require_safe

from tocsin.apps.log import connection
from tocsin.record.database import Connection
from tocsin.record.warnings import document, documents, listed
from tocsin.wire.cap.alert import Alert, decode
from tocsin.wire.cap.feeds import CAP_TYPE
from tocsin.wire.cap.writing import Listed
from tocsin.wire.cap.writing import feed as written

FEED_S = 30
"""So long a feed may be out of date on its way."""

DOCUMENT_S = 86_400


class ReadOnce:
    """The warnings of the last feed, as they were read. What was published never changes, so that
    however many ask for it, and by whatever name of this server, it is read once a change."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: dict[UUID, Alert] = {}

    def of(self, opened: Connection, identifiers: list[UUID]) -> dict[UUID, Alert]:
        """The warnings, in their order."""
        with self._lock:
            new = [one for one in identifiers if one not in self._last]
            read = self._last | {
                identifier: decode(raw) for identifier, raw in documents(opened, new)
            }
            self._last = {one: read[one] for one in identifiers}
            return self._last


_READ = ReadOnce()


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """What is in force, and what ended within two days."""
    with connection() as opened:
        found = _READ.of(opened, listed(opened, datetime.now(UTC))[0])
        opened.rollback()
    base = _base(request)
    entries = [Listed(one, f"{base}/cap/{identifier}.xml") for identifier, one in found.items()]
    # An empty feed is of no time of its own; it must be the same each time.
    updated = max((one.sent for one in found.values()), default=datetime(2000, 1, 1, tzinfo=UTC))
    title = " / ".join(filter(None, (settings.SITE_NAME_ZH, settings.SITE_NAME_EN))) or "Tocsin"
    body = written(entries, title=title, own=f"{base}/cap/feed.atom", updated=updated)
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
