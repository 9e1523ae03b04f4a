"""A feed's server on a real socket, which answers as it is told and notes what it was asked; and
the settings of the CAP intake with the pauses of a test."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tocsin.site.intakes.cap import Cap

Answer = Callable[["Request"], None]


@dataclass(frozen=True)
class FastFeed:
    """As a feed in the settings, whose least interval is a minute."""

    name: str
    url: str
    kind: str = "any"
    interval_s: float = 0.05
    misses_max: int = 3
    languages: tuple[str, ...] = ()
    district: str = ""
    hosts: tuple[str, ...] = ()
    anchors: str = ""
    tls_ca: str = ""
    authorization: str = ""
    area: str = ""
    geocodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FastCap:
    """The CAP section with such feeds; everything else as configured by default."""

    feeds: tuple[FastFeed, ...] = ()
    partners: tuple[Any, ...] = ()
    expire_every_s: float = 0.05
    port: int = 0
    tls_port: int = -1
    tls_cert: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""
    rest: Cap = field(default_factory=Cap)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rest, name)


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    at: float


class Request(BaseHTTPRequestHandler):
    """One request; the answers below write to it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        headers = {name.lower(): value for name, value in self.headers.items()}
        site.asked.append(Asked(self.path, headers, time.monotonic()))
        site.pages.get(self.path, status(404))(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def send(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Quiet(ThreadingHTTPServer):
    """Whoever hangs up on it is no error."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        pass


@dataclass
class Site:
    """`pages` by path may be changed while it runs; `asked` is in order."""

    url: str = ""
    pages: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def times(self, path: str) -> int:
        return sum(1 for one in self.asked if one.path == path)


@contextmanager
def site() -> Iterator[Site]:
    server = Quiet(("127.0.0.1", 0), Request)
    found = Site(f"http://127.0.0.1:{server.server_address[1]}")
    server.site = found  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def page(body: bytes, **headers: str) -> Answer:
    return lambda request: request.send(200, body, **headers)


def status(code: int, **headers: str) -> Answer:
    return lambda request: request.send(code, b"", **headers)


def versioned(body: bytes, etag: str, modified: str = "") -> Answer:
    """Unchanged for whoever has it."""

    def answer(request: Request) -> None:
        if request.headers.get("If-None-Match") == etag:
            request.send(304, ETag=etag)
        else:
            request.send(200, body, ETag=etag, Last_Modified=modified)

    return answer


def redirect(to: str) -> Answer:
    return lambda request: request.send(302, b"", Location=to)


def packed(body: bytes) -> Answer:
    return page(gzip.compress(body), Content_Encoding="gzip")


def endless(request: Request) -> None:
    """As much as is read, never ending by itself."""
    request.send_response(200)
    request.end_headers()
    try:
        while True:
            request.wfile.write(b" " * 65_536)
    except OSError:
        pass


def dripping(request: Request) -> None:
    """A byte now and then."""
    request.send_response(200)
    request.end_headers()
    try:
        for _ in range(1_000):
            request.wfile.write(b" ")
            request.wfile.flush()
            time.sleep(0.01)
    except OSError:
        pass


def hung_up(request: Request) -> None:
    request.close_connection = True
    request.connection.close()


def atom(*entries: str) -> bytes:
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{inside}</feed>'.encode()


def linked(href: str, updated: str = "2026-07-11T07:20:00Z") -> str:
    link = f'<link type="application/cap+xml" href="{href}"/>'
    return f"<id>{href}</id><updated>{updated}</updated>{link}"


def inside(document: bytes) -> str:
    return f'<content type="text/xml">{document.split(b"?>", 1)[1].decode()}</content>'
