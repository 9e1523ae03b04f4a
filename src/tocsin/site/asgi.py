"""`tocsin web` as one ASGI application: the stream, static files and map tiles here; everything
else goes to Django through a bounded number of threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from django.core.wsgi import get_wsgi_application
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tocsin.edge.stream import Stream
from tocsin.site.addresses import is_loopback
from tocsin.site.shell import BoundedDjango, Proxied, Secured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.site.settings")
WSGI: Final = get_wsgi_application()
# Below this line the apps are loaded: their modules may be imported.

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.template.loader import get_template  # noqa: E402
from django.urls import resolve  # noqa: E402

from tocsin.apps.citizen import answering as public_pages  # noqa: E402
from tocsin.apps.desk import problems  # noqa: E402
from tocsin.apps.log import close as close_log  # noqa: E402
from tocsin.site.start_page import BUILT  # noqa: E402

STATIC_PACKAGES: Final = [
    ("tocsin.apps.people", "static"),
    ("tocsin.apps.citizen", "static"),
    ("tocsin.apps.readiness", "static"),
    ("allauth.account", "static"),
    ("allauth.mfa", "static"),
    ("django.contrib.admin", "static"),
]


class Cached(StaticFiles):
    """Static files with their caching: names with a hash never change, others are asked for."""

    def __init__(self, *, seconds: int = 0, **where: object) -> None:
        # By the path as given: a directory may be reached through a door (site/doors.py), and its
        # true path, which the links in it would be followed to, be closed to us.
        super().__init__(check_dir=False, follow_symlink=True, **where)  # type: ignore[arg-type]
        self.cache = f"public, max-age={seconds}, immutable" if seconds else "no-cache"

    def file_response(self, *args: object, **kwargs: object):  # type: ignore[no-untyped-def]
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.setdefault("Cache-Control", self.cache)
        return response


def refuse(scope: Scope, status: int, reason: str) -> tuple[bytes, str]:
    """A refusal from outside Django in the caller's language: a problem document, or a page where
    the public reports."""
    asked = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
    language = problems.preferred_language(asked) or "zh"
    if scope["path"].startswith(public_pages.PATHS):
        return public_pages.refusal(status, language), "text/html; charset=utf-8"
    return problems.encode(status, reason, problems.words(reason, language)), problems.MEDIA_TYPE


async def health(request: Request) -> JSONResponse:  # noqa: ARG001
    """Alive: the event loop answers."""
    return JSONResponse({"alive": True})


async def ready(request: Request) -> JSONResponse:
    """Able to do its job: the database answers and the stream has caught up with the log."""
    stream: Stream = request.app.state.stream
    able = stream.problem is None
    return JSONResponse(
        {"ready": able, "stream_clients": stream.clients, "position": stream.position},
        status_code=200 if able else 503,
    )


def warm_up() -> None:
    """Load what Django would load with the first request: nobody should wait for that."""
    resolve("/accounts/login/")
    resolve("/api/v1/snapshot")
    get_template("account/login.html")


def build(stream: Stream) -> ASGIApp:
    """The application. The environment's settings are read once, here."""
    django = BoundedDjango(
        WSGI,
        refuse,
        threads=settings.THREADS,
        is_database_ok=lambda: stream.database_ok,
        public=public_pages.PATHS,
    )
    zipped = GZipMiddleware(django, minimum_size=1_400, compresslevel=3)
    tiles = settings.DATA / "tiles"

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.stream = stream
        await asyncio.to_thread(warm_up)
        async with stream.running():
            yield
        django.close(connections.close_all)
        close_log()

    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/health", health),
            Route("/ready", ready),
            Route("/api/v1/stream", _Stream(stream)),
            Mount("/map", Cached(directory=tiles)),
            Mount("/static/console/assets", _zipped(BUILT / "assets", seconds=31_536_000)),
            Mount("/static/console", _zipped(BUILT)),
            Mount(
                "/static",
                GZipMiddleware(Cached(packages=STATIC_PACKAGES), minimum_size=1_400),
            ),
            Mount("/", zipped),
        ],
    )
    proxy = os.environ.get("TOCSIN_WEB_PROXY", "")
    ends_tls = os.environ.get("TOCSIN_WEB_TLS") == "1"
    return Secured(
        Proxied(
            app,
            proxy=proxy,
            refuse=refuse,
            only_proxy=not (
                ends_tls or is_loopback(os.environ.get("TOCSIN_WEB_HOST", "localhost"))
            ),
        ),
        tls=settings.TLS,
    )


class _Stream:
    """An ASGI endpoint as a class, so that Starlette hands over scope, receive and send."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.stream.serve(scope, receive, send, refuse)


def _zipped(directory: Path, *, seconds: int = 0) -> ASGIApp:
    return GZipMiddleware(Cached(directory=directory, seconds=seconds), minimum_size=1_400)


stream = Stream(os.environ["TOCSIN_DATABASE_URL"], demo=settings.DEMO)
application = build(stream)
